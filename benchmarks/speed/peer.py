"""Times one peer, in whatever environment has it: started by `run.py`, imports nothing of ours.

    PYTHON peer.py nlm|dipy|bm4d Z Y X

Smooth structure and noise of σ = 5 over Z × Y × X voxels. Prints wall and CPU seconds as JSON.
BM4D's licence is non-commercial: it is compared with, never depended on.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np

SIGMA = 5.0


def nlm(noisy):
    """scikit-image, 3-D, patches of 3 and a radius of 3 voxels."""
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        noisy, patch_size=3, patch_distance=3, h=0.6 * SIGMA, sigma=SIGMA, fast_mode=True
    )


def dipy(noisy):
    """DIPY's blockwise non-local means, Rician, with its own radii."""
    from dipy.denoise.nlmeans import nlmeans

    return nlmeans(noisy, sigma=SIGMA, rician=True, method="blockwise", num_threads=1)


def bm4d(noisy):
    """BM4D, both stages."""
    from bm4d import bm4d as denoise

    return denoise(noisy, SIGMA)


PEERS = {"nlm": (nlm, "scikit-image"), "dipy": (dipy, "dipy"), "bm4d": (bm4d, "bm4d")}

if __name__ == "__main__":
    method, package = PEERS[sys.argv[1]]
    shape = tuple(int(n) for n in sys.argv[2:5])
    z, y, x = (np.linspace(0, 6, n) for n in shape)
    smooth = np.sin(z)[:, None, None] * np.cos(y)[:, None] * np.sin(x)
    noisy = 100 + 50 * smooth + SIGMA * np.random.default_rng(0).standard_normal(shape)
    method(noisy[:9, :16, :16])  # libraries load
    wall, cpu = time.perf_counter(), time.process_time()
    image = method(noisy)
    found = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    assert np.isfinite(image).all() and np.std(image - noisy) > 0.5 * SIGMA
    print(json.dumps(found | {"version": version(package)}))
