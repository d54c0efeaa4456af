"""What infer makes of columns: each decision by its rule, and nothing that tells who a patient is."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets.table.decisions import outward
from edgeward.training.datasets.table.description import OTHER, CategorySource, NumberSource
from edgeward.training.datasets.table.description_writer import write_description
from edgeward.training.datasets.table.infer import Inferred, infer_schema
from hypothesis import given
from hypothesis import strategies as st

ROWS = 200
LABEL = ["ill" if row % 3 else "well" for row in range(ROWS)]


@pytest.fixture
def infer(tmp_path: Path) -> Callable[..., Inferred]:
    """Infer from columns given by name, beside a label that is fine."""

    def run(separator: str = ",", options: dict[str, object] | None = None, **columns: Sequence[object]) -> Inferred:
        columns = {"label": LABEL[: len(next(iter(columns.values())))], **columns}
        lines = [separator.join(columns)]
        lines += [separator.join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(lines))
        return infer_schema(path, **{"label": "label", **(options or {})})  # type: ignore[arg-type]

    return run


def cycled(*entries: object) -> list[object]:
    return [entries[row % len(entries)] for row in range(ROWS)]


AGES = [20 + (37 * row) % 61 for row in range(ROWS)]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        (AGES, NumberSource("x", "x", "1", 20, 80, 1)),
        ([f"{a / 10}" for a in AGES], NumberSource("x", "x", "1", 2, 8, 0.1)),
        ([f"{a / 10:.2f}" for a in AGES], NumberSource("x", "x", "1", 2, 8, 0.1)),
        ([f"{a / 7}" for a in AGES], NumberSource("x", "x", "1", 2, 12, 0.0)),
        ([f"{a * 1e6 + 0.001:.3f}" for a in AGES], NumberSource("x", "x", "1", 2e7, 9e7, 0.0)),
        (["", *AGES[1:]], NumberSource("x", "x", "1", 20, 80, 1, missing=True)),
        (cycled(0, 1), CategorySource("x", "x", ("0", "1"))),
        (cycled(1.0, 2.5), CategorySource("x", "x", ("1.0", "2.5"))),
        (cycled(3, 10, 1, 2), CategorySource("x", "x", ("1", "2", "3", "10"), ordered=True)),
        (cycled("1", "2", "2.0", "3"), CategorySource("x", "x", ("1", "2", "2.0", "3"), {"2.0": "2"}, ordered=True)),
        ([*cycled(0, 1, 2)[:-1], 9], NumberSource("x", "x", "1", 0, 10, 1)),
        (cycled("b", "a", "?"), CategorySource("x", "x", ("a", "b"), missing=True)),
        (cycled("yes", ""), CategorySource("x", "x", ("yes",), missing=True)),
        (cycled("50-59", "[9-50)", "60+"), CategorySource("x", "x", ("[9-50)", "50-59", "60+"), ordered=True)),
        (cycled(*"zyxwvutsrqp"), CategorySource("x", "x", tuple("pqrstuvwxyz"))),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_becomes_what_its_entries_are(
    infer: Callable[..., Inferred], entries: Sequence[object], wanted: object
) -> None:
    (found,) = infer(x=entries).description.columns
    assert found == wanted


@pytest.mark.parametrize(
    ("name", "entries", "reason"),
    [
        ("x", [""] * ROWS, "holds no entry"),
        ("x", ["same"] * ROWS, "'same' in every row"),
        ("x", ["0.1", "0.10"] * (ROWS // 2), "'0.1' in every row"),
        ("x", [f"2020-01-{row % 28 + 1:02d}" for row in range(ROWS)], "dates or times"),
        ("x", [f"{row % 12:02d}:{row % 60:02d}" for row in range(ROWS)], "dates or times"),
        ("x", range(1000, 1000 + ROWS), "as the numbers or names of patients do"),
        ("patient_nbr", [row // 2 * 7 for row in range(ROWS)], "as the numbers or names of patients do"),
        ("subject_id", [f"S{row % 60}" for row in range(ROWS)], "as the numbers or names of patients do"),
        ("PatientID", [row * 13 % 997 for row in range(ROWS)], "as the numbers or names of patients do"),
        ("x", [10_000_000 + 7919 * row for row in range(ROWS)], "as the numbers or names of patients do"),
        ("x", [f"name {row}" for row in range(ROWS)], "as the numbers or names of patients do"),
        ("x", [f"seen with pain on day {row % 150}" for row in range(ROWS)], "free text"),
        (
            "x",
            [f"c{row // 4}" for row in range(ROWS)],
            "50 different texts in 200 rows, of which too few",
        ),
        ("x", ["unknown", "<5", *AGES[2:]], "numbers but for '<5', 'unknown'; .* --missing"),
    ],
)
def test_what_is_of_no_use_or_tells_who_a_patient_is_is_left_out_with_the_reason(
    infer: Callable[..., Inferred], name: str, entries: Sequence[object], reason: str
) -> None:
    description = infer(**{name: entries}, age=AGES).description
    assert [source.column for source in description.columns] == ["age"]
    assert list(description.left_out) == [name]
    assert re.search(reason, description.left_out[name])


def test_unique_measurements_are_no_names_of_patients(infer: Callable[..., Inferred]) -> None:
    description = infer(probnp=[row * row + 20 for row in range(ROWS)], lipid=AGES).description
    assert [type(source) for source in description.columns] == [NumberSource, NumberSource]


def test_codes_of_a_long_list_keep_the_frequent_and_collect_the_rest(infer: Callable[..., Inferred]) -> None:
    often = [f"V{row % 12}" for row in range(ROWS - 8)]
    (found,) = infer(x=[*often, *(f"rare{row}" for row in range(8))]).description.columns
    assert found == CategorySource("x", "x", tuple(sorted(f"V{i}" for i in range(12))), other=True)
    assert isinstance(found, CategorySource)
    assert found.categories()[-1] == OTHER


def test_ten_thousand_categories_become_fifty(infer: Callable[..., Inferred], tmp_path: Path) -> None:
    rng = random.Random(1)  # noqa: S311
    lines = [f"{'ill' if row % 2 else 'well'},{min(int(rng.paretovariate(0.4)), 10_000)}x" for row in range(40_000)]
    (tmp_path / "big.csv").write_text("\n".join(["label,code", *lines, *(f"ill,{n}x" for n in range(10_000))]))
    (found,) = infer_schema(tmp_path / "big.csv", label="label").description.columns
    assert isinstance(found, CategorySource)
    assert len(found.values) == 50
    assert found.other
    assert "1x" in found.values


def test_minus_one_is_a_number_unless_told_and_asked_about(infer: Callable[..., Inferred]) -> None:
    inferred = infer(x=[-1, *AGES[1:]])
    assert inferred.description.columns == (NumberSource("x", "x", "1", -10, 80, 1),)
    assert "--missing=-1" in inferred.remarks["x"]
    told = infer(x=[-1, *AGES[1:]], options={"missing": ("", "-1")}).description
    assert told.columns == (NumberSource("x", "x", "1", 20, 80, 1, missing=True),)


def test_a_code_by_its_name_has_no_order(infer: Callable[..., Inferred]) -> None:
    (found,) = infer(admission_type_id=cycled(1, 2, 3)).description.columns
    assert found == CategorySource("admission_type_id", "admission_type_id", ("1", "2", "3"))


def test_names_that_a_generated_table_has_of_its_own_are_changed(infer: Callable[..., Inferred]) -> None:
    found = infer(index=cycled(0, 1), synthetic=cycled("a", "b"), age=AGES).description
    assert [source.name for source in found.columns] == ["index_", "synthetic_", "age"]
    assert found.groups == ("age",)


def test_decimal_commas_are_told_where_semicolons_separate(infer: Callable[..., Inferred]) -> None:
    comma = infer(";", x=[f"{a / 10}".replace(".", ",") for a in AGES], y=AGES).description
    assert (comma.separator, comma.decimal) == (";", ",")
    assert comma.columns[0] == NumberSource("x", "x", "1", 2, 8, 0.1)
    point = infer(";", x=[f"{a / 10}" for a in AGES]).description
    assert (point.separator, point.decimal) == (";", ".")


def test_the_label_takes_its_name_to_one_that_a_condition_can_have(infer: Callable[..., Inferred]) -> None:
    for header, name in (("class (0/1)", "class__0_1_"), ("2nd", "label_2nd"), ("schema", "schema_class")):
        label = infer(x=AGES, **{header: LABEL}, options={"label": header}).description.label
        assert (label.column, label.name, label.values) == (header, name, ("ill", "well"))


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (["ill"] * ROWS, "'ill' in every row; a label needs two classes"),
        ([""] * ROWS, "holds no entry"),
        ([f"{a / 7}" for a in AGES], "is a quantity from 2.85714 to 11.4286"),
        (range(ROWS), "is a quantity from 0 to 199"),
        ([f"level {row}" for row in range(ROWS)], "has 200 or more different entries, and at most 20"),
        (["1", "1.0"] * (ROWS // 2), "needs two classes"),
    ],
)
def test_a_label_that_cannot_be_learnt_is_refused(
    infer: Callable[..., Inferred], entries: Sequence[object], told: str
) -> None:
    with pytest.raises(DataError, match=f"the label 'outcome'.*{told}"):
        infer(x=AGES, outcome=entries, options={"label": "outcome"})


def test_a_label_of_ten_thousand_levels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *(f"{row % 50},level{row}" for row in range(10_000))]))
    with pytest.raises(DataError, match="has 10000 or more different entries"):
        infer_schema(tmp_path / "t.csv", label="y")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"label": "none"}, "no column 'none' to be the label; .* has label, x"),
        ({"patient": "none"}, "no column 'none' to be the patient"),
        ({"patient": "label"}, "cannot be the label and the patient"),
        ({"separator": ",,"}, "a separator is one character"),
        ({"encoding": "utf-32"}, "encoding must be one of"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    infer: Callable[..., Inferred], options: dict[str, object], told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        infer(x=AGES, options=options)


def test_a_table_of_nothing_but_a_header_or_a_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n")
    with pytest.raises(DataError, match="column names but no row"):
        infer_schema(tmp_path / "t.csv", label="label")
    (tmp_path / "t.csv").write_text("label\n" + "\n".join(LABEL))
    with pytest.raises(DataError, match="no column beside the label"):
        infer_schema(tmp_path / "t.csv", label="label")


def test_a_description_that_would_not_lie_above_its_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text("x,y\n" + "\n".join(f"{a},{b}" for a, b in zip(AGES, LABEL, strict=True)))
    assert infer_schema(tmp_path / "in" / "t.csv", label="y", folder=tmp_path).description.file == "in/t.csv"
    with pytest.raises(RequestError, match="beside the data"):
        infer_schema(tmp_path / "in" / "t.csv", label="y", folder=tmp_path / "in" / "deeper")


@given(st.integers(-10_000, 10_000), st.integers(1, 5000), st.integers(0, 2))
def test_a_range_holds_the_entries_is_hardly_wider_and_not_negative_without_need(
    low: int, spread: int, decimals: int
) -> None:
    step = 10.0**-decimals
    minimum, maximum = low * step, (low + spread) * step
    ends = outward(minimum, maximum, step)
    assert ends[0] <= minimum < maximum <= ends[1]
    assert ends[1] - ends[0] <= 1.5 * (maximum - minimum) + 10 * step
    if low >= 0:
        assert ends[0] >= 0


def test_no_extreme_can_be_read_off_a_range() -> None:
    """Every range is that of several smallest and of several largest entries."""
    behind: dict[tuple[float, float], tuple[set[int], set[int]]] = {}
    for low in range(-60, 140):
        for high in range(low + 1, 200):
            lows, highs = behind.setdefault(outward(low, high, 1.0), (set(), set()))
            lows.add(low)
            highs.add(high)
    inside = [sets for (start, end), sets in behind.items() if start >= -60 and end <= 140]
    assert len(inside) > 300
    assert min(min(len(lows), len(highs)) for lows, highs in inside) >= 2


def test_the_description_holds_no_rare_entry_and_no_lone_extreme(infer: Callable[..., Inferred]) -> None:
    ages = [*AGES[1:], 97]
    wards = [f"ward {row % 15}" for row in range(ROWS)]
    wards[0] = "isolation of Mrs Smith"
    inferred = infer(age=ages, ward=wards, mrn=[f"M{row:05d}" for row in range(ROWS)])
    text = write_description(inferred.description, inferred.remarks)
    for secret in ("97", "Smith", "M00"):
        assert secret not in text
