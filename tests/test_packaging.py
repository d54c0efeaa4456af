"""What is installed: every package, the files they need, nothing else, and little of it."""

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["devices", "runtime", "benchmarks", "training", "compression", "edgeward"]


def packages_in_the_tree() -> set[str]:
    folders = {file.parent.relative_to(ROOT) for floor in FLOORS for file in (ROOT / floor).rglob("__init__.py")}
    names = {".".join(folder.parts) for folder in folders}
    return {name if name.partition(".")[0] == "edgeward" else f"edgeward.{name}" for name in names}


def packages_listed() -> set[str]:
    """`packages` of pyproject.toml; Python 3.10 has no TOML reader, and a list of strings reads the same."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = text.partition("\n[tool.setuptools]\npackages = ")[2].partition("]")[0] + "]"
    return set(ast.literal_eval(listed))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that neither old build folders nor this test leave anything in the other's way."""
    copy = tmp_path_factory.mktemp("source") / "edgeward"
    made = shutil.ignore_patterns(
        ".*", "build", "dist", "demo", "work", "*.egg-info", "__pycache__", "*.edgeward", "*.pt"
    )
    shutil.copytree(ROOT, copy, ignore=made)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    result = subprocess.run([*command, "--wheel-dir", out, copy], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (file,) = out.iterdir()
    return file


def test_every_folder_with_an_init_is_listed_and_every_one_listed_is_there() -> None:
    assert packages_listed() == packages_in_the_tree()


def test_every_python_file_is_in_a_package() -> None:
    loose = [
        file.relative_to(ROOT)
        for floor in FLOORS
        for file in (ROOT / floor).rglob("*.py")
        if not (file.parent / "__init__.py").exists()
    ]
    assert loose == []


def test_the_wheel_is_below_a_megabyte(wheel: Path) -> None:
    assert wheel.stat().st_size < 10**6


def test_the_wheel_holds_the_code_and_the_files_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = {"edgeward/py.typed"}
    for floor in FLOORS:
        for file in (ROOT / floor).rglob("*"):
            if file.suffix in (".py", ".toml", ".j2", ".css"):
                path = file.relative_to(ROOT).as_posix()
                wanted.add(path if floor == "edgeward" else f"edgeward/{path}")
    assert sum(name.endswith(".toml") for name in wanted) >= 4
    assert sum("templates/" in name for name in wanted) >= 2
    assert wanted <= names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "edgeward",
        f"{'-'.join(wheel.name.split('-')[:2])}.dist-info",
    }
    assert not [name for name in names if "test" in name]


def test_the_wheels_command_is_edgeward(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "edgeward = edgeward.cli:main" in archive.read(entry_points).decode()
