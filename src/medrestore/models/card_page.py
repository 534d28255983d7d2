"""The model card as a page for people: ``docs/README.md``, made from ``card.json`` alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medrestore.core.families import FAMILIES
from medrestore.core.method import ESTIMATED
from medrestore.modalities import modality_named
from medrestore.models.calibration import BEYOND
from medrestore.models.schema import CardFacts, IntervalFacts, RegionFacts, TrustFacts
from medrestore.report.page import render
from medrestore.report.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["curve_picture", "page"]

FEW_PEOPLE = 3
"""People from whom on the page does not warn that factors rest on so few."""

Row = dict[str, Any]


def page(card: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    facts = CardFacts.of(card, card["name"])
    stages = facts.training.stages
    rows = facts.evaluation["rows"] if facts.evaluation else []
    sampled = bool(facts.evaluation) and all("method" in row for row in rows)
    return render(
        "models/card.md",
        card=facts,
        facts=_facts(facts, FAMILIES[facts.family].described(card)),
        sessions=_sessions(stages),
        stages=_table(
            ("stage", "steps", "minutes", "last loss"),
            [(name, one["steps"], one["minutes"], _last(one)) for name, one in stages.items()],
        ),
        estimated=ESTIMATED,
        factors=_factors(facts.intervals),
        region_factors=_region_factors(facts.region_factors),
        not_calibrated=_not_calibrated(facts),
        explained=_sampling_explained(rows) if sampled else "",
        measured=(_sampling if sampled else _restoring)(rows, facts.modality),
        beside_slices=_beside_slices(facts),
    )


def curve_picture(card: dict[str, Any]) -> bytes | None:
    """Return the loss curves of the training stages as PNG; None where the card has none."""
    stages = CardFacts.of(card, card["name"]).training.stages
    if not stages:
        return None
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(stages), squeeze=False)[0]
    for axes, (name, stage) in zip(panels, stages.items(), strict=True):
        rows = [row for row in stage["curve"] if row[1] < 10]  # single rows of outliers
        axes.plot([row[0] for row in rows], [row[1] for row in rows], color="#33658a")
        axes.set(title=name, xlabel="step", ylabel="training loss")
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _facts(card: CardFacts, networks: list[tuple[str, str]]) -> Table:
    low, high = card.sigma_range
    facts = [
        ("modality, mode", f"{card.modality}, {card.mode}"),
        ("slices read", card.predictor.get("slices", 1) + card.depth - 1),
        *networks,
    ]
    if card.samplers is not None:  # distilled: how it samples, and whose refiner it learnt from
        teacher = card.training.teacher or "another model"
        facts += [
            ("samplers", ", ".join(card.samplers)),
            ("distilled from", f"the refiner of {teacher}, whose predictor it has"),
        ]
    if card.trust.dof:
        facts.append(("worth of s² beside samples", _trust(card.trust)))
    facts += [
        ("noise removed", f"σ of {low:.1%} to {high:.1%} of the intensity scale"),
        ("weights, SHA-256", f"`{card.weights_sha256}`"),
    ]
    return _table(("", ""), facts)


def _trust(trust: TrustFacts) -> str:
    """Return the degrees of freedom of a voxel's variance beside its samples, by noise."""
    worth = ["∞" if dof is None else f"{dof:g}" for dof in trust.dof]
    levels = [f"{sigma:.1%}" for sigma in trust.relative_sigma]
    found = worth if len(set(worth)) > 1 else worth[:1]
    return (
        f"{', '.join(found)} degrees of freedom at noise of {', '.join(levels)} of the scale; on "
        f"{trust.people} people"
    )


def _sessions(stages: dict[str, Any]) -> str:
    """Return when and on what the stages were trained; empty where no session is known."""
    found = [one for stage in stages.values() for one in stage.get("sessions", ())]
    if not found:
        return ""
    first, last = min(one["begun"] for one in found), max(one["ended"] for one in found)
    machines = dict.fromkeys(
        f"{one['devices']} × {one['device']} in {one['precision']}" for one in found
    )
    when = first if first == last else f"{first} to {last}"
    return f"{when} on {', '.join(machines)}"


def _last(stage: dict[str, Any]) -> str:
    return f"{stage['curve'][-1][1]:.3f}" if stage["curve"] else "–"


def _factors(intervals: IntervalFacts) -> Table:
    rows = [
        (method, f"{sigma:.1%}", *(f"{value:.2f}" for value in factors))
        for method, table in intervals.factors.items()
        for sigma, factors in zip(intervals.relative_sigma, table, strict=True)
    ]
    return _table(("method", "σ/scale", "50 %", "80 %", "90 %", "95 %"), rows)


def _region_factors(regions: RegionFacts) -> Table:
    rows = [
        (method, *(f"{value:.2f}" for value in row))
        for method, row in regions.factors.items()
        if regions.voxels
    ]
    if regions.dof:
        rows.append(("degrees of freedom", *(f"{dof:g}" for dof in regions.dof)))
    return _table(("method", *(f"{n}" for n in regions.voxels)), rows)


