"""The sections of an evaluation's page, in the order in which a reader needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.evaluation.metrics import IMAGE_METRICS
from medrestore.evaluation.report import tables, words
from medrestore.evaluation.report.parts import plot, section, table
from medrestore.evaluation.report.pictures import gallery
from medrestore.evaluation.windows import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.evaluation.findings import Findings

__all__ = ["sections"]

OTHERS = "The other windows"
LONG = 24
"""Tables with more rows are folded."""


def sections(findings: Findings, plots: Mapping[str, bytes]) -> list[str]:
    """HTML of every section there is something for."""
    reports, several = findings.reports, len(findings.reports) > 1
    single = several and len(reports[0].methods) == 1
    title = " Δ: mean of restored − noisy, with its 95 % interval." if single else ""
    change = plot(plots["differences"], "differences")
    parts = _over_cases(findings) if several else []
    parts.append(section("Noisy and restored", words.CHANGE.format(title=title), change))
    pictures = gallery(reports)
    if pictures:
        parts.append(section("Slices", words.PICTURES, pictures))
    parts.append(section("Fidelity", words.FIDELITY, table(tables.of_fidelity(reports), LONG)))
    agreement = plot(plots["bland_altman"], "bland_altman")
    parts.append(section("Agreement (Bland–Altman)", words.AGREEMENT, agreement))
    floors = tables.of_floors(reports)
    if floors.rows:
        parts.append(section("The reference’s own noise", words.FLOOR, table(floors, LONG)))
    if "reliability" in plots:
        parts.append(_uncertainty(findings, plots["reliability"]))
    parts += _perception(findings)
    strata = table(tables.of_strata(reports), LONG)
    return [*parts, section("By tissue and gradient", words.STRATA, strata)]


def _uncertainty(findings: Findings, reliability: bytes) -> str:
    reports = findings.reports
    thin = " Thin lines are cases, thick ones and bars their mean." if len(reports) > 1 else ""
    body = plot(reliability, "reliability") + _told(words.UNCERTAINTY)
    body += table(tables.of_levels(reports), LONG) + _told(words.SCORES)
    body += table(tables.of_scores(reports), LONG)
    regions = tables.of_regions(reports)
    if regions.rows:
        body += _told(words.REGIONS) + table(regions, LONG)
    return section("Uncertainty", words.RELIABILITY.format(thin=thin), body)


def _perception(findings: Findings) -> list[str]:
    if not findings.perceptions:
        return []
    one = findings.perceptions[0]
    text = words.PERCEPTION.format(width=one.width, encoder=one.encoder, sha256=one.sha256[:12])
    return [
        section("Perception: FID and KID", text, table(tables.of_perception(findings.perceptions)))
    ]


def _told(text: str) -> str:
    return f'<p class="soft">{text}</p>'


def _over_cases(findings: Findings) -> list[str]:
    """Methods on average, and against each other."""
    people = len(findings.people)
    told = {"people": people, "persons": "person" if people == 1 else "people"}
    told |= {"seed": findings.seed}
    told |= {which: _better(which) for which in ("higher", "lower")}
    several = ", several cases of a person averaged first," if findings.grouped else ""
    parts = [section("Methods", words.MEANS.format(several=several, **told), _means(findings))]
    if findings.paired:
        text = words.PAIRED.format(tests=len(findings.paired), **told)
        first = [one for one in findings.paired if one.window == FOREGROUND]
        others = [one for one in findings.paired if one.window != FOREGROUND]
        body = table(tables.of_paired(first), 2 * LONG)
        if others:
            body += table(tables.of_paired(others), 0, OTHERS)
        parts.append(section("Differences between methods", text, body))
    return parts


def _better(which: str) -> str:
    """Metrics of images that are better so."""
    compared = [one for one in IMAGE_METRICS.values() if one.compared]
    names = [one.name for one in compared if one.better == which]
    return " and ".join((", ".join(names[:-1]), names[-1]))


def _means(findings: Findings) -> str:
    """The foreground, its uncertainty, and the other windows behind their title."""
    modality = findings.reports[0].modality
    first = [one for one in findings.summaries if one.window == FOREGROUND]
    others = [one for one in findings.summaries if one.window != FOREGROUND]
    body = table(tables.of_summary(first, modality))
    judged = tables.of_summary_uncertainty(first, modality)
    if judged.rows:
        body += table(judged, LONG)
    return body + (table(tables.of_summary(others, modality), 0, OTHERS) if others else "")
