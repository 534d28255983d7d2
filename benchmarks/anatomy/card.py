"""Figures by anatomy into a model's card, from the CSV files.

python -m benchmarks.anatomy.card mr_slice ct_slice
"""

from __future__ import annotations

import math
import sys
from datetime import date
from statistics import fmean
from typing import TYPE_CHECKING, Any

from benchmarks.anatomy import rows, verdict
from benchmarks.anatomy.cases import KERNELS, LEVELS
from benchmarks.anatomy.page import ANATOMIES, number
from benchmarks.quality.cases import SEED
from medrestore.models.bundle import write_card
from medrestore.models.model import find_card

if TYPE_CHECKING:
    from benchmarks.anatomy.rows import Row
    from medrestore.models.card import Card

COVERED = (
    "share of noise-free values in the 90 % interval, all noise told: as std and own error imply "
    "it / by the joint estimate (`benchmarks/anatomy`)."
)
WHAT = {
    "MR": "People held out. PSNR over BM4D that is told the same σ, in dB, against the reference; "
    + COVERED,
    "CT": "People held out. Own error, RMSE against the noise-free anatomy as estimated, over that "
    "of the best of TV, NLM and BM4D tuned on other people; " + COVERED,
}


def write(card: Card) -> None:
    """Put the table into the card."""
    lines = [_line(card, anatomy) for anatomy in ANATOMIES[card.modality]]
    facts = dict(card.facts)
    facts["by_anatomy"] = {
        "what": WHAT[card.modality],
        "command": f"python -m benchmarks.anatomy.run --models {card.name}",
        "date": date.today().isoformat(),
        "seed": SEED,
        "titles": _titles(card.modality),
        "rows": lines,
    }
    write_card(card.folder, facts)


def _titles(modality: str) -> list[str]:
    levels = [f"{level:.0%}" if modality == "MR" else f"{level:g} HU" for level in LEVELS[modality]]
    first = [f"over BM4D, {level}" for level in levels]
    if modality == "CT":
        first = [f"own error over best, {kernel}" for kernel in KERNELS]
    return ["anatomy", "people", *first, *(f"90 % covers, {level}" for level in levels)]


def _line(card: Card, anatomy: str) -> list[str]:
    part, levels = card.modality.lower(), LEVELS[card.modality]
    found = rows.read(part)
    ours = [r for r in found if r["method"] == card.name and r["anatomy"] == anatomy]
    people = str(len({_person(str(row["scan"])) for row in ours}))
    if card.modality == "MR":
        table = verdict.gains(found, card.name, "added", "reference")
        figures = [number(table.get((anatomy, level)), "{:+.2f}") for level in levels]
    else:
        figures = [_share(ours, found, kernel) for kernel in KERNELS]
    return [anatomy, people, *figures, *(_covered(card.name, anatomy, v) for v in levels)]


def _person(scan: str) -> str:
    return scan.split("/")[-1].split("_")[0] if "/" in scan else scan


def _share(ours: list[Row], found: list[Row], kernel: str) -> str:
    here = (verdict.ratio(r, found) for r in ours if (r["kernel"], r["told"]) == (kernel, "all"))
    known = [math.log(one[0]) for one in here if one and one[0] > 0]
    return number(math.exp(fmean(known)) if known else None, "{:.0%}")


def _covered(name: str, anatomy: str, level: Any) -> str:
    here = [
        row
        for row in rows.read("coverage")
        if (row["method"], row["anatomy"], row["noise"]) == (name, anatomy, level)
        and row["told"] == "all"
    ]
    both = (verdict.mean(row.get(kind) for row in here) for kind in ("implied_90", "joint_90"))
    return " / ".join(number(share, "{:.0%}") for share in both)


if __name__ == "__main__":
    for asked in sys.argv[1:] or ["mr_slice", "ct_slice"]:
        write(find_card(asked, asked[:2].upper()))
