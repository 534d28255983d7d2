"""The folder of a study's report: whole or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.evaluation.ensemble.report.page import render
from medrestore.evaluation.ensemble.report.plots import PLOTS, draw
from medrestore.evaluation.ensemble.report.rows import curves, rows
from medrestore.evaluation.report.folder import (
    as_csv,
    as_json,
    check_folder,
    finite,
    write_folder,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from medrestore.evaluation.ensemble.study import Study

__all__ = ["check_study_folder", "facts_of", "write_study"]

NAMES = {
    "figures.csv",
    "figures.json",
    "curves.csv",
    "report.html",
    *(f"{plot}.{kind}" for plot in PLOTS for kind in ("svg", "pdf")),
}


def write_study(study: Study, out: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a study's figures into a folder.

    ``figures.csv`` (a row per method, figure and object), ``curves.csv`` (NPS and TTF),
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
    check_study_folder(folder, overwrite)
    plots = draw(study)
    files = {f"{name}.{kind}": data for name, of in plots.items() for kind, data in of.items()}
    files["figures.csv"], files["curves.csv"] = _csv(rows(study)), _csv(curves(study))
    files["figures.json"] = as_json(facts_of(study))
    files["report.html"] = render(study, {name: of["svg"] for name, of in plots.items()}).encode()
    return write_folder(folder, NAMES, files, overwrite)


def check_study_folder(folder: Path, overwrite: bool = False) -> None:
    """Make sure that a folder is free for a study's report; asked before minutes of work.

    Raises
    ------
    OutputError
        If it is not.
    """
    check_folder(folder, NAMES, overwrite)


def facts_of(study: Study) -> dict[str, Any]:
    """All figures and curves, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = finite(
        {
            "medrestore": __version__,
            "ensemble": {k: v for k, v in study.facts.items() if k != "realisations"},
            "realisations": list(study.realisations),
            "figures": rows(study),
            "curves": curves(study),
            "notes": {one.method: list(one.notes) for one in study.methods},
        }
    )
    return found


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """The rows, with nothing for what is not there."""
    return as_csv([{key: _there(value) for key, value in row.items()} for row in rows])


def _there(value: Any) -> Any:
    return "" if isinstance(value, float) and not math.isfinite(value) else value
