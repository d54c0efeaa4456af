"""The annotations of a WFDB record in MIT format, as annot(5) of the WFDB Applications Guide gives it."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .events import Event
from .text import ascii_text

_BEATS = {
    **{"N": 1, "L": 2, "R": 3, "a": 4, "V": 5, "F": 6, "J": 7, "A": 8, "S": 9, "E": 10, "j": 11, "/": 12, "Q": 13},
    **{"B": 25, "?": 30, "e": 34, "n": 35, "f": 38, "r": 41},
}
_NOTE, _RHYTHM, _SKIP, _AUX = 22, 28, 59, 63
_MAX_INTERVAL = 2**10 - 1
_MAX_TEXT = 255


def annotation_bytes(events: Iterable[Event]) -> bytes:
    """The events: a class that is a beat's symbol becomes one, others are notes."""
    content = bytearray()
    last = 0
    for sample, event in sorted(((_place(event), event) for event in events), key=lambda placed: placed[0]):
        interval, last = sample - last, sample
        if interval > _MAX_INTERVAL:
            # Four bytes, the more significant two first, as a PDP-11 had them.
            content += struct.pack("<HHH", _SKIP << 10, interval >> 16, interval & 0xFFFF)
            interval = 0
        code, text = _code(event)
        content += struct.pack("<H", code << 10 | interval)
        if text:
            content += struct.pack("<H", _AUX << 10 | len(text)) + text.encode("ascii") + bytes(len(text) % 2)
    return bytes(content) + bytes(2)


def _place(event: Event) -> int:
    """Where an event is annotated: readers take a note at sample 0 for a definition, and do not show it."""
    return max(event.sample, 1) if _code(event)[0] == _NOTE else event.sample


def _code(event: Event) -> tuple[int, str]:
    """The code of an event and the text that goes with it, if any."""
    if event.kind == "event" and event.value in _BEATS:
        return _BEATS[event.value], ""
    if event.kind == "rhythm":
        return _RHYTHM, ascii_text(f"({event.value}", _MAX_TEXT)
    return _NOTE, ascii_text(event.text, _MAX_TEXT)
