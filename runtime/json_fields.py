"""Read untrusted JSON field by field: every field is asked for by name and type, none is left over."""

from __future__ import annotations

import json
import math

from .errors import BundleError

MAX_TEXT = 20_000
MAX_ITEMS = 10_000
MAX_DEPTH = 64


def parse_json(data: bytes, where: str) -> object:
    """Parse UTF-8 JSON; refuses duplicate keys, NaN and infinities, which other readers treat differently.

    What it returns can be written as UTF-8 JSON again.

    Raises:
        BundleError: The bytes are not such JSON; the message gives the place.
    """
    try:
        value: object = json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        _check_writable(value, MAX_DEPTH)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BundleError(f"{where} is not valid JSON: {error}") from error
    return value


def _check_writable(value: object, depth: int) -> None:
    if not depth:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        value.encode()  # fails for half of a surrogate pair, which an escape can smuggle in
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large for a float")
    elif isinstance(value, list):
        for item in value:
            _check_writable(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_writable(key, depth - 1)
            _check_writable(item, depth - 1)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


class Fields:
    """The fields of one JSON object, taken one at a time and checked as they are taken.

    Args:
        value: A parsed JSON value that must be an object.
        where: How to name this object in an error.

    Raises:
        BundleError: From every method, if the field is missing or is not what was asked for.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise BundleError(f"{where} must be a JSON object")
        self.where = where
        self._left = dict(value)

    def _take(self, name: str) -> object:
        try:
            return self._left.pop(name)
        except KeyError:
            raise BundleError(f"{self.where} has no field {name!r}") from None

    def _wrong(self, name: str, wanted: str) -> BundleError:
        return BundleError(f"{self.where}: {name!r} must be {wanted}")

    def names(self) -> tuple[str, ...]:
        """The fields not yet taken, for an object whose keys are data."""
        return tuple(self._left)

    def text(self, name: str) -> str:
        """A string."""
        return self._text(self._take(name), name)

    def _text(self, value: object, name: str) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self._wrong(name, f"a text of at most {MAX_TEXT} characters")
        return value

    def _list(self, name: str) -> list[object]:
        value = self._take(name)
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise self._wrong(name, f"a list of at most {MAX_ITEMS} items")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(self._text(item, name) for item in self._list(name))

    def number(self, name: str) -> float:
        """A finite number."""
        return self._number(self._take(name), name)

    def _number(self, value: object, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        try:
            number = float(value)
        except OverflowError:
            raise self._wrong(name, "a number a float can hold") from None
        if not math.isfinite(number):
            raise self._wrong(name, "a finite number")
        return number

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(self._number(item, name) for item in self._list(name))

    def integer(self, name: str, minimum: int = 0, maximum: int = 2**53) -> int:
        """A whole number within bounds."""
        return self._integer(self._take(name), name, minimum, maximum)

    def _integer(self, value: object, name: str, minimum: int, maximum: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise self._wrong(name, f"a whole number from {minimum} to {maximum}")
        return value

    def integers(self, name: str, minimum: int = 0, maximum: int = 2**53) -> tuple[int, ...]:
        """A list of whole numbers within bounds."""
        return tuple(self._integer(item, name, minimum, maximum) for item in self._list(name))

    def flag(self, name: str) -> bool:
        """A truth value; false where the field is absent."""
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def fields(self, name: str) -> Fields:
        """A nested object, whose fields are then taken in turn."""
        return Fields(self._take(name), f"{self.where}: {name}")

    def objects(self, name: str) -> tuple[Fields, ...]:
        """A list of nested objects."""
        return tuple(Fields(item, f"{self.where}: {name}[{number}]") for number, item in enumerate(self._list(name)))

    def named(self, name: str) -> dict[str, Fields]:
        """An object whose keys are data and whose values are objects."""
        inner = self.fields(name)
        return {key: inner.fields(key) for key in inner.names()}

    def anything(self, name: str) -> object:
        """A value that is only shown to people or kept, never acted on."""
        return self._take(name)

    def end(self) -> None:
        """Refuse fields nobody asked for: a misspelt or newer field must not be ignored in silence."""
        if self._left:
            names = ", ".join(repr(name) for name in sorted(self._left))
            raise BundleError(f"{self.where} has fields this version does not know: {names}")
