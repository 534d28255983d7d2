"""Which voxels count when a restored scan is judged: by the reference alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["tissue"]


def tissue(reference: NDArray[np.float32], modality: str) -> NDArray[np.bool_]:
    """Voxels that count: MR foreground, or CT between −900 and 2000 HU; by the reference alone."""
    counted = modality_named(modality).evaluation.counted
    if counted is None:
        return np.asarray(reference > FOREGROUND_FRACTION * foreground_scale(reference))
    low, high = counted
    return (reference > low) & (reference < high)
