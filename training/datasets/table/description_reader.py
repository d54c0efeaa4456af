"""Read a table's description from TOML, which a person may have edited, and refuse what makes no sense."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from ....devices.toml import tomllib
from ....runtime.errors import BundleError, DataError
from ....runtime.json_fields import Fields
from ....runtime.schema import ClassCondition, TableSchema, read_rules, schema_from_json
from .description import (
    ENCODINGS,
    OTHER,
    PLACEHOLDER,
    CategorySource,
    LabelSource,
    NumberSource,
    Source,
    SplitPlan,
    TableDescription,
)
from .profile import missing_tokens

_MAX_BYTES = 2**22


def find_description(path: Path) -> tuple[Path, TableDescription]:
    """The description that a user names, by itself or by its table, and where it lies.

    Args:
        path: The TOML file, or a CSV or Parquet file that has one of the same name beside it.

    Raises:
        DataError: There is none, it is damaged, or is not of this table; or a person has yet to fill something in.
    """
    toml = path if path.suffix == ".toml" else path.with_suffix(".toml")
    if not toml.is_file():
        if path != toml and path.is_file():
            raise DataError(
                f"{path} has no description beside it ({toml.name}); write one with: edgeward data infer "
                f"{shlex.quote(str(path))} --label COLUMN -o {shlex.quote(str(toml))}"
            )
        held = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise DataError(f"{held}; name a table (CSV, Parquet) or its description (TOML)")
    text = _read(toml)
    description = parse_description(text, toml.name)
    if path != toml and (toml.parent / description.file).resolve() != path.resolve():
        raise DataError(f"{toml} describes {description.file}, not {path.name}; set file in it, or infer anew")
    refuse_placeholders(text, description, str(toml))
    return toml, description


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path} is larger than {_MAX_BYTES} bytes: it is no description of a table")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8, as TOML has to be (byte {error.start}); save it as UTF-8") from error


def refuse_placeholders(text: str, description: TableDescription, where: str) -> None:
    """Refuse a description in which something is left for a person to fill in.

    Args:
        text: Of the TOML file.
        description: What it says.
        where: How to name it in an error.

    Raises:
        DataError: With every such line.
    """
    written = {
        "name": description.name,
        "description": description.description,
        "licence": description.licence,
        "attribution": description.attribution,
        **{f"label.meanings.{name}": meaning for name, meaning in description.label.meanings.items()},
    }
    left = [name for name, words in written.items() if words.strip().startswith(PLACEHOLDER) or not words.strip()]
    if left:
        lines = text.splitlines()
        places = [f"line {_line_of(name, lines)} ({name})" for name in left]
        raise DataError(f"{where} is not finished: {', '.join(places)}; write there what is true of the data")


def _line_of(field: str, lines: Sequence[str]) -> int:
    """Where a field of the description stands, from 1; a class's meaning stands where all of them begin."""
    key = re.compile(rf"\s*{re.escape(field.removesuffix(field.partition('meanings')[2]))}\s*=")
    return next((number for number, line in enumerate(lines, 1) if key.match(line)), 1)


