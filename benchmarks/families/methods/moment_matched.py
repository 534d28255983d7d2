"""The default: a predictor, and moment-matched samples of its residual."""

from __future__ import annotations

from benchmarks.families.method import Method

FAMILY = "moment-matched"
MODELS = ("mr_slice", "ct_slice")

METHODS = [
    method
    for model in MODELS
    for method in (
        Method(FAMILY, "predictor alone", model, {"samples": 0}, brief=True),
        Method(FAMILY, "2 steps", model, {"sampler": "moment-matched", "steps": 2}, brief=True),
        Method(FAMILY, "4 steps", model, {"sampler": "moment-matched", "steps": 4}),
    )
]
