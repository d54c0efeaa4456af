"""What is written is read back, whatever it holds; what a person got wrong is told by file, line and field."""

import csv
import io
from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import Entry, Implies, Order
from edgeward.training.datasets.table.description import (
    CategorySource,
    LabelSource,
    NumberSource,
    SplitPlan,
    TableDescription,
)
from edgeward.training.datasets.table.description_reader import find_description, parse_description
from edgeward.training.datasets.table.description_writer import write_description
from edgeward.training.datasets.table.infer import infer_schema
from edgeward.training.datasets.table.load import load_table
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .tables import finished, put

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
ENTRY = NAME.map(lambda entry: f"e{entry}")  # none of them means "missing"
NUMBER = st.floats(-1e12, 1e12)


@st.composite
def sources(draw: st.DrawFn, column: str) -> NumberSource | CategorySource:
    name, missing = draw(NAME), draw(st.booleans())
    if draw(st.booleans()):
        ends = sorted(draw(st.tuples(NUMBER, NUMBER)))
        assume(ends[0] < ends[1])
        return NumberSource(column, name, draw(TEXT), ends[0], ends[1], abs(draw(NUMBER)), missing)
    values = tuple(draw(st.lists(ENTRY, min_size=1, max_size=40, unique=True)))
    names = draw(st.dictionaries(st.sampled_from(values), ENTRY, max_size=4))
    return CategorySource(column, name, values, names, draw(st.booleans()), draw(st.booleans()), missing)


@st.composite
def descriptions(draw: st.DrawFn) -> TableDescription:
    headers = draw(st.lists(NAME, min_size=3, max_size=8, unique=True))
    columns = tuple(draw(sources(header)) for header in headers[3:] or headers[2:3])
    values = tuple(draw(st.lists(ENTRY, min_size=2, max_size=5, unique=True)))
    label = LabelSource(headers[0], "outcome", values, {}, draw(st.dictionaries(st.sampled_from(values), TEXT)))
    assume(len({source.name for source in columns} | {"outcome"}) == len(columns) + 1)
    return TableDescription(
        file=draw(st.sampled_from(["a.csv", "deep/b c.csv", "ä.parquet"])),
        name=draw(TEXT),
        description=draw(TEXT),
        licence=draw(TEXT),
        attribution=draw(TEXT),
        label=label,
        columns=columns,
        separator=draw(st.sampled_from(",;\t| ")),
        decimal=draw(st.sampled_from(".,")),
        encoding=draw(st.sampled_from(["utf-8", "latin-1", "cp1252"])),
        missing=tuple(draw(st.lists(TEXT.filter(lambda token: not token.lower().startswith("e")), max_size=4))),
        patient=draw(st.none() | st.just(headers[1])),
        groups=tuple(draw(st.sets(st.sampled_from([source.column for source in columns])))),
        split=SplitPlan(draw(st.integers(0, 2**32)), (0.5, 0.25, 0.25)),
        left_out=draw(st.dictionaries(NAME.filter(lambda name: name not in headers), TEXT, max_size=3)),
    )


@settings(max_examples=150, deadline=None)
@given(descriptions(), st.data())
def test_a_description_is_read_back_whatever_it_holds(description: TableDescription, data: st.DataObject) -> None:
    remarks = data.draw(st.dictionaries(st.sampled_from([s.column for s in description.columns]), TEXT))
    assert parse_description(write_description(description, remarks), "t.toml") == description


CELL = st.one_of(
    st.sampled_from(["", "?", "na", "a", "b", "(other)", "[10-20)", "<30", "1", "2.0", "-1"]),
    st.integers(-50, 5000).map(str),
    st.floats(-1e4, 1e4).map(lambda number: f"{number:.2f}"),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.lists(st.lists(CELL, min_size=1, max_size=12), min_size=1, max_size=4),
    rows=st.integers(70, 140),
    seed=st.randoms(use_true_random=False),
)
def test_what_infer_makes_of_a_table_is_read_back_and_loads_the_table(
    columns: list[list[str]], rows: int, seed: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("table")
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["y", *(f"c{place}" for place in range(len(columns)))])
    for row in range(rows):
        writer.writerow(["no" if row % 2 else "yes", *(seed.choice(cells) for cells in columns)])  # type: ignore[attr-defined]
    (folder / "t.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    try:
        inferred = infer_schema(folder / "t.csv", label="y")
    except DataError as error:
        assert "no column beside the label" in str(error)
        return
    assert parse_description(write_description(inferred.description, inferred.remarks), "t") == inferred.description
    dataset = load_table(put(folder, finished(inferred.description)))
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == rows


def example(tmp_path: Path) -> str:
    lines = [f"{20 + row % 50},{'ill' if row % 2 else 'well'},{row % 3 + 1}" for row in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["age,outcome,grade", *lines]))
    return write_description(infer_schema(tmp_path / "t.csv", label="outcome").description)


