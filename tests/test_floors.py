"""Each folder imports only from the floors below it, and no engine or server library enters the lower ones."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["devices", "runtime", "benchmarks", "training", "compression", "edgeward"]  # lowest first


def imported_floors(source: str, path: Path) -> set[str]:
    """Floors that a file at `path` (relative to the root) imports from."""
    package = list(path.parts[:-1])
    package = package[1:] if package[0] == "edgeward" else package
    found = set()
    for node in ast.walk(ast.parse(source)):
        names: list[list[str]] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            names = [name[1:] for name in names if name[0] == "edgeward"]
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level:
                names = [package[: len(package) - node.level + 1] + base + [alias.name] for alias in node.names]
            elif base[:1] == ["edgeward"]:
                names = [[*base[1:], alias.name] for alias in node.names]
        for name in names:
            found.add(name[0] if name and name[0] in FLOORS[:-1] else "edgeward")
    return found


def violations(source: str, path: Path) -> set[str]:
    floor = FLOORS.index(path.parts[0])
    return {name for name in imported_floors(source, path) if FLOORS.index(name) > floor}


FILES = sorted(file.relative_to(ROOT) for floor in FLOORS for file in (ROOT / floor).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_imports_upward(path: Path) -> None:
    assert not violations((ROOT / path).read_text(), path)


def test_an_upward_import_would_be_found() -> None:
    assert violations("from ..training.loop import train", Path("runtime/batch.py")) == {"training"}
    assert violations("import edgeward.compression.pack", Path("devices/host.py")) == {"compression"}
    assert not violations("from ..devices import this_host", Path("runtime/golden.py"))


@pytest.mark.parametrize("module", ["edgeward", "edgeward.runtime", "edgeward.devices", "edgeward.cli"])
def test_the_thin_install_loads_no_engine_and_no_upper_floor(module: str) -> None:
    code = f"""
import sys, {module}
floors = {{'edgeward.' + name for name in ('benchmarks', 'training', 'compression')}}
bad = floors | {{'torch', 'onnx', 'onnxruntime', 'openvino', 'scipy', 'pandas'}}
sys.exit(str(sorted(bad & set(sys.modules))) if bad & set(sys.modules) else 0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
