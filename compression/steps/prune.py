"""Structured pruning: whole channels are taken out, so that the network really is smaller.

What hangs together is Torch-Pruning's answer (`pruning.groups`), what matters the Taylor importance
(`pruning.importance`) and where how much goes what each layer costs (`pruning.allocation`). Every cut is checked
(`pruning.audit`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from fractions import Fraction

import torch
from torch import Tensor, nn

from ...runtime.errors import GateError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from ..cost import count_torch_multiply_adds
from ..pruning.allocation import allocate, cost_model
from ..pruning.audit import fault_of
from ..pruning.choice import Cluster
from ..pruning.cut import Kept, cut, kept_of
from ..pruning.groups import ChannelGroup, LeftWhole, find_parts, first_calls
from ..pruning.importance import taylor_scores
from ..pruning.sound import fault_in_a_part, sound_clusters
from ..student import Change, Context, Student
from .step import Option, Step

GLOBAL, ALL_ALIKE = "global", "all alike"
"""Channels go where the samples notice it least; or the same share goes everywhere."""
_AUDITED_SAMPLES = 3
_LEAST_SAVED = 0.5
"""Of the cost, as a share of the ratio: a chain of layers saves half as much again as the ratio, and more."""


def prune(
    model: Generative,
    schema: Schema,
    *,
    ratio: float,
    round_to: int,
    by: str = GLOBAL,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Generative, Kept]:
    """Take channels out of the layers whose channels can be followed.

    What makes the samples stays whole, and so does what a reshape hides or an attention's heads need.

    Args:
        model: Left as it is.
        schema: The data's schema.
        ratio: Share of the channels to take out, above 0 and below 1; by `global` as many as cost the same.
        round_to: The channels left are a multiple of it, as kernels like.
        by: `GLOBAL` or `ALL_ALIKE`.
        seed: Of the noise and conditions the importance is measured on.
        on_progress: Called with (done, of).

    Returns:
        The smaller model, not fine-tuned, and what was kept of which layer.

    Raises:
        GateError: There is nothing to prune, rounding leaves no room, too much must stay whole for the ratio to be
            kept, or the cut network does not give what it should.
    """
    whole = copy.deepcopy(model).eval()
    inputs = Feed(seed, model.noise_shape, schema.conditions, {}).take(0, _AUDITED_SAMPLES)
    noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
    calls = first_calls(whole, noise, condition)
    parts, left_whole = find_parts(whole, calls)
    sound: list[Cluster] = []
    for part in parts:
        found, unsound = sound_clusters(whole, part, calls, ratio, seed)
        sound += found
        left_whole += unsound
    if not sound:
        raise GateError(f"nothing in the model can be pruned{_reasons(left_whole)}; leave the step out")
    if by == ALL_ALIKE:  # before the importance, which takes long
        shares: Mapping[Cluster, Fraction] | None = _same_share(sound, ratio, round_to)
    groups = [group for cluster in sound for group in cluster.groups]
    scores = taylor_scores(whole, groups, schema, seed=seed, on_progress=on_progress)
    if by == GLOBAL:
        cost = cost_model(whole, sound, noise, condition)
        shares = allocate(cost, sound, scores, ratio=ratio, round_to=round_to)
        if shares is None:
            raise GateError(
                f"rounding to multiples of {round_to} does not let go what {ratio:.0%} of the channels cost; use a "
                "smaller round_to, or several rounds of a smaller ratio"
            )
    stay: dict[ChannelGroup, list[int]] = {}
    for cluster, share in (shares or {}).items():
        if share < 1:
            stay |= cluster.best(share, scores)
    kept = kept_of(whole, stay)

    def samples(other: nn.Module) -> Tensor:
        assert isinstance(other, Generative)  # noqa: S101 - for the type checker
        return other.encoded(noise, condition)

    if fault := fault_in_a_part(whole, parts, calls, kept, seed) or fault_of(whole, kept, samples):
        raise GateError(f"pruning broke the network: {fault}; leave the step out")
    pruned = copy.deepcopy(model).eval()
    cut(pruned, kept)
    _check_saved(whole, pruned, ratio, left_whole)
    return pruned, kept


def _run(student: Student, context: Context, *, ratio: float, round_to: int, by: str = GLOBAL) -> None:
    student.model, kept = prune(
        student.model,
        context.schema,
        ratio=ratio,
        round_to=round_to,
        by=by,
        seed=context.seed,
        on_progress=context.show,
    )
    student.changes.append({"do": "prune", "kept": kept})


def _replay(model: Generative, change: Change) -> Generative:
    cut(model, change["kept"])
    return model


STEP = Step(
    {
        "ratio": Option(float, below=1),
        "round_to": Option(int),
        "by": Option(str, choices=(GLOBAL, ALL_ALIKE), default=GLOBAL),
    },
    _run,
    replay=_replay,
    remedy="prune less, or distil longer after it",
)


def _same_share(sound: list[Cluster], ratio: float, round_to: int) -> dict[Cluster, Fraction]:
    shares = {}
    for cluster in sound:
        share = cluster.share(ratio, round_to)
        if share is None:
            raise GateError(
                f"rounding to multiples of {round_to} leaves none of the {cluster.groups[0].size} channels of "
                f"{cluster.groups[0].name} though {ratio:.0%} should go; use a smaller round_to, or several rounds of "
                "a smaller ratio"
            )
        shares[cluster] = share
    return shares


def _check_saved(before: Generative, after: Generative, ratio: float, left_whole: list[LeftWhole]) -> None:
    """Count again what a pruner may think it has taken out."""
    inputs = torch.zeros(1, *before.noise_shape), torch.zeros(1, before.condition_size)
    old, new = (count_torch_multiply_adds(model, *inputs) for model in (before, after))
    weights = [sum(parameter.numel() for parameter in model.parameters()) for model in (before, after)]
    if 0.5 * new / old + 0.5 * weights[1] / weights[0] > 1.0 - _LEAST_SAVED * ratio:
        raise GateError(
            f"pruning {ratio:.0%} of the channels saves only {1.0 - new / old:.0%} of the multiply-adds and "
            f"{1.0 - weights[1] / weights[0]:.0%} of the weights{_reasons(left_whole)}; leave the step out"
        )


def _reasons(left_whole: list[LeftWhole]) -> str:
    """The first few, for a message."""
    if not left_whole:
        return ""
    told = "; ".join(f"{one.name}: {one.why}" for one in left_whole[:3])
    return f" ({told}{'; …' if len(left_whole) > 3 else ''})"
