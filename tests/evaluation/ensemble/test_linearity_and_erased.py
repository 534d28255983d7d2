"""Values of rods, and maps of removed structure, with answers by hand."""

import numpy as np
import pytest
from scipy.stats import norm

import medrestore as mr
from medrestore.evaluation.ensemble.inserts import contrast_to_noise, linearity, recall, remaining
from medrestore.evaluation.statistics import jackknife


def test_a_straight_line() -> None:
    true = [-100.0, 0, 50, 300]
    found = linearity(true, [0.9 * t + 7 for t in true])
    assert (found.slope, found.intercept, found.r_squared) == pytest.approx((0.9, 7, 1))
    assert found.largest == pytest.approx(-23)
    with pytest.raises(mr.InputError, match="three different true values"):
        linearity([1.0, 2], [1.0, 2])


def test_contrast_to_noise() -> None:
    rng = np.random.default_rng(0)
    anatomy = 500 * rng.random((9, 9))
    present, absent = (anatomy + rng.normal(add, 4, (400, 9, 9)) for add in (-10, 0))
    inside = np.zeros((9, 9), bool)
    inside[3:6, 3:6] = True
    assert contrast_to_noise(present, absent, inside) == pytest.approx(2.5, rel=0.03)


def test_a_jackknife_of_means_is_the_standard_error() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(5, 2, 30), rng.normal(3, 1, 20)
    found = jackknife(lambda a, b: one[a].mean() - two[b].mean(), 30, 20)[0]
    error = np.sqrt(one.var(ddof=1) / 30 + two.var(ddof=1) / 20)
    assert found.value == pytest.approx(one.mean() - two.mean())
    assert found.upper - found.value == pytest.approx(norm.ppf(0.975) * error)
    many = rng.normal(0, 1, 4000)  # left out in 40 parts
    found = jackknife(lambda a, _: many[a].mean(), 4000)[0]
    assert found.upper - found.value == pytest.approx(1.96 / np.sqrt(4000), rel=0.3)
    assert np.isnan(jackknife(lambda a, _: 1.0, 1)[0].lower)


SIGNAL = np.zeros((2, 7, 7))
SIGNAL[:, 2:5, 2:5] = np.array([20.0, -20.0])[:, None, None]


def test_what_is_left_of_a_lesion() -> None:
    background = np.random.default_rng(2).random((2, 7, 7))
    absent = np.broadcast_to(background, (6, 2, 7, 7))
    shares = np.array([[1.0, 0.25], [0.0, 0.75]])
    present = background + shares[:, :, None, None] * SIGNAL
    assert remaining(present, absent, SIGNAL) == pytest.approx(shares)


def test_recall_at_one_percent() -> None:
    absent = np.zeros((200, 2, 7, 7))
    absent[:3, 0, 3, 3] = (9.0, 8.0, 7.0)  # three of 400 places flagged by chance
    absent[7, 0, 0, 0] = 99.0  # beside the lesion
    present = np.zeros((10, 2, 7, 7))
    present[:6, 0, 3, 3] = 5.0
    present[:4, 1, 3, 3] = -5.0
    present[6:, 1, 3, 3] = 5.0  # the wrong sign
    left = np.ones((10, 2))
    left[:8, 0] = 0.2
    found = recall(present, absent, SIGNAL, left)
    assert (found.inserted, found.erased) == (20, 8)
    assert found.of_inserted == pytest.approx(0.5)
    assert found.of_erased == pytest.approx(6 / 8)
    assert found.threshold == 0 and found.false_positives == pytest.approx(3 / 400)
    absent[:, 1, 3, 3] = -np.linspace(0, 10, 200)  # now there is a lot by chance
    found = recall(present, absent, SIGNAL, left)
    assert found.of_inserted == 0 and found.threshold == pytest.approx(9.85, abs=0.1)
    assert found.false_positives <= 0.01
    nothing = recall(present, absent, SIGNAL, np.ones((10, 2)))
    assert nothing.erased == 0 and np.isnan(nothing.of_erased)
