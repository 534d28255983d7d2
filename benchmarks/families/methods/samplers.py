"""The usual samplers on the same refiner, at about 8 evaluations for a sample and at about 50.

`benchmarks.samplers` has more budgets of them, and schedules. The image is the predictor's whatever
draws the samples, so real noise would say nothing new.
"""

from __future__ import annotations

from benchmarks.families.method import Method
from medrestore.core.method import steps_within

FAMILY = "same network, other samplers"
BUDGETS = {
    "mr_slice": {
        "ddpm": (8, 50),
        "ddim": (8, 50),
        "heun": (8, 50),
        "predictor-corrector": (8,),
        "langevin": (8,),
    },
    "ct_slice": {"ddim": (8, 50)},
}

METHODS = [
    Method(
        FAMILY,
        f"{sampler}, {steps} steps",
        model,
        {"sampler": sampler, "steps": steps},
        real=False,
        brief=(sampler, steps) == ("ddim", 50),
    )
    for model, budgets in BUDGETS.items()
    for sampler, allowed in budgets.items()
    for steps in (steps_within(sampler, budget) for budget in allowed)
]
