"""An ensemble analysed: metrics of the noisy images and of every method that restored them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.meter import SILENT
from medrestore.errors import InputError
from medrestore.evaluation.ensemble.folder import open_ensemble
from medrestore.evaluation.ensemble.images import read_images
from medrestore.evaluation.ensemble.inserts import (
    Linearity,
    Recall,
    Transfer,
    contrast_to_noise,
    core_of,
    linearity,
    recall,
    remaining,
    ttf,
)
from medrestore.evaluation.ensemble.nps import Spectrum, of_powers, powers
from medrestore.evaluation.ensemble.observers import (
    Detection,
    channelised_hotelling,
    dense_dog,
    matched,
)
from medrestore.evaluation.ensemble.scene import HALVES
from medrestore.evaluation.statistics import Estimate, jackknife

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medrestore.core.meter import Meter
    from medrestore.evaluation.ensemble.images import Images, Squares
    from medrestore.evaluation.ensemble.scene import Insert, Lesions, Scene
    from medrestore.evaluation.statistics import Choice

__all__ = ["LesionMetrics", "MethodMetrics", "RodMetrics", "Study", "analyse"]

NOISY = "noisy"


class NoiseMetrics(NamedTuple):
    """The spectrum, and its std (scan's unit), mean and peak frequency (cycles/mm)."""

    spectrum: Spectrum
    std: Estimate
    mean: Estimate
    peak: Estimate


class RodMetrics(NamedTuple):
    """A rod: its transfer, f₅₀ and f₁₀ in cycles/mm, value, bias and contrast-to-noise ratio.

    ``true`` and ``value`` are means over the rod's core with it, in the scan's unit; ``bias`` is
    their difference.
    """

    rod: Insert
    transfer: Transfer
    f50: Estimate
    f10: Estimate
    true: float
    value: float
    bias: Estimate
    cnr: Estimate


class LesionMetrics(NamedTuple):
    """Lesions of a size and contrast: both observers, share of the contrast left, their maps."""

    lesions: Lesions
    hotelling: Detection | None
    matched: Detection
    remaining: Estimate
    recall: Recall | None


@dataclass(frozen=True, eq=False)
class MethodMetrics:
    """Metrics of one method.

    Parameters
    ----------
    method : str
        Its name.
    noise : NoiseMetrics
        Over all regions.
    rods : tuple of RodMetrics
        By contrast.
    line : Linearity
        Over all rods and the background without them.
    lesions : tuple of LesionMetrics
        By size and contrast.
    notes : tuple of str
        Metrics that are missing, and the reason.
    """

    method: str
    noise: NoiseMetrics
    rods: tuple[RodMetrics, ...]
    line: Linearity
    lesions: tuple[LesionMetrics, ...]
    notes: tuple[str, ...]


def _measure(scene: Scene, images: Images) -> MethodMetrics:
    """Measure a method's images of a scene."""
    rods = tuple(_rod(scene, images, one) for one in scene.rods)
    base_true, base_value = _background(scene, images)
    true = [base_true, *(one.true for one in rods)]
    value = [base_value, *(one.value for one in rods)]
    lesions = tuple(_lesions(scene, images, one) for one in scene.lesions)
    notes = []
    if any(one.hotelling is None for one in lesions):
        notes.append(
            "no channelised Hotelling observer: it needs more realisations than it has channels"
        )
    if images.removed is None:
        notes.append("no maps of removed structure for every realisation: no recall")
    noise, line = _noise(scene, images), linearity(true, value)
    return MethodMetrics(images.method, noise, rods, line, lesions, tuple(notes))


def _noise(scene: Scene, images: Images) -> NoiseMetrics:
    """Return noise of both halves, each about its mean: inserts elsewhere add none to a region."""
    pixel_mm = scene.pixel_mm

    def spectrum(*chosen: Choice) -> Spectrum:
        planes = [
            np.mean([powers(images.regions[half, r][rows], pixel_mm) for r in scene.regions], 0)
            for half, rows in zip(HALVES, chosen, strict=True)
        ]
        return of_powers(np.concatenate(planes), pixel_mm)

    def metrics(present: Choice, absent: Choice) -> tuple[float, float, float]:
        found = spectrum(present, absent)
        return float(np.sqrt(found.variance)), found.mean, found.peak

    sizes = tuple(len(images.regions[half, scene.regions[0]]) for half in HALVES)
    return NoiseMetrics(spectrum(*(np.arange(n) for n in sizes)), *jackknife(metrics, *sizes))


def _rod(scene: Scene, images: Images, rod: Insert) -> RodMetrics:
    present, absent = (images.squares[half, rod] for half in HALVES)
    window = (scene.inner, *scene.square(rod))
    truth = scene.drawn(rod)[scene.inner]
    base = scene.background.array[window]
    inside = core_of(truth.shape[1:], scene.pixel_mm, rod.diameter_mm)
    within = np.broadcast_to(inside, truth.shape)
    true = float((base + truth)[within].mean())

    def transfer(first: Choice, second: Choice) -> Transfer:
        change = _mean(present, first) - _mean(absent, second)
        return ttf(change, truth, rod.diameter_mm, scene.pixel_mm)

    def metrics(first: Choice, second: Choice) -> tuple[float, ...]:
        sharp = transfer(first, second)
        value = float(_mean(present, first)[within].mean())
        noise = contrast_to_noise(present[first], absent[second], within)
        return sharp.falls_to(0.5), sharp.falls_to(0.1), value - true, noise

    f50, f10, bias, cnr = jackknife(metrics, len(present), len(absent))
    whole = transfer(np.arange(len(present)), np.arange(len(absent)))
    return RodMetrics(rod, whole, f50, f10, true, true + bias.value, bias, cnr)


def _background(scene: Scene, images: Images) -> tuple[float, float]:
    """Return the true and the measured mean at all rods' positions without the rods."""
    true, value = [], []
    for rod in scene.rods:
        inside = core_of(images.squares["absent", rod].shape[-2:], scene.pixel_mm, rod.diameter_mm)
        base = scene.background.array[(scene.inner, *scene.square(rod))]
        true.append(float(base[:, inside].mean()))
        value.append(float(images.squares["absent", rod][..., inside].mean(dtype=np.float64)))
    return float(np.mean(true)), float(np.mean(value))


def _lesions(scene: Scene, images: Images, group: Lesions) -> LesionMetrics:
    present, absent = _by_place(images.squares, group)
    signal = np.stack([scene.drawn(one)[one.centre[0]] for one in group.members])
    channels = dense_dog((present.shape[-2], present.shape[-1]))
    pictures = min(len(present), len(absent)) * present.shape[1] * 4 // 5
    enough = pictures > 2 * channels.shape[1]

    def left(first: Choice, second: Choice) -> float:
        return float(remaining(present[first], absent[second], signal).mean())

    found = None
    if images.removed is not None:
        maps = _by_place(images.removed, group)
        found = recall(*maps, signal, remaining(present, absent, signal))
    return LesionMetrics(
        group,
        channelised_hotelling(present, absent, channels) if enough else None,
        matched(present, absent, signal),
        jackknife(left, len(present), len(absent))[0],
        found,
    )


def _by_place(squares: Squares, group: Lesions) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return squares with and without the lesions, (n, places, y, x)."""
    present, absent = (
        np.stack([squares[half, one] for one in group.members], axis=1) for half in HALVES
    )
    return present, absent


def _mean(values: NDArray[np.float32], chosen: Choice) -> NDArray[np.float64]:
    return np.asarray(values[chosen].mean(axis=0, dtype=np.float64))


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
        _measure(ensemble.scene, read_images(ensemble, name, path, progress))
        for name, path in folders.items()
    ]
    first, second = (len(ensemble.names[half]) for half in HALVES)
    return Study(ensemble.facts, ensemble.scene, (first, second), tuple(measured))
