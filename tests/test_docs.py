"""The examples of README and docs run as written, and their links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from edgeward.runtime.bundle import Bundle

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[object]:
    found = []
    for page in PAGES:
        for number, match in enumerate(re.finditer(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)):
            found.append(pytest.param(match[1], id=f"{page.name}-{number}"))
    return found


@pytest.fixture
def user_folder(bundle: Bundle, tmp_path: Path) -> Path:
    """A folder with nothing but a bundle in it, named as the examples name it."""
    shutil.copytree(bundle.path, tmp_path / "ecg-beats.edgeward")
    return tmp_path


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code: str, user_folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=user_folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("code", blocks("console"))
def test_shell_examples_run(code: str, user_folder: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "-euc", code],
        cwd=user_folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


def test_there_are_examples_to_run() -> None:
    assert len(blocks("python")) >= 2
    assert len(blocks("console")) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target
