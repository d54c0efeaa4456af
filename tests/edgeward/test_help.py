"""Help shows an example that the command takes, and a mistyped command line is told what is wrong with it."""

import shlex
import subprocess
from collections.abc import Callable, Iterator

import click
import pytest

from edgeward.cli import cli

Run = Callable[..., subprocess.CompletedProcess[str]]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("path", list(COMMANDS), ids=" ".join)
def test_every_commands_help_shows_an_example_that_it_takes(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    text = command.get_help(click.Context(command, info_name=" ".join(path), terminal_width=500))
    _, found, example = text.rpartition("Example:  edgeward ")
    assert found
    words = shlex.split(example.partition("&&")[0])
    assert tuple(words[: len(path)]) == path
    context: click.Context = click.Context(cli)
    command = cli
    while isinstance(command, click.Group):
        inner = command.get_command(context, words[0])
        assert inner is not None
        command, words = inner, words[1:]
    command.make_context("example", words)  # raises where an option or argument is not known


@pytest.mark.parametrize("path", list(COMMANDS), ids=" ".join)
def test_every_command_and_option_is_explained(path: tuple[str, ...]) -> None:
    assert COMMANDS[path].help
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_first_help_lists_every_command_and_the_exit_codes(run_edgeward: Run) -> None:
    result = run_edgeward("--help")
    assert result.returncode == 0
    for (name, *rest), _ in COMMANDS.items():
        assert rest or f"  {name} " in result.stdout
    assert "Exit codes:   0 done, 2 wrong request" in result.stdout  # on a line of its own
    assert "synthetic" in result.stdout


def test_the_version_is_told(run_edgeward: Run) -> None:
    result = run_edgeward("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("edgeward ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["genrate"], "No such command 'genrate'"),
        (["generate", "--sede", "1"], "No such option"),
        (["bundle", "singn"], "No such command 'singn'"),
        (["bundle", "verify"], "Missing argument 'BUNDLE'"),
    ],
)
def test_a_mistyped_command_line_is_told_what_is_wrong(run_edgeward: Run, arguments: list[str], told: str) -> None:
    result = run_edgeward(*arguments)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
