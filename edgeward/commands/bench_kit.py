"""`edgeward bench contribute`, `edgeward bench kit`: latencies of machines that others have at hand."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click

from ..devices import DeviceProfile
from ..devices.suggestion import suggestions
from ..kit import write_kit
from ..runtime.atomic import atomic_file, check_output
from ..runtime.bundle import open_bundle
from ..runtime.doctor import examine
from ..runtime.errors import GateError, RequestError
from .options import OVERWRITE_OPTION
from .terminal import announce, readable_bytes

_LOCAL = ("disk", "cache")
"""What a check of the machine tells of folders: nobody else's concern."""


@click.command(epilog="Example:  edgeward bench contribute ecg-beats.edgeward -o my-board.json")
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The report.  [default: edgeward-<name of the processor or board>.json]",
)
@click.option("--full", is_flag=True, help="All modes, about ten minutes, instead of about one.")
@click.option(
    "--max-time", "most_s", type=click.FloatRange(min=1), help="Seconds after which no further processes are started."
)
@OVERWRITE_OPTION
@click.pass_context
def contribute(
    context: click.Context,
    bundles: tuple[Path, ...],
    output: Path | None,
    full: bool,
    most_s: float | None,
    overwrite: bool,
) -> None:
    """Probe this machine, measure BUNDLE on it, and write one report that may be passed on.

    It holds the machine's profile, what 'doctor' finds, and the latencies, and no name of the machine, its user or its
    folders. 'bench compare' and 'bench report' read it. Wrong outputs are reported too: that is worth as much.
    """
    from ..benchmarks.latency.device_draft import draft_profile

    for path in bundles:
        open_bundle(path)
    if output:
        check_output(output, overwrite=overwrite)
    announce("Probing this machine, about ten seconds ...")
    profile = draft_profile()
    announce("")
    output = output or Path(f"edgeward-{profile.id}.json")
    check_output(output, overwrite=overwrite)
    report, wrong = _measured(context, bundles, quick=not full, most_s=most_s)
    report["doctor"] = [one.to_json() for one in examine().findings if one.about not in _LOCAL]
    report["device"] = {**profile.to_json(), "suggestions": [one.to_json() for one in suggestions(profile)]}
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_file(output) as file:
        file.write(_without_home(text, str(Path.home())).encode())
    _say_what_next(output, profile)
    if wrong:
        raise wrong


def _measured(
    context: click.Context, bundles: tuple[Path, ...], *, quick: bool, most_s: float | None
) -> tuple[dict[str, Any], GateError | None]:
    """The report of `edgeward bench run`, and what it found wrong."""
    assert context.parent is not None  # noqa: S101 - a command of a group has one
    group = context.parent.command
    assert isinstance(group, click.Group)  # noqa: S101 - see above
    wrong = None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        try:
            context.invoke(group.commands["run"], bundles=bundles, quick=quick, most_s=most_s, output=file)
        except GateError as error:  # the report was written before
            wrong = error
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report, wrong


def _without_home(text: str, home: str) -> str:
    """An engine's complaint may name a file, and a file's path may name a user."""
    escaped = json.dumps(home, ensure_ascii=False)[1:-1]
    return text.replace(escaped, "~") if len(home) > 1 else text


def _say_what_next(output: Path, profile: DeviceProfile) -> None:
    click.echo(
        f"\nWritten to {output}, as a report of {profile.name}. It names neither this machine nor you: look into it."
    )
    click.echo(
        "To contribute it, attach it to an issue of the project, with the board's exact name and how it is cooled."
    )


@click.command(epilog="Example:  edgeward bench kit ecg-beats.edgeward -o kit.pyz")
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The kit, one file (.pyz).")
@OVERWRITE_OPTION
def kit(bundles: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Pack BUNDLE and all that measures it into one file, for a Jetson or a Raspberry Pi without Edgeward.

    There: python3 kit.pyz. It needs Python 3.10 or newer, numpy, onnxruntime and click, and says how to install what
    is missing; it does what 'bench contribute' does, and takes its options.
    """
    check_output(output, overwrite=overwrite)
    opened = [open_bundle(path) for path in bundles]
    twice = [name for name, count in Counter(bundle.path.name for bundle in opened).items() if count > 1]
    if twice:
        raise RequestError(f"two bundles are called {twice[0]}; rename one, or make two kits")
    with atomic_file(output) as file:
        write_kit(file, opened)
    click.echo(
        f"{output}, {readable_bytes(output.stat().st_size)}. Copy it to the machine, and there:  python3 {output.name}"
    )
