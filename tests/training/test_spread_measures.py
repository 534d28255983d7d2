"""Spectra, gains and cross-fitting: what training measures of the spread."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from medrestore.core.noise_field import NoiseField
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.spectrum import Spectrum, kernel_of
from medrestore.errors import SettingsError
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.settings.settings import Settings
from medrestore.training.corrections import Powers, gains, measure_gains
from medrestore.training.probe import Case, Cohort, band_power, correlation_along_z, restored
from medrestore.training.region_factors import factors
from medrestore.training.targets import Pair
from medrestore.training.texture import family, measure_spectra
from medrestore.training.trainings import FoldResidual, fit_folds, folds

DENSITY = (4.0, 4.0, 3.5, 2.5, 1.8, 1.2, 0.8, 0.6)


def test_power_and_correlation_of_masked_fields_come_back() -> None:
    """A known field seen through a disc, with a bias that belongs to neither."""
    wanted = Spectrum(0.8, DENSITY, (0.3, 0.0, 0.1))
    fields = NoiseField(0, [(0, z) for z in range(24)], (128, 128)).coloured(0, kernel_of(wanted))
    y, x = np.mgrid[:128, :128] - 64
    depth = np.clip((50 - np.hypot(y, x)) / 6, 0, 1)
    window = torch.from_numpy(np.sin(depth * math.pi / 2) ** 2).float().expand(24, -1, -1)
    found = band_power(fields[:, 0] + 2.0, window).mean(axis=0)
    assert found[2:] == pytest.approx(wanted.power[2:], rel=0.08)
    assert correlation_along_z(fields[:, 0] + 2.0, window) == pytest.approx([0.3, 0, 0.1], abs=0.03)


def test_slices_are_sorted_by_their_ratio() -> None:
    ratios = np.array([0.1, 0.11, 0.5, 0.55, 0.9])
    power = np.stack([np.outer(1 / ratios, np.ones(8)), np.ones((5, 8))])
    made = family((0.5, math.pi / 2), ratios, power, np.zeros((2, 5, 3)))
    assert made.ratios[0] == pytest.approx(math.sqrt(0.1 * 0.11)) and made.ratios[-1] > 0.5
    assert made.at(0.5, made.ratios[0]).variance == pytest.approx(np.mean([10, 1 / 0.11]))
    assert made.at(math.pi / 2, 0.3).variance == pytest.approx(1.0)


def test_single_slices_tell_nothing_of_the_correlation_between_slices() -> None:
    along = np.full((1, 4, 3), 0.3)
    along[:, 1:] = np.nan
    along[:, 0, 2] = np.nan
    made = family((1.5,), np.array([0.1, 0.11, 0.5, 0.55]), np.ones((1, 4, 8)), along)
    for row in made.rows:  # the stratum of single slices takes it from the others
        assert row[0].along_z == pytest.approx((0.3, 0.3, 0.0))


def test_gains_make_the_samples_power_the_errors() -> None:
    """T = (D − C) + g·C, node by node; a surplus that the last step cannot undo leaves 0."""
    true = np.array([[6.0, 1.0, 0.2]] * 3)
    last = np.array([[2.0, 0.5, 0.1]] * 3)
    sampled = np.array([[3.0, 1.4, 0.9]] * 3)
    many = np.full((3, 3), 1e9)
    found = gains(Powers(np.array([0.1, 0.1, 0.4]), true, sampled, last, many), (0.1, 0.4))
    for row in found:
        made = sampled[0] - last[0] + np.array(row) * last[0]
        assert made[:2] == pytest.approx(true[0, :2])
        assert row[2] == 0


def test_gains_of_bands_that_hold_few_values_stay_near_one() -> None:
    """δ = 0.5 with T = C = 1: 16 values give Var δ = 2/16, half of δ²."""
    one = np.ones((1, 1))
    for values, wanted in ((16.0, 0.25 / (0.25 + 0.125)), (1e9, 1.0), (0.1, 0.0)):
        powers = Powers(np.array([0.3]), one, 0.5 * one, one, values * one)
        assert gains(powers, (0.3,))[0][0] == pytest.approx(1 + 0.5 * wanted, abs=0.01)


def case(person: str, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    array = 300 + 60 * rng.normal(0, 1, (6, 44, 44)).cumsum(1).cumsum(2) / 72
    return Case(person, np.abs(array).astype(np.float32), 1.0)


def test_family_gains_and_factors_of_a_model(tiny_models) -> None:
    """Measured on a random network: its samples then have the error's power, band by band."""
    model = load(Card.read(tiny_models / "mr_tiny"))
    cases = [case("a", 0), case("b", 1)]
    levels, quarter = (0.03, 0.1), (math.pi / 4, math.pi / 2)
    cohort = Cohort(lambda person: model, cases, levels)
    model.spectra = measure_spectra(cohort, quarter, slices=4)
    assert list(model.spectra.ratios) == sorted(model.spectra.ratios)
    assert all(len(one.along_z) == 3 for row in model.spectra.rows for one in row)
    settings = Settings(samples=2, steps=2)
    found = measure_gains(cohort, settings)
    assert len(found) == len(model.spectra.ratios) and min(map(min, found)) >= 0
    model.spectra = replace(model.spectra, gains={"moment-matched:2": found})
    again = measure_gains(cohort, settings)
    assert again == found  # measured without the gains that are set
    kept = replace(settings, keep_samples=True)
    probes = [restored(model, one, level, kept, 5) for one in cases for level in levels]
    table = factors(probes, model.spectra, settings)
    assert table["voxels"] == sorted(table["voxels"]) and 16 in table["voxels"]
    for column in table["factors"].values():
        assert len(column) == len(table["voxels"]) and all(value > 0 for value in column)
    assert len(table["dof"]) == len(table["voxels"])


