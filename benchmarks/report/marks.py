"""How a row looks wherever it is drawn: one colour, one shape and one dash, so that none of them is needed alone."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mark:
    """The look of one row."""

    colour: str
    """Ends the name of the class `row-…`, whose custom property `--row` is the colour."""
    shape: str
    """SVG path around 0, 0, at most 5 px from it."""
    dash: str = ""
    """Of its lines, as `stroke-dasharray`; empty: unbroken."""
    hollow: bool = False

    @property
    def css_class(self) -> str:
        """Class names that give an element the row's colour."""
        return f"row-{self.colour}{' hollow' if self.hollow else ''}"

    def emptied(self) -> Mark:
        """The same, hollow: for what belongs to a row but is not it, as its control."""
        return replace(self, hollow=True)


CIRCLE = "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0z"
SQUARE = "M-3.7-3.7h7.4v7.4h-7.4z"
DIAMOND = "M0-5L5 0L0 5L-5 0z"
UP, DOWN = "M0-4.8L4.7 3.8H-4.7z", "M0 4.8L4.7-3.8H-4.7z"
LEFT, RIGHT = "M-4.8 0L3.8-4.7V4.7z", "M4.8 0L-3.8-4.7V4.7z"
SAW = "M-4.6-2L-2-4.6L0-2.6L2-4.6L4.6-2L2.6 0L4.6 2L2 4.6L0 2.6L-2 4.6L-4.6 2L-2.6 0z"


def placed(mark: Mark, x: str, y: str) -> str:
    """The mark at a place in its SVG, in any unit of length."""
    return (
        f'<svg class="{mark.css_class}" x="{html.escape(x)}" y="{html.escape(y)}" width="1" height="1" '
        f'overflow="visible"><path class="mark-shape" d="{mark.shape}"/></svg>'
    )


def swatch(mark: Mark) -> str:
    """The mark on a piece of its line, for a key."""
    dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
    return (
        f'<svg class="swatch {mark.css_class}" width="34" height="12" viewBox="0 0 34 12" aria-hidden="true">'
        f'<line class="mark-line" x1="0" x2="34" y1="6" y2="6"{dash}/>{placed(mark, "17", "6")}</svg>'
    )
