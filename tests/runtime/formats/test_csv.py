"""Spreadsheets and pandas read the CSV: one row a point in time, every row marked."""

import csv
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Bundle, Generator, OutputError, load
from edgeward.runtime.formats.csv import write_csv
from edgeward.runtime.schema import ClassCondition, SignalSchema


def test_the_csv_module_reads_what_was_generated(generator: Generator, tmp_path: Path) -> None:
    write_csv(generator.series(40, seed=3, first=5), tmp_path / "file.csv", lambda done: None)
    batch = generator.generate(40, seed=3, first=5)
    with (tmp_path / "file.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["index", "time_s", "ECG_mV", "ABP_mm[Hg]", "rhythm", "heart_rate", "synthetic"]
    assert len(rows) == 40 * 8
    for number, row in enumerate(rows):
        sample, point = divmod(number, 8)
        assert int(row["index"]) == 5 + sample
        assert float(row["time_s"]) == pytest.approx(point / 125.0)
        assert float(row["ECG_mV"]) == pytest.approx(float(batch.samples[sample, 0, point]), rel=1e-4, abs=1e-5)
        assert float(row["ABP_mm[Hg]"]) == pytest.approx(float(batch.samples[sample, 1, point]), rel=1e-4, abs=1e-5)
        assert row["rhythm"] == batch.conditions["rhythm"][sample]
        assert float(row["heart_rate"]) == batch.conditions["heart_rate"][sample]
        assert row["synthetic"] == "SYNTHETIC"


def test_pandas_reads_it_with_the_right_types(generator: Generator, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write_csv(generator.series(40, seed=3), tmp_path / "file.csv", lambda done: None)
    table = pandas.read_csv(tmp_path / "file.csv")
    assert len(table) == 320
    assert table["index"].dtype == np.int64
    assert all(table[name].dtype == np.float64 for name in ("time_s", "ECG_mV", "ABP_mm[Hg]", "heart_rate"))
    assert set(table["rhythm"]) == {"SR", "AF"}


def test_names_with_commas_quotes_and_percent_signs_stay_in_their_cells(
    schema: SignalSchema, small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    odd = ('a, "quoted" one', "50 %d %")
    conditions = (ClassCondition("rhythm", odd, ("", "")), *schema.conditions[1:])
    changed = dataclasses.replace(schema, conditions=conditions)
    path = pack_by_hand(tmp_path / "odd.edgeward", small_graph(), data=changed)
    with load(path) as generator:
        for name in odd:
            write_csv(generator.series(2, condition={"rhythm": name}, seed=1), tmp_path / "f.csv", lambda done: None)
            with (tmp_path / "f.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            assert {row["rhythm"] for row in rows} == {name}
            assert {row["synthetic"] for row in rows} == {"SYNTHETIC"}


def test_the_data_never_stand_without_their_provenance(
    generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if "provenance" in target.name:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="No space left"):
        write_csv(generator.series(3, seed=1), tmp_path / "file.csv", lambda done: None)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_at_the_last_byte_leaves_no_provenance_behind(
    generator: Generator, small_bundle: Bundle, tmp_path: Path
) -> None:
    pytest.importorskip("resource")
    write_csv(generator.series(64, seed=1), tmp_path / "file.csv", lambda done: None)
    size = (tmp_path / "file.csv").stat().st_size
    (tmp_path / "full").mkdir()
    program = """
import resource, sys
from pathlib import Path
from edgeward.runtime import OutputError, load
from edgeward.runtime.formats.csv import write_csv
with load(sys.argv[1]) as generator:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    try:
        write_csv(generator.series(64, seed=1), Path(sys.argv[2], "file.csv"), lambda done: None)
    except OutputError:
        sys.exit(6)
"""
    result = subprocess.run(
        [sys.executable, "-B", "-c", program, small_bundle.path, tmp_path / "full", str(size - 1)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 6, result.stderr
    assert os.listdir(tmp_path / "full") == []


def test_a_zero_character_which_old_readers_refuse_is_escaped(
    generators: dict[str, Generator], bundle_of: Callable[..., Bundle], tmp_path: Path
) -> None:
    odd = ClassCondition("odd", ("x\0y",), ("",))
    with load(bundle_of(dataclasses.replace(generators["beats"].source.schema, conditions=(odd,)))) as generator:
        write_csv(generator.series(1, seed=1), tmp_path / "x.csv", lambda done: None)
    with (tmp_path / "x.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["odd"] == "x\\x00y"
