"""Which voxels count when a restored scan is judged: by the reference alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CT_TISSUE_HU", "tissue"]

CT_TISSUE_HU = (-900.0, 2000.0)


def tissue(reference: NDArray[np.float32], modality: str) -> NDArray[np.bool_]:
    """Voxels that count: MR foreground, or CT between −900 and 2000 HU; by the reference alone."""
    if modality == "MR":
        return np.asarray(reference > FOREGROUND_FRACTION * foreground_scale(reference))
    low, high = CT_TISSUE_HU
    return (reference > low) & (reference < high)
