"""The thin install stays thin on the disk: the core and all that it pulls in, as installed here."""

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement

LIMIT_MB = 150


def core() -> list[importlib.metadata.Distribution]:
    """Edgeward without extras, and what it needs, what that needs, and so on."""
    wanted, found = ["edgeward"], {}
    while wanted:
        distribution = importlib.metadata.distribution(wanted.pop())
        found[distribution.name] = distribution
        needed = [Requirement(text) for text in distribution.requires or ()]
        active = [need for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})]
        wanted += [need.name for need in active if need.name not in found]
    return list(found.values())


def bytes_on_disk(distribution: importlib.metadata.Distribution) -> int:
    """What its files take, with the bytecode that was made of them."""
    files = [Path(str(file.locate())) for file in distribution.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())


def test_the_core_with_all_it_needs_takes_at_most_150_megabytes(record_property) -> None:
    sizes = {distribution.name: bytes_on_disk(distribution) / 1e6 for distribution in core()}
    assert {"edgeward", "click", "numpy", "onnxruntime"} <= set(sizes)
    assert sizes["numpy"] > 10, "its files were not found"
    assert sizes["onnxruntime"] > 10, "its files were not found"
    print({name: round(size, 1) for name, size in sizes.items()}, round(sum(sizes.values()), 1), "MB")
    assert sum(sizes.values()) <= LIMIT_MB, sizes