def test_a_wide_case_is_restored_around_its_foreground(tiny_models) -> None:
    model = load(Card.read(tiny_models / "mr_tiny"))
    wide = np.zeros((3, 300, 40), np.float32)
    wide[:, 20:300, 5:30] = np.arange(300, 580)[:, None]
    probe = restored(model, Case("a", wide, 1.0), 0.05, Settings(samples=0), 1)
    assert probe.truth.shape == (1, 256, 40) and probe.noisy.shape == (3, 256, 40)
    assert np.array_equal(probe.truth[0], wide[1, 31:287])
    assert probe.person == "a" and probe.plan.chosen == (1,)


class Constant(torch.nn.Module):
    """Predicts the noisy slice plus a constant, s = 1."""

    def __init__(self, off: float) -> None:
        super().__init__()
        self.off = off

    def forward(self, c: Condition) -> Prediction:
        return Prediction(c.centre + self.off, torch.zeros_like(c.centre))


def pair_of(person: str) -> Pair:
    """A batch whose clean slice tells whose it is."""
    y = torch.full((2, 3, 40, 40), float(ord(person)))
    c = Condition(y, torch.ones(2, 1, 40, 40), torch.full((2, 1, 1, 1), 100.0))
    return Pair(c, y[:, 1:2])


def test_each_person_is_seen_by_the_predictor_that_never_saw_them() -> None:
    trained: list[tuple[str, ...]] = []

    def train(seen: tuple[str, ...], k: int) -> torch.nn.Module:
        trained.append(seen)
        return Constant(float(k + 1))

    held_out = fit_folds("abcde", 2, train)
    for person, predictor in held_out.items():
        assert person not in trained[int(predictor.off) - 1]
    assert sorted(set(trained[0]) | set(trained[1])) == list("abcde")

    asked: list[str] = []

    def draw(person: str) -> Pair:
        asked.append(person)
        return pair_of(person)

    residuals = FoldResidual(held_out, draw, "abcde", [1, 1, 1, 1, 4], seed=1)
    for _ in range(40):
        r, condition = residuals()
        assert r.shape == (2, 1, 24, 24) and condition.shape == (2, 6, 24, 24)
        assert r.mean().item() == pytest.approx(-held_out[asked[-1]].off)
    assert asked.count("e") > asked.count("a")


def test_folds_that_cannot_be_say_so() -> None:
    assert folds("abcd", 2) == [("a", "c"), ("b", "d")]
    with pytest.raises(SettingsError, match="2 to 3"):
        folds("abc", 4)
    with pytest.raises(SettingsError, match="held out for b"):
        FoldResidual({"a": Constant(1.0)}, pair_of, "ab", [1, 1])
