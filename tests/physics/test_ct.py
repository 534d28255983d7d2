"""Low-dose noise against its own closed form, and the dose laws."""

import numpy as np
import pytest
import torch

from medrestore.errors import SettingsError
from medrestore.physics.ct import (
    LowDose,
    Scanner,
    _back_project,
    dose_variance,
    line_integrals,
)
from medrestore.physics.scanner import RESPONSE_STEP
from medrestore.physics.simulate import noisier_ct


def disc(size: int = 128, radius: float = 0.4, hu: float = 0.0) -> torch.Tensor:
    axis = (torch.arange(size) - (size - 1) / 2) / size
    inside = torch.hypot(axis[:, None], axis[None, :]) < radius
    return torch.where(inside, hu, -1000.0)[None]


def test_line_integrals_of_a_water_disc() -> None:
    """Through the middle: diameter times 0.0193/mm, at every angle."""
    paths = line_integrals(disc(256, 0.4), pixel_mm=1.0)
    middle = paths[0, :, 63:65].mean(dim=1)
    assert middle.mean().item() == pytest.approx(0.8 * 256 * 0.0193, rel=0.02)
    assert (middle.std() / middle.mean()).item() < 0.02


def test_variance_grows_with_the_path_and_falls_with_the_dose() -> None:
    paths = torch.tensor([0.0, 2.0, 4.0])
    half = dose_variance(paths, 0.5, 1e5, 0.0)
    assert half.tolist() == pytest.approx([1e-5 * np.exp(p) for p in (0, 2, 4)], rel=5e-3)
    quarter = dose_variance(paths, 0.25, 1e5, 0.0)
    assert (quarter / half).tolist() == pytest.approx([3.0] * 3, rel=1e-2)
    assert (dose_variance(paths, 0.25, 1e5, 10.0) > quarter).all()
    for dose in (0.0, 1.0, 2.0):
        with pytest.raises(SettingsError, match="dose fraction"):
            dose_variance(paths, dose, 1e5, 0.0)


@pytest.mark.parametrize(("cutoff", "rays"), [(0.5, 1), (1.0, 1), (2.0, 1), (0.5, 2), (2.0, 2)])
def test_drawn_noise_has_the_predicted_std(cutoff: float, rays: int) -> None:
    slices = LowDose(disc(), 3.0, Scanner(views=360, cutoff=cutoff, rays=rays))
    variance = slices.variance(0.25, 1e5)
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([slices.draw(variance, generator) for _ in range(24)])
    found, expected = draws.std(dim=0), slices.std_map(variance)[0]
    inside = disc()[0] > -500
    assert (found[inside].mean() / expected[inside].mean()).item() == pytest.approx(1, abs=0.03)
    ratio = found[inside] / expected[inside]
    assert ratio.std().item() < 0.2  # 24 draws alone give 0.146
    air = ~inside  # the filter carries noise of dense rays to their neighbours
    assert (found[air] / expected[air]).median().item() == pytest.approx(1, abs=0.05)


def test_noise_is_correlated_and_a_smooth_kernel_makes_it_coarser() -> None:
    def neighbours(cutoff: float) -> float:
        slices = LowDose(disc(), 3.0, Scanner(views=360, cutoff=cutoff))
        draw = slices.draw(slices.variance(0.25, 1e5), torch.Generator().manual_seed(1))[0]
        inner = draw[40:88, 40:88]
        return float((inner[:, 1:] * inner[:, :-1]).mean() / inner.square().mean())

    assert neighbours(0.4) > 0.5 > neighbours(2.0)


def test_simulate_solves_for_the_level_asked_for() -> None:
    array = disc(128, 0.4, 40.0).numpy().repeat(2, axis=0)
    noisy, std = noisier_ct(array, 2.5, hu=30.0, seed=0)
    soft = array > 0
    assert np.median(std[soft]) == pytest.approx(30, rel=0.02)
    assert (noisy - array)[soft].std() == pytest.approx(30, rel=0.15)
    assert np.array_equal(noisy, noisier_ct(array, 2.5, hu=30.0, seed=0)[0])


def test_noise_near_what_starved_rays_hold_is_found_and_beyond_it_refused() -> None:
    """Electronics make noise grow faster than quanta alone would: 320 mm of water."""
    array = disc(32, 0.4, 0.0).numpy()
    scanner = Scanner(64)
    _, std = noisier_ct(array, 12.5, hu=50.0, seed=0, scanner=scanner)
    soft = np.abs(array) < 200
    assert np.median(std[soft]) == pytest.approx(50, rel=0.02)
    with pytest.raises(SettingsError, match="cannot be made in this scan"):
        noisier_ct(array, 12.5, hu=900.0, seed=0, scanner=scanner)


