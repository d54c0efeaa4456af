"""The judgement as a whole: each way to fail turns its own light on, and an honest generator passes."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from edgeward.benchmarks.quality import Effort, Evidence, PrivacyRecord, Records, Source, Task, judge
from edgeward.benchmarks.quality.judge import scored_classes
from edgeward.benchmarks.quality.records import generated
from edgeward.benchmarks.quality.verdicts import unusable
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema

pytestmark = pytest.mark.usefixtures("fewer_trees")
SCHEMA = TableSchema(
    "ward",
    "Patients of a ward.",
    (
        NumberColumn("age", "a", 18, 100),
        CategoryColumn("sex", ("F", "M")),
        NumberColumn("systolic", "mm[Hg]", 60, 260),
        NumberColumn("cholesterol", "mg/dL", 50, 500),
        CategoryColumn("smoker", ("no", "yes", "unknown")),
    ),
)
CLASSES = ("healthy", "sick")
TINY = Effort(
    "tiny",
    thorough=False,
    seeds=3,
    steps=1,
    per_class=150,
    test_records=10_000,
    augmented=10_000,
    fidelity_records=400,
    attacked=100,
    descents=1,
    shadows=0,
)


def patients(n: int, seed: int, prefix: str) -> Records:
    """A law with dependent columns: the old, the smokers and men are sick more often, and the sick look different."""
    rng = np.random.default_rng(seed)
    age, man = rng.normal(60, 14, n).clip(18, 100), rng.integers(0, 2, n)
    smoker = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    sick = rng.random(n) < 1 / (1 + np.exp(-((age - 60) / 8 + man - 0.5 + 1.5 * (smoker == 1) - 0.4)))
    systolic = (110 + 0.4 * (age - 60) + 35 * sick + rng.normal(0, 8, n)).clip(60, 260)
    cholesterol = (180 + 60 * sick + 0.5 * (systolic - 120) + rng.normal(0, 20, n)).clip(50, 500)
    values = np.stack([age, man, systolic, cholesterol, smoker], axis=1).astype(np.float32)
    names = np.char.add(prefix, np.arange(n).astype(np.str_))
    return Records(values, sick.astype(np.intp), names, {"sex": np.where(man == 1, "M", "F")})


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(SCHEMA, CLASSES, patients(500, 1, "train"), patients(150, 2, "val"), patients(500, 3, "test"))


@pytest.fixture(scope="module")
def small_task() -> Task:
    """Where it is of no matter how sure the figures are."""
    return Task(SCHEMA, CLASSES, patients(150, 1, "train"), patients(60, 2, "val"), patients(150, 3, "test"))


def unnamed(records: Records) -> Records:
    return generated(records.values, records.labels)


def honest(_: Task) -> Records:
    return unnamed(patients(900, 11, "x"))


def memoriser(task: Task) -> Records:
    return unnamed(task.train.take(np.random.default_rng(1).integers(0, len(task.train), 900)))


def collapsed(task: Task) -> Records:
    """Two patients over and over, one of each class, with a little noise."""
    rng = np.random.default_rng(2)
    chosen = np.array([np.flatnonzero(task.train.labels == label)[0] for label in (0, 1)])
    few = task.train.take(np.repeat(chosen, 450))
    noise = rng.normal(0, 0.5, few.values.shape) * [1, 0, 1, 1, 0]
    return generated((few.values + noise).astype(np.float32), few.labels)


def swapped(_: Task) -> Records:
    records = patients(900, 12, "x")
    return generated(records.values, 1 - records.labels)


def shuffled(_: Task) -> Records:
    records, rng = patients(900, 13, "x"), np.random.default_rng(3)
    columns = [rng.permutation(column) for column in records.values.T]
    return generated(np.stack(columns, axis=1), records.labels)


def without_women(_: Task) -> Records:
    records = patients(2000, 14, "x")
    return unnamed(records.take(records.attributes["sex"] == "M").take(np.arange(900)))


def without_the_sick(_: Task) -> Records:
    records = patients(2000, 15, "x")
    return unnamed(records.of_class(0).take(np.arange(600)))


MAKERS: dict[str, Callable[[Task], Records]] = {
    maker.__name__: maker
    for maker in (honest, memoriser, collapsed, swapped, shuffled, without_women, without_the_sick)
}


@pytest.fixture(scope="module")
def evidence(fewer_trees: None, task: Task) -> Evidence:
    sources = [Source(name, "0" * 64, make(task), chooses_classes=True) for name, make in MAKERS.items()]
    return judge(task, sources, TINY, data={"source": "a law", "simulated": True, "notes": []})


def light(evidence: Evidence, source: str, axis: str) -> str:
    return next(v.light for v in evidence.verdicts if (v.source, v.axis) == (source, axis))


def test_an_honest_generator_passes(evidence: Evidence) -> None:
    found = {axis: light(evidence, "honest", axis) for axis in ("fidelity", "utility", "privacy", "fairness")}
    assert found == {"fidelity": "green", "utility": "green", "privacy": "amber", "fairness": "green"}


def test_privacy_is_never_green_where_weights_were_not_attacked(evidence: Evidence) -> None:
    assert "not attacked" in next(v.text for v in evidence.verdicts if (v.source, v.axis) == ("honest", "privacy"))


@pytest.mark.parametrize(
    ("source", "axis", "lights"),
    [
        ("memoriser", "privacy", {"red"}),
        ("collapsed", "fidelity", {"red"}),
        ("shuffled", "fidelity", {"amber", "red"}),
        ("swapped", "utility", {"red"}),
        ("shuffled", "utility", {"red"}),
        ("without_women", "fairness", {"red"}),
        ("without_the_sick", "fidelity", {"red"}),
        ("without_the_sick", "utility", {"red"}),
        ("without_the_sick", "fairness", {"red"}),
    ],
)
def test_each_way_to_fail_turns_its_light_on(evidence: Evidence, source: str, axis: str, lights: set[str]) -> None:
    assert light(evidence, source, axis) in lights


def test_a_memoriser_is_perfect_in_everything_but_privacy(evidence: Evidence) -> None:
    assert light(evidence, "memoriser", "fidelity") == "green"
    assert light(evidence, "memoriser", "utility") == "green"
    assert evidence.figure("exact_copies", "memoriser").value == 1.0  # type: ignore[union-attr]


def test_shuffled_columns_are_seen_by_the_two_sample_test_and_by_correlations(evidence: Evidence) -> None:
    for measure in ("two_sample_auc", "pair_correlation"):
        bad, good = (evidence.figure(measure, source) for source in ("shuffled", "honest"))
        assert bad is not None and good is not None  # noqa: PT018
        assert bad.low is not None and good.high is not None and bad.low > good.high  # noqa: PT018


def test_the_share_of_each_class_stands_beside_that_of_training(evidence: Evidence, task: Task) -> None:
    trained = evidence.figure("class_share", "real", "class=sick")
    made = evidence.figure("class_share", "without_the_sick", "class=sick")
    assert trained is not None and trained.value == pytest.approx((task.train.labels == 1).mean())  # noqa: PT018
    assert made is not None and made.value == 0.0  # noqa: PT018


def test_the_references_bound_every_generator_by_construction(evidence: Evidence) -> None:
    def value(measure: str, source: str) -> float:
        figure = evidence.figure(measure, source)
        assert figure is not None and figure.value is not None  # noqa: PT018
        return figure.value

    assert value("tstr", "real") > 0.75 > 0.55 > value("tstr", "noise")
    assert value("dcr_share", "copies") == 1.0
    assert 0.4 < value("dcr_share", "real") < 0.6
    assert value("coverage", "real") > 0.9 > value("coverage", "collapsed")


def test_measures_that_cannot_tell_the_references_apart_are_named() -> None:
    def one_law(n: int, seed: int, prefix: str) -> Records:
        records, rng = patients(n, seed, prefix), np.random.default_rng(seed)
        return Records(
            rng.normal(100, 10, records.values.shape).clip(60, 140).astype(np.float32) * [1, 0, 1, 1, 0],
            rng.integers(0, 2, n),
            records.patients,
        )

    task = Task(SCHEMA, CLASSES, one_law(200, 1, "a"), one_law(60, 2, "b"), one_law(200, 3, "c"))
    found = judge(task, [], TINY, data={"source": "noise", "simulated": True, "notes": []})
    assert "tstr" in unusable(found)
    assert "dcr_share" not in unusable(found)


def test_few_patients_give_a_wide_interval_and_not_a_confident_number(evidence: Evidence) -> None:
    small = Task(SCHEMA, CLASSES, patients(60, 21, "a"), patients(30, 22, "b"), patients(60, 23, "c"))
    source = Source("honest", "0" * 64, honest(small))
    found = judge(small, [source], TINY, data={"source": "a law", "simulated": True, "notes": []})
    for measure in ("tstr", "coverage"):
        few, many = found.figure(measure, "honest"), evidence.figure(measure, "honest")
        assert few is not None and many is not None  # noqa: PT018
        assert few.high - few.low > 1.8 * (many.high - many.low)  # type: ignore[operator]


def test_the_same_judgement_gives_the_same_bytes_and_plain_json(small_task: Task) -> None:
    source = Source("honest", "0" * 64, honest(small_task))
    data = {"source": "a law", "simulated": True, "notes": []}
    once, again = (judge(small_task, [source], TINY, data=data).to_bytes() for _ in range(2))
    assert once == again
    told = json.loads(once)
    assert told["schema_version"] == 1
    assert {finding["measure"] for finding in told["findings"]} == set(told["measures"])


def test_private_training_is_kept_in_the_evidence_and_in_what_is_said_of_privacy(small_task: Task) -> None:
    record = PrivacyRecord(8.0, 1e-5, "prv", 0.84, 1.0, 0.025)
    source = Source("memoriser", "0" * 64, memoriser(small_task))
    found = judge(small_task, [source], TINY, data={"source": "a law", "simulated": True, "notes": []}, dp=record)
    assert found.dp == record
    assert json.loads(found.to_bytes())["differential_privacy"]["epsilon"] == 8.0
    (privacy,) = (verdict for verdict in found.verdicts if verdict.axis == "privacy")
    assert privacy.light == "red"  # a promise is no excuse
    assert record.promise() in privacy.text


def test_progress_ends_at_the_number_of_steps_announced(small_task: Task) -> None:
    seen: list[tuple[int, int]] = []
    judge(
        small_task,
        [],
        TINY,
        data={"source": "a law", "simulated": True, "notes": []},
        on_progress=lambda done, of, _: seen.append((done, of)),
    )
    assert [done for done, _ in seen] == list(range(len(seen)))
    assert seen[-1][0] == seen[-1][1]


def test_a_class_of_one_record_is_left_out_and_said_so(task: Task) -> None:
    three = ("healthy", "sick", "rare")

    def with_one(records: Records) -> Records:
        labels = records.labels.copy()
        labels[0] = 2
        return Records(records.values, labels, records.patients, records.attributes)

    widened = Task(SCHEMA, three, with_one(task.train), with_one(task.validation), with_one(task.test))
    scored, notes = scored_classes(widened)
    assert scored == [0, 1]
    assert notes == [
        "Class rare is not scored by classifiers: 1 records of 1 patients in train and 1 records of 1 patients in test."
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: Records(r.values[:0], r.labels[:0], r.patients[:0]), "the records of x hold no record"),
        (lambda r: Records(r.values[:, :3], r.labels, r.patients), r"of shape \(3,\); ward has \(5,\)"),
        (lambda r: Records(r.values * [1, 1, np.inf, 1, 1], r.labels, r.patients), "column systolic holds an infinity"),
        (
            lambda r: Records(r.values + np.array([0, 5, 0, 0, 0]), r.labels, r.patients),
            "column sex holds [56], the index of no",
        ),
        (lambda r: Records(r.values, r.labels + 2, r.patients), "a label that is none of the 2 classes"),
        (lambda r: Records(r.values, r.labels[:-1], r.patients), "labels of shape"),
    ],
)
def test_malformed_records_are_refused_by_name(task: Task, change: Callable[[Records], Records], said: str) -> None:
    with np.errstate(invalid="ignore"):
        source = Source("x", "0" * 64, change(honest(task)))
    with pytest.raises(DataError, match=said):
        judge(task, [source], TINY, data={})


def test_a_patient_in_two_splits_is_refused(task: Task) -> None:
    leaky = Task(SCHEMA, CLASSES, task.train, task.validation, task.train)
    with pytest.raises(DataError, match="patient train0 is in both the train and the test data"):
        judge(leaky, [], TINY, data={})


def test_one_class_alone_cannot_be_judged(task: Task) -> None:
    only = Task(SCHEMA, CLASSES, task.train.of_class(0), task.validation, task.test)
    with pytest.raises(DataError, match="fewer than two classes"):
        judge(only, [], TINY, data={})
