"""The description of a foreign model may state rules; they become those of its schema."""

from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import Limit
from edgeward.training.foreign.read import read_foreign_model

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "signal-model.toml"
RULE = 'rules = [{kind = "limit", of = "peak_to_peak", channel = "ABP", least = 10, most = 150}]\n'


def test_rules_are_read_into_the_schema(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(RULE + EXAMPLE.read_text())
    model = read_foreign_model(tmp_path / "model.toml")
    assert model.schema.rules == (Limit("peak_to_peak", "ABP", 10.0, 150.0),)
    assert read_foreign_model(EXAMPLE).schema.rules == ()


def test_a_rule_that_makes_no_sense_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(RULE.replace("ABP", "CVP") + EXAMPLE.read_text())
    with pytest.raises(DataError, match=r"model.toml: rules\[0\]: there is no channel 'CVP'"):
        read_foreign_model(tmp_path / "model.toml")
