"""Simulated chest images show air, bone and opacities where they belong."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.datasets.images.chest_image import Blob, Chest, draw_chest, take_image
from edgeward.training.datasets.images.simulator import PIXELS, simulate_images
from sklearn.linear_model import LogisticRegression


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return simulate_images(patients=(300, 40, 150), seed=5)


def chest(seed: int) -> Chest:
    return draw_chest(np.random.default_rng(seed), opacity=False)


def image_of(drawn: Chest) -> npt.NDArray[np.float32]:
    return take_image(replace(drawn, noise=0.0), PIXELS, np.random.default_rng(0))


def test_lungs_are_dark_and_mediastinum_and_belly_are_bright() -> None:
    mean = np.mean([image_of(chest(k)) for k in range(60)], axis=0)
    left, right, middle, belly = (
        mean[8:16, 6:9].mean(),
        mean[8:16, 19:22].mean(),
        mean[8:16, 14].mean(),
        mean[26:].mean(),
    )
    assert max(left, right) < min(middle, belly) - 0.2


def test_the_heart_lies_to_the_right_of_the_middle_of_the_image() -> None:
    """An X-ray is looked at as if facing the patient."""
    mean = np.mean([image_of(replace(chest(k), centre=0.5, tilt=0.0)) for k in range(60)], axis=0)
    rows = slice(16, 20)
    assert mean[rows, 16:19].mean() > mean[rows, 9:12].mean() + 0.05


def test_a_blob_brightens_the_lung_where_it_lies_and_nowhere_far_off() -> None:
    clear = replace(chest(1), centre=0.5, tilt=0.0, zoom=1.0)
    ill = replace(clear, blobs=(Blob(x=0.3, y=0.5, width=0.07, density=0.3),))
    change = image_of(ill) - image_of(clear)
    at = np.unravel_index(change.argmax(), change.shape)
    assert change.max() > 0.15
    assert abs(at[0] / PIXELS - 0.5) < 0.1
    assert abs(at[1] / PIXELS - 0.3) < 0.1
    assert np.abs(change[:, 18:]).max() < 0.02


def test_a_closer_view_shows_less_around_the_lungs() -> None:
    near, far = (image_of(replace(chest(3), zoom=zoom, body_width=0.44)) for zoom in (1.3, 0.9))
    assert (far < 0.1).mean() > (near < 0.1).mean() + 0.02


def test_images_are_finite_grey_and_not_washed_out(simulated: Dataset) -> None:
    samples = simulated.train.samples
    assert samples.dtype == np.float32
    assert samples.shape == (300, 1, PIXELS, PIXELS) == (300, *simulated.schema.shape)
    assert np.isfinite(samples).all()
    assert samples.min() >= 0.0
    assert samples.max() <= 1.0
    assert np.mean(samples == 1.0) < 0.03
    assert 0.4 < samples.mean() < 0.7
    assert samples.std(axis=(1, 2, 3)).mean() > 0.12


def test_a_plain_classifier_tells_opacities_in_patients_it_never_saw_but_not_all(simulated: Dataset) -> None:
    model = LogisticRegression(C=0.05, max_iter=500)
    model.fit(simulated.train.samples.reshape(300, -1), simulated.train.columns["finding"])
    accuracy = model.score(simulated.test.samples.reshape(150, -1), simulated.test.columns["finding"])
    assert 0.7 < accuracy < 0.99


def test_both_findings_occur_in_their_shares(simulated: Dataset) -> None:
    share = simulated.train.columns["finding"].mean()
    assert 0.4 < share < 0.6
    assert simulated.label.shares == pytest.approx((1.0 - share, share), abs=0.001)


def test_each_patient_is_imaged_once_and_looks_like_no_other(simulated: Dataset) -> None:
    assert len(set(simulated.train.patients.tolist())) == 300
    assert len({image.tobytes() for image in simulated.train.samples}) == 300
