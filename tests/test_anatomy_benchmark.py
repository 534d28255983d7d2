"""The arithmetic of `benchmarks/anatomy`, on toys with known answers."""

import numpy as np
import pytest
from benchmarks.anatomy import verdict
from benchmarks.anatomy.cases import Cell, part, told_all
from benchmarks.anatomy.coverage import coverages
from benchmarks.anatomy.independent import independent, own_noise, power_ratio
from benchmarks.anatomy.ours import Restored
from benchmarks.anatomy.scores import own_error
from benchmarks.quality.cases import Case
from scipy import ndimage

from medrestore.core.intervals import Intervals
from medrestore.evaluation.floor import clean_rmse

SHAPE = (6, 160, 160)
OWN, ADDED = 8.0, 20.0


def coloured(seed: int, width: float, std: float) -> np.ndarray:
    white = np.random.default_rng(seed).standard_normal(SHAPE)
    blurred = ndimage.gaussian_filter(white, (0, width, width), mode="wrap") if width else white
    return (std * blurred / blurred.std()).astype(np.float32)


def toy(own_width: float, added_width: float) -> tuple[np.ndarray, Case]:
    """Uniform water, its scan, and the noisier scan."""
    clean = np.full(SHAPE, 50, np.float32)
    truth = clean + coloured(0, own_width, OWN)
    noisy = truth + coloured(1, added_width, ADDED)
    std = np.full(SHAPE, ADDED, np.float32)
    mask = np.ones(SHAPE, dtype=bool)
    spacing = (1.0, 1.0, 1.0)
    return clean, Case("", "CT", "simulated", ADDED, noisy, truth, mask, ADDED, spacing, std, OWN)


@pytest.mark.parametrize(("own_width", "added_width"), [(0.6, 0.6), (1.0, 0.5), (0.6, 0.8)])
def test_the_own_error_is_found_whatever_the_spectra(own_width: float, added_width: float) -> None:
    clean, case = toy(own_width, added_width)
    cell = Cell("water", "", case, power_ratio(case))
    image = ndimage.gaussian_filter(case.noisy, (0, 1, 1), mode="wrap")
    true = float(np.sqrt(np.square(image - clean).mean()))
    assert own_error(image, cell) == pytest.approx(true, rel=0.06)
    if own_width > added_width:
        plain = clean_rmse(image, case.truth, case.noisy, case.mask, OWN, ADDED)
        assert plain < 0.8 * true  # why the powers are measured


def test_the_references_noise_is_found_where_tissue_is_calm() -> None:
    _, case = toy(0.0, 0.0)
    case.truth[:, ::40] += 300  # edges
    assert own_noise(case) == pytest.approx(OWN, rel=0.1)


def honest(factor: float) -> tuple[Restored, Cell]:
    """A posterior mean of uniform prior, whose spread is ``factor`` times what is told."""
    rng = np.random.default_rng(2)
    _, case = toy(0.0, 0.0)
    cell = Cell("water", "", case)
    x = 50 + 10 * rng.standard_normal(SHAPE)
    truth = (x + (case.truth - 50)).astype(np.float32)
    noisy = (truth + (case.noisy - case.truth)).astype(np.float32)
    cell = cell._replace(case=Case(**{**vars(case), "truth": truth, "noisy": noisy}))
    total = OWN**2 + ADDED**2
    share = 100 / (100 + total)
    image = (50 + share * (noisy - 50)).astype(np.float32)
    std = np.full(SHAPE, factor * np.sqrt(share * total), np.float32)
    std *= 1 + 0.01 * rng.random(SHAPE).astype(np.float32)
    return Restored(image, std, Intervals.gaussian(), np.full(SHAPE, 0.02, np.float32)), cell


def test_honest_intervals_cover_the_noise_free_image_and_less_of_the_reference() -> None:
    found = coverages(*honest(1.0))
    assert found["joint_90"] == pytest.approx(0.9, abs=0.01)
    assert found["implied_90"] == pytest.approx(0.9, abs=0.01)
    assert found["std_over_error"] == pytest.approx(1, abs=0.02)
    assert found["reference_90"] < 0.85
    narrow = coverages(*honest(0.8))
    assert narrow["implied_90"] == pytest.approx(0.812, abs=0.015)  # 2Φ(0.8 · 1.645) − 1
    assert narrow["implied_90"] < narrow["joint_90"] < 0.9  # diluted by the reference's noise


def test_the_target_is_independent_of_what_was_seen() -> None:
    clean, case = toy(1.0, 0.5)
    target, std = independent(case, power_ratio(case))
    error = target - clean
    assert error.std() == pytest.approx(float(std.mean()), rel=0.05)
    seen = ndimage.gaussian_filter(case.noisy, (0, 1.5, 1.5), mode="wrap")
    assert abs(np.corrcoef(error.ravel(), seen.ravel())[0, 1]) < 0.1
    assert np.corrcoef((case.truth - clean).ravel(), seen.ravel())[0, 1] > 0.3


def test_a_part_is_cut_around_what_counts_and_its_edge_is_not_scored() -> None:
    _, case = toy(0.0, 0.0)
    case.mask[:] = False
    case.mask[:, 100:140, 20:60] = True
    cut = part(case, 64)
    assert cut.noisy.shape == (6, 64, 64)
    assert cut.mask[:, 12:52, 12:52].all()
    assert cut.mask.sum() == case.mask.sum()
    assert told_all(cut).sigma == pytest.approx(np.hypot(OWN, ADDED), rel=1e-5)


def row(method: str, told: str, clean: float, **more: object) -> dict[str, object]:
    about = {"anatomy": "limb", "scan": "s", "noise": 0.03, "kernel": "", "own": 0.02}
    return {**about, "sigma": 0.03, "method": method, "told": told, "clean": clean, **more}


def test_gains_are_over_bm4d_that_was_told_the_same() -> None:
    rows = [row("bm4d", "added", 0.03), row("bm4d", "all", 0.05), row("ours", "all", 0.025)]
    assert verdict.gain(rows[2], rows, "clean") == pytest.approx(20 * np.log10(2))
    assert verdict.gain(rows[2], rows[:1], "clean") is None  # told differently
    quiet = [one | {"own": 0.001} for one in rows]
    assert verdict.gain(quiet[2], quiet, "clean") == pytest.approx(20 * np.log10(1.2))
    assert verdict.gain(row("ours", "all", 0.01), rows, "clean") is None  # below the own noise


def test_ratios_are_to_the_best_peer() -> None:
    rows = [row("tv", "all", 8.0), row("nlm", "all", 10.0), row("bm4d-psd", "all", 4.0)]
    assert verdict.ratio(row("ours", "all", 6.0), rows) == (0.75, "tv")
