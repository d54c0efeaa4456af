"""Read the description of a foreign model from TOML, and refuse what makes no sense."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ...devices.toml import tomllib
from ...runtime.errors import BundleError, DataError
from ...runtime.json_fields import Fields
from ...runtime.schema import ClassCondition, Schema, schema_from_json
from ..datasets import KINDS
from ..datasets.dataset import Provenance
from .description import (
    CONDITION,
    DISTRIBUTIONS,
    FORMS,
    LAYOUTS,
    NOISE,
    ForeignInput,
    ForeignModel,
    ForeignOutput,
)

UNKNOWN_KIND = "imported"
"""Kind of the data that a model learnt from, where it is none that Edgeward can read."""
_MAX_BYTES = 2**22
_MAX_SIDE = 2**24
_SCHEMA_FIELDS = {
    "signal": ("channels", "sampling_rate_hz", "length"),
    "image": ("channels", "height", "width"),
    "table": ("columns",),
}


def read_foreign_model(path: Path) -> ForeignModel:
    """Read a description.

    Raises:
        DataError: It is absent, no valid TOML, or a field is missing, unknown, or makes no sense.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path} is larger than {_MAX_BYTES} bytes: it is no description of a model")
        content = path.read_bytes()
        values = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; --schema names a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not valid TOML: {error}") from error
    try:
        return _model(Fields(values, path.name), values, hashlib.sha256(content).hexdigest())
    except BundleError as error:
        raise DataError(str(error).replace("a JSON object", "a table")) from None


def _model(fields: Fields, values: dict[str, Any], digest: str) -> ForeignModel:
    where = fields.where
    kind = fields.text("kind")
    if kind not in _SCHEMA_FIELDS:
        raise BundleError(f"{where}: kind must be one of {', '.join(_SCHEMA_FIELDS)}, not {kind!r}")
    plain: dict[str, Any] = {"kind": kind, "name": fields.text("name"), "description": fields.text("description")}
    plain |= {name: fields.anything(name) for name in _SCHEMA_FIELDS[kind]}
    conditions = fields.anything("conditions") if "conditions" in values else []
    plain |= {"rules": fields.anything("rules")} if "rules" in values else {}
    schema = schema_from_json(_completed(plain, conditions), where)
    provenance = _provenance(fields, digest)
    inputs = tuple(_input(name, each, schema) for name, each in fields.named("inputs").items())
    output = _output(fields.fields("output"), schema) if "output" in values else ForeignOutput()
    fields.end()
    if not any(each.source == NOISE for each in inputs):
        raise BundleError(f'{where}: no input is fed with noise; one must be, e.g. inputs.z = {{from = "noise"}}')
    return ForeignModel(schema, provenance, inputs, output)


def _completed(plain: dict[str, Any], conditions: object) -> dict[str, Any]:
    """With what a person may leave out: the step of a number column, the meaning of a class called by it."""
    if isinstance(plain.get("columns"), list):
        plain["columns"] = [
            {"step": 0, **column} if isinstance(column, dict) and column.get("kind") == "number" else column
            for column in plain["columns"]
        ]
    return {**plain, "conditions": [_meant(c) for c in conditions] if isinstance(conditions, list) else conditions}


def _meant(condition: object) -> object:
    if not isinstance(condition, dict) or condition.get("kind") != "class":
        return condition
    meanings, values = condition.get("meanings", {}), condition.get("values")
    if not isinstance(meanings, dict) or not isinstance(values, list):
        return condition
    unknown = [name for name in meanings if name not in values]
    if unknown:
        raise BundleError(
            f"meanings speaks of {unknown[0]!r}, which is none of the values of {condition.get('name')!r}"
        )
    return {**condition, "meanings": [meanings.get(value, value) for value in values]}


def _provenance(fields: Fields, digest: str) -> Provenance:
    names = fields.names()
    kind = fields.text("data") if "data" in names else UNKNOWN_KIND
    if kind not in (*KINDS, UNKNOWN_KIND):
        raise BundleError(f"{fields.where}: data must be a kind that `edgeward evaluate` reads: {', '.join(KINDS)}")
    said = {name: fields.text(name) for name in ("source", "licence", "attribution")}
    for name, text in said.items():
        if not text.strip():
            raise BundleError(f"{fields.where}: {name} is empty; write what is true of the data the model learnt from")
    notes = fields.texts("notes") if "notes" in names else ()
    return Provenance(
        kind=kind,
        **said,
        synthetic=fields.flag("simulated"),
        digest=digest,
        notes=("Imported: what is said of the training data is its user's statement, not checked.", *notes),
    )


def _input(name: str, fields: Fields, schema: Schema) -> ForeignInput:
    names, where = fields.names(), fields.where
    if ("constant" in names) == ("from" in names):
        raise BundleError(f"{where}: an input needs either from or constant")
    if "constant" in names:
        value = fields.anything("constant")
        plain = Fields({"constant": value if isinstance(value, list) else [value]}, where).numbers("constant")
        fields.end()
        return ForeignInput(name, None, constant=plain if isinstance(value, list) else plain[0])
    source = fields.text("from")
    conditions = {condition.name: condition for condition in schema.conditions}
    if source not in (NOISE, CONDITION, *conditions):
        known = ", ".join([NOISE, CONDITION, *conditions])
        raise BundleError(f"{where}: from = {source!r} is not known; it is one of {known}")
    form = "value"
    if source in conditions:
        is_class = isinstance(conditions[source], ClassCondition)
        form = fields.text("as") if "as" in names else FORMS[0 if is_class else 2]
        if form not in (FORMS[:2] if is_class else FORMS[2:]):
            wanted = "one-hot or index" if is_class else "value"
            raise BundleError(f"{where}: as = {form!r} does not suit the condition {source!r}; it is {wanted}")
    distribution = DISTRIBUTIONS[0]
    if source == NOISE and "distribution" in names:
        distribution = fields.text("distribution")
        if distribution not in DISTRIBUTIONS:
            raise BundleError(f"{where}: distribution must be {' or '.join(DISTRIBUTIONS)}, not {distribution!r}")
    read = ForeignInput(
        name,
        source,
        form,
        fields.integers("shape", minimum=1, maximum=_MAX_SIDE) if "shape" in names else None,
        fields.number("scale") if "scale" in names else 1.0,
        fields.number("offset") if "offset" in names else 0.0,
        distribution,
    )
    fields.end()
    return read


def _output(fields: Fields, schema: Schema) -> ForeignOutput:
    names, parts = fields.names(), schema.shape[0]
    layout = fields.text("layout") if "layout" in names else LAYOUTS[0]
    if layout not in LAYOUTS:
        raise BundleError(f"{fields.where}: layout must be {' or '.join(map(repr, LAYOUTS))}, not {layout!r}")
    read = ForeignOutput(
        fields.text("name") if "name" in names else None,
        layout,
        _each(fields, "scale", 1.0, parts),
        _each(fields, "offset", 0.0, parts),
    )
    fields.end()
    if not all(read.scale):
        raise BundleError(f"{fields.where}: scale must not be 0")
    return read


def _each(fields: Fields, name: str, default: float, parts: int) -> tuple[float, ...]:
    """One number for all channels or columns, or one for each."""
    if name not in fields.names():
        return (default,)
    value = fields.anything(name)
    numbers = Fields({name: value if isinstance(value, list) else [value]}, fields.where).numbers(name)
    if len(numbers) not in (1, parts):
        raise BundleError(f"{fields.where}: {name} must be one number, or {parts}, one for each channel or column")
    return numbers
