"""Images of one method over an ensemble: the squares that are measured, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import io
from medrestore.core.meter import SILENT
from medrestore.errors import InputError
from medrestore.evaluation.ensemble.scene import HALVES
from medrestore.io.formats import suffix_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.core.meter import Meter
    from medrestore.evaluation.ensemble.folder import Ensemble
    from medrestore.evaluation.ensemble.scene import Half, Insert, Region, Scene

    Squares = dict[tuple["Half", "Insert"], NDArray[np.float32]]

__all__ = ["Images", "read_images"]

SAME_MM = 0.01
RESTORED, REMOVED = "_restored", "_removed"


@dataclass(frozen=True, eq=False)
class Images:
    """Squares of every realisation of one method, float32, by half.

    Parameters
    ----------
    method : str
        Its name in tables.
    squares : dict
        By half and insert: (n, y, x) of the middle slice for a lesion, (n, slices, y, x) for a rod.
    regions : dict
        By half and region: (n, slices, y, x).
    removed : dict or None
        As ``squares``, of the `removed` maps at lesions; None unless every realisation has one.
    """

    method: str
    squares: Squares
    regions: dict[tuple[Half, Region], NDArray[np.float32]]
    removed: Squares | None


def read_images(ensemble: Ensemble, method: str, folder: Path, progress: Meter = SILENT) -> Images:
    """Read a method's images.

    Parameters
    ----------
    ensemble : Ensemble
        Realisations and their grid.
    method : str
        Its name.
    folder : Path
        With a file for each realisation, in any sub-folder: ``present_000.nii.gz`` or, as
        `medrestore batch` writes it, ``present_000_restored.nii.gz``; ``.nii``, ``.nrrd`` and
        ``.mha`` too.

    Raises
    ------
    InputError
        If one is missing, there twice, on another grid, or not finite.
    """
    files, scene = _files(folder), ensemble.scene
    squares: dict[Any, list[NDArray[np.float32]]] = {}
    regions: dict[Any, list[NDArray[np.float32]]] = {}
    removed: dict[Any, list[NDArray[np.float32]]] = {}
    names = [(half, stem) for half in HALVES for stem in ensemble.names[half]]
    with_maps = all(stem + REMOVED in files for _, stem in names)
    progress.start(len(names), f"Reading {method}")
    for half, stem in names:
        image = _array(_only(files, stem, method, folder), scene, method)
        for insert in scene.inserts:
            squares.setdefault((half, insert), []).append(_square(image, scene, insert))
        for region in scene.regions:
            part = image[(scene.inner, *region.window)].copy()
            regions.setdefault((half, region), []).append(part)
        if with_maps:
            tell = _array(files[stem + REMOVED][0], scene, method)
            for group in scene.lesions:
                for one in group.members:
                    removed.setdefault((half, one), []).append(_square(tell, scene, one))
        progress.tick()
    stacked = [{key: np.stack(of) for key, of in one.items()} for one in (squares, regions)]
    maps = {key: np.stack(of) for key, of in removed.items()} if with_maps else None
    return Images(method, stacked[0], stacked[1], maps)


def _square(image: NDArray[np.float32], scene: Scene, insert: Insert) -> NDArray[np.float32]:
    chosen: Any = scene.inner if insert.kind == "rod" else insert.centre[0]
    return image[(chosen, *scene.square(insert))].copy()


def _array(path: Path, scene: Scene, method: str) -> NDArray[np.float32]:
    """Return a file's voxels, if it is an image of the scene."""
    volume = io.read(path, scene.modality)
    grid = scene.background.geometry
    if volume.is_4d or not volume.geometry.same_grid(grid, SAME_MM):
        raise InputError(
            f"{method}: {path.name} has shape {volume.array.shape} and its own grid, the "
            f"ensemble's is {grid.shape}; restored images keep the grid of the noisy ones"
        )
    if not np.isfinite(volume.array).all():
        raise InputError(f"{method}: {path.name} has voxels without a finite value")
    return volume.array


def _files(folder: Path) -> dict[str, list[Path]]:
    """Return scans under a folder by their stems."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder with a method's images")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        suffix = suffix_of(path)
        if suffix and path.is_file() and not path.name.startswith("."):
            found.setdefault(path.name[: -len(suffix)], []).append(path)
    return found


def _only(files: dict[str, list[Path]], stem: str, method: str, folder: Path) -> Path:
    """Return the image of a realisation; a restored one goes before its source beside it."""
    there = files.get(stem + RESTORED) or files.get(stem, [])
    if len(there) == 1:
        return there[0]
    if not there:
        raise InputError(
            f"{method}: {folder} holds no image of {stem}; every realisation is needed, named "
            f"{stem}.nii.gz or {stem}{RESTORED}.nii.gz"
        )
    listed = ", ".join(str(path.relative_to(folder)) for path in there[:3])
    raise InputError(f"{method}: {stem} is there more than once ({listed}); leave one")
