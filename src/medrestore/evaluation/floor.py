"""How near a noisy reference lets any restoration come, and figures corrected for its noise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import NoiseLevelError
from medrestore.evaluation.metrics import rmse
from medrestore.evaluation.noisy_reference import clean_rmse, excess_rmse
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.plan import Noise, Plan
    from medrestore.evaluation.images import Images

__all__ = ["Floor", "floor_of"]

GIVEN = ("given", "map given")
"""How the source of a noise begins that was stated, not estimated."""


@dataclass(frozen=True)
class Floor:
    """A method against the reference's own noise, over the foreground, in the scan's unit.

    Parameters
    ----------
    method : str
        ``"noisy"``, or what restored it.
    own, added : float
        RMS of the reference's noise, estimated, and of the noise that was added, as stated.
    rmse : float
        Against the reference.
    floor : float
        RMSE that perfect knowledge of the anatomy would keep, √mean(σ_own²σ²/(σ_own² + σ²)).
    excess : float
        √(rmse² − floor²); 0 below the floor.
    clean : float
        RMSE against the noise-free anatomy, estimated (`noisy_reference.clean_rmse`).
    """

    method: str
    own: float
    added: float
    rmse: float
    floor: float
    excess: float
    clean: float

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def floor_of(images: Images, counted: NDArray[np.bool_]) -> tuple[tuple[Floor, ...], str]:
    """Every method against the floor, where a result says what noise was added.

    It holds for noise that was added to the reference itself, not for a scan of its own.

    Returns
    -------
    tuple of Floor
        Noisy first; empty where the noise is not known.
    str
        Why it is not known though a result states its noise; else empty.
    """
    plans = [result.plan for result in images.results.values()]
    told = [plan for plan in plans if plan.noise.source.startswith(GIVEN)]
    if not told:
        return (), ""
    added = _added(told[0], counted)
    try:
        found = modality_named(images.modality).estimate_noise(images.reference.array)
    except NoiseLevelError as error:
        return (), f"the reference's own noise is not known: {error}"
    own = np.full(added.shape, found.sigma) if found.map is None else found.map[counted]
    total = np.maximum(own**2 + added**2, np.finfo(float).tiny)
    floor = float(np.sqrt(np.mean((own * added) ** 2 / total)))
    rms_own, rms_added = (float(np.sqrt(np.mean(one**2))) for one in (own, added))
    if not rms_added:
        return (), "the noise that was added is stated as 0: there is no floor to it"
    reference, noisy = images.reference.array, images.noisy.array
    rows = []
    for method, image in images.compared().items():
        measured = rmse(image, reference, counted)
        clean = clean_rmse(image, reference, noisy, counted, rms_own, rms_added)
        rows.append(
            Floor(
                method,
                rms_own,
                rms_added,
                measured,
                floor,
                excess_rmse(measured, floor),
                clean,
            )
        )
    return tuple(rows), ""


def _added(plan: Plan, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """σ of the noise in the voxels that count, in the scan's unit."""
    noise: Noise = plan.noise
    if noise.map is None:
        return np.full(int(counted.sum()), noise.sigma, np.float64)
    return np.asarray(noise.map[list(plan.chosen)][counted], np.float64)
