"""All that an evaluation found: cases, means over people, differences between methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.evaluation.over_cases import compare
from medrestore.evaluation.perception import perception
from medrestore.evaluation.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.perception import Perception
    from medrestore.evaluation.report_of_case import Report
    from medrestore.evaluation.summary import Summary

__all__ = ["Findings", "find"]


@dataclass(frozen=True, eq=False)
class Findings:
    """What the files of a report are made from.

    Parameters
    ----------
    reports : tuple of Report
        The cases.
    summaries : tuple of Summary
        Means over people.
    paired : tuple of Paired
        Differences between methods; empty for fewer than two people.
    perceptions : tuple of Perception
        FID and KID, where the cases have features.
    seed : int
        Of the bootstrap.
    alone : tuple of str
        Scans that had no partner.
    """

    reports: tuple[Report, ...]
    summaries: tuple[Summary, ...]
    paired: tuple[Paired, ...]
    perceptions: tuple[Perception, ...]
    seed: int
    alone: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Who the cases are of."""
        return tuple(dict.fromkeys(report.person for report in self.reports))

    @property
    def grouped(self) -> bool:
        """Whether a person has several cases."""
        return len(self.people) < len(self.reports)

    def notes(self) -> list[str]:
        """What a reader should know, each with the cases it is about."""
        said: dict[str, list[str]] = {}
        for report in self.reports:
            for note in report.notes:
                said.setdefault(note, []).append(report.case)
        everywhere = len(self.reports) if len(self.reports) > 1 else None
        lines = [
            f"{'every case' if len(cases) == everywhere else ', '.join(cases)}: {note}"
            for note, cases in said.items()
        ]
        left_out = f"left out, without partner: {', '.join(self.alone)}"
        return [*lines, left_out] if self.alone else lines

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return {
            "cases": [report.facts() for report in self.reports],
            "people": len(self.people),
            "means": [one.facts() for one in self.summaries],
            "paired": [one.facts() for one in self.paired],
            "perception": [one.facts() for one in self.perceptions],
            "tests": len(self.paired),
            "seed": self.seed,
            "left_out": list(self.alone),
        }


def find(reports: Sequence[Report], seed: int = 0, alone: Sequence[str] = ()) -> Findings:
    """Means and differences over the people of some cases.

    Raises
    ------
    InputError
        If there is no case, or modalities or methods differ between them.
    """
    if not reports:
        raise InputError("there is no case to report; evaluate at least one")
    return Findings(
        tuple(reports),
        summarise(reports, seed),
        compare(reports, seed),
        perception(reports, seed),
        seed,
        tuple(alone),
    )
