"""Distances between sets against closed forms and against torchmetrics."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from medrestore.evaluation.perception import KernelSums, frechet, frechet_limit

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(5, 5))


def exactly(mean: np.ndarray, root: np.ndarray, count: int = 400) -> np.ndarray:
    """A set whose sample mean and covariance are exactly mean and root·rootᵀ."""
    raw = RNG.normal(size=(count, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    return mean + white @ root.T


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    """Of commuting covariances: ‖μ₁ − μ₂‖² + Σ(√λ₁ − √λ₂)²."""
    basis = np.linalg.qr(MIX)[0]
    one, two = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 2, 1, 6, 5])
    shift = np.array([1.0, 0, -2, 0, 0.5])
    x = exactly(np.zeros(5), basis * one)
    y = exactly(shift, basis * two)
    assert frechet(x, y) == pytest.approx(shift @ shift + ((one - two) ** 2).sum(), rel=1e-8)
    assert frechet(x, x) == pytest.approx(0, abs=1e-8)


class Given(torch.nn.Module):
    """Images are features already; torchmetrics asks for pictures of uint8 or float."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0, 0, :].double()


def as_images(features: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(features)[:, None, None, :].expand(-1, 3, 1, -1)


def test_frechet_distance_is_that_of_torchmetrics() -> None:
    x, y = RNG.normal(size=(200, 5)) @ MIX, 0.3 + RNG.normal(size=(150, 5)) @ MIX.T
    theirs = FrechetInceptionDistance(Given(), normalize=True, input_img_size=(3, 1, 5))
    theirs.used_custom_model = True
    theirs.set_dtype(torch.float64)
    theirs.update(as_images(x), real=True)
    theirs.update(as_images(y), real=False)
    assert frechet(x, y) == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_kernel_distance_is_that_of_torchmetrics() -> None:
    x, y = RNG.normal(size=(120, 5)), 0.4 + RNG.normal(size=(120, 5))
    with pytest.warns(UserWarning, match="will save all extracted features"):
        theirs = KernelInceptionDistance(Given(), subsets=1, subset_size=120, normalize=True)
    theirs.set_dtype(torch.float64)
    theirs.update(as_images(x), real=True)
    theirs.update(as_images(y), real=False)
    ours = KernelSums(x, y, range(120), range(120, 240)).distance()
    assert ours == pytest.approx(float(theirs.compute()[0]), rel=1e-5)


def test_kernel_distance_of_one_feature_is_the_closed_form() -> None:
    """Of N(0,1) and N(m,1), with moments of k = (ab + 1)³ = Σ C(3,j) aʲbʲ."""
    z = norm.ppf((np.arange(1500) + 0.5) / 1500)
    shift = 0.5
    moments = np.array([1, 0, 1, 0]), np.array([1, shift, 1 + shift**2, shift**3 + 3 * shift])
    wanted = (np.array([1, 3, 3, 1]) * (moments[0] - moments[1]) ** 2).sum()
    found = KernelSums(z[:, None], z[:, None] + shift, range(1500), range(1500, 3000)).distance()
    assert found == pytest.approx(wanted, rel=0.03)


def test_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    """Also where both sets show the same people, slice by slice, in slices that are alike."""
    ours, naive = [], []
    who = np.repeat(np.arange(8), 4).tolist()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        person = rng.normal(size=(8, 1, 3)).repeat(4, axis=1).reshape(32, 3)
        x, y = (person + 0.3 * rng.normal(size=(32, 3)) for _ in range(2))
        ours.append(KernelSums(x, y, who, who).distance())
        naive.append(KernelSums(x, y, range(32), range(32, 64)).distance())
    error = np.std(ours) / np.sqrt(len(ours))
    assert abs(np.mean(ours)) < 3 * error
    assert np.mean(naive) < -5 * np.std(naive) / np.sqrt(len(naive))  # pairs that are alike count


def test_weights_are_repeats_of_whole_groups() -> None:
    x, y = RNG.normal(size=(9, 3)), 1 + RNG.normal(size=(9, 3))
    who = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    sums = KernelSums(x, y, who, who)
    only = KernelSums(x[3:], y[3:], who[3:], who[3:])
    assert sums.distance(np.array([0.0, 1, 1])) == pytest.approx(only.distance())
    assert np.isnan(sums.distance(np.array([3.0, 0, 0])))


def test_the_limit_takes_the_bias_of_small_sets_away() -> None:
    """Of two sets of one Gaussian in d dimensions the bias is about d(d + 7/2)/(2n) each way."""
    found, plain = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 60, 6))
        plain.append(frechet(x, y))
        found.append(frechet_limit(x, y, seed))
    assert np.mean(plain) > 0.3
    assert abs(np.mean(found)) < 0.35 * np.mean(plain)
    assert np.isnan(frechet_limit(x[:20], y[:20]))
