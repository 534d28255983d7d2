"""Metrics of images and of uncertainties, over voxels of a mask.

One more is a function, here or in a file of its own, and an entry in a table at the end: JSON,
``figures.csv``, tables, means and differences over cases read them there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from medrestore.evaluation.coverage import ause, crps, ence
from medrestore.evaluation.fidelity import Agreement, agreement, psnr, rmse, ssim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from medrestore.evaluation.fidelity import Agreement
    from medrestore.evaluation.strata import Window

__all__ = [
    "IMAGE_METRICS",
    "INTENSITY",
    "NOISY",
    "UNCERTAINTY_METRICS",
    "Errors",
    "Fidelity",
    "Metric",
    "Pair",
    "cells_of",
    "fidelity",
]

INTENSITY = "intensity"
"""Unit of what is in the scan's own: HU, or a.u., over cases percent of the foreground scale."""
BLAND_ALTMAN = "doi:10.1177/096228029900800204"
NOISY = "noisy"
"""The method that does nothing."""


Evidence = TypeVar("Evidence", bound="Pair | Errors")


@dataclass(frozen=True, eq=False)
class Pair:
    """An image and its reference, (z, y, x), in a window; NaN may stand outside of the mask."""

    image: NDArray[Any]
    reference: NDArray[Any]
    mask: NDArray[np.bool_]
    window: Window

    @cached_property
    def agreement(self) -> Agreement:
        """Differences to the reference; nothing is cut to the window."""
        return agreement(self.image, self.reference, self.mask)


@dataclass(frozen=True, eq=False)
class Errors:
    """Truth, expected image and its standard deviation at the voxels that count, (n,)."""

    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @cached_property
    def error(self) -> NDArray[np.float64]:
        """Expected image − truth."""
        return self.mean - self.truth


@dataclass(frozen=True)
class Metric(Generic[Evidence]):
    """A number, from `Pair` for an image and from `Errors` for an uncertainty.

    Parameters
    ----------
    name : str
        In tables; neighbours of one name share a cell.
    column : str
        In ``figures.csv`` and JSON; of what is compared over cases only, empty.
    unit : str
        ``"dB"``, empty, or `INTENSITY`.
    of : callable
        Measures it.
    cell : str
        Format in the table of cases; empty if it is not shown there.
    better : str
        ``"higher"``, ``"lower"``, a number that is best, or empty.
    compared : bool
        True if methods are compared by it over cases.
    digits : int
        Significant ones of a mean over cases.
    reference : str
        Identifier of the work that defines it, where it is not elementary.
    """

    name: str
    column: str
    unit: str
    of: Callable[[Evidence], float]
    cell: str = ""
    better: str = ""
    compared: bool = True
    digits: int = 3
    reference: str = ""

    @property
    def key(self) -> str:
        """Name of its value among those of an image or an uncertainty."""
        return self.column or self.name


def cells_of(metrics: Iterable[Metric[Any]], unit: str) -> dict[str, list[Metric[Any]]]:
    """The metrics of each cell of a table of cases, by the cell's title."""
    cells: dict[str, list[Metric[Any]]] = {}
    for one in metrics:
        if one.cell:
            own = unit if one.unit == INTENSITY else one.unit
            cells.setdefault(f"{one.name} ({own})" if own else one.name, []).append(one)
    return cells


def _psnr(pair: Pair) -> float:
    return psnr(pair.image, pair.reference, pair.mask, pair.window.data_range)


def _ssim(pair: Pair) -> float:
    return ssim(pair.image, pair.reference, pair.mask, (pair.window.low, pair.window.high))


def _rmse(pair: Pair) -> float:
    return rmse(pair.image, pair.reference, pair.mask)


_OF_IMAGES: tuple[Metric[Pair], ...] = (
    Metric("PSNR", "psnr_db", "dB", _psnr, "{:.2f}", "higher", digits=4),
    Metric("SSIM", "ssim", "", _ssim, "{:.4f}", "higher", True, 4, "doi:10.1109/TIP.2003.819861"),
    Metric("RMSE", "rmse", INTENSITY, _rmse, "{:.4g}", "lower"),
    Metric(
        "RMSE, relative",
        "rmse_percent",
        "%",
        lambda pair: 100 * _rmse(pair) / pair.window.data_range,
        better="lower",
        compared=False,
    ),
    Metric(
        "bias", "bias", INTENSITY, lambda pair: pair.agreement.mean, "{:+.3g}", "0", compared=False
    ),
    Metric("absolute bias", "", INTENSITY, lambda pair: abs(pair.agreement.mean), better="lower"),
    Metric(
        "95 % limits",
        "limit_low",
        INTENSITY,
        lambda pair: pair.agreement.limits[0],
        "{:+.3g}",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
    Metric(
        "95 % limits",
        "limit_high",
        INTENSITY,
        lambda pair: pair.agreement.limits[1],
        "{:+.3g}",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
    Metric(
        "slope",
        "slope",
        "",
        lambda pair: pair.agreement.slope,
        "{:+.3f}",
        "0",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
)


_OF_UNCERTAINTIES: tuple[Metric[Errors], ...] = (
    Metric(
        "CRPS",
        "crps",
        INTENSITY,
        lambda one: float(crps(one.truth, one.mean, one.std).mean()),
        "{:.4g}",
        "lower",
        reference="doi:10.1198/016214506000001437",
    ),
    Metric(
        "ENCE",
        "ence",
        "",
        lambda one: ence(one.error, one.std),
        "{:.3f}",
        "lower",
        reference="doi:10.3390/s22155540",
    ),
    Metric("AUSE", "ause", "", lambda one: ause(one.error, one.std), "{:.3f}", "lower"),
    Metric(
        "std ratio",
        "std_ratio",
        "",
        lambda one: float(np.sqrt(np.mean(one.std**2) / np.mean(one.error**2))),
        "{:.3f}",
        "1",
    ),
)


IMAGE_METRICS = {one.key: one for one in _OF_IMAGES}
"""Of an image in a window, by key, in the order of columns."""


UNCERTAINTY_METRICS = {one.key: one for one in _OF_UNCERTAINTIES}
"""Of an expected image with its standard deviation, over the foreground."""


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
        Of each of `IMAGE_METRICS` by its key.
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
