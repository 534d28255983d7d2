"""Uncertainty under real noise: repeats of diffusion scans, a CT phantom in two reconstructions.

    python -m benchmarks.real_uncertainty.run [--models mr_slice ct_slice] [--samples 0 4 8]

MR, `mr_dti`: eight contrasts, each scanned twice. One scan is restored, the other, whose noise is
independent, is the reference, in both directions without samples; every third of the 16 scored
slices of two contrasts with them. Cases, mask and σ "told" are those of
`benchmarks.quality.real_noise`. The reference's own noise is accounted for: intervals are widened
by it in the sense of Rice (`magnitude`), and the error's mean square is freed of it (`scores`).
``noise_alone``: coverage and NLL if the std were 0, to show how little such a reference can tell.

CT: both reconstructions, in the three large uniform inserts of the phantom, 6 pixels from their
edge, where the truth is known to be one number: the mean of the insert over all slices of the
smooth reconstruction. Both come from the same rays, so that its voxels would hide shared noise.

σ told (repeats; std in the inserts) and estimated ("auto"); seed 0, float32, CPU. Writes
`benchmarks/real_uncertainty/<model>.csv`; rows of other numbers of samples stay.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import ndimage

from benchmarks.quality.cases import SEED
from benchmarks.quality.ours import noise_of, run_model
from benchmarks.quality.real_noise import diffusion, phantom, std_within
from benchmarks.real_uncertainty.regions import region_scores
from benchmarks.real_uncertainty.scores import LEVELS, Compared, voxel_scores
from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.models.model import Model
    from medrestore.results.result import Result

HERE = Path(__file__).resolve().parent
MARGIN = 32
"""Pixels around what is scored in the phantom; the rest is not restored."""
EVERY = 3
"""Slices between those that are restored with samples."""
VOXELS = 12_000
"""Scored of a case, drawn at random."""
SAMPLED = ("mr_dti_b1000_1", "mr_dti_b1000_4", "ct_phantom_sharp")


def repeats(samples: int) -> Iterator[Case]:
    """The contrasts in both directions; with samples two of them in one."""
    for case in diffusion()[0]:
        if not samples or case.scan in SAMPLED:
            yield replace(case, scan=f"{case.scan}: 1 by 2")
        if not samples:
            yield replace(case, scan=f"{case.scan}: 2 by 1", noisy=case.truth, truth=case.noisy)


def phantoms(samples: int) -> Iterator[Case]:
    """Both reconstructions beside a phantom of uniform inserts."""
    case = phantom()
    labels, count = ndimage.label(case.mask)
    large = [i for i in range(1, count + 1) if (labels == i).sum() > 1000]
    mask, truth = np.isin(labels, large), np.zeros_like(case.truth)
    for i in large:
        truth[labels == i] = case.truth[labels == i].mean(dtype=np.float64)
    sides = (np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    rows, columns = (slice(max(0, int(s[0]) - MARGIN), int(s[-1]) + MARGIN) for s in sides)
    box = (slice(None), rows, columns)
    for name, array in (("sharp", case.noisy), ("smooth", case.truth)):
        if samples and f"ct_phantom_{name}" not in SAMPLED:
            continue
        sigma = std_within(array, mask)
        yield replace(
            case, scan=f"ct_phantom_{name}", noisy=array[box], truth=truth[box], mask=mask[box],
            level=sigma, sigma=sigma, own=0.0,
        )  # fmt: skip


def scored(case: Case, slices: tuple[int, ...]) -> NDArray[np.int64]:
    """Places of the scored voxels in the restored slices, counted along all of them."""
    inside = np.flatnonzero(case.mask[list(slices)])
    return np.sort(np.random.default_rng(SEED).permutation(inside)[:VOXELS])


def compared(result: Result, case: Case, slices: tuple[int, ...]) -> Compared:
    """The scored voxels of the restored slices."""
    rows = list(slices)
    maps = (result.restored.array, result.std.array, case.truth[rows], case.noisy[rows])
    chosen = scored(case, slices)
    mean, std, truth, noisy = (a.ravel()[chosen].astype(np.float64) for a in maps)
    return Compared(mean, std, truth, case.sigma if case.kind == "repeat" else 0.0, noisy)


def row_of(model: Model, case: Case, told: str, samples: int) -> dict[str, Any]:
    """All figures of a run."""
    slices = case.inner[:: EVERY if samples else 1]
    noise = noise_of(case, told)
    result, _ = run_model(model, case, noise, slices, samples)
    method = result.plan.settings.method if samples else "predictor"
    rows = list(slices)
    sigma = np.full_like(case.noisy, noise.sigma) if noise.map is None else noise.map
    relative = sigma[rows].ravel()[scored(case, slices)] / result.plan.scale
    intervals = model.card.intervals(method)
    factors = {level: intervals.factor(level, relative) for level in LEVELS}
    one = compared(result, case, slices)
    row = {
        "scan": case.scan,
        "sigma": told,
        "samples": samples,
        "sigma_over_told": float(np.median(relative)) * result.plan.scale / case.sigma,
        **voxel_scores(one, factors),
        **region_scores(result, case, slices),
    }
    if one.sigma:
        row["repeats_rms_over_sigma"] = one.noise_variance**0.5 / one.sigma
    return row


def main() -> None:
    """Restore, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["mr_slice", "ct_slice"])
    parser.add_argument("--samples", type=int, nargs="+", default=[0, 4, 8])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in asked.models:
        modality = name.partition("_")[0].upper()
        model, path = load(find_card(name, modality)), HERE / f"{name}.csv"
        table = [row for row in _written(path) if int(row["samples"]) not in asked.samples]
        for samples in asked.samples:
            for case in (repeats if modality == "MR" else phantoms)(samples):
                for told in ("told", "auto"):
                    row = row_of(model, case, told, samples)
                    table.append({key: _short(value) for key, value in row.items()})
                    print(*table[-1].values(), flush=True)
                    _write(table, path)


def _written(path: Path) -> list[dict[str, Any]]:
    """Rows of earlier runs."""
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def _write(table: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in table for k in row)))
        writer.writeheader()
        writer.writerows(table)


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