def test_what_is_not_filled_in_is_told_by_its_lines(tmp_path: Path) -> None:
    text = example(tmp_path)
    (tmp_path / "t.toml").write_text(text)
    where = {name: number for number, line in enumerate(text.splitlines(), 1) for name in [line.partition(" =")[0]]}
    told = r"t\.toml is not finished: " + ", ".join(
        rf"line {where[name]} \({name}\)" for name in ("description", "licence", "attribution")
    )
    with pytest.raises(DataError, match=told):
        load_table(tmp_path / "t.csv")
    filled = text.replace("FILL IN: ", "")
    (tmp_path / "t.toml").write_text(filled)
    assert len(load_table(tmp_path / "t.csv").train) == 120
    (tmp_path / "t.toml").write_text(filled.replace('ill = "outcome is ill"', 'ill = "FILL IN"'))
    with pytest.raises(DataError, match=rf"line {where['label.meanings']} \(label.meanings.ill\)"):
        load_table(tmp_path / "t.toml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('file = "t.csv"', 'file = "../t.csv"', "file must lie beside the description or below it"),
        ('file = "t.csv"', 'file = "/etc/passwd"', "file must lie beside"),
        ('file = "t.csv"', "file = 'C:\\t.csv'", "file must lie beside"),
        ('file = "t.csv"', "file = 'a\\..\\..\\t.csv'", "file must lie beside"),
        ("split.shares = [0.6, 0.2, 0.2]", "split.shares = [0.6, 0.4, 0.0]", "three numbers above 0 that sum to 1"),
        ("split.seed = 1", "split.seed = -1", "'seed' must be a whole number"),
        ("step = 1}", "step = 1, stepp = 2}", "fields this version does not know: 'stepp'"),
        ("range = [20, 70]", "range = [70, 20]", r"\(age\): range must be \[smallest, largest\]"),
        ("range = [20, 70]", "range = [20, inf]", "'range' must be a finite number"),
        ('kind = "number"', 'kind = "numbers"', "kind must be 'number' or 'category', not 'numbers'"),
        ('values = ["1", "2", "3"]', 'values = ["1", "1", "3"]', "values must be distinct"),
        ('values = ["1", "2", "3"]', 'values = ["1", "na"]', "'na' is a value of 'grade' and means missing too"),
        ('values = ["1", "2", "3"]', 'values = ["1"], names = {2 = "two"}', "names speaks of '2', which is none of 1"),
        ('values = ["1", "2", "3"]', 'other = true, values = ["(other)"]', r"makes the category '\(other\)'"),
        ('{column = "grade"', '{column = "age"', "'age' can be only one of"),
        ('{column = "grade"', '{column = "grade", name = "age"', "two column or conditions have the same name"),
        ('{column = "grade"', '{column = "outcome"', "'outcome' can be only one of label, patient and the columns"),
        ('groups = ["age"]', 'groups = ["sex"]', "groups speaks of 'sex', which is none of the described columns"),
        ('label.values = ["ill", "well"]', 'label.values = ["ill"]', "meanings speaks of 'well'"),
        ("label.names = {}", 'label.names = {ill = "well"}', "meanings speaks of 'ill'"),
        ('label.name = "outcome"', 'label.name = "provenance"', "a condition cannot be called 'provenance'"),
        ('label.name = "outcome"', 'label = "outcome"', "not valid TOML"),
        ('separator = ","', 'separator = ",,"', "separator must be one character"),
        ('decimal = "."', 'decimal = ";"', "decimal must be"),
        ('encoding = "utf-8"', 'encoding = "rot13"', "encoding must be one of"),
        ("columns = [", "columns = 3\nx = [", "'columns' must be a list"),
        ("]", "", "not valid TOML"),
    ],
)
def test_what_a_person_got_wrong_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = example(tmp_path)
    assert old in text
    with pytest.raises(DataError, match=rf"(?s)t\.toml.*{told}"):
        parse_description(text.replace(old, new), "t.toml")


def test_a_column_cannot_be_used_and_left_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'age' is used and left out"):
        parse_description(example(tmp_path) + '\n[left_out]\nage = "why"\n', "t.toml")


def test_a_description_is_found_beside_its_table_or_the_way_to_one_is_told(tmp_path: Path) -> None:
    text = example(tmp_path)
    with pytest.raises(DataError, match=r"no description beside it \(t.toml\).*edgeward data infer .*t.csv --label"):
        find_description(tmp_path / "t.csv")
    with pytest.raises(DataError, match="there is no file .*none.csv"):
        find_description(tmp_path / "none.csv")
    (tmp_path / "t.toml").write_text(text.replace("FILL IN", "").replace('"t.csv"', '"other.csv"'))
    with pytest.raises(DataError, match="describes other.csv, not t.csv"):
        find_description(tmp_path / "t.csv")
    (tmp_path / "t.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8, as TOML has to be"):
        find_description(tmp_path / "t.toml")


RULED = TableDescription(
    file="a.csv",
    name="a",
    description="a",
    licence="a",
    attribution="a",
    label=LabelSource("out", "outcome", ("0", "1", "2"), {"0": "no", "1": "yes", "2": "yes"}),
    columns=(
        NumberSource("low", "first", "mg", 0.0, 9.5),
        NumberSource("high", "last", "mg", 0.0, 9.5, missing=True),
        CategorySource("drug", "drug", ("0", "1"), {"0": 'none "at all"', "1": "some"}),
    ),
    rules=(
        Order("first", "last", apart=0.5),
        Implies(Entry("drug", one_of=('none "at all"',)), Entry("last", missing=True)),
        Implies(Entry("outcome", none_of=("yes",)), Entry("first", within=(0.0, 2.5))),
    ),
)


def test_rules_speak_of_names_and_read_back() -> None:
    assert parse_description(write_description(RULED), "t.toml") == RULED


@pytest.mark.parametrize(
    ("name", "told"),
    [("low", "no channel or number column 'low'"), ("outcome", "no channel or number column 'outcome'")],
)
def test_a_rule_about_what_is_no_column_is_told_with_its_place(name: str, told: str) -> None:
    text = write_description(RULED).replace('lower = "first"', f'lower = "{name}"')
    with pytest.raises(DataError, match=rf"t.toml: rules\[0\]: there is {told}"):
        parse_description(text, "t.toml")
