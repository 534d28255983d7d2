"""Split of a large scan over workers: each restores some slices, one joins and writes them.

What a slice becomes depends on its plan and its scan, not on who restores it (`Plan.for_slices`);
cut where the slabs of the plan end, networks even see the same batches as in a run that is not cut.
The scan is read, and its noise measured, by everybody: only the plan and the maps travel.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import disk_arrays
from medrestore.batch.cluster.worker import CancelCheck, final, restorer
from medrestore.batch.forecast import voxels_of
from medrestore.batch.task import Failed, Task, key_of
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client, Future

    from medrestore.batch.task import Outcome
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["LARGE", "cut", "join", "parts_of", "submit"]

LARGE = 2**30
"""Voxels times steps of samples that are worth a worker of their own: with the default settings
60 slices of 1024², or 240 of 512²; minutes of work, beside seconds for sending the scan."""


@dataclass(frozen=True, eq=False, repr=False)
class Planned:
    """A scan that was read: its key and its plan, without the noise maps that it may have.

    ``begun`` is in seconds since the epoch.
    """

    key: str
    plan: Plan
    has_map: bool
    begun: float

    def plan_for(self, volume: Volume) -> Plan:
        """The plan, with the noise maps measured anew."""
        from medrestore.engine.noise import resolve_levels

        if not self.has_map:
            return self.plan
        return self.plan.with_levels(resolve_levels(volume, self.plan.settings.noise))


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """The arrays of some slices, and their plan as it was run."""

    arrays: Arrays
    plan: Plan


def parts_of(scan: Scan, settings: Settings, workers: int) -> int:
    """Number of workers that a scan is worth; 1 for one that is not split."""
    passes = 1 + settings.samples * (settings.steps or 2)  # about: both may be the model's choice
    return max(1, min(workers, scan.shape[0], voxels_of(scan) * passes // LARGE))


def submit(
    client: Client, packed: bytes, parts: int, key: tuple[str, int], options: dict[str, Any]
) -> tuple[Future[Any], int]:
    """Send a scan (`Task.packed`) in parts.

    Returns
    -------
    future : Future
        Of its outcome.
    tasks : int
        Number of tasks that the scheduler has to hold for it.
    """
    scan = client.submit(plan_scan, packed, key=(*key, "opened"), **options)
    slabs = [
        client.submit(restore_part, packed, scan, part, parts, key=(*key, part), **options)
        for part in range(parts)
    ]
    return client.submit(join_parts, packed, scan, slabs, key=key, **options), parts + 2


def plan_scan(packed: bytes) -> Planned | Failed:
    """Read a scan and plan its run."""
    from medrestore.batch import work

    begun, task = time.time(), Task.unpacked(packed)
    key = task.key
    try:
        key = key or key_of(task.scan, task.root, task.requested)
        volume = work.opened(task)
        plan = restorer().plan(volume, task.settings)
        return Planned(key, plan.without_maps(), plan.noise_map is not None, begun)
    except Exception as error:
        return final(work.failure(error, key))


def restore_part(
    packed: bytes, scan: Planned | Failed, part: int, parts: int
) -> Part | Failed | None:
    """Restore one part of a scan; None where there are fewer slabs than parts."""
    from medrestore.batch import work

    if isinstance(scan, Failed):
        return scan
    slices = cut(scan.plan, part, parts)
    if not slices:
        return None
    try:
        volume = work.opened(Task.unpacked(packed))
        plan = scan.plan_for(volume).for_slices(slices)
        arrays, plan = restorer().arrays(plan, volume, CancelCheck())
    except Cancelled:
        raise
    except Exception as error:
        return final(work.failure(error, scan.key))
    if arrays.drawn < plan.settings.samples:
        raise Cancelled("stopped")
    return Part(arrays, plan.without_maps())


def join_parts(packed: bytes, scan: Planned | Failed, parts: list[Part | Failed | None]) -> Outcome:
    """Put the parts together and write the result."""
    from medrestore.batch import work

    if isinstance(scan, Failed):
        return scan
    task = Task.unpacked(packed)
    failed = next((part for part in parts if isinstance(part, Failed)), None)
    if failed is not None:
        return failed
    slabs = [part for part in parts if isinstance(part, Part)]
    begun = time.monotonic() - max(0.0, time.time() - scan.begun)
    try:
        volume = work.opened(task)
        plan = _plan_as_run(scan.plan_for(volume), [slab.plan for slab in slabs])
        arrays = join([slab.arrays for slab in slabs])
        result = restorer().result(plan, volume, arrays)
        return work.saved(task, scan.key, volume, result, begun)
    except Exception as error:
        return final(work.failure(error, scan.key))


def cut(plan: Plan, part: int, parts: int) -> tuple[int, ...]:
    """The slices of a part; parts end where slabs of the plan end and are about as large."""
    slabs = math.ceil(plan.shape[0] / plan.slab)
    first, last = (slabs * i // parts * plan.slab for i in (part, part + 1))
    return tuple(range(first, min(last, plan.shape[0])))


def join(parts: Sequence[Arrays]) -> Arrays:
    """The arrays of a whole run from those of its parts, in their order."""
    first = parts[0]

    def whole(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        if arrays[0] is None:
            return None
        if name == "ratio":
            return np.concatenate(arrays, -1)
        lead, plane = arrays[0].shape[:-3], arrays[0].shape[-2:]
        joined = disk_arrays.zeros((*lead, sum(one.shape[-3] for one in arrays), *plane))
        return np.concatenate(arrays, -3, out=joined)

    names = [field.name for field in fields(first) if field.name != "drawn"]
    return replace(first, **{name: whole(name) for name in names})


def _plan_as_run(plan: Plan, parts: Sequence[Plan]) -> Plan:
    """The whole plan with what its parts had to do for want of memory."""
    warnings = dict.fromkeys(warning for part in parts for warning in part.warnings)
    moved = next((part.device for part in parts if part.device != plan.device), plan.device)
    smallest = {name: min(getattr(part, name) for part in parts) for name in ("slab", "batch")}
    return replace(plan, device=moved, warnings=tuple(warnings), **smallest)
