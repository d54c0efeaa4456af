"""Choose engine and variant on this machine: right on the golden samples first, then the fastest, then remembered.

What is asked for by name is used, or fails. `auto` looks at the engines that run on the processor; any other is used
only when it is named.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .backends import BACKENDS, Options, Session, backend_named
from .bundle import Bundle
from .choice import AUTO, Candidate, Choice, Trial
from .choice_file import Question
from .errors import BackendError, EdgewardError, GateError, RequestError
from .feed import Feed, GraphInputs
from .golden import check_session, refused
from .manifest import REFERENCE_ENGINE
from .opening import ContractError, open_variant
from .provenance import edgeward_version

CPU_ENGINES = (REFERENCE_ENGINE, "openvino")
"""What `auto` looks at, the reference first."""

_CLEARLY = 0.95
"""Something is faster where it takes less than this share of the time; what is not is left to the order."""
_ROUNDS, _FEWEST_ROUNDS = 15, 2
_BLOCK_S, _BUDGET_S = 0.004, 2.0
_INPUTS = 64
_LEAST_SHARE = 0.8
"""Of a processor, while contenders are timed: with less, something else was at work, and their times say little."""
_TICK_S = 0.016
"""Windows counts the time of a process in such ticks; the one that may be missing is no sign of other work."""


def open_chosen(bundle: Bundle, backend: str, precision: str, options: Options) -> tuple[Session, Choice]:
    """Choose, and open what was chosen.

    Raises:
        RequestError: There is no such backend, device or variant, or a device is asked for but no backend.
        BackendError: The engine that was asked for is absent, or no engine takes the graph.
        GateError: Every engine computes something else than the golden samples say.
        BundleError: The bundle is damaged, or its golden file unusable.
    """
    if AUTO not in (backend, precision):
        variant = bundle.manifest.variant(precision, backend_named(backend).name)
        asked = {"backend": backend, "precision": precision}
        return open_variant(bundle, backend, variant, options), Choice(backend, variant, "asked for", asked)
    if backend == AUTO and options.device is not None:
        raise RequestError(
            f"a device is one of an engine's: name the backend too, e.g. backend='onnxruntime', "
            f"device={options.device!r}; {AUTO} looks at processors only"
        )
    contest = _contest(bundle, backend, precision, options)
    recalled, reason = contest.question.recall(contest.offered)
    if recalled:
        try:
            return open_variant(bundle, recalled.backend, recalled.variant, options), recalled
        except BackendError as error:
            reason = f"{recalled.backend} does not open any more what was remembered: {error}"
    return _measure(contest, reason)


def choose_again(bundle: Bundle) -> Choice:
    """Measure what `auto` takes, whatever was remembered, and remember it. Errors as in `open_chosen`."""
    session, choice = _measure(_contest(bundle, AUTO, AUTO, Options()), "")
    session.close()
    return choice


@dataclass(frozen=True)
class _Contest:
    question: Question
    offered: Sequence[Candidate]
    absent: Mapping[str, str]


def _contest(bundle: Bundle, backend: str, precision: str, options: Options) -> _Contest:
    absent = _absent(backend)
    software = {"edgeward": edgeward_version(), **{name: BACKENDS[name].probe().reason for name in _engines(backend)}}
    question = Question(bundle, {"backend": backend, "precision": precision}, options, software)
    return _Contest(question, _offered(bundle, backend, precision, absent), absent)


def _measure(contest: _Contest, reason: str) -> tuple[Session, Choice]:
    """Measure, remember, and leave what is taken open; the choice notes why it was measured or is not remembered."""
    question = contest.question
    sessions: dict[Candidate, Session] = {}
    try:
        trials = _tried(question.bundle, contest.offered, question.options, sessions)
        busy = _time(trials, sessions, _inputs(question.bundle))
        chosen = _best(question.bundle, trials)
        session = sessions.pop(chosen)
    finally:
        for other in sessions.values():
            other.close()
    choice = Choice(
        chosen.backend,
        chosen.variant,
        how="measured",
        asked=question.asked,
        trials=tuple(trials.values()),
        absent=contest.absent,
        measured_at=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
    )
    forgotten = busy if busy and _on_processor(chosen, question.options) else question.remember(choice)
    return session, replace(choice, notes=tuple(note for note in (reason, forgotten) if note))


def _on_processor(candidate: Candidate, options: Options) -> bool:
    """Whether it computes in this process, and does not wait for another device."""
    return candidate.backend in CPU_ENGINES and options.device in (None, "cpu")


def _engines(backend: str) -> tuple[str, ...]:
    return CPU_ENGINES if backend == AUTO else (backend_named(backend).name,)


def _absent(backend: str) -> dict[str, str]:
    """Engines that cannot be tried here, and why."""
    probes = {name: BACKENDS[name].probe() for name in _engines(backend)}
    absent = {name: probe.reason for name, probe in probes.items() if not probe.available}
    if len(absent) == len(probes):
        raise BackendError("; ".join(f"{name}: {reason}" for name, reason in absent.items()))
    return absent


def _offered(bundle: Bundle, backend: str, precision: str, absent: Mapping[str, str]) -> list[Candidate]:
    """All there is to choose from, what the bundle takes for the default first."""
    manifest = bundle.manifest
    present = [name for name in _engines(backend) if name not in absent]
    offered: list[Candidate] = []
    for engine in present:
        if not (variants := list(manifest.variants_for(engine))):
            continue
        usual = manifest.variant(None, engine)
        variants.sort(key=lambda variant: variant != usual)
        offered += [Candidate(engine, variant) for variant in variants if precision in (AUTO, variant.precision)]
    if not offered:
        manifest.variant(precision, present[0])  # raises, and says which there are
    return offered


def _tried(
    bundle: Bundle, offered: Sequence[Candidate], options: Options, sessions: dict[Candidate, Session]
) -> dict[Candidate, Trial]:
    """How far each candidate is from the golden samples; what opens is left open in `sessions`."""
    trials: dict[Candidate, Trial] = {}
    refusals: list[EdgewardError] = []
    for candidate in offered:
        backend, variant = candidate.backend, candidate.variant
        try:
            sessions[candidate] = open_variant(bundle, backend, variant, options)
            golden = check_session(bundle, backend, variant, sessions[candidate])
        except (BackendError, ContractError) as error:
            refusals.append(error)
            golden = refused(variant, backend, error)
        trials[candidate] = Trial(golden)
    if len(refusals) == len(offered):
        raise refusals[0]
    return trials


def _inputs(bundle: Bundle) -> GraphInputs:
    manifest = bundle.manifest
    return Feed(manifest.golden_seed, manifest.noise_shape, manifest.data.conditions, {}).take(0, _INPUTS)


def _time(trials: dict[Candidate, Trial], sessions: Mapping[Candidate, Session], inputs: GraphInputs) -> str:
    """Add to the trials of what is right how long a sample takes; returns why that may be wrong, or nothing."""
    right = {candidate: sessions[candidate] for candidate, trial in trials.items() if trial.golden.passed}
    if len(right) < 2:
        return ""
    started, cpu_started = time.perf_counter(), time.process_time()
    times = _timed(right, inputs)
    share = (time.process_time() - cpu_started + _TICK_S) / (time.perf_counter() - started)
    for candidate, us in times.items():
        trials[candidate] = replace(trials[candidate], us=us)
    if share >= _LEAST_SHARE:
        return ""
    return (
        f"other work left {share:.0%} of a processor for measuring; it is not remembered, and measured again next time"
    )


def _timed(sessions: Mapping[Candidate, Session], inputs: GraphInputs) -> dict[Candidate, float]:
    """Microseconds for one sample: the median of the calls in each contender's quietest block.

    Blocks take turns and change their order, so that what else the machine does falls on all of them.
    """
    medians: dict[Candidate, list[float]] = {candidate: [] for candidate in sessions}
    started = time.monotonic()
    for turn in range(_ROUNDS):
        if turn >= _FEWEST_ROUNDS and time.monotonic() - started > _BUDGET_S:
            break
        for candidate in sessions if turn % 2 == 0 else reversed(list(sessions)):
            medians[candidate].append(float(np.median(_block(sessions[candidate], inputs))))
    return {candidate: 1e6 * min(found) for candidate, found in medians.items()}


def _block(session: Session, inputs: GraphInputs) -> list[float]:
    """Seconds of each of the calls that fit into a block, after one that is not counted; at least one."""
    seconds: list[float] = []
    end = time.perf_counter() + _BLOCK_S
    for call in range(_INPUTS):
        noise, condition = inputs.noise[call : call + 1], inputs.condition[call : call + 1]
        before = time.perf_counter()
        session.run((noise, condition))
        after = time.perf_counter()
        seconds.append(after - before)
        if call and after > end:
            break
    return seconds[1:]


def _best(bundle: Bundle, trials: Mapping[Candidate, Trial]) -> Candidate:
    """The first that nothing else is clearly faster than."""
    times = {candidate: trial.us or 0.0 for candidate, trial in trials.items() if trial.golden.passed}
    if not times:
        raise GateError(_all_wrong(bundle, trials))
    quickest = min(times.values())
    return next(candidate for candidate, us in times.items() if _CLEARLY * us <= quickest)


def _all_wrong(bundle: Bundle, trials: Mapping[Candidate, Trial]) -> str:
    told = [f"{trial.golden.backend} {trial.golden.variant}: {trial.golden.told}" for trial in trials.values()]
    return (
        f"no engine here computes what {bundle.manifest.name!r} was recorded to give ({'; '.join(told)}); "
        f"see: edgeward doctor {bundle.path}"
    )
