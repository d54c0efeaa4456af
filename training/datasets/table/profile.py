"""What a column of texts holds, gathered row by row without keeping the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ....runtime.errors import DataError
from .entries import as_number, decimals_of, is_date
from .rows import Rows

MOST_DISTINCT = 20_000
"""Of the entries of a column, beyond which they are no longer told apart."""
_PROGRESS_ROWS = 2000


@dataclass
class ColumnProfile:
    """What the known entries of one column have in common."""

    name: str
    decimal: str = "."
    rows: int = 0
    missing: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """How often each entry occurs, up to `MOST_DISTINCT` different ones."""
    numbers: int = 0
    """How many entries are numbers."""
    minimum: float = 0.0
    """Of the numbers."""
    maximum: float = 0.0
    decimals: int = 0
    """Most decimals that a number is written with."""
    dates: int = 0
    words: int = 0
    """Of all entries together."""

    @property
    def known(self) -> int:
        """How many entries are not missing."""
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """How many different entries there are, at least."""
        return len(self.counts)

    @property
    def unique(self) -> bool:
        """Whether no entry comes twice, as far as they were told apart."""
        return self.distinct == min(self.known, MOST_DISTINCT)

    @property
    def all_numbers(self) -> bool:
        """Whether every known entry is a number."""
        return self.numbers == self.known

    @property
    def whole(self) -> bool:
        """Whether every known entry is a whole number."""
        return self.all_numbers and not self.decimals

    def add(self, entry: str) -> None:
        """Take one more known entry."""
        seen = self.counts.get(entry)
        if seen is not None:
            self.counts[entry] = seen + 1
        elif len(self.counts) < MOST_DISTINCT:
            self.counts[entry] = 1
        number = as_number(entry, self.decimal)
        if number is not None:
            self.minimum = min(self.minimum, number) if self.numbers else number
            self.maximum = max(self.maximum, number) if self.numbers else number
            self.numbers += 1
            self.decimals = max(self.decimals, decimals_of(entry, self.decimal))
        else:
            self.dates += is_date(entry)
            self.words += len(entry.split())


def profile_columns(
    rows: Rows,
    missing: Iterable[str],
    decimal: str = ".",
    on_progress: Callable[[int, int, str], None] | None = None,
) -> list[ColumnProfile]:
    """Read all rows and tell what each column holds.

    Args:
        rows: The table.
        missing: Entries that mean "not known".
        decimal: Of its numbers.
        on_progress: Called now and then as (read, to read, up to where).

    Raises:
        DataError: The file is damaged, or has no row.
    """
    profiles = [ColumnProfile(name, decimal) for name in rows.header]
    unknown = missing_tokens(missing)
    count = 0
    for position, entries in rows:
        count += 1
        for profile, entry in zip(profiles, entries, strict=True):
            if entry.lower() in unknown:
                profile.missing += 1
            else:
                profile.add(entry)
        if on_progress and count % _PROGRESS_ROWS == 0:
            on_progress(rows.done, rows.total, f"{rows.place} {position}")
    if not count:
        raise DataError(f"{rows.path} has column names but no row")
    for profile in profiles:
        profile.rows = count
    if on_progress:
        on_progress(rows.total, rows.total, f"{count} rows")
    return profiles


def missing_tokens(missing: Iterable[str]) -> frozenset[str]:
    """Entries that mean "not known", in lower case."""
    return frozenset(token.strip().lower() for token in missing)
