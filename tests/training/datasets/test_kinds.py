"""Every kind of data can be read and simulated, by functions that take what `load_dataset` gives them."""

import importlib
import inspect

import pytest
from edgeward.runtime.errors import RequestError
from edgeward.training.datasets import KINDS, load_dataset


@pytest.mark.parametrize("kind", KINDS)
def test_reader_and_simulator_are_there_and_take_their_arguments(kind: str) -> None:
    for place, arguments in (
        (KINDS[kind].load, {"classes", "on_progress"}),
        (KINDS[kind].simulate, {"seed", "classes", "on_progress"}),
    ):
        module, _, name = place.partition(":")
        function = getattr(importlib.import_module(f"edgeward.training.datasets.{module}"), name)
        parameters = inspect.signature(function).parameters
        assert arguments <= {n for n, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"no kind of data 'eeg'; there are ecg-beats, .*, bedside-windows"):
        load_dataset("eeg", "simulated")


def test_a_kind_is_simulated_by_its_name() -> None:
    assert load_dataset("table", "simulated", seed=1).provenance.kind == "table"
