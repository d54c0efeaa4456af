"""What tests share: a tiny teacher and bundle made once a session by the real pipeline, and a way to run commands.

Where torch is not installed, tests of training and compression are skipped, and the bundle is one that was made
elsewhere: see tiny.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeward.runtime import choosing
from edgeward.runtime.bundle import Bundle, open_bundle

if TYPE_CHECKING:
    from edgeward.compression import Compressed
    from edgeward.training.checkpoint import Checkpoint
    from edgeward.training.datasets.dataset import Dataset

READY_BUNDLE = "EDGEWARD_TEST_BUNDLE"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fewest-passed", type=int, default=0, help="Fail if fewer tests pass: no run may be empty.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    passed, fewest = len(terminalreporter.stats.get("passed", ())), config.getoption("--fewest-passed")
    if passed < fewest:
        terminalreporter.write_line(f"{passed} tests passed, and at least {fewest} must", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and len(reporter.stats.get("passed", ())) < session.config.getoption("--fewest-passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor leave what `auto` remembers for the user; commands they run inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEWARD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def however_busy() -> Iterator[None]:
    """`auto` remembers what it measured, whatever else is at work on the machine that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "_LEAST_SHARE", 0.0)
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
    pytest.importorskip("torch")
    from .tiny import tiny_dataset

    return tiny_dataset()


@pytest.fixture(scope="session")
def teacher_path(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a teacher trained for a moment."""
    from .tiny import train_tiny

    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    train_tiny(dataset, path)
    return path


@pytest.fixture(scope="session")
def teacher(teacher_path: Path) -> Checkpoint:
    from edgeward.training.checkpoint import load_checkpoint

    return load_checkpoint(teacher_path)


@pytest.fixture(scope="session")
def compression_recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from .tiny import COMPRESSION

    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(COMPRESSION)
    return path


@pytest.fixture(scope="session")
def finished_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of `compressed`. Shared by all tests: copy it before changing anything."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def compressed(teacher: Checkpoint, compression_recipe_path: Path, finished_work: Path) -> Compressed:
    """The tiny teacher, pruned, distilled, exported and quantised."""
    from .tiny import compress_tiny

    return compress_tiny(teacher, compression_recipe_path, finished_work)


@pytest.fixture(scope="session")
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A whole bundle with fp32 and int8 variants. Shared by all tests: copy it before changing anything."""
    if ready := os.environ.get(READY_BUNDLE):
        return open_bundle(ready)
    teacher, compressed, recipe = map(request.getfixturevalue, ("teacher", "compressed", "compression_recipe_path"))
    from .tiny import pack_tiny

    return pack_tiny(tmp_path_factory.mktemp("bundle") / "tiny.edgeward", teacher, compressed, recipe)


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
