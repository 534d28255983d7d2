"""Metrics of an image against its reference, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.evaluation.metric import Pair
from medrestore.evaluation.metrics import IMAGE_METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.evaluation.agreement import Agreement
    from medrestore.evaluation.windows import Window

__all__ = ["NOISY", "Fidelity", "fidelity"]

NOISY = "noisy"
"""The method that does nothing."""


@dataclass(frozen=True)
class Fidelity:
    """Metrics of one image in one window, over the voxels whose reference lies in it.

    Parameters
    ----------
    method : str
        ``"noisy"``, or the name of what restored it.
    window : Window
        Its width is the data range of PSNR and SSIM.
    voxels : int
        Number that count.
    values : mapping of str to float
        Of each of `metrics.IMAGE_METRICS` by its key.
    agreement : Agreement
        Differences to the reference, in the scan's unit; nothing is cut.
    """

    method: str
    window: Window
    voxels: int
    values: Mapping[str, float]
    agreement: Agreement

    @property
    def psnr_db(self) -> float:
        """Peak signal-to-noise ratio, dB; infinite for an image equal to the reference."""
        return self.values["psnr_db"]

    @property
    def ssim(self) -> float:
        """Mean structural similarity, −1 to 1, of the images cut to the window."""
        return self.values["ssim"]

    @property
    def rmse(self) -> float:
        """Root mean squared error, in the scan's unit."""
        return self.values["rmse"]

    @property
    def rmse_percent(self) -> float:
        """RMSE in percent of the data range."""
        return self.values["rmse_percent"]

    @property
    def bias(self) -> float:
        """Mean of image − reference, in the scan's unit."""
        return self.values["bias"]

    def facts(self) -> dict[str, Any]:
        """All values under the names of the columns of ``figures.csv``."""
        return {
            "method": self.method,
            "window": self.window.name,
            "window_low": self.window.low,
            "window_high": self.window.high,
            "data_range": self.window.data_range,
            "voxels": self.voxels,
            **{one.column: self.values[one.key] for one in IMAGE_METRICS.values() if one.column},
        }


def fidelity(
    method: str,
    image: NDArray[np.float32],
    reference: NDArray[np.float32],
    mask: NDArray[np.bool_],
    window: Window,
) -> Fidelity:
    """Measure an image, shape (z, y, x), over a mask; NaN may stand outside of it."""
    pair = Pair(image, reference, mask, window)
    values = {one.key: one.of(pair) for one in IMAGE_METRICS.values()}
    return Fidelity(method, window, int(mask.sum()), values, pair.agreement)
