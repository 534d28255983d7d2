"""How near an image is to its reference, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.evaluation.agreement import Agreement, agreement
from medrestore.evaluation.figures import psnr, rmse
from medrestore.evaluation.similarity import ssim

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.evaluation.windows import Window

__all__ = ["NOISY", "Fidelity", "fidelity"]

NOISY = "noisy"
"""The method that does nothing."""


@dataclass(frozen=True)
class Fidelity:
    """Figures of one image in one window, over the voxels whose reference lies in it.

    Parameters
    ----------
    method : str
        ``"noisy"``, or what restored it.
    window : Window
        Its width is the data range of PSNR and SSIM.
    voxels : int
        How many count.
    psnr_db : float
        Peak signal-to-noise ratio, dB; infinite for an image equal to the reference.
    ssim : float
        Mean structural similarity, −1 to 1, of the images cut to the window.
    rmse : float
        Root mean squared error, in the scan's unit.
    agreement : Agreement
        Differences to the reference, in the scan's unit; nothing is cut.
    """

    method: str
    window: Window
    voxels: int
    psnr_db: float
    ssim: float
    rmse: float
    agreement: Agreement

    @property
    def bias(self) -> float:
        """Mean of image − reference, in the scan's unit."""
        return self.agreement.mean

    @property
    def rmse_percent(self) -> float:
        """RMSE in percent of the data range."""
        return 100 * self.rmse / self.window.data_range

    def facts(self) -> dict[str, Any]:
        """All figures under the names of the columns of ``figures.csv``."""
        low, high = self.agreement.limits
        return {
            "method": self.method,
            "window": self.window.name,
            "window_low": self.window.low,
            "window_high": self.window.high,
            "data_range": self.window.data_range,
            "voxels": self.voxels,
            "psnr_db": self.psnr_db,
            "ssim": self.ssim,
            "rmse": self.rmse,
            "rmse_percent": self.rmse_percent,
            "bias": self.bias,
            "limit_low": low,
            "limit_high": high,
            "slope": self.agreement.slope,
        }


def fidelity(
    method: str,
    image: NDArray[np.float32],
    reference: NDArray[np.float32],
    mask: NDArray[np.bool_],
    window: Window,
) -> Fidelity:
    """Measure an image, shape (z, y, x), over a mask; NaN may stand outside of it."""
    return Fidelity(
        method,
        window,
        int(mask.sum()),
        psnr(image, reference, mask, window.data_range),
        ssim(image, reference, mask, (window.low, window.high)),
        rmse(image, reference, mask),
        agreement(image, reference, mask),
    )
