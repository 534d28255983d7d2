"""An ensemble analysed: the noisy images and every method that restored them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.core.meter import SILENT
from medrestore.errors import InputError
from medrestore.evaluation.ensemble.folder import open_ensemble
from medrestore.evaluation.ensemble.images import read_images
from medrestore.evaluation.ensemble.metrics import measure
from medrestore.evaluation.ensemble.scene import HALVES

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from medrestore.core.meter import Meter
    from medrestore.evaluation.ensemble.metrics import MethodMetrics
    from medrestore.evaluation.ensemble.scene import Scene

__all__ = ["NOISY", "Study", "analyse"]

NOISY = "noisy"


@dataclass(frozen=True, eq=False)
class Study:
    """Metrics of all methods over one ensemble.

    Parameters
    ----------
    facts : dict
        The ensemble's record, ``truth.json``.
    scene : Scene
        Its truth.
    realisations : (int, int)
        With and without the inserts.
    methods : tuple of MethodMetrics
        The noisy images first.
    """

    facts: dict[str, Any]
    scene: Scene
    realisations: tuple[int, int]
    methods: tuple[MethodMetrics, ...]

    def of(self, method: str) -> MethodMetrics:
        """Return one method's metrics.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        for one in self.methods:
            if one.method == method:
                return one
        there = ", ".join(one.method for one in self.methods)
        raise InputError(f"there is no method {method} in the study; there are {there}")


def analyse(
    folder: str | os.PathLike[str],
    restored: Mapping[str, str | os.PathLike[str]],
    progress: Meter = SILENT,
) -> Study:
    """Measure noisy images and what methods made of them.

    Parameters
    ----------
    folder : path
        From `folder.make`.
    restored : mapping of str to path
        Folder of each method's images by its name; may be empty.
    progress : Meter, optional
        Told about every image read; may cancel.

    Raises
    ------
    InputError
        If the ensemble or an image is missing or does not fit, or a method is called ``noisy``.
    """
    if NOISY in restored or "" in restored:
        raise InputError(f"{NOISY!r} is the name of the images before; give each method its own")
    ensemble = open_ensemble(folder)
    folders = {NOISY: ensemble.folder / "noisy"}
    folders |= {name: Path(path) for name, path in restored.items()}
    measured = [
        measure(ensemble.scene, read_images(ensemble, name, path, progress))
        for name, path in folders.items()
    ]
    first, second = (len(ensemble.names[half]) for half in HALVES)
    return Study(ensemble.facts, ensemble.scene, (first, second), tuple(measured))
