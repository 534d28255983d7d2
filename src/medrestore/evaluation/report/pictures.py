"""Slices of the best, the median and the worst case, as a part of the page."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from medrestore.evaluation.compared import figure_of
from medrestore.evaluation.picture import DIFFERENCE, SPREAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.picture import Picture, Shown
    from medrestore.evaluation.report_of_case import Report

__all__ = ["chosen", "gallery"]

LONG_MM, SHORT_MM = 50, 20
STOPS = 9


def chosen(reports: Sequence[Report]) -> dict[str, Report]:
    """The cases that are shown, by what they are: by RMSE of the first method in the foreground."""
    having = [report for report in reports if report.picture is not None]
    method = reports[0].methods[0]

    def error(report: Report) -> float:
        found = report.of(method)
        return figure_of(found, "RMSE", report.modality)

    order = sorted(having, key=error)
    if len(order) < 3:
        names = ("best", "worst") if len(order) == 2 else ("",)
        return dict(zip(names, order, strict=False))
    return {"best": order[0], "median": order[(len(order) - 1) // 2], "worst": order[-1]}


def gallery(reports: Sequence[Report]) -> str:
    """HTML of the chosen cases; empty without pictures."""
    return "".join(_case(which, report) for which, report in chosen(reports).items())


def _case(which: str, report: Report) -> str:
    picture = report.picture
    assert picture is not None  # chosen so
    found = report.of(report.methods[0])
    title = escape(report.case) + (f": {which} by RMSE of {escape(found.method)}" if which else "")
    text = (
        f"RMSE {_number(found.rmse)} {report.unit}; slice {picture.slice}, {picture.window} window"
    )
    names = ("reference", "noisy", *report.methods)
    cells = [_cell(name, picture.images, name) for name in names]
    cells[0] = cells[0].replace("</div>", f"{_ruler(picture.width_mm)}</div>", 1)
    scales = [_scale("window", picture.images, report.unit, "gray")]
    rows = [*cells, _across(scales), *_below(picture, names, report.unit)]
    return (
        f'<h3>{title}</h3><p class="soft">{text}</p>'
        f'<div class="slices" style="--columns:{len(names)}">{"".join(rows)}</div>'
    )


def _below(picture: Picture, names: Sequence[str], unit: str) -> list[str]:
    """Differences, and standard deviations: a single one below the reference, more in a row."""
    differences, spreads = picture.differences, picture.spreads
    cells = [_cell(name, differences, f"difference, {name}") for name in names[1:]]
    scales = [_scale("difference", differences, unit, DIFFERENCE)]
    if spreads is None:
        return ["<div></div>", *cells, _across(scales)]
    scales.append(_scale("standard deviation", spreads, unit, SPREAD))
    drawn = [_cell(name, spreads, f"std, {name}") for name in names]
    if len(spreads.pictures) == 1:
        return [*(cell for cell in drawn if "<img" in cell), *cells, _across(scales)]
    return ["<div></div>", *cells, *drawn, _across(scales)]


def _cell(name: str, shown: Shown, label: str) -> str:
    """A picture with its label; an empty place where there is none."""
    data = shown.pictures.get(name)
    if data is None:
        return "<div></div>"
    source = f"data:image/webp;base64,{b64encode(data).decode()}"
    return (
        f'<figure><div class="frame"><img src="{source}" alt="{escape(label)}"></div>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )


def _across(scales: Sequence[str]) -> str:
    return f'<div class="across">{"".join(scales)}</div>'


def _ruler(width_mm: float) -> str:
    """A scale bar of a round length."""
    length = LONG_MM if width_mm > 3 * LONG_MM else SHORT_MM
    return f'<span class="ruler" style="width:{100 * length / width_mm:.2f}%">{length} mm</span>'


def _scale(kind: str, shown: Shown, unit: str, colours: str) -> str:
    """A colour bar with its ends."""
    stops = ",".join(to_hex(colormaps[colours](x)) for x in np.linspace(0, 1, STOPS))
    ends = [_number(value) for value in (shown.low, shown.high)]
    return (
        f'<div class="scale"><span>{escape(kind)}</span>'
        f'<span class="colours" style="background:linear-gradient(to right,{stops})"></span>'
        f"<span>{ends[0]} … {ends[1]} {escape(unit)}</span></div>"
    )


def _number(value: float) -> str:
    """Three digits, at least all before the point, and a true minus."""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")
