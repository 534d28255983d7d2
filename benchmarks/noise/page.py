"""The tables of benchmarks/noise: for each kind of noise, how many scans are within 15 %."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.noise.text import CELLS, PEERS, REAL, SPLIT, TOP, WELL_POSED, WHERE_UNSURE
from medrestore.devices import device_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Row = dict[str, Any]

OURS = "medrestore"


def write_page(rows: list[Row], real: list[Row], path: Path) -> None:
    """All tables, ours first."""
    scans = len({row["scan"] for row in rows})
    machine = f"{device_name('cpu')}, {date.today().isoformat()}"
    parts = [TOP.format(machine=machine, scans=scans), CELLS]
    for modality in ("MR", "CT"):
        mine = [row for row in rows if row["modality"] == modality]
        ours = [row for row in mine if row["estimator"] == OURS]
        if not ours:
            continue
        parts += [f"## {modality}\n", _table(ours, ("noise", "group"), _group)]
        parts += [SPLIT, _table(ours, ("half", "noise"), lambda row: row["half"])]
        parts += [WELL_POSED, _well_posed(ours)]
        if modality == "MR":
            parts += [WHERE_UNSURE, _ranges(ours)]
        parts += ["By anatomy:\n", _table(ours, ("anatomy", "noise"), lambda row: row["anatomy"])]
        parts += ["Noise that the scans have of their own:\n", _own(ours)]
        others = [row for row in mine if row["estimator"] != OURS]
        if others:
            parts += [PEERS, _table(others, ("estimator", "noise"), lambda row: row["estimator"])]
    if real:
        parts += [REAL, _real(real)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _group(row: Row) -> str:
    """Single slices apart from volumes."""
    return "single slices" if row["anatomy"] == "single slice" else "volumes"


def _levels(rows: Sequence[Row]) -> list[float]:
    return sorted({row["level"] for row in rows})


def _unit(level: float) -> str:
    return f"{100 * level:g} %" if level < 1 else f"{level:g} HU"


def _table(rows: list[Row], names: tuple[str, str], first: Callable[[Row], str]) -> str:
    """Share of scans by kind of noise and whatever ``first`` says, a column for each level."""
    levels = _levels(rows)
    lines = [
        f"| {names[0]} | {names[1]} | n | {' | '.join(map(_unit, levels))} |",
        "|---" * (3 + len(levels)) + "|",
    ]
    groups: dict[tuple[str, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        pair = (first(row), row["noise"])
        pair = pair[::-1] if names[0] == "noise" else pair
        groups[pair][row["level"]].append(row["q"])
    for pair, found in sorted(groups.items()):
        cells = [_cell(np.array(found[level])) for level in levels]
        lines.append(f"| {' | '.join(pair)} | {len(found[levels[0]])} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(q: np.ndarray) -> str:
    near, wide = (100 * np.mean(np.abs(q - 1) <= limit) for limit in (0.15, 0.3))
    middle = f"{np.nanmedian(q):.2f}" if np.isfinite(q).any() else "–"
    return f"{near:.0f} ({wide:.0f}); {middle}"


def _well_posed(rows: list[Row]) -> str:
    """Share within 15 % by how strong the scan's own noise is beside what was added."""
    lines = ["| noise | level | own ≤ a | own ≤ 2a | all |", "|---|---|---|---|---|"]
    for noise in sorted({row["noise"] for row in rows}):
        for level in _levels(rows):
            here = [row for row in rows if row["noise"] == noise and row["level"] == level]
            cells = []
            for most in (1.0, 2.0, np.inf):
                q = np.array([row["q"] for row in here if row["own"] <= most * level])
                share = f"{100 * np.mean(np.abs(q - 1) <= 0.15):.0f}" if q.size else "–"
                cells.append(f"{share} of {q.size}")
            lines.append(f"| {noise} | {_unit(level)} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _ranges(rows: list[Row]) -> str:
    """How often a range is said, and whether an error beyond 30 % comes with one."""
    lines = [
        "| noise | level | range said | error > 30 % | of them with a range |",
        "|---" * 5 + "|",
    ]
    for noise in sorted({row["noise"] for row in rows}):
        for level in _levels(rows):
            here = [row for row in rows if row["noise"] == noise and row["level"] == level]
            said = np.array([row["high"] > 0 for row in here])
            off = np.array([not abs(row["q"] - 1) <= 0.3 for row in here])
            lines.append(
                f"| {noise} | {_unit(level)} | {100 * said.mean():.0f} % | {off.sum()} "
                f"of {off.size} | {(said & off).sum()} |"
            )
    return "\n".join([*lines, ""])


def _own(rows: list[Row]) -> str:
    """e(0) of each scan on the first kind of noise, or of single slices their quantiles."""
    kind = "white" if rows[0]["modality"] == "MR" else rows[0]["noise"]
    here = {row["scan"]: row for row in rows if row["noise"] == kind}
    unit, factor = ("%", 100) if rows[0]["modality"] == "MR" else ("HU", 1)
    volumes = [row for row in here.values() if _group(row) == "volumes"]
    volumes.sort(key=lambda row: row["own"])
    named = ", ".join(f"{row['scan']} {factor * row['own']:.2g}" for row in volumes)
    text = f"In {unit}: {named}."
    slices = [factor * row["own"] for row in here.values() if _group(row) != "volumes"]
    if slices:
        low, middle, high = np.percentile(slices, [10, 50, 90])
        text += f" {len(slices)} single slices: {low:.0f} to {high:.0f}, median {middle:.0f}."
    below = [
        f"{sum(row['own'] < level for row in here.values())} of {len(here)} below {_unit(level)}"
        for level in _levels(rows)
    ]
    return f"{text} {'; '.join(below)}.\n"


def _real(rows: list[Row]) -> str:
    lines = ["| scan | known | found | range | how |", "|---|---|---|---|---|"]
    for row in rows:
        said = f"{row['low']:.3g} to {row['high']:.3g}" if row["high"] > 0 else "–"
        known, found = float(row["known"]), row["found"]
        lines.append(
            f"| {row['scan']} | {known:g} | {found:g} ({100 * (found / known - 1):+.0f} %) "
            f"| {said} | {row['method']} |"
        )
    return "\n".join([*lines, ""])
