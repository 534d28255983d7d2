"""Peers on a case, told the same noise as the models, with parameters tuned on other people.

MR: nothing is tuned for BM4D, which is told σ. CT: the weight of total variation, h and patch of
non-local means and the factor of BM4D's σ are those of `tuned.json` (`tune.py`), for stacks or
single slices, each noise level and kernel; ``bm4d-psd`` is told the power spectrum of the added
noise instead.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.quality import peers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case

__all__ = ["PEERS", "TUNED", "restored", "tuned"]

PEERS = {"MR": ("bm4d",), "CT": ("tv", "nlm", "bm4d", "bm4d-psd")}
TUNED = Path(__file__).with_name("tuned.json")
BLOCK = 4
"""Slices that BM4D needs."""


def tuned(method: str, kernel: str, told: Case) -> dict[str, Any]:
    """Parameters of a method for a CT case."""
    kind = "stack" if len(told.noisy) > 1 else "single slice"
    table = json.loads(TUNED.read_text())
    found: dict[str, Any] = table[kind][kernel][f"{told.level:g}"][method]
    return found


def restored(
    method: str, told: Case, kernel: str, parameters: dict[str, Any] | None = None
) -> NDArray[np.float32] | None:
    """A peer's image; None where it is not installed or does not take the case.

    Parameters
    ----------
    method : str
        One of `PEERS`; BM4D takes no fewer than four slices.
    told : Case
        With the σ that the method is told.
    kernel : str
        Of CT.
    parameters : dict, optional
        In place of the tuned ones.
    """
    if method.startswith("bm4d") and len(told.noisy) < BLOCK:
        return None
    if method == "bm4d-psd" and not _tells_spectrum(told):
        return None
    given: dict[str, Any] = {}
    if told.modality == "CT" and method != "bm4d-psd":
        given = parameters or tuned(method, kernel, told)
    given = dict(given)
    told = replace(told, sigma=told.sigma * given.pop("factor", 1.0))
    found = peers.restored(method, told, given)
    return None if found is None else found[0]


def _tells_spectrum(case: Case) -> bool:
    return any(peers.periodograms(case.noisy, case.mask, side) for side in (32, 16))
