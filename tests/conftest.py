"""What tests share: a tiny teacher and bundle made once a session by the real pipeline, and a way to run commands."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edgeward.compression import Compressed, compress, load_compression_recipe, pack
from edgeward.runtime.bundle import Bundle
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.loop import train
from edgeward.training.recipe import training_recipe_from_mapping

TINY_TRAINING = {
    "name": "tiny",
    "data": "ecg-beats",
    "family": "vae",
    "steps": 30,
    "batch_size": 32,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "ema_decay": 0.8,
    "class_balance": 1.0,
    "evaluations": 0,
    "vae": {"noise_size": 6, "widths": [32, 32, 24, 16], "prior_couplings": 2, "prior_hidden": 16},
}
TINY_COMPRESSION = """
name = "tiny"
step = [
    {do = "prune", ratio = 0.4, round_to = 8},
    {do = "distil", steps = 40, batch_size = 32, learning_rate = 5e-3},
    {do = "export"},
    {do = "quantise", samples = 64, percentile = 99.99, error_budget = 1.0},
]
[allowance]
student_relative_l2 = 5.0
int8_relative_l2 = 1.0
"""


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor leave what `auto` remembers for the user; commands they run inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEWARD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def edgeward_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own: no installed bundles and no trusted keys of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEWARD_HOME", str(home))
        patch.delenv("EDGEWARD_REQUIRE_SIGNATURE", raising=False)
        yield home


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """A few simulated patients, five classes."""
    return simulate_beats(patients=(6, 2, 3), beats_per_patient=60, seed=1)


@pytest.fixture(scope="session")
def teacher_path(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a teacher trained for a moment."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    train(dataset, training_recipe_from_mapping(TINY_TRAINING, "tiny"), path, seed=1)
    return path


@pytest.fixture(scope="session")
def teacher(teacher_path: Path) -> Checkpoint:
    from edgeward.training.checkpoint import load_checkpoint

    return load_checkpoint(teacher_path)


@pytest.fixture(scope="session")
def compression_recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY_COMPRESSION)
    return path


@pytest.fixture(scope="session")
def finished_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of `compressed`. Shared by all tests: copy it before changing anything."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def compressed(teacher: Checkpoint, compression_recipe_path: Path, finished_work: Path) -> Compressed:
    """The tiny teacher, pruned, distilled, exported and quantised."""
    return compress(teacher, load_compression_recipe(compression_recipe_path), finished_work, seed=1)


@pytest.fixture(scope="session")
def bundle(
    teacher: Checkpoint,
    compressed: Compressed,
    compression_recipe_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Bundle:
    """A whole bundle with fp32 and int8 variants. Shared by all tests: copy it before changing anything."""
    return pack(
        tmp_path_factory.mktemp("bundle") / "tiny.edgeward",
        teacher,
        compressed,
        load_compression_recipe(compression_recipe_path),
        name="tiny",
        version="1.2.3",
        seed=1,
    )


@pytest.fixture(scope="session")
def run_edgeward(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command in a fresh process, away from the source tree."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*arguments: str | Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "edgeward", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            **{"cwd": elsewhere, "env": os.environ.copy(), "timeout": 250, **kwargs},
        )

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by EDGEWARD_DATA."""
    folder = os.environ.get("EDGEWARD_DATA")
    if not folder or not Path(folder, "mitdb").is_dir():
        pytest.skip("EDGEWARD_DATA does not name a folder that holds mitdb/")
    return Path(folder)
