"""What PyTorch's exporters write of generators of many kinds becomes a teacher that makes what the module makes."""

from pathlib import Path

import pytest
import torch
from edgeward.runtime.feed import Feed
from edgeward.training.foreign.onnx_model import import_onnx
from edgeward.training.foreign.read import read_foreign_model

from .onnx_exports import KINDS, built, exported

SLOW = pytest.mark.slow
EXPORTS = [
    pytest.param(kind, dynamo, opset, batch, marks=[] if fast else SLOW, id=f"{kind}-{opset}-{batch}-{dynamo}")
    for kind in KINDS
    for dynamo, opset, batch, fast in (
        (False, 17, None, kind in ("DCGAN", "decoder of signals")),
        (False, 9, None, False),
        (False, 11, 1, kind == "TabGAN"),
        (True, 18, None, False),
        (True, 21, 1, False),
        (True, 23, None, False),
    )
    # PyTorch's exporter itself writes other numbers, or none, of linear and of sized resizing at opset 9.
    if opset > 9 or kind in ("DCGAN", "U-Net", "TabGAN")
]


@pytest.mark.parametrize(("kind", "dynamo", "opset", "batch"), EXPORTS)
def test_the_teacher_makes_what_the_module_makes(
    tmp_path: Path, kind: str, dynamo: bool, opset: int, batch: int | None
) -> None:
    path = exported(kind, tmp_path / "generator.onnx", dynamo=dynamo, opset=opset, batch=batch)
    (tmp_path / "made.toml").write_text(KINDS[kind].description)
    described = read_foreign_model(tmp_path / "made.toml")
    teacher, notes = import_onnx(path, described, seed=1)
    inputs = Feed(3, KINDS[kind].noise, described.schema.conditions, {}).take(0, 6)
    noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
    scale, offset = described.output.scale[0], described.output.offset[0]
    with torch.no_grad():
        label = condition.argmax(dim=1) if KINDS[kind].index else condition
        wanted = built(kind)(noise, label) * scale + offset
        found = teacher.generator()(noise, condition)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert notes == []


def test_convolutions_and_norms_become_layers_that_can_be_pruned(tmp_path: Path) -> None:
    path = exported("DCGAN", tmp_path / "generator.onnx", dynamo=False, opset=17)
    (tmp_path / "made.toml").write_text(KINDS["DCGAN"].description)
    teacher, _ = import_onnx(path, read_foreign_model(tmp_path / "made.toml"), seed=1)
    kinds = [kind for kind, _ in teacher.recipe.options["network"]["layers"]]
    # The exporter folds a norm behind a convolution into its weights.
    assert kinds == ["Embedding", "ConvTranspose2d", "BatchNorm2d", "Conv2d", "ConvTranspose2d", "PReLU", "Conv2d"]
    assert teacher.recipe.options["network"]["tensors"] == []
