"""The family of spectra: interpolation, its limits outside the measured range, gains, the card."""

import itertools
import math
from functools import lru_cache

import numpy as np
import pytest

from medrestore.core.spectra import Spectra, mean_ratio
from medrestore.core.spectrum import AREAS, BANDS, Spectrum, dilated

ANGLES = tuple(math.pi / 2 * j / 8 for j in range(1, 9))


@lru_cache
def power(ratio: float) -> np.ndarray:
    """Error power in units of σ²: a low-frequency limit of 1.2 and the corner that gives ratio."""
    f = np.fft.fftfreq(256)
    radius = np.hypot(f[:, None], f[None, :])
    low, high = 1e-3, 30.0
    for _ in range(40):
        corner = math.sqrt(low * high)
        values = 1.2 * (1 + (radius / corner) ** 2) ** -1.5
        low, high = (corner, high) if values.mean() < ratio else (low, corner)
    return np.array(
        [values[(radius >= a) & (radius < b)].mean() for a, b in itertools.pairwise(BANDS)]
    )


def left(lam: np.ndarray, t: float) -> np.ndarray:
    """Cov[r | z_t] of a Gaussian."""
    return lam * math.sin(t) ** 2 / (lam * math.cos(t) ** 2 + math.sin(t) ** 2)


def gaussian(ratios: tuple[float, ...]) -> Spectra:
    """The family that a Gaussian with these error powers has, exactly."""
    rows = []
    for q in ratios:
        lam = power(q) / q
        row = []
        for t in ANGLES:
            bands = left(lam, t)
            variance = float(AREAS @ bands)
            row.append(Spectrum(variance, tuple(bands / variance), (0.4 * (1 - q), 0.0, 0.05)))
        rows.append(tuple(row))
    return Spectra(ANGLES, tuple(rows), ratios)


FAMILY = gaussian((0.15, 0.3, 0.6))


@pytest.mark.parametrize("t", [ANGLES[1], ANGLES[-1]])
def test_measured_spectra_come_back(t: float) -> None:
    for q in FAMILY.ratios:
        assert FAMILY.at(t, q).power == pytest.approx(left(power(q) / q, t), rel=1e-6)


@pytest.mark.parametrize("ratio", [0.2, 0.45])
@pytest.mark.parametrize("t", [0.05, 0.5, 1.0, 1.3, math.pi / 2])
def test_between_angles_and_ratios_it_is_near_the_truth(ratio: float, t: float) -> None:
    assert FAMILY.at(t, ratio).power == pytest.approx(left(power(ratio) / ratio, t), rel=0.06)
    along = FAMILY.at(t, ratio).along_z
    assert along[0] == pytest.approx(0.4 * (1 - ratio), abs=0.03) and along[2] == pytest.approx(
        0.05
    )


@pytest.mark.parametrize("ratio", [0.05, 0.08, 0.8])
def test_outside_the_range_the_limit_stays_that_of_the_noise(ratio: float) -> None:
    """At π/2: power/σ² at low frequency held, integral s² exact; below, as for a Gaussian."""
    found = FAMILY.at(math.pi / 2, ratio)
    assert found.variance == pytest.approx(1.0, rel=0.01)
    truth = power(ratio)
    assert found.power[0] * ratio == pytest.approx(power(0.3)[0], rel=0.12)
    assert found.power * ratio == pytest.approx(truth, rel=0.2, abs=0.05)
    assert FAMILY.at(0.8, ratio).power == pytest.approx(
        left(truth / ratio, 0.8),
        rel=0.2,
        abs=0.08,  # bands without power to speak of
    )


def test_a_single_row_is_extrapolated_only_if_its_ratio_is_known() -> None:
    old = Spectra(ANGLES, FAMILY.rows[1:2])
    assert old.at(1.0, 0.05) == old.at(1.0, 0.9)
    known = Spectra(ANGLES, FAMILY.rows[1:2], (0.3,))
    assert known.at(math.pi / 2, 0.1).power[0] * 0.1 == pytest.approx(1.2, rel=0.15)


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 2.0])
def test_dilation_has_the_integral_asked_for(factor: float) -> None:
    start = power(0.3)
    made = dilated(start, factor)
    assert AREAS @ made == pytest.approx(factor * (AREAS @ start), rel=1e-6)
    assert (np.diff(made) <= 1e-9).all() and made[0] <= start[0] * 1.01
    flat = np.full(len(AREAS), 0.4)
    assert dilated(flat, 0.5) == pytest.approx(0.5 * flat)


def test_gains_act_at_the_last_step_of_their_method_alone() -> None:
    bands = (4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.0)
    family = Spectra(ANGLES, FAMILY.rows, FAMILY.ratios, {"moment-matched:2": (bands,) * 3})
    last = math.pi / 4
    tuned = family.of("moment-matched:2", last)
    plain = FAMILY.at(last, 0.25).power
    assert tuned.at(last, 0.25).power == pytest.approx(plain * bands)
    assert tuned.at(math.pi / 2, 0.25) == FAMILY.at(math.pi / 2, 0.25)
    assert tuned.remaining(last, [0.3]) == pytest.approx([AREAS @ tuned.at(last, 0.3).power], 0.03)
    assert family.of("moment-matched:3", 0.5).tuned is not None  # the nearest that was calibrated
    for other, angle in (("moment-matched:1", math.pi / 2), ("ddpm:2", last)):
        assert family.of(other, angle).at(last, 0.25) == FAMILY.at(last, 0.25)


def test_kernels_of_a_batch_follow_each_slices_ratio() -> None:
    both = FAMILY.kernels(1.2, [0.2, 0.5, 0.2])
    assert both.plane.shape[0] == 3 and bool((both.plane[0] == both.plane[2]).all())
    energy = np.square(both.plane).sum(axis=(1, 2))
    assert energy == pytest.approx(FAMILY.remaining(1.2, [0.2, 0.5, 0.2]), rel=1e-4)
    alone = FAMILY.kernels(1.2, [0.5])
    assert bool((alone.plane[0] == both.plane[1]).all())


def test_the_card_holds_the_family() -> None:
    family = Spectra(ANGLES, FAMILY.rows, FAMILY.ratios, {"moment-matched:2": ((1.0,) * 8,) * 3})
    again = Spectra.from_facts(family.facts())
    assert again.gains == family.gains and again.ratios == family.ratios
    assert again.at(1.1, 0.2).power == pytest.approx(family.at(1.1, 0.2).power, rel=1e-3)
    assert Spectra.from_facts(again.facts()).facts() == again.facts()


def test_cards_of_the_first_version_are_read() -> None:
    row = {"variance": 0.7, "density": [2.0] * 4 + [1.0] * 4, "along_z": 0.188}
    facts = {"angles": [0.8, math.pi / 2], "spectra": [row, {**row, "variance": 1.0}]}
    old = Spectra.from_facts(facts)
    assert old.at(0.8, 0.1).variance == pytest.approx(0.7)
    assert old.at(math.pi / 2, 0.9).variance == pytest.approx(1.0)
    assert old.at(1.0).along_z == pytest.approx((0.188, 0, 0))


def test_mean_ratio_counts_the_foreground() -> None:
    s = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    sigma = np.full((2, 2), 4.0, np.float32)
    inside = np.array([[True, True], [False, False]])
    assert mean_ratio(s, sigma, inside) == pytest.approx((1 + 4) / 32)
    assert mean_ratio(s, sigma, np.zeros((2, 2), bool)) == pytest.approx(30 / 64)
    assert mean_ratio(s, np.zeros((2, 2), np.float32), inside) == 1.0
