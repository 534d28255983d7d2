"""Packed stacks: what was put in comes out, rounded as said, in the size allowed."""

from pathlib import Path

import numpy as np
import pytest

from medrestore.errors import InputError, SettingsError
from medrestore.training.data import Stack, stacks_of
from medrestore.training.pack import cropped, pack_stacks, unpack_stacks
from medrestore.training.targets import scan_noise_std


def scan(seed: int = 0, noise: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = np.full((80, 84, 88), -1000, np.float32)
    array[10:70, 10:70, 12:80] = 40 + noise * rng.standard_normal((60, 60, 68))
    array[30:40, 30:40, 30:40] = 1200
    return array


def test_stacks_come_back_with_their_views(tmp_path: Path) -> None:
    stacks = stacks_of(scan() + 1000, (1.0, 1.0, 1.0), "MR", weight=2.0, smallest=40)
    stacks[0] = Stack(stacks[0].array, stacks[0].scale, noise_std=3.5)
    path = tmp_path / "scan.npz"
    size = pack_stacks(stacks, path, 10_000_000)
    assert size == path.stat().st_size
    back = unpack_stacks(path)
    assert len(back) == len(stacks) == 6
    for one, other in zip(stacks, back, strict=True):
        assert (one.scale, one.pixel_mm, one.weight) == (other.scale, other.pixel_mm, other.weight)
        assert one.noise_std == other.noise_std
        assert other.array.dtype == np.float32
        assert np.abs(one.array - other.array).max() <= 0.0005 * one.scale + 1e-3
    assert back[1].array.base is back[0].array.base  # stored once


def test_rounding_grows_until_the_file_fits(tmp_path: Path) -> None:
    stack, path = Stack(scan(), 1000.0), tmp_path / "ct.npz"
    fine = pack_stacks([stack], path, 10_000_000)
    coarse = pack_stacks([stack], path, int(0.7 * fine))
    assert coarse < 0.7 * fine
    error = np.abs(unpack_stacks(path)[0].array - stack.array).max()
    assert 0.5 < error <= 8.0
    with pytest.raises(SettingsError, match="are allowed; crop"):
        pack_stacks([stack], path, 1000)


def test_crop_keeps_the_body_and_a_margin() -> None:
    body = cropped(scan(), -500, margin=4)
    assert body.shape == (68, 68, 76)
    assert (body > -500).sum() == (scan() > -500).sum()
    assert cropped(np.full((5, 80, 80), -1000, np.float32), -500).shape == (5, 80, 80)
    small = np.full((5, 100, 100), -1000, np.float32)
    small[:, 90:95, 2:4] = 0
    assert cropped(small, -500, margin=4).shape == (5, 64, 64)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="packed"):
        unpack_stacks(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="packed"):
        unpack_stacks(tmp_path / "other.npz")


def test_own_noise_is_that_of_the_stack_as_it_is() -> None:
    stacks = stacks_of(scan(1, 12.0), (5.0, 1.0, 1.0), "CT", smallest=40)
    full, binned = (scan_noise_std(stack, "CT") for stack in stacks)
    assert full == pytest.approx(12, rel=0.1)
    assert binned == pytest.approx(6, rel=0.15)
    assert scan_noise_std(Stack(np.full((5, 64, 64), -1000, np.float32), 1000.0), "CT") is None
