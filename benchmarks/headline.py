"""What a card says in a line of samples that were measured beside another model's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["headline"]


def headline(rows: Sequence[dict[str, Any]], modality: str, samples: int) -> str:
    """PSNR of the mean of the samples and their spread at each noise level.

    Parameters
    ----------
    rows : sequence of dict
        ``noise``, ``method``, ``psnr_mean`` in dB, and ``sample_ratio`` or else ``std_ratio``, each
        noise and method once.
        The method of the first row is the model's own, that of the last the reference.
    modality : str
        ``"MR"`` (noise as a fraction) or ``"CT"`` (HU).
    samples : int
        How many there were.
    """
    own, other = ([r for r in rows if r["method"] == rows[i]["method"]] for i in (0, -1))
    psnr, peer = (", ".join(f"{row['psnr_mean']:.1f}" for row in group) for group in (own, other))
    ratio = ", ".join(f"{row.get('sample_ratio', row.get('std_ratio')):.2f}" for row in own)
    times, unit = (100, "%") if modality == "MR" else (1, "HU")
    noise = ", ".join(f"{times * row['noise']:.3g}" for row in own)
    return (
        f"{samples} samples by {rows[0]['method']}: PSNR {psnr} dB ({rows[-1]['method']}: {peer}), "
        f"std ratio {ratio} at {noise} {unit}"
    )
