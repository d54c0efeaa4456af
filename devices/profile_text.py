"""Write a profile as the TOML that `profile` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from .profile import SCHEMA, DeviceProfile
from .toml import toml_value

_FACTS = ("id", "name", "form", "cpu", "cpu_class", "vector_bits", "advice")


def profile_text(profile: DeviceProfile) -> str:
    """The profile as TOML; reading it gives the same profile.

    A figure that has a note stands in a line of its own, as everything else does.
    """
    return "\n".join(_lines(profile)) + "\n"


def _lines(profile: DeviceProfile) -> Iterator[str]:
    yield f"schema = {SCHEMA}"
    for name in _FACTS:
        yield f"{name} = {toml_value(getattr(profile, name))}"
    for name, texts in (("notes", profile.notes), ("features", profile.features)):
        if texts:
            yield f"{name} = {toml_value(texts)}"
    yield from ("", "[figures]")
    for name, figure in profile.figures.items():
        yield f"{name} = {_inline(_told(asdict(figure)))}"
    for name, table in (("software", profile.software), ("probed_under", profile.probed_under)):
        if table:
            yield from ("", f"[{name}]", *(f"{toml_value(key)} = {toml_value(value)}" for key, value in table.items()))
    if profile.emulate:
        yield from (
            "",
            "[emulate]",
            *(f"{key} = {toml_value(value)}" for key, value in _told(asdict(profile.emulate)).items()),
        )
    for name, rows in (
        ("capability", profile.capabilities),
        ("power_mode", profile.power_modes),
        ("source", profile.sources),
    ):
        for row in rows:
            yield from ("", f"[[{name}]]")
            yield from (f"{key} = {toml_value(value)}" for key, value in _told(asdict(row)).items())


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is absent: readers take it as such."""
    return {name: value for name, value in values.items() if value not in (None, "", False)}


def _inline(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {toml_value(value)}" for name, value in values.items()) + " }"
