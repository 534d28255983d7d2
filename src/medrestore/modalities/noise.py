"""Noise of a modality: how it is estimated, stated, said, judged and simulated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.noise_level import Estimator
    from medrestore.core.residual_score import ResidualModel

__all__ = ["NoiseLimits", "NoiseModel", "Simulation", "Simulator"]


@dataclass(frozen=True)
class NoiseLimits:
    """From where on the noise of a scan does not fit what was assumed (`engine.verdict`).

    Parameters
    ----------
    weaker, stronger : float
        Residual ratios below and above which the noise is weaker, or stronger, than assumed.
    left_surely, left_at_least : float, optional
        Share of the noise left in μ from which on it is stronger than assumed, and without which
        an estimate that says so is not believed.
    collapsed, correlated : float, optional
        Residual ratio and its correlation between neighbours once anatomy is taken for noise.
    """

    weaker: float
    stronger: float = float("inf")
    left_surely: float | None = None
    left_at_least: float | None = None
    collapsed: float = float("inf")
    correlated: float = 0.0


@dataclass(frozen=True)
class NoiseModel:
    """Noise of a modality: how it is estimated, stated, said and judged.

    Parameters
    ----------
    estimator : Estimator
        Noise of a scan or of a region.
    residual : ResidualModel
        What a restoration took away, in units of the noise.
    limits : NoiseLimits
        Of the verdict on a run.
    relative : bool
        True if a bare number is a fraction of the foreground, not a standard deviation.
    refused : mapping of str to str
        Units, in lower case, that noise of this modality is not stated in, and what is said then;
        ``{noise!r}`` and ``{value:g}`` in it are what was given.
    where : str
        Where in a scan σ is that of the noise, in words after its unit.
    uneven : bool
        True if noise differs over a scan: one number given is distributed as the estimate is.
    debiased : callable, optional
        Scan and σ to what the scan shows of the signal, of noise that is not additive.
    references : tuple of str
        Keys of the works on its physics (`citations.references`).
    scored_by : tuple of str
        Keys of the works on the scores of the residual.
    """

    estimator: Estimator
    residual: ResidualModel
    limits: NoiseLimits
    relative: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    uneven: bool = False
    debiased: Callable[[Tensor, Tensor], Tensor] | None = None
    references: tuple[str, ...] = ()
    scored_by: tuple[str, ...] = ()


class Simulator(Protocol):
    """Adds noise to an array (z, y, x) or (t, z, y, x) (`physics.simulate`)."""

    def __call__(
        self,
        array: NDArray[np.float32],
        pixel_mm: float,
        *,
        dose: float | None = None,
        noise: float | None = None,
        hu: float | None = None,
        own_noise_hu: float | None = None,
        seed: int = 0,
        scanner: Any = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | float]:
        """The noisier array and the standard deviation of what was added."""


@dataclass(frozen=True)
class Simulation:
    """Simulated noise of a modality.

    Parameters
    ----------
    noisier : Simulator
        Adds the noise; refuses arguments that are not its own.
    level : str
        The simulator's argument that a level of noise is given by.
    least_own : float, optional
        Noise of a scan, its unit, below which there is none to scale to a lower dose; None where
        no dose is simulated.
    """

    noisier: Simulator
    level: Literal["noise", "hu"]
    least_own: float | None = None
