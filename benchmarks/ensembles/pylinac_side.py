"""pylinac's noise power spectra of arrays, in an environment of its own (it needs pydicom < 3).

    python benchmarks/ensembles/pylinac_side.py IN.npz OUT.npz

Reads ``rois`` (n, h, h) and ``pixel_mm``, writes ``plane``, ``radial`` and the version.
"""

import sys

import numpy as np
import pylinac
from pylinac.core.nps import noise_power_spectrum_1d, noise_power_spectrum_2d

given = np.load(sys.argv[1])
plane = noise_power_spectrum_2d(float(given["pixel_mm"]), list(given["rois"]))
np.savez(
    sys.argv[2], plane=plane, radial=noise_power_spectrum_1d(plane), version=pylinac.__version__
)
