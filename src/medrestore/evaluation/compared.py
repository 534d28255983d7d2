"""The figures that methods are compared by over cases, and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """Figures of images, with their units."""
    unit = unit_for(modality)
    return {"PSNR": "dB", "SSIM": "", "RMSE": unit, "absolute bias": unit}


def figure_of(one: Fidelity, figure: str, modality: str) -> float:
    """A figure by its name, in the unit of `figures_for`."""
    percent = in_unit(one.window, modality)
    return {
        "PSNR": one.psnr_db,
        "SSIM": one.ssim,
        "RMSE": one.rmse * percent,
        "absolute bias": abs(one.bias) * percent,
    }[figure]


def of_uncertainty(report: Report, method: str) -> dict[tuple[str, str], float]:
    """Figures of a method's uncertainty by name and unit; none where it was not judged."""
    judged = report.uncertainties.get(method)
    if judged is None:
        return {}
    unit = unit_for(report.modality)
    scale = in_unit(report.of(method).window, report.modality)
    (own,) = [level for level in judged.levels if level.kind == "result"]
    return {
        (f"covered by the {100 * own.nominal:.4g} % interval", "%"): 100 * own.covered,
        ("mean width", unit): own.width * scale,
        ("CRPS", unit): judged.crps * scale,
        ("ENCE", ""): judged.ence,
        ("AUSE", ""): judged.ause,
        ("std ratio", ""): judged.std_ratio,
    }
