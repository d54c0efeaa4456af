"""Every format tells what the guard found, writes what was drawn anew, and holds no sample that may not be."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Bundle, GateError, Generator, OutputError, load
from edgeward.runtime.formats import FORMATS, RecordFormat
from edgeward.runtime.formats.npz import NPZ
from edgeward.runtime.formats.png import PNG
from edgeward.runtime.formats.records import records_of
from edgeward.runtime.formats.text import uuid_of
from edgeward.runtime.formats.wfdb import WFDB
from edgeward.runtime.schema import Limit, SignalSchema

from .conftest import BEATS, SCANS, WARD
from .readers import READERS

N = 40


def ignore(done: int) -> None:
    pass


RULED = {
    "beats": replace(BEATS, rules=(Limit("mean", "MLII", least=-0.5),)),
    "scans": replace(SCANS, rules=(Limit("mean", "grey", most=0.52),)),
    "ward": WARD,
}


@pytest.fixture(scope="module")
def ruled(bundle_of: Callable[..., Bundle]) -> Iterator[dict[str, Generator]]:
    loaded = {name: load(bundle_of(schema)) for name, schema in RULED.items()}
    yield loaded
    for generator in loaded.values():
        generator.close()


@pytest.fixture(params=list(FORMATS))
def format_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if library := READERS[name].library:
        pytest.importorskip(library)
    return name


@pytest.fixture
def suited(format_name: str, ruled: dict[str, Generator]) -> Generator:
    return ruled["scans" if READERS[format_name].data == "scans" else "beats"]


def test_every_format_tells_which_samples_broke_which_rule(format_name: str, suited: Generator, tmp_path: Path) -> None:
    chosen, reader = FORMATS[format_name], READERS[format_name]
    batch = suited.generate(N, seed=3, on_violation="report")
    assert batch.violations is not None
    expected = batch.violations.tally
    assert 3 < expected.violating < N - 3
    series = suited.series(N, seed=3, on_violation="report")
    assert chosen.write(series, tmp_path / "out", ignore) == expected
    files = list(reader.files(tmp_path / "out"))
    if not isinstance(chosen, RecordFormat):
        told = reader.provenance(files[0])
        if format_name == "parquet":
            import pyarrow.parquet as pq

            assert json.loads(pq.read_metadata(files[0]).metadata[b"violations"]) == expected.to_json()
            assert told == series.provenance
        else:
            assert told == batch.provenance
            assert told["violations"] == expected.to_json()
        return
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index["violations"] == expected.to_json()
    bad, good = expected.samples[0], next(i for i in range(N) if i not in expected.samples)
    (rule,) = expected.by_rule
    assert reader.provenance(files[bad])["breaks"] == rule
    assert "breaks" not in reader.provenance(files[good])
    assert reader.provenance(files[good])["on_violation"] == "report"


def test_without_a_guard_nothing_is_told(format_name: str, suited: Generator, tmp_path: Path) -> None:
    tally = FORMATS[format_name].write(suited.series(N, seed=3), tmp_path / "out", ignore)
    assert tally.checked == 0
    for file in READERS[format_name].files(tmp_path / "out"):
        assert not {"on_violation", "violations", "breaks"} & set(READERS[format_name].provenance(file))


def test_no_format_leaves_a_sample_that_may_not_be(format_name: str, suited: Generator, tmp_path: Path) -> None:
    with pytest.raises(GateError, match="breaks a rule of the bundle: mean_of_"):
        FORMATS[format_name].write(suited.series(N, seed=3, on_violation="fail"), tmp_path / "out", ignore)
    if isinstance(FORMATS[format_name], RecordFormat):
        assert json.loads((tmp_path / "out" / "index.json").read_text())["done"] == []
    else:
        assert list(tmp_path.iterdir()) == []


def test_what_was_drawn_anew_is_written_with_its_conditions(ruled: dict[str, Generator], tmp_path: Path) -> None:
    generator = ruled["beats"]
    NPZ.write(generator.series(N, seed=3, on_violation="resample"), tmp_path / "x.npz", ignore)
    batch = generator.generate(N, seed=3, on_violation="resample")
    with np.load(tmp_path / "x.npz") as content:
        np.testing.assert_allclose(content["samples"], batch.samples, atol=1e-5)
        assert content["beat_class"].tolist() == batch.conditions["beat_class"].tolist()
        assert content["samples"][:, 0].mean(axis=1).min() >= -0.5
        assert json.loads(str(content["provenance"])) == batch.provenance


@pytest.mark.parametrize("on_violation", ["report", "resample"])
def test_a_folder_gone_on_with_counts_all_its_samples_and_has_the_same_bytes(
    ruled: dict[str, Generator], tmp_path: Path, on_violation: str
) -> None:
    generator = ruled["beats"]
    for first, n in ((0, 10), (30, 10), (0, N)):
        series = generator.series(n, seed=3, first=first, on_violation=on_violation)  # type: ignore[arg-type]
        tally = WFDB.write(series, tmp_path / "parts", ignore)
    whole = WFDB.write(replace(series, first=0, n=N), tmp_path / "whole", ignore)
    assert tally == whole
    assert whole.checked == N
    files = sorted(file.name for file in (tmp_path / "whole").iterdir())
    assert files == sorted(file.name for file in (tmp_path / "parts").iterdir())
    for file in files:
        assert (tmp_path / "parts" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_folder_is_not_gone_on_with_under_another_guard(ruled: dict[str, Generator], tmp_path: Path) -> None:
    generator = ruled["scans"]
    PNG.write(generator.series(3, seed=3), tmp_path / "unchecked", ignore)
    PNG.write(generator.series(3, seed=3, on_violation="report"), tmp_path / "checked", ignore)
    for folder, now in (("unchecked", "report"), ("checked", "resample"), ("checked", None)):
        with pytest.raises(OutputError, match=rf"of another on_violation .*now {now}"):
            series = generator.series(5, seed=3, on_violation=now)  # type: ignore[arg-type]
            PNG.write(series, tmp_path / folder, ignore)


@pytest.mark.parametrize("violations", [3, {"checked": -1}, {"checked": 1, "by_rule": []}, None])
def test_a_damaged_count_in_a_folder_is_refused(
    ruled: dict[str, Generator], tmp_path: Path, violations: object
) -> None:
    series = ruled["scans"].series(3, seed=3, on_violation="report")
    PNG.write(series, tmp_path / "out", ignore)
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    (tmp_path / "out" / "index.json").write_text(json.dumps({**index, "violations": violations}))
    with pytest.raises(OutputError, match="give another name, or remove the folder"):
        PNG.write(series, tmp_path / "out", ignore)


def test_identifiers_do_not_change_because_a_sample_was_checked_but_because_it_is_another(
    ruled: dict[str, Generator],
) -> None:
    def identifiers(on_violation: str | None) -> list[str]:
        batch = ruled["beats"].generate(N, seed=3, on_violation=on_violation)  # type: ignore[arg-type]
        return [str(uuid_of(record, "sample")) for record in records_of(batch)]

    plain, report, anew = (identifiers(asked) for asked in (None, "report", "resample"))
    assert plain == report
    batch = ruled["beats"].generate(N, seed=3, on_violation="resample")
    assert batch.violations is not None
    assert {i for i in range(N) if plain[i] != anew[i]} == set(batch.violations.broken)


def test_a_table_is_checked_by_its_columns_and_conditions(ruled: dict[str, Generator], tmp_path: Path) -> None:
    for name in ("csv", "jsonl"):
        tally = FORMATS[name].write(ruled["ward"].series(N, seed=3, on_violation="report"), tmp_path / name, ignore)
        assert (tally.checked, tally.violating) == (N, 0)
    assert not isinstance(RULED["ward"], SignalSchema)
