"""Metrics that methods are compared by over cases, in units that hold for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.evaluation.metric import INTENSITY
from medrestore.evaluation.metrics import IMAGE_METRICS, UNCERTAINTY_METRICS
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from medrestore.evaluation.fidelity import Fidelity
    from medrestore.evaluation.report_of_case import Report
    from medrestore.evaluation.windows import Window

__all__ = ["figure_of", "figures_for", "in_unit", "of_uncertainty", "unit_for"]


def unit_for(modality: str) -> str:
    """The modality's; percent of the foreground scale for MR, whose units differ between scans."""
    kind = modality_named(modality)
    return "% of scale" if kind.noise.relative else kind.unit


def in_unit(window: Window, modality: str) -> float:
    """Factor from a scan's unit to that of `unit_for`."""
    return 100 / window.data_range if modality_named(modality).noise.relative else 1.0


def figures_for(modality: str) -> dict[str, str]:
    """Names of the metrics of images, with their units."""
    return {
        one.name: unit_for(modality) if one.unit == INTENSITY else one.unit
        for one in IMAGE_METRICS.values()
        if one.compared
    }


def figure_of(one: Fidelity, figure: str, modality: str) -> float:
    """Value of a metric by its name, in the unit of `figures_for`."""
    metric = next(m for m in IMAGE_METRICS.values() if m.compared and m.name == figure)
    scale = in_unit(one.window, modality) if metric.unit == INTENSITY else 1.0
    return one.values[metric.key] * scale


def of_uncertainty(report: Report, method: str) -> dict[tuple[str, str], float]:
    """Metrics of a method's uncertainty by name and unit; none where it was not judged."""
    judged = report.uncertainties.get(method)
    if judged is None:
        return {}
    unit = unit_for(report.modality)
    scale = in_unit(report.of(method).window, report.modality)
    (own,) = [level for level in judged.levels if level.kind == "result"]
    return {
        (f"covered by the {100 * own.nominal:.4g} % interval", "%"): 100 * own.covered,
        ("mean width", unit): own.width * scale,
        **{
            (one.name, unit if one.unit == INTENSITY else one.unit): judged.scores[one.key]
            * (scale if one.unit == INTENSITY else 1.0)
            for one in UNCERTAINTY_METRICS.values()
            if one.compared
        },
    }
