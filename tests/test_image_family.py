"""Plain conditional diffusion: its mathematics on a Gaussian world, and its ways in."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.cli import main
from medrestore.core.diffusion import v_hat
from medrestore.core.families import FAMILIES, networks
from medrestore.core.intervals import Intervals
from medrestore.core.meter import SILENT
from medrestore.core.posterior import Moments, mean_std
from medrestore.core.predictor import Condition
from medrestore.errors import Cancelled, ModelError, SettingsError
from medrestore.models.card import Card
from medrestore.models.model import find_card, load
from medrestore.plugin.preferences import offered_models
from medrestore.plugin.requests import Choices
from medrestore.results.regions import Regions
from medrestore.settings.settings import Settings
from medrestore.training.config import Config
from meters import Stop
from tiny import tiny_card, write_tiny_prior

NAME = "mr_plain"
MEAN, STD = 0.5, 0.2
SHAPE = (2, 48, 40)


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One model of the family, and nothing else."""
    prior = {"mean": MEAN, "std": STD, "slices": 3}
    intervals = {"relative_sigma": [0.01, 0.1], "people": 1, "factors": {}}
    folder = write_tiny_prior(tmp_path / "models", NAME, prior, "image", intervals=intervals)
    monkeypatch.setenv("MEDRESTORE_MODELS", str(folder))
    return folder


@pytest.fixture(scope="module")
def noisy() -> mr.Volume:
    """White intensities about half of the scale, σ a tenth of it."""
    rng = np.random.default_rng(0)
    clean = MEAN + STD * rng.standard_normal(SHAPE)
    array = (clean + 0.1 * rng.standard_normal(SHAPE)).astype(np.float32)
    return mr.Volume(array, mr.Geometry(SHAPE, np.eye(4)), "MR")


