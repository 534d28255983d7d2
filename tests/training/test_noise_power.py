"""The noise power of a scan, and banks whose noise has it."""

import numpy as np
import pytest

from medrestore.training.ct_noise import Kernel, with_noise_bank
from medrestore.training.data import Stack
from medrestore.training.noise_power import (
    BANDS,
    BLOCK,
    band_power,
    block_power,
    calm_blocks,
    cut,
    direction,
    expected_power,
    kernel_of_power,
    measured_texture,
)

VIEWS = 120
WATER = 40.0


def body(slices: int = 8) -> Stack:
    """A water body that is wider than deep."""
    y, x = np.mgrid[-72:72, -72:72].astype(np.float32)
    plane = np.where((y / 50) ** 2 + (x / 68) ** 2 < 1, WATER, -1000.0).astype(np.float32)
    return Stack(np.repeat(plane[None], slices, axis=0), 1000.0, 2.5)


def noisy(kernel: Kernel, modulation: float = 0.0, seed: int = 0) -> Stack:
    """The body with 20 HU through a kernel."""
    bank = with_noise_bank(body(), (kernel,), seed, VIEWS, modulation=modulation)
    assert bank.noise is not None and bank.gain is not None
    array = bank.array + 20 * (bank.noise[0, 0] * bank.gain[0]).astype(np.float32)
    return Stack(array, 1000.0, 2.5)


def shares(stack: Stack) -> np.ndarray:
    return band_power(block_power(cut(stack.array, calm_blocks(stack.array))))


def test_white_noise_has_its_variance_in_every_band() -> None:
    blocks = 3 * np.random.default_rng(0).standard_normal((4000, BLOCK, BLOCK)) + 100
    power = block_power(blocks)
    assert power[:, 6:-6, 6:-6].mean() == pytest.approx(9, rel=0.02)
    assert band_power(power) == pytest.approx(np.full(len(BANDS) - 1, 1 / 8), rel=0.03)


@pytest.mark.parametrize("kernel", [Kernel(0.9), Kernel(1.3, 3.0), Kernel(1.9)])
def test_the_measured_kernel_gives_the_same_power_by_band(kernel: Kernel) -> None:
    """Within 10 % where there is noise, up to the corners of the frequency plane."""
    scan = noisy(kernel)
    texture = measured_texture(scan)
    assert texture is not None
    found, wanted = shares(noisy(texture.kernel, texture.modulation, seed=1)), shares(scan)
    counted = wanted > 0.05 * wanted.max()
    assert found[counted] == pytest.approx(wanted[counted], rel=0.1)
    assert counted.sum() >= 3


def test_sharp_kernels_alias_as_a_fine_detector_lets_them() -> None:
    corner = {rays: shares(noisy(Kernel(2.0, 1.0, rays=rays)))[-1] for rays in (1, 2)}
    assert corner[1] < 0.01 < 0.03 < corner[2]


@pytest.mark.parametrize("modulation", [-0.4, 0.0, 0.4])
def test_modulation_is_measured_and_turns_the_noise(modulation: float) -> None:
    scan = noisy(Kernel(1.2), modulation)
    texture = measured_texture(scan)
    assert texture is not None
    assert texture.modulation == pytest.approx(modulation, abs=0.1)
    again = noisy(texture.kernel, texture.modulation, seed=1)
    corners = calm_blocks(scan.array)
    ratio = [direction(block_power(cut(s.array, corners))) for s in (scan, again)]
    assert ratio[0] == pytest.approx(ratio[1], rel=0.1)


def test_a_kernel_is_found_from_its_own_power() -> None:
    design = expected_power(np.ones(60))
    power = design @ np.linspace(1, 0.01, design.shape[1])
    again = design @ np.square(kernel_of_power(power, design).response[2:-1])
    assert again / again.sum() == pytest.approx(power / power.sum(), rel=0.01)


def test_a_scan_without_calm_tissue_tells_nothing() -> None:
    stack = body()
    assert measured_texture(Stack(np.full_like(stack.array, -1000), 1000.0, 2.5)) is None
    y, x = np.mgrid[:144, :144]
    anatomy = stack.array + 40 * np.sin(y / 4) * np.sin(x / 4)
    assert measured_texture(Stack(anatomy.astype(np.float32), 1000.0, 2.5)) is None
