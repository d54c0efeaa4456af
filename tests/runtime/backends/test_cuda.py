"""The driver is called as cuda.h says, its errors are told by name and number, and everything is given back.

What these show holds for a stand-in that does what the header says; no GPU was at hand.
"""

import itertools

import numpy as np
import pytest
from edgeward.runtime import BackendError
from edgeward.runtime.backends import cuda
from edgeward.runtime.backends.cuda import CudaError, Driver, Gpu

from .fake_cuda import HEADER, FakeCuda


@pytest.mark.parametrize(
    ("fake", "told"),
    [
        (FakeCuda(devices=0), "finds no GPU"),
        (FakeCuda(version=11020), "serves CUDA 11.2, and 11.4 or later is needed"),
        (FakeCuda(lacks=("cuGraphInstantiateWithFlags",)), "too old: it has no cuGraphInstantiateWithFlags"),
    ],
)
def test_a_driver_that_cannot_be_used_says_why(fake: FakeCuda, told: str) -> None:
    with pytest.raises(BackendError, match=told):
        Driver(fake)


def test_an_absent_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_LIBRARY", "libcuda-that-is-absent.so.1")
    with pytest.raises(BackendError, match=r"no NVIDIA driver here \(libcuda-that-is-absent.so.1: cannot open"):
        cuda.open_driver()


def test_an_error_has_the_call_and_the_name_and_number_of_the_error(driver: FakeCuda) -> None:
    gpu = Gpu(Driver(driver))
    driver.fail_in["cuMemAlloc_v2"] = 2
    told = r"refused cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY \(2\), out of memory"
    with pytest.raises(CudaError, match=told), gpu.current():
        gpu.device_memory(100)
    gpu.close()
    assert driver.left() == {}


def test_the_gpu_is_described(driver: FakeCuda) -> None:
    opened = Driver(driver)
    device = opened.device(0)
    assert (device.name, device.compute_capability, device.integrated) == ("Orin (stand-in)", "8.7", True)
    assert opened.cuda == "12.6"


def work_with(driver: Driver, numbers: int) -> None:
    """Every call there is: two copies through the GPU, one by a graph."""
    gpu = Gpu(driver)
    try:
        with gpu.current():
            source, target = gpu.pinned_array((numbers,)), gpu.pinned_array((numbers,))
            address = gpu.device_memory(4 * numbers)

            def copy() -> None:
                gpu.copy_in(address, source)
                gpu.copy_out(target, address)

            graph = gpu.captured(copy)
            try:
                source[...] = np.arange(numbers)
                graph.launch()
                gpu.wait()
                np.testing.assert_array_equal(target, source)
                source[...] = 7
                copy()
                gpu.wait()
                assert (target == 7).all()
            finally:
                graph.close()
    finally:
        gpu.close()
    gpu.close()  # once more is no error


@pytest.mark.parametrize("numbers", [0, 1, 5000])
def test_memory_and_graphs_work_and_are_given_back(numbers: int, driver: FakeCuda) -> None:
    work_with(Driver(driver), numbers)
    assert (driver.left(), driver.defects) == ({}, [])
    assert set(driver.calls) == set(HEADER) - {"cuGetErrorName", "cuGetErrorString"}


def test_a_real_gpu_does_the_same() -> None:
    try:
        driver = cuda.open_driver()
    except BackendError as error:
        pytest.skip(str(error))
    for numbers in (0, 1, 5000):
        work_with(driver, numbers)
    assert driver.device(0).name


def test_whatever_call_is_refused_the_rest_is_given_back() -> None:
    for call in itertools.count(1):
        fake = FakeCuda()
        fake.fail_at = call
        try:
            work_with(Driver(fake), 3)
        except BackendError:
            assert fake.defects == []
            # Only what the driver refuses to take back stays; without a current context, nothing can be given back.
            giving_back = ("Free", "Destroy", "Release", "CtxPush", "CtxPop")
            assert fake.left() == {} or any(name in fake.refused for name in giving_back), fake.refused
        else:
            break
    assert call > 25


def test_a_closed_gpu_is_not_used(driver: FakeCuda) -> None:
    gpu = Gpu(Driver(driver))
    gpu.close()
    with pytest.raises(BackendError, match="was closed"), gpu.current():
        pass


def test_what_cannot_be_captured_leaves_the_stream_usable(driver: FakeCuda) -> None:
    gpu = Gpu(Driver(driver))

    def fails() -> None:
        raise BackendError("no")

    with gpu.current():
        for _ in range(2):
            with pytest.raises(BackendError, match="no"):
                gpu.captured(fails)
        gpu.captured(lambda: None).close()
    gpu.close()
    assert (driver.left(), driver.defects) == ({}, [])
