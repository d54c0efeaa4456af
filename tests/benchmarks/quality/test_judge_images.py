"""Images are judged end to end: each way to fail turns its own light on, and an honest generator passes."""

from collections.abc import Callable

import numpy as np
import pytest
from edgeward.benchmarks.quality import Effort, Evidence, Records, Source, Task, judge
from edgeward.benchmarks.quality.records import generated
from edgeward.benchmarks.quality.verdicts import unusable
from edgeward.training.datasets.images.simulator import simulate_images
from edgeward.training.datasets.records import records_of, task_of

TINY = Effort(
    "tiny",
    thorough=False,
    seeds=2,
    steps=30,
    per_class=100,
    test_records=1000,
    augmented=1000,
    fidelity_records=150,
    attacked=100,
    descents=1,
    shadows=0,
)
MADE = 300


@pytest.fixture(scope="module")
def task() -> Task:
    return task_of(simulate_images(patients=(150, 60, 150), seed=1))


def others(_: Task) -> Records:
    """Other simulated patients: as good as a generator can be."""
    simulated = simulate_images(patients=(MADE, 1, 1), seed=2)
    return records_of(simulated.train, simulated, simulated.label.values)


def honest(task: Task) -> Records:
    records = others(task)
    return generated(records.values, records.labels)


def memoriser(task: Task) -> Records:
    """Training images, each with the noise of a camera: no copy to the last bit."""
    rng = np.random.default_rng(1)
    taken = task.train.take(rng.integers(0, len(task.train), MADE))
    noisy = (taken.values + rng.normal(0.0, 0.01, taken.values.shape)).clip(0.0, 1.0)
    return generated(noisy.astype(np.float32), taken.labels)


def collapsed(task: Task) -> Records:
    """One image of each class over and over, a little brighter or darker."""
    rng = np.random.default_rng(2)
    one = [np.flatnonzero(task.train.labels == label)[0] for label in (0, 1)]
    taken = task.train.take(np.repeat(one, MADE // 2))
    shades = taken.values * rng.uniform(0.9, 1.1, (MADE, 1, 1, 1))
    return generated(shades.clip(0.0, 1.0).astype(np.float32), taken.labels)


def swapped(task: Task) -> Records:
    records = others(task)
    return generated(records.values, 1 - records.labels)


MAKERS: dict[str, Callable[[Task], Records]] = {
    maker.__name__: maker for maker in (honest, memoriser, collapsed, swapped)
}


@pytest.fixture(scope="module")
def evidence(fewer_trees: None, task: Task) -> Evidence:
    sources = [Source(name, "0" * 64, make(task)) for name, make in MAKERS.items()]
    return judge(task, sources, TINY, data={"source": "a simulator", "simulated": True, "notes": []})


def light(evidence: Evidence, source: str, axis: str) -> str:
    return next(v.light for v in evidence.verdicts if (v.source, v.axis) == (source, axis))


def value(evidence: Evidence, measure: str, source: str, group: str = "all") -> float:
    figure = evidence.figure(measure, source, group)
    assert figure is not None
    assert figure.value is not None
    return figure.value


def test_an_honest_generator_passes(evidence: Evidence) -> None:
    found = {axis: light(evidence, "honest", axis) for axis in ("fidelity", "utility", "privacy", "fairness")}
    assert found == {"fidelity": "green", "utility": "green", "privacy": "amber", "fairness": "green"}


@pytest.mark.parametrize(
    ("source", "axis"),
    [("collapsed", "fidelity"), ("memoriser", "privacy"), ("swapped", "utility")],
)
def test_each_way_to_fail_turns_its_light_on(evidence: Evidence, source: str, axis: str) -> None:
    assert light(evidence, source, axis) == "red"


def test_a_collapse_is_told_by_coverage_and_not_by_precision(evidence: Evidence) -> None:
    assert value(evidence, "precision", "collapsed") > 0.7
    assert value(evidence, "coverage", "collapsed") < 0.3 < 0.9 < value(evidence, "coverage", "real")


def test_a_memoriser_whose_copies_are_noisy_is_told_by_distance(evidence: Evidence) -> None:
    assert value(evidence, "exact_copies", "memoriser") == 0.0
    assert value(evidence, "dcr_share", "memoriser") > 0.95
    assert value(evidence, "distance_auc", "memoriser") > 0.7
    assert light(evidence, "memoriser", "fidelity") != "red"
    assert light(evidence, "memoriser", "utility") == "green"


def test_swapped_labels_are_told_by_class_and_not_by_the_whole(evidence: Evidence) -> None:
    assert value(evidence, "coverage", "swapped") > 0.9
    assert value(evidence, "trts", "swapped") < 0.3 < 0.8 < value(evidence, "trts", "honest")
    for group in ("class=normal", "class=opacity"):
        assert value(evidence, "coverage", "swapped", group) < value(evidence, "coverage", "honest", group) - 0.2


def test_every_measure_tells_the_references_apart_on_images(evidence: Evidence) -> None:
    assert unusable(evidence) == {}
    assert value(evidence, "tstr", "real") > 0.8
    assert value(evidence, "frechet_distance", "noise") > 5 * value(evidence, "frechet_distance", "real")


def test_images_have_no_measures_of_signals_or_tables(evidence: Evidence) -> None:
    measured = {finding.measure for finding in evidence.findings}
    assert not measured & {"spectrum", "physiology", "violations", "column_shape", "pair_correlation", "singling_out"}
