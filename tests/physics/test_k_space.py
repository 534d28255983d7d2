"""Filtered noise against the spectra of its windows; filtered signals against what they keep."""

import math

import pytest
import torch

from medrestore.errors import SettingsError
from medrestore.physics.mr import (
    filtered_noise,
    filtered_signal,
    homodyne,
    partial_fourier,
    zero_filled,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lag(field: torch.Tensor, axis: int) -> float:
    n = field.shape[axis]
    one, other = field.narrow(axis, 0, n - 1), field.narrow(axis, 1, n - 1)
    return float((one * other).mean())


def test_zero_filled_noise_is_a_sinc_and_keeps_its_variance() -> None:
    windows = (zero_filled(128, torch.tensor(0.6)), torch.ones(128))
    field = filtered_noise((20, 128, 128), windows, generator(2))
    for channel in (field.real, field.imag):
        assert channel.std().item() == pytest.approx(1.0, rel=0.02)
        assert lag(channel, 1) == pytest.approx(math.sin(0.6 * math.pi) / (0.6 * math.pi), abs=0.03)
        assert lag(channel, 2) == pytest.approx(0.0, abs=0.02)
    assert (field.real * field.imag).mean().item() == pytest.approx(0.0, abs=0.02)


def test_every_window_gives_its_own_spectrum() -> None:
    """Power of the real part: (W(k)² + W(−k)²)/2 over mean W², each patch its own."""
    kept = torch.tensor([0.55, 0.7, 0.9])
    soft = zero_filled(96, kept, torch.tensor([0.0, 0.5, 1.0]))
    for window in (soft, partial_fourier(96, kept), homodyne(96, kept)):
        line = window[:, None]  # (patch, 1, k) beside rows
        field = filtered_noise((3, 400, 96), (torch.ones(400), line), generator(4))
        found = torch.fft.fft(field.real, dim=-1).abs().square().mean(dim=1) / 96
        mirrored = window.roll(-1, dims=-1).flip(-1)
        expected = (window.square() + mirrored.square()) / 2
        expected = expected / window.square().mean(dim=-1, keepdim=True)
        assert (found - expected).abs().mean() < 0.05
        assert field.real.std(dim=(1, 2)).tolist() == pytest.approx([1.0] * 3, rel=0.03)


def test_noise_of_a_3d_acquisition_is_correlated_through_the_slices_too() -> None:
    windows = (zero_filled(31, torch.tensor(0.7)), torch.ones(40), torch.ones(40))
    field = filtered_noise((8, 7, 40, 40), windows, generator(3)).real
    assert field.shape == (8, 7, 40, 40)
    assert lag(field, 1) == pytest.approx(math.sin(0.7 * math.pi) / (0.7 * math.pi), abs=0.04)
    assert lag(field, 3) == pytest.approx(0, abs=0.02)
    assert (field[:, 0] * field[:, -1]).mean().item() == pytest.approx(0, abs=0.06)  # no wrap


def test_homodyne_keeps_a_real_signal_whole() -> None:
    signal = torch.rand(2, 40, 40, generator=generator())
    kept = torch.tensor([0.6, 0.8])
    image = filtered_signal(signal, (homodyne(64, kept), torch.ones(2, 1, 64)))
    assert torch.allclose(image.real, signal, atol=1e-5)
    assert image.imag.abs().max() > 0.01


def test_zero_filling_keeps_what_was_acquired_and_drops_the_rest() -> None:
    place = torch.arange(48.0)
    slow, fast = torch.cos(2 * torch.pi * place / 12), torch.cos(2 * torch.pi * place / 3)
    window = zero_filled(72, torch.tensor(0.5))
    image = filtered_signal((slow + fast).expand(30, 48), (torch.ones(30), window)).real
    middle = slice(12, 36)
    assert (image[:, middle] - slow[middle]).abs().max() < 0.12  # mirrored ends ring a little
    assert torch.allclose(
        filtered_signal(torch.full((30, 48), 5.0), (torch.ones(30), window)).real,
        torch.tensor(5.0),
        atol=1e-4,
    )


def test_fractions_outside_their_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="above 0"):
        zero_filled(8, torch.tensor(0.0))
    with pytest.raises(SettingsError, match=r"above 0\.5"):
        partial_fourier(8, torch.tensor(0.5))
    with pytest.raises(SettingsError, match="at most at 1"):
        homodyne(8, torch.tensor(1.2))
