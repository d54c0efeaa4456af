"""`edgeward bundle`: look into bundles, verify, sign, move and install them. Each sub-command has a file."""

from __future__ import annotations

import importlib

import click

from ..lazy_group import LazyGroup

_COMMANDS = {
    "inspect": "Show what a bundle makes, where it comes from and who signed it.",
    "verify": "Check every file and the signature, and the golden samples on this machine.",
    "install": "Check a bundle here, and install it for this user.",
    "list": "Show the installed bundles.",
    "remove": "Take an installed bundle out.",
    "pack": "Write a bundle folder as one file.",
    "unpack": "Write a bundle of one file as a folder.",
    "migrate": "Write a bundle of an older format in this version's.",
    "keygen": "Make a key to sign with.",
    "sign": "Sign a bundle.",
    "trust": "Say whose signatures you trust.",
}

_MODULES = {
    **dict.fromkeys(("install", "list", "remove"), "bundle_store"),
    **dict.fromkeys(("pack", "unpack", "migrate"), "bundle_forms"),
    **dict.fromkeys(("keygen", "sign"), "bundle_sign"),
    **{"inspect": "bundle_inspect", "verify": "bundle_verify", "trust": "bundle_trust"},
}


def _imported(name: str) -> click.Command:
    module = importlib.import_module(f".{_MODULES[name]}", __package__)
    commands: dict[str, click.Command] = module.COMMANDS
    return commands[name]


@click.group(
    cls=LazyGroup,
    lines=_COMMANDS,
    imported=_imported,
    epilog="Example:  edgeward bundle verify ecg-beats.edgeward",
)
def command() -> None:
    """Look into bundles, verify, sign, move and install them.

    A BUNDLE is a folder, one file, or the name of an installed one.
    """
