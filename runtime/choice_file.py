"""Remember a choice in the user's cache folder, one small file for each question, and recall it.

The folder is not trusted: what is found there is checked field by field, may only name what the bundle offers, and can
at worst cost a measurement. Nothing here fails a caller.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..devices import this_host
from .atomic import atomic_file
from .backends import Options
from .bundle import Bundle
from .choice import Candidate, Choice, Trial
from .errors import EdgewardError, OutputError
from .golden import GoldenResult, tolerance_here
from .json_fields import Fields, parse_json
from .manifest import Variant
from .ordinary_file import open_ordinary
from .places import CACHE_VARIABLE, cache_folder

_FORMAT = 1
_FOLDER = "choices"
_MAX_BYTES = 2**18
_SHORT = 300


@dataclass(frozen=True)
class Question:
    """What a choice answers: it holds as long as nothing of this changes."""

    bundle: Bundle
    asked: Mapping[str, str]
    """`backend` and `precision`, by name or `auto`."""
    options: Options
    software: Mapping[str, str]
    """Versions of Edgeward and of the engines that were considered, or why one is absent."""

    @property
    def _place(self) -> dict[str, Any]:
        """What names the file. Versions stand inside, so that an update takes the place of what it outdates."""
        host = this_host()
        return {
            "bundle_sha256": self.bundle.digest,
            "cpu": host.cpu,
            "cpu_class": host.cpu_class,
            "asked": dict(self.asked),
            "options": asdict(self.options),
        }

    @property
    def _file(self) -> Path | None:
        folder = cache_folder()
        name = hashlib.sha256(json.dumps(self._place, sort_keys=True).encode()).hexdigest()[:32]
        return None if folder is None else folder / _FOLDER / f"{name}.json"

    def recall(self, offered: Sequence[Candidate]) -> tuple[Choice | None, str]:
        """What was chosen before; or None, and why it must be measured.

        Args:
            offered: All there is to choose from.
        """
        file = self._file
        if file is None:
            return None, f"this user has no home folder to remember in; name one with {CACHE_VARIABLE}"
        try:
            content = _read(file)
            return self._checked(content, offered) if content is not None else (None, "nothing was remembered yet")
        except OSError as error:
            return None, f"what was remembered cannot be read from {file}: {error.strerror}"
        except EdgewardError as error:
            return None, f"what was remembered in {file} is of no use: {_one_line(error)}"

    def remember(self, choice: Choice) -> str:
        """Keep it for the next time; returns why that was not possible, or nothing."""
        file = self._file
        if file is None:
            return ""  # said when it was asked for
        value = {"format": _FORMAT, **self._place, "software": dict(self.software), **_to_json(choice)}
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_file(file) as opened:
                opened.write(json.dumps(value, indent=1, allow_nan=False).encode())
        except OSError as error:
            reason = f"{file.parent} cannot be made: {error.strerror}"
        except OutputError as error:
            reason = _one_line(error)
        else:
            return ""
        return f"it cannot be remembered and will be measured each time; {reason}"

    def _checked(self, content: bytes, offered: Sequence[Candidate]) -> tuple[Choice | None, str]:
        fields = Fields(parse_json(content, "its file"), "its file")
        if fields.integer("format") != _FORMAT:
            return None, "it was remembered by another version of Edgeward"
        found = {name: fields.anything(name) for name in (*self._place, "software")}
        if {name: found[name] for name in self._place} != self._place:
            return None, "what was remembered is of another bundle or machine"
        if found["software"] != self.software:
            return None, "Edgeward or an engine has changed since it was last measured"
        variants = {(candidate.backend, candidate.variant.name): candidate.variant for candidate in offered}
        chosen = fields.text("backend"), fields.text("variant")
        choice = Choice(
            backend=chosen[0],
            variant=_known(chosen, variants),
            how="remembered",
            asked=self.asked,
            trials=tuple(_trial(trial, variants) for trial in fields.objects("trials")),
            absent=_absent(fields.fields("absent")),
            measured_at=_printable(fields.text("measured_at")),
        )
        fields.end()
        if not any(_is(trial, chosen) and trial.golden.passed for trial in choice.trials):
            return None, "what was remembered was never found to be right"
        return choice, ""


def _to_json(choice: Choice) -> dict[str, Any]:
    return {
        "backend": choice.backend,
        "variant": choice.variant.name,
        "absent": {name: reason[:_SHORT] for name, reason in (choice.absent or {}).items()},
        "measured_at": choice.measured_at,
        "trials": [
            {
                "backend": trial.golden.backend,
                "variant": trial.golden.variant,
                "refusal": _one_line(trial.golden.refusal),
                **{name: value for name in ("error", "us") if (value := trial.to_json()[name]) is not None},
            }
            for trial in choice.trials
        ],
    }


def _trial(fields: Fields, variants: Mapping[tuple[str, str], Variant]) -> Trial:
    backend = fields.text("backend")
    variant = _known((backend, fields.text("variant")), variants)
    given = fields.names()
    golden = GoldenResult(
        precision=variant.precision,
        variant=variant.name,
        backend=backend,
        error=fields.number("error") if "error" in given else float("nan"),
        tolerance=tolerance_here(variant),
        refusal=_printable(fields.text("refusal")),
    )
    trial = Trial(golden, fields.number("us") if "us" in given else None)
    fields.end()
    return trial


def _known(name: tuple[str, str], variants: Mapping[tuple[str, str], Variant]) -> Variant:
    if name not in variants:
        raise OutputError("it names an engine or variant that is not offered")
    return variants[name]


def _is(trial: Trial, chosen: tuple[str, str]) -> bool:
    return (trial.golden.backend, trial.golden.variant) == chosen


def _absent(fields: Fields) -> dict[str, str]:
    return {_printable(name): _printable(fields.text(name)) for name in fields.names()}


def _printable(text: str) -> str:
    """Refuse what could do something to a terminal."""
    if not text.isprintable():
        raise OutputError("it holds a text that cannot be shown")
    return text


def _one_line(reason: object) -> str:
    """What an engine or the system said, short and printable."""
    text = " ".join(str(reason).split())[:_SHORT]
    return "".join(character if character.isprintable() else "?" for character in text)


def _read(file: Path) -> bytes | None:
    """The file's content; None where there is none."""
    try:
        with open_ordinary(file, OutputError(f"{file} is no ordinary file; remove it")) as opened:
            content = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(content) > _MAX_BYTES:
        raise OutputError(f"{file} is larger than the {_MAX_BYTES} bytes it may have; remove it")
    return content
