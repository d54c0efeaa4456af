"""Rules read back as they were written; what speaks of what is not there, or says nothing, is refused by name."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from edgeward.runtime import Bundle, BundleError
from edgeward.runtime.manifest import manifest_from_bytes
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    Entry,
    ImageSchema,
    Implies,
    Limit,
    NumberColumn,
    Order,
    Rule,
    Schema,
    SignalSchema,
    TableSchema,
    rules_of_classes,
    schema_from_json,
)
from edgeward.runtime.schema.rules import MAX_RULES
from hypothesis import given
from hypothesis import strategies as st

PRESSURES = SignalSchema(
    "pressures",
    "",
    (Channel("Sys", "mm[Hg]", 0, 300), Channel("Dias", "mm[Hg]", 0, 200), Channel("HR", "/min", 0, 300)),
    1.0,
    10,
    (),
    rules=(Order("Dias", "Sys", apart=1.0), Limit("mean", "HR", least=20.0), Limit("steepest", "HR", most=50.0)),
)
OUTCOME = ClassCondition("outcome", ("home", "ward", "died"), ("", "", ""))
ROWS = TableSchema(
    "rows",
    "",
    (
        NumberColumn("first", "mg", 0, 10),
        NumberColumn("last", "mg", 0, 10, may_be_missing=True),
        CategoryColumn("drug", ("no", "low", "high")),
    ),
    (OUTCOME,),
    (
        Order("first", "last"),
        Implies(Entry("drug", one_of=("no",)), Entry("last", missing=True)),
        Implies(Entry("outcome", none_of=("died", "ward")), Entry("first", within=(0.0, 5.0))),
    ),
)
SCANS = ImageSchema("scans", "", ("grey",), 4, 4, (), (Limit("peak_to_peak", "grey", 0.1, 0.9),))


@pytest.mark.parametrize("schema", [PRESSURES, ROWS, SCANS], ids=lambda schema: schema.name)
def test_rules_read_back_equal_and_none_are_no_field(schema: Schema) -> None:
    assert schema_from_json(json.loads(json.dumps(schema.to_json())), "place") == schema
    assert "rules" not in replace(schema, rules=()).to_json()


def order(**changes: object) -> dict[str, object]:
    return {"kind": "order", "lower": "Dias", "upper": "Sys"} | changes


def limit(**changes: object) -> dict[str, object]:
    return {"kind": "limit", "of": "mean", "channel": "HR", "least": 1} | changes


def implies(given: dict[str, Any], then: dict[str, Any] | None = None) -> dict[str, object]:
    return {"kind": "implies", "if": given, "then": then or {"name": "last", "missing": True}}


@pytest.mark.parametrize(
    ("schema", "rule", "told"),
    [
        (PRESSURES, {"kind": "python", "expression": "x > 1"}, r"rules\[0\]: rule kind 'python' does not suit"),
        (PRESSURES, implies({"name": "HR", "range": [0, 1]}), "rule kind 'implies' does not suit"),
        (SCANS, order(), "rule kind 'order' does not suit"),
        (ROWS, limit(), "rule kind 'limit' does not suit"),
        (PRESSURES, order(lower="__class__"), "no channel or number column '__class__'"),
        (PRESSURES, order(lower=["Dias"]), "'lower' must be a text"),
        (PRESSURES, order(lower="Sys"), "lower and upper are both 'Sys'"),
        (PRESSURES, order(lower="HR"), "'HR' in /min and 'Sys' in .* cannot be compared"),
        (PRESSURES, order(apart=-1), "apart must be 0 or more"),
        (PRESSURES, order(apart=301), "let no sample keep it"),
        (PRESSURES, order(apart=1e400), "apart"),
        (PRESSURES, order(code="import os"), "does not know: 'code'"),
        (ROWS, order(lower="first", upper="drug"), "no channel or number column 'drug'"),
        (PRESSURES, limit(channel="Temp"), "no channel 'Temp'"),
        (PRESSURES, limit(of="median"), "of must be one of mean, peak_to_peak, steepest"),
        (SCANS, limit(of="steepest", channel="grey"), "of must be one of mean, peak_to_peak, not"),
        (PRESSURES, {"kind": "limit", "of": "mean", "channel": "HR"}, "needs least, most or both"),
        (PRESSURES, limit(least=2, most=1), "least must not be above most"),
        (PRESSURES, limit(of="peak_to_peak", least=-2, most=-1), "never below 0"),
        (ROWS, implies({"name": "drug", "is": ["some"]}), "'some' is no value of 'drug'"),
        (ROWS, implies({"name": "drug", "is": []}), "at least one of the values"),
        (ROWS, implies({"name": "drug", "range": [0, 1]}), "by is or is_not"),
        (ROWS, implies({"name": "first", "is": ["1"]}), "said by range"),
        (ROWS, implies({"name": "first", "range": [11, 12]}), "is never 11 to 12"),
        (ROWS, implies({"name": "first", "range": [2, 1]}), r"range must be \[smallest, largest\]"),
        (ROWS, implies({"name": "first", "missing": True}), "'first' is never missing"),
        (ROWS, implies({"name": "drug", "is": ["no"], "is_not": ["low"]}), "one of is, is_not, range, missing"),
        (ROWS, implies({"name": "last", "missing": False}), "both halves are about 'last'"),
        (ROWS, implies({"name": "drug", "is": ["no"]}, {"name": "outcome", "is": ["home"]}), "no column 'outcome'"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(schema: Schema, rule: dict[str, object], told: str) -> None:
    with pytest.raises(BundleError, match=told):
        schema_from_json(schema.to_json() | {"rules": [rule]}, "place")


def test_two_rules_of_one_name_and_too_many_are_refused() -> None:
    with pytest.raises(BundleError, match=r"rules\[1\]: two rules say 'Sys_above_Dias'"):
        schema_from_json(PRESSURES.to_json() | {"rules": [order(), order(apart=5)]}, "place")
    with pytest.raises(BundleError, match=f"at most {MAX_RULES} rules"):
        schema_from_json(PRESSURES.to_json() | {"rules": [order()] * (MAX_RULES + 1)}, "place")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Sys", "drug", "order", "no", "last"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "if", "then", "name", "is", "range", "least"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(value=JSON, place=st.integers(0, 2), field=st.sampled_from(["kind", "lower", "if", "then", "apart", "most"]))
def test_whatever_stands_in_a_rule_it_is_read_or_refused(value: object, place: int, field: str) -> None:
    for schema in (PRESSURES, ROWS):
        content = copy.deepcopy(schema.to_json())
        content["rules"][place][field] = value
        try:
            read = schema_from_json(content, "place")
        except BundleError:
            continue
        assert schema_from_json(read.to_json(), "place") == read


@pytest.fixture
def ruled(small_bundle: Bundle) -> Callable[[int], bytes]:
    """The small bundle's manifest with a rule, of any version."""

    def make(version: int) -> bytes:
        value = json.loads(small_bundle.manifest.to_bytes())
        value["schema_version"] = version
        value["data"]["rules"] = [limit(channel="ECG")]
        return json.dumps(value).encode()

    return make


def test_a_manifest_has_rules_from_version_4_on(ruled: Callable[[int], bytes]) -> None:
    manifest = manifest_from_bytes(ruled(4))
    assert manifest.data.rules == (Limit("mean", "ECG", least=1.0),)
    assert manifest_from_bytes(manifest.to_bytes()) == manifest
    with pytest.raises(BundleError, match="rules, which came with schema version 4"):
        manifest_from_bytes(ruled(3))


def test_of_rules_about_classes_those_of_the_classes_left_are_kept() -> None:
    order_rule, missing, _ = ROWS.rules

    def left(*classes: str) -> tuple[Rule, ...]:
        return rules_of_classes(ROWS.rules, "outcome", classes)

    narrowed = Implies(Entry("outcome", one_of=("home",)), Entry("first", within=(0.0, 5.0)))
    assert left("home", "died") == (order_rule, missing, narrowed)
    assert left("ward", "died") == (order_rule, missing)
    for classes in (("home", "ward"), ("ward", "died"), ("home",)):
        fewer = replace(OUTCOME, values=classes, meanings=classes)
        schema = replace(ROWS, conditions=(fewer,), rules=left(*classes))
        assert schema_from_json(schema.to_json(), "place") == schema
