"""The `edgeward` command. Each sub-command is imported when it is run, so that `--help` is quick."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

import click

from .lazy_group import LazyGroup
from .runtime.errors import EdgewardError, OutputError

_COMMANDS = {
    "demo": "The whole chain in about three minutes, ending in a page to look at.",
    "data": "Describe your own data, so that they can be trained on.",
    "train": "Train a full generator (server side).",
    "import": "Make a teacher of your own PyTorch generator (server side).",
    "compress": "Turn a trained generator into a small bundle (server side).",
    "generate": "Make synthetic data with a bundle.",
    "bench": "Measure how long a bundle takes on this machine.",
    "evaluate": "Judge a generator's data against real data.",
    "compare": "Show several judgements side by side.",
    "devices": "Show the machines that Edgeward knows.",
    "doctor": "Check this machine, and a bundle on it.",
    "bundle": "Look into bundles, verify, sign and install them.",
}

_MODULES = {"import": "import_model"}
"""Of the commands whose name cannot be a module's."""


def _imported(name: str) -> click.Command:
    module = importlib.import_module(f".commands.{_MODULES.get(name, name)}", __package__)
    command: click.Command = module.command
    return command


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from .runtime.provenance import edgeward_version

        click.echo(f"edgeward {edgeward_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    lines=_COMMANDS,
    imported=_imported,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def cli() -> None:
    """Compressed generators of synthetic medical data, on the device.

    Everything Edgeward makes is synthetic: not from a patient, not for clinical use.

    \b
    Start here:   edgeward demo
    Exit codes:   0 done, 2 wrong request, 3 data, 4 bundle, 5 engine,
                  6 output, 7 not good enough, 8 training, 130 interrupted
    """  # noqa: D301 - click wants the character, not the two that a raw text has


def main() -> None:
    """Entry point: runs the command line, and turns our errors into one line and an exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        cli.main(standalone_mode=False)
    except EdgewardError as error:
        from .commands.terminal import plain

        for line in f"edgeward: {error}".split("\n"):  # engines say more than one
            click.echo(plain(line), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read our output has had enough, as `head` does
        sys.stdout = None
        sys.exit(0)
    except OSError as error:  # a name the system cannot look up, a folder it does not let us into
        name = f"{str(error.filename)[:200]}: " if error.filename else ""
        click.echo(f"edgeward: {name}{error.strerror or error}", err=True)
        sys.exit(OutputError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nedgeward: interrupted; nothing half-written was left behind", err=True)
        sys.exit(130)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)


def _stop(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
