"""The mark and the provenance are the same words everywhere."""

import importlib.metadata
import json

import pytest
from edgeward.runtime.provenance import MARK, STATEMENT, edgeward_version, provenance_text


def test_the_mark_cannot_be_misread() -> None:
    assert MARK == "SYNTHETIC"
    assert "SYNTHETIC DATA" in STATEMENT
    assert "not from a patient" in STATEMENT
    assert "not for clinical use" in STATEMENT


def test_the_version_is_that_of_the_installed_distribution() -> None:
    assert edgeward_version() == importlib.metadata.version("edgeward")


def test_provenance_text_is_one_line_of_strict_json() -> None:
    text = provenance_text({"synthetic": MARK, "bundle": "wäves\n1"})
    assert "\n" not in text
    assert json.loads(text) == {"synthetic": MARK, "bundle": "wäves\n1"}
    with pytest.raises(ValueError, match="JSON"):
        provenance_text({"x": float("nan")})
