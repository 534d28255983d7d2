"""Pages from templates: one self-contained document each, every value escaped, no script.

A room keeps its templates beside the code that fills them. HTML extends ``report/base.html``, which
holds the theme, and takes tables, plots and notes from ``report/parts.html``; Markdown (``.md``) is
not escaped.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from medrestore import __version__
from medrestore.report.plots import gradient
from medrestore.report.tables import number, true_minus

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RESEARCH_ONLY", "render", "stream"]

RESEARCH_ONLY = "For research use only, not for diagnosis."
BUFFERED = 64
"""Pieces of a template that are written together."""


def render(template: str, **context: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        Path of the template in the package, ``"evaluation/report/page.html"``.
    **context
        Values by the names in the template; a name that is missing is an error, not an empty text.
    """
    return _environment().get_template(template).render(**context)


def stream(template: str, **context: Any) -> Iterator[bytes]:
    """Yield the UTF-8 of a page piece by piece: it is never in memory as a whole."""
    pieces = _environment().get_template(template).stream(**context)
    pieces.enable_buffering(BUFFERED)
    return (piece.encode() for piece in pieces)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("medrestore", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {"version": __version__, "research_only": RESEARCH_ONLY}
    made.filters |= {
        "data_uri": _data_uri,
        "gradient": gradient,
        "inline_svg": _inline_svg,
        "number": number,
        "plural": _plural,
        "true_minus": true_minus,
    }
    return made


def _data_uri(data: bytes, media: str) -> str:
    """Return a file's bytes as an address: nothing is fetched."""
    return f"data:{media};base64,{b64encode(data).decode('ascii')}"


def _inline_svg(svg: bytes, name: str) -> Markup:
    """Return an SVG as a part of the page; its ids get a prefix, as those of two may be equal."""
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    return Markup(re.sub(r"url\(#", f"url(#{name}-", text))


def _plural(count: int, noun: str, several: str | None = None) -> str:
    """Return ``1 scan`` or ``2 scans``."""
    return f"{count} {noun if count == 1 else several or f'{noun}s'}"
