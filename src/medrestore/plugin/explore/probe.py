"""What a result says of one voxel. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.plugin.explore.figures import interval, measured

if TYPE_CHECKING:
    from medrestore.results.result import Result

__all__ = ["reading"]


def reading(result: Result, voxel: tuple[int, int, int], t: int = 0) -> str:
    """Two lines: the restored value with its interval; the noisy value and the expected error.

    Parameters
    ----------
    voxel : (z, y, x)
        On the result's grid.
    t : int
        Time point of a series.
    """
    at = (t, *voxel) if result.restored.is_4d else voxel
    value, std, low, high = (
        float(volume.array[at])
        for volume in (result.restored, result.std, result.lower, result.upper)
    )
    unit, level = result.restored.unit, 100 * result.plan.settings.level
    counted = "" if result.plan.calibrated else " (not calibrated)"
    first = f"{measured(value, std, unit)}, {level:g} %{counted}: {interval(low, high, std)}"
    second = f"expected error {measured(std, std, unit)}"
    if result.scan is not None:
        z = result.plan.chosen[voxel[0]]
        noisy = result.scan.array[(t, z, *voxel[1:]) if result.scan.is_4d else (z, *voxel[1:])]
        second += f", noisy {measured(float(noisy), std, unit)}"
    return f"{first}\n{second}"
