"""Training recipes: a TOML file a person can read in a minute, checked as it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from ..devices.toml import tomllib
from ..runtime.errors import TrainingError

IMPORTED = "imported"
"""Family of a model that was trained elsewhere, and name of its table."""

Size = Literal["cpu", "gpu"]


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that decides how a teacher is trained, but the data and the seed."""

    name: str
    data: str
    """Kind of data it is for, one of `training.datasets.KINDS`."""
    family: str
    steps: int
    batch_size: int
    learning_rate: float
    """Peak of the one-cycle schedule."""
    weight_decay: float
    ema_decay: float
    """Of the exponential moving average of the weights, which is what ships."""
    class_balance: float
    """0: classes are drawn as often as they occur. 1: all equally often."""
    evaluations: int
    """How often the averaged model is judged on validation data; the best is what is kept. 0: the last one is kept."""
    options: Mapping[str, Any]
    """The family's own table, e.g. `[vae]`."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `training_recipe_from_mapping` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "options"}
        return {**plain, self.family: dict(self.options)}


def read_toml(source: str | Path, package: str) -> Mapping[str, Any]:
    """Read a recipe by its name (shipped in `package`) or by its path.

    Raises:
        TrainingError: There is no such recipe, or it is not valid TOML.
    """
    shipped = resources.files(package).joinpath("recipes")
    path = shipped.joinpath(f"{source}.toml")
    file = path if path.is_file() else Path(source)
    try:
        content = file.read_bytes()
    except OSError as error:
        names = ", ".join(sorted(f.name.removesuffix(".toml") for f in shipped.iterdir() if f.name.endswith(".toml")))
        raise TrainingError(f"there is no recipe {str(source)!r}; give a TOML file, or one of: {names}") from error
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"recipe {source} is not valid TOML: {error}") from error


def load_training_recipe(source: str | Path, size: Size = "cpu") -> TrainingRecipe:
    """Read a training recipe by its name or path.

    Args:
        source: Name of a shipped one, or a TOML file.
        size: `cpu`: as it stands. `gpu`: with what its `[gpu]` table says in place of that, and `-gpu` after its name.

    Raises:
        TrainingError: It does not exist or makes no sense; the message names the field.
    """
    values = dict(read_toml(source, __package__))
    larger = values.pop("gpu", None)
    if size == "gpu":
        if not isinstance(larger, dict):
            raise TrainingError(f"recipe {source} has no gpu size: a table [gpu] with what is larger than on a CPU")
        values = {**_with(values, larger), "name": f"{values.get('name')}-gpu"}
    return training_recipe_from_mapping(values, str(source))


def _with(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values with changes, table by table."""
    inner = {
        name: _with(values[name], new)
        for name, new in changes.items()
        if isinstance(new, dict) and isinstance(values.get(name), dict)
    }
    return {**values, **changes, **inner}


def training_recipe_from_mapping(values: Mapping[str, Any], where: str) -> TrainingRecipe:
    """Check the values of a recipe.

    Raises:
        TrainingError: A field is missing, unknown, or makes no sense.
    """
    family = values.get("family")
    wanted = {f.name for f in fields(TrainingRecipe)} - {"options"} | {str(family)}
    if set(values) != wanted:
        missing, unknown = sorted(wanted - set(values)), sorted(set(values) - wanted)
        raise TrainingError(f"recipe {where}: missing {missing or 'nothing'}, not known {unknown or 'nothing'}")
    recipe = TrainingRecipe(
        **{name: value for name, value in values.items() if name != family}, options=values[str(family)]
    )
    # A model trained elsewhere has no steps, and no rate, that are known here: they are 0.
    fewest = 0 if family == IMPORTED else 1
    for ok, field in (
        (isinstance(recipe.name, str), "name must be a text"),
        (isinstance(recipe.data, str), "data must be the name of a kind of data"),
        (is_number(int, recipe.steps) and recipe.steps >= fewest, "steps must be a whole number, 1 or more"),
        (
            is_number(int, recipe.batch_size) and recipe.batch_size >= 2 * fewest,
            "batch_size must be a whole number, 2 or more",
        ),
        (
            is_number(float, recipe.learning_rate) and (0 < recipe.learning_rate < 1 or not fewest),
            "learning_rate must be above 0, below 1",
        ),
        (
            is_number(float, recipe.weight_decay) and 0 <= recipe.weight_decay < math.inf,
            "weight_decay must be 0 or more",
        ),
        (is_number(float, recipe.ema_decay) and 0 <= recipe.ema_decay < 1, "ema_decay must be from 0 to below 1"),
        (
            is_number(float, recipe.class_balance) and 0 <= recipe.class_balance <= 1,
            "class_balance must be from 0 to 1",
        ),
        (is_number(int, recipe.evaluations) and recipe.evaluations >= 0, "evaluations must be 0 or more"),
        (isinstance(recipe.options, dict), f"[{family}] must be a table"),
    ):
        if not ok:
            raise TrainingError(f"recipe {where}: {field}")
    return recipe


def is_number(kind: type, value: object) -> bool:
    """Whether a TOML value is a number of this kind: a whole one will do as a float, a truth value as neither."""
    return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
