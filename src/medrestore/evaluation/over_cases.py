"""Methods over several cases: means and paired differences, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import wilcoxon

from medrestore.errors import InputError
from medrestore.evaluation.metrics import IMAGE_METRICS, INTENSITY, NOISY, UNCERTAINTY_METRICS
from medrestore.evaluation.statistics import bootstrap, holm, over_people
from medrestore.evaluation.strata import FOREGROUND
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.metrics import Fidelity
    from medrestore.evaluation.strata import Window

__all__ = [
    "Paired",
    "Summary",
    "check_alike",
    "compare",
    "compared_metrics",
    "compared_value",
    "in_unit",
    "summarise",
    "uncertainty_metrics",
    "unit_for",
    "with_window",
]


def unit_for(modality: str) -> str:
    """The modality's; percent of the foreground scale for MR, whose units differ between scans."""
    kind = modality_named(modality)
    return "% of scale" if kind.noise.relative else kind.unit


def in_unit(window: Window, modality: str) -> float:
    """Factor from a scan's unit to that of `unit_for`."""
    return 100 / window.data_range if modality_named(modality).noise.relative else 1.0


def compared_metrics(modality: str) -> dict[str, str]:
    """Names of the metrics of images, with their units."""
    return {
        one.name: unit_for(modality) if one.unit == INTENSITY else one.unit
        for one in IMAGE_METRICS.values()
        if one.compared
    }


def compared_value(one: Fidelity, figure: str, modality: str) -> float:
    """Value of a metric by its name, in the unit of `compared_metrics`."""
    metric = next(m for m in IMAGE_METRICS.values() if m.compared and m.name == figure)
    scale = in_unit(one.window, modality) if metric.unit == INTENSITY else 1.0
    return one.values[metric.key] * scale


def uncertainty_metrics(report: Report, method: str) -> dict[tuple[str, str], float]:
    """Metrics of a method's uncertainty by name and unit; none where it was not judged."""
    judged = report.uncertainties.get(method)
    if judged is None:
        return {}
    unit = unit_for(report.modality)
    scale = in_unit(report.of(method).window, report.modality)
    (result,) = [level for level in judged.levels if level.kind == "result"]
    return {
        (f"covered by the {100 * result.nominal:.4g} % interval", "%"): 100 * result.covered,
        ("mean width", unit): result.width * scale,
        **{
            (one.name, unit if one.unit == INTENSITY else one.unit): judged.scores[one.key]
            * (scale if one.unit == INTENSITY else 1.0)
            for one in UNCERTAINTY_METRICS.values()
            if one.compared
        },
    }


@dataclass(frozen=True)
class Paired:
    """Mean over people of a metric's difference between two methods.

    Parameters
    ----------
    method, against : str
        The difference is method − against; ``"noisy"`` is the scan that nothing was done to.
    window, figure, unit : str
        Window and metric. RMSE and bias are in HU for CT and in percent of the foreground scale for
        MR, whose units differ from scan to scan.
    cases, people : int
        Number that have this window.
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


def compare(reports: Sequence[Report], seed: int = 0) -> tuple[Paired, ...]:
    """Paired differences over people, for each pair of methods, window and metric.

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
        for figure in compared_metrics(reports[0].modality)
        if (one := _paired(with_window(reports, window), pair, window, figure, seed)) is not None
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


def with_window(reports: Sequence[Report], window: str) -> list[Report]:
    """Cases that have metrics in a window."""
    return [r for r in reports if any(one.window.name == window for one in r.fidelity)]


def _paired(
    reports: Sequence[Report], pair: tuple[str, str], window: str, figure: str, seed: int
) -> Paired | None:
    modality = reports[0].modality
    values = np.array(
        [
            [compared_value(r.of(method, window), figure, modality) for method in pair]
            for r in reports
        ]
    )
    if not np.isfinite(values).all():
        return None
    difference = over_people([r.person for r in reports], values[:, 0] - values[:, 1])
    found = bootstrap(difference[None], seed=seed)
    if found is None:
        return None
    p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
    return Paired(
        *pair,
        window,
        figure,
        compared_metrics(modality)[figure],
        len(reports),
        difference.size,
        found.mean,
        found.lower,
        found.upper,
        p,
        p,
    )


@dataclass(frozen=True)
class Summary:
    """Mean over people of a method's metric in a window.

    Parameters
    ----------
    method, window, figure, unit : str
        Method, window and metric; units as in `Paired`.
    cases, people : int
        Number that have it.
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
    """People and values by method, window, metric and unit."""
    found: dict[Key, tuple[list[str], list[float]]] = {}
    for key, person, value in (*_of_images(reports), *_of_uncertainties(reports)):
        who, values = found.setdefault(key, ([], []))
        who.append(person)
        values.append(value)
    return found


def _of_images(reports: Sequence[Report]) -> Iterator[tuple[Key, str, float]]:
    units = compared_metrics(reports[0].modality)
    for window in dict.fromkeys(one.window.name for report in reports for one in report.fidelity):
        for method in (NOISY, *reports[0].methods):
            for report in with_window(reports, window):
                for figure, unit in units.items():
                    value = compared_value(report.of(method, window), figure, report.modality)
                    yield (method, window, figure, unit), report.person, value


def _of_uncertainties(reports: Sequence[Report]) -> Iterator[tuple[Key, str, float]]:
    for method in reports[0].methods:
        for report in reports:
            for (figure, unit), value in uncertainty_metrics(report, method).items():
                yield (method, FOREGROUND, figure, unit), report.person, value


def _summary(key: Key, who: list[str], values: np.ndarray[Any, Any], seed: int) -> Summary:
    means = over_people(who, values)
    drawn = bootstrap(means[None], seed=seed) if np.isfinite(means).all() else None
    ends = (np.nan, np.nan) if drawn is None else (drawn.lower, drawn.upper)
    return Summary(*key, len(values), means.size, float(means.mean()), *ends)
