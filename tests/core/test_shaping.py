"""Samples that a network makes, given the right spectrum by the card's gains."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from medrestore.core.guidance import shaped
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers.chain import sample
from medrestore.core.samplers.consistency import consistency
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import AREAS, RADIUS, Kernel, Spectrum, kernel_of, measure
from medrestore.core.white_noise import START

TRUE = np.array([3.0, 2.5, 2.0, 1.6, 1.2, 0.9, 0.7, 0.5])
SIZE = 192


def family(made: np.ndarray, steps: int) -> Spectra:
    """Of a residual with the true power, by a network whose samples have the power ``made``."""
    variance = float(AREAS @ TRUE)
    row = (Spectrum(variance, tuple(TRUE / variance)),)
    gains = {f"consistency:{steps}": (tuple(TRUE / made),)}
    last = math.pi / 2 / steps
    return Spectra((math.pi / 2,), (row,), (), gains).of(f"consistency:{steps}", last)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("made", [0.4, 1.0, 5.0])
def test_samples_have_the_true_power_in_every_band(made: float, steps: int) -> None:
    """Too much is filtered, too little is added: the network here says white noise."""
    spectra, batch = family(np.full(8, made), steps), 12
    field = NoiseField(3, [(k, 0) for k in range(batch)], (SIZE, SIZE))

    def network(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        white = NoiseField(4, field.pairs, field.shape).white(round(100 * t), START)
        return math.sqrt(made) * white

    last = math.pi / 2 / steps
    drawn = sample(
        consistency,
        shaped(network, spectra.shape([1.0]), last),
        torch.zeros(batch, 1, SIZE, SIZE),
        field,
        lambda t: spectra.kernels(t, [1.0]),
        steps,
    )
    found = measure(drawn.r[:, 0])
    power = found.variance * np.asarray(found.density)
    assert found.variance == pytest.approx(float(AREAS @ TRUE), rel=0.03)
    assert power[2:] == pytest.approx(TRUE[2:], rel=0.12)
    assert power[:2] == pytest.approx(TRUE[:2], rel=0.5)  # few frequencies
    left = float(spectra.remaining(last, [1.0])[0])
    kept = drawn.r_hat.square().mean().item()
    assert kept + left == pytest.approx(float(AREAS @ TRUE), rel=0.03)
    assert (left < 1e-5) == bool((TRUE <= made).all())


def test_without_gains_samples_are_left_alone() -> None:
    white = Spectra((math.pi / 2,), ((Spectrum.white(),),)).of("consistency:2", math.pi / 4)
    assert white.remaining(math.pi / 4, [1.0])[0] == 0
    field = torch.randn(1, 1, 20, 90, generator=torch.Generator().manual_seed(0))
    same = shaped(lambda z, t, c: z, white.shape([1.0]), 1.0)(field, 0.5, field)
    torch.testing.assert_close(same, field, atol=1e-5, rtol=0)


def test_only_the_last_word_is_filtered_and_borders_are_mirrored() -> None:
    kernel = kernel_of(Spectrum(0.3, tuple(TRUE / float(AREAS @ TRUE))))
    plain = torch.full((2, 1, 17, 90), 2.0)  # smaller than the kernel
    denoise = shaped(lambda z, t, c: z, kernel, 0.7)
    assert denoise(plain, 0.8, plain) is plain
    gain = float(kernel.plane.sum())
    torch.testing.assert_close(denoise(plain, 0.7, plain), gain * plain, atol=1e-4, rtol=0)
    point = torch.zeros(1, 1, 90, 90)
    point[0, 0, 40, 41] = 1
    spread = denoise(point, 0.1, point)[0, 0]
    torch.testing.assert_close(
        spread[40 - RADIUS : 41 + RADIUS, 41 - RADIUS : 42 + RADIUS],
        torch.from_numpy(kernel.plane[0]),
        atol=1e-6,
        rtol=0,
    )


def test_noise_can_be_correlated_along_z_and_stays_that_of_its_slice() -> None:
    taps = Kernel.stack([kernel_of(Spectrum(1.0, (1.0,) * 8, (0.4, 0.1)))]).along_z
    pairs = [(0, z) for z in range(6)]
    field = NoiseField(0, pairs, (200, 200), along_z=taps)
    white = field.white(0, START)[:, 0]
    assert white.square().mean().item() == pytest.approx(1, abs=0.02)
    for lag, wanted in ((1, 0.4), (2, 0.1), (3, 0.0)):
        assert (white[lag:] * white[:-lag]).mean().item() == pytest.approx(wanted, abs=0.02)
    alone = NoiseField(0, [(0, 4)], (200, 200), along_z=taps).white(0, START)
    assert torch.equal(alone[0, 0], white[4])
    assert (white[0, :, 1:] * white[0, :, :-1]).mean().abs() < 0.02
