"""Cases whose right figures are known: a reference, a noisy copy, results with exact errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from medrestore.engine.plan import Noise, Plan
from medrestore.results.result import Result
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Source, Volume

SHAPE = (6, 40, 50)
GEOMETRY = Geometry(SHAPE, np.diag([3.0, 1.0, 1.0, 1.0]))


def volume(array: np.ndarray, modality: str = "MR", name: str = "scan") -> Volume:
    """An array (z, y, x) as a scan."""
    geometry = replace(GEOMETRY, shape=array.shape[-3:])
    unit = "HU" if modality == "CT" else "a.u."
    return Volume(array, geometry, modality, unit, Source(name=name))


def mr_reference() -> np.ndarray:
    """Smooth signal from 200 to 1000 everywhere: all of it is foreground."""
    z, y, x = np.meshgrid(*[np.linspace(0, 1, n) for n in SHAPE], indexing="ij")
    return (600 + 400 * np.sin(5 * x + 3 * y) * np.cos(2 * y + z)).astype(np.float32)


def ct_reference() -> np.ndarray:
    """Bands of −1000, −700, −80, 40, 60 and 600 HU along x, with a little ramp along y."""
    bands = np.repeat([-1000.0, -700, -80, 40, 600], SHAPE[2] // 5)
    ramp = np.linspace(-15, 15, SHAPE[1])[:, None]
    return np.broadcast_to(bands + ramp, SHAPE).astype(np.float32)


def gaussian_errors(seed: int = 0) -> np.ndarray:
    """Quantiles of a standard Gaussian in random order: its distribution without Monte Carlo."""
    count = int(np.prod(SHAPE))
    quantiles = norm.ppf((np.arange(count) + 0.5) / count)
    return np.random.default_rng(seed).permutation(quantiles).reshape(SHAPE)


def result(
    restored: np.ndarray, std: np.ndarray, factor: float, modality: str = "MR", **settings: object
) -> Result:
    """A result with the bounds restored ± factor·std at its level."""
    image = volume(restored, modality)
    asked = Settings(**{"samples": 0, "level": 0.9, "model": "no-such-model", **settings})
    plan = Plan(
        settings=asked,
        model="no-such-model",
        model_sha256="",
        modality=modality,
        mode="slice",
        shape=restored.shape,
        times=1,
        scale=1000.0,
        noise=Noise(50.0),
        device="cpu",
        batch=1,
        slices=None,
        evaluations=1,
    )
    return Result(
        restored=image,
        std=image.with_array(std),
        lower=image.with_array(restored - factor * std),
        upper=image.with_array(restored + factor * std),
        samples=None,
        plan=plan,
        drawn=0,
    )
