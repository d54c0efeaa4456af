"""Options that several commands share."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..runtime.errors import RequestError

MAX_SEED = 2**63 - 1
"""Of the server-side commands: half of what noise can take, as the steps of compression count on from the seed."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

BUNDLE_ARGUMENT: Decorator = click.argument("bundle", type=click.Path(path_type=Path))


def _check_seed(_: click.Context, __: click.Parameter, seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise RequestError(f"seed must be from 0 to {MAX_SEED}, not {seed}")
    return seed


SEED_OPTION: Decorator = click.option(
    "--seed",
    type=int,
    callback=_check_seed,
    help="Same seed, same result. Without it one is drawn and reported.",
)
REQUIRE_SIGNATURE_OPTION: Decorator = click.option(
    "--require-signature", is_flag=True, help="Refuse a bundle that nobody on your trust list has signed."
)
JSON_OPTION: Decorator = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
OVERWRITE_OPTION: Decorator = click.option("--overwrite", is_flag=True, help="Replace what is there.")
DATA_HELP = "'simulated' for the embedded simulator, or where the data lie, as their publisher lays them out."


def drawn_seed(seed: int | None) -> int:
    """The seed asked for, or a new one; the caller reports it."""
    return secrets.randbits(32) if seed is None else seed
