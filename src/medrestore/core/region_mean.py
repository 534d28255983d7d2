"""Weighted sums over voxels: means of regions, differences of two, and how far they may be off.

The error of a voxel is s·r, and r is white noise through a kernel: a weighted sum of it has a
standard deviation in closed form. How far that is to be trusted is measured, as the degrees of
freedom of a scaled inverse χ² prior of the sum's variance; posterior samples are data on the same
variance, and what both say together is the conjugate posterior (Gelman et al., Bayesian Data
Analysis, 3rd ed., §2.6). With the variance integrated out the error follows Student's t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.fft import next_fast_len, rfft2
from scipy.stats import t as student

from medrestore.core.zero_filling import adjoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.spectrum import Kernel

__all__ = ["Functional", "Spread", "closed_form_std", "fused_spread", "sampled_spread"]


@dataclass(frozen=True, eq=False)
class Functional:
    """A weighted sum over voxels of some slices of a scan.

    Parameters
    ----------
    slices : tuple of int
        The slices with a weight other than 0, ascending.
    box : (slice, slice)
        Rows and columns that hold all such voxels.
    weights : ndarray of float32, shape (slices, *box)
        Weight of each voxel.
    """

    slices: tuple[int, ...]
    box: tuple[slice, slice]
    weights: NDArray[np.float32]

    @classmethod
    def mean(cls, inside: NDArray[np.bool_]) -> Functional:
        """The mean over a region (z, y, x) that is not empty."""
        return cls._of(inside, None)

    @classmethod
    def difference(cls, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Functional:
        """The mean over ``a`` minus that over ``b``, (z, y, x), neither empty; they may overlap."""
        return cls._of(a, b)

    @classmethod
    def _of(cls, a: NDArray[np.bool_], b: NDArray[np.bool_] | None) -> Functional:
        either = a if b is None else a | b
        touched = np.flatnonzero(either.reshape(len(either), -1).any(axis=1))
        flat: NDArray[np.bool_] = np.logical_or.reduce(either[touched])
        box = _extent(np.any(flat, axis=1)), _extent(np.any(flat, axis=0))
        weights = a[touched][:, *box] / np.float32(np.count_nonzero(a))
        if b is not None:
            weights = weights - b[touched][:, *box] / np.float32(np.count_nonzero(b))
        return cls(tuple(map(int, touched)), box, weights.astype(np.float32))

    def before_zero_filling(self, shape: tuple[int, int], grid: tuple[int, int]) -> Functional:
        """The same sum over the voxels (y, x) of an acquired grid, of which ``shape`` is shown."""
        wide = np.zeros((len(self.weights), *shape), np.float32)
        wide[:, *self.box] = self.weights
        return Functional(self.slices, (slice(None), slice(None)), adjoint(wide, grid))

    @property
    def voxels(self) -> float:
        """Size of the region whose mean white noise would vary as this sum does, 1/Σw²."""
        return 1 / max(float(np.sum(np.square(self.weights, dtype=np.float64))), 1e-300)

    def of(self, array: NDArray[Any]) -> float:
        """The sum of these slices, cut to the box, (slices, *box)."""
        pairs = zip(self.weights, array, strict=True)
        return float(sum(np.sum(w * plane, dtype=np.float64, where=w != 0) for w, plane in pairs))


class Spread(NamedTuple):
    """Error of a sum: Student's t of scale ``std`` with ``dof`` degrees of freedom.

    ``std`` is a number, or an array of those of many sums.
    """

    std: Any
    dof: float

    def half_width(self, level: float) -> Any:
        """Half-width of the central interval of a level."""
        return self.std * float(student.ppf(0.5 + level / 2, self.dof))

    def above(self, value: float) -> float:
        """Probability that the error of one sum is above a value."""
        if self.std == 0:
            return float(value < 0)
        return float(student.sf(value / self.std, self.dof))


def fused_spread(closed_form: Any, dof: float, values: NDArray[np.float64]) -> Spread:
    """The error of a sum from its closed form and from its values in posterior samples.

    With the prior scaled inverse χ²(ν₀, V₀) of the variance and the samples' variance V_S from
    S − 1 degrees of freedom, the posterior is scaled inverse χ² with ν = ν₀ + S − 1 and

        V = (ν₀ V₀ + (S − 1) V_S) / ν

    so that the error follows √V · t(ν). Below two samples it is the prior alone.

    Parameters
    ----------
    closed_form : float or ndarray of shape (…)
        √V₀.
    dof : float
        ν₀, above 0; infinite if nothing could be added to the closed form.
    values : ndarray, shape (…, S)
        The sum in each sample.
    """
    more = values.shape[-1] - 1
    if more < 1 or math.isinf(dof):
        return Spread(closed_form, dof)
    seen = np.var(values, axis=-1, ddof=1)
    variance = (dof * np.square(closed_form) + more * seen) / (dof + more)
    return Spread(np.sqrt(variance), dof + more)


def sampled_spread(values: NDArray[np.float64], about_their_mean: bool = False) -> Spread:
    """The error of a sum from its values in S ≥ 2 samples alone, (…, S): Student's t(S − 1).

    ``about_their_mean``: what is shown is not the posterior's mean but that of these samples,
    which varies by 1/S of their variance.
    """
    count = values.shape[-1]
    more = math.sqrt(1 + 1 / count) if about_their_mean else 1.0
    return Spread(np.std(values, axis=-1, ddof=1) * more, count - 1)


def closed_form_std(
    weights: NDArray[Any], s: NDArray[np.float32], slices: tuple[int, ...], kernel: Kernel
) -> float:
    """Standard deviation of Σ w·s·r over some slices, r of known spectra.

    r is white noise through a kernel, so the sum is a weighted sum of white noise: a slice's
    weights times s through the same (symmetric) kernel, of which the slices that it mixes each
    take their share. Its energy is that of its transform (Parseval).

    Parameters
    ----------
    weights : ndarray, shape (n, y, x)
        Weights of the voxels; what is cut off has the weight 0.
    s : ndarray, shape (n, y, x)
        Predicted standard deviation, cut likewise.
    slices : tuple of int
        Indices of these slices in the scan.
    kernel : Kernel
        One for all slices, or one for each.
    """
    n, *size = weights.shape
    planes = np.broadcast_to(kernel.plane, (n, *kernel.plane.shape[1:]))
    taps = np.broadcast_to(kernel.along_z, (n, kernel.along_z.shape[1]))
    padded = tuple(
        next_fast_len(a + b - 1, real=True) for a, b in zip(size, planes.shape[1:], strict=True)
    )
    transfer: dict[bytes, NDArray[np.complex128]] = {}
    white: dict[int, NDArray[np.complex128]] = {}
    for z, w, spread, plane, shares in zip(slices, weights, s, planes, taps, strict=True):
        key = plane.tobytes()
        if key not in transfer:
            transfer[key] = rfft2(plane.astype(np.float64), padded)
        weighted = np.where(w != 0, w * spread.astype(np.float64), 0)
        seen = rfft2(weighted, padded) * transfer[key]
        for offset, share in enumerate(shares, -(len(shares) // 2)):
            if share:
                white[z + offset] = white.get(z + offset, 0) + share * seen
    return math.sqrt(sum(_energy(one, padded) for one in white.values()))


def _energy(transform: NDArray[np.complex128], shape: tuple[int, ...]) -> float:
    """Sum of squares of a plane from its `rfft2`."""
    power = transform.real**2 + transform.imag**2
    doubled = power[:, 1 : (shape[1] + 1) // 2].sum()  # what the half transform leaves out
    return float((power.sum() + doubled) / math.prod(shape))


def _extent(occupied: NDArray[np.bool_]) -> slice:
    """From the first to the last of some occupied places."""
    found = np.flatnonzero(occupied)
    return slice(int(found[0]), int(found[-1]) + 1)
