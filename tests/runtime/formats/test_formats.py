"""What holds for every file format: the synthetic mark, provenance, equal bytes, constant memory, all or nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, GateError, Generator, OutputError, RequestError, Series, load
from edgeward.runtime.formats import FORMATS, RecordFormat, check_suits, format_for
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    Schema,
    SignalSchema,
    TableSchema,
)

from .readers import READERS

ONE_FILE = [name for name, known in FORMATS.items() if not isinstance(known, RecordFormat)]
RECORDS = [name for name, known in FORMATS.items() if isinstance(known, RecordFormat)]


def ignore(done: int) -> None:
    pass


@pytest.fixture(params=list(FORMATS))
def format_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if library := READERS[name].library:
        pytest.importorskip(library)
    return name


@pytest.fixture
def suited(format_name: str, generator: Generator, generators: dict[str, Generator]) -> Generator:
    """A generator of data that have a place in the format."""
    return {**generators, "waves": generator}[READERS[format_name].data]


@pytest.fixture
def series(suited: Generator) -> Series:
    label = suited.source.schema.label
    return suited.series(40, condition={label.name: label.values[1]}, seed=3, first=5)


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_format_has_a_reader_in_this_test() -> None:
    assert set(READERS) == set(FORMATS)


def test_every_file_says_that_it_is_synthetic(format_name: str, series: Series, tmp_path: Path) -> None:
    FORMATS[format_name].write(series, tmp_path / "out", ignore)
    files = list(READERS[format_name].files(tmp_path / "out"))
    assert len(files) == (40 if format_name in RECORDS else 1)
    for file in files[::13]:  # some libraries are slow
        assert set(READERS[format_name].marks(file)) == {"SYNTHETIC"}


def test_every_file_comes_with_its_provenance(format_name: str, series: Series, tmp_path: Path) -> None:
    FORMATS[format_name].write(series, tmp_path / "out", ignore)
    for number, file in enumerate(READERS[format_name].files(tmp_path / "out")):
        provenance = READERS[format_name].provenance(file)
        place = {"first": 5 + number, "n": 1} if format_name in RECORDS else {"first": 5, "n": 40}
        assert provenance == series.provenance | place
        assert provenance["synthetic"] == "SYNTHETIC"
        assert provenance["bundle_sha256"] == series.generator.bundle.digest
        assert {"backend", "precision", "software", "noise", "seed"} <= set(provenance)


def test_the_same_series_gives_the_same_bytes(format_name: str, series: Series, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        FORMATS[format_name].write(series, tmp_path / name / "out", ignore)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_progress_ends_at_the_number_of_samples(format_name: str, series: Series, tmp_path: Path) -> None:
    told: list[int] = []
    FORMATS[format_name].write(series, tmp_path / "out", told.append)
    assert told == sorted(set(told))
    assert told[-1] == 40


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("format_name", ONE_FILE, indirect=True)
def test_an_interrupted_file_leaves_nothing(
    format_name: str, series: Series, tmp_path: Path, failure: type[BaseException]
) -> None:
    def interrupt(done: int) -> None:
        assert len(os.listdir(tmp_path)) >= 1  # something is being written
        if done > 30:
            raise failure

    with pytest.raises(failure):
        FORMATS[format_name].write(series, tmp_path / "out", interrupt)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_an_output_error(format_name: str, series: Series, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        FORMATS[format_name].write(series, tmp_path / "absent" / "out", ignore)


def test_the_estimate_is_near_the_size_of_the_output(format_name: str, suited: Generator, tmp_path: Path) -> None:
    many = suited.series(50 if format_name in RECORDS else 3000, seed=1)
    FORMATS[format_name].write(many, tmp_path / "out", ignore)
    path = tmp_path / "out"
    size = sum(map(len, content(path).values())) if path.is_dir() else path.stat().st_size
    assert FORMATS[format_name].estimate_bytes(many) == pytest.approx(size, rel=0.35)


SIZES = {"parquet": (40_000, 80_000), **dict.fromkeys(RECORDS, (100, 500))}


@pytest.mark.parametrize(
    "format_name",
    [name if name in ("npz", "wfdb") else pytest.param(name, marks=pytest.mark.slow) for name in FORMATS],
    indirect=True,
)
def test_memory_does_not_grow_with_the_number_of_samples(format_name: str, suited: Generator, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    program = """
import resource, sys
from pathlib import Path
from edgeward.runtime import load
from edgeward.runtime.formats import FORMATS

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

path, name, folder, few, many = sys.argv[1:]
with load(path) as generator:
    FORMATS[name].write(generator.series(int(few), seed=1), Path(folder, "few"), lambda done: None)
    before = peak_bytes()
    FORMATS[name].write(generator.series(int(many), seed=1), Path(folder, "many"), lambda done: None)
    print(peak_bytes() - before)
