"""The plain conditional network in MONAI's own loop, beside medrestore's samplers on it."""

from __future__ import annotations

from benchmarks.families.inferer import through_inferer
from benchmarks.families.method import Method

FAMILY = "plain diffusion, MONAI's loop"
MODEL = "mr_slice_ddpm"

METHODS = [
    Method(
        FAMILY,
        "DDIMScheduler, 50 steps",
        MODEL,
        run=through_inferer("DDIMScheduler", 50),
        brief=True,
    ),
    Method(
        FAMILY,
        "DDPMScheduler, 1000 steps",
        MODEL,
        run=through_inferer("DDPMScheduler", 1000),
        most=2,
        real=False,
        brief=True,
        note="one person only: a minute a slice",
    ),
]
