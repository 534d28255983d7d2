"""What a run loses by how its noise was told, and 4-D scans whose volumes differ.

    python -m benchmarks.noise.told

PageReleaser-out MR scans, ten middle slices, seed from their names, one evaluation of `mr_slice` in
float32. **A fraction**: Rician noise of 3, 9 and 15 % of the scan's foreground scale; PSNR of a run
told that fraction, less that of a run told σ exactly (``"… a.u."``). **Time**: the same scan at
three time points with noise of 4, 8 and 16 %; each volume's σ as estimated over σ as added to the
scan's own, its PSNR before and after, and whether the preview of a time point has the run's σ.
Writes `told.csv`, `by_time.csv` and `TOLD.md`.
"""

from __future__ import annotations

import csv
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.noise.scans import cases
from medrestore.api import make_plan, run_plan
from medrestore.core.intensity import foreground_scale
from medrestore.devices import device_name
from medrestore.engine.noise import resolve_levels
from medrestore.evaluation.fidelity import psnr
from medrestore.modalities.mr import MR
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.noise.scans import Case
    from medrestore.models.model import Model

HERE = Path(__file__).resolve().parent
SCANS = (
    "px0001_prostate_t2cor",
    "cmb06489_abdomen_t2_a",
    "sts030_limb_t1",
    "ms19_brain_flair",
    "mr_adi_t1",
    "mr_pyradiomics_brain1",
    "mr_niivue_t2w",
)
FRACTIONS = (0.03, 0.09, 0.15)
BY_TIME = (0.04, 0.08, 0.16)
INNER = slice(2, 8)
"""Slices scored: those with both neighbours."""
SIDE = 192
"""Pixels along each side, in the middle."""


def noisy(clean: NDArray[np.float32], sigma: float, seed: int) -> NDArray[np.float32]:
    """Rician magnitudes."""
    real, imaginary = np.random.default_rng(seed).normal(0, sigma, (2, *clean.shape))
    return np.hypot(clean + real, imaginary).astype(np.float32)


