"""The benchmark of the runtime's own cost tells of each part, and takes turns."""

import time

import numpy as np
import pytest
from edgeward.benchmarks.latency import runtime_goals
from edgeward.runtime import Bundle, open_bundle
from edgeward.runtime.backends import BACKENDS
from edgeward.runtime.choosing import CPU_ENGINES


def test_contenders_take_turns_in_alternating_order() -> None:
    called: list[str] = []
    times = runtime_goals.take_turns([lambda _: called.append("a"), lambda _: called.append("b")], each=2, turns=2)
    assert times.shape == (2, 2)
    assert "".join(called) == "aaabbb" + "bbbaaa"  # one call to warm up, and two that count


def test_a_slower_contender_is_told_apart() -> None:
    quick, slow = runtime_goals.take_turns([lambda _: None, lambda _: time.sleep(0.001)], each=3, turns=3)
    assert np.median(slow) > 900_000 > np.median(quick)


@pytest.mark.parametrize("n", [1, 16])
def test_the_bare_call_runs_the_engine_on_prepared_inputs(backend: str, bundle: Bundle, n: int) -> None:
    (variant, *_) = bundle.manifest.variants_for(backend)
    runtime_goals.bare_call(bundle, backend, variant, n)(0)


def test_memory_is_that_of_the_command_and_not_of_who_started_it(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle.path.parent)
    held = np.ones(40_000_000)  # 320 MB here
    told = runtime_goals.cold_start(open_bundle(bundle.path.name))  # a relative path, as people type it
    assert held.any()
    assert 40 < int(told.split()[-2]) < 150, told


@pytest.fixture(params=CPU_ENGINES)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not BACKENDS[name].probe().available:
        pytest.skip(f"{name} is not installed")
    return name
