"""Noise power of CT scans beside that of training noise at the same places and level."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from medrestore.io import read
from medrestore.training.ct_noise import Kernel, with_noise_bank
from medrestore.training.data import Stack, stacks_of
from medrestore.training.noise_power import (
    BANDS,
    BLOCK,
    NODES,
    Texture,
    band_power,
    block_power,
    calm_blocks,
    cut,
    direction,
    expected_power,
    measured_texture,
)
from medrestore.training.source import KERNELS
from medrestore.training.targets import scan_noise_std

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medrestore.training.noise_power import Corners

DATA = Path("..") / "shared" / "data"
PHANTOM = "real_noise/ct_phantom_sharp_bone.nii.gz"
LEAST_HU = 15.0
BLOCKS = 100
"""Of noise that is drawn, at least, over realisations."""
VIEWS = 160
ELECTRONIC = 10.0
COUNTED = 0.05
"""Bands count whose power density is at least that share of the highest."""
CELL = 64
EDGE = 4
HALF = 50
"""Blocks in a half, at least, for a comparison with the other."""
SLICES = 10
FLOOR = 0.002
OLD = tuple(kernel._replace(rays=1) for kernel in KERNELS)


@dataclass(frozen=True, eq=False)
class Scan:
    """Slices with calm blocks; ``corners`` are in them."""

    name: str
    kernel: str
    stack: Stack
    corners: Corners


def scans() -> Iterator[Scan]:
    """The phantom, and the training slices with at least 15 HU of their own noise."""
    rows = json.loads((DATA / "train" / "index.json").read_text(encoding="utf-8"))
    slices = {row["file"]: row["anatomy"] for row in rows if "ct/tcga" in row["file"]}
    for file, text in {PHANTOM: "phantom, Philips bone kernel", **slices}.items():
        volume = read(DATA / file, "CT")
        found = stacks_of(volume.array, volume.geometry.spacing_mm, "CT")
        std = scan_noise_std(found[0], "CT") if found else None
        if std is None or std < LEAST_HU:
            continue
        stack = replace(found[0], noise_std=std)
        corners = _inside(stack.array) if file == PHANTOM else calm_blocks(stack.array)
        used = sorted({corner[0] for corner in corners})[:SLICES]
        if used:
            stack = replace(stack, array=np.ascontiguousarray(stack.array[used]))
        at = {z: i for i, z in enumerate(used)}
        name = Path(file).name.partition(".")[0]
        label = text.partition("slice, ")[2] or text
        yield Scan(name, label, stack, [(at[z], y, x) for z, y, x in corners if z in at])


def _inside(array: Any) -> Corners:
    """Corners of the blocks that lie in the phantom's uniform objects, away from their edges."""
    found = []
    for z, plane in enumerate(array):
        coarse = ndimage.gaussian_filter(plane, 1.5)
        uniform = ndimage.binary_erosion((coarse > 40) & (coarse < 160), iterations=EDGE)
        corners = product(*(range(0, n - BLOCK + 1, 4) for n in plane.shape))
        found += [(z, y, x) for y, x in corners if uniform[y : y + BLOCK, x : x + BLOCK].all()]
    return found


def simulated(scan: Scan, kernels: tuple[Kernel, ...], modulation: float, seed: int) -> Any:
    """Noise at the scan's own level through each kernel, (kernels, z, y, x), HU.

    As `training.ct_noise.CtNoise` mixes it, with the middle of its electronic noise.
    """
    bank = with_noise_bank(scan.stack, kernels, seed, VIEWS, modulation=modulation)
    assert bank.noise is not None and bank.gain is not None and scan.stack.noise_std is not None
    level, (gain, starved) = scan.stack.noise_std, bank.gain.astype(np.float32)
    ratio = 4 * ELECTRONIC * np.square(starved).mean() / np.square(gain).mean()
    a = 2 * level**2 / (1 + np.sqrt(1 + ratio * level**2))
    quantum, electronic = bank.noise.astype(np.float32).swapaxes(0, 1)
    return np.sqrt(a) * gain * quantum + np.sqrt(ELECTRONIC) * a * starved * electronic


