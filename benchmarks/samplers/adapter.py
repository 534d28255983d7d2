"""Runs other libraries' schedulers on our network: MONAI's, diffusers', or any of their shape.

A timestep k of theirs is our angle t with cos² t = ᾱ_k; r̂ is handed over as the noise, velocity or
sample that the scheduler expects. Their grids are their own affair: MONAI 1.6.1's ``DDPMScheduler``
ignores that timesteps were skipped, and its ``DDIMScheduler`` steps by N // K where its timesteps
lie (N − 1)/(K − 1) apart. `respaced` gives a scheduler a grid of K levels of which none is skipped.

For comparison: noise comes from a generator, in the order of the steps, so unlike that of our own
samplers it depends on the batch.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from medrestore.core.diffusion import eps_hat, v_hat
from medrestore.core.meter import SILENT, Meter
from medrestore.core.samplers.chain import Sample
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from medrestore.core.diffusion import Denoiser

__all__ = ["angle_of", "respaced", "run"]

LEAST_SIGNAL = 1e-5
"""ᾱ at π/2: a scheduler that expects noise divides by √ᾱ."""


def run(
    scheduler: Any,
    denoiser: Denoiser,
    condition: Tensor,
    noise: Tensor,
    generator: torch.Generator | None = None,
    meter: Meter = SILENT,
) -> Sample:
    """Draw one residual for each entry of the batch, on the scheduler's own timesteps.

    Parameters
    ----------
    scheduler : object
        With ``alphas_cumprod``, ``timesteps`` (call its ``set_timesteps`` before) and ``step``, as
        in ``monai.networks.schedulers`` and ``diffusers``.
    denoiser : Denoiser
        Predicts r̂.
    condition : Tensor, shape (batch, channels, y, x)
        What the denoiser is told.
    noise : Tensor, shape (batch, 1, y, x)
        Where to begin: unit white noise.
    generator : torch.Generator, optional
        Of the noise that the scheduler adds.
    meter : Meter
        One tick per slice and evaluation.

    Raises
    ------
    SettingsError
        If the scheduler is not variance preserving, or clips what it predicts.
    """
    _check(scheduler)
    extra = {"generator": generator} if "generator" in _parameters(scheduler.step) else {}
    z = noise * float(getattr(scheduler, "init_noise_sigma", 1.0))
    r_hat = torch.zeros_like(noise)
    for k in scheduler.timesteps:
        t = angle_of(scheduler, float(k))
        seen = scheduler.scale_model_input(z, k) if hasattr(scheduler, "scale_model_input") else z
        r_hat = denoiser(seen, t, condition)
        meter.tick(len(z))
        out = scheduler.step(_expected(scheduler, seen, r_hat, t), k, z, **extra)
        z = out.prev_sample if hasattr(out, "prev_sample") else out[0]
    return Sample(z, r_hat)


def angle_of(scheduler: Any, timestep: float) -> float:
    """The angle t with cos² t = ᾱ at a timestep, in between them interpolated."""
    signal = np.asarray(scheduler.alphas_cumprod.double().cpu()).clip(0, 1)
    angles = np.arccos(np.sqrt(signal))
    return float(np.interp(timestep, np.arange(len(angles)), angles))


def respaced(scheduler: Any, angles: Sequence[float]) -> Any:
    """A copy of a scheduler whose only timesteps are the given angles, ready to `run`.

    Parameters
    ----------
    scheduler : object
        As for `run`; left as it is.
    angles : sequence of float
        From π/2 to 0, as from `core.schedules.angles`.

    Raises
    ------
    SettingsError
        If the scheduler evaluates elsewhere than at its timesteps.
    """
    _check(scheduler)
    steps = len(angles) - 1
    signal = np.maximum(np.cos(angles[-2::-1]) ** 2, LEAST_SIGNAL)  # ascending in noise
    betas = 1 - signal / np.concatenate(([1.0], signal[:-1]))
    made = _rebuilt(scheduler, betas) if hasattr(scheduler, "from_config") else None
    if made is None:
        made = copy.deepcopy(scheduler)
        made.betas = torch.from_numpy(betas).float()
        made.alphas = 1 - made.betas
        made.alphas_cumprod = torch.from_numpy(signal).float()
        made.num_train_timesteps = steps
        made.final_alpha_cumprod = torch.tensor(1.0)
    made.set_timesteps(steps)
    if hasattr(made, "pndm_order") or sorted({round(float(k)) for k in made.timesteps}) != list(
        range(steps)
    ):
        raise SettingsError(
            f"{type(scheduler).__name__} evaluates elsewhere than at its {steps} levels and "
            "cannot be respaced; run it as it is"
        )
    return made


def _rebuilt(scheduler: Any, betas: np.ndarray[Any, Any]) -> Any:
    """A diffusers scheduler from its configuration, with other levels."""
    wanted = {
        "trained_betas": betas.tolist(),
        "num_train_timesteps": len(betas),
        "timestep_spacing": "trailing",
        "set_alpha_to_one": True,
        "steps_offset": 0,
    }
    known = {name: value for name, value in wanted.items() if name in scheduler.config}
    return type(scheduler).from_config(scheduler.config, **known)


def _check(scheduler: Any) -> None:
    name = type(scheduler).__name__
    if not hasattr(scheduler, "alphas_cumprod"):
        raise SettingsError(
            f"{name} has no alphas_cumprod; only variance-preserving schedulers (DDPM, DDIM, "
            "PNDM, DPM-Solver and the like) run on our network"
        )
    if _option(scheduler, "clip_sample", False):
        raise SettingsError(
            f"{name} clips what it predicts, but residuals are not confined; "
            "make it with clip_sample=False"
        )


def _option(scheduler: Any, name: str, default: Any) -> Any:
    """A setting, where MONAI (attributes) or diffusers (``config``) keeps it."""
    config = getattr(scheduler, "config", None)
    return config.get(name, default) if config is not None else getattr(scheduler, name, default)


def _expected(scheduler: Any, z_t: Tensor, r_hat: Tensor, t: float) -> Tensor:
    """r̂ as the scheduler wants it."""
    kind = str(_option(scheduler, "prediction_type", "epsilon")).rpartition(".")[2].lower()
    if kind == "epsilon":
        return eps_hat(z_t, r_hat, t)
    if kind == "v_prediction":
        return v_hat(z_t, r_hat, t)
    if kind == "sample":
        return r_hat
    raise SettingsError(f"prediction_type is epsilon, v_prediction or sample, got {kind!r}")


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)
