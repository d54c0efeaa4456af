"""Translation of Resize and of the older Upsample: by PyTorch's own where it does the same, else axis by axis."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .node import Node, Translation, axis_of
from .steps import MAX_NUMBERS, Method, Steps
from .values import Value, known


@dataclass(frozen=True)
class _Axis:
    axis: int
    before: int
    after: int
    scale: float


def _resize(steps: Steps, node: Node) -> Value:
    value, old = node.input(0), node.opset < 11
    axes = _axes(steps, node, value)
    mode = node.text("mode", "nearest")
    coordinates = "asymmetric" if old else node.text("coordinate_transformation_mode", "half_pixel")
    if node.whole("antialias", 0) or node.whole("exclude_outside", 0) or coordinates == "tf_crop_and_resize":
        raise node.refuse("resizing with antialias, exclude_outside or tf_crop_and_resize")
    if mode == "nearest":
        rounding = "old" if old else node.text("nearest_mode", "round_prefer_floor")
        places = [_nearest(_sources(each, coordinates), each, rounding) for each in axes]
        return _picked(steps, value, axes, places)
    if mode == "linear":
        return _linear(steps, value, axes, coordinates)
    plain = all(each.after == each.before * each.scale for each in axes) and math.isclose(
        node.real("cubic_coeff_a", -0.75), -0.75
    )
    if mode == "cubic" and coordinates in ("half_pixel", "align_corners") and plain and _places_only(axes, value, 4):
        return steps.call(
            F.interpolate, value, size=_size(axes, value), mode="bicubic", align_corners=coordinates == "align_corners"
        )
    raise node.refuse(f"resizing of the mode {mode!r} with {coordinates} coordinates")


def _axes(steps: Steps, node: Node, value: Value) -> list[_Axis]:
    """Axes whose size changes."""
    if node.op == "Upsample" or node.opset < 11:
        given = node.optional(1)
        scales = node.reals("scales") if given is None else _real(given)
        sizes: list[int] = []
    else:
        scales = _real(node.optional(2))
        wanted = node.optional(3)
        sizes = [] if wanted is None else [size if isinstance(size, int) else 0 for size in wanted.sizes()]
    numbers = [axis_of(axis, value.rank) for axis in node.wholes("axes", range(value.rank))]
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise node.refuse("resizing that keeps the aspect ratio")
    if len(scales or sizes) != len(numbers):
        raise ValueError("it gives neither a scale nor a size for each axis")
    found = []
    for k, axis in enumerate(numbers):
        before = value.shape[axis]
        # The batch keeps its size, which is a number in a graph for one batch size.
        if axis == 0 and ((sizes and sizes[0] in (0, steps.baked)) or (scales and scales[0] == 1)):
            continue
        if not isinstance(before, int):
            raise node.refuse("resizing an axis that depends on the batch size")
        after = sizes[k] if sizes else math.floor(before * scales[k])
        if not 1 <= after <= MAX_NUMBERS:
            raise ValueError(f"it resizes axis {axis} to {after}")
        if after != before or (scales and scales[k] != 1):
            found.append(_Axis(axis, before, after, after / before if sizes else scales[k]))
    return found


def _real(value: Value | None) -> list[float]:
    if value is None:
        return []
    if not value.fixed:
        raise ValueError("its scales are computed from the model's inputs; they must be fixed")
    numbers: list[float] = value.at[0].reshape(-1).tolist()
    return numbers


def _sources(each: _Axis, coordinates: str) -> Tensor:
    """Where in the old axis each place of the new one lies."""
    places = torch.arange(each.after, dtype=torch.float64)
    if coordinates == "align_corners":
        return places * ((each.before - 1) / (each.after - 1) if each.after > 1 else 0.0)
    if coordinates == "asymmetric":
        return places / each.scale
    if coordinates == "pytorch_half_pixel" and each.after == 1:
        return places * 0.0
    if coordinates == "half_pixel_symmetric":
        adjusted = each.after / (each.scale * each.before)
        return each.before / 2 * (1 - adjusted) + (places + 0.5) / each.scale - 0.5
    if coordinates == "tf_half_pixel_for_nn":
        return (places + 0.5) / each.scale
    if coordinates in ("half_pixel", "pytorch_half_pixel"):
        return (places + 0.5) / each.scale - 0.5
    raise ValueError(f"resizing with {coordinates} coordinates cannot be imported")


def _nearest(sources: Tensor, each: _Axis, rounding: str) -> Tensor:
    # Single precision, as the engines have it, before rounding: 2.9999999 is 3.
    sources = sources.to(torch.float32)
    rounded: dict[str, Callable[[Tensor], Tensor]] = {
        "floor": torch.floor,
        "ceil": torch.ceil,
        "round_prefer_floor": lambda x: torch.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: torch.floor(x + 0.5),
        "old": torch.ceil if each.scale < 1 else torch.floor,
    }
    if rounding not in rounded:
        raise ValueError(f"nearest_mode {rounding!r} cannot be imported")
    return rounded[rounding](sources).clamp(0, each.before - 1).to(torch.int64)


def _picked(steps: Steps, value: Value, axes: list[_Axis], places: list[Tensor]) -> Value:
    repeated = [torch.arange(each.after) * each.before // each.after for each in axes]
    same = all(torch.equal(a, b) for a, b in zip(places, repeated, strict=True))
    if same and _places_only(axes, value, value.rank) and value.rank in (3, 4):
        return steps.call(F.interpolate, value, size=_size(axes, value), mode="nearest")
    for each, picked in zip(axes, places, strict=True):
        value = steps.call(torch.index_select, value, each.axis, known(picked))
    return value


def _linear(steps: Steps, value: Value, axes: list[_Axis], coordinates: str) -> Value:
    plain = coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners")
    plain &= all(math.isclose(each.after, each.before * each.scale, rel_tol=1e-6) and each.after > 1 for each in axes)
    if plain and _places_only(axes, value, value.rank) and value.rank in (3, 4):
        mode, corners = {3: "linear", 4: "bilinear"}[value.rank], coordinates == "align_corners"
        return steps.call(F.interpolate, value, size=_size(axes, value), mode=mode, align_corners=corners)
    for each in axes:
        weights = known(_weights(_sources(each, coordinates), each))
        if each.axis == value.rank - 1:
            value = steps.call(operator.matmul, value, known(weights.at[0].T.contiguous()))
        else:
            turned = steps.call(Method("transpose"), value, each.axis, value.rank - 1)
            made = steps.call(operator.matmul, turned, known(weights.at[0].T.contiguous()))
            value = steps.call(Method("transpose"), made, each.axis, value.rank - 1)
    return value


def _weights(sources: Tensor, each: _Axis) -> Tensor:
    """[after, before]: what each new place takes of each old one."""
    if each.before * each.after > 2**24:
        raise ValueError(f"it resizes {each.before} to {each.after}, which is too much")
    sources = sources.clamp(0, each.before - 1)
    low = sources.floor().to(torch.int64)
    high = (low + 1).clamp(max=each.before - 1)
    share = (sources - low).to(torch.float32)
    weights, rows = torch.zeros(each.after, each.before), torch.arange(each.after)
    weights.index_put_((rows, low), 1 - share, accumulate=True)
    weights.index_put_((rows, high), share, accumulate=True)
    return weights


def _places_only(axes: list[_Axis], value: Value, rank: int) -> bool:
    return value.rank == rank and all(each.axis >= 2 for each in axes)


def _size(axes: list[_Axis], value: Value) -> list[int]:
    after = {each.axis: each.after for each in axes}
    return [after.get(axis, size) for axis, size in enumerate(value.static(2), 2)]


RESAMPLING: dict[str, Translation] = {"Resize": _resize, "Upsample": _resize}
