"""A device is believed once it computes what the CPU computes: a few slices, through both networks.

Kernels of an accelerator may lack an operator or be wrong without a word: of torch's on Apple's
GPUs, convolutions were more than once (pytorch issues 141471, 180984 and 197114). Both show in the
first window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from medrestore.core.predictor import Condition
from medrestore.devices import out_of_memory, pick_device, pick_precision
from medrestore.errors import ResourceError
from medrestore.models.model import MODELS, load

if TYPE_CHECKING:
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["WITHIN", "Place", "place_of", "probe"]

WITHIN = 0.1
"""Largest difference from the CPU in float32: of μ in units of the noise, of log s, and of r̂ in
units of s. Rounding to bfloat16 stays below a third of it, a wrong kernel is off by about 1."""

_FAULTS: dict[tuple[str, str, str], str] = {}
"""Of this process: the fault of a model's weights on a device in a precision, or ""."""


class Place(NamedTuple):
    """Device and precision of a run, and what there is to say of them."""

    device: str
    precision: str
    warnings: tuple[str, ...] = ()


def place_of(device: str, precision: str, card: Card) -> Place:
    """Device and precision of a run of this model, of those that were asked for.

    The CPU where ``auto`` finds another device at fault.

    Raises
    ------
    ResourceError
        If the device that was named is not there, or does not compute what the CPU computes.
    SettingsError
        If it is no device's name.
    """
    found = pick_device(device)
    there = pick_precision(precision, found)
    fault = "" if found == "cpu" else _fault(card, found, there)
    if not fault:
        return Place(found, there)
    if device != "auto":
        raise ResourceError(f"{fault}; use cpu")
    return Place("cpu", pick_precision(precision, "cpu"), (f"{fault}: the CPU is used",))


def _fault(card: Card, device: str, precision: str) -> str:
    """A clause on what is wrong, "" where nothing is; looked at once in a process."""
    key = card.sha256, device, precision
    if key not in _FAULTS:
        _FAULTS[key] = _found(card, device, precision)
    return _FAULTS[key]


def _found(card: Card, device: str, precision: str) -> str:
    try:
        there = probe(MODELS.get(card, device, precision))
    except Exception as error:
        if out_of_memory(error):  # the run will make do with less
            return ""
        if not isinstance(error, NotImplementedError | RuntimeError | TypeError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"device {device} cannot run {card.name} ({reason})"
    pairs = zip(there, probe(load(card)), strict=True)
    apart = float(torch.stack([(one - other).abs().max() for one, other in pairs]).max())
    if apart <= WITHIN:  # NaN is not
        return ""
    return (
        f"device {device} does not compute {card.name} as the CPU does (apart by {apart:.2g} of "
        f"the noise or spread, at most {WITHIN} is rounding)"
    )


@torch.inference_mode()
def probe(model: Model) -> tuple[torch.Tensor, ...]:
    """μ/σ, log s and r̂, decoded, of one window of steps and noise, on the host."""
    (depth, _), (window, _) = model.card.depth, model.card.window
    sigma, rng = float(np.prod(model.sigma_range)) ** 0.5, np.random.default_rng(0)
    steps = rng.random((model.slices, 8, 8)).repeat(-(-window // 8), 1).repeat(-(-window // 8), 2)
    noise = rng.standard_normal((depth, model.slices, window, window))
    y = (0.5 + 0.5 * steps[:, :window, :window] + sigma * noise).astype(np.float32)
    z = rng.standard_normal((depth, 1, *model.family.plane((window, window)))).astype(np.float32)
    scan = torch.asarray(y, device=model.device)
    c = Condition(scan, torch.full_like(scan[:, :1], sigma), torch.ones_like(scan[:1, :1, :1, :1]))
    prediction = model.predict(c)
    seen = model.condition(c, prediction)
    denoise = model.denoiser(1, model.windows(depth), range(depth))
    r_hat = denoise(torch.asarray(z, device=model.device), 0.8, seen)
    decoded = model.decode(r_hat, seen, (window, window))
    return (prediction.mu / sigma).cpu(), prediction.log_s.cpu(), decoded.cpu()
