"""The study as one HTML document: what each figure is stands above its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.evaluation.ensemble.report import tables
from medrestore.evaluation.report.page import RESEARCH_ONLY
from medrestore.evaluation.report.parts import document, note, plot, section, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.evaluation.ensemble.study import Study

__all__ = ["render"]

TITLE = "Image quality from noise realisations"

INTERVALS = """\
Brackets and bars are 95 % intervals from the jackknife over realisations. They speak of other
noise in this scene, not of other scenes or people."""
NOISE = """\
NPS: mean |DFT|² of what differs between realisations, in squares of tissue without inserts; its
integral is the variance. On the right, each divided by its integral: texture without strength.
Mean frequency: Σ f·NPS / Σ NPS over the radial NPS. Lower than before means coarser grain."""
TTF = """\
Task transfer function of each rod against the noise-free rod, relative to its value about zero
frequency: f₅₀ and f₁₀ are where it falls to 50 and 10 %, a dash where it stays above up to Nyquist.
A restoration that is not linear has another one for each contrast and noise level."""
VALUES = """\
Mean over the inner 60 % of each rod, less its true value. Linearity: least squares of measured on
true values, rods and background. CNR: contrast over the standard deviation of a voxel over
realisations."""
LESIONS = """\
Lesions of known shape, place and background, present in one half of the realisations. The
channelised Hotelling observer (ten dense difference-of-Gaussians channels, no internal noise) is
tested on realisations that it was not made from; the matched filter is the noise-free lesion. A
restoration adds no information, but may bring what there is within an observer’s reach, or
lose it. Contrast left: mean over realisations; noise-free it would be 1."""
ERASED = """\
Removed structure: a lesion counts as erased where less than half of its contrast is left in that
realisation, and as flagged where the result’s map of removed structure is larger in it than in
99 % of the same places without a lesion. False positives: the share that was flagged there."""


def render(study: Study, plots: Mapping[str, bytes]) -> str:
    """The page.

    Parameters
    ----------
    study : Study
        All figures.
    plots : mapping of str to bytes
        SVG by name (`plots.PLOTS`).
    """
    rods = table(tables.of_lines(study)) + table(tables.of_rods(study))
    parts = [
        section("Noise", NOISE, plot(plots["nps"], "nps") + table(tables.of_noise(study))),
        section("Detectability", LESIONS, plot(plots["detectability"], "detectability")
                + table(tables.of_lesions(study))),
        section("Sharpness", TTF, plot(plots["ttf"], "ttf")),
        section("Values", VALUES, plot(plots["linearity"], "linearity") + rods),
    ]  # fmt: skip
    erased = tables.of_erased(study)
    if erased.rows:
        parts.append(section("Removed structure", ERASED, table(erased)))
    notes = [f"{one.method}: {text}" for one in study.methods for text in one.notes]
    lead = f'<p class="soft">{_summary(study)} {INTERVALS} {RESEARCH_ONLY}</p>{note(notes)}'
    foot = "The same figures are in figures.csv and figures.json, the curves in curves.csv."
    return document(TITLE, lead, "".join(parts), foot)


def _summary(study: Study) -> str:
    with_it, without = study.realisations
    noise = ", ".join(f"{key} {value:g}" for key, value in study.facts["noise"].items())
    return (
        f"{study.scene.modality}, {with_it} realisations with inserts and {without} without; noise "
        f"{noise}, seed {study.facts['seed']}."
    )
