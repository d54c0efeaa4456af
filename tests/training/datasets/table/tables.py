"""Tables and finished descriptions for the tests of this folder."""

import dataclasses
from pathlib import Path

from edgeward.training.datasets.table.description import TableDescription
from edgeward.training.datasets.table.description_writer import write_description


def finished(description: TableDescription) -> TableDescription:
    """What a person would have written where something is to be filled in."""
    return dataclasses.replace(description, description="Patients.", licence="CC0-1.0", attribution="Nobody.")


def put(folder: Path, description: TableDescription, name: str = "t.toml") -> Path:
    """The description as a file."""
    path = folder / name
    path.write_text(write_description(description), encoding="utf-8")
    return path