def parse_description(text: str, where: str) -> TableDescription:
    """Read the text of a TOML file.

    Raises:
        DataError: A field is missing, unknown, of a wrong type, or makes no sense; the message begins with `where`.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(f"{where} is not valid TOML: {error}") from error
    try:
        description = _description(Fields(values, where))
        # A bundle's schema is read by the same rules: better refused now than after the training.
        schema_from_json(_schema(description).to_json(), where)
    except BundleError as error:
        raise DataError(str(error).replace("a JSON object", "a table")) from None
    return description


def _description(fields: Fields) -> TableDescription:
    names = fields.names()
    description = TableDescription(
        file=_file(fields),
        name=fields.text("name"),
        description=fields.text("description"),
        licence=fields.text("licence"),
        attribution=fields.text("attribution"),
        label=_label(fields.fields("label")),
        columns=tuple(_column(column) for column in fields.objects("columns")),
        separator=fields.text("separator") if "separator" in names else ",",
        decimal=fields.text("decimal") if "decimal" in names else ".",
        encoding=fields.text("encoding") if "encoding" in names else "utf-8",
        missing=fields.texts("missing"),
        patient=fields.text("patient") if "patient" in names else None,
        groups=fields.texts("groups") if "groups" in names else (),
        split=_split(fields.fields("split")) if "split" in names else SplitPlan(),
        left_out=_mapping(fields, "left_out"),
    )
    if "rules" in names:
        description = replace(description, rules=read_rules(fields.objects("rules"), _schema(description)))
    fields.end()
    _check(description, fields.where)
    return description


def _file(fields: Fields) -> str:
    file = fields.text("file")
    # As on Windows too, where a backslash and a drive lead elsewhere.
    parts = {*PurePosixPath(file).parts, *PureWindowsPath(file).parts}
    if not file or PurePosixPath(file).is_absolute() or PureWindowsPath(file).anchor or ".." in parts:
        raise BundleError(f"{fields.where}: file must lie beside the description or below it, not at {file!r}")
    return file


def _label(fields: Fields) -> LabelSource:
    label = LabelSource(
        fields.text("column"),
        fields.text("name"),
        _values(fields),
        _mapping(fields, "names"),
        _mapping(fields, "meanings"),
    )
    fields.end()
    _check_known(fields.where, "names", label.names, label.values)
    _check_known(fields.where, "meanings", label.meanings, label.classes())
    if len(label.classes()) < 2:
        raise BundleError(f"{fields.where}: a label needs two classes or more, not {', '.join(label.classes())}")
    return label


def _column(fields: Fields) -> Source:
    source: Source
    column, names = fields.text("column"), fields.names()
    name = fields.text("name") if "name" in names else column
    kind, missing = fields.text("kind"), fields.flag("missing")
    where = f"{fields.where} ({column})"
    if kind == "number":
        ends = fields.numbers("range")
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise BundleError(f"{where}: range must be [smallest, largest], rising")
        step = fields.number("step") if "step" in names else 0.0
        source = NumberSource(column, name, fields.text("unit"), ends[0], ends[1], step, missing)
    elif kind == "category":
        source = CategorySource(
            column,
            name,
            _values(fields),
            _mapping(fields, "names"),
            fields.flag("ordered"),
            fields.flag("other"),
            missing,
        )
        _check_known(where, "names", source.names, source.values)
        if source.other and OTHER in source.categories()[:-1]:
            raise BundleError(f"{where}: other = true makes the category {OTHER!r}, which values must not name too")
    else:
        raise BundleError(f"{where}: kind must be 'number' or 'category', not {kind!r}")
    fields.end()
    return source


def _values(fields: Fields) -> tuple[str, ...]:
    values = fields.texts("values")
    if not values or len(set(values)) != len(values):
        raise BundleError(f"{fields.where}: values must be distinct, at least one")
    return values


def _mapping(fields: Fields, name: str) -> dict[str, str]:
    if name not in fields.names():
        return {}
    inner = fields.fields(name)
    return {key: inner.text(key) for key in inner.names()}


def _check_known(where: str, field: str, names: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BundleError(f"{where}: {field} speaks of {unknown[0]!r}, which is none of {', '.join(known)}")


def _split(fields: Fields) -> SplitPlan:
    seed, shares = fields.integer("seed", maximum=2**32), fields.numbers("shares")
    fields.end()
    if len(shares) != 3 or min(shares) <= 0 or not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
        raise BundleError(
            f"{fields.where}: shares must be three numbers above 0 that sum to 1 (train, validation, test), "
            "e.g. [0.6, 0.2, 0.2]"
        )
    return SplitPlan(seed, (shares[0], shares[1], shares[2]))


def _check(description: TableDescription, where: str) -> None:
    if len(description.separator) != 1 or description.separator in '"\r\n\0':
        raise BundleError(f"{where}: separator must be one character, and no quote or line end")
    if description.decimal not in (".", ","):
        raise BundleError(f"{where}: decimal must be '.' or ',', not {description.decimal!r}")
    if description.encoding not in ENCODINGS:
        raise BundleError(f"{where}: encoding must be one of {', '.join(ENCODINGS)}, not {description.encoding!r}")
    used = [description.label.column, *(source.column for source in description.columns)]
    used += [description.patient] if description.patient is not None else []
    for column in used:
        if used.count(column) > 1:
            raise BundleError(f"{where}: {column!r} can be only one of label, patient and the columns, and only once")
    both = [column for column in description.left_out if column in used]
    if both:
        raise BundleError(f"{where}: {both[0]!r} is used and left out; delete one of the two lines")
    described = [source.column for source in description.columns]
    strange = [column for column in description.groups if column not in described]
    if strange:
        raise BundleError(f"{where}: groups speaks of {strange[0]!r}, which is none of the described columns")
    unknown = missing_tokens(description.missing)
    lists = [(source.column, source.values) for source in description.columns if isinstance(source, CategorySource)]
    for column, values in [*lists, (description.label.column, description.label.values)]:
        clash = [value for value in values if value.lower() in unknown]
        if clash:
            raise BundleError(f"{where}: {clash[0]!r} is a value of {column!r} and means missing too; choose one")


def _schema(description: TableDescription) -> TableSchema:
    """As far as it is known without the data."""
    label = description.label
    meanings = tuple(label.meanings.get(name, name) for name in label.classes())
    return TableSchema(
        description.name,
        description.description,
        tuple(source.schema() for source in description.columns),
        (ClassCondition(label.name, label.classes(), meanings),),
        description.rules,
    )
