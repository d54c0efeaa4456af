"""Whose a WFDB record is: age, sex and subject from the comments of its header, as publishers write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# MIT-BIH writes `69 M 1085 1629 x1`, with -1 for no age; others `<age>: 88 <sex>: M <subject>: s01182` or `Age: 62`.
_PLAIN = re.compile(r"(-?\d{1,3}) ([FM]) ")
_AGE = re.compile(r"\bage\b>?:\s*(\d{1,3})\b", re.IGNORECASE)
_SEX = re.compile(r"\b(?:sex|gender)\b>?:\s*([FM])\b", re.IGNORECASE)
_SUBJECT = re.compile(r"\bsubject\b>?:\s*([\w-]{1,64})", re.IGNORECASE)
_AGE_BANDS = ((45, "under 45"), (65, "45 to 64"))  # years below, name; the older are the last band
_OLDEST = "65 and over"


@dataclass(frozen=True)
class Person:
    """What a header tells of whom it was recorded of."""

    age: int | None
    """In years, 90 for `90+`; None where it does not tell."""
    sex: str
    """`F`, `M`, or '' where it does not tell."""
    subject: str = ""
    """The publisher's pseudonym, which several records may share; '' where it does not tell."""

    @property
    def age_band(self) -> str:
        """The group of `age` in which fairness is judged; '' where it is not known."""
        if self.age is None:
            return ""
        return next((name for below, name in _AGE_BANDS if self.age < below), _OLDEST)

    @property
    def attributes(self) -> dict[str, str]:
        """By the names of `Split.attributes`."""
        return {"sex": self.sex, "age": self.age_band}


def person_of(comments: Sequence[str]) -> Person:
    """What the comments of a header tell; nothing that they do not."""
    plain = _PLAIN.match(comments[0]) if comments else None
    if plain:
        age = int(plain[1])
        return Person(age if age >= 0 else None, plain[2])
    everything = "\n".join(comments)
    years, sex, subject = (pattern.search(everything) for pattern in (_AGE, _SEX, _SUBJECT))
    return Person(int(years[1]) if years else None, sex[1].upper() if sex else "", subject[1] if subject else "")
