"""Groups that a generator leaves out or thins out are seen; groups of too few patients are not judged."""

from dataclasses import replace

import numpy as np
import pytest
from edgeward.benchmarks.quality import Effort, Evidence, Records, Source, Task, judge
from edgeward.benchmarks.quality.fairness import group_accuracy, group_coverage, groups, too_few
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.manifold import covered
from edgeward.benchmarks.quality.records import generated
from edgeward.benchmarks.quality.utility.tstr import read_on
from edgeward.runtime.schema import NumberColumn, TableSchema
from sklearn.metrics import balanced_accuracy_score

SCHEMA = TableSchema("ward", "", (NumberColumn("height", "cm", 100, 250), NumberColumn("haemoglobin", "g/dL", 1, 30)))
CLASSES = ("healthy", "sick")


def patients(n: int, seed: int, *, women: float = 0.4, sick: float = 0.3, prefix: str = "x") -> Records:
    """Women are shorter; the sick lack haemoglobin, of which women have less."""
    rng = np.random.default_rng(seed)
    woman, ill = rng.random(n) < women, rng.random(n) < sick
    height = rng.normal(178 - 13 * woman, 5)
    haemoglobin = rng.normal(15 - 1.5 * woman - 4 * ill, 0.7)
    values = np.stack([height, haemoglobin], axis=1).astype(np.float32)
    attributes = {"sex": np.where(woman, "F", "M")}
    return Records(values, ill.astype(np.intp), np.char.add(prefix, np.arange(n).astype(np.str_)), attributes)


@pytest.fixture(scope="module")
def task() -> Task:
    train, validation, test = (patients(n, s, prefix=p) for n, s, p in ((400, 1, "a"), (100, 2, "b"), (400, 3, "c")))
    return Task(SCHEMA, CLASSES, train, validation, test)


def named(task: Task, records: Records) -> dict[str, np.ndarray]:
    return dict(groups(task, records))


def test_groups_are_each_class_and_each_known_value_of_each_attribute(task: Task) -> None:
    sex = task.test.attributes["sex"].copy()
    sex[:50] = ""
    found = named(task, replace(task.test, attributes={"sex": sex, "age": np.full(400, "65 and over")}))
    assert list(found) == ["class=healthy", "class=sick", "age=65 and over", "sex=F", "sex=M"]
    assert not found["sex=F"][:50].any()
    assert not found["sex=M"][:50].any()
    np.testing.assert_array_equal(found["class=sick"], task.test.labels == 1)


def reached(real: Records, made: Records) -> np.ndarray:
    scale = np.array([5.0, 0.7])
    real_points, made_points = (Embedded(side.values / scale, side.patients) for side in (real, made))
    return covered(real_points, made_points)


def coverage(task: Task, made: Records) -> dict[str, float]:
    near = reached(task.test, made)
    found = {name: group_coverage(task.test, near, members) for name, members in named(task, task.test).items()}
    return {name: figure.value or 0.0 for name, figure in found.items()}


def test_a_dropped_sex_is_caught(task: Task) -> None:
    whole, men = coverage(task, patients(400, 4)), coverage(task, patients(400, 5, women=0.0))
    assert min(whole.values()) > 0.85
    assert men["sex=F"] < 0.3
    assert men["sex=M"] > 0.85


def test_a_minority_made_rarer_than_it_is_loses_coverage_step_by_step(task: Task) -> None:
    found = [coverage(task, patients(400, 6, women=share))["sex=F"] for share in (0.4, 0.1, 0.02)]
    assert found[0] - found[1] > 0.1
    assert found[1] - found[2] > 0.1


def test_a_groups_coverage_is_the_mean_over_its_own_records() -> None:
    records = patients(200, 7)
    near = np.random.default_rng(8).random(200) < 0.5
    women = records.attributes["sex"] == "F"
    figure = group_coverage(records, near, women)
    assert figure.value == pytest.approx(near[women].mean())
    assert figure.n == figure.patients == women.sum()


