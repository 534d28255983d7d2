"""Volumes as OME-Zarr 0.5 (Zarr 3): a folder of compressed chunks, for results too large to hold.

OME-Zarr knows spacing but no patient directions (https://ngff.openmicroscopy.org/0.5): the affine
stands beside it under ``medrestore``, and only folders that have it are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import disk_arrays
from medrestore.errors import InputError, OutputError, UnreadableError
from medrestore.io.limits import check_shape
from medrestore.io.modality import settle_modality, unit_of
from medrestore.io.scan import Scan
from medrestore.volume import UNITS, Geometry, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


__all__ = ["describe", "is_ours", "load", "save"]

MARK = "medrestore"
LEVEL = "0"
"""Name of the array of full resolution, the only one."""
CHUNK = 64
"""Voxels along each axis of a chunk: 1 MiB of float32."""


def is_ours(entry: Path) -> bool:
    """True if an entry of a store is one that `save` wrote, and may be replaced."""
    try:
        return entry.name in ("zarr.json", LEVEL) and MARK in _open(entry.parent).attrs
    except UnreadableError:
        return False


def describe(path: Path) -> Scan:
    """A store's scan from its metadata."""
    array, geometry, modality = _facts(path)
    return Scan(
        path=path,
        format="zarr",
        modality=modality,
        shape=geometry.shape,
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.axis_codes,
        time_points=array.shape[0] if array.ndim == 4 else 1,
        files=(path,),
        name=path.stem,
    )


def load(path: Path, modality: str | None = None) -> Volume:
    """Read a store that `save` wrote.

    Raises
    ------
    UnreadableError
        If a chunk or the metadata are damaged.
    InputError
        If the store does not say where it lies in the patient.
    """
    stored, geometry, tag = _facts(path)
    try:
        array = _read(stored)
    except (ValueError, RuntimeError, OSError) as error:
        raise UnreadableError(f"{path} has damaged chunks; copy it again") from error
    settled = settle_modality(array, requested=modality, tag=tag or "")
    source = Source("zarr", path.stem, (path,))
    return Volume(array, geometry, settled, unit_of(settled), source)


def save(volume: Volume, path: Path) -> None:
    """Write into ``path``, an empty folder that the caller has staged.

    Raises
    ------
    OutputError
        If slices are unevenly spaced: a store has one spacing.
    """
    import zarr

    geometry = volume.geometry
    if geometry.slice_positions_mm is not None:
        raise OutputError(
            f"{volume.source.name} has uneven slices, which a Zarr store cannot tell; write a "
            "derived DICOM series, or .nii.gz"
        )
    group = zarr.open_group(store=str(path), mode="w", zarr_format=3)
    time = [{"name": "t", "type": "time"}] if volume.is_4d else []
    space = [{"name": name, "type": "space", "unit": "millimeter"} for name in "zyx"]
    scale = [1.0] * len(time) + [float(step) for step in geometry.spacing_mm]
    transforms = [{"type": "scale", "scale": scale}]
    level: dict[str, Any] = {"path": LEVEL, "coordinateTransformations": transforms}
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"name": volume.source.name, "axes": time + space, "datasets": [level]}],
    }
    group.attrs[MARK] = {
        "affine": geometry.affine.tolist(),
        "affine_of": "index (z, y, x, 1) to RAS mm",
        "geometry_known": geometry.known,
        "modality": volume.modality,
        "unit": volume.unit,
    }
    chunks = tuple(min(CHUNK, n) for n in geometry.shape)
    stored = group.create_array(
        LEVEL,
        shape=volume.array.shape,
        dtype="float32",
        chunks=(1,) * len(time) + chunks,
        dimension_names=[axis["name"] for axis in time + space],
    )
    for part in _chunk_rows(volume.array.shape):
        stored[part] = volume.array[part]
        disk_arrays.release(volume.array)


def _read(stored: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = disk_arrays.zeros(stored.shape)
    for part in _chunk_rows(stored.shape):
        array[part] = stored[part]
        disk_arrays.release(array)
    return array


def _chunk_rows(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Parts of (…, z, y, x) that are whole chunks, few enough for memory."""
    for index in np.ndindex(shape[:-3]):
        for first in range(0, shape[-3], CHUNK):
            yield (*index, slice(first, first + CHUNK))


def _open(path: Path) -> Any:
    """The store's group; Any: its attributes are dynamic."""
    import zarr

    try:
        return zarr.open_group(store=str(path), mode="r")
    except (FileNotFoundError, ValueError, KeyError, TypeError, OSError) as error:
        raise UnreadableError(f"{path} is not a Zarr group, or is damaged") from error


def _facts(path: Path) -> tuple[Any, Geometry, str | None]:
    """The stored array, where it lies, and what it is."""
    group = _open(path)
    facts = group.attrs.get(MARK)
    if facts is None:
        raise InputError(
            f"{path} does not say where it lies in the patient; medrestore reads the stores it "
            "wrote: convert it to NIfTI"
        )
    try:
        array = group[LEVEL]
        check_shape(str(path), array.shape)
        affine = np.array(facts["affine"], dtype=np.float64)
        geometry = Geometry(tuple(array.shape[-3:]), affine, bool(facts["geometry_known"]))
        tag = facts["modality"]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"{path} has damaged metadata; write it again") from error
    return array, geometry, tag if tag in UNITS else None
