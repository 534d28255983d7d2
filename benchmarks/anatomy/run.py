"""Our models beside peers on people that no training has seen, by anatomy.

    python -m benchmarks.anatomy.run --peers tv nlm bm4d     # peers' rows: BM4D takes an hour
    python -m benchmarks.anatomy.run --models mr_slice ct_slice [--checkpoint ct_slice=FILE]
    python -m benchmarks.anatomy.run --models mr_slice --parts real

The first needs ``MEDRESTORE_BENCH_PYTHON`` (`benchmarks/requirements.txt`) and, once, the
parameters of `benchmarks.anatomy.tune`; images are kept under ``runs/benchmark_cache``. The second
scores the shipped models and those under way (``--predictors``) in minutes. Each writes its rows
into `mr.csv`, `ct.csv`, `coverage.csv` and `real.csv`, where others stay, and `README.md` anew.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.anatomy import ours, page, peers, real, rows, verdict
from benchmarks.anatomy.cases import cells, told_all
from benchmarks.anatomy.coverage import coverages
from benchmarks.anatomy.scores import own_error, reference_error
from medrestore.errors import MedrestoreWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.anatomy.cases import Cell
    from benchmarks.quality.cases import Case
    from medrestore.models.model import Model

PARTS = ("mr", "ct", "real")


def tolds(cell: Cell, peer: bool) -> Iterator[tuple[str, Case]]:
    """What is told to a method: the added noise, or all; of CT, where peers are tuned, all.

    Of MR, peers are told all where it differs from the added and is not mostly the scan's own.
    """
    case = cell.case
    if case.modality == "MR" or not peer:
        yield "added", case
    judged = verdict.LEAST_OWN * case.sigma <= case.own <= case.sigma
    if case.modality == "CT" or not peer or judged:
        yield "all", told_all(case)


def head(cell: Cell, told: str, method: str) -> rows.Row:
    """The columns that say what a row is about."""
    about = {"anatomy": cell.anatomy, "scan": cell.case.scan, "noise": cell.case.level}
    return {**about, "kernel": cell.kernel, "told": told, "method": method}


def errors(image: NDArray[np.float32], cell: Cell) -> rows.Row:
    """Of an image; ``own`` and ``sigma``: noise of the reference, and noise that was added."""
    return {
        "reference": reference_error(image, cell),
        "clean": own_error(image, cell),
        "own": cell.case.own,
        "sigma": cell.case.sigma,
    }


def peer_rows(modality: str, asked: argparse.Namespace) -> None:
    """The peers that were asked for, on every case."""
    for cell in cells(modality):
        found = []
        for told, case in tolds(cell, peer=True):
            for method in peers.PEERS[modality]:
                if told not in asked.told or method not in asked.peers:
                    continue
                image = peers.restored(method, case, cell.kernel)
                if image is not None:
                    found.append(head(cell, told, method) | errors(image, cell))
        report(modality, found)


def model_rows(modality: str, models: dict[str, Model], mirroring: str) -> None:
    """Every model on every case."""
    for cell in cells(modality):
        found, covered = [], []
        for told, case in tolds(cell, peer=False):
            for name, model in models.items():
                restored = ours.restored(model, case, mirroring)
                found.append(head(cell, told, name) | errors(restored.image, cell))
                covered.append(head(cell, told, name) | coverages(restored, cell))
        report(modality, found)
        rows.add("coverage", covered)


def report(modality: str, found: list[rows.Row]) -> None:
    """Keep rows, and show them."""
    rows.add(modality.lower(), found)
    for row in found:
        values = (f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values())
        print(*values, flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--predictors", nargs="*", default=list(ours.PREDICTORS))
    parser.add_argument("--checkpoint", nargs="*", default=[], metavar="MODEL=FILE")
    parser.add_argument("--mirroring", default="off", choices=("on", "off"))
    parser.add_argument("--peers", nargs="+", default=[], choices=verdict.PEERS)
    parser.add_argument("--told", nargs="*", default=["added", "all"], help="to peers")
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=PARTS)
    return parser.parse_args()


def main() -> None:
    """Run what was asked for."""
    asked = arguments()
    warnings.simplefilter("ignore", MedrestoreWarning)
    files = {name: Path(file) for name, _, file in (one.partition("=") for one in asked.checkpoint)}
    for modality in ("MR", "CT"):
        if asked.peers and modality.lower() in asked.parts:
            peer_rows(modality, asked)
    for name in asked.models:
        modality = name.partition("_")[0].upper()
        models = ours.models(name, modality, asked.predictors, files.get(name))
        if modality.lower() in asked.parts:
            model_rows(modality, models, asked.mirroring)
        if "real" in asked.parts:
            rows.add("real", real.figures(modality, models, asked.mirroring))
    page.write()


if __name__ == "__main__":
    main()
