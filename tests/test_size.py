"""The thin install stays thin on the disk: the core and all that it pulls in, as installed here."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

requirements = pytest.importorskip("packaging.requirements")

LIMIT_MB = 150


def core() -> dict[str, importlib.metadata.Distribution]:
    """Edgeward without extras, what it needs, what that needs, and so on."""
    wanted, found = ["edgeward"], {}
    while wanted:
        name = wanted.pop()
        found[name] = importlib.metadata.distribution(name)
        for text in found[name].requires or ():
            need = requirements.Requirement(text)
            if need.name not in found and (need.marker is None or need.marker.evaluate({"extra": ""})):
                wanted.append(need.name)
    return found


def files_of(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    """The files it brings. Not the bytecode that pip makes of them: `--no-compile` leaves it out."""
    for file in distribution.files or ():
        path = Path(str(file.locate()))
        if path.suffix != ".pyc" and path.is_file():
            yield path


def test_the_core_with_all_it_needs_takes_at_most_150_megabytes() -> None:
    sizes = {
        name: sum(file.stat().st_size for file in files_of(distribution)) / 1e6 for name, distribution in core().items()
    }
    assert sizes["numpy"] > 10, "its files were not found"
    assert sizes["onnxruntime"] > 10, "its files were not found"
    print({name: round(size, 1) for name, size in sizes.items()})  # noqa: T201 - pytest -rP shows it
    assert sum(sizes.values()) <= LIMIT_MB, sizes
