"""The benchmark's figures as a page."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["page"]

HEAD = """\
# Image quality from noise realisations

`python -m benchmarks.ensembles.run` wrote this page and `figures.csv` (all figures, with 95 %
intervals of the jackknife over realisations): {realisations} realisations at each level of added
noise in soft tissue, half with inserts, half without; seed {seed}. Machine and date: {machine}.
The scene is the plain phantom of `medrestore ensemble make`, 5 slices of 256 × 256 voxels. Every
method was told the true σ; `ct_slice` is `samples=0`, `sample` one posterior sample. NLM and TV
have the tuned parameters of `benchmarks/quality` and see the stack in 3-D. What each figure is:
[docs/evaluation.md](../../docs/evaluation.md).

All methods see the same noise, and both levels have the same draws, stronger in one: chance is
shared. The phantom has no anatomy, so nothing here says how a method does in anatomy; its
lesions are spheres, and detectability is that of an observer who knows shape and place.
"""


def page(rows: list[dict[str, Any]], realisations: int, seed: int, machine: str) -> str:
    """Markdown: a table for each level."""
    parts = [HEAD.format(realisations=realisations, seed=seed, machine=machine)]
    for level in dict.fromkeys(row["noise_hu"] for row in rows):
        here = [row for row in rows if row["noise_hu"] == level]
        parts += [f"## {level:g} HU\n", _overall(here), _lesions(here)]
    return "\n".join(parts)


def _overall(rows: list[dict[str, Any]]) -> str:
    rods = [of for of in dict.fromkeys(row["of"] for row in rows) if of.startswith("rod")]
    shown = {"noise std": "noise std (HU)", "NPS mean frequency": "NPS mean f (1/mm)"}
    titles = ["method", *shown.values(), "linearity slope", "largest deviation (HU)"]
    titles += [f"f₅₀, {of.removeprefix('rod ').split(', ')[1]}" for of in rods]
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = [method, *(_cell(rows, method, "all", one) for one in shown)]
        cells += [_cell(rows, method, "all", "linearity slope", 4)]
        cells += [_cell(rows, method, "all", "linearity largest")]
        lines.append(cells + [_cell(rows, method, of, "TTF f50") for of in rods])
    return _table(titles, lines)


def _lesions(rows: list[dict[str, Any]]) -> str:
    kinds = [of for of in dict.fromkeys(row["of"] for row in rows) if of.startswith("lesion")]
    parts = []
    for title, figure in (
        ("d′, channelised Hotelling observer", "CHO d'"),
        ("d′, matched filter", "matched filter d'"),
        ("contrast left", "contrast left"),
        ("recall of erased lesions (their number)", "recall of erased"),
    ):
        lines = []
        for method in dict.fromkeys(row["method"] for row in rows):
            cells = [_interval(rows, method, of, figure) for of in kinds]
            if any(cell != "–" for cell in cells):
                lines.append([method, *cells])
        parts.append(_table([title, *(of.removeprefix("lesion ") for of in kinds)], lines))
    return "\n".join(parts)


def _found(rows: list[dict[str, Any]], *key: str) -> dict[str, Any] | None:
    return next((r for r in rows if (r["method"], r["of"], r["figure"]) == key), None)


def _cell(rows: list[dict[str, Any]], method: str, of: str, figure: str, digits: int = 3) -> str:
    row = _found(rows, method, of, figure)
    return "–" if row is None or math.isnan(row["value"]) else f"{row['value']:.{digits}g}"


def _interval(rows: list[dict[str, Any]], method: str, of: str, figure: str) -> str:
    row = _found(rows, method, of, figure)
    if row is None:
        return "–"
    if figure == "recall of erased":
        count = _found(rows, method, of, "lesions erased")
        number = int(count["value"]) if count else 0
        return f"{row['value']:.2f} ({number})" if number else "none erased"
    return f"{row['value']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]"


def _table(titles: list[str], lines: list[list[str]]) -> str:
    rule = "|".join(["---"] * len(titles))
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"| {' | '.join(titles)} |\n|{rule}|\n{body}\n"
