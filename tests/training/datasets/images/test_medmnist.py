"""Images in MedMNIST's layout are read as they are, and every bad file is named with a remedy before long work."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets import Dataset, load_dataset
from edgeward.training.datasets.images import medmnist as reader
from edgeward.training.datasets.images.medmnist import load_images
from edgeward.training.datasets.images.simulator import chest_schema

Arrays = dict[str, npt.NDArray[np.generic]]
COUNTS = {"train": 80, "val": 30, "test": 40}
SPLITS = ("train", "validation", "test")


def images(n: int, seed: int, shape: tuple[int, ...] = (28, 28)) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def arrays(shape: tuple[int, ...] = (28, 28), classes: int = 2) -> Arrays:
    """A sound file: labels go round, no image is there twice."""
    made: Arrays = {}
    for seed, (split, n) in enumerate(COUNTS.items()):
        made[f"{split}_images"] = images(n, seed, shape)
        made[f"{split}_labels"] = (np.arange(n) % classes).astype(np.uint8)[:, None]
    return made


def saved(folder: Path, content: Arrays, name: str = "set") -> Path:
    path = folder / f"{name}.npz"
    np.savez_compressed(path, **content)  # type: ignore[arg-type]
    return path


def load(folder: Path, content: Arrays, name: str = "set", **options: object) -> Dataset:
    return load_images(saved(folder, content, name), **options)  # type: ignore[arg-type]


def labels_of(dataset: Dataset, split: str) -> list[str]:
    column = getattr(dataset, split).columns["finding"]
    return [dataset.label.values[int(index)] for index in column]


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (28, 28, 3), (64, 64), (128, 128, 3)])
def test_pixels_and_labels_come_back_exactly(tmp_path: Path, shape: tuple[int, ...]) -> None:
    content = arrays(shape)
    found = load(tmp_path, content)
    for split, prefix in zip(SPLITS, COUNTS, strict=True):
        part = getattr(found, split)
        raw = content[f"{prefix}_images"].reshape(len(part), *shape[:2], -1)
        assert part.samples.dtype == np.float32
        assert part.samples.shape == (len(raw), *found.schema.shape)
        for channel in range(raw.shape[3]):
            assert np.array_equal(np.rint(part.samples[:, channel] * 255), raw[..., channel])
        assert part.samples.min() == 0.0
        assert part.samples.max() == 1.0
        assert part.columns["finding"].tolist() == content[f"{prefix}_labels"][:, 0].tolist()
        assert len(set(part.patients.tolist())) == len(part)
    assert found.schema.channels == (("red", "green", "blue") if shape[2:] == (3,) else ("grey",))


def test_simulated_and_recorded_images_have_one_kind_of_schema(tmp_path: Path) -> None:
    found = load(tmp_path, arrays(), "pneumoniamnist").schema
    simulated = chest_schema()
    assert type(found) is type(simulated)
    assert (found.name, found.shape, found.channels) == (simulated.name, simulated.shape, simulated.channels)
    assert found.label.name == simulated.label.name == "finding"


def test_a_known_set_has_its_classes_licence_and_authors(tmp_path: Path) -> None:
    content = arrays((28, 28, 3))
    for prefix in COUNTS:
        content[f"{prefix}_labels"] = content[f"{prefix}_labels"] * np.uint8(7)
    found = load(tmp_path, content, "bloodmnist", classes=["platelet", "basophil"])
    assert found.label.values == ("basophil", "platelet")
    assert found.label.meanings == ("basophil", "platelet")
    assert found.provenance.licence == "CC-BY-4.0"
    assert "Acevedo" in found.provenance.attribution
    assert found.provenance.kind == "images"
    assert not found.provenance.synthetic
    listed = (
        "The publishers list 11959 train, 1712 validation, 3421 test images of BloodMNIST; this file holds 80 train"
    )
    assert any(note.startswith(listed) for note in found.provenance.notes)


def test_a_sidecar_takes_the_place_of_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "pneumoniamnist.toml").write_text(
        'name = "own"\nsource = "Own set"\ndescription = "Own."\nlicence = "CC0-1.0"\nattribution = "Us."\n'
        'classes = [{value = "no", meaning = "not ill"}, {value = "yes", meaning = "ill"}]\n'
    )
    found = load(tmp_path, arrays(), "pneumoniamnist")
    assert found.schema.name == "own"
    assert found.label.values == ("no", "yes")
    assert found.provenance.licence == "CC0-1.0"
    assert "Described by pneumoniamnist.toml." in found.provenance.notes


def test_a_set_nobody_described_is_read_and_said_to_be_unknown(tmp_path: Path) -> None:
    found = load(tmp_path, arrays(classes=3), "clinic")
    assert found.label.values == ("class_0", "class_1", "class_2")
    assert found.provenance.licence == "not stated"
    assert "clinic.toml" in found.provenance.notes[0]


def test_shares_are_those_of_train(tmp_path: Path) -> None:
    content = arrays()
    content["train_labels"] = (np.arange(80) % 4 == 0).astype(np.uint8)
    assert load(tmp_path, content).label.shares == (0.75, 0.25)


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i2"])
@pytest.mark.parametrize("flat", [False, True])
def test_labels_of_any_whole_type_and_of_either_shape_are_taken(tmp_path: Path, dtype: str, flat: bool) -> None:
    content = arrays()
    for prefix in COUNTS:
        labels = content[f"{prefix}_labels"].astype(dtype)
        content[f"{prefix}_labels"] = labels[:, 0] if flat else labels
    assert labels_of(load(tmp_path, content), "test")[:3] == ["class_0", "class_1", "class_0"]


# classes


def test_chosen_classes_are_kept_in_the_order_of_the_set(tmp_path: Path) -> None:
    content = arrays(classes=3)
    found = load(tmp_path, content, classes=["class_2", "class_0"])
    assert found.label.values == ("class_0", "class_2")
    kept = content["test_labels"][:, 0] != 1
    assert len(found.test) == kept.sum()
    expected = content["test_images"][kept].astype(np.float32) / np.float32(255)
    assert np.array_equal(found.test.samples[:, 0], expected)
    assert "Class class_1 is left out: 27 images in train, 10 images in validation, 13 images in test." in (
        found.provenance.notes
    )


def test_without_a_choice_classes_with_few_train_images_are_left_out_and_said_so(tmp_path: Path) -> None:
    content = arrays()
    content["train_labels"][:19] = 2
    found = load(tmp_path, content)
    assert found.label.values == ("class_0", "class_1")
    left_out = "Class class_2 is left out: 19 images in train, 0 images in validation, 0 images in test."
    assert left_out in found.provenance.notes


def test_a_chosen_class_with_few_train_images_is_refused(tmp_path: Path) -> None:
    content = arrays()
    content["train_labels"][:19] = 2
    with pytest.raises(DataError, match="class_2 has 19 images in the train split.*--classes class_0,class_1"):
        load(tmp_path, content, classes=["class_0", "class_2"])


def test_a_class_that_test_lacks_is_noted(tmp_path: Path) -> None:
    content = arrays()
    content["test_labels"][:] = 0
    assert "Test holds no image of class class_1." in load(tmp_path, content).provenance.notes


@pytest.mark.parametrize("classes", [["nothing"], [], ["class_0"]])
def test_an_unknown_class_or_one_alone_is_a_wrong_request(tmp_path: Path, classes: list[str]) -> None:
    with pytest.raises(RequestError, match="give some of class_0,class_1"):
        load(tmp_path, arrays(), classes=classes)


# duplicates and patients


def test_an_image_in_two_splits_stays_in_test_before_validation_before_train(tmp_path: Path) -> None:
    content = arrays()
    for target, index, source, other in (
        ("train", 3, "test", 5),
        ("train", 4, "test", 6),
        ("train", 9, "val", 2),
        ("val", 7, "test", 8),
    ):
        content[f"{target}_images"][index] = content[f"{source}_images"][other]
    content["train_images"][11] = content["train_images"][12]
    content["train_labels"][3] = 1 - content["test_labels"][5]
    content["train_labels"][4] = content["test_labels"][6]
    content["train_labels"][9] = content["val_labels"][2]
    content["val_labels"][7] = content["test_labels"][8]
    content["train_labels"][11] = content["train_labels"][12]
    found = load(tmp_path, content)
    assert (len(found.train), len(found.validation), len(found.test)) == (77, 29, 40)
    assert set(found.train.patients.tolist()) == {f"train-{n:06d}" for n in range(80) if n not in (3, 4, 9)}
    kept = np.delete(content["train_images"], [3, 4, 9], axis=0)
    assert np.array_equal(np.rint(found.train.samples[:, 0] * 255), kept)
    for note in (
        "2 images of train are in test too, pixel by pixel, and are left out of train.",
        "1 images of train are in validation too, pixel by pixel, and are left out of train.",
        "1 images of validation are in test too, pixel by pixel, and are left out of validation.",
        "1 images of train repeat another of train, pixel by pixel, and stay.",
        "1 of the images met again are labelled otherwise than the first time.",
    ):
        assert note in found.provenance.notes
    whole = {image.tobytes() for image in found.train.samples}
    assert not whole & {image.tobytes() for part in (found.validation, found.test) for image in part.samples}


def test_a_set_tested_on_what_it_trains_on_is_refused(tmp_path: Path) -> None:
    content = arrays()
    content["train_images"][:40], content["train_labels"][:40] = content["test_images"], content["test_labels"]
    content["train_images"][40:70], content["train_labels"][40:70] = content["val_images"], content["val_labels"]
    with pytest.raises(DataError, match="class_0 has 5 train images that are in no other split"):
        load(tmp_path, content)


def test_patients_are_those_the_file_names(tmp_path: Path) -> None:
    content = arrays()
    for prefix, n in COUNTS.items():
        content[f"{prefix}_patients"] = np.array([f"{prefix}-{number // 4}" for number in range(n)])
    found = load(tmp_path, content)
    assert len(set(found.train.patients.tolist())) == 20
    assert found.train.patients[7] == "train-1"
    assert not any("names no patients" in note for note in found.provenance.notes)


def test_where_no_patients_are_named_a_note_says_what_that_means(tmp_path: Path) -> None:
    assert any("each image counts as one" in note for note in load(tmp_path, arrays()).provenance.notes)


def with_patients(content: Arrays) -> Arrays:
    """The same file, which names a patient an image."""
    start = 0
    for prefix, n in COUNTS.items():
        content[f"{prefix}_patients"] = np.arange(start, start + n)
        start += n
    return content


# bad files


BAD: dict[str, tuple[Callable[[Arrays], object], str]] = {
    "missing member": (lambda a: a.pop("val_labels"), "lacks val_labels; images are read in MedMNIST's layout"),
    "other layout": (lambda a: [a.pop(k) for k in list(a)] and a.update(x=np.zeros(3)), "lacks train_images"),
    "mixed sizes": (
        lambda a: a.update(test_images=images(40, 9, (32, 32))),
        "different sizes or colours: train 28x28, val 28x28, test 32x32",
    ),
    "mixed colours": (lambda a: a.update(val_images=images(30, 9, (28, 28, 3))), "val 28x28x3"),
    "not square": (lambda a: a.update(train_images=images(80, 9, (28, 32))), "28 by 32 pixels; crop or pad"),
    "too small": (lambda a: a.update(train_images=images(80, 9, (16, 16))), "28 to 128 are taken; scale them"),
    "too large": (lambda a: a.update(train_images=images(80, 9, (129, 129))), "28 to 128 are taken; scale them"),
    "two channels": (lambda a: a.update(train_images=images(80, 9, (28, 28, 2))), "colour ones"),
    "alpha channel": (lambda a: a.update(train_images=images(80, 9, (28, 28, 4))), "colour ones"),
    "flat images": (lambda a: a.update(train_images=images(80, 9, (784,))), "grey images are"),
    "no images": (lambda a: a.update(val_images=images(0, 9)), "val_images are none"),
    "floats": (
        lambda a: a.update(train_images=a["train_images"].astype(np.float32)),
        "train_images are of type float32.*multiply by 255",
    ),
    "mixed types": (lambda a: a.update(test_images=a["test_images"].astype(np.int64)), "test_images are of type int64"),
    "many labels": (
        lambda a: a.update(train_labels=np.zeros((80, 14), np.uint8)),
        "several labels an image, as in ChestMNIST",
    ),
    "label count": (
        lambda a: a.update(test_labels=a["test_labels"][:-1]),
        "test_labels are 39 for 40 images; give every image one label",
    ),
    "images of mixed sizes": (
        lambda a: a.update(train_images=np.array([np.zeros((28 + k % 2, 28), np.uint8) for k in range(80)], object)),
        "train_images is of type object, .* make images of different sizes all alike and save it again",
    ),
    "label type": (lambda a: a.update(test_labels=np.zeros(40)), "test_labels are of type float64"),
    "negative label": (lambda a: a.update(val_labels=np.full(30, -1)), "val_labels holds -1 at image 0"),
    "high label": (lambda a: a.update(val_labels=np.full(30, 256)), "val_labels holds 256 at image 0"),
    "one class": (lambda a: a.update(train_labels=np.ones(80, np.uint8)), "all train images of .* have label 1"),
    "small classes": (
        lambda a: a.update(train_labels=(np.arange(80) // 70).astype(np.uint8)),
        r"fewer than two classes of at least 20 train images \(class_0 70, class_1 10\)",
    ),
    "objects": (lambda a: a.update(train_labels=np.array([{}] * 80, object)), "no plain array"),
    "columns first": (
        lambda a: a.update(train_images=np.asfortranarray(a["train_images"])),
        "column by column.*ascontiguousarray",
    ),
    "patients of one split": (
        lambda a: a.update(train_patients=np.arange(80)),
        "holds train_patients but not test_patients, val_patients; add them",
    ),
    "shared patient": (
        lambda a: with_patients(a).update(test_patients=np.arange(40)),
        "patient 0 in train and in test; split by patient",
    ),
    "patient count": (
        lambda a: with_patients(a).update(test_patients=np.arange(900, 939)),
        "name one patient an image",
    ),
    "unnamed patient": (
        lambda a: with_patients(a).update(test_patients=np.array([""] * 40)),
        "no plain name at image 0",
    ),
    "patients of no letters": (
        lambda a: with_patients(a).update(test_patients=np.full(40, 0x110000, np.uint32).view("<U1")),
        "holds what is no text",
    ),
    "patients as floats": (
        lambda a: with_patients(a).update(test_patients=np.zeros(40)),
        "test_patients are of type float64",
    ),
}


@pytest.mark.parametrize("fault", list(BAD))
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a single image is read."""
    spoil, said = BAD[fault]
    content = arrays()
    spoil(content)

    def unexpected(*_: object, **__: object) -> None:
        raise AssertionError("images are read before the fault is told")

    monkeypatch.setattr(reader, "read_split", unexpected)
    with pytest.raises(DataError, match=said) as error:
        load(tmp_path, content, "faulty")
    assert "faulty" in str(error.value)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "said"),
    [
        ("pneumoniamnist", (28, 28), 3, "label 2 in train, and PneumoniaMNIST has 2 classes, 0 to 1"),
        ("pneumoniamnist", (28, 28, 3), 2, r"3 channel\(s\), and PneumoniaMNIST has 1"),
        ("bccd64", (64, 64), 3, r"1 channel\(s\), and BCCD Dataset, cells cut out has 3"),
    ],
)
def test_another_set_under_a_known_name_is_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], classes: int, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        load(tmp_path, arrays(shape, classes), name)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_half_a_download_is_told_as_such(tmp_path: Path, share: float) -> None:
    path = saved(tmp_path, arrays())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"set\.npz (has no end \(half a download|is no npz file)"):
        load_images(path)


