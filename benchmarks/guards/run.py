"""What the guards say of noise that was told right or wrong, and which erased lesions they find.

    python -m benchmarks.guards.run [--guards after] [--modalities MR CT]
    python -m benchmarks.guards.page

Each case (`cases`) is restored with samples=0, told .5 to 2 times the right σ. What the user reads,
sentence and warnings, is searched for "weaker" and "stronger". A lesion is a disc in the anatomy of
a slice, under the very same noise, while the restoration stays that without it: one that was taken
away whole. It counts as found if a voxel in it is flagged with its sign. An invented one is a disc
in the restoration alone. Restorations are kept in ``runs/benchmark_cache/guards``; rows that are in
``after.csv`` are not measured again; the page is written from them. ``--guards before`` writes
``before.csv`` and was run with the package of commit 3db8598 in front of ``PYTHONPATH``.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.guards.cases import cases
from medrestore.core.intensity import foreground_scale
from medrestore.engine.arrays import Arrays
from medrestore.engine.checks import check
from medrestore.engine.pipeline import run
from medrestore.engine.resolve import resolve
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.guards.cases import Case
    from medrestore.engine.checks import Guards
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.volume import Volume

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "runs" / "benchmark_cache" / "guards"
FACTORS = ((1.0, 0.5, 0.6, 1.6, 2.0), (0.75, 1.33))
"""What must be told right from wrong, of all cases first; then what lies between."""
WITH_LESIONS = (1.0, 1.33, 2.0)
LESIONS = ((1, 3), (2, 1), (2, 2), (4, 1), (4, 2))
"""Radius in pixels, contrast in units of the right σ."""
REAL = 0.2
"""σ by which anatomy and restoration differ, both through 2 pixels, where a flag is no chance."""


def planned(case: Case, factor: float, model: Model) -> Plan:
    """The run of a case's chosen slices, told so many times the right noise."""
    scan = case.scan(case.noisy)
    scale = foreground_scale(case.noisy) if case.modality == "MR" else 1000.0
    noise = case.told(factor)
    plan = resolve(Settings(samples=0), scan, model.card, noise, scale, model.device)
    return plan.for_slices(case.chosen)


def restored(case: Case, factor: float, plan: Plan, model: Model) -> Arrays:
    """What the network makes of it, from the cache if it is there."""
    place = CACHE / f"{case.key} {factor:g}.npz"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        arrays = run(plan, case.scan(case.noisy), model)
        np.savez(place, mu=arrays.mu, s=arrays.s, std=arrays.std)
    with np.load(place) as kept:
        mu, s, std = kept["mu"], kept["s"], kept["std"]
    return Arrays(mu, std, mu, mu, None, mu, s, np.zeros(len(mu), np.float32), 0)


def row_of(case: Case, factor: float, model: Model) -> dict[str, Any]:
    """One restoration, looked at."""
    plan = planned(case, factor, model)
    arrays = restored(case, factor, plan, model)
    floor = model.sigma_range[0]
    flagged, _, guards = check(plan, case.scan(case.noisy), arrays, floor)
    facts = guards.facts()
    row = {
        "modality": case.modality,
        "scan": case.name,
        "case": case.key,
        "tuned": int(case.tuned),
        "told": factor,
        "measured": case.measured / plan.noise.sigma,
        "said": _said(guards),
        "sentences": " | ".join(dict.fromkeys((guards.sentence(), *guards.warnings()))),
        "removed": guards.share("removed"),
        "inconsistent": guards.share("inconsistent"),
        "real": _real(case, flagged, arrays.mu),
        "residual": guards.residual_ratio,
        "left": facts.get("noise_left"),
        "lag": facts.get("noise_lag"),
    }
    if factor in WITH_LESIONS:
        row |= _lesions(case, plan, arrays, floor, flagged)
    return {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}


def _said(guards: Guards) -> str:
    """Direction of the advice on σ; ``both``: one sentence against the other."""
    text = " ".join((guards.sentence(), *guards.warnings()))
    weaker, stronger = "weaker" in text, "stronger" in text
    fine = "removed is noise" in text and bool(guards.warnings())
    if fine or (weaker and stronger):
        return "both"
    return "weaker" if weaker else "stronger" if stronger else "fits"


def _real(case: Case, flagged: np.ndarray, mu: np.ndarray) -> float:
    """Share of the flagged voxels where the restoration lacks what the anatomy has."""
    if not flagged.any():
        return float("nan")
    clean = case.whole.array[case.window][list(case.chosen)]
    lost = gaussian_filter(clean - mu, (0, 2, 2)) / case.right
    found = flagged != 0
    return float(np.mean((lost * np.sign(flagged))[found] > REAL))


def _lesions(
    case: Case, plan: Plan, arrays: Arrays, floor: float, flagged: np.ndarray
) -> dict[str, float]:
    """Share of the discs that are found: erased, invented and then shown as inconsistent."""
    found = {}
    right = abs(plan.noise.sigma / case.right - 1) < 0.01
    for radius, contrast in LESIONS:
        name = f"r{radius} {contrast}σ"
        discs, lesions, scan = _discs(case, radius, contrast)
        if not discs:
            continue
        found[f"false r{radius}"] = np.mean([bool((flagged[z][i] > 0).any()) for z, i in discs])
        erased, _, _ = check(plan, scan, arrays, floor)
        found[f"erased {name}"] = np.mean([bool((erased[z][i] > 0).any()) for z, i in discs])
        if right and radius > 1 and contrast == 2:
            mu = arrays.mu + lesions[case.window][list(case.chosen)]
            removed, shown, _ = check(plan, case.scan(case.noisy), replace(arrays, mu=mu), floor)
            for word, one in (("seen", removed), ("shown", shown)):
                hits = [bool((one[z][i] < 0).any()) for z, i in discs]
                found[f"invented {word} {name}"] = np.mean(hits)
    return {name: float(value) for name, value in found.items()}


@lru_cache(maxsize=len(LESIONS))
def _discs(
    case: Case, radius: int, contrast: int
) -> tuple[list[tuple[int, NDArray[np.bool_]]], NDArray[np.float32], Volume]:
    """Places of discs, what they add to the ten slices, and the scan with them."""
    discs = case.places(radius, np.random.default_rng(radius))
    lesions = case.discs(discs, contrast)
    return discs, lesions, case.scan(case.with_lesions(lesions))


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guards", default="after", choices=("before", "after"))
    parser.add_argument("--modalities", nargs="*", default=["MR", "CT"])
    asked = parser.parse_args()
    path, rows = HERE / f"{asked.guards}.csv", []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    done = {(row["guards"], row["case"], row["told"]) for row in rows}
    models = {m: load(find_card(f"{m.lower()}_slice", m)) for m in asked.modalities}
    for factors, case in product(FACTORS, cases()):
        missing = [f for f in factors if (asked.guards, case.key, f"{f:.4g}") not in done]
        if case.modality in models and missing:
            for factor in missing:
                row = row_of(case, factor, models[case.modality])
                rows.append({"guards": asked.guards, **row})
            print(case.key, *missing, flush=True)
            _write(path, rows)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    rows.sort(key=lambda row: (row["guards"], row["modality"], row["case"], float(row["told"])))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
