"""Samples that are led: towards what the network is told, or towards the scan that was measured."""

from __future__ import annotations

from benchmarks.families.method import Method

FAMILY = "guided"
PLAIN = {"sampler": "ddim", "steps": 50}

METHODS = [
    Method(
        FAMILY,
        "ddim, 50 steps, guidance 2",
        "mr_slice_ddpm",
        PLAIN | {"guidance": 2.0},
        real=False,
        brief=True,
    ),
    Method(
        FAMILY,
        "ddim, 50 steps, told nothing, measurement 1",
        "mr_slice_ddpm",
        PLAIN | {"guidance": 0.0, "measurement": 1.0},
        real=False,
    ),
    Method(
        FAMILY,
        "moment-matched, 4 steps, measurement 1",
        "mr_slice",
        {"sampler": "moment-matched", "steps": 4, "measurement": 1.0},
        real=False,
    ),
]
