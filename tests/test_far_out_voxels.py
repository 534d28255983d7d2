"""Spikes and metal: what networks see is bounded, and what is beyond comes back as it was."""

from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.core.intensity import KNOWN
from scans import ct_array, mr_array
from tiny import write_tiny_prior, write_tiny_stack_model

SHAPE = (9, 48, 56)
SPIKE = np.s_[4, 20:22, 20:22]
NOISE = {"MR": 0.05, "CT": 20.0}


def scan(modality: str, spike: float | None = None) -> mr.Volume:
    array = (mr_array(SHAPE) if modality == "MR" else ct_array(SHAPE)).astype(np.float32)
    if spike is not None:
        array[SPIKE] = spike
    return mr.Volume(array, mr.Geometry(SHAPE, np.diag([3.0, 1, 1, 1])), modality)


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A slice model, a stack model and a prior whose image is the mean of its samples."""
    prior = {"mean": 0.5, "std": 0.2, "slices": 3}
    intervals = {"relative_sigma": [0.01, 0.1], "people": 1, "factors": {}}
    return {
        "slice": "auto",
        "stack": str(write_tiny_stack_model(tmp_path) / "mr_tiny3d"),
        "prior": str(write_tiny_prior(tmp_path, "p", prior, "image", intervals=intervals) / "p"),
    }


@pytest.mark.parametrize(
    ("modality", "kind"), [("MR", "slice"), ("CT", "slice"), ("MR", "stack"), ("MR", "prior")]
)
def test_how_far_a_spike_goes_out_changes_nothing_around_it(
    modality: str, kind: str, models: dict[str, str]
) -> None:
    asked = {"model": models[kind], "noise": NOISE[modality], "samples": 2, "keep_samples": True}
    asked |= {"steps": 2} if kind == "prior" else {}
    spikes = (3e4, 1e6)
    near, far = (mr.denoise(scan(modality, spike), **asked) for spike in spikes)
    around = np.ones(SHAPE, bool)
    around[SPIKE] = False
    scale = near.plan.scale
    assert spikes[0] > KNOWN[1] * scale and near.plan.scale == far.plan.scale
    for result, spike in ((near, spikes[0]), (far, spikes[1])):
        assert (result.restored.array[SPIKE] == spike).all()
        sigma = result.plan.noise.sigma if result.plan.noise.map is None else None
        kept = result.plan.noise.map[SPIKE] if sigma is None else np.float32(sigma)
        np.testing.assert_allclose(result.std.array[SPIKE], kept, rtol=1e-6)
        assert (result.lower.array[SPIKE] <= spike).all()
        assert (result.upper.array[SPIKE] >= spike).all()
        assert not result.removed.array[SPIKE].any() or kind == "prior"
    for name in ("restored", "std", "lower", "upper"):
        one, other = getattr(near, name).array, getattr(far, name).array
        np.testing.assert_array_equal(one[around], other[around])
    np.testing.assert_array_equal(near.samples[:, around], far.samples[:, around])


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_the_shipped_models_restore_what_is_far_from_a_spike_as_without_it(
    modality: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDRESTORE_MODELS", raising=False)
    shape = (8, 112, 120)
    array = mr_array(shape, 0.04) if modality == "MR" else ct_array(shape)
    spiked = array.astype(np.float32)
    spiked[2, 40:42, 20:22] = 30_000 if modality == "CT" else 100 * array.max()
    geometry = mr.Geometry(shape, np.diag([3.0, 1, 1, 1]))
    plain, found = (
        mr.denoise(mr.Volume(one, geometry, modality), samples=0) for one in (array, spiked)
    )
    sigma = plain.plan.noise.sigma
    assert found.plan.noise.sigma == pytest.approx(sigma, rel=0.02)
    assert found.plan.scale == pytest.approx(plain.plan.scale, rel=0.01)
    apart = np.abs(found.restored.array - plain.restored.array) / sigma
    assert apart[..., 62:].max() < 0.1  # 40 voxels away and more
    assert np.sqrt(np.mean(apart[..., 42:] ** 2)) < 0.02
    assert (found.restored.array[2, 40:42, 20:22] == spiked[2, 40:42, 20:22]).all()
