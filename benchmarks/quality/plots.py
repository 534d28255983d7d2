"""Plots of the figures; never pictures of scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.quality.cases import LEVELS, SCANS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.quality.acceptance import Figures

GREYS = ("#b8bcc2", "#9aa0a8", "#7d848e", "#616974", "#464e5a", "#2c343f", "#1b222b", "#101418")
OURS = ("#c8553d", "#2a6f97", "#6a994e", "#8e5a9b")


def mr_gain(path: Path, figures: Figures, peers: list[str], models: list[str]) -> None:
    """Mean PSNR gain over the noisy image, per method and level; BM4D tabled where not run here.

    Methods that lack a scan are left out: means over other scans do not compare.
    """

    def gain(method: str, level: float) -> float | None:
        found = figures.gain(level, method, "noisy")
        return None if found is None or found[1] < len(SCANS["MR"]) else found[0]

    _bars(
        path,
        [(f"{level:.0%}", level) for level in LEVELS["MR"]],
        [m for m in peers if m != "noisy"] + models,
        gain,
        "PSNR over the noisy image, dB\n(mean over scans)",
        len(models),
    )


def ct_rmse(path: Path, figures: Figures, peers: list[str], models: list[str]) -> None:
    """Soft-tissue RMSE over that of the noisy image, per scan and level that peers were run at."""

    def share(method: str, place: tuple[str, float]) -> float | None:
        value, noisy = (figures.get("rmse", *place, m) for m in (method, "noisy"))
        return None if value is None or noisy is None else value / noisy

    others = [m for m in peers if m != "noisy"]
    everywhere = [(scan, level) for scan in SCANS["CT"] for level in LEVELS["CT"]]
    compared = [p for p in everywhere if any(share(m, p) is not None for m in others)]
    places = [
        (f"{scan.split('_')[1][:8]}\n{level:.0f} HU", (scan, level))
        for scan, level in compared or everywhere
    ]
    methods = others + models
    _bars(
        path, places, methods, share, "soft-tissue RMSE,\nshare of the noisy image's", len(models)
    )


def _bars(
    path: Path,
    places: list[tuple[str, Any]],
    methods: list[str],
    value: Callable[[str, Any], float | None],
    label: str,
    ours: int,
) -> None:
    """Grouped bars: a group per place, a bar per method that has a value; ours in colour."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    width = 0.85 / max(len(methods), 1)
    colours = [*GREYS[: len(methods) - ours], *OURS[:ours]]
    for i, (method, colour) in enumerate(zip(methods, colours, strict=True)):
        bars = [(p, value(method, key)) for p, (_, key) in enumerate(places)]
        shown = [(p, v) for p, v in bars if v is not None]
        if shown:
            places_x = [p + (i - (len(methods) - 1) / 2) * width for p, _ in shown]
            axes.bar(places_x, [v for _, v in shown], width * 0.92, color=colour, label=method)
    axes.set_xticks(range(len(places)), [name for name, _ in places])
    axes.set_ylabel(label)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.patches:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=110, metadata={"Software": None})
