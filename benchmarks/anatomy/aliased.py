"""Models under noise that a finer detector aliases, as that of real sharp kernels is.

    python -m benchmarks.anatomy.aliased ct_slice [FOLDER=NAME …]

The cells of `benchmarks.anatomy.cases` at 30 HU, with kernels through two detector elements a pixel
(`physics.scanner`); all noise told, one evaluation a slice, no peers. A model in a folder, the one
before for example, gets rows by its name. Own error in HU, std over it, and the share of noise-free
values in the 90 % interval that both imply. Writes `benchmarks/anatomy/aliased.csv`, where rows of
others stay.
"""

from __future__ import annotations

import sys

import torch

from benchmarks.anatomy import cases, ours, rows
from benchmarks.anatomy.coverage import coverages
from benchmarks.anatomy.scores import own_error
from medrestore.models.model import find_card, load
from medrestore.physics.ct import Scanner

KERNELS = {
    "smooth": Scanner(360, 0.8, rays=2),
    "sharp": Scanner(360, 2.0, edge=1.0, rays=2),
    "bone": Scanner(360, 1.3, edge=3.0, rays=2),
}
LEVEL = 30.0


def main() -> None:
    """Measure, and keep the rows."""
    torch.set_num_threads(1)
    asked = (one.partition("=") for one in sys.argv[1:] or ["ct_slice"])
    models = {name or place: load(find_card(place, "CT")) for place, _, name in asked}
    for cell in cases.cells("CT", through=KERNELS, levels=(LEVEL,)):
        told, found = cases.told_all(cell.case), []
        for name, model in models.items():
            restored = ours.restored(model, told, "off")
            covered = coverages(restored, cell)
            row = {
                "anatomy": cell.anatomy,
                "scan": cell.case.scan,
                "noise": LEVEL,
                "kernel": cell.kernel,
                "told": "all",
                "method": name,
                "clean": own_error(restored.image, cell),
                "std_over_error": covered.get("std_over_error"),
                "implied_90": covered.get("implied_90"),
            }
            found.append(row)
            print(*row.values(), flush=True)
        rows.add("aliased", found)


if __name__ == "__main__":
    main()
