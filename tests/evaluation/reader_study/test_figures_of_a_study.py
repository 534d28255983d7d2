"""Each statistic against published examples, hand computation and closed forms."""

import numpy as np
import pytest
from scipy import stats

from medrestore.evaluation.reader_study.agreement import icc, kappa
from medrestore.evaluation.reader_study.statistics import paired_p_value, preference, scores
from medrestore.evaluation.statistics import bootstrap

# Shrout & Fleiss 1979, table 2: six targets (rows), four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
# Two radiologists on 85 xeromammograms, normal/benign/suspect/cancer: Altman, Practical Statistics
# for Medical Research, 1991, p. 403; worked in the Stata manual, entry [R] kappa.
XEROMAMMOGRAMS = [[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]]


def unrolled(counts):
    cells = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in cells], [j for _, j in cells]


# --- preference


def test_nine_of_ten_by_hand():
    # Two-sided p: 2 · (C(10,9) + C(10,10)) / 2¹⁰. Clopper–Pearson bounds solve
    # P(X ≥ 9 | lower) = P(X ≤ 9 | upper) = 0.025; the upper one in closed form at X ≤ 9.
    found = preference(9, 1)
    assert found.share == 0.9
    assert found.p_value == pytest.approx(22 / 1024)
    assert found.upper == pytest.approx((1 - 0.025) ** (1 / 10), abs=1e-9)
    assert stats.binom.sf(8, 10, found.lower) == pytest.approx(0.025, abs=1e-9)


def test_all_or_nothing_has_the_bounds_in_closed_form():
    found = preference(12, 0)
    assert (found.share, found.upper) == (1.0, 1.0)
    assert found.lower == pytest.approx(0.025 ** (1 / 12))
    assert found.p_value == pytest.approx(2 / 2**12)


def test_ties_are_left_out_of_the_share_and_stay_in_sight():
    found = preference(6, 2, ties=4)
    assert (found.ties, found.share) == (4, 0.75)
    assert found.share_with_ties == pytest.approx((6 + 2) / 12)
    assert (found.lower, found.upper) == (preference(6, 2).lower, preference(6, 2).upper)
    nothing = preference(0, 0, ties=3)
    assert (nothing.share, nothing.lower, nothing.upper, nothing.p_value) == (None, 0, 1, 1)
    assert nothing.share_with_ties == 0.5


def test_the_exact_interval_covers_at_least_its_level_for_every_share():
    for share in (0.05, 0.3, 0.5, 0.77):
        votes = stats.binom(15, share)
        covered = sum(
            votes.pmf(k)
            for k in range(16)
            if preference(k, 15 - k).lower <= share and share <= preference(k, 15 - k).upper
        )
        assert covered >= 0.95


# --- scores


def test_scores_of_two_readers():
    given = np.array([[1, 2, 3, 4], [1, 2, np.nan, 5]])
    found = scores(given)
    assert found.counts == (2, 2, 1, 1, 1)
    assert found.mean == pytest.approx(18 / 7) and found.median == 2
    same = stats.bootstrap(
        ([1, 2, 3, 4.5],), np.mean, method="percentile", n_resamples=5000, rng=1
    ).confidence_interval
    assert found.lower == pytest.approx(same.low, abs=0.15)
    assert found.upper == pytest.approx(same.high, abs=0.15)
    assert scores(np.array([[3.0]])).lower is None
    assert scores(np.array([[4.0, 4]])).upper == 4


def test_the_signed_rank_test_is_exact_for_few_cases():
    # All six differences positive: 2 of the 2⁶ sign patterns are as extreme, ties or not.
    better, worse = np.array([3, 4, 5, 5, 4, 5.0]), np.array([2, 2, 2, 4, 3, 3.0])
    assert paired_p_value(better, worse) == pytest.approx(2 / 2**6)
    assert paired_p_value(better, better) == 1.0
    assert paired_p_value(np.array([np.nan]), np.array([1.0])) is None


