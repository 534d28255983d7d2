"""Chooses the peers' parameters for CT on people of the training set, by noise level and kernel.

    python -m benchmarks.anatomy.tune

People of low noise: chest, abdomen and a limb for stacks, four others for single slices. Every
point of the grids on `SIDE`² pixels of each; the lowest own error, geometric mean over people. None
of them is scored in `run.py`. BM4D takes no single slices.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.anatomy.cases import Cell, HeldOut, cells, told_all
from benchmarks.anatomy.peers import TUNED, restored
from benchmarks.anatomy.scores import own_error

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = {
    "stack": (
        HeldOut("abdomen", "ct_acrin001_a"),
        HeldOut("chest", "ct_acrin013_chest"),
        HeldOut("limb", "ct/sts025_limb"),
    ),
    "single slice": (
        HeldOut("single slice", "ct/tcga17z013_2"),
        HeldOut("single slice", "ct/tcga17z019_1"),
        HeldOut("single slice", "ct/tcga17z053_3"),
        HeldOut("single slice", "ct/tcga17z054_1"),
    ),
}
SIDE = 72
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "tv": {"weight": (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2)},
    "nlm": {"h": (0.4, 0.6, 0.8, 1.1), "patch": (5,), "distance": (5,)},
}
FACTORS = {"smooth": (1.8, 2.6), "sharp": (1.2, 1.8)}
"""Of BM4D's σ, which stands for white noise; 3.6 was worse at 60 HU than 2.6, and 0.9 than 1.2."""


def points(method: str, kernel: str) -> Iterator[dict[str, Any]]:
    """Every point of a method's grid."""
    grid = {"factor": FACTORS[kernel]} if method == "bm4d" else GRIDS[method]
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def best(method: str, people: list[Cell]) -> dict[str, Any]:
    """The grid point of the least own error."""
    errors = {}
    for number, parameters in enumerate(points(method, people[0].kernel)):
        found = []
        for cell in people:
            image = restored(method, told_all(cell.case), cell.kernel, parameters)
            assert image is not None, f"{method} is not installed"
            found.append(max(own_error(image, cell), 1e-3))
        errors[number] = float(np.exp(np.mean(np.log(found))))
        print(
            people[0].kernel,
            people[0].case.level,
            method,
            parameters,
            np.round(found, 2),
            flush=True,
        )
    return list(points(method, people[0].kernel))[min(errors, key=lambda number: errors[number])]


def main() -> None:
    """Tune everything."""
    table: dict[str, Any] = {}
    for kind, people in PEOPLE.items():
        together: dict[tuple[str, str], list[Cell]] = {}
        for cell in cells("CT", people, SIDE):
            together.setdefault((cell.kernel, f"{cell.case.level:g}"), []).append(cell)
        for (kernel, level), some in together.items():
            methods = (*GRIDS, "bm4d") if kind == "stack" else tuple(GRIDS)
            found = {method: best(method, some) for method in methods}
            table.setdefault(kind, {}).setdefault(kernel, {})[level] = found
            TUNED.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
