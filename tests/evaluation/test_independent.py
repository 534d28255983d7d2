"""Figures against programs of others: scikit-image, torchmetrics, scoringrules, statsmodels, scipy.

What is compared, and how near it must be, is stated in docs/evaluation.md.
"""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import scoringrules
import torch
from made_cases import SHAPE, gaussian_errors, mr_reference, result, volume
from matplotlib.figure import Figure
from skimage import metrics
from statsmodels.graphics.agreement import mean_diff_plot
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)
from torchmetrics.functional.regression import mean_squared_error

import medrestore as mr
from medrestore.core.intervals import gaussian_factor
from medrestore.evaluation.coverage import crps, ence, pit_histogram
from medrestore.evaluation.statistics import LEVEL, bootstrap

REFERENCE = mr_reference()
NOISY = (REFERENCE + 50 * gaussian_errors(1)).astype(np.float32)
STD = np.where(np.arange(SHAPE[2]) < 25, 10.0, 30.0) * np.ones(SHAPE)
RESTORED = (REFERENCE + STD * gaussian_errors(3)).astype(np.float32)


@pytest.fixture(scope="module")
def report() -> mr.Report:
    made = result(RESTORED, STD.astype(np.float32), 1.3)
    return mr.evaluate(volume(REFERENCE), volume(NOISY), made)


@pytest.fixture(scope="module")
def cut(report: mr.Report) -> tuple[np.ndarray, np.ndarray]:
    """Restored and reference cut to the window, as SSIM is defined here."""
    window = report.of("restored").window
    first, second = (np.clip(a, 0, window.high).astype(float) for a in (RESTORED, REFERENCE))
    return first, second


def test_psnr_and_rmse(report: mr.Report) -> None:
    found = report.of("restored")
    wide = found.window.data_range
    ours, theirs = (a.astype(float) for a in (RESTORED, REFERENCE))
    assert found.psnr_db == pytest.approx(
        metrics.peak_signal_noise_ratio(theirs, ours, data_range=wide), abs=1e-9
    )
    assert found.rmse == pytest.approx(np.sqrt(metrics.mean_squared_error(theirs, ours)), rel=1e-12)
    tensors = torch.from_numpy(ours), torch.from_numpy(theirs)
    torch_psnr = peak_signal_noise_ratio(*tensors, data_range=wide)
    assert found.psnr_db == pytest.approx(float(torch_psnr), abs=1e-5)  # float32 inside
    torch_rmse = mean_squared_error(*(t.flatten() for t in tensors), squared=False)
    assert found.rmse == pytest.approx(float(torch_rmse), rel=1e-9)


def test_ssim(report: mr.Report, cut: tuple[np.ndarray, np.ndarray]) -> None:
    """Torchmetrics mirrors the image about its outermost pixels, so the middles are compared."""
    found = report.of("restored")
    wide = found.window.data_range
    whole = [
        metrics.structural_similarity(
            a, b, data_range=wide, gaussian_weights=True, use_sample_covariance=False, full=True
        )[1]
        for a, b in zip(*cut, strict=True)
    ]
    assert found.ssim == pytest.approx(np.mean(whole), abs=1e-9)
    tensors = (torch.from_numpy(a)[:, None] for a in cut)
    _, theirs = structural_similarity_index_measure(
        *tensors, data_range=wide, sigma=1.5, reduction="none", return_full_image=True
    )
    middle = np.s_[:, 5:-5, 5:-5]
    assert np.array(whole)[middle] == pytest.approx(theirs[:, 0].numpy()[middle], abs=1e-9)


def test_bland_altman(report: mr.Report) -> None:
    """Limits as statsmodels draws them, mean ± 1.96 standard deviations of the differences."""
    axes = Figure().subplots()
    mean_diff_plot(RESTORED.astype(float).ravel(), REFERENCE.astype(float).ravel(), ax=axes)
    drawn = sorted(line.get_ydata()[0] for line in axes.lines)
    found = report.of("restored").agreement
    low, high = found.limits
    assert [low, found.mean, high] == pytest.approx(drawn, rel=1e-4, abs=1e-3)


