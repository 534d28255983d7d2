"""The model card as a page for people: ``docs/README.md``, made from ``card.json`` alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medrestore.core.families import FAMILIES
from medrestore.core.method import ESTIMATED
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["curve_picture", "page"]


def page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    low, high = card["sigma_range"]
    parts = [
        f"# {card['name']}\n\n{card['summary']}.",
        "Generated from `configs/card.json`. For research use only, not for diagnosis.",
        "## What it is\n",
        _table(
            ("", ""),
            [
                ("modality, mode", f"{card['modality']}, {card['mode']}"),
                ("slices read", card["predictor"].get("slices", 1) + card.get("depth", 1) - 1),
                *FAMILIES[card.get("family", "residual")].described(card),
                *_distilled(card),
                ("noise removed", f"σ of {low:.1%} to {high:.1%} of the intensity scale"),
                ("weights, SHA-256", f"`{card['weights_sha256']}`"),
            ],
        ),
    ]
    if "training" in card:
        parts.append(_training(card["training"]))
    parts.append(_calibration(card))
    if "evaluation" in card:
        parts.append(_evaluation(card["evaluation"], card["modality"]))
    if card.get("limits"):
        parts.append("## Limits\n\n" + "\n".join(f"- {line}" for line in card["limits"]))
    return "\n\n".join(parts) + "\n"


def _distilled(card: dict[str, Any]) -> list[tuple[str, str]]:
    """Of a distilled model: how it samples, and whose refiner it learnt from."""
    if "samplers" not in card:
        return []
    teacher = card.get("training", {}).get("teacher", "another model")
    return [
        ("samplers", ", ".join(card["samplers"])),
        ("distilled from", f"the refiner of {teacher}, whose predictor it has"),
    ]


def curve_picture(card: dict[str, Any]) -> bytes | None:
    """Loss curves of the training stages as PNG; None where the card has none."""
    stages = card.get("training", {}).get("stages", {})
    if not stages:
        return None
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    row = figure.subplots(1, len(stages), squeeze=False)[0]
    for axes, (name, stage) in zip(row, stages.items(), strict=True):
        rows = [row for row in stage["curve"] if row[1] < 10]  # single rows of outliers
        axes.plot([row[0] for row in rows], [row[1] for row in rows], color="#33658a")
        axes.set(title=name, xlabel="step", ylabel="training loss")
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _training(training: dict[str, Any]) -> str:
    stages = [
        (name, stage["steps"], stage["minutes"], _last(stage["curve"]))
        for name, stage in training["stages"].items()
    ]
    notes = training.get("notes", [])
    return "\n\n".join(
        [
            f"## Training\n\n`{training['command']}`, seed {training['seed']}. "
            f"{len(training['people'])} people: {', '.join(training['people'])}."
            f"{_sessions(training['stages'])}",
            _table(("stage", "steps", "minutes", "last loss"), stages),
            "![loss curves](curve.png)",
            "Scans and licences: " + "; ".join(training["licences"]) + ".",
            *notes,
        ]
    )


def _sessions(stages: dict[str, Any]) -> str:
    """When and on what the stages were trained; empty where no session is known."""
    found = [one for stage in stages.values() for one in stage.get("sessions", ())]
    if not found:
        return ""
    first, last = min(one["begun"] for one in found), max(one["ended"] for one in found)
    machines = dict.fromkeys(
        f"{one['devices']} × {one['device']} in {one['precision']}" for one in found
    )
    when = first if first == last else f"{first} to {last}"
    return f" Trained {when} on {', '.join(machines)}."


def _last(curve: list[list[float]]) -> str:
    return f"{curve[-1][1]:.3f}" if curve else "–"


def _calibration(card: dict[str, Any]) -> str:
    intervals = card["intervals"]
    if not intervals["factors"]:
        return f"## Calibration\n\nNot calibrated: {ESTIMATED}."
    rows = [
        (method, f"{sigma:.1%}", *(f"{value:.2f}" for value in factors))
        for method, table in intervals["factors"].items()
        for sigma, factors in zip(intervals["relative_sigma"], table, strict=True)
    ]
    return (
        f"## Calibration\n\n{intervals.get('how', '')}, n = {intervals['people']} people "
        f"({intervals.get('who', 'the training people, with fresh noise')}). Half-width of the "
        "interval in std:\n\n"
        + _table(("method", "σ/scale", "50 %", "80 %", "90 %", "95 %"), rows)
        + "\n\n"
        + _regions(card)
    )


def _regions(card: dict[str, Any]) -> str:
    facts = card.get("region_factors")
    if not facts or not facts["voxels"]:
        return f"Region factor: {card.get('region_factor', 1.0)}."
    rows = [
        (method, *(f"{value:.2f}" for value in row)) for method, row in facts["factors"].items()
    ]
    return (
        f"Factors of region intervals at {facts['level']:.0%}, by number of voxels, measured on "
        f"{facts['people']} people, {facts['people_held_out']} of them unseen by the predictor:\n\n"
        + _table(("method", *(f"{n}" for n in facts["voxels"])), rows)
    )


def _evaluation(evaluation: dict[str, Any], modality: str) -> str:
    measured = (
        f"## Measured on held-out people: {evaluation['measure']}\n\n"
        f"`{evaluation['command']}`, {evaluation['date']}, {evaluation['machine']}, "
        f"seed {evaluation['seed']}.\n\n"
    )
    if all("method" in row for row in evaluation["rows"]):
        return measured + _sampling(evaluation["rows"], modality)
    return measured + _restoring(evaluation, modality)


def _sampling(rows: list[dict[str, Any]], modality: str) -> str:
    """Samples beside another model's."""
    sizes = sorted({int(key[6:]) for row in rows for key in row if key.startswith("ratio_")})
    header = ["scan", "noise", "samples by", "PSNR of their mean", "std ratio", "90 % covers"]
    header += [f"{n} voxels: ratio, covers" for n in sizes]
    cells = []
    for row in rows:
        one = [row["scan"], _noise(row, modality), row["method"], _figure(row, "psnr_mean", 2)]
        to_clean = f" ({row['clean_ratio']:.2f})" if "clean_ratio" in row else ""
        ratio = "sample_ratio" if "sample_ratio" in row else "std_ratio"
        one += [_figure(row, ratio, 2) + to_clean, _figure(row, "cover90", 3)]
        for n in sizes:
            one.append(f"{_figure(row, f'ratio_{n}', 2)}, {_figure(row, f'cover90_{n}', 3)}")
        cells.append(one)
    whose = "of the samples" if any("sample_ratio" in row for row in rows) else "stated"
    said = f"Ratio: standard deviation {whose} over the true error, of voxels"
    said += " and of means of so many" if sizes else ""
    if any("clean_ratio" in row for row in rows):
        said += "; in brackets, against the anatomy without the reference's own noise, estimated"
    return f"{said}.\n\n{_table(header, cells)}"


