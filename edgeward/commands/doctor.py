"""`edgeward doctor`: is this machine, and a bundle on it, in order?"""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from ..runtime.doctor import examine
from ..runtime.errors import GateError
from ..runtime.finding import Finding
from .choice_table import print_choice
from .options import JSON_OPTION
from .terminal import announce, plain, print_json

_GROUPS = {"machine": "This machine", "engines": "Engines", "bundle": "Bundle"}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_WIDTH = 110


@click.command(epilog="Example:  edgeward doctor ecg-beats.edgeward")
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@JSON_OPTION
def command(bundle: Path | None, as_json: bool) -> None:
    """Check this machine and its engines, and BUNDLE on them, and say what to do.

    With BUNDLE, every file is checked, every variant must give its golden samples on every engine, and what
    'auto' takes is measured again and remembered. Ends with exit code 0, or 7 if there is a problem.
    """
    announce("Checking ...")
    found = examine(bundle)
    announce("")
    if as_json:
        print_json(
            {
                "ok": not found.problems,
                "findings": [finding.to_json() for finding in found.findings],
                "choice": found.choice.to_json() if found.choice else None,
            }
        )
    else:
        _print(found.findings)
        if found.choice:
            click.echo("\nWhat auto takes")
            print_choice(found.choice)
    warnings = sum(finding.status == "warning" for finding in found.findings)
    if found.problems:
        problems = len(found.problems)
        raise GateError(f"{problems} problem{'s' * (problems > 1)} found; what to do is told above")
    if not as_json:
        click.echo(f"\nNo problem found{f', {warnings} warning' + 's' * (warnings > 1) if warnings else ''}.")


def _print(findings: tuple[Finding, ...]) -> None:
    wide = max(len(finding.about) for finding in findings)
    for group, title in _GROUPS.items():
        members = [finding for finding in findings if finding.group == group]
        if members:
            click.echo(("" if group == "machine" else "\n") + click.style(title, bold=True))
        for finding in members:
            _print_one(finding, wide)


def _print_one(finding: Finding, wide: int) -> None:
    """The status, what it is about, and what is told, in lines that stay in their column."""
    indent = " " * (2 + 7 + 2 + wide + 2)
    width = _WIDTH - len(indent)
    told = textwrap.wrap(plain(finding.told), width, break_long_words=False, break_on_hyphens=False) or [""]
    status = click.style(f"{finding.status:<7}", fg=_COLOURS[finding.status], bold=finding.status != "ok")
    click.echo(f"  {status}  {finding.about:<{wide}}  {told[0]}".rstrip())
    for line in told[1:]:
        click.echo(indent + line)
    if finding.advice:
        click.echo(indent + click.style(f"-> {finding.advice}", fg="cyan"))
