"""Each folder imports only from the floors below it, and no modules import each other in a circle.

Every import statement counts, also those inside functions and those for type checkers only.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["devices", "runtime", "benchmarks", "training", "compression", "edgeward"]  # lowest first

# What the thin floors may import beside the standard library.
# tomli is the standard library's own reader of TOML, for Python 3.10.
THIRD_PARTY = {
    "devices": {"tomli"},
    "runtime": {"cryptography", "numpy", "onnxruntime", "openvino", "pyarrow", "pydicom"}
    | {"pandas", "xarray", "matplotlib"},
}

Sources = Mapping[str, tuple[str, bool]]
"""Module name: its source, and whether it is a package's `__init__`."""


def read_house() -> Sources:
    sources = {}
    for floor in FLOORS:
        for file in sorted((ROOT / floor).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            names = parts[:-1] if is_package else parts
            name = ".".join(names if floor == "edgeward" else ("edgeward", *names))
            sources[name] = (file.read_text(encoding="utf-8"), is_package)
    return sources


def floor_of(module: str) -> int:
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else len(FLOORS) - 1


def imports_of(name: str, sources: Sources) -> Iterator[str]:
    """Full names of what a module imports; an imported name that is a module counts as that module."""
    source, is_package = sources[name]
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in sources else base


def import_graph(sources: Sources) -> dict[str, set[str]]:
    return {name: set(imports_of(name, sources)) for name in sources}


def upward(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    return [
        (name, imported)
        for name, imports in graph.items()
        for imported in sorted(imports)
        if imported.partition(".")[0] == "edgeward" and floor_of(imported) > floor_of(name)
    ]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Paths that lead back to where they started."""
    found: list[list[str]] = []
    done: set[str] = set()

    def follow(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name in graph and name not in done:
            for imported in sorted(graph[name]):
                follow(imported, [*path, name])
            done.add(name)

    for name in graph:
        follow(name, [])
    return found


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return import_graph(read_house())


def test_the_whole_house_is_read(graph: dict[str, set[str]]) -> None:
    assert {floor_of(name) for name in graph} == set(range(len(FLOORS)))
    assert "edgeward.runtime.manifest" in graph["edgeward.runtime.bundle"]
    assert "edgeward.devices" in graph["edgeward.runtime.golden"]
    assert all(imported in graph for imports in graph.values() for imported in imports if imported[:9] == "edgeward.")


def test_no_floor_imports_one_above_it(graph: dict[str, set[str]]) -> None:
    assert upward(graph) == []


def test_no_modules_import_each_other_in_a_circle(graph: dict[str, set[str]]) -> None:
    assert circles(graph) == []


@pytest.mark.parametrize("floor", list(THIRD_PARTY))
def test_thin_floors_import_little_from_outside(floor: str, graph: dict[str, set[str]]) -> None:
    outside = {
        imported.partition(".")[0]
        for name, imports in graph.items()
        if FLOORS[floor_of(name)] == floor
        for imported in imports
    }
    assert outside - set(sys.stdlib_module_names) - {"edgeward"} <= THIRD_PARTY[floor]


@pytest.mark.parametrize(
    ("violation", "importer", "imported"),
    [
        ("from ..training.loop import train", "edgeward.runtime.bad", "edgeward.training.loop"),
        ("from ..runtime import errors", "edgeward.devices.bad", "edgeward.runtime.errors"),
        ("from .. import cli", "edgeward.runtime.bad", "edgeward.cli"),
        ("import edgeward.compression", "edgeward.benchmarks.bad", "edgeward.compression"),
        ("from edgeward import load", "edgeward.training.bad", "edgeward"),
        ("def f():\n    from ...compression import pack", "edgeward.runtime.formats.bad", "edgeward.compression.pack"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..benchmarks import quality",
            "edgeward.runtime.bad",
            "edgeward.benchmarks.quality",
        ),
    ],
)
def test_an_upward_import_would_be_found(violation: str, importer: str, imported: str) -> None:
    house = {**read_house(), importer: (violation, False)}
    assert upward(import_graph(house)) == [(importer, imported)]


def test_a_circle_would_be_found() -> None:
    house = {
        **read_house(),
        "edgeward.runtime.one": ("from . import two", False),
        "edgeward.runtime.two": ("def f():\n    from .three import x", False),
        "edgeward.runtime.three": ("from edgeward.runtime.one import y", False),
    }
    (circle,) = circles(import_graph(house))
    assert set(circle) == {"edgeward.runtime.one", "edgeward.runtime.two", "edgeward.runtime.three"}
