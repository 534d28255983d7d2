"""The floor of a noisy reference, on noise whose best removal is known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from made_cases import SHAPE, gaussian_errors, mr_reference, result, volume

import medrestore as mr
from medrestore.core.noise_level import NoiseEstimate
from medrestore.errors import NoiseLevelError
from medrestore.modalities.modality import Modality

OWN, ADDED = 30.0, 50.0
SHARE = OWN**2 / (OWN**2 + ADDED**2)
CLEAN = mr_reference().astype(float)
OWN_NOISE, NEW_NOISE = OWN * gaussian_errors(1), ADDED * gaussian_errors(2)
REFERENCE = CLEAN + OWN_NOISE
NOISY = REFERENCE + NEW_NOISE


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate of the reference's noise is right."""
    monkeypatch.setattr(Modality, "estimate_noise", lambda *_: NoiseEstimate(OWN, None, "known"))


def judged(image: np.ndarray, source: str = "given: 0.05", **noise: object) -> mr.Report:
    made = result(image.astype(np.float32), np.full(SHAPE, 20, np.float32), 1.6)
    told = replace(made.plan.noise, **{"sigma": ADDED, "source": source, **noise})
    made = replace(made, plan=replace(made.plan, noise=told))
    scans = (volume(one.astype(np.float32)) for one in (REFERENCE, NOISY))
    return mr.evaluate(*scans, made)


def test_the_best_guess_of_the_reference_lies_on_the_floor() -> None:
    """E[reference | x, y] = x + share·(y − x) misses it by σ_own σ/√(σ_own² + σ²)."""
    noisy, best = judged(CLEAN + SHARE * (NOISY - CLEAN)).floors
    floor = OWN * ADDED / np.hypot(OWN, ADDED)
    assert best.floor == noisy.floor == pytest.approx(floor)
    assert best.rmse == pytest.approx(floor, rel=0.01)
    assert best.excess < 0.15 * floor
    assert best.clean == pytest.approx(SHARE * np.hypot(OWN, ADDED), rel=0.05)
    assert (noisy.method, noisy.own, noisy.added) == ("noisy", OWN, ADDED)
    assert noisy.rmse == pytest.approx(ADDED, rel=1e-3)
    assert noisy.clean == pytest.approx(np.hypot(OWN, ADDED), rel=0.02)


def test_a_perfect_restoration_lies_above_the_floor_but_has_no_error() -> None:
    _, perfect = judged(CLEAN).floors
    assert perfect.rmse == pytest.approx(OWN, rel=1e-3)
    assert perfect.excess == pytest.approx(np.sqrt(OWN**2 - perfect.floor**2), rel=1e-3)
    assert perfect.clean < 0.2 * OWN


def test_a_map_is_averaged_voxel_by_voxel() -> None:
    sigma = np.where(np.arange(SHAPE[2]) < 25, 40.0, 60.0) * np.ones(SHAPE)
    found = judged(CLEAN, map=sigma.astype(np.float32)).floors[0]
    wanted = np.sqrt(np.mean((OWN * sigma) ** 2 / (OWN**2 + sigma**2)))
    assert found.floor == pytest.approx(wanted, rel=1e-6)
    assert found.added == pytest.approx(np.sqrt(np.mean(sigma**2)), rel=1e-6)


def test_noise_that_is_not_known_gives_no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(CLEAN, "estimated: somehow").floors == ()
    assert mr.evaluate(*(volume(a) for a in (CLEAN, NOISY, CLEAN + 1))).floors == ()
    assert "stated as 0" in judged(CLEAN, sigma=0.0).notes[-1]

    def fail(*_: object) -> None:
        raise NoiseLevelError("too few voxels")

    monkeypatch.setattr(Modality, "estimate_noise", fail)
    report = judged(CLEAN)
    assert report.floors == () and "too few voxels" in report.notes[-1]