def _restoring(evaluation: dict[str, Any], modality: str) -> str:
    named = {key for row in evaluation["rows"] for key in row}
    peers = [key for key in ("noisy", "nlm", "bm4d") if key in named]
    kinds = [key for key in ("predictor", "samples") if f"{key}_std_ratio" in named]
    header = ["scan", "noise", *peers, "restored"]
    for kind in kinds:
        header += [f"std ratio, {kind}", f"90 % covers, {kind}"]
    rows = []
    for row in evaluation["rows"]:
        cells = [
            row["scan"],
            _noise(row, modality),
            *(_figure(row, key, 2) for key in peers),
            f"{row['predictor']:.2f}",
        ]
        for kind in kinds:
            cells += [_figure(row, f"{kind}_std_ratio", 2), _figure(row, f"{kind}_cover90", 3)]
        rows.append(cells)
    return _table(header, rows) + _beside_slices(evaluation, modality)


def _figure(row: dict[str, Any], key: str, digits: int) -> str:
    """A figure, or a dash where it was not measured."""
    return f"{row[key]:.{digits}f}" if key in row else "–"


def _beside_slices(evaluation: dict[str, Any], modality: str) -> str:
    """A 3-D model's figures beside the slice model's; nothing for a slice model."""
    pairs = [row for row in evaluation["rows"] if "slice_through_plane" in row]
    if not pairs:
        return ""
    names = ("through_plane", "cpu_s_per_mvoxel")
    rows = [
        (
            row["scan"],
            _noise(row, modality),
            f"{row['predictor']:.2f} / {row['slice_model']:.2f}",
            *(f"{row[name]:.2f} / {row[f'slice_{name}']:.2f}" for name in names),
        )
        for row in pairs
    ]
    header = ("scan", "noise", evaluation["measure"], "error through the plane", "CPU s/Mvoxel")
    return (
        "\n\n### Beside the slice model (3-D / slice)\n\n"
        "Error through the plane: RMS change of the error to the next slice over √2 times its RMS; "
        "1: neighbours have nothing in common, lower: they flicker less.\n\n" + _table(header, rows)
    )


def _noise(row: dict[str, Any], modality: str) -> str:
    kind = modality_named(modality)
    return f"{row['noise']:.0%}" if kind.noise.relative else f"{row['noise']:.0f} {kind.unit}"


def _table(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    lines = [list(header), *(list(row) for row in rows)]
    text = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(lines[0]), *text[1:]])
