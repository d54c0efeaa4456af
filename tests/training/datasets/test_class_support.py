"""A class is kept by default where enough patients have enough of it, and refused where train holds next to nothing."""

import numpy as np
import pytest
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import ClassCondition
from edgeward.training.datasets.class_support import check_support, support_notes, supported_classes
from edgeward.training.datasets.dataset import Split

LABEL = ClassCondition("rhythm", ("N", "B"), ("normal", "bigeminy"))


def split(**patients: tuple[int, int]) -> Split:
    """Per patient, how many samples of N and of B."""
    counts = np.array(list(patients.values()))
    labels = np.concatenate([np.repeat([0.0, 1.0], count) for count in counts])
    names = np.repeat(list(patients), counts.sum(axis=1))
    return Split(np.zeros((len(labels), 1), np.float32), {"rhythm": labels}, names)


ENOUGH = split(a=(10, 10), b=(5, 5), c=(5, 5))


@pytest.mark.parametrize(
    ("train", "test", "kept"),
    [
        (ENOUGH, ENOUGH, ("N", "B")),
        (split(a=(10, 9), b=(5, 5), c=(5, 5)), ENOUGH, ("N",)),
        (split(a=(10, 90), b=(5, 5), c=(5, 4)), ENOUGH, ("N",)),
        (ENOUGH, split(a=(10, 0), b=(5, 90), c=(5, 90)), ("N",)),
    ],
    ids=["enough", "19 samples", "4 of the third patient", "two patients in test"],
)
def test_20_samples_and_3_patients_with_5_are_needed_in_train_and_in_test(
    train: Split, test: Split, kept: tuple[str, ...]
) -> None:
    assert supported_classes(LABEL, {"train": train, "validation": ENOUGH, "test": test}) == kept


def test_where_nothing_can_be_judged_20_samples_to_learn_from_do() -> None:
    parts = {"train": split(a=(90, 20)), "validation": ENOUGH, "test": split(a=(1, 0))}
    assert supported_classes(LABEL, parts) == ()
    assert supported_classes(LABEL, parts, judged=False) == ("N", "B")


def test_what_is_asked_for_is_refused_below_20_samples_with_what_would_do() -> None:
    parts = {"train": split(a=(20, 19)), "validation": ENOUGH, "test": ENOUGH}
    check_support(LABEL, parts, ["N"], "strips")
    with pytest.raises(DataError, match=r"rhythm B has 19 strips in the train split, .* 20 .* --classes N$"):
        check_support(LABEL, parts, ["N", "B"], "strips")


def test_notes_count_what_is_kept_and_left_out_and_say_what_cannot_be_learnt() -> None:
    parts = {"train": split(a=(30, 1), b=(7, 0)), "validation": split(c=(0, 2)), "test": split(d=(40, 0))}
    assert support_notes(LABEL, parts, ["N"], "strips") == [
        "Kept, rhythm N: 37 strips of 2 patients in train, 40 strips of 1 patient in test.",
        "What can be learnt of rhythm N is that of 2 patients, not more.",
        "Validation holds no strips of rhythm N: nothing is chosen or judged by them there.",
        "Left out, rhythm B: 1 strips of 1 patient in train, 2 strips of 1 patient in validation.",
    ]
