"""The methods compared with, and what they are given.

Every method sees the same noisy voxels (CT and real noise: the box around what is scored, 16 pixels
wider) and the same σ: the added one. MR outputs of methods for
Gaussian noise get the usual correction of the magnitude's bias, √(b² − σ²); DIPY's has its own.
Widths, sizes, h, weights and radii come from `tuned.json`, chosen by `tune.py` on training scans
per modality and noise level (nearest level in the logarithm). Nothing is tuned for BM4D: it has a
σ, or for CT also the power spectrum of the noise that was really added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from benchmarks.quality.cache import cached, external
from benchmarks.quality.cases import cropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case

TUNED = Path(__file__).with_name("tuned.json")
SCIPY = f"scipy {scipy.__version__}"
SKIMAGE = f"scikit-image {skimage.__version__}"


def gaussian(noisy: NDArray[Any], sigma: float, *, width: float, through: float) -> NDArray[Any]:
    """Gaussian filter; ``width`` in pixels, ``through`` of it along z."""
    return ndimage.gaussian_filter(noisy, (through * width, width, width))


def median(noisy: NDArray[Any], sigma: float, *, size: list[int]) -> NDArray[Any]:
    """Median filter over ``size`` (z, y, x)."""
    return ndimage.median_filter(noisy, size)


def nlm(noisy: NDArray[Any], sigma: float, *, h: float, patch: int, distance: int) -> NDArray[Any]:
    """scikit-image's non-local means in 3-D; ``h`` in units of σ."""
    return denoise_nl_means(
        noisy.astype(np.float64),
        patch_size=patch,
        patch_distance=distance,
        h=h * sigma,
        sigma=sigma,
        fast_mode=True,
    )


def tv(noisy: NDArray[Any], sigma: float, *, weight: float) -> NDArray[Any]:
    """scikit-image's total variation (Chambolle) in 3-D; ``weight`` in units of σ."""
    # in units of σ: the implementation's stopping rule is relative to its input
    return sigma * denoise_tv_chambolle(noisy / sigma, weight=weight, eps=1e-4, max_num_iter=200)


LOCAL: dict[str, tuple[Callable[..., NDArray[Any]], str]] = {
    "gaussian": (gaussian, SCIPY),
    "median": (median, SCIPY),
    "nlm": (nlm, SKIMAGE),
    "tv": (tv, SKIMAGE),
}
EXTERNAL = ("dipy", "bm4d")
PEERS = ("noisy", *LOCAL, *EXTERNAL, "bm4d-psd")
"""In the order of the table; ``bm4d-psd`` for CT only."""


def tuned(modality: str, level: float, method: str) -> dict[str, Any]:
    """The parameters chosen on training scans at the nearest noise level."""
    table = json.loads(TUNED.read_text())[modality]
    nearest = min(table, key=lambda key: abs(np.log(float(key) / level)))
    found: dict[str, Any] = table[nearest][method]
    return found


def restored(
    method: str, case: Case, parameters: dict[str, Any] | None = None
) -> tuple[NDArray[np.float32], dict[str, Any]] | None:
    """A peer's image of a case and the facts of its run; None where it is not installed."""
    if method == "noisy":
        return case.noisy, {"method": "noisy", "version": "", "parameters": {}, "cpu_seconds": 0.0}
    if parameters is None and not method.startswith("bm4d"):
        parameters = tuned(case.modality, case.sigma, method)
    parameters = parameters or {}
    box = case.box
    found = _run(method, cropped(case, *box), parameters)
    if found is None:
        return None
    image = case.noisy.copy()
    image[box] = found[0] if method == "dipy" else without_bias(found[0], case)
    return image, found[1]


def _run(
    method: str, case: Case, parameters: dict[str, Any]
) -> tuple[NDArray[np.float32], dict[str, Any]] | None:
    """The method's own output."""
    if method in LOCAL:
        run, version = LOCAL[method]
        return cached(
            case.noisy,
            method,
            parameters | {"sigma": case.sigma},
            version,
            lambda: run(case.noisy, case.sigma, **parameters),
        )
    arrays = {"psd": spectrum(case)} if method == "bm4d-psd" else {}
    if method == "dipy":
        parameters = parameters | {"rician": case.modality == "MR"}
    package = method.removesuffix("-psd")
    return external(case.noisy, package, parameters | {"sigma": case.sigma}, arrays)


def without_bias(image: NDArray[np.float32], case: Case) -> NDArray[np.float32]:
    """MR: E[m²] = x² + 2σ², of which a mean of magnitudes keeps about σ² at usual signals."""
    if case.modality == "CT":
        return image
    return np.sqrt(np.maximum(image**2 - np.float32(case.sigma) ** 2, 0))


def spectrum(case: Case) -> NDArray[np.float32]:
    """Power spectrum of the noise, in BM4D's convention: its mean is the number of voxels · σ².

    From noisy − reference in windows of scored tissue (32 × 32 pixels, else 16 × 16),
    interpolated to the full grid; white along z. For real noise the difference is all that
    anybody can know.
    """
    difference = np.where(case.mask, case.noisy - case.truth, 0)
    powers = periodograms(difference, case.mask, 32) or periodograms(difference, case.mask, 16)
    coarse = np.pad(np.mean(powers, axis=0), ((0, 1), (0, 1)), mode="wrap")
    steps = [len(powers[0]) / n for n in case.noisy.shape[1:]]
    places = np.meshgrid(
        *(np.arange(n) * s for n, s in zip(case.noisy.shape[1:], steps, strict=True)), indexing="ij"
    )
    power = ndimage.map_coordinates(coarse, places, order=1, mode="nearest")
    power = np.maximum(power, 1e-3 * power.mean())  # BM4D divides by it
    power *= case.sigma**2 * case.noisy.size / power.mean()
    return np.broadcast_to(power.astype(np.float32), case.noisy.shape).copy()


def periodograms(
    values: NDArray[np.float32], mask: NDArray[np.bool_], side: int
) -> list[NDArray[np.float64]]:
    """|FFT|² of every window of the mask, ``side`` pixels wide and at least 90 % inside."""
    found = []
    for z in range(len(values)):
        for top in range(0, values.shape[1] - side + 1, side // 4):
            for left in range(0, values.shape[2] - side + 1, side // 4):
                window = (z, slice(top, top + side), slice(left, left + side))
                if mask[window].mean() > 0.9:
                    part = values[window].astype(np.float64)
                    found.append(np.abs(np.fft.fft2(part - part.mean())) ** 2)
    return found
