"""Structured pruning: whole channels are taken out, so that the network really is smaller.

What hangs together is Torch-Pruning's answer (`pruning.groups`), what matters the Taylor importance
(`pruning.importance`), how many stay is ours (`pruning.choice`), and every cut is checked (`pruning.audit`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...runtime.errors import GateError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from ..cost import count_torch_multiply_adds
from ..pruning.audit import calling, fault_of, randomised
from ..pruning.choice import Cluster, clusters
from ..pruning.cut import Kept, cut, kept_of
from ..pruning.groups import Calls, ChannelGroup, LeftWhole, Part, find_parts, first_calls
from ..pruning.importance import taylor_scores
from ..student import Change, Context, Student
from .step import Option, Step

_AUDITED_SAMPLES = 3
_LEAST_SAVED = 0.5
"""Of the multiply-adds, as a share of the ratio: a chain of layers saves twice the ratio and more."""


def prune(
    model: Generative,
    schema: Schema,
    *,
    ratio: float,
    round_to: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Generative, Kept]:
    """Take about `ratio` of the channels out of every layer whose channels can be followed.

    What makes the samples stays whole, and so does what a reshape hides or an attention's heads need.

    Args:
        model: Left as it is.
        schema: The data's schema.
        ratio: Share of the channels to take out, above 0 and below 1.
        round_to: The channels left are a multiple of it, as kernels like.
        seed: Of the noise and conditions the importance is measured on.
        on_progress: Called with (done, of).

    Returns:
        The smaller model, not fine-tuned, and what was kept of which layer.

    Raises:
        GateError: There is nothing to prune, rounding leaves no room, too much must stay whole for the ratio to be
            kept, or the cut network does not give what it should.
    """
    whole_model = copy.deepcopy(model).eval()
    noise, condition = _inputs(whole_model, schema, seed)
    calls = first_calls(whole_model, noise, condition)
    parts, left_whole = find_parts(whole_model, calls)
    sound: list[Cluster] = []
    for part in parts:
        found, unsound = _sound(whole_model, part, calls, ratio, seed)
        sound += found
        left_whole += unsound
    if not sound:
        raise GateError(f"nothing in the model can be pruned{_reasons(left_whole)}; leave the step out")
    shares = [(cluster, cluster.share(ratio, round_to)) for cluster in sound]
    for cluster, share in shares:
        if share is None:
            raise GateError(
                f"rounding to multiples of {round_to} leaves none of the {cluster.groups[0].size} channels of "
                f"{cluster.groups[0].name} though {ratio:.0%} should go; use a smaller round_to, or several rounds of "
                "a smaller ratio"
            )
    groups = [group for cluster in sound for group in cluster.groups]
    scores = taylor_scores(whole_model, groups, schema, seed=seed, on_progress=on_progress)
    stay = {g: s for cluster, share in shares if share for g, s in cluster.best(share, scores).items()}
    kept = kept_of(whole_model, stay)

    def samples(other: nn.Module) -> Tensor:
        assert isinstance(other, Generative)  # noqa: S101 - for the type checker
        return other.encoded(noise, condition)

    if fault := fault_of(whole_model, kept, samples):
        raise GateError(f"pruning broke the network: {fault}; leave the step out")
    pruned = copy.deepcopy(model).eval()
    cut(pruned, kept)
    _check_saved(whole_model, pruned, ratio, left_whole)
    return pruned, kept


def _run(student: Student, context: Context, *, ratio: float, round_to: int) -> None:
    student.model, kept = prune(
        student.model, context.schema, ratio=ratio, round_to=round_to, seed=context.seed, on_progress=context.show
    )
    student.changes.append({"do": "prune", "kept": kept})


def _replay(model: Generative, change: Change) -> Generative:
    cut(model, change["kept"])
    return model


STEP = Step({"ratio": Option(float, below=1), "round_to": Option(int)}, _run, replay=_replay)


def _inputs(model: Generative, schema: Schema, seed: int) -> tuple[Tensor, Tensor]:
    inputs = Feed(seed, model.noise_shape, schema.conditions, {}).take(0, _AUDITED_SAMPLES)
    return torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)


def _sound(
    model: Generative, part: Part, calls: Calls, ratio: float, seed: int
) -> tuple[list[Cluster], list[LeftWhole]]:
    """The clusters of a part that can be cut without anything going wrong, tried on random weights; and the rest."""
    trial = randomised(model, seed)
    generator = torch.Generator().manual_seed(seed)
    call = calling(*calls[part.name])

    def called(other: nn.Module) -> Tensor:
        return call(other.get_submodule(part.name))

    trials: dict[Cluster, dict[ChannelGroup, list[int]]] = {}
    left_whole: list[LeftWhole] = []
    for cluster in clusters(model, part.groups):
        share = cluster.share(ratio, 1) or cluster.share(0.0, 1)
        assert share  # noqa: S101 - all of them are a share
        scores = {group: torch.rand(group.size, generator=generator) for group in cluster.groups}
        trials[cluster] = cluster.best(share, scores)

    def fault(chosen: list[Cluster]) -> str | None:
        kept = kept_of(model, {group: stay for one in chosen for group, stay in trials[one].items()})
        return fault_of(trial, kept, called)

    if fault(list(trials)) is None:
        return list(trials), left_whole
    sound = []
    for cluster in trials:
        if found := fault([cluster]):
            left_whole += [LeftWhole(group.name, found) for group in cluster.groups]
        else:
            sound.append(cluster)
    if sound and (found := fault(sound)):
        raise GateError(f"pruning would break {part.name}: {found}; leave the step out")
    return sound, left_whole


def _check_saved(before: Generative, after: Generative, ratio: float, left_whole: list[LeftWhole]) -> None:
    inputs = torch.zeros(1, *before.noise_shape), torch.zeros(1, before.condition_size)
    old, new = (count_torch_multiply_adds(model, *inputs) for model in (before, after))
    if new > (1.0 - _LEAST_SAVED * ratio) * old:
        raise GateError(
            f"pruning {ratio:.0%} of the channels saves only {1.0 - new / old:.0%} of the multiply-adds"
            f"{_reasons(left_whole)}; leave the step out"
        )


def _reasons(left_whole: list[LeftWhole]) -> str:
    """The first few, for a message."""
    if not left_whole:
        return ""
    told = "; ".join(f"{one.name}: {one.why}" for one in left_whole[:3])
    return f" ({told}{'; …' if len(left_whole) > 3 else ''})"
