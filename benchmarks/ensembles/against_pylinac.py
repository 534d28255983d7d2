"""Our noise power spectrum beside pylinac's, on CT noise of the simulator.

    python -m venv runs/pylinac && runs/pylinac/bin/pip install -r benchmarks/ensembles/pylinac.txt
    python -m benchmarks.ensembles.against_pylinac [--python runs/pylinac/bin/python]

pylinac (MIT) takes the mean off each region, we take off the mean over realisations; so it is
given regions without that mean, times √(n/(n − 1)), and the two planes must agree but for zero
frequency, which it sets to 0. Its rings reach from k to k + 1 frequency steps, ours from k − ½ to
k + ½, so ours are interpolated to the middles of its rings. Prints the differences and writes them
to `benchmarks/ensembles/pylinac.json`; exits 1 if the planes differ by more than 1e-9.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from medrestore.evaluation.ensemble.nps import nps
from medrestore.physics.simulate import noisier_ct

HERE = Path(__file__).parent
TOLERANCE = 1e-9
PIXEL_MM, SIDE, REALISATIONS, SEED = 0.9, 48, 24, 0


def regions() -> np.ndarray:
    """Squares of simulated CT noise in a water cylinder, shape (n, side, side)."""
    size = 160
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    water = np.where(np.hypot(y, x) < 70, 0.0, -1000.0).astype(np.float32)
    stack = np.broadcast_to(water, (REALISATIONS, size, size))
    noisy, _ = noisier_ct(stack, PIXEL_MM, hu=20.0, seed=SEED)
    middle = slice((size - SIDE) // 2, (size + SIDE) // 2)
    found: np.ndarray = noisy[:, middle, middle].astype(np.float64)
    return found


def main() -> int:
    """Compare and say how far they are apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="runs/pylinac/bin/python")
    values = regions()
    ours = nps(values, (PIXEL_MM, PIXEL_MM))
    residual = (values - values.mean(axis=0)) * np.sqrt(REALISATIONS / (REALISATIONS - 1))
    with tempfile.TemporaryDirectory() as place:
        given, found = Path(place) / "in.npz", Path(place) / "out.npz"
        np.savez(given, rois=residual, pixel_mm=PIXEL_MM)
        command = [parser.parse_args().python, str(HERE / "pylinac_side.py"), given, found]
        subprocess.run(command, check=True)
        theirs = dict(np.load(found))
    elsewhere = np.ones_like(ours.plane, dtype=bool)
    elsewhere[SIDE // 2, SIDE // 2] = False
    apart = np.abs(ours.plane - theirs["plane"])[elsewhere].max() / ours.plane.max()
    step = 1 / (SIDE * PIXEL_MM)
    middles = (np.arange(len(theirs["radial"])) + 0.5) * step  # of its rings, k to k + 1
    below = middles < ours.frequency[-1]
    between = np.interp(middles[below], ours.frequency, ours.power)
    rings = np.abs(theirs["radial"][below][1:] / between[1:] - 1)
    facts = {
        "pylinac": str(theirs["version"]),
        "plane_largest_difference_over_maximum": float(apart),
        "zero_frequency_ours_over_maximum": float(ours.plane[~elsewhere][0] / ours.plane.max()),
        "rings_median_relative_difference": float(np.median(rings)),
        "variance_over_pixel_variance": ours.variance / float(values.var(axis=0, ddof=1).mean()),
        "seed": SEED,
    }
    (HERE / "pylinac.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))
    return 0 if apart < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
