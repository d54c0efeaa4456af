"""Options that several commands share."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

BUNDLE_ARGUMENT: Decorator = click.argument("bundle", type=click.Path(path_type=Path))
SEED_OPTION: Decorator = click.option(
    "--seed", type=int, help="Same seed, same result. Without it one is drawn and reported."
)
JSON_OPTION: Decorator = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
OVERWRITE_OPTION: Decorator = click.option("--overwrite", is_flag=True, help="Replace what is there.")
DATA_HELP = "'simulated' for the embedded ECG simulator, or the folder of the MIT-BIH Arrhythmia Database (WFDB files)."


def drawn_seed(seed: int | None) -> int:
    """The seed asked for, or a new one; the caller reports it."""
    return secrets.randbits(32) if seed is None else seed
