"""Threads of one computation wait for each other asleep.

OpenMP's threads spin while they wait. Where another program wants the same cores, the thread that
is waited for does not run, because those that wait for it do: on two cores with a busy neighbour an
evaluation of the CT refiner took 10 s and 1.9 CPU seconds spinning, 0.2 s and 0.1 CPU seconds
asleep. Nothing here loads anything: OpenMP reads its environment when torch is loaded.
"""

from __future__ import annotations

import os

__all__ = ["WAIT_POLICY", "wait_asleep"]

WAIT_POLICY = "OMP_WAIT_POLICY"
"""Of the OpenMP specification (5.2, 21.2.7)."""


def wait_asleep() -> None:
    """Have OpenMP's threads sleep while they wait, unless the user has set how they wait.

    For programs of ours, which call it before torch is loaded; a library leaves the process of its
    caller as it is.
    """
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
