"""The table of benchmarks/noise: for each kind of noise, how many scans are within 15 %."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.software import device_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Rows = Iterable[Mapping[str, Any]]

TOP = """# Noise estimates

Written by `python -m benchmarks.noise.run` ({machine}; seeds from the scans' names). Known noise
is added to {scans} scans of `../shared/data`; an estimate is right where its increment is:
q = √(e(a)² − e(0)²)/a = 1. Percentage of scans with q within 15 % (within 30 %), and the median of
q. `medrestore` is what runs with `noise="auto"` take; "second differences" is a candidate whose
thresholds were set on these scans, and which reads the real noise of `real_noise/mr_dti` a third
too low.
"""


def write_page(rows: Rows, path: Path) -> None:
    """Tables by kind of noise, and by anatomy for ours."""
    rows = list(rows)
    scans = len({row["scan"] for row in rows})
    parts = [TOP.format(machine=f"{device_name('cpu')}, {date.today().isoformat()}", scans=scans)]
    for modality in ("MR", "CT"):
        mine = [row for row in rows if row["modality"] == modality]
        if not mine:
            continue
        parts += [f"## {modality}\n", _table(mine, ("estimator", "noise"))]
        ours = [row for row in mine if row["estimator"] == "medrestore"]
        parts += ["By anatomy, medrestore:\n", _table(ours, ("anatomy", "noise"))]
    path.write_text("\n".join(parts), encoding="utf-8")


def _table(rows: list[Mapping[str, Any]], keys: tuple[str, str]) -> str:
    levels = sorted({float(row["level"]) for row in rows})
    names = [f"{100 * v:g} %" if v < 1 else f"{v:g} HU" for v in levels]
    lines = [
        f"| {keys[0]} | {keys[1]} | n | {' | '.join(names)} |",
        "|---" * (3 + len(names)) + "|",
    ]
    groups: dict[tuple[str, ...], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = tuple(row[one] for one in keys)
        single = row["modality"] == "CT" and row["anatomy"] == "single slice"
        if keys[0] != "anatomy" and row["modality"] == "CT":
            key = (*key[:1], f"{key[1]}, {'single slices' if single else 'volumes'}")
        groups[key][float(row["level"])].append(float(row["q"]))
    for key, found in sorted(groups.items()):
        cells = [_cell(np.array(found[level])) for level in levels]
        lines.append(f"| {' | '.join(key)} | {len(found[levels[0]])} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(q: np.ndarray) -> str:
    near, wide = (100 * np.mean(np.abs(q - 1) <= limit) for limit in (0.15, 0.3))
    return f"{near:.0f} ({wide:.0f}); {np.nanmedian(q):.2f}"
