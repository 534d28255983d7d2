"""The page of the speed benchmark, from its table."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_page"]

T1_VOXELS = 160 * 256 * 230
HEAD = """\
# Speed and memory

Written by `python -m benchmarks.speed.run`; the figures are those of `speed.csv`. On a CPU the
seconds are CPU seconds of {threads} thread(s), on a GPU wall seconds: the machine was used by other
programs at the same time, which lengthens CPU seconds too (shared caches and hyper-threads). Each
is the fastest of the repeats asked for (here one).
Forecasts rest on the fastest of two small runs timed in the same
process, by the same clock; memory is what a run takes beyond what the process held when it was
planned. Peers are timed on a slab and scaled per voxel.

Machine: {machines}. Date: {dates}.

"""


def write_page(table: Path) -> None:
    """Write README.md and plots beside the table."""
    rows = list(csv.DictReader(table.open()))
    ours = [r for r in rows if r["samples"] != ""]
    peers = [r for r in rows if r["samples"] == ""]
    _bars(rows, table.with_name("seconds.png"))
    _ratios(ours, table.with_name("forecast.png"))
    text = HEAD.format(
        threads=", ".join(sorted({r["threads"] for r in rows if r["threads"]})),
        machines="; ".join(sorted({r["machine"] for r in rows})),
        dates=", ".join(sorted({r["date"] for r in rows})),
    )
    text += "| model | voxels (z, y, x) | samples × steps | evaluations | on | s | s per Mvoxel |"
    text += " forecast / measured time | memory, MB | forecast / measured memory | TFLOP/s |"
    text += " of bf16 rate |\n" + "|---" * 12 + "|\n"
    for r in ours:
        work = f"{r['samples']} × {r['steps']}" if r["samples"] != "0" else "0"
        on = f"{r['device']}, {r['precision']}" + (f", {r['threads']} thr." * bool(r["threads"]))
        share = f"{100 * float(r['share_of_bf16']):.1f} %" if r["share_of_bf16"] else ""
        cells = [r["method"], f"{r['z']} × {r['y']} × {r['x']}", work, r["evaluations"], on, r["s"]]
        cells += [r["s_per_mvoxel"], r["forecast_ratio"], r["peak_mb"], r["memory_ratio"]]
        text += f"| {' | '.join([*cells, r['tflops'], share])} |\n"
    if peers:
        text += (
            "\n| peer | slab | s | s per Mvoxel | s for 160 × 256 × 230 |\n|---|---|---|---|---|\n"
        )
    for r in peers:
        whole = float(r["s_per_mvoxel"]) * T1_VOXELS / 1e6
        text += f"| {r['method']} | {r['z']} × {r['y']} × {r['x']} | {r['s']} "
        text += f"| {r['s_per_mvoxel']} | {whole:.0f} |\n"
    text += _acceptance(ours, peers)
    text += "\n![seconds per megavoxel](seconds.png)\n\n![forecasts](forecast.png)\n"
    notes = table.with_name("notes.md")
    text += "\n" + notes.read_text() if notes.exists() else ""
    table.with_name("README.md").write_text(text)


def _acceptance(ours: list[dict[str, str]], peers: list[dict[str, str]]) -> str:
    """The row that was promised: a T1 of 160 × 256 × 230, image and map, against BM4D."""
    found = [r for r in ours if r["case"] == "mr-t1" and r["device"] == "cpu"]
    bm4d = [r for r in peers if r["case"] == "bm4d"]
    if not found:
        return ""
    seconds, threads = float(found[-1]["s"]), int(found[-1]["threads"])
    text = f"\nT1 of 160 × 256 × 230, image and map (`samples=0`): {seconds:.0f} CPU seconds on "
    text += f"{threads} thread(s); asked for: at most 60 s on two cores."
    if bm4d:
        ratio = float(bm4d[-1]["s_per_mvoxel"]) * T1_VOXELS / 1e6 / seconds
        text += f" BM4D of the same run takes {ratio:.0f} times as long per voxel (asked for: 8)."
    return text + "\n"


def _bars(rows: list[dict[str, str]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(rows) + 1), constrained_layout=True)
    names = [f"{r['case']}, {r['device']} {r['precision']}".strip() for r in rows]
    colours = ["tab:blue" if r["samples"] != "" else "tab:grey" for r in rows]
    axes.barh(names, [float(r["s_per_mvoxel"]) for r in rows], color=colours)
    axes.set(xscale="log", xlabel="seconds per megavoxel")
    axes.invert_yaxis()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _ratios(rows: list[dict[str, str]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(rows) + 1), constrained_layout=True)
    names = [f"{r['case']}, {r['device']} {r['precision']}" for r in rows]
    axes.axvspan(0.75, 1.25, color="0.9")
    for key, label, marker in (
        ("forecast_ratio", "time", "o"),
        ("memory_ratio", "memory", "s"),
    ):
        known = [(float(r[key]), n) for r, n in zip(rows, names, strict=True) if r[key]]
        if known:
            axes.plot(*zip(*known, strict=True), marker, label=label)
    axes.set(xlabel="forecast / measured", xlim=(0, 2))
    axes.invert_yaxis()
    axes.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
