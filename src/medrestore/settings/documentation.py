"""Settings as documentation: parameters of a docstring, and the page docs/settings.md."""

from __future__ import annotations

from textwrap import indent, wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.settings.description import Setting

__all__ = ["page", "with_parameters"]

PAGE = """\
# Settings

The same in Python (`medrestore.denoise`, `medrestore.Settings`), on the command line
(`medrestore denoise`, `medrestore batch`) and in napari, under the label in the fourth column.
This page is written by `medrestore.settings.documentation.page` from the descriptions in
`medrestore.settings.settings`.

| Python | command line | values | napari | what it is |
|---|---|---|---|---|
{rows}
"""


def with_parameters(docstring: str, settings: Mapping[str, Setting]) -> str:
    """A class's docstring with its settings as parameters, as numpydoc has them."""
    lines = ["Parameters", "----------"]
    for name, one in settings.items():
        lines.append(f"{name} : {one.kind.values}")
        lines += wrap(one.text, 96, initial_indent="    ", subsequent_indent="    ")
    summary, _, rest = docstring.partition("\n\n")
    return "\n\n".join([summary, indent("\n".join(lines), "    "), rest])


def page(settings: Mapping[str, Setting]) -> str:
    """The settings as a table in Markdown."""
    rows = []
    for name, one in settings.items():
        values = one.kind.values.replace("|", ", ")
        what = one.text.replace("``", "`").replace("|", "\\|")
        cells = (f"`{name}`", f"`--{name.replace('_', '-')}`", values, one.label or "–", what)
        rows.append(f"| {' | '.join(cells)} |")
    return PAGE.format(rows="\n".join(rows))
