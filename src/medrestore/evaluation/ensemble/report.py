"""The folder of a study's report: whole or not at all."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import __version__
from medrestore.evaluation.ensemble.plots import PLOTS
from medrestore.evaluation.ensemble.scene import contrast_of
from medrestore.evaluation.statistics import Estimate
from medrestore.report.files import ReportFolder, as_csv, as_json, finite
from medrestore.report.page import render
from medrestore.report.plots import draw_plots
from medrestore.report.tables import Table, table_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from medrestore.evaluation.ensemble.study import LesionMetrics, MethodMetrics, RodMetrics, Study

__all__ = [
    "STUDY_FOLDER",
    "curves",
    "facts_of",
    "of_erased",
    "of_lesions",
    "of_lines",
    "of_noise",
    "of_rods",
    "rows",
    "write_study",
]

TITLE = "Image quality from noise realisations"
ALL = "all"
RECALL = {
    "of_inserted": "recall of inserted",
    "of_erased": "recall of erased",
    "inserted": "lesions inserted",
    "erased": "lesions erased",
    "false_positives": "false positives",
}
LINE = {"slope": "", "intercept": "unit", "r_squared": "", "largest": "unit"}
NAN = float("nan")


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
        "figures.csv": as_csv(finite(rows(study))),
        "curves.csv": as_csv(finite(curves(study))),
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
            "figures": rows(study),
            "curves": curves(study),
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
        noise=of_noise(study),
        lesions=of_lesions(study),
        lines=of_lines(study),
        rods=of_rods(study),
        erased=of_erased(study),
    )


def rows(study: Study) -> list[dict[str, Any]]:
    """Return a row for each method, metric and object, with its 95 % interval if it has one."""
    return [row for method in study.methods for row in _of_method(method, study.scene.unit)]


def curves(study: Study) -> list[dict[str, Any]]:
    """Return radial NPS and TTF, one row for each method, object and frequency."""
    found = []
    for method in study.methods:
        spectrum = method.noise.spectrum
        lines = [("NPS", ALL, f"{study.scene.unit}² mm²", spectrum.frequency, spectrum.power)]
        for one in method.rods:
            sharp, name = one.transfer, contrast_of(one.rod, study.scene.unit)
            lines.append(("TTF", name, "", sharp.frequency, sharp.value))
        found += [
            {
                "method": method.method,
                "curve": curve,
                "of": name,
                "cycles_per_mm": float(f),
                "value": float(v),
                "unit": unit,
            }
            for curve, name, unit, frequency, value in lines
            for f, v in zip(frequency, value, strict=True)
        ]
    return found


def _of_method(method: MethodMetrics, unit: str) -> Iterator[dict[str, Any]]:
    name, noise = method.method, method.noise
    yield _row(name, ALL, "noise std", noise.std, unit)
    yield _row(name, ALL, "NPS mean frequency", noise.mean, "1/mm")
    yield _row(name, ALL, "NPS peak frequency", noise.peak, "1/mm")
    for one in method.rods:
        yield from _of_rod(name, one, unit)
    for metric, value in asdict(method.line).items():
        plain = Estimate(value, NAN, NAN)
        yield _row(name, ALL, f"linearity {metric}", plain, unit if LINE[metric] else "")
    for group in method.lesions:
        yield from _of_lesions(name, group, unit)


def _of_rod(name: str, one: RodMetrics, unit: str) -> Iterator[dict[str, Any]]:
    of = f"rod {contrast_of(one.rod, unit)}"
    yield _row(name, of, "TTF f50", one.f50, "1/mm")
    yield _row(name, of, "TTF f10", one.f10, "1/mm")
    yield _row(name, of, "bias", one.bias, unit)
    yield _row(name, of, "CNR", one.cnr, "")


def _of_lesions(name: str, one: LesionMetrics, unit: str) -> Iterator[dict[str, Any]]:
    of = f"lesion {contrast_of(one.lesions, unit)}"
    for observer, found in (("CHO", one.hotelling), ("matched filter", one.matched)):
        if found is not None:
            yield _row(name, of, f"{observer} d'", found.d_prime, "")
            yield _row(name, of, f"{observer} AUC", found.auc, "")
    yield _row(name, of, "contrast left", one.remaining, "")
    if one.recall is not None:
        facts = asdict(one.recall)
        for key, metric in RECALL.items():
            yield _row(name, of, metric, Estimate(facts[key], NAN, NAN), "")


def _row(method: str, of: str, metric: str, found: Estimate, unit: str) -> dict[str, Any]:
    return {"method": method, "of": of, "figure": metric, **found._asdict(), "unit": unit}


def of_noise(study: Study) -> Table:
    """Return strength and texture of the noise, and their shift against the noisy images."""
    before = study.methods[0].noise
    return table_of(
        [(one.method, one.noise) for one in study.methods],
        1,
        ("method", lambda method, one: method),
        (f"noise std ({study.scene.unit})", lambda method, one: _cell(one.std, ".3g")),
        ("mean frequency (1/mm)", lambda method, one: _cell(one.mean, ".3f")),
        ("shift", lambda method, one: f"{one.mean.value - before.mean.value:+.3f}"),
        ("peak frequency (1/mm)", lambda method, one: _cell(one.peak, ".3f")),
        ("shift", lambda method, one: f"{one.peak.value - before.peak.value:+.3f}"),
    )


def of_rods(study: Study) -> Table:
    """Return sharpness, bias and contrast-to-noise ratio of each rod."""
    unit = study.scene.unit
    return table_of(
        [(method.method, one) for method in study.methods for one in method.rods],
        2,
        ("method", lambda method, one: method),
        ("rod", lambda method, one: contrast_of(one.rod, unit)),
        ("f₅₀ (1/mm)", lambda method, one: _cell(one.f50, ".3f")),
        ("f₁₀ (1/mm)", lambda method, one: _cell(one.f10, ".3f")),
        (f"bias ({unit})", lambda method, one: _cell(one.bias, "+.3g")),
        ("CNR", lambda method, one: _cell(one.cnr, ".3g")),
    )


def of_lines(study: Study) -> Table:
    """Return the linearity of every method."""
    unit = study.scene.unit
    return table_of(
        [(one.method, one.line) for one in study.methods],
        1,
        ("method", lambda method, line: method),
        ("slope", lambda method, line: f"{line.slope:.4f}"),
        (f"intercept ({unit})", lambda method, line: f"{line.intercept:+.3g}"),
        ("R²", lambda method, line: f"{line.r_squared:.6f}"),
        (f"largest deviation ({unit})", lambda method, line: f"{line.largest:+.3g}"),
    )


def of_lesions(study: Study) -> Table:
    """Return both observers for each kind of lesion."""
    unit = study.scene.unit
    return table_of(
        [(method.method, one) for method in study.methods for one in method.lesions],
        2,
        ("method", lambda method, one: method),
        ("lesion", lambda method, one: contrast_of(one.lesions, unit)),
        ("Hotelling d′", lambda method, one: _cell(getattr(one.hotelling, "d_prime", None), ".2f")),
        ("Hotelling AUC", lambda method, one: _cell(getattr(one.hotelling, "auc", None), ".3f")),
        ("matched filter d′", lambda method, one: _cell(one.matched.d_prime, ".2f")),
        ("matched filter AUC", lambda method, one: _cell(one.matched.auc, ".3f")),
        ("contrast left", lambda method, one: _cell(one.remaining, ".2f")),
    )


def of_erased(study: Study) -> Table:
    """Return the recall of the maps of removed structure; no rows where no method has any."""
    unit = study.scene.unit
    return table_of(
        [
            (method.method, one.lesions, one.recall)
            for method in study.methods
            for one in method.lesions
            if one.recall is not None
        ],
        2,
        ("method", lambda method, of, found: method),
        ("lesion", lambda method, of, found: contrast_of(of, unit)),
        ("inserted", lambda method, of, found: f"{found.inserted}"),
        ("erased", lambda method, of, found: f"{found.erased}"),
        ("recall, inserted", lambda method, of, found: f"{found.of_inserted:.2f}"),
        (
            "recall, erased",
            lambda method, of, found: f"{found.of_erased:.2f}" if found.erased else "–",
        ),
        ("false positives", lambda method, of, found: f"{found.false_positives:.3f}"),
    )


def _cell(found: Estimate | None, form: str) -> str:
    if found is None or not np.isfinite(found.value):
        return "–"
    if not np.isfinite(found.lower):
        return f"{found.value:{form}}"
    return f"{found.value:{form}} [{found.lower:{form}}, {found.upper:{form}}]"
