"""The map of CT noise against the noise there is, in the made torso of sample_data."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

import medrestore as mr
from medrestore.modalities.ct import CT

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
AROUND = (5, 25, 25)
"""Voxels over which the noise there is is taken, inside uniform soft tissue."""


@pytest.mark.slow
def test_the_map_is_right_where_tissue_is_uniform() -> None:
    noisy = mr.read(SAMPLES / "ct_torso_dicom").array
    clean = mr.read(SAMPLES / "ct_torso_clean.nii.gz", "CT").array
    true = np.sqrt(uniform_filter(np.square(noisy - clean), AROUND))
    soft = (clean > -50) & (clean < 150)
    inner = uniform_filter(soft.astype(np.float32), AROUND) > 0.99
    found = CT.estimate_noise(noisy).map
    assert found is not None
    low, middle, high = np.quantile((found / true)[inner], [0.1, 0.5, 0.9])
    assert middle == pytest.approx(1, abs=0.05)
    assert 0.9 < low and high < 1.15