def rows_of(scan: Scan) -> list[dict[str, object]]:
    """A row for each band."""
    corners = scan.corners
    real = block_power(cut(scan.stack.array, corners))
    share, error = band_power(real), _error(real, corners)
    nearest, old = _nearest(scan, share)
    texture = measured_texture(scan.stack, corners)
    assert texture is not None
    new = _powers(scan, texture, corners)
    held = _held_out(scan)
    facts = {
        "scan": scan.name,
        "kernel": scan.kernel,
        "pixel_mm": round(scan.stack.pixel_mm, 3),
        "own_hu": round(float(scan.stack.noise_std or 0), 1),
        "blocks": len(corners),
        "nearest": f"{OLD[nearest].cutoff:g}/{OLD[nearest].edge:g}",
        "modulation": texture.modulation,
        "direction": round(direction(real), 3),
        "direction_nearest": round(direction(old), 3),
        "direction_fitted": round(direction(new), 3),
        "std_spread": _spread(real),
        "std_spread_fitted": _spread(new),
    }
    rows = []
    for k, (low, high) in enumerate(pairwise(BANDS)):
        row = facts | {"from_per_pixel": low, "to_per_pixel": high}
        row |= {"from_per_mm": round(low / scan.stack.pixel_mm, 3)}
        row |= {"to_per_mm": round(high / scan.stack.pixel_mm, 3)}
        row |= {"real": round(share[k], 5), "error": round(error[k], 4)}
        row |= {"nearest_over_real": round(float(band_power(old)[k] / share[k]), 4)}
        row |= {"fitted_over_real": round(float(band_power(new)[k] / share[k]), 4)}
        row |= {"held_out_over_real": "" if held is None else round(float(held[k]), 4)}
        row |= {"counted": bool(share[k] >= COUNTED * share.max())}
        rows.append(row)
    return rows


def _powers(scan: Scan, texture: Texture, corners: Corners, blocks: int = BLOCKS) -> Any:
    """Periodograms of noise of a texture in blocks, all realisations one after the other."""
    seeds = range(1, 1 + -(-blocks // len(corners)))
    drawn = (simulated(scan, (texture.kernel,), texture.modulation, seed)[0] for seed in seeds)
    return np.concatenate([block_power(cut(noise, corners)) for noise in drawn])


def _nearest(scan: Scan, share: Any) -> tuple[int, Any]:
    """Of the bank as it was, the kernel next in mean squared log power, and its periodograms.

    The next one by expected power, up to the pixels' Nyquist frequency.
    """
    design, detectors = expected_power(np.ones(60)), 400
    at = np.rint(2 * detectors * NODES).astype(int)
    apart = []
    for kernel in OLD:
        gains = kernel.scanner(VIEWS).filter(detectors).numpy()
        reached = at < len(gains)
        squared = np.where(reached, np.square(gains[np.minimum(at, len(gains) - 1)] / NODES), 0)
        found, wanted = ((part / part[:6].sum())[:6] for part in (design @ squared, share))
        apart.append(np.square(np.log((found + FLOOR) / (wanted + FLOOR))).sum())
    best = int(np.argmin(apart))
    return best, _powers(scan, Texture(OLD[best], 0.0), scan.corners)


def _held_out(scan: Scan) -> Any:
    """Ratio by band in one half of the blocks for the texture of the other, mean of both ways."""
    middle = float(np.median([x for _, _, x in scan.corners]))
    halves = (
        [c for c in scan.corners if c[2] + 24 <= middle],
        [c for c in scan.corners if c[2] >= middle],
    )
    if min(map(len, halves)) < HALF:
        return None
    logs = []
    for seen, unseen in (halves, halves[::-1]):
        texture = measured_texture(scan.stack, seen)
        assert texture is not None
        real = band_power(block_power(cut(scan.stack.array, unseen)))
        logs.append(np.log(band_power(_powers(scan, texture, unseen, BLOCKS // 2)) / real))
    return np.exp(np.mean(logs, axis=0))


def _error(power: Any, corners: Corners) -> Any:
    """Relative standard error by band: jackknife over cells of the image, as blocks overlap."""
    cells: dict[tuple[int, ...], list[int]] = {}
    for i, (z, y, x) in enumerate(corners):
        cells.setdefault((z, y // CELL, x // CELL), []).append(i)
    if len(cells) < 2:
        return np.full(len(BANDS) - 1, np.nan)
    left = np.array([band_power(np.delete(power, held, axis=0)) for held in cells.values()])
    n, mean = len(left), left.mean(axis=0)
    return np.sqrt((n - 1) / n * np.square(left - mean).sum(axis=0)) / mean


def _spread(power: Any) -> float:
    """90th over 10th percentile of the blocks' standard deviation."""
    std = np.sqrt(power.mean(axis=(1, 2)))
    return round(float(np.percentile(std, 90) / np.percentile(std, 10)), 2)
