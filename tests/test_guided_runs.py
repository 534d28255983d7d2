"""Guidance from settings to samples: exact on a Gaussian world, counted, recorded, told of."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.citations.citing import citations
from medrestore.cli import main
from medrestore.core.diffusion import v_hat
from medrestore.core.intervals import Intervals
from medrestore.engine.plan import Plan
from medrestore.engine.samples import guided
from medrestore.errors import ModelError, SettingsError
from medrestore.models.model import find_card, load
from medrestore.plugin.requests import Choices, command_line, python_lines
from medrestore.results.record import read_record
from medrestore.settings.settings import Settings
from meters import Counter, Stop
from tiny import write_tiny_prior

MEAN, STD, SIGMA = 2.0, 0.2, 0.1
SHAPE = (2, 40, 32)
PRIORS = {"image": 3, "score": 1}
"""Slices that models of the family read."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    """One model of each family that knows what it would say untold, and one that does not."""
    folder = tmp_path_factory.mktemp("guided") / "models"
    for family, slices in PRIORS.items():
        prior = {"mean": MEAN, "std": STD, "slices": slices}
        white = {"variance": 1.0, "density": [1.0] * 8, "along_z": 0.0}
        spectra = {"angles": [math.pi / 2], "spectra": [white]}
        factors = {"ddim:50": [[7.0, 8.0, 9.0, 10.0]] * 2}
        intervals = {"relative_sigma": [0.01, 0.1], "people": 1, "factors": factors}
        name = f"mr_{family}"
        write_tiny_prior(folder, name, prior, family, spectra=spectra, intervals=intervals)
    (folder / "mr_tiny").symlink_to(tiny_models / "mr_tiny")
    return folder


@pytest.fixture(autouse=True)
def those_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRESTORE_MODELS", str(models))


@pytest.fixture(scope="module")
def noisy() -> mr.Volume:
    """White intensities, so far above the noise that magnitudes have no bias; scale about 1."""
    rng = np.random.default_rng(0)
    clean = MEAN + STD * rng.standard_normal(SHAPE)
    array = (clean + SIGMA * rng.standard_normal(SHAPE)).astype(np.float32)
    return mr.Volume(array, mr.Geometry(SHAPE, np.eye(4)), "MR")


class Untold(nn.Module):
    """White unit r, of which E[r | z_t] = cos t·z_t: the velocity of its mean is 0 everywhere."""

    def forward(self, z_t: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(z_t)


def posterior(noisy: mr.Volume, plan: Plan, tempered: float = 1.0) -> tuple[np.ndarray, float]:
    """Mean and std of x ~ N(m, S²) given y = x + σ n, the likelihood to a power."""
    sigma, spread = plan.noise.sigma / math.sqrt(tempered), STD * plan.scale
    share = spread**2 / (sigma**2 + spread**2)
    y = np.sqrt(noisy.array**2 - plan.noise.sigma**2)
    return share * y + (1 - share) * MEAN * plan.scale, sigma * math.sqrt(share)


@pytest.mark.parametrize(
    ("family", "guidance", "measurement"),
    [("image", 0.0, 1.0), ("score", 0.0, 1.0), ("score", 1.0, 0.0), ("image", 0.0, 0.5)],
)
def test_samples_are_those_of_the_posterior(
    family: str, guidance: float, measurement: float, noisy: mr.Volume
) -> None:
    """An unconditional model, and the scan by way of its likelihood or of the angle."""
    settings = Settings(
        model=f"mr_{family}",
        noise=SIGMA / 2.4,
        samples=25,
        steps=24,
        sampler="heun",
        guidance=guidance,
        measurement=measurement,
    )
    plan = make_plan(noisy, settings)
    model = load(find_card(f"mr_{family}", "MR"))
    model.refiner = Untold()
    result = run_plan(plan, noisy, model=model)
    expected, std = posterior(noisy, plan, measurement or 1.0)
    off = result.restored.array - expected
    assert abs(off.mean()) < 0.03 * std
    assert off.std() == pytest.approx(std / math.sqrt(25), rel=0.1)
    stated = math.sqrt((result.std.array**2).mean())
    assert stated == pytest.approx(std * math.sqrt(1 + 1 / 25), rel=0.04)


@pytest.mark.parametrize(("guidance", "times"), [(1.0, 1), (0.0, 1), (2.0, 2)])
def test_both_evaluations_are_counted(guidance: float, times: int, noisy: mr.Volume) -> None:
    settings = Settings(model="mr_image", noise=0.05, samples=2, steps=3, guidance=guidance)
    plan, meter = make_plan(noisy, settings), Counter()
    run_plan(plan, noisy, meter)
    assert meter.ticks == meter.total == plan.evaluations == len(noisy.array) * (1 + times * 5)


def test_what_is_off_changes_nothing(noisy: mr.Volume) -> None:
    def denoiser(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        return z_t

    class Frame:
        plan = make_plan(noisy, Settings(model="mr_tiny", noise=0.05, samples=1))
        engine = load(find_card("mr_tiny", "MR"))
        meter = None

    assert guided(denoiser, Frame(), [0], (None, None), None) is denoiser
    assert Frame.plan.settings.method == "moment-matched:2" and not Frame.plan.warnings


def test_measurement_leads_samples_of_a_residual_towards_the_scan(noisy: mr.Volume) -> None:
    def distance(weight: float) -> float:
        restored = mr.denoise(
            noisy, "mr_tiny", noise=0.05, samples=4, steps=3, estimate="sample", measurement=weight
        ).restored.array
        return float(np.sqrt(np.mean((restored - noisy.array) ** 2)))

    alone, some, most = distance(0.0), distance(1.0), distance(100.0)
    assert most < 0.5 * some < 0.5 * alone


def test_guided_samples_take_no_calibrated_factors_and_say_so(noisy: mr.Volume) -> None:
    asked = Settings(model="mr_image", noise=0.05, samples=2, guidance=2.0)
    plan = make_plan(noisy, asked)
    assert plan.settings.method == "ddim+guided:50"
    assert "not calibrated" in " ".join(plan.warnings)
    card = find_card("mr_image", "MR")
    assert card.intervals(plan.settings.method) == Intervals.gaussian()
    assert card.intervals("ddim:50") != Intervals.gaussian()
    karras = Settings(sampler="ddim", steps=3, schedule="karras", measurement=1.0)
    assert karras.method == "ddim@karras+guided:3"


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"guidance": -1.0}, SettingsError, "guidance is a weight in 0"),
        ({"measurement": math.nan}, SettingsError, "measurement is a weight in 0"),
        ({"measurement": 1.0, "samples": 0}, SettingsError, "samples=0"),
        ({"guidance": 2.0}, ModelError, "untold of the scan"),
        ({"measurement": 1.0, "steps": 1}, ModelError, "at least 2 steps"),
    ],
)
def test_what_cannot_be_guided_is_refused(
    asked: dict, error: type[Exception], says: str, noisy: mr.Volume
) -> None:
    with pytest.raises(error, match=says):
        mr.denoise(noisy, "mr_tiny", noise=0.05, **asked)


def test_a_sampler_that_makes_samples_is_not_guided() -> None:
    card = find_card("mr_tiny", "MR")
    with pytest.raises(ModelError, match="only predicted means"):
        card.check_guidance("consistency", 2, 1.0, 1.0)
    card.check_guidance("consistency", 2, 1.0, 0.0)


def test_a_record_holds_it_and_is_run_again(
    noisy: mr.Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, out = tmp_path / "scan.nii.gz", tmp_path / "out"
    mr.write(noisy, scan)
    line = ["denoise", str(scan), "--modality", "MR", "--noise", "0.05", "--model", "mr_score"]
    line += ["--samples", "2", "--steps", "3", "--guidance", "2", "--measurement", "0.5"]
    assert main([*line, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "guidance 2, measurement 0.5" in said and "not calibrated" in said
    record = out / "scan_run.json"
    assert json.loads(record.read_text())["plan"]["settings"]["guidance"] == 2
    again = run_plan(*read_record(record))
    assert np.array_equal(again.restored.array, mr.read(out / "scan_restored.nii.gz", "MR").array)
    cited = {one.reference.key for one in citations(record)}
    assert {"ho2022", "song2023guided", "chung2023", "kawar2021", "efron2011"} <= cited


def test_from_the_widget() -> None:
    choices = Choices(Settings(model="mr_image", guidance=1.5, measurement=0.5))
    assert "guidance=1.5, measurement=0.5" in python_lines(None, choices)
    assert "--guidance 1.5 --measurement 0.5" in command_line(None, choices)
    assert "guidance" not in python_lines(None, Choices())


def test_the_velocity_of_the_world_above_is_that_of_its_mean() -> None:
    z, t = torch.randn(1, 1, 3, 3), 0.7
    v = Untold()(z, torch.tensor([t]), z[:, :0])
    assert torch.allclose(v, v_hat(z, math.cos(t) * z, t), atol=1e-6)


def test_a_guided_run_stopped_before_its_first_sample_is_rerun(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    array = (100 + rng.normal(0, 5, (2, 40, 36))).astype(np.float32)
    scan = mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "MR")
    mr.write(scan, tmp_path / "scan.nii.gz")
    volume = mr.read(tmp_path / "scan.nii.gz", "MR")
    settings = Settings(model="mr_tiny", noise=0.05, samples=2, measurement=1.0)
    result = run_plan(make_plan(volume, settings), volume, Stop(8))
    assert result.drawn == 0
    result.save(tmp_path / "out")
    again = mr.rerun(next((tmp_path / "out").glob("*_run.json")), tmp_path / "scan.nii.gz")
    assert np.array_equal(again.restored.array, result.restored.array)
    assert np.array_equal(again.std.array, result.std.array)