def test_dose_is_tied_to_the_noise_the_scan_has() -> None:
    """Full-dose noise of 10 HU and a quarter of the dose: √3·10 HU added."""
    array = disc(128, 0.4, 40.0).numpy()
    scanner = Scanner(electronic=0.0)
    _, std = noisier_ct(array, 1.0, dose=0.25, own_noise_hu=10.0, seed=0, scanner=scanner)
    assert np.median(std[array > 0]) == pytest.approx(10 * 3**0.5, rel=0.03)


def test_wrong_requests_say_what_to_do() -> None:
    array = disc(64).numpy()
    with pytest.raises(SettingsError, match=r"dose= .* or hu="):
        noisier_ct(array, 1.0)
    with pytest.raises(SettingsError, match=r"dose= .* or hu="):
        noisier_ct(array, 1.0, dose=0.5, hu=20)
    with pytest.raises(SettingsError, match="cutoff"):
        Scanner(cutoff=0.0)


def test_a_bone_kernel_lifts_the_middle_of_the_band() -> None:
    plain, bone = (Scanner(cutoff=1.0, edge=edge).filter(64) for edge in (0.0, 2.0))
    ratio = bone[1:64] / plain[1:64]
    assert ratio.max().item() == pytest.approx(3.0, rel=1e-3)  # 1 + edge, at half the cutoff
    assert int(ratio.argmax()) + 1 == 32
    assert ratio[0].item() == pytest.approx(1, abs=0.02)
    with pytest.raises(SettingsError, match="edge"):
        Scanner(edge=-1)
    with pytest.raises(SettingsError, match="multiple of 4"):
        Scanner(views=90)


def test_back_projection_sums_every_view_at_its_angle() -> None:
    """Four views at a time are turned into place: compare with one view at a time."""
    size, views = 24, 16
    ramp = torch.arange(views)[:, None] + 0.01 * torch.arange(size * 4)[None]
    axis = torch.arange(size) - (size - 1) / 2
    inside = torch.hypot(axis[:, None], axis[None]) < size / 2 - 1
    expected = torch.zeros(size, size)
    for view in range(views):
        angle = torch.tensor(np.pi * view / views)
        ray = axis[None] * torch.cos(angle) + axis[:, None] * torch.sin(angle) + (size - 1) / 2
        expected += view + 0.01 * (4 * ray)
    found = _back_project(ramp[None].repeat(2, 1, 1), size, 4)
    for image in found:
        assert (image - expected)[inside].abs().max() < 0.01 * 0.51 * views

    one = torch.zeros(1, views, size * 4)
    one[0, 3] = torch.arange(size * 4).float()  # a single view keeps its direction
    image = _back_project(one, size, 4)[0]
    slope = torch.stack([image.diff(dim=0)[8:16, 12].mean(), image.diff(dim=1)[12, 8:16].mean()])
    angle = np.pi * 3 / views
    assert slope.tolist() == pytest.approx([4 * np.sin(angle), 4 * np.cos(angle)], abs=0.2)


def test_kernels_drawn_together_are_those_drawn_alone() -> None:
    slices = LowDose(disc(), 3.0, Scanner(views=48))
    variance = slices.variance(0.5, 1e5)
    scanners = [Scanner(48, cutoff) for cutoff in (0.6, 1.5)]
    together = slices.draw_through(variance, scanners, torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    alone = [slices.through(scanner).draw(variance, generator) for scanner in scanners]
    assert torch.allclose(together, torch.stack(alone), rtol=1e-4, atol=1e-3)
    with pytest.raises(SettingsError, match="one number of views"):
        slices.draw_through(variance, [Scanner(48), Scanner(52)], generator)


def test_a_finer_detector_makes_the_same_noise_of_a_smooth_kernel() -> None:
    """Twice the elements, half the quanta in each."""
    coarse, fine = (LowDose(disc(), 3.0, Scanner(96, 0.6, rays=rays)) for rays in (1, 2))
    variance = coarse.variance(0.25, 1e5)
    assert torch.allclose(coarse.std_map(variance), fine.std_map(variance), rtol=0.02)


def test_a_response_stands_for_the_window_that_it_was_taken_from() -> None:
    hann = Scanner(cutoff=1.4, rays=2)
    at = torch.arange(15) * RESPONSE_STEP
    gains = 0.5 * (1 + torch.cos(np.pi * (2 * at / 1.4).clamp(max=1)))
    measured = Scanner(rays=2, response=tuple(gains.tolist()))
    assert torch.allclose(measured.filter(256), hann.filter(256), atol=6e-3)
    assert measured.filter(64)[-1] == 0  # 1 cycle a pixel, beyond the last gain


@pytest.mark.parametrize("wrong", [{"rays": 0}, {"rays": 5}, {"response": (-0.1, 1.0)}])
def test_wrong_detectors_and_gains_are_refused(wrong: dict) -> None:
    with pytest.raises(SettingsError, match=r"elements|gains"):
        Scanner(**wrong)
