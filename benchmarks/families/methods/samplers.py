"""The usual samplers on the same refiner, at about 8 and about 50 evaluations of it."""

from __future__ import annotations

from benchmarks.families.method import Method
from medrestore.core.evaluations import steps_within

FAMILY = "same network, other samplers"
SAMPLERS = ("ddpm", "ddim", "heun", "predictor-corrector", "langevin")
BUDGETS = (8, 50)
MODELS = ("mr_slice", "ct_slice")

# The image is the predictor's whatever draws the samples: real noise would say nothing new of them.
METHODS = [
    Method(
        FAMILY,
        f"{sampler}, {steps} steps",
        model,
        {"sampler": sampler, "steps": steps},
        real=False,
        brief=(sampler, steps) == ("ddim", 50),
    )
    for model in MODELS
    for sampler in SAMPLERS
    for steps in (steps_within(sampler, budget) for budget in BUDGETS)
]