def volume_of(array: NDArray[np.float32], name: str) -> Volume:
    """On a grid of 1 × 1 × 3 mm."""
    geometry = Geometry(array.shape[-3:], np.diag([3.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    return Volume(array, geometry, "MR", "a.u.", Source(name=name))


def restored(volume: Volume, noise: str | float, model: Model) -> tuple[NDArray[np.float32], Any]:
    """One evaluation, and the plan."""
    settings = Settings(noise=noise, samples=0, model="mr_slice", precision="float32")
    plan = make_plan(volume, settings, model=model)
    return run_plan(plan, volume, model=model).restored.array, plan


def score(image: NDArray[np.float32], clean: NDArray[np.float32], scale: float) -> float:
    """PSNR over the foreground of the inner slices."""
    mask = MR.foreground(clean[INNER], scale)
    return psnr(image[INNER], clean[INNER], mask, scale)


def fractions(name: str, clean: NDArray[np.float32], model: Model) -> list[dict[str, object]]:
    """A fraction told against σ told, at each level."""
    scale, rows = foreground_scale(clean), []
    for fraction in FRACTIONS:
        sigma = fraction * scale
        scan = volume_of(noisy(clean, sigma, zlib.crc32(f"{name} {fraction}".encode())), name)
        exact, _ = restored(scan, f"{sigma} a.u.", model)
        told, plan = restored(scan, fraction, model)
        best, got = score(exact, clean, scale), score(told, clean, scale)
        rows.append(
            {
                "scan": name,
                "fraction": fraction,
                "sigma_over_true": round(plan.noise.sigma / sigma, 4),
                "psnr_exact": round(best, 3),
                "loss_db": round(best - got, 4),
            }
        )
        print(rows[-1], flush=True)
    return rows


def by_time(name: str, clean: NDArray[np.float32], model: Model) -> list[dict[str, object]]:
    """Three time points of different noise, restored as one scan."""
    scale, own = foreground_scale(clean), resolve_levels(volume_of(clean, name))[0].noise.sigma
    sigmas = [fraction * scale for fraction in BY_TIME]
    seed = zlib.crc32(f"{name} by time".encode())
    frames = [noisy(clean, sigma, seed + t) for t, sigma in enumerate(sigmas)]
    series = volume_of(np.stack(frames), name)
    image, plan = restored(series, "auto", model)
    rows: list[dict[str, object]] = []
    for t, sigma in enumerate(sigmas):
        alone = resolve_levels(series.time_point(t))[0].noise.sigma
        found = plan.at(t).noise.sigma
        rows.append(
            {
                "scan": name,
                "fraction": BY_TIME[t],
                "sigma_over_true": round(found / np.hypot(sigma, own), 4),
                "psnr_noisy": round(score(frames[t], clean, scale), 3),
                "psnr_restored": round(score(image[t], clean, scale), 3),
                "same_in_preview": alone == found,
            }
        )
        print(rows[-1], flush=True)
    return rows


def middle(case: Case) -> NDArray[np.float32]:
    """The middle slices of a scan, and the middle of them."""
    array = case.array()
    first = [max(0, (n - SIDE) // 2) for n in array.shape[1:]]
    rows, columns = (slice(f, f + SIDE) for f in first)
    return np.ascontiguousarray(array[:, rows, columns])


def main() -> None:
    """Measure all scans and write both tables."""
    torch.set_num_threads(1)
    model = load(find_card("mr_slice", "MR"), "cpu", "float32")
    told: list[dict[str, object]] = []
    timed: list[dict[str, object]] = []
    known = {case.name: case for case in cases("MR")}
    for name in SCANS:
        clean = middle(known[name])
        told += fractions(name, clean, model)
        timed += by_time(name, clean, model)
    for rows, file in ((told, "told.csv"), (timed, "by_time.csv")):
        with (HERE / file).open("w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (HERE / "TOLD.md").write_text(_page(told, timed))


def _page(told: list[dict[str, Any]], timed: list[dict[str, Any]]) -> str:
    lines = [
        "# Noise that is told, and noise by time point",
        "",
        f"Written by `python -m benchmarks.noise.told` ({device_name('cpu')}, "
        f"{time.strftime('%Y-%m-%d')}; seeds from the scans' names), which says what is measured.",
        "",
        f"## A fraction instead of σ: {len(SCANS)} scans",
        "",
        "| told | σ taken / σ added | dB lost: median | worst |",
        "|---|---|---|---|",
    ]
    for fraction in FRACTIONS:
        rows = [row for row in told if row["fraction"] == fraction]
        ratios = [row["sigma_over_true"] for row in rows]
        losses = [row["loss_db"] for row in rows]
        lines.append(
            f"| {fraction:.0%} | {min(ratios):.2f} to {max(ratios):.2f} | "
            f"{float(np.median(losses)):.3f} | {max(losses):.3f} |"
        )
    lines += [
        "",
        "## 4, 8 and 16 % at three time points, estimated",
        "",
        "| noise | σ estimated / σ there is | within 15 % | better than its input | gain, dB |",
        "|---|---|---|---|---|",
    ]
    for fraction in BY_TIME:
        rows = [row for row in timed if row["fraction"] == fraction]
        ratios = [row["sigma_over_true"] for row in rows]
        gains = [row["psnr_restored"] - row["psnr_noisy"] for row in rows]
        good = sum(abs(ratio - 1) <= 0.15 for ratio in ratios)
        lines.append(
            f"| {fraction:.0%} | {min(ratios):.2f} to {max(ratios):.2f} | {good} of {len(rows)} | "
            f"{sum(gain > 0 for gain in gains)} of {len(rows)} | {min(gains):.1f} to "
            f"{max(gains):.1f} |"
        )
    same = sum(bool(row["same_in_preview"]) for row in timed)
    lines += ["", f"The preview of a time point has the run's σ in {same} of {len(timed)}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
