"""Every method's figures on average over people, with their intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.bootstrap import bootstrap
from medrestore.evaluation.compared import figure_of, figures_for, of_uncertainty
from medrestore.evaluation.fidelity import NOISY
from medrestore.evaluation.over_cases import DRAWS, LEVEL, check_alike, having
from medrestore.evaluation.people import over_people
from medrestore.evaluation.windows import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medrestore.evaluation.report_of_case import Report

__all__ = ["Summary", "summarise"]


@dataclass(frozen=True)
class Summary:
    """Mean over people of a method's figure in a window.

    Parameters
    ----------
    method, window, figure, unit : str
        What it is; units as in `over_cases.Paired`.
    cases, people : int
        How many have it.
    mean : float
        Over people, of the mean over their cases.
    lower, upper : float
        95 % interval: percentile bootstrap over people; NaN for one person or what is infinite.
    """

    method: str
    window: str
    figure: str
    unit: str
    cases: int
    people: int
    mean: float
    lower: float
    upper: float

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def summarise(reports: Sequence[Report], seed: int = 0) -> tuple[Summary, ...]:
    """Means of every method, the noisy scan first, in every window; then of its uncertainty.

    Parameters
    ----------
    reports : sequence of Report
        One per case, of one modality and the same methods.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If modalities or methods differ between the cases.
    """
    check_alike(reports)
    return tuple(
        _summary(key, who, np.array(values), seed)
        for key, (who, values) in _gathered(reports).items()
    )


Key = tuple[str, str, str, str]


def _gathered(reports: Sequence[Report]) -> dict[Key, tuple[list[str], list[float]]]:
    """People and values by method, window, figure and unit."""
    found: dict[Key, tuple[list[str], list[float]]] = {}
    for key, person, value in (*_of_images(reports), *_of_uncertainties(reports)):
        who, values = found.setdefault(key, ([], []))
        who.append(person)
        values.append(value)
    return found


def _of_images(reports: Sequence[Report]) -> Iterator[tuple[Key, str, float]]:
    units = figures_for(reports[0].modality)
    for window in dict.fromkeys(one.window.name for report in reports for one in report.fidelity):
        for method in (NOISY, *reports[0].methods):
            for report in having(reports, window):
                for figure, unit in units.items():
                    value = figure_of(report.of(method, window), figure, report.modality)
                    yield (method, window, figure, unit), report.person, value


def _of_uncertainties(reports: Sequence[Report]) -> Iterator[tuple[Key, str, float]]:
    for method in reports[0].methods:
        for report in reports:
            for (figure, unit), value in of_uncertainty(report, method).items():
                yield (method, FOREGROUND, figure, unit), report.person, value


def _summary(key: Key, who: list[str], values: np.ndarray[Any, Any], seed: int) -> Summary:
    means = over_people(who, values)
    drawn = bootstrap(means[None], LEVEL, DRAWS, seed) if np.isfinite(means).all() else None
    ends = (np.nan, np.nan) if drawn is None else (drawn.lower, drawn.upper)
    return Summary(*key, len(values), means.size, float(means.mean()), *ends)
