"""Which samples broke which rule: of a batch sample by sample, and of any number of them in constant memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .errors import RequestError
from .json_fields import Fields

OnViolation = Literal["report", "resample", "fail"]
"""What becomes of a sample that breaks a rule: it is kept and counted, drawn anew and counted, or ends the work."""
CHOICES: tuple[OnViolation, ...] = get_args(OnViolation)

MAX_LISTED = 100
"""Samples that are named one by one in provenance; the rest are counted."""


def checked_choice(on_violation: str | None) -> OnViolation | None:
    """What a user asked for, as far as it is one of the choices.

    Raises:
        RequestError: It is none.
    """
    if on_violation is None:
        return None
    for choice in CHOICES:
        if on_violation == choice:
            return choice
    raise RequestError(f"on_violation must be one of {', '.join(CHOICES)}, not {on_violation!r}")


@dataclass(frozen=True)
class Tally:
    """How many samples broke a rule, of any number of them."""

    checked: int = 0
    violating: int = 0
    """Samples that broke a rule, as they were first drawn."""
    redraws: int = 0
    """Draws beyond the first, of all samples together; 0 unless they are drawn anew."""
    by_rule: Mapping[str, int] = field(default_factory=dict)
    """Samples that broke it as they were first drawn, by the name of the rule; rules that none broke are left out."""
    samples: tuple[int, ...] = ()
    """Indices of those that broke a rule, the first `MAX_LISTED`."""

    def plus(self, other: Tally) -> Tally:
        """Of both together."""
        return Tally(
            self.checked + other.checked,
            self.violating + other.violating,
            self.redraws + other.redraws,
            {
                name: self.by_rule.get(name, 0) + other.by_rule.get(name, 0)
                for name in sorted({*self.by_rule, *other.by_rule})
            },
            tuple(sorted({*self.samples, *other.samples})[:MAX_LISTED]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `tally_from_json` reads them back."""
        return {
            "checked": self.checked,
            "violating": self.violating,
            "redraws": self.redraws,
            "by_rule": dict(self.by_rule),
            "samples": list(self.samples),
        }


def tally_of(violations: Violations | None) -> Tally:
    """Of what was found in a batch; empty where it was not asked for."""
    return violations.tally if violations else Tally()


def tally_from_json(fields: Fields) -> Tally:
    """Read an untrusted tally.

    Raises:
        BundleError: It is none.
    """
    by_rule = fields.fields("by_rule")
    tally = Tally(
        fields.integer("checked"),
        fields.integer("violating"),
        fields.integer("redraws"),
        {name: by_rule.integer(name) for name in by_rule.names()},
        fields.integers("samples", maximum=2**63 - 1)[:MAX_LISTED],
    )
    fields.end()
    return tally


@dataclass(frozen=True)
class Broken:
    """What one sample broke."""

    rules: tuple[str, ...]
    """Names of the rules, as it was first drawn."""
    redraws: int = 0
    """How often it was drawn anew until it kept all."""


@dataclass(frozen=True)
class Violations:
    """What the guard found in the samples of a batch."""

    on_violation: OnViolation
    checked: int
    broken: Mapping[int, Broken]
    """By index of the sample; those that kept all rules are left out."""

    @property
    def tally(self) -> Tally:
        """Of all samples of the batch together."""
        counts: dict[str, int] = {}
        for broken in self.broken.values():
            for name in broken.rules:
                counts[name] = counts.get(name, 0) + 1
        return Tally(
            self.checked,
            len(self.broken),
            sum(broken.redraws for broken in self.broken.values()),
            dict(sorted(counts.items())),
            tuple(sorted(self.broken)[:MAX_LISTED]),
        )

    def of_sample(self, index: int) -> Violations:
        """Of one of its samples."""
        broken = self.broken.get(index)
        return Violations(self.on_violation, 1, {index: broken} if broken else {})
