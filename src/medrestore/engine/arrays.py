"""Arrays that a run makes of a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.method import without_network
from medrestore.disk_arrays import release, zeros
from medrestore.errors import ResourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.plan import Plan
    from medrestore.settings.settings import Settings

__all__ = ["MAPS", "Arrays", "keeps_residuals"]

MAPS = ("restored", "std", "lower", "upper", "mu", "s")
"""Names of the maps."""


def keeps_residuals(settings: Settings) -> bool:
    """True if a run keeps its samples in bytes: what regions need, unless it keeps them in full."""
    drawn = settings.samples > 1 and not without_network(settings.sampler, settings.steps)
    return drawn and not settings.keep_samples


@dataclass(frozen=True, eq=False)
class Arrays:
    """Maps of a run; each (z, y, x) or (t, z, y, x), for the plan's slices.

    ``samples`` is (k, …) or None; ``ratio`` is the mean s²/σ² of each slice, (z,) or (t, z);
    ``drawn`` is the number of samples that the maps rest on, fewer than asked for after a cancel;
    ``mu`` and ``s`` are the predictor's own; ``residuals`` is (k, …), the samples in bytes
    (`core.residual_bytes`), None where they are kept in full or the disk has no room.
    """

    restored: NDArray[np.float32]
    std: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    samples: NDArray[np.float32] | None
    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    ratio: NDArray[np.float32]
    drawn: int
    residuals: NDArray[np.int8] | None = None

    @classmethod
    def blank(cls, plan: Plan) -> Arrays:
        """Zeros of (t, z, y, x) for a run of this plan; all its samples count as drawn."""
        settings = plan.settings
        grid = (plan.times, len(plan.chosen), *plan.shape[1:])
        names = ["std", "lower", "upper", "mu"]
        names += ["restored"] if settings.samples and settings.estimate != "mean" else []
        names += ["s"] if settings.samples else []
        maps = {name: zeros(grid) for name in names}
        maps.setdefault("restored", maps["mu"])
        maps.setdefault("s", maps["std"])
        kept = settings.samples if settings.keep_samples else 0
        samples = zeros((kept, *grid)) if kept else None
        residuals = _room((settings.samples, *grid)) if keeps_residuals(settings) else None
        return cls(
            **maps,
            samples=samples,
            ratio=zeros(grid[:2]),
            drawn=settings.samples,
            residuals=residuals,
        )

    def part(self, t: int, rows: slice) -> Arrays:
        """Views of some slices of one time point."""
        maps: dict[str, Any] = {name: getattr(self, name)[t, rows] for name in (*MAPS, "ratio")}
        samples: Any = None if self.samples is None else self.samples[:, t, rows]
        residuals: Any = None if self.residuals is None else self.residuals[:, t, rows]
        return Arrays(**maps, samples=samples, drawn=self.drawn, residuals=residuals)

    def finished(self, drawn: int, is_4d: bool) -> Arrays:
        """The arrays after so many samples, without the time axis if the scan has none."""
        maps: dict[str, Any] = {name: getattr(self, name) for name in (*MAPS, "ratio")}
        if not is_4d:
            maps = {name: array[0] for name, array in maps.items()}
        which = np.s_[:drawn] if is_4d else np.s_[:drawn, 0]
        samples: Any = None if self.samples is None or not drawn else self.samples[which]
        residuals: Any = None if self.residuals is None or not drawn else self.residuals[which]
        return Arrays(**maps, samples=samples, drawn=drawn, residuals=residuals)

    def unmask(self, i: int, bad: NDArray[np.bool_], original: NDArray[np.float32]) -> None:
        """Voxels of slice ``i`` that were no measurement come back as they were.

        Their std is NaN or 0.
        """
        if not bad.any():
            return
        zero = np.where(np.isnan(original), np.nan, 0).astype(np.float32)
        for name in MAPS:
            np.copyto(getattr(self, name)[i], zero if name in ("std", "s") else original, where=bad)
        if self.samples is not None:
            np.copyto(self.samples[:, i], original, where=bad)

    def release(self) -> None:
        """Give the system back the memory of arrays that lie in files."""
        release(*(getattr(self, name) for name in MAPS), self.samples, self.residuals)


def _room(shape: tuple[int, ...]) -> NDArray[np.int8] | None:
    """Zeros for the bytes of samples; None where the disk has no room: a run can do without."""
    try:
        return zeros(shape, np.int8)
    except ResourceError:
        return None
