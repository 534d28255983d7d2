"""Figures of the table for the cards of models that no other benchmark measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.families.verdict import reference_of
from benchmarks.headline import headline
from medrestore.models.bundle import write_card

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.families.method import Method
    from benchmarks.families.table import Row

__all__ = ["evaluation", "update"]

NOISE = {"MR 3 %": 0.03, "MR 9 %": 0.09}
"""Data sets whose truth is known, and the noise added."""


def update(rows: Sequence[Row], methods: Iterable[Method]) -> None:
    """Write what the table has into the cards of the methods that are their models' own."""
    for method in methods:
        if method.own and method.card is not None and (said := evaluation(rows, method)):
            write_card(method.card.folder, {**method.card.facts, "evaluation": said})


def evaluation(rows: Sequence[Row], method: Method) -> dict[str, Any]:
    """A card's ``evaluation``: the method and the default on the same pixels; empty if not run."""
    about = (method.family, method.label, method.model)
    found = {
        row["data"]: row
        for row in rows
        if (row["family"], row["method"], row["model"]) == about and "psnr" in row
    }
    pairs = [(found[data], reference_of(rows, found[data])) for data in NOISE if data in found]
    whole = [(row, other) for row, other in pairs if other is not None]
    if not whole:
        return {}
    own, others = zip(*whole, strict=True)
    lines = [_line(row, _method(row)) for row in own]
    lines += [_line(row, f"{row['model']} {_method(row)}") for row in others]
    first = own[0]
    return {
        "headline": headline(lines, method.modality, first["samples"]),
        "command": "python -m benchmarks.families.run --update-cards",
        "date": first["date"],
        "machine": first["machine"],
        "seed": first["seed"],
        "measure": "the mean of samples beside the default's image, on crops of 64 × 64",
        "rows": lines,
    }


def _method(row: Row) -> str:
    return f"{row['sampler']}:{row['steps']}"


def _line(row: Row, method: str) -> dict[str, Any]:
    return {
        "scan": f"mean of {row['people']}",
        "noise": NOISE[row["data"]],
        "method": method,
        "psnr_mean": row["psnr"],
        "std_ratio": row["std_ratio"],
        "cover90": row["cover90"],
    }
