"""Restored against noisy over several cases: paired differences with their uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import wilcoxon

from medrestore.errors import InputError
from medrestore.evaluation.reader_study.readers import bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.fidelity import Fidelity

__all__ = ["LEVEL", "Paired", "compare", "figure_of", "figures_for"]

LEVEL = 0.95
DRAWS = 5000


@dataclass(frozen=True)
class Paired:
    """Mean over cases of a figure's difference restored − noisy.

    Parameters
    ----------
    window, figure, unit : str
        What was compared. RMSE and bias are in HU for CT and in percent of the foreground scale for
        MR, whose units differ from scan to scan.
    cases : int
        How many have this window.
    mean, lower, upper : float
        Mean difference and its 95 % interval: percentile bootstrap over cases.
    p : float
        Two-sided p of Wilcoxon's signed-rank test; with n cases it cannot be below 2/2ⁿ.
    """

    window: str
    figure: str
    unit: str
    cases: int
    mean: float
    lower: float
    upper: float
    p: float

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def figures_for(modality: str) -> dict[str, str]:
    """The figures that are compared, with their units."""
    unit = "HU" if modality == "CT" else "% of scale"
    return {"PSNR": "dB", "SSIM": "", "RMSE": unit, "absolute bias": unit}


def figure_of(one: Fidelity, figure: str, modality: str) -> float:
    """A figure by its name, in the unit of `figures_for`."""
    percent = 1.0 if modality == "CT" else 100 / one.window.data_range
    return {
        "PSNR": one.psnr_db,
        "SSIM": one.ssim,
        "RMSE": one.rmse * percent,
        "absolute bias": abs(one.bias) * percent,
    }[figure]


def compare(reports: Sequence[Report], seed: int = 0) -> tuple[Paired, ...]:
    """Paired differences over cases, one for each window and figure that two cases or more have.

    Cases are taken as drawn from the population of interest: give one scan per person, or what
    differs between people is not in the interval. Windows are not corrected for being several.

    Parameters
    ----------
    reports : sequence of Report
        One per case, of one modality.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If there are CT and MR among the cases.
    """
    if len({report.modality for report in reports}) > 1:
        raise InputError("CT and MR cases are compared apart; give cases of one modality")
    windows = dict.fromkeys(one.window.name for report in reports for one in report.fidelity)
    return tuple(
        found
        for window in windows
        for figure in figures_for(reports[0].modality)
        if (found := _paired(reports, window, figure, seed)) is not None
    )


def _paired(reports: Sequence[Report], window: str, figure: str, seed: int) -> Paired | None:
    modality = reports[0].modality
    having = [r for r in reports if any(one.window.name == window for one in r.fidelity)]
    values = np.array(
        [
            [figure_of(r.of(method, window), figure, modality) for method in ("noisy", "restored")]
            for r in having
        ]
    )
    difference = values[:, 1] - values[:, 0] if np.isfinite(values).all() else np.empty(0)
    found = bootstrap(difference[None], LEVEL, DRAWS, seed)
    if found is None:
        return None
    p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
    unit = figures_for(modality)[figure]
    return Paired(window, figure, unit, found.cases, found.mean, found.lower, found.upper, p)
