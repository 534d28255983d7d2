"""Interval factors from the training people, with known noise added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.evaluation.calibrate import scores_of, tissue
from medrestore.evaluation.intervals import Scores, fit_intervals, merged, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.training.probe import Probe

__all__ = ["calibrate", "scored"]


def scored(probe: Probe, floor: float) -> dict[str, Scores]:
    """Scores of a probe's tissue, by method; ``floor`` as in `evaluation.calibrate.scores_of`."""
    inside = tissue(probe.truth, probe.plan.modality)
    return scores_of(probe.arrays, probe.plan, probe.truth, inside, floor)


def calibrate(scores: Iterable[tuple[str, dict[str, Scores]]], who: str) -> dict[str, Any]:
    """Fit the factors of voxel intervals.

    Parameters
    ----------
    scores : iterable of (person, scores by method)
        Of several people at several noise levels.
    who : str
        Who they are and who restored them, for the card.

    Returns
    -------
    dict
        The card's ``intervals``.
    """
    found: dict[str, dict[str, list[Scores]]] = {}
    for person, by_method in scores:
        for method, one in by_method.items():
            found.setdefault(method, {}).setdefault(person, []).append(one)
    fitted = {
        method: fit_intervals([merged(each) for each in by_person.values()])
        for method, by_person in found.items()
    }
    return table(
        fitted, "empirical quantiles averaged over people, no finite-sample guarantee", who
    )
