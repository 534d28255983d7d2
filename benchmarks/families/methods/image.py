"""Plain conditional diffusion of the image, as a tutorial builds it, with medrestore's samplers."""

from __future__ import annotations

from benchmarks.families.method import Method
from medrestore.core.method import steps_within

FAMILY = "plain diffusion"
SAMPLERS = ("ddpm", "ddim", "heun")
BUDGET = 50
FEWER = (("ddim", 10),)

METHODS = [
    Method(
        FAMILY,
        f"{sampler}, {steps} steps",
        "mr_slice_ddpm",
        {"sampler": sampler, "steps": steps},
        real=sampler == "ddim",
        brief=(sampler, steps) == ("ddim", BUDGET),
        own=(sampler, steps) == ("ddim", BUDGET),
    )
    for sampler, steps in (*FEWER, *((one, steps_within(one, BUDGET)) for one in SAMPLERS))
]
