"""The default method in 3-D: stacks of slices that are restored together."""

from __future__ import annotations

from benchmarks.families.method import Method

FAMILY = "3-D"
MODELS = ("mr_patch3d", "ct_patch3d")

METHODS = [
    method
    for model in MODELS
    for method in (
        Method(FAMILY, "predictor alone", model, {"samples": 0}),
        Method(FAMILY, "2 steps", model, {"sampler": "moment-matched", "steps": 2}, brief=True),
    )
]
