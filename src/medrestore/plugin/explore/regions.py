"""Values of a result with their intervals, of a voxel and of regions; a table as text. No Qt."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawings import NO_REGION, drawn_regions
from medrestore.plugin.layers import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from medrestore.core.meter import Meter
    from medrestore.plugin.drawings import Drawing
    from medrestore.results.result import Region, Result


__all__ = [
    "COLUMNS",
    "MeasuredRegion",
    "as_csv",
    "decimals",
    "interval",
    "measure",
    "measured",
    "reading",
]


def decimals(std: float) -> int:
    """Decimals that a value deserves: its uncertainty keeps two significant digits."""
    if not math.isfinite(std) or std <= 0:
        return 1
    return min(6, max(0, 1 - math.floor(math.log10(std))))


def measured(value: float, std: float, unit: str = "") -> str:
    """A value, rounded as its uncertainty allows."""
    if not math.isfinite(value):
        return "no value"
    text = f"{value:.{decimals(std)}f}".replace("-", "−")
    return f"{text} {unit}".rstrip()


def interval(lower: float, upper: float, std: float) -> str:
    """Both ends of an interval."""
    return f"{measured(lower, std)} … {measured(upper, std)}"


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


COLUMNS = (
    "region",
    "voxels",
    "volume_mm3",
    "unit",
    "mean",
    "lower",
    "upper",
    "level",
    "std",
    "noisy_mean",
    "samples",
    "calibrated",
)


class MeasuredRegion(NamedTuple):
    """A region as measured; ``noisy`` is its mean in the scan itself."""

    name: str
    region: Region
    noisy: float
    volume_mm3: float
    unit: str


def measure(
    result: Result, meta: Mapping[str, Any], drawing: Drawing | None, t: int, meter: Meter
) -> list[MeasuredRegion]:
    """The mean of each region, with its interval from the samples.

    Parameters
    ----------
    meta : mapping
        Attributes of the layer that the masks lie on.
    drawing : Drawing, optional
        Regions on that layer's grid.
    t : int
        Time point of a series.

    Raises
    ------
    MedrestoreError
        If there is no region, or one that touches no restored voxel.
    """
    meter.start(0, "Measuring the regions")
    rows = []
    for drawn in drawn_regions(drawing) if drawing is not None else ():
        rows.append(_row(result, drawn.name, _on_scan(drawn.mask, meta, result), t))
        meter.tick()
    if not rows:
        raise MedrestoreError(NO_REGION)
    return rows


def as_csv(rows: Sequence[MeasuredRegion], delimiter: str = ",") -> str:
    """The table with all columns, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, region, noisy, volume_mm3, unit in rows:
        numbers = (region.mean, region.lower, region.upper, region.level, region.std, noisy)
        writer.writerow(
            [name, region.voxels, f"{volume_mm3:.6g}", unit]
            + [f"{number:.6g}" for number in numbers]
            + [len(region.samples), "yes" if region.calibrated else "no"]
        )
    return text.getvalue()


def _row(result: Result, name: str, mask: NDArray[np.bool_], t: int) -> MeasuredRegion:
    region = result.region(mask, t)
    scan = result.scan
    assert scan is not None  # `region` has asked for it
    frame = scan.array[t] if scan.is_4d else scan.array
    inside = mask & np.isin(np.arange(len(mask)), result.plan.chosen)[:, None, None]
    voxel_mm3 = abs(float(np.linalg.det(scan.geometry.affine[:3, :3])))
    noisy = float(np.nanmean(frame[inside], dtype=np.float64))
    return MeasuredRegion(name, region, noisy, region.voxels * voxel_mm3, scan.unit)


def _on_scan(mask: NDArray[np.bool_], meta: Mapping[str, Any], result: Result) -> Any:
    """A mask of the layer on the whole scan's own grid."""
    inside = stored(mask, meta)
    if inside.shape == result.plan.shape:
        return inside
    whole = np.zeros(result.plan.shape, bool)
    whole[list(result.plan.chosen)] = inside
    return whole
