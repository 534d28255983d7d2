"""A made MR scan whose k-space was filled with zeros, as a scanner shows it."""

import numpy as np
from scipy import ndimage

import medrestore as mr
from medrestore.core.zero_filling import resampled
from scans import AFFINE, body

COARSE, FINE, SLICES = (48, 56), (96, 112), 5
SIGMA = 20.0


def zero_filled(fine: tuple[int, int] = FINE, told: bool = True, seed: int = 0) -> mr.Volume:
    """Magnitudes of a body of about 400 with complex noise, acquired on `COARSE`."""
    clean = 400 * ndimage.gaussian_filter(body((SLICES, *COARSE)), (0, 1, 1))
    noise = SIGMA * np.random.default_rng(seed).standard_normal((2, *clean.shape))
    real, imaginary = (
        resampled(one.astype(np.float32), fine) for one in (clean + noise[0], noise[1])
    )
    array = np.hypot(real, imaginary)
    steps = COARSE[0] - 1, COARSE[1] - 1  # an odd number of each: `COARSE` holds them
    source = mr.volume.Source(name="filled", acquired=steps if told else None)
    return mr.Volume(array, mr.Geometry(array.shape, AFFINE), "MR", "a.u.", source)
