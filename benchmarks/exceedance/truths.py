"""Truths to count against: the scans themselves, or what is left of them without their noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality.cases import Case, low_dose, simulated
from benchmarks.quality.ours import noise_of, run_model

if TYPE_CHECKING:
    from medrestore.models.model import Model

__all__ = ["of_restored", "of_scan"]

SLICES = range(4, 17)
"""Of the central ones, those that are restored to be the truth."""


def of_scan(scan: str, model: Model, level: float, every: int) -> tuple[Case, tuple[int, ...]]:
    """A scan with noise added, and the slices that count. Its own noise counts as error."""
    case = simulated(scan, model.card.modality, level)
    return case, case.inner[::every]


def of_restored(scan: str, model: Model, level: float, every: int) -> tuple[Case, tuple[int, ...]]:
    """A CT restored by the model itself, noise of its own gone, and noise added to that.

    Its anatomy is smoother than a scan's, and so easier.
    """
    if model.card.modality != "CT":
        raise SystemExit("--truth restored is for CT, whose validation scans are noisy themselves")
    case = simulated(scan, "CT", 15.0)
    slices = tuple(z for z in SLICES if z < len(case.truth) - 4)
    own = replace(case, noisy=case.truth)
    restored, _ = run_model(model, own, noise_of(own, "auto"), slices)
    truth = np.array(restored.restored.array)
    noisy, std = low_dose(truth, case.spacing[1], level)
    everywhere = np.ones(truth.shape, bool)
    found = Case(scan, "CT", "simulated", level, noisy, truth, everywhere, level, case.spacing, std)
    return found, tuple(range(3, len(truth) - 2))[::every]