def _not_calibrated(card: CardFacts) -> list[str]:
    """Return what the factors of a card do not tell, a sentence each."""
    levels, (low, high) = card.intervals.relative_sigma, card.sigma_range
    if not levels:
        return []
    said = []
    if low < levels[0] or levels[-1] < high:
        at = f"{levels[0]:.1%}" if len(levels) == 1 else f"{levels[0]:.1%} to {levels[-1]:.1%}"
        said.append(
            f"Noise outside {at} of the scale, of the {low:.1%} to {high:.1%} that the model "
            "removes, has the factors of the nearest level."
        )
    if card.intervals.people < FEW_PEOPLE:
        said.append(
            f"The factors rest on {card.intervals.people} "
            f"{'person' if card.intervals.people == 1 else 'people'}: of another person they may "
            "be far off."
        )
    regions = card.region_factors
    if regions.voxels:
        most = BEYOND * regions.voxels[-1]
        said.append(
            f"Intervals of regions of more than {most:.0f} voxels, or from guided samples, were "
            "not measured."
        )
        if all(value == 1 for row in regions.factors.values() for value in row):
            said.append(
                "Where less than 1.00 was measured for regions, 1.00 stands: their intervals may "
                "be wider than need be."
            )
    return said


def _sampling(rows: list[Row], modality: str) -> Table:
    """Return samples beside another model's."""
    sizes = _sizes(rows)
    cells = []
    for row in rows:
        clean = f" ({row['clean_ratio']:.2f})" if "clean_ratio" in row else ""
        ratio = "sample_ratio" if "sample_ratio" in row else "std_ratio"
        line = [row["scan"], _noise(row, modality), row["method"], _metric(row, "psnr_mean", 2)]
        line += [_metric(row, ratio, 2) + clean, _metric(row, "cover90", 3)]
        line += [
            f"{_metric(row, f'ratio_{n}', 2)}, {_metric(row, f'cover90_{n}', 3)}" for n in sizes
        ]
        cells.append(line)
    titles = ["scan", "noise", "samples by", "PSNR of their mean", "std ratio", "90 % covers"]
    return _table([*titles, *(f"{n} voxels: ratio, covers" for n in sizes)], cells)


def _sampling_explained(rows: list[Row]) -> str:
    whose = "of the samples" if any("sample_ratio" in row for row in rows) else "stated"
    text = f"Ratio: standard deviation {whose} over the true error, of voxels"
    text += " and of means of so many" if _sizes(rows) else ""
    if any("clean_ratio" in row for row in rows):
        text += "; in brackets, against the anatomy without the reference's own noise, estimated"
    return text


def _sizes(rows: list[Row]) -> list[int]:
    """Return the numbers of voxels whose means were judged."""
    return sorted({int(key[6:]) for row in rows for key in row if key.startswith("ratio_")})


def _restoring(rows: list[Row], modality: str) -> Table:
    named = {key for row in rows for key in row}
    peers = [key for key in ("noisy", "nlm", "bm4d") if key in named]
    kinds = [key for key in ("predictor", "samples") if f"{key}_std_ratio" in named]
    columns = [(key, 2) for key in (*peers, "predictor")]
    titles = ["scan", "noise", *peers, "restored"]
    for kind in kinds:
        titles += [f"std ratio, {kind}", f"90 % covers, {kind}"]
        columns += [(f"{kind}_std_ratio", 2), (f"{kind}_cover90", 3)]
    cells = [
        (row["scan"], _noise(row, modality), *(_metric(row, *column) for column in columns))
        for row in rows
    ]
    return _table(titles, cells)


def _beside_slices(card: CardFacts) -> Table:
    """Return a 3-D model's metrics beside the slice model's; no rows for a slice model."""
    evaluation = card.evaluation or {"rows": [], "measure": ""}
    columns = {
        evaluation["measure"]: ("predictor", "slice_model"),
        "error through the plane": ("through_plane", "slice_through_plane"),
        "CPU s/Mvoxel": ("cpu_s_per_mvoxel", "slice_cpu_s_per_mvoxel"),
    }
    cells = [
        (
            row["scan"],
            _noise(row, card.modality),
            *(f"{row[ours]:.2f} / {row[slices]:.2f}" for ours, slices in columns.values()),
        )
        for row in evaluation["rows"]
        if "slice_through_plane" in row
    ]
    return _table(("scan", "noise", *columns), cells)


def _metric(row: Row, key: str, digits: int) -> str:
    """Return a metric, or a dash where it was not measured."""
    return f"{row[key]:.{digits}f}" if key in row else "–"


def _noise(row: Row, modality: str) -> str:
    kind = modality_named(modality)
    return f"{row['noise']:.0%}" if kind.noise.relative else f"{row['noise']:.0f} {kind.unit}"


def _table(titles: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    cells = [tuple(str(cell) for cell in row) for row in rows]
    return Table(tuple(titles), cells, 0)
