"""The grid that a run works on: the one shown, or the one that an MR was acquired on.

A scan that was zero-filled is better restored where it was acquired (`engine.own_grid`,
`benchmarks/own_grid`). What was no zero-filling would be blurred there: so the grid that the file
or the edge in k-space tells counts only if next to nothing of the scan lies beyond it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from medrestore.core.acquired_grid import acquired_grid, lost_on
from medrestore.engine.noise import typical
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.engine.noise import Level, Noise
    from medrestore.volume import Volume

__all__ = ["AS_SHOWN", "WorkingGrid", "choose_grid"]

PAYS = 1.2
"""Voxels shown for one acquired, along each of both axes, from which on it was measured to pay."""
FEWEST_TO_PAY = 190
"""Rows and columns acquired from which on it was measured to pay: networks were trained on more."""
LOST, LOST_AT_WORST = 0.2, 0.6
"""Beyond the acquired grid, over σ: RMS in the body, and in the worst hundredth of its places."""
FEWEST = 32
"""Rows or columns of a grid that is worked on."""


class WorkingGrid(NamedTuple):
    """Rows and columns that a run works on, None for those shown; how they are known, or why not.

    Without a ``source`` there was nothing to choose.
    """

    size: tuple[int, int] | None = None
    source: str = ""


AS_SHOWN = WorkingGrid()


def choose_grid(
    asked: str, volume: Volume, levels: Sequence[Level], floor: float = 0.0
) -> WorkingGrid:
    """Choose the grid of a run.

    Parameters
    ----------
    asked : {"auto", "acquired", "shown"}
        As `settings.Settings.grid`.
    volume : Volume
        The scan.
    levels : sequence of Level
        Noise and scale of each of its volumes. The least noisy one is looked at.
    floor : float
        Noise over the scale that the model leaves alone: then there is nothing to gain.
    """
    if not modality_named(volume.modality or "").in_k_space:
        return AS_SHOWN
    if asked == "shown":
        return WorkingGrid(None, "asked for")
    quietest = min(range(len(levels)), key=lambda t: _share(levels[t]))
    if _share(levels[quietest]) == math.inf or _share(typical(levels)) < floor:
        return AS_SHOWN
    array = volume.array[quietest] if volume.is_4d else volume.array
    found = _told(volume) or _seen(array, levels[quietest].scale)
    if found.size is None:
        return found if asked == "acquired" else AS_SHOWN
    return _doubted(found, array, levels[quietest], asked == "auto") or found


def _share(level: Level) -> float:
    """Noise over the scale; infinite for a volume without any, which tells nothing."""
    return level.noise.sigma / level.scale if level.noise.sigma > 0 else math.inf


def _told(volume: Volume) -> WorkingGrid | None:
    """The grid that the file tells; None where it does not.

    An even number of steps has one highest frequency, which magnitudes have on both sides: two
    more rows or columns hold them.
    """
    if volume.source.acquired is None:
        return None
    shape = volume.geometry.shape[1:]
    pairs = zip(volume.source.acquired, shape, strict=True)
    rows, columns = (min(2 * (n // 2 + 1), shown) for n, shown in pairs)
    if (rows, columns) == shape:
        return WorkingGrid(None, "its file says that no more is shown than was acquired")
    return WorkingGrid((rows, columns), "acquisition matrix in its file")


def _seen(array: NDArray[np.float32], scale: float) -> WorkingGrid:
    """The grid that the edge in k-space tells."""
    size = acquired_grid(array, scale)
    return WorkingGrid(size, "edge in its k-space" if size else "no edge shows in its k-space")


def _doubted(
    found: WorkingGrid, array: NDArray[np.float32], level: Level, only_if_it_pays: bool
) -> WorkingGrid | None:
    """The grid shown, where that found is not to be used; None where it is."""
    assert found.size is not None
    words = f"{' × '.join(map(str, found.size))} were acquired ({found.source})"
    if min(found.size) < FEWEST:
        return WorkingGrid(None, f"{words}, too few to work on")
    lost, sigma = lost_on(array, level.scale, found.size), _least(level.noise)
    if lost.body > LOST * sigma or lost.worst > LOST_AT_WORST * sigma:
        return WorkingGrid(None, f"{words}, but its k-space holds more")
    gains = [n / m for n, m in zip(array.shape[1:], found.size, strict=True)]
    if only_if_it_pays and min(gains) < PAYS:
        return WorkingGrid(None, f"{words}, which is too near to what is shown to pay")
    if only_if_it_pays and min(found.size) < FEWEST_TO_PAY:
        return WorkingGrid(None, f"{words}, too few to pay")
    return None


def _least(noise: Noise) -> float:
    """The lowest noise that the scan may have, whatever was told."""
    known = [noise.sigma, noise.measured, None if noise.between is None else noise.between[0]]
    return min(sigma for sigma in known if sigma is not None)
