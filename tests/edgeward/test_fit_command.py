"""`edgeward compress --for`: a bundle that fits and the front it was taken from, or a clear error and the front."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.compression import Compressed, load_compression_recipe
from edgeward.compression.fit import search as search_module
from edgeward.runtime import open_bundle

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]


@pytest.fixture(scope="module")
def fitted(run_edgeward: Run, teacher_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A real search of one candidate: folder, standard output and error."""
    folder = tmp_path_factory.mktemp("fitted")
    result = run_edgeward(
        "compress", teacher_path, "--for", "raspberry-pi-5", "--latency", "50ms", "--size", "1MB",
        "--budget", "1trial", "-o", folder / "x.edgeward",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder, result.stdout, result.stderr


@pytest.fixture
def instantly(monkeypatch: pytest.MonkeyPatch, compressed: Compressed) -> None:
    """Every candidate comes to what the tiny recipe gave."""

    def made(_teacher: object, recipe: object, _work: object, **_: object) -> Compressed:
        return compressed

    monkeypatch.setattr(search_module, "compress", made)
    monkeypatch.setattr("edgeward.compression.compress", made)


def test_the_bundle_is_written_with_the_front_beside_it_and_nothing_else(fitted: tuple[Path, str, str]) -> None:
    folder, output, _ = fitted
    assert sorted(os.listdir(folder)) == ["x.edgeward", "x.edgeward.fit"]
    assert sorted(os.listdir(folder / "x.edgeward.fit")) == ["front.json", "front.md", "front.svg", "recipe.toml"]
    bundle = open_bundle(folder / "x.edgeward")
    told = json.loads((folder / "x.edgeward.fit" / "front.json").read_text())
    assert told["met"]
    assert bundle.manifest.default_precision == told["taken"]["variant"]
    assert told["taken"]["bytes"] in [bundle.manifest.files[v.file].size for v in bundle.manifest.variants]
    assert "→" in output


def test_latency_is_told_to_be_a_models(fitted: tuple[Path, str, str]) -> None:
    folder, output, _ = fitted
    for text in (output, (folder / "x.edgeward.fit" / "front.md").read_text()):
        assert "ms (model)" in text
        assert "told by a model, not measured on that device" in text
        assert "No real records were looked at" in text
    told = json.loads((folder / "x.edgeward.fit" / "front.json").read_text())
    assert told["target"]["latency"] == "model"
    assert told["taken"]["latency"]["low_ms"] < told["taken"]["latency"]["ms"] < told["taken"]["latency"]["high_ms"]


def test_the_recipe_makes_the_bundle_again(
    fitted: tuple[Path, str, str], edgeward_here: Run, teacher_path: Path, tmp_path: Path
) -> None:
    folder, *_ = fitted
    recipe = folder / "x.edgeward.fit" / "recipe.toml"
    assert load_compression_recipe(recipe).name == "ecg-beats-on-raspberry-pi-5"
    seed = json.loads((recipe.parent / "front.json").read_text())["seed"]
    result = edgeward_here(
        "compress", teacher_path, "--recipe", recipe, "--seed", seed, "-o", tmp_path / "again.edgeward"
    )
    assert result.returncode == 0, result.stderr
    first, again = (os.listdir(bundle / "variants") for bundle in (folder / "x.edgeward", tmp_path / "again.edgeward"))
    assert sorted(first) == sorted(again)  # files are named after their hash


def test_a_target_that_cannot_be_met_is_told_by_how_much_and_keeps_the_front(
    instantly: None, edgeward_here: Run, teacher_path: Path, out: Path
) -> None:
    arguments = ("compress", teacher_path, "--for", "this-machine", "--size", "1kB", "-o", out / "x.edgeward")
    result = edgeward_here(*arguments, "--budget", "2trials")
    assert result.returncode == 7
    assert "none of 2 candidates is 1 kB at once; the nearest, number" in result.stderr
    assert "times what was asked" in result.stderr
    assert "With --size" in result.stderr
    assert "No bundle was written" in result.stderr
    assert "a larger --budget and --overwrite goes on where it was" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(os.listdir(out)) == ["x.edgeward.fit", "x.edgeward.work"]
    again = edgeward_here(*arguments, "--budget", "2trials")
    assert again.returncode == 6
    assert "x.edgeward.fit is there already" in again.stderr
    relaxed = result.stderr.partition("With --size ")[2].split()[0]
    met = edgeward_here(*arguments, "--budget", "2trials", "--overwrite", "--size", relaxed)
    assert met.returncode == 0, met.stderr
    assert sorted(os.listdir(out)) == ["x.edgeward", "x.edgeward.fit"]


def test_an_interrupted_search_says_where_it_goes_on_and_leaves_no_bundle(
    instantly: None, edgeward_here: Run, teacher_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("compress", teacher_path, "--for", "this-machine", "--size", "9MB", "-o", out / "x.edgeward")
    with monkeypatch.context() as patch:
        patch.setattr(search_module, "run_trial", lambda *_: signal.raise_signal(signal.SIGINT))
        result = edgeward_here(*arguments, "--budget", "1trial")
    assert result.returncode == 130
    assert f"What was tried is kept in {out / 'x.edgeward.work'}; the same command goes on there" in result.stderr
    assert os.listdir(out) == ["x.edgeward.work"]
    assert edgeward_here(*arguments, "--budget", "1trial").returncode == 0
    assert sorted(os.listdir(out)) == ["x.edgeward", "x.edgeward.fit"]


def test_json_tells_the_bundle_and_everything_that_was_tried(
    instantly: None, edgeward_here: Run, teacher_path: Path, out: Path
) -> None:
    result = edgeward_here(
        "compress", teacher_path, "--for", "this-machine", "--quality", "distance 9", "--budget", "1trial",
        "-o", out / "x.edgeward", "--json",
    )  # fmt: skip
    told = json.loads(result.stdout)
    assert (told["met"], told["bundle"], told["report"]) == (True, str(out / "x.edgeward"), str(out / "x.edgeward.fit"))
    assert told["sha256"] == open_bundle(out / "x.edgeward").digest
    assert told["target"]["latency"] == "measured"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (
            ["--for", "raspbery-pi-5", "--latency", "5ms"],
            2,
            "no device is called 'raspbery-pi-5'; did you mean raspberry-pi-5",
        ),
        (["--for", "n100"], 2, "--for needs something to fit: --latency, --size, --quality"),
        (["--for", "n100", "--latency", "5"], 2, "--latency '5' is not understood; write a time such as 5ms"),
        (["--for", "n100", "--size", "big"], 2, "--size 'big' is not understood"),
        (["--for", "n100", "--quality", "nice"], 2, "--quality 'nice' is not understood"),
        (["--for", "n100", "--quality", "tstr-1pt"], 2, "--quality tstr is judged on real records"),
        (["--for", "n100", "--size", "1MB", "--budget", "soon"], 2, "--budget 'soon' is not understood"),
        (["--for", "n100", "--size", "1MB", "--recipe", "ecg-beats"], 2, "give one of the two"),
        (["--latency", "5ms"], 2, "--latency goes with --for DEVICE"),
        (["--budget", "5min"], 2, "--budget goes with --for DEVICE"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_leaves_nothing(
    arguments: list[str], exit_code: int, told: str, edgeward_here: Run, teacher_path: Path, out: Path
) -> None:
    result = edgeward_here("compress", teacher_path, *arguments, "-o", out / "x.edgeward")
    assert result.returncode == exit_code
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert os.listdir(out) == []


def test_a_full_disk_is_told_before_the_search(
    edgeward_here: Run, teacher_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 17 * 2**20})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    result = edgeward_here("compress", teacher_path, "--for", "n100", "--size", "1MB", "-o", out / "x.edgeward")
    assert result.returncode == 6
    assert "17.8 MB free" in result.stderr
    assert os.listdir(out) == []
