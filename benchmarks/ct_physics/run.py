"""The CT noise simulator beside a full projection-domain reference.

    python benchmarks/ct_physics/run.py [--size 512] [--views 720] [--draws 24] [--scan FILE]

Cases: a water disc, a slice of the torso phantom, that slice with starved rays, and the middle
slice of ``--scan`` if given. Each is projected in full, counted (Poisson and electronic noise at
a five-hundredth of the dose, so that all but 0.2 % of the variance is what the simulator adds),
reconstructed with the simulator's kernel, and the noise-free reconstruction taken away. Compared
with it, in soft tissue (the inner and the outer half of it by radius): the simulator's closed-form
std and the std of its draws, and the noise power spectrum of its draws by radial band in a central
window. Then the simulator alone is timed on a slice of 512² with 720 views (CPU seconds of one
thread: a busy machine does not count). Writes `benchmarks/ct_physics/results.csv`.
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from reference import Setting, measured, project, radial_power, reconstruct
from scipy import ndimage

import medrestore as mr
from medrestore.physics.ct import LowDose, Scanner
from medrestore.physics.phantom import torso

HERE = Path(__file__).resolve().parent
BANDS = np.array([0.0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.5])
DOSE = 0.002
SEED = 0


def disc(size: int) -> np.ndarray:
    """Water over four fifths of the width."""
    axis = np.arange(size) - (size - 1) / 2
    return np.where(np.hypot(axis[:, None], axis) < 0.4 * size, 40.0, -1000.0)


def compare(hu: np.ndarray, pixel_mm: float, setting: Setting, draws: int) -> dict[str, float]:
    """Ratios simulator / reference, and seconds."""
    rng = np.random.default_rng(SEED)
    paths = project(hu, pixel_mm, setting.views)
    truth = []
    for _ in range(draws):
        noise = measured(paths, setting, setting.dose, rng) - paths
        truth.append(reconstruct(noise, pixel_mm, setting.cutoff))
    least = float((setting.photons * setting.dose * np.exp(-paths)).min())
    std_map, drawn, _ = simulated(hu, pixel_mm, setting, draws)
    bias, truth = about_mean(np.stack(truth))
    _, drawn = about_mean(drawn)
    found = {"least_count": least, "bias_soft_hu": float(bias[regions(hu)["soft"]].mean())}
    for name, region in regions(hu).items():
        reference = np.sqrt((truth[:, region] ** 2).mean())
        found[f"hu_{name}"] = float(reference)
        found[f"std_map_{name}"] = float(np.sqrt((std_map[region] ** 2).mean()) / reference)
        found[f"draws_{name}"] = float(np.sqrt((drawn[:, region] ** 2).mean()) / reference)
    half = len(hu) // 2
    window = (slice(half - half // 2, half + half // 2),) * 2
    powers = [radial_power(noise, window, BANDS) for noise in (truth, drawn)]
    for low, high, one, other in zip(BANDS[:-1], BANDS[1:], *powers, strict=True):
        if one > 0.02 * powers[0].max():  # bands that the kernel leaves empty say nothing
            found[f"nps_{low:.2f}_{high:.2f}"] = float(other / one)
    return found


def about_mean(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over realisations, and what is noise about it, of the variance that one more would have.

    The logarithm of few quanta has a bias, in streaks; it is no noise, and not simulated.
    """
    mean = images.mean(axis=0)
    return mean, (images - mean) * np.sqrt(len(images) / (len(images) - 1))


def simulated(
    hu: np.ndarray, pixel_mm: float, setting: Setting, draws: int
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Closed-form std, draws, and seconds for the preparation and for one draw."""
    scanner = Scanner(setting.views, setting.cutoff, setting.electronic)
    begun = time.process_time()
    simulator = LowDose(torch.from_numpy(hu).float()[None], pixel_mm, scanner)
    variance = simulator.variance(setting.dose, setting.photons)
    std_map = simulator.std_map(variance)[0].numpy()
    prepared = time.process_time() - begun
    generator = torch.Generator().manual_seed(SEED)
    begun = time.process_time()
    drawn = np.stack([simulator.draw(variance, generator)[0].numpy() for _ in range(draws)])
    seconds = {"seconds_prepare": prepared}
    return std_map, drawn, seconds | {"seconds_draw": (time.process_time() - begun) / draws}


def regions(hu: np.ndarray) -> dict[str, np.ndarray]:
    """Soft tissue without its border, and its inner and outer half."""
    axis = np.arange(len(hu)) - (len(hu) - 1) / 2
    radius = np.hypot(axis[:, None], axis)
    soft = ndimage.binary_erosion(np.abs(hu) < 200, iterations=2) & (radius < 0.48 * len(hu))
    inner = soft & (radius < np.median(radius[soft]))
    return {"soft": soft, "inner": inner, "outer": soft & ~inner}


def cases(size: int, views: int, scan: Path | None):
    """Name, slice, pixel size and acquisition of each comparison."""
    pixel = 420.0 / size
    yield "disc", disc(size), pixel, Setting(1e8, DOSE, 10.0, views, 1.0)
    body = torso((1, size, size), (3.0, pixel, pixel), SEED).array[0].astype(float)
    yield "torso", body, pixel, Setting(1e8, DOSE, 10.0, views, 1.5)
    yield "torso starved", body, pixel, Setting(5e6, DOSE, 10.0, views, 0.8)
    if scan is not None:
        volume = mr.read(scan, "CT")
        image = volume.array[len(volume.array) // 2]
        square = np.full((max(image.shape),) * 2, -1000.0)
        top, left = ((n - m) // 2 for n, m in zip(square.shape, image.shape, strict=True))
        square[top : top + image.shape[0], left : left + image.shape[1]] = image
        pixel = volume.geometry.spacing_mm[2]
        yield "scan", square, pixel, Setting(1e8, DOSE, 10.0, views, 1.0)


def table(case: str, found: dict[str, float], conditions: dict) -> list[dict]:
    """Rows of the CSV, shown as they come."""
    for figure, value in found.items():
        print(f"{case:22s} {figure:18s} {value:.4g}", flush=True)
    return [{"case": case, "figure": k, "value": f"{v:.4g}"} | conditions for k, v in found.items()]


def main() -> None:
    """Run every case and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--views", type=int, default=720)
    parser.add_argument("--draws", type=int, default=24)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    options = parser.parse_args()
    conditions = {
        "size": options.size,
        "views": options.views,
        "draws": options.draws,
        "machine": f"{platform.machine()} {platform.system()}",
        "date": date.today().isoformat(),
        "seed": SEED,
    }
    torch.set_num_threads(1)
    *_, seconds = simulated(disc(512), 0.8, Setting(1e8, DOSE, 10.0, 720, 1.0), 3)
    rows = table("timing 512, 720 views", seconds, conditions)
    for name, hu, pixel_mm, setting in cases(options.size, options.views, options.scan):
        rows += table(name, compare(hu, pixel_mm, setting, options.draws), conditions)
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
