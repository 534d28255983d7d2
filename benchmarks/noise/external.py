"""Noise estimators of DIPY and scikit-image, in an environment of theirs; started by `peers.py`.

    BENCH_PYTHON external.py

Reads the name of an .npy file (z, y, x) a line, answers with a line of JSON. Imports nothing of
medrestore, so that the environment needs `benchmarks/requirements.txt` only.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from dipy.denoise.noise_estimate import estimate_sigma, piesno
from skimage.restoration import estimate_sigma as wavelet_sigma


def answers(array):
    """σ by each; NaN where one gives up. PIESNO looks at the slices as if at repeats of one."""
    last = np.moveaxis(array, 0, -1).astype(np.float64)
    ways = {
        "DIPY, N = 0": lambda: np.mean(estimate_sigma(last, N=0)),
        "DIPY, N = 1": lambda: np.mean(estimate_sigma(last, N=1)),
        "DIPY PIESNO": lambda: piesno(last, N=1) if last.shape[-1] > 1 else float("nan"),
        "scikit-image": lambda: np.mean([wavelet_sigma(plane) for plane in array]),
    }
    found = {}
    for name, way in ways.items():
        try:
            found[name] = float(way())
        except Exception as error:  # what a peer cannot read is told, and counts as a miss
            print(f"{name}: {error!r}", file=sys.stderr)
            found[name] = float("nan")
    return found


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        with np.errstate(all="ignore"):
            print(json.dumps(answers(np.load(line.strip()))), flush=True)


if __name__ == "__main__":
    main()
