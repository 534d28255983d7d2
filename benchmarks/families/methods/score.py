"""A score prior of clean images that meets the scan only when sampling: no pairs in training."""

from __future__ import annotations

from benchmarks.families.method import Method
from medrestore.core import samplers
from medrestore.core.method import steps_within

FAMILY = "score prior"
SAMPLERS = ("ddim", "ve-sde", "predictor-corrector")
BUDGET = 50

METHODS = [
    Method(
        FAMILY,
        f"{sampler}, {steps} steps",
        "mr_slice_score",
        {"sampler": sampler, "steps": steps},
        real=sampler == SAMPLERS[0],
        brief=sampler == SAMPLERS[0],
        own=sampler == SAMPLERS[0],
    )
    for sampler in SAMPLERS
    if sampler in samplers.SAMPLERS
    for steps in (steps_within(sampler, BUDGET),)
]
