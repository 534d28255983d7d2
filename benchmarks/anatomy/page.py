"""Writes `README.md` from the CSV files: no figure on it is typed by hand.

python -m benchmarks.anatomy.page
"""

from __future__ import annotations

import json
import math
from datetime import date
from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks.anatomy import peers, real, rows, verdict
from benchmarks.anatomy.cases import KERNELS, LEVELS
from benchmarks.quality.cases import SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.anatomy.rows import Row

__all__ = ["write"]

TEXT = rows.FOLDER / "text.md"
ANATOMIES = {
    "MR": ("pelvis", "abdomen", "limb", "brain, FLAIR", "brain, T1", "brain, T1+Gd", "brain, T2"),
    "CT": ("chest", "abdomen", "limb", "single slice"),
}


def write() -> None:
    """Write the page."""
    parts = [
        "# By anatomy: held-out people beside peers",
        TEXT.read_text().strip("\n"),
        f"Written {date.today().isoformat()}, seed {SEED}.",
        "## Against what is wanted",
        _verdicts(),
        "## MR",
        *_mr(),
        "## CT",
        *_ct(),
        "## Real noise",
        _real(),
        "## Coverage",
        *_coverage(),
    ]
    (rows.FOLDER / "README.md").write_text("\n\n".join(part for part in parts if part) + "\n")


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    all_lines = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in all_lines)


def number(value: float | None, pattern: str) -> str:
    """A number, or a dash for None."""
    return "–" if value is None or math.isnan(value) else pattern.format(value)


def _verdicts() -> str:
    lines = [
        (one.method, one.figure, one.wanted, one.found, one.short or "reached")
        for one in verdict.verdicts()
    ]
    return grid(("model", "figure", "wanted", "found", "short by"), lines)


def _mr() -> list[str]:
    found = rows.read("mr")
    parts = []
    for told, against, title in (
        ("added", "reference", "the added noise told, against the reference"),
        ("all", "clean", "all noise told, against the noise-free estimate"),
    ):
        names = verdict.methods(found)
        tables = {name: verdict.gains(found, name, told, against) for name in names}
        head = ["anatomy", *(f"{n}, {lev:.0%}" for n in names for lev in LEVELS["MR"])]
        lines = [
            [a, *(number(tables[n].get((a, v)), "{:+.2f}") for n in names for v in LEVELS["MR"])]
            for a in ANATOMIES["MR"]
        ]
        means = [
            verdict.mean(tables[n].get((a, v)) for a in ANATOMIES["MR"])
            for n in names
            for v in LEVELS["MR"]
        ]
        lines.append(["mean", *(number(value, "{:+.2f}") for value in means)])
        parts += [f"PSNR over BM4D in dB, {title}:", grid(head, lines)]
    return parts


def _ct() -> list[str]:
    found = rows.read("ct")
    names = verdict.methods(found)
    run = {row["method"] for row in found}
    methods = [*(peer for peer in verdict.PEERS if peer in run), *names]
    head = ["anatomy", "scan", "HU", "kernel", "σ_own", *methods, *(f"{n} / best" for n in names)]
    lines = []
    first = [r for r in found if r["told"] == "all" and r["method"] == (names or ["bm4d"])[0]]
    for row in sorted(first, key=_order):
        same = {r["method"]: r for r in found if r["told"] == "all" and verdict.same(r, row)}
        shares = [verdict.ratio(same[n], found) if n in same else None for n in names]
        lines.append(
            [
                str(row["anatomy"]),
                str(row["scan"]).split("/")[-1],
                f"{row['noise']:g}",
                str(row["kernel"]),
                f"{row['own']:.1f}",
                *(number(same[m]["clean"] if m in same else None, "{:.1f}") for m in methods),
                *(
                    number(s[0] if s else None, "{:.0%}") + (f" {s[1]}" if s else "")
                    for s in shares
                ),
            ]
        )
    summary = [f"{a}: {_shares(found, names, a)}" for a in ANATOMIES["CT"]]
    return [
        "Own error, HU, RMSE against the noise-free estimate; all noise told.",
        "Over the best of TV, NLM and BM4D, geometric means: " + "; ".join(summary) + ".",
        grid(head, lines),
        "Peers' parameters, chosen on other people:",
        _tuned(),
    ]


def _order(row: Row) -> tuple[int, str, float, str]:
    anatomy = ANATOMIES["CT"].index(str(row["anatomy"]))
    return anatomy, str(row["scan"]), float(row["noise"]), str(row["kernel"])


def _shares(found: list[Row], names: list[str], anatomy: str) -> str:
    texts = []
    for name in names:
        for kernel in KERNELS:
            here = [
                verdict.ratio(row, found)
                for row in found
                if (row["method"], row["told"], row["anatomy"], row["kernel"])
                == (name, "all", anatomy, kernel)
            ]
            known = [math.log(one[0]) for one in here if one and one[0] > 0]
            texts.append(f"{name} {kernel} " + (f"{math.exp(fmean(known)):.0%}" if known else "–"))
    return ", ".join(texts)


def _tuned() -> str:
    if not peers.TUNED.is_file():
        return "not yet."
    table = json.loads(peers.TUNED.read_text())
    lines = [
        (kind, kernel, level, *(_given(m.get(method, {})) for method in verdict.TUNED))
        for kind, kernels in table.items()
        for kernel, levels in kernels.items()
        for level, m in levels.items()
    ]
    return grid(("", "kernel", "HU", *verdict.TUNED), lines)


def _given(parameters: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items()) or "–"


def _real() -> str:
    known, found = real.peers(), rows.read("real")
    lines = []
    for scan, figure in real.WANTED.items():
        times = 100 if scan == "mr_dti" else 1
        values = known.get(scan, {}) | {
            str(r["method"]): float(r["rmse"]) for r in found if r["scan"] == scan
        }
        text = ", ".join(f"{m} {times * v:.2f}" for m, v in values.items())
        lines.append((scan, figure, text))
    return grid(("scan", "figure", "found"), lines)


def _coverage() -> list[str]:
    found = rows.read("coverage")
    parts = []
    for modality in ("MR", "CT"):
        names = [n for n in verdict.methods(found) if n.startswith(modality.lower())]
        lines = []
        for name in names:
            for anatomy in ANATOMIES[modality]:
                for level in LEVELS[modality]:
                    here = [
                        r
                        for r in found
                        if (r["method"], r["anatomy"], r["noise"]) == (name, anatomy, level)
                    ]
                    if here:
                        lines.append([name, anatomy, f"{level:g}", *_covered(here)])
        head = ["model", "anatomy", "noise", "reference 50 / 80 / 90 / 95, added told"]
        head += ["noise-free, implied, all told", "joint", "voxels that tell", "std / own error"]
        parts.append(grid(head, lines) if lines else "")
    return parts


def _covered(here: list[Row]) -> list[str]:
    added, everything = ([row for row in here if row["told"] == told] for told in ("added", "all"))

    def four(part: list[Row], kind: str) -> str:
        values = (verdict.mean(r.get(f"{kind}_{p}") for r in part) for p in (50, 80, 90, 95))
        return " / ".join(number(None if v is None else 100 * v, "{:.0f}") for v in values)

    return [
        four(added, "reference"),
        four(everything, "implied"),
        four(everything, "joint"),
        number(verdict.mean(r.get("near") for r in everything), "{:.0%}"),
        number(verdict.mean(r.get("std_over_error") for r in everything), "{:.2f}"),
    ]


if __name__ == "__main__":
    write()
