"""The figures wanted of models for any anatomy, against what was measured."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.anatomy import real, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.anatomy.rows import Row

__all__ = ["LEAST_OWN", "Verdict", "gain", "gains", "mean", "methods", "ratio", "verdicts"]

GAIN_DB = {0.01: 0.3, 0.03: 0.5, 0.09: 0.5}
WORST_DB = -0.1
SHARE, WORST_SHARE = 0.85, 1.0
BETWEEN = (0.87, 0.93)
PEERS = ("tv", "nlm", "bm4d", "bm4d-psd")
TUNED = PEERS[:3]
"""Peers that know no more than σ, tuned on other people."""
LEAST_OWN = 0.25
"""Where the scan's own noise is a smaller part of the added, told "all" is told "added" (peers)."""
SURE = 1.0
"""An own error below so many σ of the reference's own noise hangs on the estimate of that."""


class Verdict(NamedTuple):
    """A line of the table: what is wanted, what was found, and by how much it falls short."""

    method: str
    figure: str
    wanted: str
    found: str
    short: str


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of what is known; None of nothing."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def methods(found: list[Row]) -> list[str]:
    """Our models in a part's rows."""
    return sorted({row["method"] for row in found} - set(PEERS))


def gain(row: Row, others: list[Row], against: str) -> float | None:
    """PSNR over BM4D in dB, told the same; None where either is unknown or uncertain.

    Where all the noise hardly differs from the added (`LEAST_OWN`), BM4D was run once.
    """
    told = row["told"] if row["own"] >= LEAST_OWN * row["sigma"] else "added"
    for other in others:
        if other["method"] == "bm4d" and other["told"] == told and same(row, other):
            return _decibels(row, other, against)
    return None


def _decibels(row: Row, other: Row, against: str) -> float | None:
    ours, theirs = float(row[against]), float(other[against])
    least = SURE * float(row["own"]) if against == "clean" else 0.0
    return 20 * math.log10(theirs / ours) if min(ours, theirs) > least else None


def same(row: Row, other: Row) -> bool:
    """True for rows about the same noisy voxels."""
    return all(row.get(k, "") == other.get(k, "") for k in ("scan", "noise", "kernel"))


def gains(
    found: list[Row], method: str, told: str, against: str
) -> dict[tuple[str, float], float | None]:
    """Mean gain by anatomy and noise level."""
    parts: dict[tuple[str, float], list[float | None]] = {}
    for row in found:
        if row["method"] == method and row["told"] == told:
            key = (str(row["anatomy"]), float(row["noise"]))
            parts.setdefault(key, []).append(gain(row, found, against))
    return {key: mean(values) for key, values in parts.items()}


def ratio(row: Row, found: list[Row], peers: tuple[str, ...] = TUNED) -> tuple[float, str] | None:
    """Own error over the best peer's, and which that is; None where none was run."""
    beside = [o for o in found if o["method"] in peers and same(row, o) and o["told"] == "all"]
    if not beside:
        return None
    best = min(beside, key=lambda other: float(other["clean"]))
    theirs = float(best["clean"])
    return (float(row["clean"]) / theirs if theirs > 0 else math.nan), str(best["method"])


def verdicts() -> list[Verdict]:
    """Every line."""
    mr, ct, covered = (rows.read(part) for part in ("mr", "ct", "coverage"))
    lines: list[Verdict] = []
    for method in methods(mr):
        for told, against in (("added", "reference"), ("all", "clean")):
            lines += _mr(mr, method, told, against)
    for method in methods(ct):
        lines += _ct(ct, method)
    for row in rows.read("real"):
        lines.append(_real(row))
    for method in methods(covered):
        lines += _coverage(covered, method)
    return lines


def _mr(found: list[Row], method: str, told: str, against: str) -> list[Verdict]:
    table = gains(found, method, told, against)
    title = "reference, added noise told" if told == "added" else "noise-free estimate, all told"
    lines = []
    for level, wanted in GAIN_DB.items():
        known = {a: v for (a, at), v in table.items() if at == level and v is not None}
        if not known:
            continue
        total, worst = fmean(known.values()), min(known, key=lambda a: known[a])
        short = [
            f"{wanted - total:.2f} dB" if total < wanted else "",
            f"{worst} {known[worst]:+.2f} dB" if known[worst] < WORST_DB else "",
        ]
        lines.append(
            Verdict(
                method,
                f"MR {level:.0%}: PSNR over BM4D, {title}, mean of {len(known)} anatomies",
                f"≥ +{wanted} dB, none below {WORST_DB}",
                f"{total:+.2f} dB, lowest {known[worst]:+.2f} ({worst})",
                "; ".join(part for part in short if part),
            )
        )
    return lines


def _ct(found: list[Row], method: str) -> list[Verdict]:
    lines = []
    ours = [row for row in found if row["method"] == method and row["told"] == "all"]
    picks: dict[str, Callable[[Row], bool]] = {
        "stacks": lambda row: row["anatomy"] != "single slice",
        "single slices": lambda row: row["anatomy"] == "single slice",
    }
    for name, pick in picks.items():
        cells = [(row, ratio(row, found)) for row in ours if pick(row)]
        known = [(row, one[0]) for row, one in cells if one and one[0] > 0]
        if not known:
            continue
        total = math.exp(fmean(math.log(value) for _, value in known))
        above = [f"{_cell(row)} {v:.1%}" for row, v in known if v > WORST_SHARE]
        worst = max(known, key=lambda one: one[1])
        lines.append(
            Verdict(
                method,
                f"CT {name}: own error over the best of TV, NLM, BM4D, {len(known)} cells",
                f"≤ {SHARE:.0%}, each ≤ {WORST_SHARE:.0%}",
                f"{total:.1%} (geometric mean), highest {worst[1]:.1%} ({_cell(worst[0])})",
                "; ".join(
                    ([f"{100 * (total - SHARE):.1f} points"] if total > SHARE else []) + above
                ),
            )
        )
    return lines


def _cell(row: Row) -> str:
    return f"{str(row['scan']).split('/')[-1]}, {row['noise']:g} HU, {row['kernel']}"


def _real(row: Row) -> Verdict:
    scan, times = str(row["scan"]), 100 if row["scan"] == "mr_dti" else 1
    known = real.peers().get(scan, {})
    best = min((m for m in TUNED if m in known), key=lambda m: known[m])
    ours, theirs = times * float(row["rmse"]), times * known[best]
    return Verdict(
        str(row["method"]),
        f"{scan}: {real.WANTED[scan]}",
        f"below {best}'s {theirs:.2f}",
        f"{ours:.2f}",
        f"{ours - theirs:.2f}" if ours >= theirs else "",
    )


def _coverage(found: list[Row], method: str) -> list[Verdict]:
    lines = []
    for anatomy in dict.fromkeys(str(r["anatomy"]) for r in found if r["method"] == method):
        here = [r for r in found if r["method"] == method and r["anatomy"] == anatomy]
        here = [row for row in here if row["told"] == "all"]
        value = mean(row.get("joint_90") for row in here)
        implied = mean(row.get("implied_90") for row in here)
        if value is None:
            continue
        low, high = BETWEEN
        off = max(low - value, value - high)
        lines.append(
            Verdict(
                method,
                f"{method[:2].upper()}, 90 % intervals, {anatomy}: noise-free anatomy covered",
                f"{low:.0%} to {high:.0%}",
                f"{value:.1%}" + ("" if implied is None else f" ({implied:.1%} implied)"),
                f"{100 * off:.1f} points {'too narrow' if value < low else 'too wide'}"
                if off > 0
                else "",
            )
        )
    return lines
