"""The page and its figure, from the CSV files.

python -m benchmarks.noise_texture.page
"""

from __future__ import annotations

import csv
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medrestore.results.software import device_name

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
Row = dict[str, str]
INK, RED, BLUE = "#3b4350", "#c8553d", "#2a6f97"
WITHIN = 0.1
HEAD = """# Noise as it is: power by band of real and of training noise

Made by `python -m benchmarks.noise_texture.run` on {device}, {day}. Power of noise in calm blocks
of 24 × 24 pixels by band of spatial frequency, 0.1 to 0.71 cycles a pixel (below, anatomy leads),
as shares, blocks alike; training noise at the same places and at the scan's own level. Bands count
that hold at least 5 % of the highest power density. *Nearest*: of the six kernels that the noise
banks had, on a detector as coarse as the pixels. *Fitted*: the kernel and the direction that are
now measured in each scan (`training.noise_power`). *Held out*: fitted in one half of the blocks,
compared in the other, both ways, where both have 50 blocks. *Error*: standard error of the scan's
own power, by jackknife.

"""


def write(folder: Path, unknown: Sequence[str] | None = None) -> None:
    """The page; ``unknown`` names the scans without enough calm blocks."""
    rows, mr = (_read(folder / f"{name}.csv") for name in ("ct", "mr"))
    _draw(rows, folder / "ct.png")
    parts = [
        HEAD.format(device=device_name("cpu"), day=date.today().isoformat()),
        "## CT\n\n",
        _summary(rows),
        "\n![Noise power by band](ct.png)\n\n",
        _table(rows),
    ]
    if unknown:
        parts.append(f"\nToo few calm blocks to measure: {', '.join(sorted(unknown))}.\n")
    parts += ["\n## MR\n\n", _mr(mr)]
    (folder / "README.md").write_text("".join(parts), encoding="utf-8")


def _read(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _scans(rows: list[Row]) -> list[list[Row]]:
    return [list(group) for _, group in groupby(rows, key=lambda row: row["scan"])]


def _ratios(rows: Sequence[Row], column: str) -> Any:
    found = [r[column] for r in rows if r["counted"] == "True" and r[column]]
    return np.array([float(value) for value in found])


def _summary(rows: list[Row]) -> str:
    lines = [
        "| noise | bands | within 10 % | within 10 % or two errors | largest | pooled by band |",
        "|---|---|---|---|---|---|",
    ]
    for name, column in (
        ("nearest", "nearest_over_real"),
        ("fitted", "fitted_over_real"),
        ("held out", "held_out_over_real"),
    ):
        counted = [row for row in rows if row["counted"] == "True" and row[column]]
        off = np.abs(_ratios(counted, column) - 1)
        bound = np.array([max(WITHIN, 2 * float(row["error"])) for row in counted])
        pooled = [
            float(np.exp(np.log(_ratios(band, column)).mean()))
            for _, band in groupby(sorted(counted, key=_band), key=_band)
            for band in [list(band)]
        ]
        lines.append(
            f"| {name} | {len(off)} | {100 * (off <= WITHIN).mean():.0f} % | "
            f"{100 * (off <= bound).mean():.0f} % | {100 * off.max():.0f} % | "
            f"{', '.join(f'{value:.2f}' for value in pooled)} |"
        )
    return "\n".join([*lines, ""])


def _band(row: Row) -> float:
    return float(row["from_per_pixel"])


def _table(rows: list[Row]) -> str:
    lines = [
        "| scan | kernel | pixel, mm | HU | blocks | error, % | nearest: largest difference, % |"
        " fitted | held out | power along y over x | nearest | fitted | std, 90th over 10th |"
        " fitted |",
        "|" + "---|" * 14,
    ]
    for scan in _scans(rows):
        one, counted = scan[0], [row for row in scan if row["counted"] == "True"]
        apart = []
        for column in ("nearest_over_real", "fitted_over_real", "held_out_over_real"):
            found = _ratios(counted, column)
            apart.append(f"{100 * np.abs(found - 1).max():.0f}" if found.size else "–")
        errors = [100 * float(row["error"]) for row in counted]
        cells = [
            *(one["scan"], one["kernel"], one["pixel_mm"], one["own_hu"], one["blocks"]),
            f"{min(errors):.0f} to {max(errors):.0f}",
            *apart,
            *(f"{float(one[c]):.2f}" for c in ("direction", "direction_nearest")),
            f"{float(one['direction_fitted']):.2f}",
            *(one["std_spread"], one["std_spread_fitted"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _mr(rows: list[Row]) -> str:
    lines = ["| what | how | simulated over real, or over theory |", "|---|---|---|"]
    for (what, part), group in groupby(rows, key=lambda row: (row["what"], row["part"])):
        values = ", ".join(f"{float(row['simulated_over_real']):.2f}" for row in group)
        lines.append(f"| {what} | {part} | {values} |")
    note = (
        "Bands as above. Repeats: in brackets the acquired part of k-space along y, how much of it,"
        " the part along x, and both apodisations, found in the family that training draws from."
        " GRAPPA of eight coils is white within a block; over a patch its noise is what training"
        " draws, white noise times a smooth map. What it correlates lies a fold of the field of"
        " view apart.\n"
    )
    return "\n".join([*lines, "", note])


def _draw(rows: list[Row], path: Path) -> None:
    """Power density against frequency: a panel a kernel, its scan with most blocks."""
    best: dict[str, list[Row]] = {}
    for scan in _scans(rows):
        kernel = " ".join(scan[0]["kernel"].split()[:3])
        if kernel not in best or int(scan[0]["blocks"]) > int(best[kernel][0]["blocks"]):
            best[kernel] = scan
    shown = list(best.values())[:8]
    figure = Figure(figsize=(9, 2.2 * -(-len(shown) // 4) + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, scan in enumerate(shown):
        axes = figure.add_subplot(-(-len(shown) // 4), 4, panel + 1)
        at = np.array([(_band(r) + float(r["to_per_pixel"])) / 2 for r in scan])
        real, error = (np.array([float(r[name]) for r in scan]) for name in ("real", "error"))
        axes.errorbar(
            at, real, 2 * real * error, color=INK, fmt="o", ms=3, label="scan, ± 2 errors"
        )
        for label, column, colour in (
            ("nearest", "nearest_over_real", BLUE),
            ("fitted", "fitted_over_real", RED),
        ):
            ratio = np.array([float(r[column]) for r in scan])
            axes.plot(at, real * ratio, color=colour, lw=1.3, label=label)
        title = f"{scan[0]['kernel'].split(' kVp')[0][:28]}, {float(scan[0]['own_hu']):.0f} HU"
        axes.set_title(title, fontsize=7)
        axes.tick_params(labelsize=6)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"cycles a pixel of {float(scan[0]['pixel_mm']):.2f} mm", fontsize=6)
        axes.spines[["top", "right"]].set_visible(False)
        if panel == 0:
            axes.legend(fontsize=6, frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    write(HERE)