@pytest.mark.parametrize(
    ("records", "of", "said"), [(19, 19, "19 records of 19 patient(s)"), (60, 1, "60 records of 1 patient(s)")]
)
def test_a_group_of_too_few_is_left_out_and_said_so(records: int, of: int, said: str) -> None:
    sides = patients(200, 9)
    names = sides.patients.copy()
    names[:records] = np.arange(records) % of
    few = replace(sides, patients=names)
    members = np.arange(200) < records
    figure = group_coverage(few, np.ones(200, np.bool_), members)
    assert figure.value is None
    assert said in figure.note
    assert too_few(few, ~members) == ""


def test_twenty_records_of_two_patients_are_enough() -> None:
    sides = patients(200, 9)
    names = np.where(np.arange(200) < 20, (np.arange(200) % 2).astype(np.str_), sides.patients)
    assert too_few(replace(sides, patients=names), np.arange(200) < 20) == ""


def test_a_classifier_that_is_blind_for_one_sex_is_seen(task: Task) -> None:
    def one_limit_for_all(values: np.ndarray) -> np.ndarray:
        # Right for men; a healthy woman often lies below.
        return (values[:, 1] < 13.0).astype(np.intp)

    tested = read_on([one_limit_for_all], task.test, 2)
    predicted = one_limit_for_all(task.test.values)
    accuracy = {}
    for sex in ("F", "M"):
        members = task.test.attributes["sex"] == sex
        figure = group_accuracy(task.test, tested, members)
        truth = balanced_accuracy_score(task.test.labels[members], predicted[members])
        assert figure.value == pytest.approx(truth)
        assert figure.patients == members.sum()
        accuracy[sex] = figure
    assert accuracy["F"].high < accuracy["M"].low


TINY = Effort(
    **{"name": "tiny", "thorough": False, "seeds": 2, "steps": 1, "per_class": 150, "test_records": 1000},
    **{"augmented": 100, "fidelity_records": 300, "attacked": 20, "descents": 1, "shadows": 0},
)


@pytest.fixture(scope="module")
def evidence(fewer_trees: None, task: Task) -> Evidence:
    makers = {
        "honest": patients(1200, 11),
        "men": patients(1200, 12, women=0.0),
        "healthier": patients(6000, 13, sick=0.05),
    }
    sources = [
        Source(name, "0" * 64, generated(made.values, made.labels), chooses_classes=True)
        for name, made in makers.items()
    ]
    return judge(task, sources, TINY, data={"source": "a law", "simulated": True, "notes": []})


def light(evidence: Evidence, source: str) -> str:
    return next(
        verdict.light for verdict in evidence.verdicts if (verdict.source, verdict.axis) == (source, "fairness")
    )


def test_a_generator_without_women_fails_and_the_verdict_names_them(evidence: Evidence) -> None:
    assert light(evidence, "honest") == "green"
    assert light(evidence, "men") == "red"
    text = next(v.text for v in evidence.verdicts if (v.source, v.axis) == ("men", "fairness"))
    assert "furthest behind: sex=F" in text


def test_amplified_imbalance_of_the_classes_stands_beside_the_share_in_training(evidence: Evidence) -> None:
    def share(source: str) -> tuple[float, float, float]:
        figure = evidence.figure("class_share", source, "class=sick")
        assert figure is not None
        return figure.low or 0.0, figure.value or 0.0, figure.high or 0.0

    trained, honest, healthier = (share(source) for source in ("real", "honest", "healthier"))
    assert trained[0] <= honest[1] <= trained[2]
    assert healthier[2] < trained[0] / 2


def test_a_generator_that_amplifies_imbalance_is_not_green_even_where_it_covers_all(evidence: Evidence) -> None:
    assert light(evidence, "healthier") == "amber"
    text = next(v.text for v in evidence.verdicts if (v.source, v.axis) == ("healthier", "fairness"))
    assert "too rare among its records: class=sick" in text
