"""The folder of a study's report: whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.errors import OutputError
from medrestore.evaluation.ensemble.report.page import render
from medrestore.evaluation.ensemble.report.plots import PLOTS, draw
from medrestore.evaluation.ensemble.report.rows import curves, rows
from medrestore.io.staging import staged_folder

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
    text = json.dumps(facts_of(study), indent=1, ensure_ascii=False)
    files["figures.json"] = f"{text}\n".encode()
    files["report.html"] = render(study, {name: of["svg"] for name, of in plots.items()}).encode()
    with staged_folder(folder, overwrite, _is_ours) as staged:
        for name, data in files.items():
            (staged / name).write_bytes(data)
    return folder / "report.html"


def check_study_folder(folder: Path, overwrite: bool = False) -> None:
    """Make sure that a folder is free for a study's report; asked before minutes of work.

    Raises
    ------
    OutputError
        If it is not.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; give the name of a folder")
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    strange = next((path for path in present if not _is_ours(path)), None)
    if strange is not None:
        raise OutputError(
            f"{folder} holds {strange.name}, which is no part of such a report; choose a folder of "
            "its own for it"
        )
    if present and not overwrite:
        raise OutputError(
            f"{folder} holds a report already; choose another folder, or allow --overwrite"
        )


def facts_of(study: Study) -> dict[str, Any]:
    """All figures and curves, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = _finite(
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


def _is_ours(path: Path) -> bool:
    return path.name in NAMES and path.is_file()


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _short(value) for key, value in row.items()})
    return text.getvalue().encode()


def _short(value: Any) -> Any:
    """Eight digits; nothing for what is not there."""
    if not isinstance(value, float):
        return value
    return f"{value:.8g}" if math.isfinite(value) else ""


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