def test_the_signed_rank_test_of_many_cases_is_scipys():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0.3, 1, 30), rng.normal(0, 1, 30)
    wanted = stats.wilcoxon(one, other, zero_method="pratt").pvalue
    assert paired_p_value(one, other) == pytest.approx(wanted)


# --- agreement


@pytest.mark.parametrize(
    ("weights", "published"), [("none", 0.4728), ("linear", 0.5684), ("quadratic", 0.6714)]
)
def test_kappa_of_the_xeromammograms(weights, published):
    assert round(kappa(*unrolled(XEROMAMMOGRAMS), 4, weights), 4) == published


def test_kappa_by_hand():
    # Observed agreement 35/50, expected (25·30 + 25·20)/50² = 1/2.
    assert kappa(*unrolled([[20, 5], [10, 15]]), 2, "none") == pytest.approx(0.4)
    assert kappa([0, 1, 2], [0, 1, 2], 3) == 1
    assert kappa([0, 1], [1, 0], 2) == -1
    assert kappa([], [], 3) is None
    assert kappa([1, 1], [1, 1], 3) is None  # chance alone would agree on all


def test_quadratic_kappa_is_the_concordance_correlation():
    # Identity: 1 − Σ(x−y)² / (n·(var x + var y + (mean x − mean y)²)), population variances.
    rng = np.random.default_rng(1)
    x = rng.integers(0, 5, 40)
    y = np.clip(x + rng.integers(-1, 2, 40), 0, 4)
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    assert kappa(x, y, 5, "quadratic") == pytest.approx(1 - ((x - y) ** 2).mean() / spread)


def test_icc_of_shrout_and_fleiss():
    found = icc(SHROUT_FLEISS)
    assert round(found.value, 2) == 0.29  # the paper's table 4
    # The interval as the R package psych prints it for these data: 0.02 to 0.76.
    assert (round(found.lower, 2), round(found.upper, 2)) == (0.02, 0.76)


def test_icc_of_readers_who_differ_by_a_constant_alone():
    # Items 1…n, reader two higher by d: MS_error = 0, so ICC = var / (var + d²/2), var with n − 1.
    items = np.arange(1.0, 7)
    table = np.stack([items, items + 2], axis=1)
    assert icc(table).value == pytest.approx(3.5 / (3.5 + 2))
    assert icc(np.stack([items, items], axis=1)) == (1, 1, 1)
    assert icc(np.full((5, 2), 3.0)) is None
    assert icc(table[:1]) is None and icc(table[:, :1]) is None


# --- many readers, many cases


def test_the_bootstrap_spreads_by_readers_and_by_cases():
    # Additive table: the variance of the drawn mean is var(readers)/R + var(cases)/C exactly.
    rng = np.random.default_rng(2)
    reader, case = rng.normal(0, 1, 8), rng.normal(0, 1, 40)
    found = bootstrap(reader[:, None] + case, level=0.6827, draws=40_000)
    sd = np.sqrt(reader.var() / 8 + case.var() / 40)
    assert found.mean == pytest.approx(reader.mean() + case.mean())
    assert (found.upper - found.lower) / 2 == pytest.approx(sd, rel=0.03)
    assert (found.readers, found.cases) == (8, 40)


def test_the_bootstrap_of_one_reader_draws_cases_only():
    values = np.random.default_rng(3).normal(0, 1, (1, 50))
    found = bootstrap(values, level=0.6827, draws=40_000)
    assert (found.upper - found.lower) / 2 == pytest.approx(values.std() / np.sqrt(50), rel=0.03)


def test_the_bootstrap_leaves_out_what_was_not_answered():
    table = np.array([[1, np.nan, 1, 1], [np.nan, 1, 1, np.nan]])
    assert bootstrap(table)[:3] == (1, 1, 1)
    assert bootstrap(np.ones((2, 1))) is None
    assert bootstrap(np.full((2, 3), np.nan)) is None
    mixed = np.array([[1.0, 0, 1, 0], [0, 0, 1, np.nan]])
    assert bootstrap(mixed, seed=4) == bootstrap(mixed, seed=4)
