"""A study's figures as rows, one figure each, and its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.evaluation.ensemble.inserts import contrast_of
from medrestore.evaluation.ensemble.jackknife import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medrestore.evaluation.ensemble.measured import LesionFigures, Measured, RodFigures
    from medrestore.evaluation.ensemble.study import Study

__all__ = ["curves", "rows"]

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


def rows(study: Study) -> list[dict[str, Any]]:
    """One row for each method, figure and object, with its 95 % interval where it has one."""
    return [row for method in study.methods for row in _of_method(method, study.scene.unit)]


def curves(study: Study) -> list[dict[str, Any]]:
    """Radial NPS and TTF, one row for each method, object and frequency."""
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


def _of_method(method: Measured, unit: str) -> Iterator[dict[str, Any]]:
    name, noise = method.method, method.noise
    yield _row(name, ALL, "noise std", noise.std, unit)
    yield _row(name, ALL, "NPS mean frequency", noise.mean, "1/mm")
    yield _row(name, ALL, "NPS peak frequency", noise.peak, "1/mm")
    for one in method.rods:
        yield from _of_rod(name, one, unit)
    for figure, value in method.line.facts().items():
        plain = Estimate(value, NAN, NAN)
        yield _row(name, ALL, f"linearity {figure}", plain, unit if LINE[figure] else "")
    for group in method.lesions:
        yield from _of_lesions(name, group, unit)


def _of_rod(name: str, one: RodFigures, unit: str) -> Iterator[dict[str, Any]]:
    of = f"rod {contrast_of(one.rod, unit)}"
    yield _row(name, of, "TTF f50", one.f50, "1/mm")
    yield _row(name, of, "TTF f10", one.f10, "1/mm")
    yield _row(name, of, "bias", one.bias, unit)
    yield _row(name, of, "CNR", one.cnr, "")


def _of_lesions(name: str, one: LesionFigures, unit: str) -> Iterator[dict[str, Any]]:
    of = f"lesion {one.lesions.diameter_mm:g} mm, {one.lesions.contrast:+.4g} {unit}"
    for observer, found in (("CHO", one.hotelling), ("matched filter", one.matched)):
        if found is not None:
            yield _row(name, of, f"{observer} d'", found.d_prime, "")
            yield _row(name, of, f"{observer} AUC", found.auc, "")
    yield _row(name, of, "contrast left", one.remaining, "")
    if one.recall is not None:
        facts = one.recall.facts()
        for key, figure in RECALL.items():
            yield _row(name, of, figure, Estimate(facts[key], NAN, NAN), "")


def _row(method: str, of: str, figure: str, found: Estimate, unit: str) -> dict[str, Any]:
    return {"method": method, "of": of, "figure": figure, **found.facts(), "unit": unit}
