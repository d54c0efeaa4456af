"""Pillow reads the images, their pixels and their texts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Generator
from edgeward.runtime.formats.png import PNG
from edgeward.runtime.schema import ImageSchema

image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize(("name", "mode"), [("scans", "L"), ("slides", "RGB")])
def test_pillow_reads_what_was_generated_within_half_a_level(
    generators: dict[str, Generator], tmp_path: Path, name: str, mode: str
) -> None:
    PNG.write(generators[name].series(4, seed=3, first=2), tmp_path / "images", lambda done: None)
    batch = generators[name].generate(4, seed=3, first=2)
    for position, samples in enumerate(batch.samples):
        with image.open(tmp_path / "images" / f"synthetic_{2 + position:09d}.png") as found:
            found.verify()
        with image.open(tmp_path / "images" / f"synthetic_{2 + position:09d}.png") as found:
            assert found.mode == mode
            pixels = np.asarray(found).reshape(*found.size[::-1], -1).transpose(2, 0, 1)
        assert pixels.shape == samples.shape
        assert np.abs(pixels / 255 - samples).max() <= 0.5001 / 255


def test_texts_tell_what_the_image_is(generators: dict[str, Generator], tmp_path: Path) -> None:
    PNG.write(
        generators["scans"].series(1, seed=3, condition={"outcome": "died"}), tmp_path / "x.png", lambda done: None
    )
    with image.open(tmp_path / "x.png") as found:
        texts = dict(found.text)
        xmp = found.getxmp() if hasattr(found, "getxmp") else {}
    assert json.loads(texts["Conditions"]) == {"outcome": "died"}
    assert texts["Disclaimer"].startswith("SYNTHETIC DATA")
    assert "digitalsourcetype/trainedAlgorithmicMedia" in texts["XML:com.adobe.xmp"]
    assert xmp == {} or "trainedAlgorithmicMedia" in json.dumps(xmp)


def test_two_channels_are_no_picture(generators: dict[str, Generator]) -> None:
    schema = generators["scans"].source.schema
    assert isinstance(schema, ImageSchema)
    assert "1 or 3 channels, not 2" in PNG.refusal(replace(schema, channels=("t1", "t2")))