def test_crps_interval_score_and_pit(report: mr.Report) -> None:
    truth, mean = REFERENCE.astype(float).ravel(), RESTORED.astype(float).ravel()
    std = STD.ravel()
    wanted = scoringrules.crps_normal(truth, mean, std)
    assert crps(truth, mean, std) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert report.uncertainty is not None
    assert report.uncertainty.crps == pytest.approx(wanted.mean(), rel=1e-9)
    # coverage and width are what the interval score is made of
    factor, alpha = 1.3, 0.1
    lower, upper = mean - factor * std, mean + factor * std
    beyond = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    score = scoringrules.interval_score(truth, lower, upper, alpha)
    (own,) = [level for level in report.uncertainty.levels if level.kind == "result"]
    assert own.width == pytest.approx((score - 2 / alpha * beyond).mean(), rel=1e-6)
    assert own.covered == pytest.approx(np.mean(beyond == 0), abs=2e-4)
    pit = scipy.stats.norm.cdf(truth, mean, std)
    shares = np.histogram(pit, 10, (0, 1))[0] / pit.size
    assert pit_histogram(truth, mean, std) == pytest.approx(shares, abs=1e-12)
    assert report.uncertainty.pit == pytest.approx(shares, abs=1e-9)


def test_coverage_and_calibration_of_an_exact_gaussian(report: mr.Report) -> None:
    assert report.uncertainty is not None
    for level in report.uncertainty.levels:
        factor = 1.3 if level.kind == "result" else gaussian_factor(level.nominal)
        wanted = 2 * scipy.stats.norm.cdf(factor) - 1
        assert level.covered == pytest.approx(wanted, abs=2e-3)
    quantiles = scipy.stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000)
    std = np.repeat([1.0, 2.0, 4.0], quantiles.size)
    error = std * np.tile(quantiles, 3)
    for told in (0.5, 0.8, 1.25):
        assert ence(error, told * std, 3) == pytest.approx(abs(1 - 1 / told), abs=1e-3)


def test_ause_of_two_gaussians_is_the_closed_form(report: mr.Report) -> None:
    """Stds 10 and 30, errors of that size: what sparsification by std and by error leaves.

    Sorted by error, the RMS of the smallest share q is that of a mixture cut at its quantile;
    sorted by std, it is that of all small ones and a part of the large ones.
    """
    shares = 1 - np.arange(100) / 100
    cuts = np.array([_quantile(q) for q in shares])
    oracle = np.sqrt(
        [(_below(c, 10) + _below(c, 30)) / 2 / q for c, q in zip(cuts, shares, strict=True)]
    )
    kept_large = np.maximum(shares - 0.5, 0)
    by_std = np.sqrt((np.minimum(shares, 0.5) * 100 + kept_large * 900) / shares)
    wanted = np.mean(by_std - oracle) / np.sqrt(500)
    assert report.uncertainty is not None
    assert report.uncertainty.ause == pytest.approx(wanted, abs=0.01)


def _quantile(share: float) -> float:
    """|error| that a share of the mixture is below."""
    if share >= 1:
        return np.inf
    return scipy.optimize.brentq(
        lambda c: np.mean([2 * scipy.stats.norm.cdf(c / s) - 1 for s in (10, 30)]) - share, 0, 400
    )


def _below(cut: float, std: float) -> float:
    """Mean of error², where it is below the cut, else 0: σ²(2Φ(a) − 1 − 2aφ(a)), a = cut/σ."""
    if np.isinf(cut):
        return std**2
    a = cut / std
    inner = 2 * scipy.stats.norm.cdf(a) - 1 - 2 * a * scipy.stats.norm.pdf(a)
    return float(std**2 * inner)


def test_the_paired_bootstrap() -> None:
    rng = np.random.default_rng(1)
    noisy, restored = rng.normal(5, 1, 12), rng.normal(3, 1, 12)
    found = bootstrap((restored - noisy)[None], LEVEL, 20_000, 3)
    wanted = scipy.stats.bootstrap(
        (restored, noisy),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        confidence_level=LEVEL,
        rng=np.random.default_rng(9),
    ).confidence_interval
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((wanted.low, wanted.high), abs=0.03)
