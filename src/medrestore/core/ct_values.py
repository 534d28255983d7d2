"""Values of a CT: Hounsfield units or not, and padding outside of the reconstructed circle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.slices import nothing, planes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Scale", "ct_padding", "is_padding", "judge", "lies_in_air"]

AIR_HU = (-1100.0, -900.0)
SOFT_HU = (-150.0, 150.0)
BETWEEN_HU = (-700.0, -200.0)
"""Neither air, lung nor fat: nearly empty in a body, but for its vessels and its rim."""
BELOW_AIR_HU = (-1400.0, -1084.0)
MOST_BELOW = 0.01
"""Were the numbers HU already, fat would be where nothing is after 1024 is taken away."""
OFFSET = 1024.0
"""Added to HU so that they are not negative: what scanners store, for a rescale intercept to
take away again."""
CONTRAST = 1.2
"""Soft tissue outnumbers what is between by so much, at least; in muscle and bone, cut out of a
scan in HU, it is the other way round."""
NEAR = 12.0
"""Air is −1000 HU, give or take so much; at 0 another offset was added, or air was cut off."""
LEAST_AIR = 0.005
PLENTY_AIR, LEAST_SOFT = 0.05, 0.01
"""Shares that show a body in air whose numbers are not HU."""
NARROWEST_HU = 20.0
"""Tissues, or the noise of one, spread over more."""
LOWEST_HU, HIGHEST_HU = -1500.0, 4100.0
MOST_DEEP = 0.6
HU_LIKE = 0.01
"""Share of the voxels near −1000 from which on they are air of a CT in HU."""
PILE = 0.01
"""Share of voxels at exactly 0, with none below, that shows a window's lower end."""
BELOW_HU = -1500.0
FEWEST_PADDED = 10
"""Voxels that hold a padding value, at least."""
MOST_VALUES = 4
"""Of each scan: one by the scanner, others by whoever resampled it or cut the table away."""
BIN_HU = 50.0
"""Padding outnumbers all other voxels of its bin and of both bins beside it."""


@dataclass(frozen=True)
class Scale:
    """Fault or doubt about the numbers of a CT.

    Parameters
    ----------
    fault : str
        Why they are no HU, in words; empty if they may be.
    offset : float
        What was added to HU, where that is plain; else 0.
    doubt : str
        What the user should make sure of.
    """

    fault: str = ""
    offset: float = 0.0
    doubt: str = ""


def judge(values: NDArray[Any]) -> Scale:
    """Look at a CT's numbers.

    HU put air at −1000 and water at 0 (PS3.3 C.11.1.1.2). A scan with air is judged by it. One
    without may be a part of the body, so that only what tissue cannot be is refused: a range of
    fewer HU than noise has, a pile of zeros with nothing below, a median that no tissue has.

    Parameters
    ----------
    values : ndarray, any shape
        Finite voxels without padding; an even sample will do.
    """
    deep = values < LOWEST_HU
    if np.mean(deep) > MOST_DEEP:
        return Scale(f"{np.mean(deep):.0%} of the values lie below {LOWEST_HU:.0f}")
    values = values[~deep]  # padding that lossy compression or resampling has blurred
    lowest, middle, high, highest = np.percentile(values, [0, 50, 95, 99.9])
    shown = f"values run from {lowest:.4g} to {highest:.4g}"
    if highest - np.percentile(values, 0.1) < NARROWEST_HU:
        return Scale(f"{shown}, fewer units than the noise of a CT has")
    if high > HIGHEST_HU:
        return Scale(f"{shown}, and more than metal is above {HIGHEST_HU:.0f}")
    if _share(values, AIR_HU) >= LEAST_AIR:
        return Scale()
    zeros = np.count_nonzero(values == 0) / values.size
    if _is_a_body_in_air(values - OFFSET):
        air, plain = _air(values)
        fault = "air lies at about {:.0f} in place of −1000: a rescale intercept was lost"
        if plain:
            return Scale(fault.format(air), OFFSET)
        if zeros >= PLENTY_AIR or abs(air) <= NEAR:
            return Scale(fault.format(0))
    if lowest >= 0 and zeros >= PILE:
        return Scale(f"{shown}, with {zeros:.0%} at exactly 0 and none at −1000, where air is")
    if not AIR_HU[0] < middle < 1000:
        return Scale(f"{shown}, and half of them lie above {middle:.4g}")
    if lowest >= 0:
        return Scale(doubt=f"{shown}, with no air and no fat among them")
    return Scale()


