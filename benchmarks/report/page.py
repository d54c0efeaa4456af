"""What every page shares: one HTML file, marked synthetic, that asks nothing of any network.

Every name that comes from data or a user is escaped; only `ecg_paper`, `charts` and `plots`, which escape what they
are given, hand markup to a template.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ...runtime.errors import RequestError
from . import quantities
from .ecg_paper import ECG_PAPER_DEFINITIONS

SYNTHETIC_MARK = "SYNTHETIC DATA - NOT FOR CLINICAL USE"
"""Stands at the top of the window however far one scrolls, and at the top of every printed page."""

_INSTALL = "pip install 'edgeward[report]'"


def render_page(template: str, *, styles: tuple[str, ...], title: str, provenance: str, **context: Any) -> str:
    """The page as one self-contained HTML document, to be written as UTF-8.

    Args:
        template: Name of a template that fills the blocks of `page.html.j2`.
        styles: Names of style sheets, the general first.
        title: Of the window.
        provenance: The machine-readable synthetic mark, one line of JSON.
        **context: What the template shows.

    Raises:
        RequestError: jinja2 is missing.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise RequestError(f"the page needs jinja2 ({error}); install it with: {_INSTALL}") from error
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_template),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["markup"] = Markup
    environment.filters.update(
        bytes=quantities.bytes_text,
        count=quantities.count_text,
        duration=quantities.duration_text,
        significant=quantities.significant,
        time=quantities.time_text,
    )
    return environment.get_template(template).render(
        mark=SYNTHETIC_MARK,
        title=title,
        provenance=provenance,
        styles=[_template(name) for name in styles],
        paper=ECG_PAPER_DEFINITIONS,
        **context,
    )


def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")
