"""Engines do what was asked of them, say what they do, and say how to get them where they are absent."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from edgeward.devices import this_host
from edgeward.runtime import BackendError, RequestError
from edgeward.runtime.backends import BACKENDS, Options, backend_named


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_probing_does_not_import_the_engine(name: str) -> None:
    program = f"""
import sys
from edgeward.runtime.backends import backend_named
availability = backend_named({name!r}).probe()
assert availability.available, availability
assert availability.reason.startswith({name!r} + " "), availability
assert {name!r} not in sys.modules
"""
    if not BACKENDS[name].probe().available:
        pytest.skip(f"{name} is not installed")
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "command"),
    [("onnxruntime", "pip install 'onnxruntime>=1.20,<2'"), ("openvino", "pip install 'edgeward[openvino]'")],
)
def test_an_absent_engine_is_an_error_with_the_command_that_installs_it(
    name: str, command: str, small_graph: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(BackendError) as caught:
        backend_named(name).open(small_graph(), Options())
    assert f"install it with: {command}" in str(caught.value)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_probe_of_an_absent_engine_tells_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"edgeward.runtime.backends.{name}.version_of", lambda _: None)
    availability = backend_named(name).probe()
    assert not availability.available
    assert "pip install" in availability.reason


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        RequestError, match="no backend 'tflite'; there are onnxruntime, openvino, tensorrt, tensorrt-rtx"
    ):
        backend_named("tflite")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_description_is_read_back_from_the_engine(
    backend: str, threads: int, small_graph: Callable[..., bytes]
) -> None:
    if this_host().logical_cores < threads:
        pytest.skip("too few cores")
    with backend_named(backend).open(small_graph(), Options(threads=threads)) as session:
        description = session.describe()
    assert description.backend == backend
    assert BACKENDS[backend].probe().reason == f"{backend} {description.version}"
    assert (description.device, description.precision, description.threads) == ("CPU", "f32", threads)
    assert description.to_json()["threads"] == threads


def test_openvino_computes_in_float32_even_where_the_processor_offers_less(small_graph: Callable[..., bytes]) -> None:
    pytest.importorskip("openvino")
    with backend_named("openvino").open(small_graph(), Options()) as session:
        compiled = session._static[1].request.get_compiled_model()  # type: ignore[attr-defined]
        assert compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


def test_openvino_with_other_threads_than_asked_for_is_refused(small_graph: Callable[..., bytes]) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(BackendError, match="not on CPU with f32 and 100000"):
        backend_named("openvino").open(small_graph(), Options(threads=100_000))


def test_a_session_tells_the_graphs_shapes(backend: str, small_graph: Callable[..., bytes]) -> None:
    with backend_named(backend).open(small_graph(), Options()) as session:
        assert dict(session.input_shapes) == {"noise": (None, 4), "condition": (None, 3)}
        assert list(session.input_shapes) == ["noise", "condition"]
        assert dict(session.output_shapes) == {"sample": (None, 2, 8)}


def test_results_are_new_arrays_or_those_given(backend: str, small_graph: Callable[..., bytes]) -> None:
    with backend_named(backend).open(small_graph(), Options()) as session:
        for n in (1, 3):
            one = np.ones((n, 4), np.float32), np.ones((n, 3), np.float32)
            other = np.zeros((n, 4), np.float32), np.ones((n, 3), np.float32)
            (fresh,) = session.run(one)
            before = fresh.copy()
            given = np.full((n, 2, 8), np.nan, np.float32)
            (returned,) = session.run(other, (given,))
            assert returned is given
            assert not np.isnan(given).any()
            assert not np.array_equal(given, fresh)
            np.testing.assert_array_equal(fresh, before)


def test_openvino_is_compiled_for_few_sizes_whatever_is_asked_for(
    small_graph: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    with backend_named("openvino").open(small_graph(), Options()) as session:
        compile_, compiled = session._compile, []  # type: ignore[attr-defined]
        monkeypatch.setattr(session, "_compile", lambda model: compiled.append(1) or compile_(model))
        for n in (1, 2, 3, 17, 100, 256, 257, 512, 1000, 2048, 256, 2):
            (samples,) = session.run((np.ones((n, 4), np.float32), np.ones((n, 3), np.float32)))
            assert samples.shape == (n, 2, 8)
            assert (samples == samples[0]).all()
    assert len(compiled) == 3  # 2, 256, and any
