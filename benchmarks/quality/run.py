"""Quality on held-out scans and on real noise, beside peers, as `evaluation.md` scores them.

    python -m benchmarks.quality.run [--models mr_slice ct_slice] [--peers nlm bm4d …]

Runs peers (kept under ``runs/benchmark_cache``) and models on the same noisy voxels with the same
σ, writes `peers.csv`, one `<model>.csv` per model and the page `README.md` with its plots.
``MEDRESTORE_BENCH_PYTHON`` names the interpreter that has BM4D and DIPY.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.quality import ours, page, real_noise, table
from benchmarks.quality.cases import CLEAN, LEVELS, SCANS, SEED, Case, simulated
from benchmarks.quality.peers import PEERS, restored
from benchmarks.quality.scores import figures
from medrestore.models.bundle import write_card
from medrestore.models.card import Card
from medrestore.models.model import available, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.models.model import Model


@lru_cache(maxsize=1)
def diffusion() -> tuple[list[Case], NDArray[Any]]:
    """The repeats, read once."""
    return real_noise.diffusion()


def cases(modality: str, asked: argparse.Namespace) -> Iterator[tuple[Case, Any]]:
    """Every case of a modality with the mean of 40 (None where there is none)."""
    for scan in SCANS[modality]:
        for level in LEVELS[modality]:
            if wanted(scan, level, asked):
                yield simulated(scan, modality, level), None
    scan = {"MR": "mr_uih_t1_b", "CT": "ct_totalseg_abdomen"}[modality]
    if wanted(scan, CLEAN[modality], asked):
        yield simulated(scan, modality, CLEAN[modality]), None
    if modality == "MR" and wanted("mr_dti", None, asked):
        repeats, means = diffusion()
        for t, case in enumerate(repeats):
            yield case, means[t] if t else None
    if modality == "CT" and wanted("ct_phantom", None, asked):
        yield real_noise.phantom(), None


def wanted(scan: str, level: float | None, asked: argparse.Namespace) -> bool:
    """Whether a case was asked for."""
    return (not asked.scans or scan in asked.scans) and (
        level is None or not asked.levels or level in asked.levels
    )


def head(case: Case, method: str, sigma: str = "true") -> table.Row:
    """The columns that say what a row is about."""
    return {
        "kind": case.kind,
        "modality": case.modality,
        "scan": case.scan,
        "level": round(case.level, 4),
        "method": method,
        "sigma": sigma,
    }


def peer_rows(case: Case, mean_of_40: Any, methods: list[str]) -> list[table.Row]:
    """A row per peer that is installed."""
    rows = []
    for method in methods:
        found = None if case.modality == "MR" and method == "bm4d-psd" else restored(method, case)
        if found is None:
            continue
        image, facts = found
        row = head(case, method) | figures(image, case, mean_of_40)
        row["cpu_s_per_mvoxel"] = facts["cpu_seconds"] / image.size * 1e6
        row["version"] = facts["version"]
        row["parameters"] = json.dumps(facts["parameters"], sort_keys=True)
        rows.append(row)
        print(brief(row), flush=True)
    return rows


def model_rows(
    model: Model, case: Case, mean_of_40: Any, asked: argparse.Namespace
) -> list[table.Row]:
    """μ with the true σ and with its own estimate; the samples' mean."""
    name, rows = model.card.name, []
    for sigma in ("true", "auto"):
        row = ours.predictor_row(model, case, sigma, mean_of_40)
        rows.append(head(case, name, sigma) | row)
    if asked.samples and case.kind == "simulated" and case.level != CLEAN[case.modality]:
        row = ours.samples_row(model, case, asked.samples, asked.every)
        rows.append(head(case, f"{name} samples") | row)
    for row in rows:
        print(brief(row), flush=True)
    return rows


def brief(row: table.Row) -> str:
    """A row in a line."""
    keys = ("scan", "level", "method", "sigma", "psnr", "rmse", "bias", "std_ratio", "cover90")
    cells = (row[k] for k in keys if k in row)
    return " ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in cells)


CLEAN_RMSE = "soft-tissue RMSE against the noise-free anatomy, estimated, HU"


def update_card(model: Model, rows: list[table.Row], peers: list[table.Row], command: str) -> None:
    """Put the figures of the simulated cases into the model's card."""
    modality = model.card.modality
    measure = "psnr" if modality == "MR" else "clean_rmse"
    facts = dict(model.card.facts)
    lines = card_rows(rows, peers, model.card.name, measure)
    facts["evaluation"] = {
        "headline": headline(lines, modality),
        "command": command,
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "seed": SEED,
        "measure": "foreground PSNR, dB" if modality == "MR" else CLEAN_RMSE,
        "rows": lines,
    }
    write_card(model.card.folder, facts)


