"""Means of regions with their intervals: rows of a table, and that table as text. No Qt."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawn import NO_REGION, drawn_regions
from medrestore.plugin.place import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from medrestore.core.meter import Meter
    from medrestore.plugin.drawn import Drawing
    from medrestore.results.result import Region, Result

__all__ = ["COLUMNS", "Row", "as_csv", "measure"]

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


class Row(NamedTuple):
    """A region as measured; ``noisy`` is its mean in the scan itself."""

    name: str
    region: Region
    noisy: float
    volume_mm3: float
    unit: str


def measure(
    result: Result, meta: Mapping[str, Any], drawing: Drawing | None, t: int, meter: Meter
) -> list[Row]:
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


def as_csv(rows: Sequence[Row], delimiter: str = ",") -> str:
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


def _row(result: Result, name: str, mask: NDArray[np.bool_], t: int) -> Row:
    region = result.region(mask, t)
    scan = result.scan
    assert scan is not None  # `region` has asked for it
    frame = scan.array[t] if scan.is_4d else scan.array
    inside = mask & np.isin(np.arange(len(mask)), result.plan.chosen)[:, None, None]
    voxel_mm3 = abs(float(np.linalg.det(scan.geometry.affine[:3, :3])))
    noisy = float(np.nanmean(frame[inside], dtype=np.float64))
    return Row(name, region, noisy, region.voxels * voxel_mm3, scan.unit)


def _on_scan(mask: NDArray[np.bool_], meta: Mapping[str, Any], result: Result) -> Any:
    """A mask of the layer on the whole scan's own grid."""
    inside = stored(mask, meta)
    if inside.shape == result.plan.shape:
        return inside
    whole = np.zeros(result.plan.shape, bool)
    whole[list(result.plan.chosen)] = inside
    return whole