"""
    few, many = SIZES.get(format_name, (3_000, 60_000))
    result = subprocess.run(
        [sys.executable, "-c", program, suited.bundle.path, format_name, tmp_path, str(few), str(many)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(result.stdout) < 3 * 10**6


def test_the_suffix_or_the_name_decides_the_format() -> None:
    assert format_for(Path("a.NPZ"), None).name == "npz"
    assert format_for(Path("a.dat"), "csv").name == "csv"
    for known in FORMATS.values():
        assert format_for(Path("a" + known.suffix), None) is known
    with pytest.raises(RequestError, match=r"a\.xlsx: the format cannot be told; use a suffix of \.npz, \.csv"):
        format_for(Path("a.xlsx"), None)
    with pytest.raises(RequestError, match="no format 'hdf5'; there are npz, csv"):
        format_for(Path("a.npz"), "hdf5")


@pytest.mark.parametrize(
    ("name", "data"), [("jsonl", "scans"), ("parquet", "scans"), ("edf", "ward"), ("png", "beats")]
)
def test_a_format_that_does_not_suit_writes_nothing(
    generators: dict[str, Generator], tmp_path: Path, name: str, data: str
) -> None:
    with pytest.raises(RequestError, match=f"cannot be written as {name}, because"):
        FORMATS[name].write(generators[data].series(1, seed=1), tmp_path / "x", print)
    assert not list(tmp_path.iterdir())


def test_parquet_has_no_two_columns_of_one_name(generators: dict[str, Generator]) -> None:
    beats = generators["beats"].source.schema
    assert isinstance(beats, SignalSchema)
    channel = replace(beats.channels[0], name=beats.conditions[0].name)
    shared = replace(beats, channels=(channel, *beats.channels[1:]))
    assert "is a channel and a condition" in FORMATS["parquet"].refusal(shared)
    assert not FORMATS["csv"].refusal(shared)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("edf", "ward", "because it holds signals; use --format npz, csv, jsonl, parquet, fhir"),
        ("png", "beats", "because it holds images; use --format npz, csv, jsonl, parquet, wfdb, edf, dicom, fhir"),
        ("csv", "scans", "because they are images; use --format npz, dicom, png"),
        ("dicom", "strips", "ABP is in mm"),
    ],
)
def test_a_format_that_does_not_suit_names_those_that_do(
    generators: dict[str, Generator], name: str, data: str, told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        check_suits(FORMATS[name], generators[data].source.schema)


def test_a_trained_bundles_files_carry_the_mark(bundle: Bundle, format_name: str, tmp_path: Path) -> None:
    with load(bundle) as generator:
        if FORMATS[format_name].refusal(generator.source.schema):
            pytest.skip("no place for beats")
        FORMATS[format_name].write(generator.series(3, seed=1), tmp_path / "out", ignore)
    for file in READERS[format_name].files(tmp_path / "out"):
        assert set(READERS[format_name].marks(file)) == {"SYNTHETIC"}


@pytest.mark.parametrize(
    ("format_name", "data"),
    [("wfdb", "beats"), ("edf", "beats"), ("dicom", "beats"), ("png", "scans"), ("fhir", "beats")],
)
def test_a_value_beyond_its_range_is_never_clipped(
    generators: dict[str, Generator], bundle_of: Callable[..., Bundle], tmp_path: Path, format_name: str, data: str
) -> None:
    if format_name == "dicom":
        pytest.importorskip("pydicom")
    with load(bundle_of(generators[data].source.schema, beyond=1.5)) as generator:
        with pytest.raises(GateError, match=r"sample \d+: .* and the bundle promises .* npz"):
            FORMATS[format_name].write(generator.series(5, seed=1), tmp_path / "out", ignore)
        FORMATS["npz"].write(generator.series(5, seed=1), tmp_path / "out.npz", ignore)


ODD = 'line\nbreak, "quoted" \\ 100 %\t\x00\x1b[31m ^~ ünïcode 心 🫀 ' + "long " * 60
ODD_CLASS = ClassCondition("odd", (ODD, "-", " "), (ODD, "", " "))
ODD_SIGNAL = SignalSchema(
    ODD,
    ODD,
    (Channel(ODD, ODD, -1.0, 1.0), Channel(ODD + "2", "", -1.0, 1.0), Channel("", " ", 0.1, 0.7)),
    360.0,
    13,
    (ODD_CLASS, ClassCondition("rhythm", (ODD,), (ODD,))),
    event_sample=12,
)
ODD_LEADS = replace(ODD_SIGNAL, channels=tuple(Channel(name, "mV", -1.0, 1.0) for name in (ODD, "\\", "")))
ODD_TABLE = TableSchema(ODD, ODD, (CategoryColumn(ODD, (ODD, " ")), NumberColumn("=1+1", ODD, -1.0, 1.0)), (ODD_CLASS,))
ODD_IMAGE = ImageSchema(ODD, ODD, (ODD,), 3, 5, (ODD_CLASS,))


@pytest.mark.parametrize("odd", [ODD_SIGNAL, ODD_LEADS, ODD_TABLE, ODD_IMAGE], ids=["signal", "ecg", "table", "image"])
def test_no_name_or_text_breaks_a_file(odd: Schema, bundle_of: Callable[..., Bundle], tmp_path: Path) -> None:
    with load(bundle_of(odd)) as generator:
        for name, known in FORMATS.items():
            library = READERS[name].library
            if known.refusal(odd) or (library and not find_spec(library)):
                continue
            for value in ODD_CLASS.values:
                path = tmp_path / f"{name}-{ODD_CLASS.values.index(value)}"
                known.write(generator.series(2, seed=1, condition={"odd": value}), path, ignore)
                for file in READERS[name].files(path):
                    assert set(READERS[name].marks(file)) == {"SYNTHETIC"}
                    assert READERS[name].provenance(file)["seed"] == 1
