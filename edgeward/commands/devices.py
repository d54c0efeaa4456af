"""`edgeward devices`: which machines are known, and what of each."""

from __future__ import annotations

import textwrap

import click

from ..devices import DeviceProfile, ProfileError, device_names, device_profile
from ..devices.profile import FIGURES
from ..runtime.errors import RequestError
from .options import JSON_OPTION
from .terminal import print_json, print_table

_WIDTH = 100


@click.group(epilog="Example:  edgeward devices show raspberry-pi-5")
def command() -> None:
    """Show the machines that Edgeward knows; 'edgeward compress --for' fits a bundle to one of them."""


@command.command("list", epilog="Example:  edgeward devices list --json")
@JSON_OPTION
def list_devices(as_json: bool) -> None:
    """List the machines that have a profile."""
    profiles = [device_profile(name) for name in device_names()]
    if as_json:
        print_json({"devices": [profile.to_json() for profile in profiles]})
        return
    print_table(
        ["device", "name", "processor", "class", "GFLOPS a core", "int8 GOPS a core"],
        [
            [
                profile.id,
                profile.name,
                profile.cpu,
                profile.cpu_class,
                _number(profile.value("fp32_gflops_core")),
                _number(profile.value("int8_gops_core")),
            ]
            for profile in profiles
        ],
    )
    click.echo("\nNext:  edgeward devices show raspberry-pi-5")


@command.command(epilog="Example:  edgeward devices show n100")
@click.argument("device")
@JSON_OPTION
def show(device: str, as_json: bool) -> None:
    """Show what is known of DEVICE: a name of the list, or a TOML file of your own.

    Beside every figure stands whether it was measured, told by the vendor, derived or estimated, and where it was read.
    """
    profile = known_device(device)
    if as_json:
        print_json(profile.to_json())
        return
    click.echo(f"{profile.id}: {profile.name}\n{profile.cpu} ({profile.cpu_class})\n")
    numbers = {source.id: str(number) for number, source in enumerate(profile.sources, start=1)}
    print_table(
        ["figure", "value", "unit", "kind", "source", "note"],
        [
            [
                FIGURES[name][0],
                _number(figure.value),
                FIGURES[name][1],
                figure.kind,
                numbers[figure.source],
                figure.note,
            ]
            for name, figure in profile.figures.items()
        ],
    )
    if profile.power_modes:
        click.echo()
        print_table(
            ["power mode", "cores", "processor MHz", "GPU MHz", "source", ""],
            [
                [
                    mode.name,
                    str(mode.cores),
                    _number(mode.cpu_mhz),
                    _number(mode.gpu_mhz),
                    numbers[mode.source],
                    "default" if mode.default else "",
                ]
                for mode in profile.power_modes
            ],
        )
    click.echo()
    for source in profile.sources:
        click.echo(f"[{numbers[source.id]}] {source.title}, read {source.read}: {source.url}")
    for text in (profile.advice, *profile.notes):
        click.echo("\n" + textwrap.fill(text, _WIDTH))


def known_device(device: str) -> DeviceProfile:
    """The profile of a device as a user names it.

    Raises:
        RequestError: There is none, or its file makes no sense.
    """
    try:
        return device_profile(device)
    except ProfileError as error:
        raise RequestError(str(error)) from error


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"
