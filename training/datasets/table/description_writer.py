"""Write a table's description as TOML that a person reads and mends in a minute, with the reasons as comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from ....devices.toml import toml_value
from ....runtime.schema import Rule
from .description import CategorySource, LabelSource, Source, TableDescription

_WIDTH = 120
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_description(description: TableDescription, remarks: Mapping[str, str] | None = None) -> str:
    """The text of a TOML file, which `description_reader` reads back to an equal description.

    Args:
        description: What to write.
        remarks: By the header of a column, a sentence to stand above it.
    """
    remarks = remarks or {}
    return "\n".join([*_head(description), *_label(description.label, remarks), *_columns(description, remarks), ""])


def _head(description: TableDescription) -> Iterator[str]:
    yield from _comment(
        f"What {description.file} holds. Written by `edgeward data infer`; read it, mend what is wrong (units first: "
        "1 means none), and replace what says FILL IN. It holds no row of the data."
    )
    yield f"file = {toml_value(description.file)}  # beside this file, or below"
    yield f"separator = {toml_value(description.separator)}"
    yield f"decimal = {toml_value(description.decimal)}"
    yield f"encoding = {toml_value(description.encoding)}"
    missing = toml_value(description.missing)
    yield f"missing = {missing}  # nothing is known where the file says so, in upper or lower case"
    yield ""
    for name in ("name", "description", "licence", "attribution"):
        yield f"{name} = {toml_value(getattr(description, name))}"
    yield ""
    if description.patient is None:
        yield '# patient = "COLUMN"  # says whose row it is; without it, every row is a patient of its own'
    else:
        yield f"patient = {toml_value(description.patient)}  # all rows of a patient are in one split"
    yield f"groups = {toml_value(description.groups)}  # columns that fairness is judged by; numbers are put into bands"
    yield f"split.seed = {description.split.seed}  # patients are dealt out at random, each class by itself"
    yield f"split.shares = [{', '.join(map(_number, description.split.shares))}]  # train, validation, test"
    yield ""


def _label(label: LabelSource, remarks: Mapping[str, str]) -> Iterator[str]:
    yield from _comment(f"The outcome: {remarks.get(label.column, f'{len(label.classes())} classes')}.")
    yield f"label.column = {toml_value(label.column)}"
    yield f"label.name = {toml_value(label.name)}"
    yield f"label.values = {toml_value(label.values)}"
    yield from _comment('Entries can be renamed, and those of one name are one class: {1 = "ill", 2 = "ill"}.')
    yield f"label.names = {_mapping(label.names)}"
    yield f"label.meanings = {_mapping(label.meanings)}"
    yield ""


def _columns(description: TableDescription, remarks: Mapping[str, str]) -> Iterator[str]:
    yield from _comment(
        "Grades may be a code without order (then say ordered = false) or a count (then say kind = 'number', with a "
        "range). Any column may be given a name of its own, and names of its values."
    )
    yield "columns = ["
    for source in description.columns:
        if source.column in remarks:
            yield from _comment(f"{remarks[source.column]}.", "    ")
        yield f"    {_column(source)},"
    yield "]"
    yield from _rules(description.rules)
    if description.left_out:
        yield ""
        yield "[left_out]  # to use one after all, delete its line and describe it above"
        for column, reason in description.left_out.items():
            yield f"{_key(column)} = {toml_value(reason)}"


def _column(source: Source) -> str:
    fields = {"column": toml_value(source.column)}
    if source.name != source.column:
        fields["name"] = toml_value(source.name)
    if isinstance(source, CategorySource):
        fields["kind"] = toml_value("category")
        # What is short stands before the lists.
        flags = {"ordered": source.ordered, "other": source.other, "missing": source.missing}
        fields |= {name: "true" for name, flag in flags.items() if flag}
        fields["values"] = toml_value(source.values)
        if source.names:
            fields["names"] = _mapping(source.names)
    else:
        fields["kind"], fields["unit"] = toml_value("number"), toml_value(source.unit)
        fields["range"] = f"[{_number(source.minimum)}, {_number(source.maximum)}]"
        fields["step"] = _number(source.step)
        if source.missing:
            fields["missing"] = "true"
    line = _inline(fields)
    if isinstance(source, CategorySource) and len(line) > _WIDTH - 5:
        line = _inline(fields | {"values": _lines(source.values, "        ")})
    return line


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    if rules:
        yield ""
        yield "rules = ["
        yield from (f"    {_value(rule.to_json())}," for rule in rules)
        yield "]"


def _value(value: object) -> str:
    """A plain JSON value as TOML has it."""
    if isinstance(value, Mapping):
        return _inline({_key(key): _value(item) for key, item in value.items()})
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return toml_value(value)


def _inline(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in fields.items()) + "}"


def _comment(sentence: str, indent: str = "") -> list[str]:
    # A line break in a comment would end it, and what follows would be read.
    plain = "".join(c if c.isprintable() else " " for c in sentence[:1].upper() + sentence[1:])
    return textwrap.wrap(plain, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _lines(texts: Sequence[str], indent: str) -> str:
    """A list over several lines; of what an inline table holds, only a list may be."""
    lines = [""]
    for text in map(toml_value, texts):
        if lines[-1] and len(indent) + len(lines[-1]) + len(text) + 1 > _WIDTH:
            lines.append("")
        lines[-1] += f"{text}, "
    body = "\n".join(f"{indent}{line.rstrip()}" for line in lines)
    return f"[\n{body}\n{indent[:-4]}]"


def _mapping(names: Mapping[str, str]) -> str:
    return _inline({_key(key): toml_value(value) for key, value in names.items()})


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def _number(number: float) -> str:
    whole = float(number).is_integer() and abs(number) < 1e15
    return str(int(number)) if whole else repr(float(number))
