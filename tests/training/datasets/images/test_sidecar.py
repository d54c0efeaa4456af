"""What stands beside a set of images is taken word for word, or refused with the field that is wrong."""

import re
from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.images.image_set import unknown_set
from edgeward.training.datasets.images.known_sets import KNOWN, known_set
from edgeward.training.datasets.images.sidecar import described_set
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

DOCS = Path(__file__).parents[4] / "docs" / "images.md"

GOOD = """
name = "cells"
source = "Cells 1"
description = "A cell."
licence = "CC0-1.0"
attribution = "Nobody."
classes = [{value = "a", meaning = "one"}, {value = "b", meaning = "other"}]
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "set.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_example_of_the_docs_is_read_as_it_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.S)
    found = described_set(written(tmp_path, example))
    assert found is not None
    assert found.name == "skin-lesions"
    assert found.licence == "CC-BY-4.0"
    assert list(found.classes.items()) == [("naevus", "melanocytic naevus"), ("melanoma", "melanoma")]


def test_the_docs_name_every_known_set() -> None:
    text = DOCS.read_text()
    assert [known.source for known in KNOWN.values() if known.source.split()[0] not in text] == []


def test_no_text_is_no_description(tmp_path: Path) -> None:
    assert described_set(tmp_path / "absent.toml") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('licence = "CC0-1.0"', "", r"missing \['licence'\]"),
        ('name = "cells"', 'name = "cells"\nsize = 3', r"not known \['size'\]"),
        ('name = "cells"', 'name = "Two words"', "small letters, digits and single hyphens"),
        ('name = "cells"', 'name = "../cells"', "small letters, digits and single hyphens"),
        ('"Nobody."', '""', "attribution must be a text"),
        ('"Nobody."', "7", "attribution must be a text"),
        ('"Nobody."', '"a\\nb"', "attribution must be a text of one line"),
        ('"Nobody."', f'"{"x" * 2001}"', "at most 2000 characters"),
        ('[{value = "a", meaning = "one"}, ', "[", "classes must be 2 to 256 tables"),
        ('value = "b"', 'value = "a"', "value 'a' of class 1 must be new"),
        ('value = "b"', 'value = "a,b"', "value 'a,b' of class 1"),
        ('value = "b", ', "", "class 1 must be a table of a value and a meaning"),
        ('{value = "a", meaning = "one"}', '"a"', "class 0 must be a table"),
        ("name =", "name", "not valid TOML"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(DataError, match=said) as error:
        described_set(written(tmp_path, GOOD.replace(old, new, 1)))
    assert "set.toml" in str(error.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode())))
@example(b"x = " + b"[" * 30_000)
@example(b"a" * 70_000)
@example(b"\xff")
def test_no_text_whatever_escapes_as_another_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"set\.toml"):
        described_set(written(tmp_path, content))


@pytest.mark.parametrize(
    ("stem", "source"),
    [
        ("pneumoniamnist", "PneumoniaMNIST"),
        ("PneumoniaMNIST", "PneumoniaMNIST"),
        ("pneumoniamnist_64", "PneumoniaMNIST"),
        ("bccd64", "BCCD Dataset, cells cut out"),
        ("bccd", "BCCD Dataset, cells cut out"),
        ("organsmnist_128", "OrganSMNIST"),
    ],
)
def test_the_name_of_the_file_tells_the_set(stem: str, source: str) -> None:
    found = known_set(stem)
    assert found is not None
    assert found.source == source


@pytest.mark.parametrize(
    "stem", ["chestmnist", "chestmnist_64", "mnist", "_64", "my-pneumoniamnist", "pneumoniamnist_3"]
)
def test_other_names_tell_nothing(stem: str) -> None:
    assert known_set(stem) is None


@pytest.mark.parametrize("name", list(KNOWN))
def test_known_sets_are_complete(name: str) -> None:
    known = KNOWN[name]
    assert known.channels in (1, 3)
    assert len(known.classes) >= 2
    assert all(re.fullmatch(r"[A-Za-z0-9_.+-]+", value) and meaning for value, meaning in known.classes.items())
    assert all((known.name, known.description, known.attribution))
    assert known.licence in ("CC-BY-4.0", "MIT", "CC-BY-NC-4.0")
    assert (known.licence == "CC-BY-NC-4.0") == (name == "dermamnist")


def test_a_set_nobody_described_says_what_to_write_and_where() -> None:
    unknown = unknown_set("My images (2)", 3)
    assert list(unknown.classes) == ["class_0", "class_1", "class_2"]
    assert unknown.name == "my-images-2"
    assert unknown.licence == unknown.attribution == "not stated"
    assert "My images (2).toml" in unknown.notes[0]
    assert "docs/images.md" in unknown.notes[0]
