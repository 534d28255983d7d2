"""Maps of one slice after 4 and 8 samples, as they were and as they are, beside the error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from benchmarks.fusion.maps import MARGIN, case, maps

if TYPE_CHECKING:
    from pathlib import Path

matplotlib.use("Agg")

CROP = 150
"""Side of the picture, pixels."""


def draw(model: Any, scan: str, level: float, out: Path) -> None:
    """One row: error, s, then for 4 and 8 samples by total variance and fused; one grey scale."""
    import matplotlib.pyplot as plt

    one = case(scan, model.card.modality, level, 1, 256)
    found = {m.samples: m for m in maps(model, one, (4, 8)) if m.mirrored or not m.samples}
    middle = [n // 2 for n in one.noisy.shape[1:]]
    at = (0, *(slice(max(0, m - CROP // 2), m + CROP // 2) for m in middle))
    error = np.abs(one.truth[MARGIN : MARGIN + 1] - found[8].mu)
    shown = {"|error|": error, "one evaluation, s": found[0].std}
    for samples in (4, 8):
        shown[f"{samples} samples, before"] = found[samples].total
        shown[f"{samples} samples, fused"] = found[samples].std
    top = 2.2 * float(np.median(found[0].std[one.mask[MARGIN : MARGIN + 1]]))
    figure, axes = plt.subplots(1, len(shown), figsize=(2.6 * len(shown), 2.9))
    for axis, (title, image) in zip(axes, shown.items(), strict=True):
        axis.imshow(image[at], cmap="magma", vmin=0, vmax=top, interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(out, dpi=110)
    plt.close(figure)
