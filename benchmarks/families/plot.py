"""The figure: fidelity and honesty against what a slice costs; colours are families."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.families.verdict import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.families.table import Row

__all__ = ["apart", "draw"]

COLUMNS = {
    "MR 3 %": "MR, 3 % Rician noise",
    "MR 9 %": "MR, 9 % Rician noise",
    "CT 30 HU": "CT, 30 HU",
}
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#b8559a", "#8c6d1f", "#5b3f8c"),
    *("#2fa3d7", "#77828f", "#d99a00", "#000000"),
)
"""After Okabe and Ito, whom those who see red and green alike can follow; darker where faint."""
SHAPES = {
    "moment-matched": "o",
    "consistency": "o",
    "ddpm": "^",
    "ddim": "s",
    "heun": "D",
    "predictor-corrector": "P",
    "ve-sde": "X",
    "langevin": "v",
}
FAINT, INK = "#c4c9d0", "#3b4350"
HONEST = (0.9, 1.1)
RATIOS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5)
COUNTS = (1, 10, 100, 1000)
GAP = 0.068
"""Least distance of two labels, as a share of the axes' height."""
LEAST_DB = 2.0
"""What the PSNR axes span at least: less is no difference to look at."""


class Point(NamedTuple):
    """Where a method stands in a panel."""

    family: str
    sampler: str
    x: float
    y: float


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the figure; nothing where no row has figures.

    Parameters
    ----------
    rows : sequence of dict
        Of the table.
    path : Path
        A picture; its suffix says of which kind.
    """
    drawn = [row for row in rows if "psnr" in row and row["data"] in COLUMNS]
    data = [name for name in COLUMNS if any(row["data"] == name for row in drawn)]
    if not data:
        return
    families = list(dict.fromkeys(row["family"] for row in drawn))
    colour = dict(zip(families, COLOURS, strict=False))
    figure = Figure(figsize=(4.6 * len(data), 6.6), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(data), squeeze=False)
    for column, name in zip(panels.T, data, strict=True):
        here = [row for row in drawn if row["data"] == name]
        column[0].set_title(COLUMNS[name], loc="left", fontsize=11, color=INK, pad=10)
        _fidelity(column[0], points(here, "psnr"), colour)
        _honesty(column[1], points(here, "spread"), colour)
        column[1].set_xlabel("network evaluations for a slice", fontsize=9, color=INK)
    panels[0, 0].set_ylabel("PSNR of the image shown, dB", fontsize=9, color=INK)
    panels[1, 0].set_ylabel("spread of the samples / true error", fontsize=9, color=INK)
    _legend(figure, {str(row["sampler"]) for row in drawn})
    figure.savefig(path, dpi=130, metadata={"Software": None} if path.suffix == ".png" else None)


def points(rows: Sequence[Row], what: str) -> list[Point]:
    """Of one panel; the spread is that of the samples, of the map where there are none."""
    found = []
    for row in rows:
        value = row["psnr"] if what == "psnr" else row.get("sample_ratio", row.get("std_ratio"))
        sampler = str(row["sampler"]).replace("Scheduler", "").lower()
        sampler = "moment-matched" if sampler == "none" else sampler
        if value is not None:
            found.append(Point(row["family"], sampler, float(row["evaluations"]), float(value)))
    return sorted(found)


def _fidelity(axes: Axes, found: Sequence[Point], colour: dict[str, str]) -> None:
    low, high = min(p.y for p in found), max(p.y for p in found)
    room = max(LEAST_DB - (high - low), 0.0) / 2 + 0.1 * max(high - low, LEAST_DB)
    axes.set_ylim(low - room, high + room)
    _panel(axes, found, colour)


def _honesty(axes: Axes, found: Sequence[Point], colour: dict[str, str]) -> None:
    axes.set_yscale("log")
    low, high = min(0.7, *(p.y for p in found)), max(1.4, *(p.y for p in found))
    axes.set_ylim(low / 1.1, high * 1.1)
    axes.axhspan(*HONEST, color="#e6f3ee", lw=0, zorder=0)
    axes.axhline(1, color="#7bb8a0", lw=0.9, zorder=1)
    axes.yaxis.set_major_locator(FixedLocator(RATIOS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    _panel(axes, found, colour)
    axes.text(
        0.015,
        _share(HONEST[0], axes.get_ylim(), math.log) + 0.008,
        "within 10 %",
        transform=axes.transAxes,
        fontsize=7.5,
        color="#4f9479",
        ha="left",
        va="bottom",
    )


def _panel(axes: Axes, found: Sequence[Point], colour: dict[str, str]) -> None:
    """Budgets of one sampler joined by a line; names of the families on the right."""
    axes.set_xscale("log")
    axes.set_xlim(0.75, max(600.0, *(1.5 * p.x for p in found)))
    axes.xaxis.set_major_locator(FixedLocator(COUNTS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.tick_params(labelsize=8, colors=INK, color=FAINT, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(axis="y", color="#eef0f2", lw=0.8, zorder=0)
    axes.set_axisbelow(True)
    for (family, sampler), group in groupby(found, key=lambda p: (p.family, p.sampler)):
        line = list(group)
        x, y = [p.x for p in line], [p.y for p in line]
        top = 2 * (family == DEFAULT[0])
        style: dict[str, Any] = {"color": colour[family], "zorder": 3 + top}
        axes.plot(x, y, lw=1.3 + 0.4 * top, alpha=0.5, **style | {"zorder": 2 + top})
        shape = SHAPES.get(sampler, "o")
        axes.plot(x, y, shape, ms=6.5, mec="white", mew=0.8, clip_on=False, **style)
    _label(axes, found, colour)


def _label(axes: Axes, found: Sequence[Point], colour: dict[str, str]) -> None:
    """Names of the families beside the panel, as near to their last points as there is room."""
    ends = {family: max(group, key=lambda p: p.x) for family, group in _by_family(found).items()}
    log = axes.get_yscale() == "log"
    places = [_share(p.y, axes.get_ylim(), math.log if log else float) for p in ends.values()]
    for (family, end), place, at in zip(ends.items(), places, apart(places, GAP), strict=True):
        x = _share(end.x, axes.get_xlim(), math.log)
        style: dict[str, Any] = {"transform": axes.transAxes, "color": colour[family]}
        axes.plot(
            [x, 1.0, 1.03], [place, at, at], lw=0.7, alpha=0.35, clip_on=False, zorder=1, **style
        )
        short = family.rpartition(", ")[2]
        axes.text(1.04, at, short, va="center", ha="left", fontsize=8, **style)


def _by_family(found: Sequence[Point]) -> dict[str, list[Point]]:
    return {name: [p for p in found if p.family == name] for name in {p.family: 0 for p in found}}


def _share(value: float, limits: tuple[float, float], scale: Any) -> float:
    """Where a value lies between limits, 0 to 1."""
    low, high = (scale(limit) for limit in limits)
    return float((scale(value) - low) / (high - low))


def apart(wanted: Sequence[float], gap: float, highest: float = 1.0) -> list[float]:
    """Positions at least ``gap`` apart, in the same order and as near to the wanted as possible.

    Least squares: neighbours that are pushed together move as one block about their mean; what
    would end above ``highest`` moves down.
    """
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[float]] = []  # sum of wanted starts, members
    for i, value in enumerate(np.asarray(wanted, float)[order]):
        blocks.append([float(value) - i * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    starts = [total / count for total, count in blocks for _ in range(int(count))]
    ranks = np.arange(len(starts))
    limits = highest - (len(starts) - 1 - ranks) * gap
    found = np.empty(len(starts))
    found[order] = np.minimum(np.array(starts) + ranks * gap, limits)
    return [float(place) for place in found]


def _plain(value: float, _: object) -> str:
    return f"{value:g}"


def _legend(figure: Figure, samplers: set[str]) -> None:
    """Which shape is which sampler."""
    known = {name.replace("Scheduler", "").lower() for name in samplers}
    shown = [("own sampler", "o")] + [
        (name, shape) for name, shape in SHAPES.items() if shape != "o" and name in known
    ]
    handles = [
        Line2D([], [], marker=shape, ls="", color="#6b7480", mec="white", ms=7, label=name)
        for name, shape in shown
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        handletextpad=0.2,
    )
