"""A description of data reads back as it was written, and one that makes no sense is refused by name."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from edgeward.runtime import BundleError
from edgeward.runtime.schema import SignalSchema, schema_from_json


def test_a_schema_reads_back_equal(schema: SignalSchema) -> None:
    assert schema_from_json(schema.to_json(), "place") == schema


def test_the_sample_of_an_event_reads_back_and_is_left_out_where_there_is_none(schema: SignalSchema) -> None:
    assert "event_sample" not in schema.to_json()
    cut = dataclasses.replace(schema, event_sample=7)
    assert schema_from_json(cut.to_json(), "place") == cut


def test_sizes_follow_from_the_parts(schema: SignalSchema) -> None:
    assert schema.shape == (2, 8)
    assert schema.condition_size == 3  # one per class value, one for the number
    assert schema.duration_s == 0.064


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.pop("length"), "place has no field 'length'"),
        (lambda v: v.update(colour=1), "'colour'"),
        (lambda v: v.update(kind="sound"), "kind 'sound'"),
        (lambda v: v.update(length=0), "'length' must be a whole number from 1"),
        (lambda v: v.update(length=2**24 + 1), "'length'"),
        (lambda v: v.update(sampling_rate_hz=0), "must be positive"),
        (lambda v: v.update(sampling_rate_hz="250"), "'sampling_rate_hz' must be a number"),
        (lambda v: v.update(channels=[]), "at least one channel"),
        (lambda v: v.update(event_sample=8), "event_sample must be below the length 8"),
        (lambda v: v.update(event_sample=-1), "'event_sample' must be a whole number"),
        (lambda v: v["channels"].append(v["channels"][0]), "two channels have the same name"),
        (lambda v: v["conditions"].append(v["conditions"][1]), "two conditions have the same name"),
        (lambda v: v["channels"][1].pop("unit"), r"channels\[1\] has no field 'unit'"),
        (lambda v: v["channels"][1].update(colour="red"), r"channels\[1\] .*'colour'"),
        (lambda v: v["channels"][0].update(range=[1, 1]), r"channels\[0\]: range must be"),
        (lambda v: v["channels"][0].update(range=[1]), r"channels\[0\]: range must be"),
        (lambda v: v["conditions"][0].update(kind="text"), "condition kind 'text'"),
        (lambda v: v["conditions"][0].update(values=["SR", "SR"]), "values must be distinct"),
        (lambda v: v["conditions"][0].update(values=[], meanings=[]), "at least one"),
        (lambda v: v["conditions"][0].update(meanings=["one"]), "each with a meaning"),
        (lambda v: v["conditions"][1].update(range=[200, 30]), r"conditions\[1\]: range must be"),
    ],
)
def test_nonsense_is_refused_by_name(
    schema: SignalSchema, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    value = copy.deepcopy(schema.to_json())
    change(value)
    with pytest.raises(BundleError, match=told):
        schema_from_json(value, "place")


@pytest.mark.parametrize(
    "name", ["samples", "index", "synthetic", "provenance", "time_s", "", "../x", "a=b", "a\nb", "a,b", "a\x00b"]
)
def test_a_condition_cannot_take_the_name_of_a_files_own_columns(schema: SignalSchema, name: str) -> None:
    value = schema.to_json()
    value["conditions"][0]["name"] = name
    with pytest.raises(BundleError, match="cannot be called"):
        schema_from_json(value, "place")
