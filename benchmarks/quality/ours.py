"""Our models on a case, with the σ that every method is given, or with their own estimate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.quality.cases import SEED
from benchmarks.quality.scores import DATA_RANGE, figures
from medrestore.api import run_plan
from medrestore.engine.noise import resolve_levels
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.evaluation.coverage import coverage, std_ratio
from medrestore.evaluation.fidelity import psnr
from medrestore.modalities import modality_named
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.models.model import Model
    from medrestore.results.result import Result


def noise_of(case: Case, sigma: str) -> Noise:
    """The noise a model is told: the true one, or what it estimates from the noisy volume."""
    if sigma == "auto":
        return resolve_levels(case.volume)[0].noise
    if case.kind == "phantom":  # a number, distributed as estimated
        return resolve_levels(case.volume, case.sigma)[0].noise
    return Noise(case.sigma, case.sigma_map, "added")


def run_model(
    model: Model,
    case: Case,
    noise: Noise,
    slices: tuple[int, ...],
    samples: int = 0,
    mirroring: str = "auto",
) -> tuple[Result, float]:
    """Restore some slices; the result and the CPU seconds it took."""
    settings = Settings(
        samples=samples, steps=2, seed=SEED, keep_samples=samples > 0, mirroring=mirroring
    )
    scale = modality_named(case.modality).noise_free_scale(case.noisy, noise.sigma)
    plan = resolve(settings, case.volume, model.card, noise, scale, model.device)
    started = time.process_time()
    result = run_plan(plan.for_slices(slices), case.volume, model=model)
    return result, time.process_time() - started


def whole(case: Case, part: NDArray[np.float32], slices: tuple[int, ...]) -> NDArray[np.float32]:
    """Restored slices in their places; the noisy ones elsewhere."""
    image = case.noisy.copy()
    image[list(slices)] = part
    return image


def predictor_row(
    model: Model, case: Case, sigma: str = "true", mean_of_40: NDArray[np.float32] | None = None
) -> dict[str, Any]:
    """One evaluation per slice: the image μ, its std and interval, over all scored slices."""
    noise = noise_of(case, sigma)
    result, seconds = run_model(model, case, noise, case.inner)
    image = whole(case, result.restored.array, case.inner)
    voxels = len(case.inner) * image[0].size
    row = figures(image, case, mean_of_40)
    row["sigma_used"] = noise.sigma
    row["cpu_s_per_mvoxel"] = seconds / voxels * 1e6
    return row | (honesty(result, case, case.inner) if case.kind == "simulated" else {})


def samples_row(model: Model, case: Case, samples: int, every: int) -> dict[str, Any]:
    """Samples on every n-th scored slice: the PSNR of their mean, that of μ on the same slices."""
    slices = case.inner[::every]
    result, seconds = run_model(model, case, noise_of(case, "true"), slices, samples)
    truth, mask = case.truth[list(slices)], case.mask[list(slices)]
    data_range = DATA_RANGE[case.modality]
    assert result.samples is not None
    mean = result.samples.mean(axis=0)
    return {
        "psnr": psnr(mean, truth, mask, data_range),
        "psnr_mu": psnr(result.restored.array, truth, mask, data_range),
        "slices": len(slices),
        "cpu_s_per_mvoxel": seconds / (len(slices) * mask[0].size) * 1e6,
    } | honesty(result, case, slices)


def honesty(result: Result, case: Case, slices: tuple[int, ...]) -> dict[str, float]:
    """How well std and interval tell the error."""
    truth, mask = case.truth[list(slices)], case.mask[list(slices)]
    std, image = result.std.array, result.restored.array
    return {
        "std_ratio": std_ratio(std, image, truth, mask),
        "cover90": coverage(result.lower.array, result.upper.array, truth, mask),
        "gauss90": coverage(image - 1.645 * std, image + 1.645 * std, truth, mask),
    }
