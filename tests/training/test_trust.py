"""The worth of a prediction beside samples: infinite where they tell nothing, else finite."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from medrestore.core.families import FAMILIES
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import Spectrum
from medrestore.training.probe import Probe
from medrestore.training.trust import DOF, measure_trust, worth

WHITE = Spectra((math.pi / 2,), ((Spectrum.white(),),))
SHAPE = (2, 96, 96)


def probe(person: str, seed: int, told: bool, level: float = 0.03) -> Probe:
    """Errors that are larger in half of the slice; ``told``: the samples know where."""
    rng = np.random.default_rng(seed)
    truly = np.where(np.arange(96) < 48, 0.6, 1.3) * np.ones(SHAPE)
    spread = truly if told else np.ones(SHAPE)
    s = np.ones(SHAPE, np.float32)
    samples = (spread * rng.standard_normal((8, *SHAPE))).astype(np.float32)
    arrays = SimpleNamespace(mu=0 * s, s=s, samples=samples, ratio=np.full(2, 0.5))
    truth = (truly * rng.standard_normal(SHAPE)).astype(np.float32)
    inside, plan = np.ones(SHAPE, bool), SimpleNamespace(scale=1.0)
    return Probe(arrays, truth, inside, truth, np.full(SHAPE, level), (0, 1), plan, person)


@pytest.mark.parametrize("family", ["residual", "image"])
def test_samples_are_believed_where_they_are_right(family: str) -> None:
    probes = [probe(who, seed, told=True) for seed, who in enumerate("ab")]
    facts = measure_trust(probes, WHITE, FAMILIES[family], "two")
    assert facts["relative_sigma"] == [0.03] and facts["people"] == 2 and facts["who"] == "two"
    (dof,) = facts["dof"]
    if family == "residual":  # they know what s does not
        assert dof is not None and dof <= 50
    else:  # neighbours know as much as a voxel's own samples: they are pooled
        assert dof is None or dof >= 50


def test_one_person_whom_they_mislead_is_enough() -> None:
    """Nobody's map is made worse for the gain of others."""
    probes = [probe("a", 0, told=True), probe("b", 1, told=False)]
    assert measure_trust([probes[1]], WHITE, FAMILIES["residual"], "")["dof"] == [None]
    assert measure_trust(probes, WHITE, FAMILIES["residual"], "")["dof"] == [None]


def test_each_noise_level_has_its_own() -> None:
    probes = [probe("a", 0, told=True, level=0.01), probe("a", 1, told=False, level=0.09)]
    facts = measure_trust(probes, WHITE, FAMILIES["residual"], "")
    assert facts["relative_sigma"] == [0.01, 0.09]
    assert facts["dof"][0] is not None and facts["dof"][1] is None


def test_the_least_gain_counts() -> None:
    likelihoods = np.zeros((2, 3, len(DOF) + 1))
    likelihoods[..., 4] -= 0.1
    assert worth(likelihoods) == DOF[4]
    likelihoods[1, 2, 4] += 0.2
    assert math.isinf(worth(likelihoods))
