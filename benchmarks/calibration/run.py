"""Coverage of a model's intervals on held-out scans, before and after calibration on other people.

    python -m benchmarks.calibration.run mr_slice [--scans …] [--methods …] [--work DIR]

Protocol: 24 slices around the middle of the third stored axis, noise added with seed 0 (MR:
Rician, 1, 3 and 9 %; CT: through filtered back-projection, 15 and 30 HU); the predictor alone on
the inner 16 slices (CT: every second), 8 samples of 2 steps on every fifth of those. The model is
told the added noise. Scored: MR voxels above 6 % of the foreground scale, CT between -900 and
2000 HU, by the reference. Factors: `gauss` (no calibration), `card` (the model's own, from its
training people), `others` (leave-one-person-out: fitted by the code of `medrestore calibrate` to
all other people of this table). Each person counts the same.

Writes `<model>.csv` (coverage by noise and stratum: all, tissue, gradient) and
`<model>_figures.csv` (std ratio, CRPS, ENCE, AUSE, PIT by scan). References carry noise of their
own, which no interval here makes room for. With --work, restored slices are kept there and a
stopped run goes on.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import torch

import medrestore as mr
from benchmarks.quality.cases import SCANS, SEED, simulated
from medrestore.core.intervals import LEVELS, Intervals
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.evaluation.coverage import ause, crps, ence, pit_histogram, std_ratio
from medrestore.evaluation.intervals import Scores, fit_intervals, merged
from medrestore.evaluation.strata import FEWEST, by_gradient, by_tissue
from medrestore.modalities import modality_named
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings

NOISE = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 30.0)}
METHODS = {"predictor": 0, "moment-matched:2": 8}
VOXELS = 100_000


def case(name: str, modality: str, level: float) -> tuple[mr.Volume, np.ndarray, Noise]:
    """Noisy volume, clean array and the noise added, as in `benchmarks.quality`."""
    one = simulated(name, modality, level)
    volume = mr.Volume(one.noisy, mr.Geometry(one.noisy.shape, np.eye(4)), modality)
    return volume, one.truth, Noise(level, one.sigma_map, "added")


def restore(
    model, name: str, level: float, work: Path, methods
) -> dict[str, dict[str, np.ndarray]]:
    """By method: truth, μ, std and σ of the slices looked at."""
    modality = model.card.modality
    paths = {
        method: work / f"{modality}_{name}_{level}_{'s' if METHODS[method] else 'p'}.npz"
        for method in methods
    }
    if not all(path.exists() for path in paths.values()):
        volume, clean, noise = case(name, modality, level)
        margin = min(4, (len(clean) - 1) // 3)
        inner = tuple(range(margin, len(clean) - margin))
        scale = modality_named(modality).scale(volume.array)
        sigma = np.full(clean.shape, level, np.float32) if noise.map is None else noise.map
        for method, path in paths.items():
            if path.exists():
                continue
            samples = METHODS[method]
            chosen = inner[2::5] if samples else inner[:: 2 if modality == "CT" else 1]
            settings = Settings(samples=samples, steps=2, seed=SEED)
            plan = resolve(settings, volume, model.card, noise, scale, model.device)
            arrays = run(plan.for_slices(chosen), volume, model)
            rows = list(chosen)
            np.savez(
                path, truth=clean[rows], mu=arrays.mu, std=arrays.std,
                sigma=sigma[rows], scale=scale,
            )  # fmt: skip
    names = ("truth", "mu", "std", "sigma", "scale")
    found = {method: np.load(path) for method, path in paths.items()}
    return {method: {name: data[name] for name in names} for method, data in found.items()}


class Seen:
    """A random part of one person's voxels at one noise level: scores and strata."""

    def __init__(self, data: dict[str, np.ndarray], modality: str) -> None:
        truth = data["truth"]
        inside = truth > 0.06 if modality == "MR" else (truth > -900) & (truth < 2000)
        strata = {
            "all": inside,
            **by_tissue(truth, inside, modality),
            **by_gradient(truth, inside),
        }
        chosen = np.random.default_rng(SEED).permutation(np.flatnonzero(inside))[:VOXELS]
        self.truth, self.mu, self.std, sigma = (
            data[name].flat[chosen] for name in ("truth", "mu", "std", "sigma")
        )
        self.strata = {name: mask.flat[chosen] for name, mask in strata.items()}
        self.sigma = sigma
        error = np.abs(self.truth - self.mu) / self.std
        self.scores = Scores(error, sigma / float(data["scale"]))

    def coverage(self, intervals: Intervals) -> dict[str, list[float]]:
        """For each stratum the coverage at each level."""
        by_level = []
        for level in LEVELS:
            half = intervals.factor(level, self.scores.relative_sigma) * self.std
            hits = np.abs(self.truth - self.mu) <= half
            by_level.append(
                {n: float(hits[m].mean()) for n, m in self.strata.items() if m.sum() >= FEWEST}
            )
        return {name: [one[name] for one in by_level] for name in by_level[0]}

    def figures(self) -> dict[str, float]:
        """What needs no factors."""
        error, every = self.truth - self.mu, np.ones(self.truth.shape, bool)
        pit = pit_histogram(self.truth, self.mu, self.std)
        return {
            "std_ratio": std_ratio(self.std, self.mu, self.truth, every),
            "crps_over_sigma": float((crps(self.truth, self.mu, self.std) / self.sigma).mean()),
            "ence": ence(error, self.std),
            "ause": ause(error, self.std),
            "width90_over_sigma": float((2 * 1.645 * self.std / self.sigma).mean()),
            **{f"pit{i}": float(v) for i, v in enumerate(pit)},
        }


