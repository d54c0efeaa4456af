"""Images come out of MedMNIST's layout as they lie there, and a file that is not what it says is refused by name."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets import load_dataset
from edgeward.training.datasets.medmnist import load_images

SIZES = {"train": 60, "val": 10, "test": 20}


def arrays(shape: tuple[int, ...] = (12, 12), classes: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    made: dict[str, Any] = {}
    for prefix, n in SIZES.items():
        made[f"{prefix}_images"] = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        made[f"{prefix}_labels"] = (np.arange(n) % classes).astype(np.uint8)[:, None]
    return made


def written(folder: Path, content: dict[str, Any], name: str = "pneumoniamnist.npz") -> Path:
    np.savez(folder / name, **content)
    return folder / name


def test_grey_images_become_pixels_from_0_to_1(tmp_path: Path) -> None:
    content = arrays()
    dataset = load_images(written(tmp_path, content))
    assert dataset.schema.shape == (1, 12, 12)
    assert dataset.label.values == ("normal", "pneumonia")
    np.testing.assert_allclose(dataset.train.samples[:, 0] * 255, content["train_images"], atol=1e-4)
    np.testing.assert_array_equal(dataset.test.columns["finding"], content["test_labels"][:, 0])
    assert len(np.unique(dataset.train.patients)) == 60


def test_colour_images_have_three_channels_in_order(tmp_path: Path) -> None:
    content = arrays((8, 10, 3), 3)
    dataset = load_images(written(tmp_path, content, "bccd64.npz"))
    assert dataset.schema.shape == (3, 8, 10)
    np.testing.assert_allclose(dataset.validation.samples[:, 2] * 255, content["val_images"][..., 2], atol=1e-4)


def test_an_image_of_test_is_not_trained_on(tmp_path: Path) -> None:
    content = arrays()
    content["train_images"][3] = content["test_images"][5]
    dataset = load_images(written(tmp_path, content))
    assert len(dataset.train) == 59
    assert any(note.startswith("1 train images are the same") for note in dataset.provenance.notes)


def test_some_classes_are_kept_and_the_rest_named(tmp_path: Path) -> None:
    dataset = load_images(written(tmp_path, arrays((8, 8, 3), 3), "bccd.npz"), classes=["platelet", "RBC"])
    assert dataset.label.values == ("RBC", "platelet")
    assert len(dataset.train) == 40
    assert set(dataset.train.columns["finding"]) == {0.0, 1.0}
    assert "Classes left out as asked: WBC." in dataset.provenance.notes


def test_a_set_of_ones_own_is_told_in_a_toml_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, arrays(), "mine.npz")
    with pytest.raises(DataError, match=r"nothing is known of the images in mine\.npz.*mine\.toml"):
        load_images(path)
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ndescription = "Mine."\nsource = "my ward"\nlicence = "none"\nattribution = "me"\n'
        'classes = ["a", "b"]\nmeanings = ["first", "second"]\n'
    )
    dataset = load_dataset("images", path)
    assert (dataset.schema.name, dataset.label.values, dataset.provenance.attribution) == ("mine", ("a", "b"), "me")


@pytest.mark.parametrize("text", ["", "name = 1", 'classes = ["a"]', "[[[", 'name = "x"\nextra = "y"', "name = \xff"])
def test_a_toml_that_makes_no_sense_is_refused_with_one_that_does(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, arrays(), "mine.npz")
    (tmp_path / "mine.toml").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"(?s)mine\.toml.*attribution = "):
        load_images(path)


def spoilt(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    content = arrays()
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("val_images"), "no member 'val_images'"),
        (lambda c: c.update(test_images=c["test_images"][:, :8]), "several sizes"),
        (lambda c: c.update(train_images=c["train_images"].astype(np.float32)), "must be uint8"),
        (lambda c: c.update(train_images=c["train_images"][..., None]), "must be uint8"),
        (lambda c: c.update(train_labels=np.zeros((60, 14), np.uint8)), "14 labels an image"),
        (lambda c: c.update(train_labels=c["train_labels"][:50]), "60 images and 50 labels"),
        (lambda c: c.update(test_labels=c["test_labels"] + 5), "labels run from 5 to 6, and chest-xrays has 2"),
        (lambda c: c.update(train_labels=np.zeros((60, 1), np.uint8)), "one class"),
        (lambda c: c.update(train_labels=(np.arange(60) < 5).astype(np.uint8)), "class pneumonia has 5 train images"),
        (lambda c: c.update(train_images=np.array([object()] * 60)), "pickled objects"),
        (lambda c: c.update(val_images=c["val_images"][:0], val_labels=c["val_labels"][:0]), "holds 0 images"),
    ],
)
def test_a_file_of_another_layout_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        load_images(written(tmp_path, spoilt(change)))


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_half_a_download_is_refused(tmp_path: Path, keep: float) -> None:
    path = written(tmp_path, arrays())
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(DataError, match="is no npz, or is damaged|truncated"):
        load_images(path)


def test_a_header_that_promises_100_gb_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**8, 32, 32)})
    with zipfile.ZipFile(tmp_path / "pneumoniamnist.npz", "w") as archive:
        archive.writestr("train_images.npy", header.getvalue() + bytes(1000))
    with pytest.raises(DataError, match="made to mislead"):
        load_images(tmp_path / "pneumoniamnist.npz")


def test_what_is_no_file_or_no_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        load_images(tmp_path / "pneumoniamnist.npz")
    (tmp_path / "pneumoniamnist").mkdir()
    with pytest.raises(DataError, match="not its folder"):
        load_images(tmp_path / "pneumoniamnist")
    path = written(tmp_path, arrays())
    with pytest.raises(RequestError, match="no class 'x'"):
        load_images(path, classes=["normal", "x"])
    with pytest.raises(RequestError, match="two classes at least"):
        load_images(path, classes=["normal"])


def test_progress_is_told_after_every_split(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    load_images(written(tmp_path, arrays()), on_progress=lambda *step: seen.append(step))
    assert [step[:2] for step in seen] == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("pneumoniamnist/pneumoniamnist.npz", (1, 28, 28), (3882, 524, 624)),
        ("bccd/bccd64.npz", (3, 64, 64), (3452, 431, 1003)),
    ],
)
def test_the_public_sets_are_read_whole(name: str, shape: tuple[int, ...], counts: tuple[int, ...]) -> None:
    folder = os.environ.get("EDGEWARD_DATA")
    if not folder or not Path(folder, name).is_file():
        pytest.skip(f"EDGEWARD_DATA names no folder with {name}")
    dataset = load_images(Path(folder, name))
    assert dataset.schema.shape == shape
    found = tuple(len(split) for split in (dataset.train, dataset.validation, dataset.test))
    assert found[1:] == counts[1:]
    assert counts[0] - 100 <= found[0] <= counts[0]
