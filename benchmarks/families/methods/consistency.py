"""The refiner distilled to a consistency function: a sample in one or two evaluations."""

from __future__ import annotations

from benchmarks.families.method import Method

FAMILY = "consistency"
MODELS = ("mr_slice_consistency", "ct_slice_consistency")

METHODS = [
    Method(FAMILY, f"{steps} step{'s' * (steps > 1)}", model, {"steps": steps}, brief=steps == 1)
    for model in MODELS
    for steps in (1, 2)
]
