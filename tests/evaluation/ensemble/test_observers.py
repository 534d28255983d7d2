"""Model observers on known signals in Gaussian noise of known covariance."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

import medrestore as mr
from medrestore.evaluation.ensemble.observers import (
    area_under_curve,
    channelised_hotelling,
    dense_dog,
    detectability,
    matched,
)

SIDE = 25
NOISE = 10.0
SIGNAL = 3.0 * np.exp(-(((np.mgrid[:SIDE, :SIDE] - SIDE // 2) / 3.0) ** 2).sum(axis=0) / 2)


def white(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return NOISE * rng.standard_normal((*shape, SIDE, SIDE))


def coloured(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Noise without low frequencies, as of CT, on a periodic grid: white less smoothed white."""
    drawn = white(rng, *shape)
    return drawn - 0.8 * gaussian_filter(drawn, (0,) * len(shape) + (1.5, 1.5), mode="wrap")


def covariance_of(draw) -> np.ndarray:
    """Exact covariance of linearly filtered white noise: F Fᵀ, F from its impulse responses."""

    class Impulses:
        def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.eye(SIDE * SIDE).reshape(shape)

    responses = draw(Impulses(), SIDE * SIDE).reshape(SIDE * SIDE, -1)
    return responses.T @ responses


@pytest.mark.parametrize("draw", [white, coloured])
@pytest.mark.parametrize("bands", ["dog", "random"])
def test_the_channelised_observer_reaches_its_closed_form(draw, bands: str) -> None:
    random = np.random.default_rng(3).standard_normal((SIDE * SIDE, 6))  # any channels will do
    u = dense_dog((SIDE, SIDE)) if bands == "dog" else random
    shift, covariance = u.T @ SIGNAL.ravel(), u.T @ covariance_of(draw) @ u
    exact = float(np.sqrt(shift @ np.linalg.solve(covariance, shift)))
    weak = 2 / exact  # d′ = 2 exactly
    rng = np.random.default_rng(8)
    anatomy = 200 * rng.random((4, SIDE, SIDE))  # another background at each place
    present, absent = anatomy + weak * SIGNAL + draw(rng, 150, 4), anatomy + draw(rng, 150, 4)
    found = channelised_hotelling(present, absent, u)
    assert found.d_prime.value == pytest.approx(2, rel=0.08)  # 1.3 standard errors
    assert found.d_prime.lower < 2 < found.d_prime.upper
    assert found.auc.value == pytest.approx(norm.cdf(np.sqrt(2)), abs=0.02)


def test_it_is_hardly_worse_than_the_best_observer() -> None:
    root = np.random.default_rng(0).standard_normal((6, 6)) / 2 + np.eye(6)
    shift = np.array([1.0, 0, -0.5, 0.3, 0, 0.8])
    shift *= 2 / np.sqrt(shift @ np.linalg.solve(root @ root.T, shift))
    found = []
    for seed in range(6):  # outputs of six channels, as pictures of six pixels
        rng = np.random.default_rng(seed)
        absent, present = (rng.standard_normal((60, 4, 1, 6)) @ root.T for _ in range(2))
        found.append(channelised_hotelling(present + shift, absent, np.eye(6)).d_prime.value)
    assert 1.88 < np.mean(found) < 2.04  # 0.04 standard error; six channels cost 0.04


def test_in_coloured_noise_it_beats_the_matched_filter_and_both_are_right() -> None:
    covariance, s = covariance_of(coloured), SIGNAL.ravel()
    exact = float(s @ s / np.sqrt(s @ covariance @ s))
    rng = np.random.default_rng(2)
    present, absent = SIGNAL + coloured(rng, 200, 4), coloured(rng, 200, 4)
    found = matched(present, absent, SIGNAL)
    assert found.d_prime.value == pytest.approx(exact, rel=0.06)
    assert found.auc.value == pytest.approx(norm.cdf(exact / np.sqrt(2)), abs=0.015)
    hotelling = channelised_hotelling(present, absent, dense_dog((SIDE, SIDE)))
    assert hotelling.d_prime.value > 0.97 * found.d_prime.value


def test_intervals_cover_as_often_as_they_say() -> None:
    s = SIGNAL.ravel()
    exact, rng = float(np.linalg.norm(s)) / NOISE, np.random.default_rng(3)
    inside = 0
    for _ in range(100):
        scores = [(white(rng, 16, 2) + add) for add in (SIGNAL, 0)]
        found = matched(*scores, SIGNAL).d_prime
        inside += found.lower < exact < found.upper
    assert 88 <= inside <= 99


def test_there_is_nothing_to_see_where_there_is_nothing() -> None:
    rng = np.random.default_rng(4)
    found = channelised_hotelling(white(rng, 60, 3), white(rng, 60, 3), dense_dog((SIDE, SIDE)))
    assert found.auc.lower < 0.5 < found.auc.upper
    assert abs(found.d_prime.value) < 0.35


def test_area_under_curve_by_hand() -> None:
    assert area_under_curve(np.array([3.0, 1]), np.array([1.0, 0])) == pytest.approx(3.5 / 4)
    assert detectability(np.array([2.0, 4]), np.array([0.0, 2])) == pytest.approx(2 / np.sqrt(2))


def test_channels_pass_their_bands() -> None:
    u = dense_dog((101, 101), start=0.02)
    power = np.abs(np.fft.fft2(u.T.reshape(-1, 101, 101))) ** 2
    rho = np.hypot(*np.meshgrid(np.fft.fftfreq(101), np.fft.fftfreq(101)))
    centres = (power * rho).sum(axis=(1, 2)) / power.sum(axis=(1, 2))
    assert (np.diff(centres[:6]) > 0).all()
    assert centres[2] / centres[1] == pytest.approx(1.4, rel=0.05)
    middle = dense_dog((25, 31))
    assert np.unravel_index(middle[:, 6].argmax(), (25, 31)) == (12, 15)


def test_too_few_realisations_are_refused() -> None:
    rng, u = np.random.default_rng(6), dense_dog((SIDE, SIDE))
    with pytest.raises(mr.InputError, match="needs 4 realisations"):
        channelised_hotelling(white(rng, 3, 9), white(rng, 30, 9), u)
    with pytest.raises(mr.InputError, match="do not suffice for 10 channels"):
        channelised_hotelling(white(rng, 6, 2), white(rng, 6, 2), u)
    with pytest.raises(mr.InputError, match="do not fit channels"):
        channelised_hotelling(np.zeros((8, 2, 5, 5)), np.zeros((8, 2, 5, 5)), u)
    with pytest.raises(mr.InputError, match="differ"):
        matched(white(rng, 8, 2), white(rng, 8, 3), SIGNAL)
