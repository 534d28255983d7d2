"""Surroundings of the body in a CT: the couch it lies on, and the field of view.

The training scans have −1000 HU outside of the body. A couch belongs into the stack *before* its
noise bank is drawn, since rays through it are weakened too. Air noise comes with the bank (noise
is drawn in air as anywhere), padding with `training.ct_noise.CtNoise`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.training.data import Stack

__all__ = ["at_field_of_view", "with_couch"]

AIR_HU = -1000.0
BODY_HU = -500.0
GAP_MM = (2.0, 12.0)
SHELL_MM = (2.0, 5.0)
THICKNESS_MM = (25.0, 60.0)
HALF_WIDTH_MM = (200.0, 265.0)
SAG_MM = (15.0, 70.0)
SHELL_HU = (-250.0, 120.0)
CORE_HU = (-970.0, -880.0)


def with_couch(stack: Stack, rng: np.random.Generator) -> Stack:
    """A curved couch below the body, the same in every slice: carbon shell around a foam core.

    It reaches up to a small gap below the lowest part of the body (largest y), is cut off by the
    edge of the image as in a scan, and only ever replaces air.
    """
    array = stack.array
    body = array > BODY_HU
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    if not rows.size:
        return stack
    height, width = array.shape[1:]
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    middle = 0.5 * (columns[0] + columns[-1])
    top = (rows[-1] + 1) * stack.pixel_mm + rng.uniform(*GAP_MM)
    plane = _couch(rng, (height, width), stack.pixel_mm, top, middle * stack.pixel_mm)
    near = ndimage.binary_dilation(body.any(axis=0), iterations=1)
    free = (plane > AIR_HU) & ~near & (array < -900).all(axis=0)
    measured = None if stack.measured is None else stack.measured & ~free
    return replace(stack, array=np.where(free, np.maximum(plane, array), array), measured=measured)


def _couch(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pixel_mm: float,
    top_mm: float,
    middle_mm: float,
) -> NDArray[np.float32]:
    """Cross-section in HU, antialiased; the upper surface sags by a parabola."""
    fine = 3
    step = pixel_mm / fine
    y = (np.arange(shape[0] * fine, dtype=np.float32)[:, None] + 0.5) * step - top_mm
    x = (np.arange(shape[1] * fine, dtype=np.float32)[None] + 0.5) * step - middle_mm
    half, sag = rng.uniform(*HALF_WIDTH_MM), rng.uniform(*SAG_MM)
    across = np.abs(x) / half
    upper = -sag * across**2  # the sides rise beside the body
    thickness = rng.uniform(*THICKNESS_MM) * np.sqrt(np.clip(1 - across**4, 0, 1))
    shell = rng.uniform(*SHELL_MM)
    depth = y - upper
    inside = (depth > 0) & (depth < thickness) & (across < 1)
    core = inside & (depth > shell) & (depth < thickness - shell) & (across < 1 - shell / half)
    plane = np.full(inside.shape, AIR_HU, dtype=np.float32)
    plane[inside] = rng.uniform(*SHELL_HU)
    plane[core] = rng.uniform(*CORE_HU)
    blocks = plane.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))
    return np.asarray(blocks, dtype=np.float32)


def at_field_of_view(stack: Stack, factor: float) -> Stack:
    """The same anatomy on pixels ``factor`` times as wide, anti-aliased; before its noise bank.

    Coarser copies (above 1) are also cleaner targets; finer ones (below 1) are as soft as a scan
    reconstructed to a small field of view.
    """
    height, width = (round(n / factor) for n in stack.array.shape[1:])
    slices = torch.from_numpy(np.ascontiguousarray(stack.array))[:, None]
    resized = F.interpolate(
        slices, (height, width), mode="bilinear", align_corners=False, antialias=True
    )
    return replace(stack, array=resized[:, 0].numpy(), pixel_mm=stack.pixel_mm * factor)