def card_rows(
    rows: list[table.Row], peers: list[table.Row], name: str, measure: str
) -> list[table.Row]:
    """One row per scan and level, as the card's page shows them."""
    value = {table.identity(row): row for row in [*rows, *peers]}
    found = []
    for row in rows:
        if row["method"] != name or row["sigma"] != "true" or row["kind"] != "simulated":
            continue
        scan, level = row["scan"], row["level"]
        line: table.Row = {"scan": scan, "noise": level}
        for peer in ("noisy", "nlm", "bm4d"):
            other = value.get(table.key(scan, level, peer, "true"))
            if other is not None:
                line[peer] = round(other[measure], 4)
        line["predictor"] = round(row[measure], 4)
        line |= beside_slices(row, value, measure)
        sampled = value.get(table.key(scan, level, f"{name} samples", "true"))
        for kind, source in (("predictor", row), ("samples", sampled)):
            if source is not None:
                for figure in ("std_ratio", "cover90", "gauss90"):
                    line[f"{kind}_{figure}"] = round(source[figure], 4)
        found.append(line)
    return found


def headline(lines: list[table.Row], modality: str) -> str:
    """The measure at each noise level, mean over the scans, beside the noisy scans'."""
    by_level = {
        level: [line for line in lines if np.isclose(line["noise"], level) and "noisy" in line]
        for level in LEVELS[modality]
    }
    cells, levels = (
        [],
        [level for level in LEVELS[modality] if len(by_level[level]) == len(SCANS[modality])],
    )
    for level in levels:
        here = by_level[level]
        means = [
            sum(line[key] for line in here) / max(len(here), 1) for key in ("predictor", "noisy")
        ]
        cells.append("{:.1f} ({:.1f})".format(*means))
    name, unit, times = ("PSNR", "dB", 100) if modality == "MR" else ("own error", "HU", 1)
    noise = ", ".join(f"{times * level:.3g}" for level in levels)
    return (
        f"{name} (noisy) {', '.join(cells)} {unit} at {noise} {'%' if modality == 'MR' else 'HU'}"
    )


def beside_slices(row: table.Row, others: dict[Any, table.Row], measure: str) -> table.Row:
    """A 3-D model's row beside its slice model's: the measure, through-plane changes, CPU time."""
    name = row["method"].replace("patch3d", "slice")
    other = others.get(table.key(row["scan"], row["level"], name, "true"))
    if name == row["method"] or other is None:
        return {}
    found = {"slice_model": round(other[measure], 4)}
    for figure in ("through_plane", "cpu_s_per_mvoxel"):
        if figure in row and figure in other:
            found[figure], found[f"slice_{figure}"] = round(row[figure], 4), round(other[figure], 4)
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", help="names or folders; default: all shipped ones")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--scans", nargs="*", help="also: mr_dti, ct_phantom")
    parser.add_argument("--levels", nargs="*", type=float, help="0.03, 20, …")
    parser.add_argument("--modalities", nargs="*", default=["MR", "CT"], choices=("MR", "CT"))
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--every", type=int, default=4, help="samples on every n-th slice only")
    parser.add_argument("--update-card", action="store_true")
    return parser.parse_args()


def chosen(models: list[str] | None) -> list[Card]:
    """Cards of names of shipped models or of model folders; all shipped ones for None."""
    shipped = {card.name: card for card in available()}
    if models is None:
        return list(shipped.values())
    return [shipped[m] if m in shipped else Card.read(Path(m)) for m in models]


def main() -> None:
    """Run the table."""
    asked = arguments()
    cards = chosen(asked.models)
    command = "python -m benchmarks.quality.run --models "
    for modality in asked.modalities:
        models = [load(card) for card in cards if card.modality == modality]
        peers: list[table.Row] = []
        found: dict[str, list[table.Row]] = {model.card.name: [] for model in models}
        for case, mean_of_40 in cases(modality, asked):
            peers += peer_rows(case, mean_of_40, asked.peers)
            for model in models:
                found[model.card.name] += model_rows(model, case, mean_of_40, asked)
            save("peers", peers)
            for name, rows in found.items():
                save(name, rows)
        for model in models if asked.update_card else []:
            name = model.card.name
            rows = table.read(table.FOLDER / f"{name}.csv")
            others = table.read(table.FOLDER / "peers.csv")
            others += table.read(table.FOLDER / f"{name.replace('patch3d', 'slice')}.csv")
            update_card(model, rows, others, command + name)
    page.write()


def save(name: str, rows: list[table.Row]) -> None:
    """Add rows to a CSV file."""
    path = table.FOLDER / f"{name}.csv"
    merged = table.merge(table.read(path), rows)
    if merged:
        table.write(path, merged)


if __name__ == "__main__":
    main()
