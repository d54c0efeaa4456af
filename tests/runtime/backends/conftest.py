"""A machine with an NVIDIA GPU and TensorRT, as far as a stand-in goes."""

import sys
from pathlib import Path

import pytest
from edgeward.runtime.backends import cuda

from .fake_cuda import FakeCuda
from .fake_tensorrt import FakeTensorRt


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """NVIDIA's driver with one GPU."""
    return installed_driver(FakeCuda(), monkeypatch)


def installed_driver(fake: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    monkeypatch.setattr(cuda, "_library", lambda: fake)
    return fake


@pytest.fixture(params=["10.3.0", "11.4.0.106"])
def package(
    driver: FakeCuda, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> FakeTensorRt:
    """The oldest and the newest TensorRT, with an empty cache folder."""
    monkeypatch.setenv("EDGEWARD_CACHE", str(tmp_path / "cache"))
    fake = FakeTensorRt(driver, request.param)
    monkeypatch.setitem(sys.modules, "tensorrt", fake)  # type: ignore[arg-type]
    return fake