def _air(values: NDArray[Any]) -> tuple[float, bool]:
    """Value of air, zeros left out, and True if it is where an offset of 1024 puts it.

    Of air at 0 that was cut off there the half above is left: it thins out from 0 on.
    """
    rest = values[(values != 0) & (np.abs(values) < OFFSET + AIR_HU[1])]
    at, middle = OFFSET - 1000, float(np.median(rest)) if rest.size else 0.0
    thins_out = _share(rest, (0, NEAR)) > _share(rest, (at - NEAR / 2, at + NEAR / 2))
    return middle, abs(middle - at) <= NEAR and not thins_out


def _is_a_body_in_air(hu: NDArray[Any]) -> bool:
    below, soft = _share(hu, BELOW_AIR_HU), _share(hu, SOFT_HU)
    enough = _share(hu, AIR_HU) >= PLENTY_AIR and soft >= LEAST_SOFT
    return enough and below < MOST_BELOW and soft >= CONTRAST * _share(hu, BETWEEN_HU)


def _share(values: NDArray[Any], limits: tuple[float, float]) -> float:
    low, high = limits
    return float(np.count_nonzero((values >= low) & (values <= high))) / max(values.size, 1)


def lies_in_air(values: NDArray[Any]) -> bool:
    """True if enough voxels are air of a CT in HU."""
    return bool(np.mean((values > AIR_HU[0]) & (values < AIR_HU[1])) > HU_LIKE)


def ct_padding(hu: NDArray[np.float32], after: Callable[[], object] = nothing) -> tuple[float, ...]:
    """The padding values of a CT (commonly −2000, −2048 or −3024), lowest first; may be empty.

    A scanner pads outside its circle, and whoever resamples, tilts or removes the table pads
    again, with another value. Each is a constant below −1500 HU that stands alone: more voxels
    hold exactly it than all others within some 50 HU. Noise reaches such depths too, but there it
    takes every value.

    Parameters
    ----------
    hu : ndarray of float32, shape (…, z, y, x)
        The scan; NaN is left out.
    after : callable
        Called when a plane was looked at.
    """
    repeated: Counter[float] = Counter()
    deep: Counter[int] = Counter()  # voxels by bins of BIN_HU
    for plane in planes(hu, after):
        below = plane[(plane < BELOW_HU) & np.isfinite(plane)]
        for value, _ in repeated.most_common(2):  # nearly all, as a rule: spares sorting them
            rest = below[below != np.float32(value)]
            repeated[value] += below.size - rest.size
            deep[_bin(value)] += below.size - rest.size
            below = rest
        values, counts = np.unique(below, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            deep[_bin(value)] += count
            if count > 1:
                repeated[value] += count
    for value, count in repeated.most_common(MOST_VALUES):
        deep[_bin(value)] -= count  # what may be padding is not what it is compared with
    return tuple(
        sorted(
            value
            for value, count in repeated.most_common(MOST_VALUES)
            if count >= FEWEST_PADDED
            and count > sum(deep[_bin(value) + step] for step in (-1, 0, 1))
        )
    )


def is_padding(plane: NDArray[Any], values: Sequence[float]) -> NDArray[np.bool_]:
    """Mask of the voxels that hold one of the padding values."""
    return np.isin(plane, np.asarray(values, np.float32))


def _bin(value: float) -> int:
    return int(value // BIN_HU)
