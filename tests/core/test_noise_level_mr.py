"""One noise level from three estimates."""

import math
from itertools import product

import pytest

from medrestore.core.noise_level_mr import InBlocks, InSpectrum, choose
from medrestore.errors import NoiseLevelError


def spectrum(sigma: float, spread: float = 0.02, **changed: object) -> InSpectrum:
    """A spectrum's word, of an image stored as acquired."""
    kept = {"edge": 1.0, "shares": (1.0, 1.0), "shape": (512, 512), **changed}
    return InSpectrum(sigma, spread, **kept)  # type: ignore[arg-type]


def test_estimates_that_agree_leave_no_range() -> None:
    found = choose(spectrum(10.0), InBlocks(10.5, 0.9), 9.9)
    assert found.sigma == pytest.approx(10.0, rel=0.01)
    assert found.between is None
    assert "background Rayleigh confirms" in found.method


def test_air_and_tissue_meet_where_they_nearly_agree() -> None:
    """Both see one noise: the level lies between, nearer to the tissue the more they differ."""
    near, far = (choose(spectrum(10.0), InBlocks(10.0, 0.9), 10.0 * r).sigma for r in (0.9, 0.7))
    assert 9.0 < near < 9.6
    assert 9.3 < far < 10.0


@pytest.mark.parametrize("air", [11.0, 16.0])
def test_air_that_is_louder_is_not_the_tissues_noise(air: float) -> None:
    found = choose(spectrum(10.0), InBlocks(10.5, 0.9), air)
    assert found.sigma == 10.0
    assert found.between is None
    assert "ghosts" in found.method


def test_suppressed_air_is_overruled_by_two_estimates_in_the_tissue() -> None:
    found = choose(spectrum(10.0), InBlocks(11.0, 0.9), 4.0)
    assert found.sigma == pytest.approx(10.0, rel=0.01)
    assert found.between is None
    assert "suppressed" in found.method


def test_blocks_with_anatomy_leave_a_range() -> None:
    found = choose(spectrum(10.0), InBlocks(18.0, 0.5), None)
    assert found.sigma == 10.0
    assert found.between is not None
    low, high = found.between
    assert low == pytest.approx(10.0, rel=0.05)
    assert high == 18.0


def test_filtered_noise_is_read_too_low_by_blocks_and_that_is_no_range() -> None:
    found = choose(spectrum(10.0, edge=0.01), InBlocks(8.0, 0.9), None)
    assert found.sigma == 10.0
    assert found.between is None
    white = choose(spectrum(10.0), InBlocks(8.0, 0.9), None)
    assert white.sigma == 8.0


def test_a_spectrum_that_fits_two_ways_leaves_a_range() -> None:
    found = choose(spectrum(10.0, spread=0.15), InBlocks(10.0, 0.9), None)
    assert found.between == pytest.approx((10 * math.exp(-0.3), 10 * math.exp(0.3)))


def test_where_the_spectrum_is_anatomys_the_air_decides() -> None:
    found = choose(spectrum(5.0, spread=0.8), InBlocks(12.0, 0.5), 6.0)
    assert found.sigma == 6.0
    assert found.method == "background Rayleigh (foreground too structured to confirm it)"
    assert found.between == (6.0, 12.0)
    without = choose(spectrum(5.0, spread=0.8), InBlocks(12.0, 0.5), None)
    assert without.sigma == pytest.approx(math.sqrt(60))
    assert without.between == pytest.approx((5 * math.exp(-1.6), 5 * math.exp(1.6)))


def test_what_was_done_to_k_space_is_said() -> None:
    words = choose(spectrum(10.0, shares=(1.0, 0.5), edge=0.01), None, None).method
    assert "zero-filled (acquired 256 of 512 along x), filtered in k-space" in words
    assert "Koay-corrected" in words
    assert "zero-filled" not in choose(spectrum(10.0), None, None).method


@pytest.mark.parametrize(
    ("blocks", "air", "sigma", "between"),
    [
        (None, 5.0, 5.0, None),
        (InBlocks(5.0, 0.9), None, 5.0, None),
        (InBlocks(5.0, 0.9), 6.0, 5.0, None),
        (InBlocks(5.0, 0.9), 4.9, 4.9, None),
        (InBlocks(10.0, 0.9), 4.0, 10.0, (4.0, 10.0)),
        (InBlocks(10.0, 0.4), 4.0, 4.0, (4.0, 10.0)),
    ],
)
def test_without_a_spectrum(blocks, air, sigma, between) -> None:
    found = choose(None, blocks, air)
    assert (found.sigma, found.between) == (sigma, between)


def test_no_estimate_at_all() -> None:
    with pytest.raises(NoiseLevelError, match="no noise background"):
        choose(None, None, None)


def test_a_range_holds_its_level_and_is_wide() -> None:
    """All levels of a grid of estimates."""
    values = (1.0, 1.4, 2.0, 5.0)
    for one, two, three, spread in product(values, (None, *values), (None, *values), (0.02, 0.6)):
        blocks = None if two is None else InBlocks(two, 0.6)
        found = choose(spectrum(one, spread), blocks, three)
        assert found.sigma > 0
        if found.between is not None:
            low, high = found.between
            assert low <= found.sigma <= high
            assert high > 1.5 * low
