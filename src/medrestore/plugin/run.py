"""What a run does, in whatever thread it is: layer → volume → plan → result. No Qt.

torch and MONAI are loaded here, on the first run, so that the dock widget opens at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.plugin.layers import to_volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.core.meter import Meter
    from medrestore.result import Result
    from medrestore.volume import Modality

__all__ = ["Request", "restore"]


@dataclass(frozen=True, eq=False)
class Request:
    """A run as it was asked for, taken from the viewer before the run begins.

    Parameters
    ----------
    data : array-like
        The layer's data, in display orientation.
    meta : mapping
        The layer's attributes as in a layer tuple.
    settings : mapping
        Arguments of `settings.Settings`.
    modality : "CT" or "MR", optional
        Overrides what the layer says.
    """

    data: Any
    meta: Mapping[str, Any]
    settings: Mapping[str, Any]
    modality: Modality | None = None


def restore(request: Request, meter: Meter) -> Result:
    """Run a request; the layer's voxels are copied first, later edits do not matter.

    Raises
    ------
    Cancelled
        If stopped before anything was worth keeping; later, the result holds fewer samples.
    MedrestoreError
        With one line that says what was wrong and what to do.
    """
    meter.start(0, "Loading the model")
    from medrestore import api
    from medrestore.plan import Settings

    settings = Settings(**request.settings)
    _leave_one_core()
    volume = to_volume(request.data, request.meta, request.modality)
    meter.start(0, "Measuring the noise")
    plan = api.make_plan(volume, settings)
    return api.run_plan(plan, volume, meter)


def _leave_one_core() -> None:
    """Cap torch's threads so that the viewer keeps a core to itself."""
    import torch

    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores - 1)))
