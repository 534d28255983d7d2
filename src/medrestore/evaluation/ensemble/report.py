"""The folder of a study's report: whole or not at all."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.evaluation.ensemble import tables
from medrestore.evaluation.ensemble.plots import PLOTS
from medrestore.report.files import ReportFolder, as_csv, as_json, finite
from medrestore.report.page import render
from medrestore.report.plots import draw_plots

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from medrestore.evaluation.ensemble.study import Study

__all__ = ["STUDY_FOLDER", "facts_of", "write_study"]

TITLE = "Image quality from noise realisations"
STUDY_FOLDER = ReportFolder(("figures.csv", "figures.json", "curves.csv"), tuple(PLOTS))


def write_study(study: Study, out: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a study's metrics into a folder.

    ``figures.csv`` (a row per method, metric and object), ``curves.csv`` (NPS and TTF),
    ``figures.json`` (both, with the ensemble's record), ``report.html`` (opens offline), and the
    plots as SVG and PDF: ``nps``, ``ttf``, ``detectability``, ``linearity``.

    Returns
    -------
    Path
        ``report.html``.

    Raises
    ------
    OutputError
        If something else is in the folder, or it cannot be written.
    """
    folder = Path(out)
    STUDY_FOLDER.check(folder, overwrite)
    plots = draw(study)
    written = {
        "figures.csv": _csv(tables.rows(study)),
        "curves.csv": _csv(tables.curves(study)),
        "figures.json": as_json(facts_of(study)),
    }
    return STUDY_FOLDER.write(folder, _page(study, plots), written, plots, overwrite)


def facts_of(study: Study) -> dict[str, Any]:
    """Return all metrics and curves, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = finite(
        {
            "medrestore": __version__,
            "ensemble": {k: v for k, v in study.facts.items() if k != "realisations"},
            "realisations": list(study.realisations),
            "figures": tables.rows(study),
            "curves": tables.curves(study),
            "notes": {one.method: list(one.notes) for one in study.methods},
        }
    )
    return found


def draw(study: Study) -> dict[str, dict[str, bytes]]:
    """Return every plot as ``{"svg": …, "pdf": …}``."""
    return draw_plots({name: partial(plot, study) for name, plot in PLOTS.items()})


def _page(study: Study, plots: Mapping[str, Mapping[str, bytes]]) -> str:
    return render(
        "evaluation/ensemble/report.html",
        title=TITLE,
        study=study,
        remarks=[f"{one.method}: {text}" for one in study.methods for text in one.notes],
        plots=plots,
        noise=tables.of_noise(study),
        lesions=tables.of_lesions(study),
        lines=tables.of_lines(study),
        rods=tables.of_rods(study),
        erased=tables.of_erased(study),
    )


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the rows, with nothing for what is not finite."""
    return as_csv([{key: _or_empty(value) for key, value in row.items()} for row in rows])


def _or_empty(value: Any) -> Any:
    return "" if isinstance(value, float) and not math.isfinite(value) else value
