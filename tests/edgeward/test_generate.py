"""`edgeward generate`: the data asked for, or a clear error with its exit code and nothing half-written."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Bundle, load

Run = Callable[..., subprocess.CompletedProcess[str]]


def refused(result: subprocess.CompletedProcess[str], exit_code: int, told: str) -> None:
    assert result.returncode == exit_code, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


def file_size_limit(size: int) -> Callable[[], None]:
    """For a child process: files can grow to `size` bytes and no further, as on a full disk."""
    resource = pytest.importorskip("resource")
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_the_samples_asked_for_are_written(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    result = run_edgeward(
        "generate", bundle.path, "-n", 40, "--condition", "beat_class=V", "--seed", 7, "-o", out / "x.npz"
    )
    assert result.returncode == 0, result.stderr
    assert "SYNTHETIC DATA" in result.stdout
    with load(bundle) as generator, np.load(out / "x.npz", allow_pickle=False) as content:
        batch = generator.generate(40, condition={"beat_class": "V"}, seed=7)
        np.testing.assert_allclose(content["samples"], batch.samples, atol=1e-5)
        assert set(content["beat_class"]) == {"V"}
        assert str(content["synthetic"]) == "SYNTHETIC"
    assert os.listdir(out) == ["x.npz"]


def test_json_tells_the_file_and_its_provenance(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    result = run_edgeward("generate", bundle.path, "-n", 3, "-o", out / "x.csv", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["file"] == str(out / "x.csv")
    assert told["bytes"] == (out / "x.csv").stat().st_size
    assert (told["synthetic"], told["bundle_sha256"], told["n"]) == ("SYNTHETIC", bundle.digest, 3)
    beside = json.loads((out / "x.csv.provenance.json").read_text())
    assert beside == {name: value for name, value in told.items() if name not in ("file", "bytes")}
    with (out / "x.csv").open(newline="") as file:
        assert {row["synthetic"] for row in csv.DictReader(file)} == {"SYNTHETIC"}


def test_the_seed_reported_makes_the_same_file_again(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    first = run_edgeward("generate", bundle.path, "-n", 3, "-o", out / "a.npz", "--json")
    seed = json.loads(first.stdout)["seed"]
    run_edgeward("generate", bundle.path, "-n", 3, "-o", out / "b.npz", "--seed", seed)
    assert (out / "a.npz").read_bytes() == (out / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["-n", "0"], 2, "n must be 1 or more, not 0"),
        (["-n", "-1"], 2, "n must be 1 or more, not -1"),
        (["-n", "many"], 2, "'many' is not a valid integer"),
        (["-n", "1", "--condition", "rythm=AF"], 2, "no condition 'rythm'; this generator's conditions: beat_class"),
        (["-n", "1", "--condition", "beat_class=X"], 2, "give one of N, S, V"),
        (["-n", "1", "--condition", "beat_class"], 2, "NAME=VALUE"),
        (["-n", "1", "--condition", "beat_class=N", "--condition", "beat_class=V"], 2, "given twice"),
        (["-n", "1", "--seed", "-1"], 2, "seed must be from 0"),
        (["-n", "1", "--seed", str(2**64)], 2, "seed must be from 0"),
        (["-n", "1", "--seed", "1", "--first", "-1"], 2, "indices must be from 0"),
        (["-n", "1", "--backend", "tensorflow"], 2, "no backend 'tensorflow'"),
        (["-n", "1", "--precision", "int2"], 2, "no 'int2' variant for onnxruntime; it has fp32, int8"),
        (["-n", "1", "--threads", "0"], 2, "threads must be"),
        (["-n", "1", "--threads", "100000"], 2, "threads must be"),
        (["-n", "1", "--format", "xlsx"], 2, "no format 'xlsx'"),
        (["-n", "1000000000000"], 6, "ask for fewer samples"),
        (["-n", "9223372036854775808"], 2, "indices must be from 0"),
        ([], 2, "Missing option '-n'"),
    ],
)
def test_a_wrong_request_is_refused(
    run_edgeward: Run, bundle: Bundle, out: Path, arguments: list[str], exit_code: int, told: str
) -> None:
    refused(run_edgeward("generate", bundle.path, *arguments, "-o", out / "x.npz"), exit_code, told)
    assert os.listdir(out) == []


def test_an_unknown_suffix_is_refused(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    refused(run_edgeward("generate", bundle.path, "-n", 1, "-o", out / "x.xlsx"), 2, "use a suffix of .npz, .csv")
    assert os.listdir(out) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("flipped graph", "changed or damaged"),
        ("missing file", "CARD.md is missing"),
        ("no manifest", "no manifest.json"),
        ("newer schema", "pip install --upgrade edgeward"),
        ("broken manifest", "not valid JSON"),
    ],
)
def test_a_damaged_bundle_is_refused(
    run_edgeward: Run, copied: Path, damage: dict[str, Callable[[Path], object]], out: Path, name: str, told: str
) -> None:
    damage[name](copied)
    refused(run_edgeward("generate", copied, "-n", 1, "-o", out / "x.npz"), 4, told)
    assert os.listdir(out) == []


def test_a_bundle_that_is_not_there_is_refused(run_edgeward: Run, tmp_path: Path, out: Path) -> None:
    for name, told in (("absent", "does not exist"), ("x" * 300, "cannot be read")):
        refused(run_edgeward("generate", tmp_path / name, "-n", 1, "-o", out / "x.npz"), 4, told)
    assert os.listdir(out) == []


def test_a_place_that_cannot_be_written_is_refused(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    (out / "taken.npz").write_text("precious")
    (out / "folder.npz").mkdir()
    before = sorted(os.listdir(out))
    for path, more, told in (
        ("taken.npz", [], "--overwrite to replace it"),
        ("folder.npz", ["--overwrite"], "is no ordinary file"),
        ("absent/x.npz", [], "is not a folder"),
        ("taken.npz/x.npz", [], "is not a folder"),
        ("x" * 300 + ".npz", [], "File name too long"),
    ):
        refused(run_edgeward("generate", bundle.path, "-n", 1, "-o", out / path, *more), 6, told)
    assert sorted(os.listdir(out)) == before
    assert (out / "taken.npz").read_text() == "precious"


def test_overwrite_replaces_the_file(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    (out / "x.npz").write_text("old")
    assert run_edgeward("generate", bundle.path, "-n", 1, "-o", out / "x.npz", "--overwrite").returncode == 0
    with np.load(out / "x.npz") as content:
        assert len(content["samples"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders work otherwise on Windows")
def test_a_folder_that_is_read_only_is_refused(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    folder = out
    if os.geteuid() == 0:  # root may write whatever the permissions say, but not here
        folder = Path("/proc")
        if not folder.is_dir():
            pytest.skip("no folder that root cannot write to")
    out.chmod(0o500)
    refused(run_edgeward("generate", bundle.path, "-n", 1, "-o", folder / "x.npz"), 6, str(folder))
    out.chmod(0o700)
    assert os.listdir(out) == []


@pytest.mark.parametrize("suffix", ["npz", "csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_nothing(run_edgeward: Run, bundle: Bundle, out: Path, suffix: str) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = run_edgeward(
        *("generate", bundle.path, "-n", 500, "-o", out / f"x.{suffix}"),
        env=environment,
        preexec_fn=file_size_limit(100_000),
    )
    refused(result, 6, "nothing was left behind")
    assert os.listdir(out) == []


def test_a_full_disk_keeps_the_file_that_was_to_be_replaced(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    (out / "x.npz").write_text("precious")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = run_edgeward(
        *("generate", bundle.path, "-n", 500, "-o", out / "x.npz", "--overwrite"),
        env=environment,
        preexec_fn=file_size_limit(100_000),
    )
    refused(result, 6, "nothing was left behind")
    assert os.listdir(out) == ["x.npz"]
    assert (out / "x.npz").read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
@pytest.mark.parametrize("suffix", ["npz", "csv"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_the_middle_leaves_nothing(bundle: Bundle, out: Path, name: str, suffix: str) -> None:
    number = signal.Signals[name]
    arguments = ["generate", bundle.path, "-n", "300000", "-o", out / f"x.{suffix}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeward", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell may have started the tests with SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        while not any(file.stat().st_size > 10_000 for file in out.glob(".*.partial")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing half-written was left behind" in told
    assert "Traceback" not in told
    assert os.listdir(out) == []


def test_an_absent_engine_is_an_error_with_the_command_that_installs_it(copied: Path, out: Path) -> None:
    program = "import sys; sys.modules['onnxruntime'] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "generate", copied, "-n", "1", "-o", out / "x.npz", "--backend", "onnxruntime"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(result, 5, "install it with: pip install")
    assert os.listdir(out) == []


def test_a_folder_of_records_is_gone_on_with_its_own_seed(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    command = ("generate", bundle.path, "-o", out / "beats", "--format", "wfdb", "--json")
    first = run_edgeward(*command, "-n", 2, "--resume")
    assert first.returncode == 0, first.stderr
    refused(run_edgeward(*command, "-n", 4), 6, "--resume to go on with it, --overwrite to replace it")
    second = run_edgeward(*command, "-n", 4, "--resume")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["seed"] == json.loads(first.stdout)["seed"]
    assert json.loads((out / "beats" / "index.json").read_text())["done"] == [[0, 4]]
    assert len(list((out / "beats").glob("*.hea"))) == 4
    assert json.loads(second.stdout)["bytes"] == sum(file.stat().st_size for file in (out / "beats").iterdir())
    third = run_edgeward(*command, "-n", 1, "--overwrite", "--seed", 5)
    assert third.returncode == 0, third.stderr
    assert len(list((out / "beats").glob("*.hea"))) == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["-n", "1", "-o", "x.png"], 2, "because it holds images; use --format npz, csv"),
        (["-n", "2", "-o", "x.edf"], 2, "give a folder: -o x --format edf"),
        (["-n", "2", "-o", "x.npz", "--resume"], 2, "--resume goes on with a folder"),
        (["-n", "2", "-o", "x", "--format", "edf", "--resume", "--overwrite"], 2, "give one of them"),
        (["-n", "2", "-o", "taken", "--format", "edf", "--overwrite"], 6, "is no folder of records"),
        (["-n", "2", "-o", "taken", "--format", "edf", "--resume"], 6, "is no folder of records"),
        (["-n", "1", "-o", "one.hea"], 6, "one.dat is there already"),
    ],
)
def test_a_wrong_request_for_records_is_refused(
    run_edgeward: Run, bundle: Bundle, out: Path, arguments: list[str], exit_code: int, told: str
) -> None:
    (out / "taken").mkdir()
    (out / "taken" / "notes.txt").write_text("precious")
    (out / "one.dat").write_text("precious")
    refused(run_edgeward("generate", bundle.path, *arguments, cwd=out), exit_code, told)
    assert sorted(os.listdir(out)) == ["one.dat", "taken"]
    assert (out / "taken" / "notes.txt").read_text() == (out / "one.dat").read_text() == "precious"


def test_where_a_formats_library_is_absent_nothing_is_loaded_or_written(bundle: Bundle, out: Path) -> None:
    program = "import sys; sys.modules['pyarrow'] = None; from edgeward.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "generate", bundle.path, "-n", "1", "-o", out / "x.parquet"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused(result, 5, "install it with: pip install 'edgeward[parquet]'")
    assert os.listdir(out) == []


@pytest.fixture
def ruled(copied: Path) -> Path:
    """The tiny bundle with a rule that about half of its samples break."""
    with load(copied) as generator:
        means = generator.generate(200, seed=7).samples[:, 0].mean(axis=1)
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["data"]["rules"] = [{"kind": "limit", "of": "mean", "channel": "MLII", "least": float(np.median(means))}]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    return copied


def test_implausible_samples_are_counted_drawn_anew_or_an_error(run_edgeward: Run, ruled: Path, out: Path) -> None:
    ask = ("generate", ruled, "-n", 60, "--seed", 7)
    report = run_edgeward(*ask, "-o", out / "a.npz")
    assert report.returncode == 0, report.stderr
    lines = report.stdout.splitlines()
    assert lines[1].startswith("Implausible: ")
    assert lines[1].endswith(" of 60 broke a rule of the bundle (kept; --on-violation resample draws anew)")
    assert lines[4].split()[0] == "mean_of_MLII"
    anew = run_edgeward(*ask, "-o", out / "b.npz", "--on-violation", "resample", "--json")
    told = json.loads(anew.stdout)
    assert told["on_violation"] == "resample"
    assert told["violations"]["violating"] == int(lines[4].split()[1])
    assert told["violations"]["redraws"] >= told["violations"]["violating"] > 5
    with np.load(out / "b.npz") as content:
        least = json.loads((ruled / "manifest.json").read_text())["data"]["rules"][0]["least"]
        assert content["samples"][:, 0].mean(axis=1).min() >= least
    refused(
        run_edgeward(*ask, "-o", out / "c.npz", "--on-violation", "fail"), 7, "breaks a rule of the bundle: mean_of"
    )
    assert sorted(os.listdir(out)) == ["a.npz", "b.npz"]
    refused(run_edgeward(*ask, "-o", out / "c.npz", "--on-violation", "clip"), 2, "'clip' is not one of")


def test_plausible_samples_are_said_to_be(run_edgeward: Run, bundle: Bundle, out: Path) -> None:
    result = run_edgeward("generate", bundle.path, "-n", 3, "--seed", 7, "-o", out / "a.csv")
    assert "Plausible: all 3 keep to the bundle's ranges and rules" in result.stdout
