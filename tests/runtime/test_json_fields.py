"""Untrusted JSON gives fields of the right type, or a BundleError that names the place."""

import json
from typing import Any

import pytest
from edgeward.runtime import BundleError
from edgeward.runtime.json_fields import MAX_DEPTH, MAX_ITEMS, MAX_TEXT, Fields, parse_json
from hypothesis import example, given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
READERS = [
    "text",
    "texts",
    "number",
    "numbers",
    "integer",
    "integers",
    "fields",
    "objects",
    "named",
    "anything",
]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"\xff\xfe", "utf-8"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "same key twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\\ud800"}', "surrogates"),
        (b'{"\\ud800": 1}', "surrogates"),
        (b"[" * 100_000, "recursion"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels deep"),
        (b"1" * 5000, "digits"),
    ],
)
def test_what_other_readers_treat_differently_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(BundleError) as caught:
        parse_json(content, "some.json")
    assert str(caught.value).startswith("some.json is not valid JSON")
    assert told in str(caught.value)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_are_parsed_or_refused(content: bytes) -> None:
    try:
        parse_json(content, "x")
    except BundleError:
        pass


@given(JSON)
@example({"deep": {"er": [float("inf")]}})
@example("\ud800")
def test_what_is_parsed_can_be_written_again(value: object) -> None:
    try:
        parsed = parse_json(json.dumps(value).encode(), "x")
    except BundleError:
        return
    assert parsed == value
    json.dumps(parsed, ensure_ascii=False, allow_nan=False, indent=1).encode()


@given(value=JSON, reader=st.sampled_from(READERS))
def test_reading_anything_as_any_type_gives_a_value_or_a_bundle_error(value: object, reader: str) -> None:
    try:
        getattr(Fields({"field": value}, "x"), reader)("field")
    except BundleError as error:
        assert "field" in str(error)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", 1),
        ("text", None),
        ("text", "x" * (MAX_TEXT + 1)),
        ("texts", "ab"),
        ("texts", ["a", 1]),
        ("texts", [""] * (MAX_ITEMS + 1)),
        ("number", True),
        ("number", "1"),
        ("number", float("nan")),
        ("number", 10**400),
        ("numbers", [1, None]),
        ("integer", 1.0),
        ("integer", False),
        ("integer", -1),
        ("integer", 2**53 + 1),
        ("integers", [1.5]),
        ("fields", []),
        ("objects", [{}, 3]),
        ("named", {"a": 1}),
    ],
)
def test_a_wrong_type_or_size_is_named(reader: str, value: object) -> None:
    with pytest.raises(BundleError) as caught:
        getattr(Fields({"weight": value}, "place"), reader)("weight")
    message = str(caught.value)
    assert message.startswith("place")
    assert "weight" in message
    assert "must be" in message


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_field_is_named(reader: str) -> None:
    with pytest.raises(BundleError, match="place has no field 'weight'"):
        getattr(Fields({"height": 1}, "place"), reader)("weight")


def test_fields_nobody_asked_for_are_named() -> None:
    fields = Fields({"height": 1, "wieght": 2, "colour": 3}, "place")
    fields.integer("height")
    with pytest.raises(BundleError, match="place has fields this version does not know: 'colour', 'wieght'"):
        fields.end()


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_only_an_object_has_fields(value: Any) -> None:
    with pytest.raises(BundleError, match="place must be a JSON object"):
        Fields(value, "place")


def test_right_values_come_through() -> None:
    fields = Fields(
        {"t": "ä", "ts": ["a"], "n": 2, "ns": [1, 2.5], "i": 7, "is": [1], "o": {"x": 1}, "os": [{"y": 2}]}, "place"
    )
    assert (fields.text("t"), fields.texts("ts")) == ("ä", ("a",))
    assert (fields.number("n"), fields.numbers("ns")) == (2.0, (1.0, 2.5))
    assert (fields.integer("i"), fields.integers("is")) == (7, (1,))
    assert fields.fields("o").integer("x") == 1
    (inner,) = fields.objects("os")
    with pytest.raises(BundleError, match=r"place: os\[0\]: 'y' must be a text"):
        inner.text("y")
    fields.end()
