"""Methods against each other over several cases: paired differences with their uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import wilcoxon

from medrestore.errors import InputError
from medrestore.evaluation.bootstrap import bootstrap
from medrestore.evaluation.compared import figure_of, figures_for
from medrestore.evaluation.fidelity import NOISY
from medrestore.evaluation.multiplicity import holm
from medrestore.evaluation.people import over_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.report_of_case import Report

__all__ = ["DRAWS", "LEVEL", "Paired", "check_alike", "compare", "having"]

LEVEL = 0.95
DRAWS = 5000


@dataclass(frozen=True)
class Paired:
    """Mean over people of a figure's difference between two methods.

    Parameters
    ----------
    method, against : str
        The difference is method − against; ``"noisy"`` is the scan that nothing was done to.
    window, figure, unit : str
        What was compared. RMSE and bias are in HU for CT and in percent of the foreground scale for
        MR, whose units differ from scan to scan.
    cases, people : int
        How many have this window.
    mean, lower, upper : float
        Mean over people of the mean over their cases, and its 95 % interval: percentile bootstrap
        over people.
    p : float
        Two-sided p of Wilcoxon's signed-rank test over people; with n of them it cannot be below
        2/2ⁿ.
    p_holm : float
        Adjusted for all comparisons that `compare` returns with it (Holm).
    """

    method: str
    against: str
    window: str
    figure: str
    unit: str
    cases: int
    people: int
    mean: float
    lower: float
    upper: float
    p: float
    p_holm: float

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def compare(reports: Sequence[Report], seed: int = 0) -> tuple[Paired, ...]:
    """Paired differences over people, for each pair of methods, window and figure.

    Every method against the noisy scan, then methods against each other, the one named first
    against those named later. What fewer than two people have is left out. People are taken as
    drawn from the population of interest.

    Parameters
    ----------
    reports : sequence of Report
        One per case, of one modality and the same methods.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If modalities or methods differ between the cases, or two have the same name.
    """
    check_alike(reports)
    methods = reports[0].methods
    pairs = [(method, NOISY) for method in methods] + list(combinations(methods, 2))
    windows = dict.fromkeys(one.window.name for report in reports for one in report.fidelity)
    found = [
        one
        for window in windows
        for pair in pairs
        for figure in figures_for(reports[0].modality)
        if (one := _paired(having(reports, window), pair, window, figure, seed)) is not None
    ]
    adjusted = holm([one.p for one in found])
    return tuple(replace(one, p_holm=p) for one, p in zip(found, adjusted, strict=True))


def check_alike(reports: Sequence[Report]) -> None:
    """Raise `InputError` unless cases differ by name and share modality and methods."""
    names = [report.case for report in reports]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"{names.count(twice)} cases are called {twice}; give each its own name: "
            "evaluate(…, case=…)"
        )
    if len({report.modality for report in reports}) > 1:
        raise InputError("CT and MR cases are compared apart; give cases of one modality")
    for report in reports:
        if report.methods != reports[0].methods:
            raise InputError(
                f"{report.case} was restored by {', '.join(report.methods)}, {reports[0].case} by "
                f"{', '.join(reports[0].methods)}; give every case the same methods in one order"
            )


def having(reports: Sequence[Report], window: str) -> list[Report]:
    """The cases that have figures in a window."""
    return [r for r in reports if any(one.window.name == window for one in r.fidelity)]


def _paired(
    reports: Sequence[Report], pair: tuple[str, str], window: str, figure: str, seed: int
) -> Paired | None:
    modality = reports[0].modality
    values = np.array(
        [[figure_of(r.of(method, window), figure, modality) for method in pair] for r in reports]
    )
    if not np.isfinite(values).all():
        return None
    difference = over_people([r.person for r in reports], values[:, 0] - values[:, 1])
    found = bootstrap(difference[None], LEVEL, DRAWS, seed)
    if found is None:
        return None
    p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
    return Paired(
        *pair,
        window,
        figure,
        figures_for(modality)[figure],
        len(reports),
        difference.size,
        found.mean,
        found.lower,
        found.upper,
        p,
        p,
    )
