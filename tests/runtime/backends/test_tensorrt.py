"""The TensorRT backend against stand-ins that offer what every version from 10.3 to 11.4 has, and their refusals.

What these show: every call exists in all versions, errors are told, nothing leaks, and numbers go where they belong. No
GPU was at hand; that TensorRT itself computes the same is checked on a device, by the golden samples of a bundle.
"""

import inspect
import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime import BackendError, Bundle, RequestError, load
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.runtime.backends.cuda import CudaError
from edgeward.runtime.backends.tensorrt import TensorRtSession
from onnx import TensorProto

from .conftest import installed_driver
from .fake_cuda import FakeCuda
from .fake_tensorrt import Builder, FakeTensorRt

LARGEST = 64


def inputs_of(n: int, seed: int = 1) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 4), np.float32), rng.standard_normal((n, 3), np.float32)


def opened(graph: bytes) -> TensorRtSession:
    session = backend_named("tensorrt").open(graph, Options())
    assert isinstance(session, TensorRtSession)
    return session


def clean(driver: FakeCuda) -> None:
    """Nothing was left on the GPU, and nothing done that a driver might crash at."""
    assert (driver.left(), driver.defects) == ({}, [])


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (5, 1, 64, 65, 200, 1, 1), (128, 128, 3)])
def test_samples_are_those_of_the_reference_whatever_the_batches(
    sizes: tuple[int, ...], package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    graph = small_graph()
    with backend_named("onnxruntime").open(graph, Options()) as reference, opened(graph) as session:
        for seed, n in enumerate(sizes):
            inputs = inputs_of(n, seed)
            (wanted,) = reference.run(inputs)
            (samples,) = session.run(inputs)
            np.testing.assert_allclose(samples, wanted, rtol=1e-5, atol=1e-6)
    clean(package.cuda)


def test_results_are_new_arrays_or_those_given(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    with opened(small_graph()) as session:
        (fresh,) = session.run(inputs_of(3, 1))
        before = fresh.copy()
        given = np.full((3, 2, 8), np.nan, np.float32)
        (returned,) = session.run(inputs_of(3, 2), (given,))
        assert returned is given
        assert not np.isnan(given).any()
        np.testing.assert_array_equal(fresh, before)


def test_a_graph_is_captured_at_the_second_call_of_a_size_and_again_for_another(
    package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    calls = package.cuda.calls
    with opened(small_graph()) as session:
        found = []
        for n in (1, 1, 1, 2, 2, 1):
            session.run(inputs_of(n))
            found.append((calls["cuStreamBeginCapture_v2"], calls["cuGraphLaunch"]))
    assert found == [(0, 0), (1, 1), (1, 2), (1, 2), (2, 3), (2, 3)]
    assert package.cuda.calls["cuStreamSynchronize"] == 6
    clean(package.cuda)


def test_where_no_graph_can_be_captured_calls_run_one_by_one_and_that_is_told(
    package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    package.refuses = "capture"
    with opened(small_graph()) as session:
        for seed in range(4):
            (samples,) = session.run(inputs_of(2, seed))
            assert np.isfinite(samples).all()
        assert session.describe().details["cuda_graph"].startswith("refused: tensorrt")
    assert package.cuda.calls["cuStreamBeginCapture_v2"] == 1
    clean(package.cuda)


def test_it_runs_in_any_thread(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    found = []
    with opened(small_graph()) as session:
        thread = threading.Thread(target=lambda: found.append(session.run(inputs_of(2))))
        thread.start()
        thread.join()
        np.testing.assert_array_equal(found[0][0], session.run(inputs_of(2))[0])
    clean(package.cuda)


def test_the_description_tells_what_runs(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    with opened(small_graph()) as session:
        description = session.describe()
    assert (description.backend, description.version) == ("tensorrt", package.__version__)
    assert (description.device, description.precision, description.threads) == ("CUDA", "f32", 0)
    details = description.details
    assert details["gpu"] == "Orin (stand-in)"
    assert (details["compute_capability"], details["driver_cuda"], details["tf32"]) == ("8.7", "12.6", "off")
    assert details["engine"].startswith("built in ")
    assert BACKENDS["tensorrt"].probe().reason == f"tensorrt {package.__version__}"


def test_a_bundle_is_generated_from_with_its_variants_for_tensorrt(
    package: FakeTensorRt, small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with load(small_bundle, backend="onnxruntime") as generator:
        wanted = generator.generate(70, seed=3).samples
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", FakeTensorRt(package.cuda, "1.7.1.116", "tensorrt_rtx"))  # type: ignore[arg-type]
    for backend in ("tensorrt", "tensorrt-rtx"):
        with load(small_bundle, backend=backend, device="cuda") as generator:
            np.testing.assert_allclose(generator.generate(70, seed=3).samples, wanted, rtol=1e-5, atol=1e-6)
            assert generator.describe()["backend"] == backend
    clean(package.cuda)


def test_an_engine_is_built_once_for_each_graph(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    found = []
    for noise_size in (4, 4, 5, 4):
        with opened(small_graph(noise_size=noise_size)) as session:
            found.append((package.built, session.describe().details["engine"].partition(" ")[0]))
    assert found == [(1, "built"), (1, "kept"), (2, "built"), (2, "kept")]
    clean(package.cuda)


@pytest.mark.parametrize("change", ["driver", "version"])
def test_another_driver_or_version_builds_anew(
    change: str, package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    opened(small_graph()).close()
    if change == "driver":
        package.cuda.version += 10
    else:
        package.__version__ += ".1"
    opened(small_graph()).close()
    assert package.built == 2


def test_a_kept_engine_that_is_refused_or_damaged_is_built_again(
    package: FakeTensorRt, small_graph: Callable[..., bytes], tmp_path: Path
) -> None:
    opened(small_graph()).close()
    package.refuses = "plan 2"  # the one that is read when opened for the second time
    with opened(small_graph()) as session:
        assert "the one kept was refused" in session.describe().details["engine"]
    (file,) = (tmp_path / "cache" / "engines").iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with opened(small_graph()) as session:
        assert "it is not as it was written" in session.describe().details["engine"]
        assert "kept in" in session.describe().details["engine"]
    assert package.built == 3
    opened(small_graph()).close()
    assert package.built == 3
    clean(package.cuda)


def test_without_a_cache_folder_the_engine_is_built_in_memory_and_that_is_told(
    package: FakeTensorRt, small_graph: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EDGEWARD_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        with opened(small_graph()) as session:
            assert "not kept: " in session.describe().details["engine"]
            assert np.isfinite(session.run(inputs_of(1))[0]).all()
    assert package.built == 2


def test_a_build_is_announced(
    package: FakeTensorRt, small_graph: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    opened(small_graph()).close()
    assert "tensorrt builds an engine for Orin (stand-in) (not built before); this can take minutes" in caplog.text
    assert "tensorrt: built in " in caplog.text
    caplog.clear()
    opened(small_graph()).close()
    assert not caplog.records


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        ("null", "made no Builder: it did not say why"),
        ("dead", r"made no Builder: .*error: 35\). NVIDIA's driver is absent, or older than the package wants"),
        ("profile", "refuses the sizes of batches"),
        (
            "build",
            "takes the graph, and built no engine of it: Network has dynamic or shape inputs, but no",
        ),
        ("plan 1", "cannot use the engine that was built: header.magicTag"),
        ("context", "has no room on the GPU"),
        ("address", "refuses memory for 'noise'"),
    ],
)
def test_every_refusal_is_an_error_with_what_the_package_said(
    refuses: str, told: str, package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    package.refuses = refuses
    with pytest.raises(BackendError, match=f"tensorrt {package.__version__} {told}"):
        opened(small_graph())
    assert package.crashed == []
    clean(package.cuda)


def test_a_batch_or_a_run_that_is_refused_is_an_error(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    with opened(small_graph()) as session:
        package.largest = 8
        with pytest.raises(BackendError, match="refuses a batch of 9 for 'noise'"):
            session.run(inputs_of(9))
    with opened(small_graph()) as session:
        package.refuses = "execute"
        with pytest.raises(BackendError, match="did not run the engine"):
            session.run(inputs_of(1))
    clean(package.cuda)


def test_a_builder_that_refused_does_not_outlive_the_gpu(
    package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    """Its memory would be given back to a context that is gone."""
    package.refuses = "build"
    with pytest.raises(BackendError) as caught:
        opened(small_graph())
    frames = [frame.frame for frame in inspect.getinnerframes(caught.tb)]
    assert not any(isinstance(value, Builder) for frame in frames for value in frame.f_locals.values())
    assert caught.value.__context__ is None


def test_a_graph_that_the_parser_refuses_is_told_by_its_operator(package: FakeTensorRt) -> None:
    with pytest.raises(BackendError, match=r"refuses the graph: Bernoulli 'node_7': "):
        opened(b"no graph")
    clean(package.cuda)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"batch": 2, "shape": (2, 2, 8)}, r"'noise' of the graph is float32 of shape \(2, 4\)")],
)
def test_a_graph_with_a_fixed_batch_is_refused_before_anything_is_built(
    changes: dict[str, object], told: str, package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    with pytest.raises(BackendError, match=told):
        opened(small_graph(**changes))
    assert package.built == 0
    clean(package.cuda)


def test_a_session_that_was_closed_once_is_closed(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    session = opened(small_graph())
    session.close()
    session.close()
    with pytest.raises(BackendError, match="closed"):
        session.run(inputs_of(1))
    clean(package.cuda)


def test_whatever_call_of_the_driver_fails_the_rest_is_given_back(
    package: FakeTensorRt, small_graph: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = small_graph()
    opened(graph).close()
    for call in itertools.count(1):
        driver = installed_driver(FakeCuda(), monkeypatch)
        driver.fail_at = call
        package.cuda = driver
        package.refuses = ""
        try:
            with opened(graph) as session:
                for _ in range(3):
                    session.run(inputs_of(2))
        except BackendError as error:
            told = error if isinstance(error, CudaError) else error.__context__ or error
            assert "CUDA_ERROR_OUT_OF_MEMORY (2)" in str(told), error
        if not driver.refused:
            break
        giving_back = ("Free", "Destroy", "Release", "CtxPush", "CtxPop")
        assert driver.left() == {} or any(name in driver.refused for name in giving_back), driver.refused
        assert driver.defects == []
    assert call > 40


def test_what_makes_no_sense_is_refused_before_the_driver_is_touched(
    package: FakeTensorRt, small_graph: Callable[..., bytes]
) -> None:
    backend = backend_named("tensorrt")
    with pytest.raises(RequestError, match="tensorrt has no device 'gpu'; it has cuda"):
        backend.open(small_graph(), Options(device="gpu"))
    with pytest.raises(RequestError, match="tensorrt on cuda uses no threads of the processor"):
        backend.open(small_graph(), Options(threads=2))
    with pytest.raises(BackendError, match="an OpenVINO IR"):
        backend.open(small_graph(), Options(), weights=b"")
    assert not package.cuda.calls


@pytest.mark.parametrize(
    ("fake", "told"),
    [(FakeCuda(devices=0), "finds no GPU"), (FakeCuda(version=11000), "serves CUDA 11.0"), (None, "no NVIDIA driver")],
)
def test_a_probe_looks_at_the_gpu_before_the_package(
    fake: FakeCuda | None, told: str, package: FakeTensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    if fake is None:
        monkeypatch.setattr("edgeward.runtime.backends.cuda._library", _absent)
    else:
        installed_driver(fake, monkeypatch)
    availability = BACKENDS["tensorrt"].probe()
    assert not availability.available
    assert told in availability.reason


def _absent() -> None:
    raise OSError("libcuda.so.1: cannot open shared object file: No such file or directory")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "tensorrt is not installed; install it with: pip install --extra-index-url https://pypi.nvidia.com"),
        (
            "raise ImportError('libnvonnxparser.so.11: cannot open shared object file: No such file or directory')",
            "installed without a library that it needs (libnvonnxparser.so.11: cannot open",
        ),
        (
            "raise FileNotFoundError('Could not find: nvinfer_10.dll')",
            "a library that it needs (Could not find: nvinf",
        ),
        ("raise RuntimeError('only for x86_64')", "a library that it needs (only for x86_64)"),
        ("import a_package_that_is_absent", "cannot be imported (No module named 'a_package_that_is_absent')"),
        ("__version__ = '10.2.0'", "from 10.3 to below 12.0, and 10.2.0 is installed; install one with: pip install"),
        ("__version__ = '12.0.0.1'", "and 12.0.0.1 is installed"),
        ("__version__ = '8.6.1.post1'", "and 8.6.1.post1 is installed"),
    ],
)
def test_a_probe_tells_what_is_wrong_with_the_package(
    source: str | None, told: str, driver: FakeCuda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    if source is not None:
        (tmp_path / "tensorrt.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
    availability = BACKENDS["tensorrt"].probe()
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    assert not availability.available
    assert told in availability.reason
    clean(driver)


def test_numbers_of_another_type_are_refused(package: FakeTensorRt, small_graph: Callable[..., bytes]) -> None:
    with pytest.raises(BackendError, match=r"tensor\(double\)"):
        opened(small_graph(element=TensorProto.DOUBLE))
