"""Whether a foreign model does what our contract asks, found out by running it: whatever its form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from ...runtime.errors import GateError
from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ..codecs import OwnUnitsCodec
from .adapter import OutputLayout

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats, Floats], Floats]
"""(noise [n, *noise_shape], condition [n, c]) to the model's output, as it comes out."""

_SAMPLES = 256
_BATCH = 32
_SAME = 1e-3
"""Of the spread of all outputs: a sample alone and in a batch may differ by rounding."""
_MOST_OUTSIDE = 0.5


def check_model(
    run: Run, layout: OutputLayout, codec: OwnUnitsCodec, noise_shape: tuple[int, ...], schema: Schema, *, seed: int
) -> list[str]:
    """Run the model on drawn noise and conditions.

    Args:
        run: The model behind its input adapter.
        layout: Of its output.
        codec: To physical units.
        noise_shape: Of one sample.
        schema: The data's schema.
        seed: Of noise and conditions.

    Returns:
        What its user should know: values outside the ranges, conditions that change nothing.

    Raises:
        DataError: The output's shape is not what the schema says.
        GateError: It draws its own random numbers, mixes the samples of a batch, gives NaN, does not depend on its
            noise, or is mostly outside the ranges.
    """
    inputs = Feed(seed, noise_shape, schema.conditions, {}).take(0, _SAMPLES)
    noise, condition = inputs.noise, inputs.condition
    first = run(noise[:3], condition[:3])
    if not first.ndim or len(first) != 3:
        raise GateError(
            f"a batch of 3 gives an output of shape {list(first.shape)}: the model does not keep the batch first"
        )
    layout.check(first.shape[1:])
    torch.manual_seed(1)
    parts = [run(noise[k : k + _BATCH], condition[k : k + _BATCH]) for k in range(0, _SAMPLES, _BATCH)]
    output = np.concatenate(parts)
    _check_numbers(output, may_be_missing=schema.has_gaps)
    spread = float(np.nanstd(output)) or 1.0
    torch.manual_seed(2)
    if not _same(run(noise[:_BATCH], condition[:_BATCH]), parts[0], 0.0):
        raise GateError(
            "the same inputs give other samples the second time: the model draws random numbers; noise must be an input"
        )
    alone = np.concatenate([run(noise[k : k + 1], condition[k : k + 1]) for k in range(3)])
    if not (_same(alone, output[:3], _SAME * spread) and _same(first, output[:3], _SAME * spread)):
        raise GateError(
            "a sample changes with the others of its batch: batch statistics are still being taken (evaluation mode), "
            "or the batch is mixed"
        )
    other = run(np.roll(noise[:_BATCH], 1, axis=0), condition[:_BATCH])
    if _same(other, parts[0], 1e-6 * spread):
        raise GateError("other noise gives the same samples: the model does not depend on what inputs call noise")
    physical = codec.physical(layout(torch.from_numpy(output))).numpy()
    return [*_outside(physical, codec, schema), *_unheard(run, noise[:_BATCH], condition[:_BATCH], parts[0], schema)]


def _check_numbers(output: Floats, *, may_be_missing: bool) -> None:
    bad = ~np.isfinite(output)
    if may_be_missing:
        bad &= ~np.isnan(output)
    if bad.any():
        raise GateError(f"{int(bad.sum())} of {bad.size} numbers of {len(output)} samples are NaN or infinite")


def _same(a: Floats, b: Floats, apart: float) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=0.0, atol=apart, equal_nan=True)


def _outside(physical: Floats, codec: OwnUnitsCodec, schema: Schema) -> list[str]:
    """How many values of each channel or column clamping will change."""
    notes = []
    low, high = codec.minimum.numpy().reshape(-1), codec.maximum.numpy().reshape(-1)
    for place, (name, unit, domain) in enumerate(schema.parts()):
        values = physical[:, place]
        # Rounding, of a number or to a step, is not outside.
        slack = 1e-4 * (high[place] - low[place]) + float(codec.step.reshape(-1)[place]) / 2
        share = float(((values < low[place] - slack) | (values > high[place] + slack)).mean())
        found = f"{np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
        if share > _MOST_OUTSIDE:
            raise GateError(
                f"{share:.0%} of the values of {name} are outside its range ({domain} {unit}): the model gives "
                f"{found}; mend output.scale and output.offset, or the range"
            )
        if share:
            notes.append(f"{name}: {share:.2%} of the values are outside {domain} {unit} ({found}), and are clamped.")
    return notes


def _unheard(run: Run, noise: Floats, condition: Floats, samples: Floats, schema: Schema) -> list[str]:
    """Conditions that change nothing, of which a user would like to know before a clinic does."""
    notes, start = [], 0
    for each in schema.conditions:
        changed = condition.copy()
        columns = slice(start, start + each.columns)
        start += each.columns
        # By one sample each would leave many classes as they are.
        changed[:, columns] = (
            condition[::-1, columns] if each.columns == 1 else np.roll(condition[:, columns], 1, axis=1)
        )
        if (changed != condition).any() and np.array_equal(run(noise, changed), samples, equal_nan=True):
            notes.append(f"The condition {each.name} changes nothing.")
    return notes
