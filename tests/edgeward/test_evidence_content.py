"""What the report shows of images: the first of each class, of every row, as many as fit next to each other."""

from types import SimpleNamespace

import numpy as np
import pytest
from edgeward.benchmarks.quality import Source
from edgeward.benchmarks.quality.records import generated
from edgeward.training.datasets.images.simulator import simulate_images
from edgeward.training.datasets.records import task_of

from edgeward.evidence_page import page_content
from edgeward.judgement import Prepared


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    dataset = simulate_images(patients=(60, 10, 40), seed=3)
    task = task_of(dataset)
    records = generated(task.train.values, task.train.labels)
    judged = SimpleNamespace(name="chest 1.0.0", digest="ab" * 32)
    return Prepared(task, (Source("int8", "0" * 64, records),), (), dataset, judged, 7)  # type: ignore[arg-type]


def test_every_class_has_a_sheet_of_the_first_images_of_each_row(prepared: Prepared) -> None:
    page = page_content(prepared)
    assert page.drawn_as == "images"
    assert [sheet.code for sheet in page.sheets] == ["normal", "opacity"]
    assert [sheet.meaning for sheet in page.sheets] == ["clear lungs", "opacities in the lungs"]
    for label, sheet in enumerate(page.sheets):
        made = prepared.task.train.values[prepared.task.train.labels == label]
        assert np.array_equal(sheet.synthetic["int8"], made[:8])
        of_class = {image.tobytes() for image in prepared.task.test.of_class(label).values}
        assert len(sheet.real) == 8
        assert {image.tobytes() for image in sheet.real} <= of_class


def test_images_have_no_spectra_and_no_distributions(prepared: Prepared) -> None:
    page = page_content(prepared)
    assert page.spectra == page.distributions == ()
