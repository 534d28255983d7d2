"""Floor that a noisy reference sets to any restoration, and metrics corrected for its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from medrestore.errors import NoiseLevelError
from medrestore.evaluation.fidelity import rmse
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.plan import Noise, Plan
    from medrestore.evaluation.images import Images

__all__ = ["Floor", "clean_rmse", "excess_rmse", "floor_of", "rician_mean", "rmse_floor"]

GIVEN = ("given", "map given")
"""First words of the source of a noise that was stated, not estimated."""


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
        RMSE against the noise-free anatomy, estimated (`clean_rmse`).
    """

    method: str
    own: float
    added: float
    rmse: float
    floor: float
    excess: float
    clean: float


def floor_of(images: Images, counted: NDArray[np.bool_]) -> tuple[tuple[Floor, ...], str]:
    """Every method against the floor, where a result says what noise was added.

    It holds for noise that was added to the reference itself, not for a scan of its own.

    Returns
    -------
    tuple of Floor
        Noisy first; empty where the noise is not known.
    str
        Reason why it is not known though a result states its noise; else empty.
    """
    plans = [result.plan for result in images.results.values()]
    stated = [plan for plan in plans if plan.noise.source.startswith(GIVEN)]
    if not stated:
        return (), ""
    added = _added(stated[0], counted)
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


def rmse_floor(own: float, added: float) -> float:
    """RMSE that even a perfect denoiser keeps against a reference with noise of its own.

    σ_own·σ/√(σ_own² + σ²): the posterior std of a noisy reference given its noisier copy.
    """
    return own * added / float(np.hypot(own, added))


def excess_rmse(measured: float, floor: float) -> float:
    """Part of an RMSE above the floor, in quadrature; 0 below it.

    The distance to the best guess of the noisy reference, E[reference | x, y], which misses it by
    the floor and independently of all that depends on y alone.
    """
    return float(np.sqrt(max(measured**2 - floor**2, 0.0)))


def clean_rmse(
    image: NDArray[Any],
    reference: NDArray[Any],
    noisy: NDArray[Any],
    mask: NDArray[np.bool_],
    own: float,
    added: float,
) -> float:
    """RMSE against the noise-free x, which nobody has seen.

    With e = image − reference, MSE(image, x) = MSE(e) − σ_own² + 2 σ_own²/σ² · mean(e · n): n_own
    is, given the sum n_own + n, on average its share σ_own²/(σ_own² + σ²) of it, and the image
    depends on the noise through the sum only, so that the correlation with the noise that is known
    tells the correlation with the noise that is not. Exact for Gaussian noise, own and added of one
    spectrum; an estimate otherwise.

    Parameters
    ----------
    image, reference, noisy : ndarray
        Restored, reference and noisy image in one unit.
    mask : ndarray of bool
        Voxels that count.
    own, added : float
        σ_own of the reference and σ of the noise added to it.

    Returns
    -------
    float
        0 where the estimate of the square is negative.
    """
    error = image[mask].astype(np.float64) - reference[mask]
    drawn = noisy[mask].astype(np.float64) - reference[mask]
    shared = np.mean(error * (drawn - drawn.mean())) * (own / added) ** 2
    return float(np.sqrt(max(np.mean(error**2) - own**2 + 2 * shared, 0.0)))


def rician_mean(signal: NDArray[Any], sigma: float) -> NDArray[np.float64]:
    """Expected magnitude √(π/2) σ L½(−x²/2σ²) of a signal x with noise σ in either channel.

    A restored image has to be compared as this, where the reference is a magnitude with the same
    noise, or a mean of such (Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618).
    """
    if sigma <= 0:
        return np.abs(np.asarray(signal, dtype=np.float64))
    quarter = (np.asarray(signal, dtype=np.float64) / (2 * sigma)) ** 2
    half = (1 + 2 * quarter) * special.ive(0, quarter) + 2 * quarter * special.ive(1, quarter)
    return np.asarray(sigma * np.sqrt(np.pi / 2) * half)
