"""Scans as they are: the acquired grid that each seems to have, and whether it is chosen.

    python -m benchmarks.own_grid.found

The middle 12 slices of every MR scan under `../shared/data`, then those that `run` fills with
zeros; noise estimated. *body* and *worst* are what lies beyond the grid that the edge in k-space
tells, over σ: RMS in the body, and in the worst hundredth of its places
(`core.acquired_grid.lost_on`). Writes `benchmarks/own_grid/found.csv` (two minutes of one core).
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import medrestore as mr
from benchmarks.own_grid.run import DATA, HERE, LEVELS, SCANS, case_of
from medrestore.core.acquired_grid import acquired_grid, lost_on
from medrestore.engine.grid_choice import choose_grid
from medrestore.engine.noise import resolve_levels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("train", "train/mr", "validation", "real_noise")
SLICES = 12


def middle(path: Path) -> mr.Volume:
    """The middle slices of a scan, or of its first time point."""
    volume = mr.read(path, modality="MR").time_point(0)
    first = max(0, (len(volume.array) - SLICES) // 2)
    return volume.slices(tuple(range(first, min(first + SLICES, len(volume.array)))))


def row_of(name: str, volume: mr.Volume) -> dict[str, Any]:
    """What is found and chosen."""
    levels = resolve_levels(volume)
    noise, scale = levels[0]
    found = acquired_grid(volume.array, scale)
    row: dict[str, Any] = {
        "scan": name,
        "noise": round(noise.sigma / scale, 4),
        "shown": "×".join(map(str, volume.array.shape[1:])),
        "found": "" if found is None else "×".join(map(str, found)),
    }
    if found is not None:
        body, worst = lost_on(volume.array, scale, found)
        row |= {"body": round(body / noise.sigma, 3), "worst": round(worst / noise.sigma, 3)}
        for asked in ("auto", "acquired"):
            size = choose_grid(asked, volume, levels).size
            row[asked] = "shown" if size is None else "acquired"
    return row


def scans() -> Iterator[tuple[str, mr.Volume]]:
    """Each scan with its name."""
    files = [path for folder in FOLDERS for path in sorted((DATA / folder).glob("*.nii.gz"))]
    for path in files:
        if path.parent.name == "mr" or path.name.startswith("mr_"):
            yield path.name.removesuffix(".nii.gz"), middle(path)
    for name, scan in SCANS.items():
        for level in LEVELS:
            yield f"{name}, {100 * level:g} %", case_of(scan, level, slices=1).volume


COLUMNS = ("scan", "noise", "shown", "found", "body", "worst", "auto", "acquired")


def main() -> None:
    """Look at every scan."""
    with (HERE / "found.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for name, volume in scans():
            row = row_of(name, volume)
            print(*row.values(), flush=True)
            writer.writerow(row)


if __name__ == "__main__":
    main()
