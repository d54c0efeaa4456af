"""Read the wire format of Protocol Buffers strictly: unknown fields are refused, and those that come twice but may not.

The format lets a reader skip what it does not know and join what comes twice. Two readers then see two messages, and
what one of them has checked is not what the other runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; the two others, groups, are refused."""

MAX_FIELDS = 500_000
"""Of all messages of a file together; reading them takes about a quarter of a second."""

_CONTINUED = bytes(range(128, 256))

Span = tuple[int, int]
"""Where a text, an inner message or packed numbers begin and end."""


class WireError(ValueError):
    """The bytes are no such message; the text says why."""


@dataclass(frozen=True)
class Field:
    """One field a message may have."""

    name: str
    wires: tuple[int, ...]
    """Wire types it may come in: repeated numbers come packed or one by one."""
    repeated: bool


def one(name: str, wire: int = BYTES) -> Field:
    """A field that comes once at most."""
    return Field(name, (wire,), repeated=False)


def many(name: str, *wires: int) -> Field:
    """A field that may come again and again: of texts and messages, if not told otherwise."""
    return Field(name, wires or (BYTES,), repeated=True)


def table(fields: Mapping[int, Field]) -> dict[int, Field]:
    """Fields by their tag on the wire, made of fields by number."""
    return {number << 3 | wire: field for number, field in fields.items() for wire in field.wires}


class Reader:
    """Reads messages out of one file.

    Args:
        data: The whole file. Nothing of it is copied but what `text` is asked for.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fields_left = MAX_FIELDS

    def whole(self) -> Span:
        """The file itself."""
        return 0, len(self._data)

    def text(self, span: Span) -> bytes:
        """The bytes of a field."""
        return self._data[span[0] : span[1]]

    def message(self, span: Span, fields: Mapping[int, Field], kind: str) -> dict[str, list[Span]]:
        """Read one message; inner messages stay spans.

        Args:
            span: Where it lies.
            fields: What it may hold, by tag.
            kind: How to name it in an error.

        Returns:
            By field, its values in order. A text, a message or packed numbers are a span; a single number n is (n, -1).

        Raises:
            WireError: It holds a field that is not in `fields`, twice what may come once, or ends too early.
        """
        data = self._data
        at, end = span
        left = self._fields_left
        found: dict[str, list[Span]] = {}
        while at < end:
            tag = data[at]
            at += 1
            if tag > 127:
                tag, at = self._varint(at - 1, end)
            field = fields.get(tag)
            if field is None:
                raise WireError(f"its {kind} has a field {tag >> 3} of wire type {tag & 7}, which no generator needs")
            wire = tag & 7
            if wire in (FIXED32, FIXED64):
                value = at, at + (4 if wire == FIXED32 else 8)
                at = value[1]
            else:
                # Most numbers are one byte; a call for each would double the time of it all.
                if at < end and data[at] < 128:
                    number = data[at]
                    at += 1
                else:
                    number, at = self._varint(at, end)
                if wire == VARINT:
                    value = number, -1
                else:
                    value = at, at + number
                    at += number
            values = found.get(field.name)
            if values is None:
                found[field.name] = [value]
            elif field.repeated:
                values.append(value)
            else:
                raise WireError(f"its {kind} has {field.name!r} twice")
            left -= 1
            if left < 0:
                raise WireError(f"it has more than {MAX_FIELDS} fields")
        if at != end:
            raise WireError(f"its {kind} ends in the middle of a field")
        self._fields_left = left
        return found

    def count(self, values: Sequence[Span]) -> int:
        """How many whole numbers there are, packed or one by one, without reading them: they can be millions."""
        # The last byte of a number is the only one below 128.
        return sum(1 if end == -1 else len(self._data[at:end].translate(None, _CONTINUED)) for at, end in values)

    def numbers(self, values: Sequence[Span]) -> list[int]:
        """Whole numbers that come packed or one by one, as unsigned 64-bit ones. They take far longer than `count`."""
        result: list[int] = []
        for at, end in values:
            if end == -1:
                result.append(at)
                continue
            while at < end:
                number, at = self._varint(at, end)
                result.append(number)
        return result

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of 1 to 10 bytes, and where it ends."""
        number = shift = 0
        while at < end and shift < 70:
            byte = self._data[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number & 2**64 - 1, at
            shift += 7
        raise WireError("a number in it has no end")
