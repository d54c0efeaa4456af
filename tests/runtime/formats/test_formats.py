"""What holds for every file format: the synthetic mark, provenance, equal bytes, constant memory, all or nothing."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeward.runtime import Bundle, Generator, OutputError, RequestError, Series, load
from edgeward.runtime.formats import FORMATS, format_for


def marks_in_npz(path: Path) -> list[str]:
    with np.load(path, allow_pickle=False) as content:
        return [str(content["synthetic"])]


def marks_in_csv(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["synthetic"] for row in csv.DictReader(file)]


def provenance_in_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as content:
        return dict(json.loads(str(content["provenance"])))


def provenance_by_csv(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.with_name(path.name + ".provenance.json").read_text()))


# How each format is read by somebody who does not have Edgeward. A new format must be added here.
READERS: dict[str, tuple[Callable[[Path], list[str]], Callable[[Path], dict[str, Any]]]] = {
    "npz": (marks_in_npz, provenance_in_npz),
    "csv": (marks_in_csv, provenance_by_csv),
}


def ignore(done: int) -> None:
    pass


@pytest.fixture(params=list(FORMATS))
def format_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def series(generator: Generator) -> Series:
    return generator.series(70, condition={"rhythm": "AF"}, seed=3, first=5)


def test_every_format_has_a_reader_in_this_test() -> None:
    assert set(READERS) == set(FORMATS)


def test_every_file_says_that_it_is_synthetic(format_name: str, series: Series, tmp_path: Path) -> None:
    path = tmp_path / "file"
    FORMATS[format_name].write(series, path, ignore)
    assert set(READERS[format_name][0](path)) == {"SYNTHETIC"}


def test_every_file_comes_with_its_provenance(
    format_name: str, series: Series, small_bundle: Bundle, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    FORMATS[format_name].write(series, path, ignore)
    provenance = READERS[format_name][1](path)
    assert provenance == series.provenance
    assert provenance["synthetic"] == "SYNTHETIC"
    assert provenance["bundle_sha256"] == small_bundle.digest
    assert (provenance["seed"], provenance["first"], provenance["n"]) == (3, 5, 70)
    assert {"backend", "precision", "software", "noise"} <= set(provenance)


def test_the_same_series_gives_the_same_bytes(format_name: str, series: Series, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        FORMATS[format_name].write(series, tmp_path / name / "file", ignore)
    files = sorted(os.listdir(tmp_path / "one"))
    assert files == sorted(os.listdir(tmp_path / "two"))
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_progress_ends_at_the_number_of_samples(format_name: str, series: Series, tmp_path: Path) -> None:
    told: list[int] = []
    FORMATS[format_name].write(series, tmp_path / "file", told.append)
    assert told == sorted(set(told))
    assert told[-1] == 70


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_file_leaves_nothing(
    format_name: str, series: Series, tmp_path: Path, failure: type[BaseException]
) -> None:
    def interrupt(done: int) -> None:
        assert len(os.listdir(tmp_path)) >= 1  # something is being written
        if done > 40:
            raise failure

    with pytest.raises(failure):
        FORMATS[format_name].write(series, tmp_path / "file", interrupt)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_an_output_error(format_name: str, series: Series, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        FORMATS[format_name].write(series, tmp_path / "absent" / "file", ignore)


def test_the_estimate_is_near_the_size_of_the_file(format_name: str, generator: Generator, tmp_path: Path) -> None:
    series = generator.series(3000, seed=1)
    FORMATS[format_name].write(series, tmp_path / "file", ignore)
    assert FORMATS[format_name].estimate_bytes(series) == pytest.approx((tmp_path / "file").stat().st_size, rel=0.35)


def test_memory_does_not_grow_with_the_number_of_samples(
    format_name: str, small_bundle: Bundle, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    del resource
    program = """
import resource, sys
from pathlib import Path
from edgeward.runtime import load
from edgeward.runtime.formats import FORMATS

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

write = FORMATS[sys.argv[2]].write
with load(sys.argv[1]) as generator:
    write(generator.series(3_000, seed=1), Path(sys.argv[3], "few"), lambda done: None)
    before = peak_bytes()
    write(generator.series(120_000, seed=1), Path(sys.argv[3], "many"), lambda done: None)
    print(peak_bytes() - before)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, small_bundle.path, format_name, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "many").stat().st_size > 9 * 10**6
    assert int(result.stdout) < 3 * 10**6


def test_the_suffix_or_the_name_decides_the_format() -> None:
    assert format_for(Path("a.NPZ"), None).name == "npz"
    assert format_for(Path("a.csv"), None).name == "csv"
    assert format_for(Path("a.dat"), "csv").name == "csv"
    with pytest.raises(RequestError, match=r"a\.xlsx: the format cannot be told; use a suffix of \.npz, \.csv"):
        format_for(Path("a.xlsx"), None)
    with pytest.raises(RequestError, match="no format 'hdf5'; there are npz, csv"):
        format_for(Path("a.npz"), "hdf5")


def test_a_trained_bundles_files_carry_the_mark(bundle: Bundle, format_name: str, tmp_path: Path) -> None:
    with load(bundle) as generator:
        FORMATS[format_name].write(generator.series(3, seed=1), tmp_path / "file", ignore)
    assert set(READERS[format_name][0](tmp_path / "file")) == {"SYNTHETIC"}
