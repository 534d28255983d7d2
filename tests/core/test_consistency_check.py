"""The guard on synthetic truth: silent on noise of any kind, loud where structure was removed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medrestore.core.consistency_check import Evidence, guard
from medrestore.core.significance import DARK, LEVELS, Null
from medrestore.core.smoothing import noise_voxels
from medrestore.modalities import modality_named

SHAPE = (6, 120, 100)


def field(seed: int, smoothing: float = 0.0) -> np.ndarray:
    """Unit noise, white or correlated within slices."""
    noise = np.random.default_rng(seed).standard_normal(SHAPE)
    if smoothing:
        noise = gaussian_filter(noise, (0, smoothing, smoothing), mode="wrap")
        noise /= noise.std()
    return noise.astype(np.float32)


def evidence(y, mu, sigma, modality="CT", s=0.05, along_z=0.0) -> Evidence:
    """A restoration that is nearly sure of itself."""
    spread = np.asarray(s * sigma * np.ones(SHAPE), np.float32)
    mu = np.asarray(mu * np.ones(SHAPE), np.float32)
    sigma = sigma if np.isscalar(sigma) else sigma.astype(np.float32)
    model = modality_named(modality).noise.residual
    return Evidence(y.astype(np.float32), mu, spread, spread, sigma, model, along_z=along_z)


def uneven() -> np.ndarray:
    """σ that grows fourfold from left to right."""
    return np.broadcast_to(np.linspace(5, 20, SHAPE[2], dtype=np.float32), SHAPE).copy()


def disc(radius: float, centre=(60, 50)) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


KINDS = {
    "white": lambda seed: evidence(40 + 10 * field(seed), 40, 10.0),
    "white, across slices": lambda seed: evidence(40 + 10 * field(seed), 40, 10.0, along_z=1.0),
    "correlated": lambda seed: evidence(40 + 10 * field(seed, 1.2), 40, 10.0),
    "uneven": lambda seed: evidence(40 + uneven() * field(seed, 0.7), 40, uneven()),
    "Rayleigh": lambda seed: evidence(
        np.hypot(3 * field(seed), 3 * field(seed + 1000)), 0, 3.0, "MR"
    ),
    "Rician": lambda seed: evidence(
        np.hypot(4 + 3 * field(seed), 3 * field(seed + 1000)), 4, 3.0, "MR"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_noise_alone_is_not_flagged(kind: str) -> None:
    """With nothing to find every flag is false: the rate bounds how often there is any (1 %)."""
    runs = [guard(KINDS[kind](seed)) for seed in range(8)]
    assert sum(one.tally.removed > 0 for one in runs) <= 1
    assert sum(one.tally.inconsistent > 0 for one in runs) <= 1
    for one in runs:
        assert one.tally.voxels == np.prod(SHAPE)
        if kind == "Rayleigh":  # no tissue, of which the residual is judged
            assert one.tally.energy == one.tally.expected == 0
        else:
            assert (one.tally.energy / one.tally.expected) ** 0.5 == pytest.approx(1, abs=0.04)
        assert one.tally.outside / one.tally.voxels == pytest.approx(0.1, abs=0.012)


def test_scores_of_noise_have_the_size_they_claim() -> None:
    """At a rate of 50 % a whole-scan alarm comes in about half of all noise-only scans or less."""
    alarms = [guard(KINDS["correlated"](seed), rate=0.5).tally.removed > 0 for seed in range(12)]
    assert 1 <= sum(alarms) <= 9


@pytest.mark.parametrize(("kind", "contrast"), [("white", 1.5), ("uneven", 2.0), ("correlated", 3)])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_erased_lesion_is_found(kind: str, contrast: float, sign: int) -> None:
    """Radius 6: in the scan, not in the restoration; the flag has its sign and its size."""
    noise = KINDS[kind](3)
    inside = disc(6)
    sigma = noise.sigma if isinstance(noise.sigma, float) else noise.sigma[2][inside]
    noise.y[2][inside] += np.float32(sign * contrast) * sigma
    found = guard(noise)
    flagged = found.removed != 0
    assert flagged[2][inside].mean() > 0.4
    assert (found.inconsistent[2][inside] == 0).mean() > 0.8  # the scan shows it
    assert flagged.sum() - flagged[2][disc(12)].sum() <= 0.02 * flagged.sum()
    assert (np.sign(found.removed[flagged]) == sign).mean() > 0.99
    at_centre = abs(found.removed[2, 60, 50]) / np.median(sigma)
    assert 0.55 < at_centre / contrast < 1.1  # the smoothed contrast, in the scan's unit


def test_an_invented_lesion_is_found() -> None:
    """In the restoration, not in the scan: negative."""
    noise = KINDS["white"](4)
    noise.mu[2][disc(5)] += 20
    found = guard(noise)
    assert (found.removed[2][disc(4)] < 0).all()
    shown = found.inconsistent != 0
    assert found.tally.inconsistent == shown.sum() <= found.tally.removed
    assert np.array_equal(found.inconsistent[shown], found.removed[shown])
    assert shown[2][disc(4)].mean() > 0.8


def test_recall_at_one_percent_false_positives() -> None:
    """A lesion of 3 σ and radius 6 in every other slice of correlated noise."""
    hits, alarms = [], []
    for seed in range(8):
        noise = KINDS["correlated"](seed)
        place = disc(6, (20 + 10 * seed, 20 + 7 * seed))
        alarms += [one[place].any() for one in guard(noise).removed]
        for z in range(0, SHAPE[0], 2):
            noise.y[z][place] += 30
        hits += [one[place].any() for one in guard(noise).removed[::2]]
    assert np.mean(alarms) <= 0.01
    assert np.mean(hits) >= 0.9


def test_a_spike_is_shown_as_removed() -> None:
    noise = KINDS["white"](5)
    noise.y[1, 10, 20] = 40 + 90
    found = guard(noise)
    assert found.tally.removed == 1
    assert found.removed[1, 10, 20] == pytest.approx(90, rel=1e-5)
    assert found.inconsistent[1, 10, 20] == 0


def test_noise_stronger_than_stated_shows_in_the_numbers() -> None:
    found = guard(evidence(40 + 15 * field(6), 40, 10.0)).tally
    assert (found.energy / found.expected) ** 0.5 == pytest.approx(1.5, abs=0.02)
    assert found.outside / found.voxels > 0.2


def test_noise_in_air_says_nothing_about_the_noise_stated() -> None:
    """The map of a CT is carried on over air, where there is less noise."""
    mu = np.full(SHAPE, 40.0, np.float32)
    mu[:, :30] = -1000
    noise = np.where(mu < -500, 4, 10) * field(8)
    found = guard(evidence(mu + noise, mu, 10.0)).tally
    assert (found.energy / found.expected) ** 0.5 == pytest.approx(1, abs=0.02)
    assert found.expected < 0.9 * found.voxels


def test_a_restoration_that_is_unsure_takes_less_noise_away() -> None:
    """Gaussian truth, exact posterior: Var(y − μ) = σ² − s², and nothing is flagged."""
    rng = np.random.default_rng(7)
    x, n = 20 * rng.standard_normal(SHAPE), 10 * rng.standard_normal(SHAPE)
    mu, s = 0.8 * (x + n), np.sqrt(0.8) * 10
    found = guard(evidence(x + n, mu, 10.0, s=s / 10))
    assert found.tally.energy / found.tally.expected == pytest.approx(1, abs=0.02)
    assert found.tally.removed == found.tally.inconsistent == 0


def test_what_is_not_usable_is_left_out() -> None:
    noise = KINDS["white"](8)
    noise.y[:, :40] = np.nan
    noise.y[:, 40:60] = -2000
    noise.mu[:, 40:60] = 500
    found = guard(replace(noise, padding=(-2000.0,)))
    assert found.tally.voxels == np.prod(SHAPE) // 2
    assert found.tally.removed == found.tally.inconsistent == 0
    assert np.isfinite(found.removed).all()
    untouched = guard(replace(noise, lowest=10.1))
    assert untouched.tally.voxels == 0 and not untouched.removed.any()


def test_a_magnitude_of_zero_is_a_mask() -> None:
    noise = KINDS["Rayleigh"](8)
    noise.y[:, :60] = 0
    noise.mu[:, :60] = 500
    found = guard(noise)
    assert found.tally.voxels == np.prod(SHAPE) // 2
    assert found.tally.removed == found.tally.inconsistent == 0


def test_a_dark_background_is_not_missing_structure() -> None:
    """Background that the scanner suppressed lies below the noise: nothing can have been there."""
    y = np.hypot(40 + 3 * field(9), 3 * field(10))
    mu = np.where(np.arange(SHAPE[2]) < 50, 40, 0)
    y[..., 50:] = 0.1
    assert guard(evidence(y, mu, 3.0, "MR")).tally.removed == 0
    y[2, 50:60, 70:80] = 9  # but a ghost in it is
    assert (guard(evidence(y, mu, 3.0, "MR")).removed[2, 52:58, 72:78] > 0).all()


def test_groups_have_the_deviation_of_their_own_voxels() -> None:
    rng = np.random.default_rng(11)
    levels = np.where(np.arange(400) < 200, 10, 60).astype(np.uint8)
    group = np.tile(levels, (300, 1))
    group[150:, 200:] = DARK + 5
    score = rng.standard_normal(group.shape).astype(np.float32)
    score[group == 10] *= 0.05
    score[group == 60] *= 0.15
    score[group == DARK + 5] *= 0.2
    null = Null((1.0,), 0.0)
    null.add(group, [score], np.ones(group.shape, bool))
    [table] = null.inverse_std()
    assert table.shape == (LEVELS + DARK,)
    cells = noise_voxels(1.0) ** 2
    for level, std, count in ((10, 0.05, 60_000), (60, 0.15, 30_000), (DARK + 5, 0.2, 30_000)):
        allowance = 1 + 0.95 * np.sqrt(cells / count)
        assert 1 / table[level] == pytest.approx(std * allowance, rel=0.02)


def test_null_of_an_untouched_scan_scores_nothing() -> None:
    null = Null((1.0, 2.0), 0.0)
    zeros = np.zeros((50, 50), np.float32)
    null.add(zeros.astype(np.uint8), [zeros, zeros], np.ones((50, 50), bool))
    assert not null.inverse_std().any()


def test_a_noise_floor_that_varies_slowly_is_no_structure() -> None:
    """Air as scanners leave it: Rayleigh noise of 0.3 to 1 times the tissue's σ, side to side."""
    level = np.linspace(0.3, 1.0, SHAPE[2], dtype=np.float32)
    flagged = []
    for seed in range(4):
        air = np.hypot(level * field(seed), level * field(seed + 1000))
        found = guard(evidence(3 * air, 0, 3.0, "MR")).tally
        flagged.append(found.removed / found.voxels)
    assert max(flagged) < 2e-3


def test_tissue_that_a_restoration_took_for_air_is_found() -> None:
    """A large disc of signal 4 σ, restored as 0: no noise floor reaches so high."""
    inside = disc(18)
    y = np.hypot(12 * inside + 3 * field(3), 3 * field(1003))
    removed = guard(evidence(y, 0, 3.0, "MR")).removed
    assert (removed[:, inside] > 0).mean() > 0.95
    assert (removed[:, ~disc(28)] > 0).mean() < 1e-3
