"""How often one of two methods was preferred, with an exact interval; ties stay in sight."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

__all__ = ["Preference", "preference"]


@dataclass(frozen=True)
class Preference:
    """Votes for the first of two methods.

    Parameters
    ----------
    wins, losses, ties : int
        Answers for the first, for the second, and for neither.
    share : float or None
        wins / (wins + losses): ties are left out here and nowhere else; None if all are ties.
    lower, upper : float
        Clopper–Pearson interval of the share (Biometrika 26:404, 1934).
    p_value : float
        Exact two-sided binomial test of share = ½.
    share_with_ties : float or None
        (wins + ties/2) / all: each tie as half a vote for either.
    """

    wins: int
    losses: int
    ties: int
    share: float | None
    lower: float
    upper: float
    p_value: float
    share_with_ties: float | None


def preference(wins: int, losses: int, ties: int = 0, level: float = 0.95) -> Preference:
    """Share of the decided votes, its exact interval at ``level``, and a test against chance.

    The interval takes votes for independent. Votes of one reader on different cases are; pooled
    over readers they share cases: `readers.bootstrap` is for that.
    """
    decided, votes = wins + losses, wins + losses + ties
    half = (wins + ties / 2) / votes if votes else None
    if not decided:
        return Preference(wins, losses, ties, None, 0.0, 1.0, 1.0, half)
    test = stats.binomtest(wins, decided, 0.5)
    interval = test.proportion_ci(level, method="exact")
    return Preference(
        wins,
        losses,
        ties,
        wins / decided,
        float(interval.low),
        float(interval.high),
        float(test.pvalue),
        half,
    )
