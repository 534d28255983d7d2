"""How restored crops look: the spectrum of the noise that is left, and distances of features."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from medrestore.core.predictor import Condition
from medrestore.evaluation.ensemble.nps import nps
from medrestore.evaluation.features import ASSUMED, encoder_for
from medrestore.evaluation.perception import KernelSums, frechet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.families.crops import Crop
    from benchmarks.families.drawn import Drawn
    from medrestore.evaluation.features import Encoder

__all__ = ["features", "nps_shift", "texture"]

DRAWS, LEVEL = 1000, 0.95
"""Of the bootstrap over people."""
FEWEST = 3
"""People for whom there is an interval."""
PIXELS = (1.0, 1.0)
"""Frequencies in cycles per pixel: the scans' pixels differ."""
FULL = 0.5
"""Share of a place of the encoder that must count."""


def texture(pairs: Sequence[tuple[Crop, Drawn]]) -> dict[str, Any]:
    """Shift of the noise's spectrum; FID and KID of the images shown and of single samples."""
    kind = pairs[0][0].kind
    if kind == "phantom":
        return {}
    found = {"nps_shift": nps_shift(pairs)} if len(pairs) > 1 else {}
    if kind != "simulated":
        return found
    found |= distances(pairs, [drawn.shown for _, drawn in pairs], "")
    first = [drawn.samples[0] for _, drawn in pairs if drawn.samples is not None]
    return found | (distances(pairs, first, "_sample") if first else {})


def nps_shift(pairs: Sequence[tuple[Crop, Drawn]]) -> float:
    """Mean frequency of the noise that is left less that of the noise that was there, cycles/pixel.

    Below 0: what is left is coarser. Simulated noise: image − reference, the people standing in
    for realisations. Repeats: the two restored repeats of each contrast.
    """
    if pairs[0][0].kind == "simulated":
        left = np.stack([drawn.shown - crop.truth for crop, drawn in pairs])
        there = np.stack([crop.plane - crop.truth for crop, _ in pairs])
    else:
        scans = [list(group) for _, group in groupby(pairs, key=lambda pair: pair[0].scan)]
        left = np.stack([[drawn.shown for _, drawn in scan] for scan in scans], axis=1)
        there = np.stack([[crop.plane for crop, _ in scan] for scan in scans], axis=1)
    return nps(left, PIXELS).mean - nps(there, PIXELS).mean


def distances(
    pairs: Sequence[tuple[Crop, Drawn]], images: Sequence[NDArray[np.float32]], name: str
) -> dict[str, float]:
    """FID and KID from the references, with the latter's 95 % interval over people."""
    crops = [crop for crop, _ in pairs]
    encoder = _encoder(crops[0].modality)
    theirs = [features(encoder, crop, crop.truth) for crop in crops]
    ours = [features(encoder, crop, image) for crop, image in zip(crops, images, strict=True)]
    who = [crop.scan for crop, rows in zip(crops, theirs, strict=True) for _ in rows]
    x, y = np.concatenate(theirs), np.concatenate(ours)
    found, people = {f"fid{name}": frechet(x, y)}, len(set(who))
    if people < 2:
        return found
    sums = KernelSums(x, y, who, who)
    found[f"kid{name}"] = sums.distance()
    if people < FEWEST:
        return found
    times = np.random.default_rng(0).multinomial(people, [1 / people] * people, DRAWS)
    drawn = np.array([sums.distance(w) for w in times])
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(drawn[np.isfinite(drawn)], tails)
    return found | {f"kid{name}_lower": float(low), f"kid{name}_upper": float(high)}


@lru_cache
def _encoder(modality: str) -> Encoder:
    return encoder_for(modality)


def features(encoder: Encoder, crop: Crop, image: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the frozen predictor's deepest stage sees at each of its places, (places, d).

    A place is 8 × 8 pixels; a slice alone stands for its neighbours too, and every image is said
    to hold the same noise, so that only the images differ.
    """
    plane = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
    y = plane.expand(1, encoder.predictor.slices, *plane.shape)
    sigma = torch.full((1, 1, *plane.shape), ASSUMED * crop.scale)
    with torch.inference_mode():
        deep = encoder.predictor.encode(Condition(y, sigma, torch.full((1, 1, 1, 1), crop.scale)))
    step = plane.shape[0] // deep.shape[-2]
    share = F.avg_pool2d(torch.from_numpy(crop.body).float()[None, None], step)[0, 0]
    return np.asarray(deep[0, :, share >= FULL].T.double().numpy())
