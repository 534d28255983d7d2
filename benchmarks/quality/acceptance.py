"""The figures that decide, against what was measured: reached, or short by how much."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality.cases import CLEAN, LEVELS, SCANS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.quality.table import Row

GAIN_DB = {0.01: 0.0, 0.03: 0.3, 0.09: 0.8}
"""Wanted over BM4D, mean over the five validation scans."""


@dataclass(frozen=True)
class Verdict:
    """A line of the table: what is wanted, what was found; ``short`` is None where it holds."""

    figure: str
    wanted: str
    found: str
    short: str | None


class Figures:
    """Look-up of a figure by scan, level and method, with the true σ unless said otherwise."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def get(
        self, figure: str, scan: str, level: float | None, method: str, sigma: str = "true"
    ) -> float | None:
        """The figure, or None where it was not measured."""
        for row in self.rows:
            same = row["scan"] == scan and row["method"] == method and row["sigma"] == sigma
            if same and (level is None or np.isclose(row["level"], level)) and figure in row:
                return float(row[figure])
        return None

    def mean(
        self, figure: str, scans: tuple[str, ...], level: float | None, method: str
    ) -> float | None:
        """Mean over scans; None unless all are there."""
        values = [self.get(figure, scan, level, method) for scan in scans]
        return None if None in values else fmean(v for v in values if v is not None)

    def gain(self, level: float, method: str, over: str) -> tuple[float, int, int] | None:
        """Mean PSNR gain over another method, the number of scans, and where that one was run here.

        Where BM4D was not, its PSNR is the tabled one: measured once with the same protocol, on
        another draw of the noise (differences of 0.03 dB).
        """
        gains, run = [], 0
        for scan in SCANS["MR"]:
            ours, other = (self._psnr(scan, level, m) for m in (method, over))
            run += self.get("psnr", scan, level, over) is not None
            if ours is not None and other is not None:
                gains.append(ours - other)
        return (fmean(gains), len(gains), run) if gains else None

    def _psnr(self, scan: str, level: float, method: str) -> float | None:
        """As measured here; BM4D's from the table where it was not."""
        measured = self.get("psnr", scan, level, method)
        tabled = _tabled().get((scan, level)) if method == "bm4d" else None
        return tabled if measured is None else measured


@lru_cache(maxsize=1)
def _tabled() -> dict[tuple[str, float], float]:
    """PSNR of BM4D by scan and level (bm4d 4.2.5, true σ; the figures of `evaluation.md`)."""
    with (Path(__file__).parent / "tabled" / "bm4d.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["scan"], float(row["level"])): float(row["psnr"]) for row in rows}


def verdicts(figures: Figures, models: dict[str, str]) -> list[Verdict]:
    """Every line for every model (name → modality)."""
    lines: list[Verdict] = []
    for name, modality in models.items():
        for check in (_mr, _mr_real) if modality == "MR" else (_ct, _ct_real):
            lines += check(figures, name)
        lines += _clean(figures, name, modality)
    return lines


def _short(by: float, unit: str) -> str | None:
    return None if by <= 0 else f"short by {by:.2g} {unit}"


def _mr(figures: Figures, name: str) -> list[Verdict]:
    lines = []
    for level in LEVELS["MR"]:
        found = figures.gain(level, name, "bm4d")
        if found is not None:
            gain, count, run = found
            lines.append(
                Verdict(
                    f"{name}: PSNR over BM4D at {level:.0%}, mean of {count} scans ({run} run "
                    "here, else as tabled)",
                    f"≥ +{GAIN_DB[level]:.1f} dB",
                    f"{gain:+.2f} dB",
                    _short(GAIN_DB[level] - gain, "dB"),
                )
            )
    return lines


def _ct(figures: Figures, name: str) -> list[Verdict]:
    scan, lines = "ct_totalseg_abdomen", []
    for level in (20.0, 40.0):
        rmse: Callable[[str], float | None] = lambda m, at=level: figures.get("rmse", scan, at, m)  # noqa: E731
        peers = {m: v for m in ("nlm", "bm4d", "bm4d-psd") if (v := rmse(m)) is not None}
        ours, floor = rmse(name), figures.get("floor", scan, level, name)
        if not peers or ours is None or floor is None:
            continue
        best = min(peers, key=lambda m: peers[m])
        above = 20 * np.log10(ours / floor)
        share = ours / peers[best]
        lines.append(
            Verdict(
                f"{name}: soft-tissue RMSE at {level:.0f} HU against {best}",
                "≤ 85 %, or within 0.2 dB of the floor",
                f"{share:.0%}; {above:.2f} dB above the floor of {floor:.2f} HU",
                None if above <= 0.2 else _short(100 * (share - 0.85), "points"),
            )
        )
    return lines


def _mr_real(figures: Figures, name: str) -> list[Verdict]:
    lines = []
    for figure, label in (("rmse", "the other repeat"), ("rmse_mean_of_40", "the mean of 40")):
        scans = tuple(f"mr_dti_b1000_{t}" for t in range(1, 8))
        if figure == "rmse":
            scans = ("mr_dti_b0", *scans)
        values = {m: figures.mean(figure, scans, None, m) for m in (name, "nlm", "bm4d")}
        ours = values.pop(name)
        peers = {m: v for m, v in values.items() if v is not None}
        if ours is None or not peers:
            continue
        lines.append(_against(f"{name}: mr_dti, RMSE against {label}", ours, peers, 100, "%"))
    return lines


def _ct_real(figures: Figures, name: str) -> list[Verdict]:
    ours, bias = (figures.get(f, "ct_phantom", None, name) for f in ("rmse", "bias"))
    found = ((m, figures.get("rmse", "ct_phantom", None, m)) for m in ("nlm", "bm4d", "bm4d-psd"))
    peers = {m: v for m, v in found if v is not None}
    if ours is None or bias is None or not peers:
        return []
    line = _against(f"{name}: phantom, RMSE in uniform inserts", ours, peers, 1, "HU")
    return [line, _bias(f"{name}: phantom, bias in uniform inserts", bias)]


def _against(figure: str, ours: float, peers: dict[str, float], times: float, unit: str) -> Verdict:
    best = min(peers, key=lambda m: peers[m])
    return Verdict(
        figure,
        f"below {best}'s {times * peers[best]:.3g} {unit}",
        f"{times * ours:.3g} {unit}",
        _short(times * (ours - peers[best]), unit),
    )


def _bias(figure: str, bias: float) -> Verdict:
    return Verdict(figure, "under 1 HU", f"{bias:+.2f} HU", _short(abs(bias) - 1, "HU"))


def _clean(figures: Figures, name: str, modality: str) -> list[Verdict]:
    scan = {"MR": "mr_uih_t1_b", "CT": "ct_totalseg_abdomen"}[modality]
    change, bias = (figures.get(f, scan, CLEAN[modality], name) for f in ("change", "bias"))
    if change is None or bias is None:
        return []
    line = Verdict(
        f"{name}: clean input, RMS of output − input",
        "≤ 0.5 σ",
        f"{change:.2f} σ",
        _short(change - 0.5, "σ"),
    )
    return [line] if modality == "MR" else [line, _bias(f"{name}: clean input, bias", bias)]
