"""NumPy reads the `.npz` without unpickling, and finds every quantity with its meaning."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Generator
from edgeward.runtime.formats.npz import write_npz


@pytest.mark.parametrize("n", [1, 32, 70, 5000])
def test_numpy_reads_what_was_generated(generator: Generator, tmp_path: Path, n: int) -> None:
    write_npz(generator.series(n, seed=3, first=5), tmp_path / "file.npz", lambda done: None)
    batch = generator.generate(n, seed=3, first=5)
    with np.load(tmp_path / "file.npz", allow_pickle=False) as content:
        assert content["samples"].dtype == np.float32
        np.testing.assert_allclose(content["samples"], batch.samples, atol=1e-6)
        assert content["rhythm"].tolist() == batch.conditions["rhythm"].tolist()
        np.testing.assert_array_equal(content["heart_rate"], batch.conditions["heart_rate"])
        assert content["index"].tolist() == list(range(5, 5 + n))
        assert content["channels"].tolist() == ["ECG", "ABP"]
        assert content["units"].tolist() == ["mV", "mm[Hg]"]
        assert float(content["sampling_rate_hz"]) == 125.0


def test_the_archive_is_whole_and_holds_each_name_once(generator: Generator, tmp_path: Path) -> None:
    write_npz(generator.series(100, seed=3), tmp_path / "file.npz", lambda done: None)
    with zipfile.ZipFile(tmp_path / "file.npz") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len(set(names)) == len(names) == 10


def test_indices_beyond_32_bits_are_kept(generator: Generator, tmp_path: Path) -> None:
    write_npz(generator.series(2, seed=3, first=2**62), tmp_path / "file.npz", lambda done: None)
    with np.load(tmp_path / "file.npz") as content:
        assert content["index"].tolist() == [2**62, 2**62 + 1]
