"""The grid that an image was acquired on, in closed form and on made anatomy."""

import numpy as np
import pytest
from tests.core.k_space import acquired

from medrestore.core.acquired_grid import (
    acquired_grid,
    acquired_shares,
    grid_of,
    on_acquired_grid,
)
from medrestore.core.intensity import foreground_scale
from medrestore.physics.phantom import head_mr

SHARES = [(1.0, 1.0), (0.5, 0.5), (2 / 3, 2 / 3), (0.72, 1.0), (1.0, 0.46), (0.5, 0.85)]


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    return head_mr((10, 192, 160), (3.2, 1.2, 1.2), seed=5)


@pytest.mark.parametrize("floors", [(1.0, 1.0), (0.08, 0.08)], ids=["white", "Hamming"])
@pytest.mark.parametrize("level", [0.03, 0.12])
@pytest.mark.parametrize("shares", SHARES)
def test_the_acquired_share_is_found(
    brain: np.ndarray, shares: tuple[float, float], level: float, floors: tuple[float, float]
) -> None:
    scale = foreground_scale(brain)
    found = acquired_shares(acquired(brain, level * scale, shares, floors), scale)
    for one, right in zip(found, shares, strict=True):
        if right < 1 or floors == (1.0, 1.0):  # a Hamming window alone may look like an edge
            assert one == pytest.approx(right, abs=0.04)


def test_a_body_that_is_cut_by_the_image_has_no_edge_for_that() -> None:
    """Anatomy that ends at the border leaks over all frequencies, which must hide no edge."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(50, 150, 256)[:, None] + np.linspace(0, 60, 256)
    white = acquired(np.broadcast_to(ramp, (4, 256, 256)), 2.0, (1.0, 1.0))
    assert acquired_shares(white, 200.0) == (1.0, 1.0)
    spectrum = np.fft.fftshift(np.fft.fft2(rng.standard_normal((4, 256, 256))), axes=(1, 2))
    spectrum[:, :64], spectrum[:, 192:] = 0, 0
    noise = np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(1, 2))).real
    rows, columns = acquired_shares((ramp + noise).astype(np.float32), 200.0)
    assert rows == pytest.approx(0.5, abs=0.04)
    assert columns == 1.0


def test_nothing_is_lost_on_the_acquired_grid() -> None:
    """Values of a band-limited image at the places that both grids share are the same."""
    rng = np.random.default_rng(0)
    spectrum = np.zeros((64, 48), complex)
    spectrum[:15, :11] = rng.standard_normal((15, 11)) + 1j * rng.standard_normal((15, 11))
    image = np.fft.ifft2(spectrum).real.astype(np.float32)
    coarse = on_acquired_grid(image, (32, 24))
    np.testing.assert_allclose(coarse, image[::2, ::2], atol=1e-6)
    assert on_acquired_grid(image, (64, 48)) is image


def test_the_grid_lies_a_little_inside_the_edge() -> None:
    assert grid_of((512, 400), (0.5, 1.0)) == (250, 400)
    assert grid_of((64, 400), (0.5, 0.99)) == (40, 388)


@pytest.mark.parametrize("level", [0.03, 0.09])
def test_the_whole_acquired_grid_is_taken_and_hardly_more(brain: np.ndarray, level: float) -> None:
    scale = foreground_scale(brain)
    rows, columns = acquired_grid(acquired(brain, level * scale, (0.5, 1.0)), scale)
    assert 96 <= rows <= 98
    assert columns == 160
    assert acquired_grid(acquired(brain, level * scale, (1.0, 1.0)), scale) is None