class Exact(nn.Module):
    """E[r | z_t, y] of white Gaussian r and noise, as the velocity a refiner predicts.

    With y = r + τ n and z_t = cos t·r + sin t·ε the precisions 1, 1/τ² and cot²t add up.
    """

    def __init__(self, tau: float) -> None:
        super().__init__()
        self.tau = tau

    def forward(self, z_t: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        y, angle = told[:, 1:2], float(t[0])
        cot = math.cos(angle) / math.sin(angle)
        seen = y / self.tau**2 + cot * z_t / math.sin(angle)
        return v_hat(z_t, seen / (1 + 1 / self.tau**2 + cot**2), angle)


def test_on_a_gaussian_world_the_samples_are_those_of_the_posterior(
    models: Path, noisy: mr.Volume
) -> None:
    """x ~ N(m, S²), y = x + σ n: mean (σ² m + S² y)/(σ² + S²), variance σ² S²/(σ² + S²)."""
    settings = Settings(model=NAME, noise=0.1, samples=40, steps=24, sampler="heun")
    plan = make_plan(noisy, settings)
    sigma, model = plan.noise.sigma, load(find_card(NAME, "MR"))
    tau = sigma / (STD * plan.scale)
    model.refiner = Exact(tau)
    result = run_plan(plan, noisy, model=model)
    mean, spread = MEAN * plan.scale, STD * plan.scale
    share = spread**2 / (sigma**2 + spread**2)
    expected = share * noisy.array + (1 - share) * mean
    std = sigma * math.sqrt(share)
    off = (result.restored.array - expected)[expected > 3 * std]
    assert abs(off.mean()) < 0.02 * std
    assert off.std() == pytest.approx(std / math.sqrt(40), rel=0.1)
    assert np.median(result.std.array) == pytest.approx(std * math.sqrt(1 + 1 / 40), rel=0.03)


def test_the_error_of_a_mean_of_samples_includes_the_means_own() -> None:
    """Truth and n samples from one Gaussian: the RMS error about the mean is s·√(1 + 1/n)."""
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((6, 400, 400)).astype(np.float32)
    moments = Moments(*np.zeros((2, 400, 400), np.float32))
    for one in draws[1:]:
        moments.add(one)
    stated = mean_std(np.full((400, 400), 2, np.float32), moments.variance, moments.n)
    error = 2 * (draws[0] - moments.mean)
    assert math.sqrt((stated**2).mean()) == pytest.approx(error.std(), rel=0.01)


def test_intervals_of_few_samples_cover_what_they_promise() -> None:
    """A Gaussian's factor is widened by Student's t for a variance of few degrees of freedom.

    Truth and samples from one Gaussian: |x − mean|/(sd·√(1 + 1/n)) follows t with n − 1 degrees.
    """
    rng = np.random.default_rng(2)
    for n in (2, 3, 5, 8):
        draws = rng.standard_normal((n + 1, 100_000))
        std = draws[1:].std(axis=0, ddof=1) * math.sqrt(1 + 1 / n)
        away = np.abs(draws[0] - draws[1:].mean(axis=0)) / std
        covered = (away <= Intervals.gaussian().factor(0.9, 0.05, n - 1)).mean()
        assert covered == pytest.approx(0.9, abs=0.005)


def test_factors_of_many_steps_are_not_those_of_few(
    tiny_models: Path, tmp_path: Path, noisy: mr.Volume
) -> None:
    """Few steps leave too little spread, which is all that such a model knows of its error."""
    prior = {"mean": MEAN, "std": STD, "slices": 3}
    table = {"relative_sigma": [0.1], "people": 4, "samples": 8}
    intervals = table | {"factors": {"ddim:50": [[0.7, 1.4, 2.2, 2.9]]}}
    regions = {"voxels": [16], "level": 0.9, "people": 4, "people_held_out": 0}
    regions |= {"factors": {"ddim:50": [1.3]}}
    facts = {"intervals": intervals, "region_factors": regions}
    folder = write_tiny_prior(tmp_path, NAME, prior, "image", **facts) / NAME
    card = find_card(str(folder), "MR")
    assert (card.intervals("ddim:50").people, card.region_factor("ddim:50", 9)) == (4, 1.3)
    for method in ("ddim:10", "ddpm:50", "ddim+guided:50"):
        assert (card.intervals(method).people, card.region_factor(method, 9)) == (0, 1.0)

    def warned(**asked: object) -> list[str]:
        plan = make_plan(noisy, Settings(model=str(folder), noise=0.1, **asked))
        return [text for text in plan.warnings if "calibrated for ddim:50" in text]

    assert not warned() and not warned(guidance=2.0)  # of which another warning tells
    assert "not for ddim:10: they may be far too narrow" in warned(steps=10)[0]
    assert warned(sampler="ddpm")


@pytest.mark.parametrize("samples", [2, 8])
def test_the_guards_find_noise_and_nothing_else(
    models: Path, noisy: mr.Volume, samples: int
) -> None:
    """The scan departs from a mean of n samples of its posterior by σ² − V·(1 − 1/n)."""
    plan = make_plan(
        noisy, Settings(model=NAME, noise=0.1, samples=samples, steps=40, sampler="ddpm")
    )
    model = load(find_card(NAME, "MR"))
    model.refiner = Exact(plan.noise.sigma / (STD * plan.scale))
    result = run_plan(plan, noisy, model=model)
    assert result.guards is not None
    assert result.guards.residual_ratio == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("steps", [3, 24])
def test_the_map_is_of_the_samples_themselves(models: Path, noisy: mr.Volume, steps: int) -> None:
    """Heun ends elsewhere than its last prediction: few steps show it."""
    result = mr.denoise(
        noisy, NAME, noise=0.1, samples=12, steps=steps, sampler="heun", keep_samples=True
    )
    inside = result.restored.array > 5 * result.std.array
    drawn = result.samples.std(axis=0, ddof=1) * math.sqrt(1 + 1 / 12)
    assert result.std.array[inside] == pytest.approx(drawn[inside], rel=1e-3)


def test_the_condition_is_the_noisy_scan_in_the_priors_units() -> None:
    family = FAMILIES["image"]
    prior, _ = networks(
        tiny_card(NAME, "MR")
        | {"family": "image", "predictor": {"mean": MEAN, "std": STD, "slices": 3}}
    )
    y = torch.full((2, 3, 4, 4), 100.0)
    y[:, 1] = 140.0
    c = Condition(y, torch.full((2, 1, 4, 4), 5.0), torch.full((1, 1, 1, 1), 200.0))
    told = family.condition(c, prior(c))
    channels = family.condition_channels({"predictor": {"slices": 3}})
    assert told.shape == (2, channels, 4, 4) == (2, 5, 4, 4)
    assert torch.allclose(told[:, 1], torch.tensor((140 - 100) / 40.0))
    assert torch.allclose(told[:, 0], torch.zeros(()))
    assert (told[:, -1] == 1).all()


def test_it_takes_its_own_sampler_and_steps(models: Path, noisy: mr.Volume) -> None:
    plan = make_plan(noisy, Settings(model=NAME, noise=0.1))
    assert plan.settings.method == "ddim:50" and plan.settings.steps == 50
    for samples, steps in ((0, 0), (1, 0), (8, 1)):
        with pytest.raises(ModelError, match="at least 2 samples of 2 steps"):
            make_plan(noisy, Settings(model=NAME, noise=0.1, samples=samples, steps=steps))
    with pytest.raises(ModelError, match="no model for MR"):
        find_card("auto", "MR")


def test_where_there_is_too_little_noise_the_scan_stays(models: Path, noisy: mr.Volume) -> None:
    sigma = np.full(SHAPE, 0.1, np.float32)
    sigma[:, :, :20] = 0.0
    noise = noisy.with_array(sigma)
    result = mr.denoise(noisy, NAME, noise=noise, samples=2, steps=2, keep_samples=True)
    kept = np.maximum(noisy.array[:, :, :20], 0)
    assert np.array_equal(result.restored.array[:, :, :20], kept)
    assert (result.std.array[:, :, :20] == 0).all() and (result.std.array[:, :, 20:] > 0).all()
    assert np.array_equal(result.samples[0][:, :, :20], kept)


def test_a_run_that_is_stopped_before_two_samples_has_no_image(
    models: Path, noisy: mr.Volume
) -> None:
    plan = make_plan(noisy, Settings(model=NAME, noise=0.1, samples=3, steps=2))
    before, after = (2 * (1 + 1 + samples) for samples in (1, 2))
    with pytest.raises(Cancelled):
        run_plan(plan, noisy, Stop(before))
    result = run_plan(plan, noisy, Stop(after))
    assert result.drawn == 2 and (result.std.array > 0).all()


def test_regions_are_measured_about_the_mean_of_the_samples(
    models: Path, noisy: mr.Volume, tmp_path: Path
) -> None:
    """With the arrays at hand, from kept samples alone, and drawn again."""
    mask = np.zeros(SHAPE, bool)
    mask[0, 8:24, 8:24] = True
    result = mr.denoise(noisy, NAME, noise=0.1, samples=3, steps=2, keep_samples=True)
    expected = result.restored.array[mask].mean()
    source, plan = noisy, result.plan
    for known in ({"samples": result.samples}, {}):
        found = Regions(plan, source, result.drawn, **known).measure(mask)
        assert found.mean == pytest.approx(expected, rel=1e-4)
        assert len(found.samples) == 3 and found.lower < found.mean < found.upper
    assert result.region(mask).mean == pytest.approx(expected, rel=1e-4)


def test_a_preview_takes_two_samples(models: Path, noisy: mr.Volume) -> None:
    """Without any there would be the prior's mean to look at, the same everywhere."""
    from medrestore.plugin.run import Request, restore

    settings = Settings(model=NAME, noise=0.1, samples=6, steps=2)
    asked = {"modality": "MR", "slices": (1,), "preview": True}
    request = Request(noisy.array, {"metadata": {}}, settings, **asked)
    outcome = restore(request, SILENT)
    assert outcome.planned.settings.samples == 6 and outcome.result.drawn == 2
    assert outcome.result.restored.array.std() > 0


def test_from_the_widget_and_the_command_line(
    models: Path, noisy: mr.Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert NAME in [value for _, value, _ in offered_models("MR")]
    plan = make_plan(noisy, Choices(Settings(model=NAME, noise=0.05)).settings)
    assert plan.settings.method == "ddim:50"
    scan = tmp_path / "scan.nii.gz"
    mr.write(noisy, scan)
    line = ["denoise", str(scan), "--modality", "MR", "--noise", "0.1", "--model", NAME]
    assert main([*line, "--samples", "2", "--steps", "3", "-o", str(tmp_path / "out")]) == 0
    record = json.loads(next((tmp_path / "out").rglob("*_run.json")).read_text())
    assert record["plan"]["settings"]["sampler"] == "ddim"
    assert record["plan"]["settings"]["steps"] == 3
    assert main([*line, "--samples", "0", "-o", str(tmp_path / "b")]) != 0
    assert "no image but the mean of its samples" in capsys.readouterr().err


def test_a_card_of_an_unknown_kind_says_so(models: Path) -> None:
    path = models / NAME / "configs" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"family": "magic"}))
    with pytest.raises(ModelError, match=r"family 'magic'.*residual, image"):
        _ = Card.read(models / NAME).samplers


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"family": "imgae"}, "family is one of residual, "),
        ({"family": "image", "depth": 8}, "depth"),
    ],
)
def test_a_config_that_cannot_be_trained_says_so(changes: dict, said: str) -> None:
    path = Path(__file__).parents[1] / "models" / "mr_slice_ddpm" / "configs" / "train.json"
    assert Config.read(path).family == "image"
    with pytest.raises(SettingsError, match=said):
        Config.read(path, changes)


def test_a_folder_takes_the_models_own_steps(
    models: Path, noisy: mr.Volume, tmp_path: Path
) -> None:
    mr.write(noisy, tmp_path / "in" / "scan.nii.gz")
    mr.denoise_folder(
        tmp_path / "in",
        tmp_path / "out",
        modality="MR",
        model=NAME,
        noise=0.1,
        samples=2,
        steps=None,
    )
    record = json.loads(next((tmp_path / "out").rglob("*_run.json")).read_text())
    assert record["plan"]["settings"]["steps"] == 50
