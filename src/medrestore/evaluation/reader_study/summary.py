"""A study's statistics in sentences and tables, for the terminal and for napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.evaluation.reader_study.statistics import preference
from medrestore.report.tables import Table

if TYPE_CHECKING:
    from medrestore.evaluation.reader_study.agreement import Agreement
    from medrestore.evaluation.reader_study.analysis import Analysis, Comparison, Reader
    from medrestore.evaluation.reader_study.statistics import Preference

__all__ = ["number", "p_value", "sentences", "tables"]


def sentences(analysis: Analysis) -> list[str]:
    """Return what was found, most important first."""
    found = [_comparison(one, analysis) for one in analysis.comparisons]
    if analysis.left is not None and analysis.left.p_value < 0.05:
        found.append(
            f"The left picture was chosen in {percent(analysis.left.share)} of the decided "
            f"answers (p {p_value(analysis.left.p_value)}): somebody may have judged sides."
        )
    found += [_agreement(one) for one in (*analysis.between, *analysis.within)]
    if analysis.icc is not None:
        value, lower, upper = analysis.icc
        found.append(f"ICC(2,1) of single scores {value:.2f} ({lower:.2f} to {upper:.2f}).")
    skipped = sum(reader.skipped for reader in analysis.readers)
    if skipped:
        found.append(f"{_counted(skipped, 'question')} skipped: a picture could not be opened.")
    return found


def tables(analysis: Analysis) -> list[Table]:
    """Return all statistics as tables."""
    titles = ("reader", "answers", "repeats", "skipped", "median s")
    found = [Table(titles, [_reader(one) for one in analysis.readers], 1)]
    if analysis.scores:
        found.append(_scores(analysis))
    if analysis.kind == "preference":
        found.append(_preferences(analysis))
    elif analysis.comparisons:
        found.append(_differences(analysis))
    agreements = [*analysis.between, *analysis.within]
    if agreements:
        titles = ("agreement of", "questions", "same", "κ linear", "κ quadratic")
        found.append(Table(titles, [_agreement_row(one) for one in agreements], 1))
    return found


def percent(share: float | None) -> str:
    """Return a share as a whole percentage, or a dash."""
    return "–" if share is None else f"{100 * share:.0f} %"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """Return a p-value, no more exact than it is."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _comparison(one: Comparison, analysis: Analysis) -> str:
    if analysis.kind == "score":
        return _score_sentence(one, analysis)
    votes = one.all_readers
    if votes is None or votes.share is None:
        undecided = _counted(votes.ties if votes else 0, "tie")
        return f"{one.first} and {one.second}: no decided answer, {undecided}."
    winner, loser = one.first, one.second
    if votes.share < 0.5:
        winner, loser = loser, winner
        votes = preference(votes.losses, votes.wins, votes.ties)
    decided = votes.wins + votes.losses
    ties = f", {_counted(votes.ties, 'tie')} left out" if votes.ties else ", no ties"
    return (
        f"{winner} was preferred to {loser} in {votes.wins} of {decided} decided answers: "
        f"{percent(votes.share)}, exact {percent(analysis.level)} interval {_range(votes)}, "
        f"p {p_value(votes.p_value)}{ties}.{_other_readers(one, winner)}"
    )


def _other_readers(one: Comparison, winner: str) -> str:
    """Return the interval for readers and cases that were not in the study."""
    d = one.difference
    if d is None or d.readers < 2:
        return ""
    low, high = (d.lower, d.upper) if winner == one.first else (1 - d.upper, 1 - d.lower)
    return f" For other readers and cases: {percent(low)} to {percent(high)}."


def _score_sentence(one: Comparison, analysis: Analysis) -> str:
    if one.first not in analysis.scores or one.second not in analysis.scores:
        return f"{one.first} and {one.second}: too few scores to compare."
    means = [f"{m} {analysis.scores[m].mean:.2f}" for m in (one.first, one.second)]
    text = f"Mean scores: {' and '.join(means)}"
    if one.difference is not None:
        mean, lower, upper = one.difference[:3]
        text += f"; difference {mean:+.2f}, {percent(analysis.level)} interval "
        text += f"{lower:+.2f} to {upper:+.2f}"
    return f"{text}; Wilcoxon p {p_value(one.p_value)} over {_counted(one.cases, 'case')}."


def _agreement(one: Agreement) -> str:
    who = " and ".join(one.readers)
    about = "repeated " if len(one.readers) == 1 else ""
    verb = "agrees with themselves" if len(one.readers) == 1 else "agree"
    return (
        f"{who} {verb} on {percent(one.same)} of {_counted(one.items, about + 'question')}, "
        f"weighted κ {number(one.linear)}."
    )


def _reader(one: Reader) -> tuple[str, ...]:
    counts = (str(one.answers), str(one.repeats), str(one.skipped))
    return (one.name, *counts, number(one.median_seconds, 1))


def _preferences(analysis: Analysis) -> Table:
    titles = (
        "preferred", "to", "by", "wins", "losses", "ties", "share", "interval", "p",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for one in analysis.comparisons:
        pair = (one.first, one.second)
        votes = {"all readers": one.all_readers} if len(one.by_reader) > 1 else {}
        for who, v in {**votes, **one.by_reader}.items():
            if v is not None:
                counts = (str(v.wins), str(v.losses), str(v.ties))
                rows.append((*pair, who, *counts, percent(v.share), _range(v), p_value(v.p_value)))
        if one.difference is not None:
            d = one.difference
            reach = f"{percent(d.lower)} to {percent(d.upper)}"
            name = "other readers and cases" if d.readers > 1 else "other cases"
            halves = ", a tie a half" if one.all_readers and one.all_readers.ties else ""
            rows.append((*pair, name + halves, "", "", "", percent(d.mean), reach, ""))
    return Table(titles, rows, 3)


def _scores(analysis: Analysis) -> Table:
    titles = ("method", "1", "2", "3", "4", "5", "mean", "interval", "median")
    rows: list[tuple[str, ...]] = []
    for method, s in analysis.scores.items():
        reach = f"{number(s.lower)} to {number(s.upper)}"
        counts = tuple(map(str, s.counts))
        rows.append((method, *counts, number(s.mean), reach, number(s.median, 1)))
    return Table(titles, rows, 1)


def _differences(analysis: Analysis) -> Table:
    titles = ("score of", "minus", "cases", "mean", "interval", "Wilcoxon p")
    rows: list[tuple[str, ...]] = []
    for one in analysis.comparisons:
        d = one.difference
        mean = "–" if d is None else f"{d.mean:+.2f}"
        reach = "–" if d is None else f"{d.lower:+.2f} to {d.upper:+.2f}"
        rows.append((one.first, one.second, str(one.cases), mean, reach, p_value(one.p_value)))
    return Table(titles, rows, 2)


def _agreement_row(one: Agreement) -> tuple[str, ...]:
    who = one.readers[0] + ", repeats" if len(one.readers) == 1 else " and ".join(one.readers)
    kappas = (number(one.linear), number(one.quadratic))
    return (who, str(one.items), percent(one.same), *kappas)


def _range(votes: Preference) -> str:
    return f"{percent(votes.lower)} to {percent(votes.upper)}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
