"""NIfTI files made for tests."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 3.0, 0, -126], [0, 0, 4.0, -72], [0, 0, 0, 1]])


def save(path: Path, data: Any, affine: Any = AFFINE, **header: Any) -> Path:
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units(*header.pop("units", ("mm", "sec")))
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path