def test_a_flipped_bit_in_the_images_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path, arrays())
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.npz: train_images is damaged"):
        load_images(path)


def test_a_folder_and_an_absent_file_are_answered_with_what_to_name(tmp_path: Path) -> None:
    path = saved(tmp_path, arrays())
    with pytest.raises(DataError, match=f"is a folder; name {path} instead"):
        load_images(tmp_path)
    with pytest.raises(DataError, match="there is no file .*medmnist.com"):
        load_images(tmp_path / "absent.npz")


def test_more_than_memory_should_hold_is_refused_unless_fewer_classes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_NUMBERS", 120 * 28 * 28)
    with pytest.raises(DataError, match="150 images of set.npz are .* keep fewer classes"):
        load(tmp_path, arrays(classes=3))
    assert len(load(tmp_path, arrays(classes=3), classes=["class_0", "class_1"]).train) == 54


# the way in


def test_progress_counts_every_image_up_to_the_last(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    load(tmp_path, arrays((128, 128, 3)), on_progress=lambda *step: told.append(step))
    assert [step[0] for step in told] == sorted(step[0] for step in told)
    assert told[-1][:2] == (150, 150)
    assert {step[2] for step in told} == {"train images", "validation images", "test images"}


def test_the_same_file_gives_the_same_digest_and_other_pixels_another(tmp_path: Path) -> None:
    content = arrays()
    once, again = (load(tmp_path, content).provenance.digest for _ in range(2))
    content["test_images"][0, 0, 0] ^= 1
    assert once == again != load(tmp_path, content).provenance.digest


@pytest.mark.parametrize(
    ("file", "values", "counts", "shape"),
    [
        (
            "pneumoniamnist/pneumoniamnist.npz",
            ("normal", "pneumonia"),
            {"train": [388, 3484], "validation": [135, 389], "test": [234, 390]},
            (1, 28, 28),
        ),
        (
            "bccd/bccd64.npz",
            ("RBC", "WBC", "platelet"),
            {"train": [2937, 272, 243], "validation": [365, 29, 37], "test": [851, 71, 81]},
            (3, 64, 64),
        ),
    ],
)
def test_the_public_sets_hold_what_their_publishers_say(
    real_data: Path, file: str, values: tuple[str, ...], counts: dict[str, list[int]], shape: tuple[int, ...]
) -> None:
    if not (real_data / file).is_file():
        pytest.skip(f"EDGEWARD_DATA holds no {file}")
    found = load_dataset("images", real_data / file)
    assert found.label.values == values
    assert found.schema.shape == shape
    for split, expected in counts.items():
        assert np.bincount(getattr(found, split).columns["finding"].astype(int)).tolist() == expected
    # Ten images of PneumoniaMNIST's train split are in validation too.
    duplicates = "10 images of train are in validation too, pixel by pixel, and are left out of train."
    assert (duplicates in found.provenance.notes) == file.startswith("pneumonia")
