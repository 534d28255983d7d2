"""Worth of what is known of a voxel's variance beside its samples' spread, measured on people.

For each noise level the degrees of freedom ν₀ at which the person who gains least from samples
gains most (`core.fusion`); infinite where samples make the map of anybody worse at any ν₀.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.fusion import WIDTH_PX
from medrestore.core.posterior import Knowledge, Maps
from medrestore.core.spectrum import independent_voxels
from medrestore.evaluation.intervals import FIRST_EDGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from medrestore.core.families import Family
    from medrestore.core.spectra import Spectra
    from medrestore.training.probe import Probe

__all__ = ["DOF", "measure_trust", "worth"]

COUNTS = (2, 4, 8)
"""Numbers of samples whose maps are compared."""

DOF = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Degrees of freedom tried beside an infinite number."""

FARTHEST = 60.0
"""Largest squared error over variance that counts: metal is no statistics."""

LEAST = 1e-3
"""Gain, nats a voxel, that is more than chance: below it samples are taken to tell nothing."""


def measure_trust(
    probes: Iterable[Probe], spectra: Spectra, family: Family, who: str
) -> dict[str, Any]:
    """The card's ``trust``, by octaves of noise as intervals are calibrated.

    Parameters
    ----------
    probes : iterable of Probe
        Scans of several people at several noise levels, restored with samples that were kept.
    spectra : Spectra
        Of the residual.
    family : Family
        Of the model.
    who : str
        Description of the people, for the card.
    """
    octaves: dict[int, list[tuple[str, float, NDArray[np.float64]]]] = {}
    for probe in probes:
        sigma = float(np.median(probe.sigma)) / probe.plan.scale
        seen = (probe.person, sigma, _likelihoods(probe, spectra, family))
        octaves.setdefault(math.floor(math.log2(sigma / FIRST_EDGE)), []).append(seen)
    levels, dofs = [], []
    for _, found in sorted(octaves.items()):
        levels.append(round(float(np.exp(np.mean([np.log(sigma) for _, sigma, _ in found]))), 5))
        people = dict.fromkeys(person for person, _, _ in found)
        means = [np.mean([row for who, _, row in found if who == one], axis=0) for one in people]
        dofs.append(worth(np.array(means)))
    return {
        "relative_sigma": levels,
        "dof": [None if math.isinf(dof) else dof for dof in dofs],
        "people": max(len({person for person, _, _ in found}) for found in octaves.values()),
        "who": who,
    }


def worth(likelihoods: NDArray[Any]) -> float:
    """ν₀ from likelihoods (people, counts, `DOF` and infinity), nats a voxel, lower is better."""
    gains = likelihoods[..., :-1] - likelihoods[..., -1:]
    worst = gains.max(axis=(0, 1))
    best = int(np.argmin(worst))
    return DOF[best] if worst[best] < -LEAST else math.inf


def _likelihoods(probe: Probe, spectra: Spectra, family: Family) -> NDArray[np.float64]:
    """Negative log-likelihood by number of samples and ν₀, scaled to the mean error."""
    samples = probe.arrays.samples
    assert samples is not None
    counts = [count for count in COUNTS if count <= len(samples)]
    rows = []
    for count in counts:
        maps = _maps(probe, spectra, family, samples[:count])
        rows.append([_likelihood(probe, *one) for one in maps])
    return np.array(rows)


def _maps(
    probe: Probe, spectra: Spectra, family: Family, samples: NDArray[np.float32]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Image and std of each ν₀ after these samples."""
    arrays, shape = probe.arrays, probe.truth.shape
    mu, s = arrays.mu, np.maximum(arrays.s, 1e-20)
    if not family.predicts:  # the image itself was sampled, and nothing else says how it errs
        mu, s = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    made = family.statistics(np.zeros((family.statistics.PLANES, *shape), np.float32))
    for k, one in enumerate(samples):
        r = ((one - mu) / s).astype(np.float32)
        made.add(k, r, r)
    for dof in (*DOF, math.inf):
        found = [
            made.maps(i, len(samples), Maps(mu[i], s[i], s[i]), _known(probe, spectra, i, dof))
            for i in range(len(mu))
        ]
        yield np.stack([one.mu for one in found]), np.stack([one.std for one in found])


def _known(probe: Probe, spectra: Spectra, i: int, dof: float) -> Knowledge:
    spectrum = spectra.at(math.pi / 2, float(probe.arrays.ratio[i]))
    voxels = independent_voxels(spectrum, WIDTH_PX)
    return Knowledge(probe.inside[i], dof, voxels, lambda plane: plane)


def _likelihood(probe: Probe, mu: NDArray[Any], std: NDArray[Any]) -> float:
    error, std = (probe.truth - mu)[probe.inside], probe.expected(std)[probe.inside]
    z = np.minimum((error / np.maximum(std, 1e-20)) ** 2, FARTHEST)
    return float(np.log(np.maximum(std, 1e-20)).mean() + 0.5 * np.log(z.mean()))
