"""Why this engine and this variant: the table of `edgeward generate --why` and `edgeward doctor`."""

from __future__ import annotations

import shutil
import textwrap

import click

from ..runtime.choice import Choice, Trial
from .terminal import plain, print_table


def print_choice(choice: Choice) -> None:
    """What was compared on this machine, with what was taken first in words."""
    click.echo(f"{choice.backend} runs {choice.variant.name}, {_how(choice)}")
    for note in choice.notes:
        _print_wrapped(f"  {note}")
    if choice.trials:
        click.echo("")
        print_table(
            ["engine", "variant", "error", "allowed", "µs/sample", ""],
            [_row(choice, trial) for trial in choice.trials],
        )
    for engine, reason in (choice.absent or {}).items():
        _print_wrapped(f"{engine} was left out: {reason}")
    for golden in (trial.golden for trial in choice.trials if trial.golden.refusal):
        _print_wrapped(f"{golden.backend} refused {golden.variant}: {golden.refusal}")


def _print_wrapped(text: str) -> None:
    """In lines no wider than the terminal: what engines say is long, and would tear a table apart."""
    width = shutil.get_terminal_size().columns
    click.echo(textwrap.fill(plain(text), width, subsequent_indent="  ", break_on_hyphens=False))


def _how(choice: Choice) -> str:
    named = " and ".join(f"--{name} {value}" for name, value in choice.asked.items() if value != "auto")
    if choice.how == "asked for":
        return f"as asked for by {named}; nothing was compared"
    within = f", within {named}" if named else ""
    return f"{choice.how} on this machine at {choice.measured_at}{within}"


def _row(choice: Choice, trial: Trial) -> list[str]:
    golden = trial.golden
    return [
        golden.backend,
        golden.variant,
        "-" if golden.refusal else f"{golden.error:.1e}",
        f"{golden.tolerance:.1e}",
        "-" if trial.us is None else f"{trial.us:,.0f}",
        _verdict(choice, trial),
    ]


def _verdict(choice: Choice, trial: Trial) -> str:
    golden = trial.golden
    if (golden.backend, golden.variant) == (choice.backend, choice.variant.name):
        return "taken" if trial.us is not None else "taken, only right one"
    if golden.refusal:
        return "refused"
    if not golden.passed:
        return "WRONG on this machine"
    taken = next(
        t for t in choice.trials if (t.golden.backend, t.golden.variant) == (choice.backend, choice.variant.name)
    )
    if trial.us is None or taken.us is None:
        return "right"
    ratio = trial.us / taken.us
    return f"right, {ratio:.3g}x the time" if ratio > 1 else "right, hardly faster"
