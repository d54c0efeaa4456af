"""Which versions of engines and of NVIDIA's software are installed, from their metadata: nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .files import text_of
from .jetson import Jetson

_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "numpy")
_DEBIAN = re.compile(r"nvidia-jetpack|libnvinfer\d+")
"""NVIDIA's meta-package, and TensorRT's library; what JetPack installs by apt."""

Version = Callable[[str], "str | None"]


def read_software(root: Path, jetson: Jetson | None, version: Version) -> dict[str, str]:
    """Name and version of all that is found; what is absent is left out.

    Args:
        root: Of the file system.
        jetson: The board, whose release tells what NVIDIA ships with it.
        version: Of a Python package; None where it is not installed.
    """
    found = {f"python {package}": number for package in _PACKAGES if (number := version(package))}
    found.update(_debian(text_of(root / "var/lib/dpkg/status")))
    cuda = re.search(r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([\d.]+)"', text_of(root / "usr/local/cuda/version.json"))
    if cuda:
        found["cuda"] = cuda[1]
    if jetson and jetson.l4t:
        found["l4t"] = jetson.l4t
        pack = jetson.jetpack
        if pack:
            told = {"jetpack": pack.version, "cuda of jetpack": pack.cuda, "tensorrt of jetpack": pack.tensorrt}
            found.update({name: number for name, number in told.items() if number})
    return found


def _debian(status: str) -> dict[str, str]:
    """From dpkg's list of packages: blocks of `Name: value` lines with a blank line between."""
    found = {}
    for block in status.split("\n\n"):
        name = re.match(r"Package: (\S+)", block)
        if name and _DEBIAN.fullmatch(name[1]) and "\nStatus: install ok installed" in block:
            number = re.search(r"^Version: (\S+)", block, re.MULTILINE)
            if number:
                found[f"debian {name[1]}"] = number[1]
    return found
