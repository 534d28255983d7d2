"""Synthetic anatomy: reproducible, in range, without noise, consistent through the slices."""

import numpy as np
import pytest

from medrestore.errors import SettingsError
from medrestore.training.data import Stack
from medrestore.training.synthesis import synthetic_stacks
from medrestore.training.synthesis.dead_leaves import _drawn, dead_leaves, power_law_field
from medrestore.training.synthesis.label_maps import painted, random_labels, segmented

SHAPE = (16, 48, 56)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_stacks_are_reproducible_and_in_range(modality: str) -> None:
    stacks = synthetic_stacks(modality, 4, 3, shape=SHAPE)
    again = synthetic_stacks(modality, 4, 3, shape=SHAPE)
    assert len(stacks) == 4
    assert sum(s.weight for s in stacks) == pytest.approx(1)
    low, high = (-1000, 2500) if modality == "CT" else (0, 2.2)
    for one, other in zip(stacks, again, strict=True):
        assert one.array.shape == SHAPE
        assert one.array.dtype == np.float32
        assert np.array_equal(one.array, other.array)
        assert low <= one.array.min()
        assert one.array.max() <= high
        assert one.array.std() > (0.03 if modality == "MR" else 30)
    assert not np.array_equal(stacks[0].array, stacks[1].array)


def test_leaves_have_edges_and_plains_and_go_through_the_slices() -> None:
    array = dead_leaves(np.random.default_rng(4), (24, 96, 96), "MR")
    steps = np.abs(np.diff(array, axis=2))
    assert np.median(steps) < 0.1 * np.percentile(steps, 98)  # mostly flat, some edges

    def alike(gap: int) -> float:
        return float(np.corrcoef(array[gap:].ravel(), array[: len(array) - gap].ravel())[0, 1])

    assert 0.99 > alike(1) > alike(6) > alike(20)


def test_sizes_of_leaves_follow_the_power_law() -> None:
    """Density r⁻³ between 2 and 45: a share (R⁻² − 45⁻²)/(2⁻² − 45⁻²) is larger than R."""
    radius = _drawn(np.random.default_rng(0), np.array([400.0, 400, 400], np.float32)).radius
    assert len(radius) > 1500
    for limit in (3.0, 4.0, 8.0):
        share = (limit**-2 - 45.0**-2) / (2.0**-2 - 45.0**-2)
        assert (radius > limit).mean() == pytest.approx(share, abs=0.03)


def test_fields_have_the_power_asked_for() -> None:
    field = power_law_field(np.random.default_rng(1), (64, 64, 64), 3.0)
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-3)
    power = np.abs(np.fft.fftn(field)) ** 2
    f = np.sqrt(sum(a**2 for a in np.meshgrid(*[np.fft.fftfreq(64)] * 3, indexing="ij")))
    near, far = (power[(f > a) & (f < b)].mean() for a, b in ((0.05, 0.07), (0.2, 0.28)))
    assert np.log(near / far) / np.log(4) == pytest.approx(3.0, abs=0.25)


def test_a_scan_is_cut_into_its_tissues() -> None:
    y, x = np.mgrid[:48, :56]
    plane = np.where(np.hypot(y - 24, x - 28) < 20, 0.5, 0.0)
    plane[np.hypot(y - 24, x - 28) < 10] = 1.0
    scan = np.repeat(plane[None].astype(np.float32), 16, axis=0)
    labels = segmented(np.random.default_rng(0), scan, "MR")
    assert labels[8, 2, 2] == 0  # air
    assert labels[8, 24, 28] > labels[8, 24, 13] > 0  # brighter is higher
    assert (labels[:, 20:28, 24:32] == labels[8, 24, 28]).all()
    array = painted(np.random.default_rng(5), labels, "MR")
    assert array[8, 2, 2] == pytest.approx(0, abs=0.02)


def test_labels_without_a_scan_are_connected_regions() -> None:
    labels = random_labels(np.random.default_rng(2), (12, 48, 48))
    assert len(np.unique(labels)) >= 4
    assert (labels[:, 1:] == labels[:, :-1]).mean() > 0.85


def test_shapes_come_from_scans_and_shares_are_checked() -> None:
    scan = np.zeros((20, 64, 64), np.float32)
    scan[:, 8:56, 8:56] = np.linspace(0.5, 1, 48, dtype=np.float32)
    stacks = synthetic_stacks(
        "MR", 2, 0, shares={"label_map": 1.0}, scans=[Stack(scan, 1.0)], shape=(16, 60, 60)
    )
    assert all((s.array < 0.02).mean() > 0.1 for s in stacks)  # the air of the scan
    for shares in ({"leaves": 1.0}, {"dead_leaves": -1.0}, {}):
        with pytest.raises(SettingsError, match="shares"):
            synthetic_stacks("MR", 2, 0, shares=shares)
