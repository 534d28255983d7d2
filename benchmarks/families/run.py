"""Every family × sampler × steps on the same noisy pixels: one table, one figure, one page.

    python -m benchmarks.families.run [--families "plain diffusion" …] [--data "MR 3 %" …] [--anew]

Validation people with simulated noise and scans with real noise (`crops.py`), the true σ given, 8
samples. Methods are what the files in `methods/` register; one whose model is not shipped is listed
as such and skipped. Writes `families.csv`, `families.png`, `README.md` and the table in
`docs/choosing.md`. Rows that are there, of the same weights, settings, crops and seed, are kept:
the same command adds what is new, and two may run at once on different families. ``--page`` writes
figure and pages from the table alone, ``--update-cards`` its figures into the cards of models that
no other benchmark measures.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import torch

from benchmarks.families import cards, page, plot
from benchmarks.families.crops import SETS, SIDE
from benchmarks.families.measure import measured
from benchmarks.families.methods import registered
from benchmarks.families.table import NAME, Table, head
from benchmarks.families.verdict import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.families.crops import DataSet
    from benchmarks.families.method import Method
    from benchmarks.families.table import Row

__all__ = ["brief", "fill", "told_why", "wanted"]


def default_first(methods: Iterable[Method]) -> list[Method]:
    """The methods, those of the default's family first."""
    return sorted(methods, key=lambda method: method.family != DEFAULT[0])


def fill(
    table: Table,
    methods: Sequence[Method],
    sets: Sequence[DataSet],
    seed: int = 0,
    anew: bool = False,
) -> None:
    """Add the rows that are missing, method by method; the file is written after each."""
    for method in methods:
        lacking = method.lacking
        model = None
        for data in sets:
            if not wanted(method, data):
                continue
            crops = [] if lacking else data.crops()[: method.most]
            row = head(method, data, len(crops), SIDE, seed)
            if lacking:
                row["note"] = lacking
            elif table.holds(row) and not anew:
                continue
            else:
                model = model or method.loaded()
                row |= measured(method, model, crops, seed)
            table.record(row)
            print(brief(row), flush=True)


def wanted(method: Method, data: DataSet) -> bool:
    """Whether a method is run on a data set."""
    return method.modality == data.modality and (method.real or not data.real)


def told_why(table: Table, methods: Sequence[Method]) -> None:
    """Say of every row without figures why it has none, as of now."""
    of = {(one.family, one.label, one.model): one for one in methods}
    for (_, *about), row in table.rows.items():
        if "psnr" not in row:
            row["note"] = of[*about].lacking or "not run yet"


def brief(row: Row) -> str:
    """A row in a line."""
    keys = (*NAME, "psnr", "std_ratio", "sample_ratio", "cover90", "evaluations", "cpu_seconds")
    cells = [row[key] for key in (*keys, "note") if row.get(key, "") != ""]
    return " · ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in cells)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="*", help="as the files in methods/ call them")
    parser.add_argument("--data", nargs="*", choices=[data.name for data in SETS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anew", action="store_true", help="compute rows that are there too")
    parser.add_argument("--page", action="store_true", help="figure and page only")
    parser.add_argument("--update-cards", action="store_true", help="write models' cards too")
    return parser.parse_args()


def main() -> None:
    """Compute what is missing, draw, write."""
    asked = arguments()
    torch.set_num_threads(1)
    table, known = Table(), default_first(registered())
    if not asked.page:
        methods = [m for m in known if not asked.families or m.family in asked.families]
        sets = [data for data in SETS if not asked.data or data.name in asked.data]
        fill(table, methods, sets, asked.seed, asked.anew)
    table.read()
    table.keep((d.name, m.family, m.label, m.model) for d in SETS for m in known if wanted(m, d))
    told_why(table, known)
    table.write()
    rows = list(Table(table.path).rows.values())
    plot.draw(rows, table.path.with_suffix(".png"))
    page.write(rows, known)
    if asked.update_cards:
        cards.update(rows, known)


if __name__ == "__main__":
    main()
