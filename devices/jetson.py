"""Which Jetson this is, and which of NVIDIA's releases runs on it, from files it has. Nothing of NVIDIA is imported.

Releases are known by their exact number only: one that is not in the table stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .files import text_of


@dataclass(frozen=True)
class JetPack:
    """What NVIDIA ships together; None: not known to us."""

    version: str
    cuda: str | None = None
    tensorrt: str | None = None


# From jetson_stats' table of releases, the README of Shattered217/Jetson-Orin-Wheels, and NVIDIA/IsaacTeleop#1050.
JETPACKS = {
    "32.6.1": JetPack("4.6"),
    "32.7.1": JetPack("4.6.1"),
    "32.7.2": JetPack("4.6.2", "10.2", "8.2.1"),
    "32.7.3": JetPack("4.6.3"),
    "32.7.6": JetPack("4.6.6"),
    "35.1.0": JetPack("5.0.2"),
    "35.2.1": JetPack("5.1", None, "8.5"),
    "36.4.3": JetPack("6.2", "12.6", "10.3.0"),
    "36.4.4": JetPack("6.2.1", "12.6", "10.3.0"),
    "36.4.7": JetPack("6.2.1", "12.6", "10.3.0"),
    "36.5.0": JetPack("6.2.2", "12.6", "10.3.0"),
    "38.4.0": JetPack("7.1", "13.0", "10.13.3"),
    "39.2.0": JetPack("7.2", "13.2", "10.16.2"),
}
"""By the release of L4T, NVIDIA's Linux for these boards."""

_RELEASE = re.compile(r"#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)")
_MODULE = re.compile(r"\b(p\d{4}-\d{4})\b")
_MODULES = ("p2888", "p3448", "p3668", "p3701", "p3767", "p3834")
"""Of AGX Xavier, Nano, Xavier NX, AGX Orin, Orin Nano and NX, Thor; other numbers are those of carrier boards."""


@dataclass(frozen=True)
class Jetson:
    """One board; None where its files do not tell."""

    model: str
    module: str | None
    """E.g. `p3767-0003`."""
    l4t: str | None
    """E.g. `36.4.3`."""
    jetpack: JetPack | None
    """None: L4T tells none, or one that is not in the table."""


def read_jetson(root: Path) -> Jetson | None:
    """The board whose files lie below `root`; None if it is no Jetson."""
    compatible = text_of(root / "proc/device-tree/compatible").replace("\0", " ")
    release = text_of(root / "etc/nv_tegra_release")
    if "nvidia,tegra" not in compatible and not release:
        return None
    modules = [name for name in _MODULE.findall(compatible) if name.startswith(_MODULES)]
    found = _RELEASE.search(release)
    l4t = _full_number(f"{found[1]}.{found[2]}") if found else None
    return Jetson(
        model=text_of(root / "proc/device-tree/model"),
        module=modules[0] if modules else None,
        l4t=l4t,
        jetpack=JETPACKS.get(l4t or ""),
    )


def _full_number(release: str) -> str:
    """`36.5` is written for `36.5.0`."""
    return release if release.count(".") >= 2 else f"{release}.0"
