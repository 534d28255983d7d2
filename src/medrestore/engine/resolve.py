"""From the requested settings to a plan, once scan, model, noise and device are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medrestore.core.tiles import tiles
from medrestore.devices import windows_at_once
from medrestore.engine.grid_choice import AS_SHOWN
from medrestore.engine.noise import Level
from medrestore.engine.plan import Plan
from medrestore.engine.plan_text import calibrated, warnings_of

if TYPE_CHECKING:
    from medrestore.engine.grid_choice import WorkingGrid
    from medrestore.engine.noise import Noise
    from medrestore.models.card import Card
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["resolve"]


def resolve(
    settings: Settings,
    volume: Volume,
    card: Card,
    noise: Noise,
    scale: float,
    device: str,
    precision: str = "float32",
    levels: tuple[Level, ...] = (),
    grid: WorkingGrid = AS_SHOWN,
) -> Plan:
    """Decide a run; `forecast.complete` says what it will take.

    Parameters
    ----------
    settings : Settings
        What was asked; sampler and steps left to the model become its usual ones.
    volume : Volume
        The scan; only its shape and modality are looked at.
    noise, scale : Noise, float
        The noise in absolute units, and the intensity scale (`core.intensity`).
    device, precision : str
        ``"cpu"``, ``"cuda"``, … (`devices`), ``"float32"`` or ``"bfloat16"``, already picked.
    levels : tuple of Level
        Of a 4-D scan noise and scale of each volume.
    grid : WorkingGrid
        The grid that the run works on.

    Raises
    ------
    ModelError
        If the model does not serve the sampler, samples or steps, or cannot be guided as asked.
    """
    shape, times = volume.geometry.shape, len(volume.array) if volume.is_4d else 1
    settings = _settled(settings, card)
    windows = tiles(card.family.plane(grid.size or shape[1:]), card.window[0], card.run_stride)
    batch = max(1, windows_at_once(device) // card.depth[0])
    return Plan(
        settings=settings,
        model=card.name,
        model_sha256=card.sha256,
        modality=card.modality,
        mode=card.mode,
        shape=shape,
        times=times,
        scale=scale,
        noise=noise,
        device=device,
        batch=batch,
        slab=max(1, batch // windows),
        slices=None,
        evaluations=shape[0] * times * settings.evaluations,
        warnings=warnings_of(card, levels or (Level(noise, scale),), settings),
        precision=precision,
        levels=levels,
        calibrated=calibrated(card, settings),
        grid=grid.size,
        grid_source=grid.source,
        stride=card.run_stride,
    )


def _settled(settings: Settings, card: Card) -> Settings:
    """Settings whose sampler, steps and mirroring are no longer left to the model."""
    steps = card.steps(settings.steps, settings.samples)
    settings = replace(settings, sampler=card.sampler(settings.sampler), steps=steps)
    card.check_guidance(settings.sampler, steps, settings.guidance, settings.measurement)
    return replace(settings, mirroring=_mirroring(settings, card))


def _mirroring(settings: Settings, card: Card) -> str:
    """``"on"`` or ``"off"``: by itself where samples are drawn; off where nothing is predicted."""
    wanted = settings.mirroring
    if wanted == "auto":
        wanted = "on" if settings.samples else "off"
    return wanted if card.family.predicts else "off"
