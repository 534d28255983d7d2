"""A study's figures as tables for the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.evaluation.ensemble.inserts import contrast_of
from medrestore.evaluation.report.tables import Table

if TYPE_CHECKING:
    from medrestore.evaluation.ensemble.jackknife import Estimate
    from medrestore.evaluation.ensemble.study import Study

__all__ = ["of_erased", "of_lesions", "of_lines", "of_noise", "of_rods"]


def of_noise(study: Study) -> Table:
    """Strength and texture of the noise, and their shift against the noisy images."""
    before = study.methods[0].noise
    rows = [
        (
            one.method,
            _cell(one.noise.std, ".3g"),
            _cell(one.noise.mean, ".3f"),
            f"{one.noise.mean.value - before.mean.value:+.3f}",
            _cell(one.noise.peak, ".3f"),
            f"{one.noise.peak.value - before.peak.value:+.3f}",
        )
        for one in study.methods
    ]
    titles = (
        "method", f"noise std ({study.scene.unit})", "mean frequency (1/mm)", "shift",
        "peak frequency (1/mm)", "shift",
    )  # fmt: skip
    return Table(titles, rows, 1)


def of_rods(study: Study) -> Table:
    """Sharpness, bias and contrast-to-noise ratio of each rod."""
    unit = study.scene.unit
    rows = [
        (
            method.method,
            contrast_of(one.rod, unit),
            _cell(one.f50, ".3f"),
            _cell(one.f10, ".3f"),
            _cell(one.bias, "+.3g"),
            _cell(one.cnr, ".3g"),
        )
        for method in study.methods
        for one in method.rods
    ]
    titles = ("method", "rod", "f₅₀ (1/mm)", "f₁₀ (1/mm)", f"bias ({unit})", "CNR")
    return Table(titles, rows, 2)


def of_lines(study: Study) -> Table:
    """Linearity."""
    unit = study.scene.unit
    rows = [
        (
            one.method,
            f"{one.line.slope:.4f}",
            f"{one.line.intercept:+.3g}",
            f"{one.line.r_squared:.6f}",
            f"{one.line.largest:+.3g}",
        )
        for one in study.methods
    ]
    titles = ("method", "slope", f"intercept ({unit})", "R²", f"largest deviation ({unit})")
    return Table(titles, rows, 1)


def of_lesions(study: Study) -> Table:
    """Both observers for each kind of lesion."""
    rows = [
        (
            method.method,
            _named(one.lesions.diameter_mm, one.lesions.contrast, study),
            "–" if one.hotelling is None else _cell(one.hotelling.d_prime, ".2f"),
            "–" if one.hotelling is None else _cell(one.hotelling.auc, ".3f"),
            _cell(one.matched.d_prime, ".2f"),
            _cell(one.matched.auc, ".3f"),
            _cell(one.remaining, ".2f"),
        )
        for method in study.methods
        for one in method.lesions
    ]
    titles = (
        "method", "lesion", "Hotelling d′", "Hotelling AUC", "matched filter d′",
        "matched filter AUC", "contrast left",
    )  # fmt: skip
    return Table(titles, rows, 2)


def of_erased(study: Study) -> Table:
    """Recall of the maps of removed structure; no rows where no method has any."""
    rows = [
        (
            method.method,
            _named(one.lesions.diameter_mm, one.lesions.contrast, study),
            f"{one.recall.inserted}",
            f"{one.recall.erased}",
            f"{one.recall.of_inserted:.2f}",
            f"{one.recall.of_erased:.2f}" if one.recall.erased else "–",
            f"{one.recall.false_positives:.3f}",
        )
        for method in study.methods
        for one in method.lesions
        if one.recall is not None
    ]
    titles = (
        "method", "lesion", "inserted", "erased", "recall, inserted", "recall, erased",
        "false positives",
    )  # fmt: skip
    return Table(titles, rows, 2)


def _named(diameter_mm: float, contrast: float, study: Study) -> str:
    return f"{diameter_mm:g} mm, {contrast:+.4g} {study.scene.unit}"


def _cell(found: Estimate, form: str) -> str:
    if not np.isfinite(found.value):
        return "–"
    if not np.isfinite(found.lower):
        return f"{found.value:{form}}"
    return f"{found.value:{form}} [{found.lower:{form}}, {found.upper:{form}}]"
