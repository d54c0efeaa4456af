"""`edgeward devices`: which machines are known, what of each, and what this one is."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import click

from ..devices import DeviceProfile, ProfileError, device_names, device_profile
from ..devices.profile import FIGURES
from ..devices.profile_text import profile_text
from ..devices.suggestion import BASIS, suggestions
from ..runtime.atomic import atomic_file, check_output
from ..runtime.bundle import open_bundle
from ..runtime.errors import RequestError
from .options import JSON_OPTION, OVERWRITE_OPTION
from .server_side import server_side
from .terminal import Progress, announce, print_json, print_table

_WIDTH = 100


@click.group(epilog="Example:  edgeward devices show raspberry-pi-5")
def command() -> None:
    """Show the machines that Edgeward knows, or probe this one; 'compress --for' fits a bundle to one of them."""


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


@command.command(epilog="Example:  edgeward devices show n100 --bundle ecg-beats.edgeward")
@click.argument("device")
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    help="Also tell by a model how long this bundle takes there (needs onnx).",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    help="File to keep the model's calibration in, so that later predictions agree with this one.",
)
@JSON_OPTION
def show(device: str, bundle: Path | None, calibration: Path | None, as_json: bool) -> None:
    """Show what is known of DEVICE: a name of the list, or a TOML file of your own.

    Beside every figure stands whether it was measured, told by the vendor, derived or estimated, and where it was read.
    Which engine, precision and threads suit it is a judgement until it is measured.
    """
    profile = known_device(device)
    predicted = _predicted(profile, bundle, calibration) if bundle else None
    if as_json:
        suited = [one.to_json() for one in suggestions(profile)]
        print_json({**profile.to_json(), "suggestions": suited, "predicted": predicted})
        return
    _print_profile(profile)
    if predicted:
        _print_predicted(predicted)


@server_side
def _predicted(profile: DeviceProfile, path: Path, calibration: Path | None) -> dict[str, Any]:
    """How long each variant of a bundle takes on the device, by the model of latency."""
    from ..benchmarks.latency.calibration import CARRIED_OVER_FACTOR, calibrate, core_speed, kept_calibration
    from ..benchmarks.latency.prediction import predict_bundle

    bundle = open_bundle(path)
    if core_speed(profile) is None:
        raise RequestError(
            f"the profile of {profile.id} does not tell how fast a core computes (fp32_gflops_core), so no latency can "
            "be told; measure it there with: edgeward devices probe -o mine.toml"
        )
    progress = Progress("Calibrating the model", vanish=True)
    model = kept_calibration(calibration, on_progress=progress) if calibration else calibrate(on_progress=progress)
    return {
        "bundle": bundle.manifest.name,
        "bundle_sha256": bundle.digest,
        "method": f"{model.describe()}; carried over to {profile.id} by the ratios of its figures, for which a "
        f"factor of {CARRIED_OVER_FACTOR:g} is assumed on top; one record a call, one thread of onnxruntime, no noise",
        "variants": [
            {"variant": variant.name, "ms": told.ms, "low_ms": told.low_ms, "high_ms": told.high_ms}
            for variant, told in predict_bundle(bundle, model, profile)
        ],
    }


def _print_predicted(predicted: dict[str, Any]) -> None:
    click.echo(f"\n{predicted['bundle']}: milliseconds a record, by a model; not measured there")
    print_table(
        ["variant", "ms", "80 of 100 lie from", "to"],
        [
            [one["variant"], *(f"{one[name]:.3g}" for name in ("ms", "low_ms", "high_ms"))]
            for one in predicted["variants"]
        ],
    )
    click.echo(textwrap.fill(predicted["method"], _WIDTH))


def _print_profile(profile: DeviceProfile) -> None:
    """Figures, what suits the machine, and what else is known of it."""
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
    _print_modes(profile, numbers)
    _print_probed(profile)
    click.echo()
    for source in profile.sources:
        click.echo(f"[{numbers[source.id]}] {source.title}, read {source.read}: {source.url}")
    for text in (profile.advice, *profile.notes):
        click.echo("\n" + textwrap.fill(text, _WIDTH))
    _print_suggestions(profile)


def _print_modes(profile: DeviceProfile, numbers: dict[str, str]) -> None:
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


def _print_probed(profile: DeviceProfile) -> None:
    """What only a machine at hand tells of itself."""
    if profile.capabilities:
        click.echo()
        print_table(
            ["it tells", "", "how, or why not"],
            [[one.name, one.status, one.method or one.reason] for one in profile.capabilities],
        )
    for title, table in (("Probed under", profile.probed_under), ("Installed", profile.software)):
        if table:
            click.echo(f"\n{title}: " + ", ".join(f"{name} {value}" for name, value in table.items()))
    if profile.features:
        click.echo(f"\nInstruction sets: {', '.join(profile.features)}")


def _print_suggestions(profile: DeviceProfile) -> None:
    click.echo(f"\nWhat suits it ({BASIS})")
    suited = suggestions(profile)
    print_table(
        ["nets", "engine", "precision", "threads"],
        [
            [
                one.nets,
                " or ".join(one.engines),
                " or ".join(one.precisions),
                "" if one.threads is None else str(one.threads),
            ]
            for one in suited
        ],
    )
    for one in suited:
        click.echo(textwrap.fill(f"{one.nets}: {one.reason}", _WIDTH))


@command.command(epilog="Example:  edgeward devices probe -o mine.toml")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the profile to this file (.toml).")
@OVERWRITE_OPTION
@JSON_OPTION
def probe(output: Path | None, overwrite: bool, as_json: bool) -> None:
    """Draft a profile of this machine: what it is, how fast it computes, which of its sensors to believe.

    Takes about ten seconds of work on all cores. 'devices show' and 'compress --for' take the file. It names neither
    the machine nor its user: you may pass it on.
    """
    from ..benchmarks.latency.device_draft import draft_profile

    if output:
        if output.suffix != ".toml":
            raise RequestError(f"{output} must end in .toml: by that a profile is told from the name of a device")
        check_output(output, overwrite=overwrite)
    announce("Probing this machine, about ten seconds ...")
    profile = draft_profile()
    announce("")
    if output:
        with atomic_file(output) as file:
            file.write(profile_text(profile).encode())
    if as_json:
        print_json({**profile.to_json(), "suggestions": [one.to_json() for one in suggestions(profile)]})
        return
    _print_profile(profile)
    if output:
        click.echo(f"\nWritten to {output}. Next:  edgeward compress TEACHER --for {output}")
    else:
        click.echo("\nTo keep it:  edgeward devices probe -o mine.toml")


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