def tables(model, seen: dict[tuple[str, str, float], Seen]) -> list[dict[str, object]]:
    """Coverage by method, factors, noise and stratum, averaged over people, and the worst one."""
    rows: list[dict[str, object]] = []
    levels = sorted({key[2] for key in seen})
    for method in dict.fromkeys(key[0] for key in seen):
        mine = {key[1:]: one for key, one in seen.items() if key[0] == method}
        people = list(dict.fromkeys(name for name, _ in mine))
        fitted = {
            "gauss": dict.fromkeys(people, Intervals.gaussian()),
            "card": dict.fromkeys(people, model.card.intervals(method)),
        }
        if len(people) > 1:
            fitted["others"] = {
                out: fit_intervals(
                    [merged([mine[p, v].scores for v in levels]) for p in people if p != out]
                )[0]
                for out in people
            }
        for factors, intervals in fitted.items():
            for level in levels:
                found = [mine[p, level].coverage(intervals[p]) for p in people]
                for stratum in dict.fromkeys(name for one in found for name in one):
                    values = np.array([one[stratum] for one in found if stratum in one])
                    rows.append(_row(method, factors, level, stratum, values))
    return rows


def _row(method: str, factors: str, level: float, stratum: str, values: np.ndarray):
    off = 100 * (values - np.array(LEVELS))
    row: dict[str, object] = {"method": method, "factors": factors, "noise": level}
    row |= {"stratum": stratum, "people": len(values)}
    row |= {f"cover{round(100 * p)}": v for p, v in zip(LEVELS, values.mean(axis=0), strict=True)}
    row["error_points"] = float(np.abs(off.mean(axis=0)).max())
    row["worst_person_points"] = float(np.abs(off).max())
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}


def summary(rows: list[dict[str, object]]) -> None:
    """The figures asked for: error overall, and in the worst stratum of noise and tissue."""
    gradient = {"flat", "sloping", "edge"}
    for method in METHODS:
        for factors in ("gauss", "card", "others"):
            mine = [r for r in rows if (r["method"], r["factors"]) == (method, factors)]
            if not mine:
                continue
            names = [f"cover{round(100 * p)}" for p in LEVELS]
            overall = [[r[n] for n in names] for r in mine if r["stratum"] == "all"]
            error = 100 * np.abs(np.mean(overall, axis=0) - np.array(LEVELS)).max()
            worst = {
                kind: max(
                    (
                        r
                        for r in mine
                        if r["stratum"] != "all" and (r["stratum"] in gradient) == flag
                    ),
                    key=lambda r: r["error_points"],
                )
                for kind, flag in (("tissue", False), ("gradient", True))
            }
            text = [
                f"worst {k} {r['error_points']:.1f} ({r['stratum']}, {r['noise']:g})"
                for k, r in worst.items()
            ]
            print(f"{method:18} {factors:7} overall {error:.1f} points;", "; ".join(text))


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """One CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--scans", nargs="*")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--work", type=Path, help="folder where restored slices are kept")
    asked = parser.parse_args()
    modality = "MR" if Path(asked.model).name.startswith("mr") else "CT"
    model = load(find_card(asked.model, modality))
    torch.set_num_threads(1)
    figures, seen = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name in asked.scans or SCANS[modality]:
            for level in NOISE[modality]:
                for method, data in restore(model, name, level, work, asked.methods).items():
                    one = seen[method, name, level] = Seen(data, modality)
                    row = {"scan": name, "noise": level, "method": method, **one.figures()}
                    figures.append(
                        {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
                    )
                print(f"{name} {level:g}", flush=True)
    rows = tables(model, seen)
    here = Path(__file__).parent
    write(here / f"{model.card.name}.csv", rows)
    write(here / f"{model.card.name}_figures.csv", figures)
    summary(rows)


if __name__ == "__main__":
    main()
