"""A model whose refiner makes samples: how it is asked for, and what a sample of it costs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.cli import main
from medrestore.core.meter import SILENT
from medrestore.errors import ModelError
from medrestore.models.card_page import page
from medrestore.models.model import find_card
from medrestore.plugin.preferences import offered_models
from medrestore.plugin.requests import Choices
from medrestore.settings.settings import Settings
from meters import Counter

NAME = "a_consistency"


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``mr_tiny`` and the same weights said to be distilled, first in the alphabet."""
    for name in ("mr_tiny", NAME):
        shutil.copytree(tiny_models / "mr_tiny", tmp_path / "models" / name)
    path = tmp_path / "models" / NAME / "configs" / "card.json"
    facts = json.loads(path.read_text()) | {"name": NAME, "samplers": ["consistency"]}
    path.write_text(json.dumps(facts))
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def noisy() -> mr.Volume:
    rng = np.random.default_rng(0)
    array = 100 + rng.normal(0, 5, (4, 40, 36)).cumsum(1)
    return mr.Volume(array.astype(np.float32), mr.Geometry((4, 40, 36), np.eye(4)), "MR")


def test_auto_never_picks_it(models: Path) -> None:
    assert find_card("auto", "MR").name == "mr_tiny"
    shutil.rmtree(models / "mr_tiny")
    with pytest.raises(ModelError, match=f"no model for MR; there are: {NAME}"):
        find_card("auto", "MR")


def test_its_sampler_is_its_own(models: Path, noisy: mr.Volume) -> None:
    plan = make_plan(noisy, Settings(model=NAME, noise=0.05))
    assert plan.settings.sampler == "consistency" and plan.settings.method == "consistency:2"
    named = make_plan(noisy, Settings(model=NAME, noise=0.05, sampler="consistency"))
    assert named.settings == plan.settings
    assert make_plan(noisy, Settings(noise=0.05)).settings.sampler == "moment-matched"
    with pytest.raises(ModelError, match=r"not serve sampler 'ddim'.*use sampler consistency,"):
        make_plan(noisy, Settings(model=NAME, sampler="ddim", noise=0.05))
    with pytest.raises(ModelError, match=r"mr_tiny does not serve.*use sampler moment-matched, dd"):
        make_plan(noisy, Settings(sampler="consistency", noise=0.05))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_nothing_is_shared_between_samples(models: Path, noisy: mr.Volume, steps: int) -> None:
    settings = Settings(model=NAME, noise=0.05, samples=3, steps=steps, keep_samples=True)
    plan, meter = make_plan(noisy, settings), Counter()
    result = run_plan(plan, noisy, meter)
    assert meter.ticks == plan.evaluations == len(noisy.array) * (4 + 3 * steps)
    assert result.samples is not None
    assert not np.allclose(result.samples[0], result.samples[1])
    fewer = make_plan(noisy, Settings(**{**vars(settings), "samples": 1}))
    assert np.array_equal(run_plan(fewer, noisy, SILENT).samples[0], result.samples[0])


def test_regions_rest_on_the_samples_of_one_step(models: Path, noisy: mr.Volume) -> None:
    mask = np.zeros(noisy.array.shape, bool)
    mask[1:3, 10:20, 10:20] = True
    for model, samples in ((NAME, 3), ("mr_tiny", 0)):  # one step of a mean is the closed form
        result = mr.denoise(noisy, model, noise=0.05, samples=3, steps=1)
        assert len(result.region(mask).samples) == samples


def test_one_step_asks_the_network(models: Path, noisy: mr.Volume) -> None:
    """The same noise through other weights gives another sample; a mean's one step would not."""
    from medrestore.models.model import load

    settings = Settings(model=NAME, noise=0.05, samples=1, steps=1, keep_samples=True)
    plan, model = make_plan(noisy, settings), load(find_card(NAME, "MR"))
    first = run_plan(plan, noisy, model=model).samples
    for parameter in model.refiner.parameters():
        parameter.data *= 1.5
    assert not np.allclose(run_plan(plan, noisy, model=model).samples, first)


def test_from_the_widget(models: Path, noisy: mr.Volume) -> None:
    """Chosen by its name, with the sampler left automatic or chosen too."""
    offered = [value for _, value, _ in offered_models("MR")]
    assert NAME in offered
    for settings in (Settings(model=NAME), Settings(model=NAME, sampler="consistency")):
        plan = make_plan(noisy, Choices(settings).settings)
        assert plan.settings.method == "consistency:2"


def test_its_page_says_how_it_samples(models: Path) -> None:
    facts = json.loads((models / NAME / "configs" / "card.json").read_text())
    figures = {"method": "consistency:1", "noise": 0.03, "psnr_mean": 36.8, "sample_ratio": 1.02}
    regions = {"cover90": 0.9, "ratio_16": 0.98, "cover90_16": 0.912}
    facts["evaluation"] = {
        "measure": "samples", "command": "c", "date": "d", "machine": "m", "seed": 0,
        "rows": [{"scan": "one", **figures, **regions}],
    }  # fmt: skip
    said = page(facts)
    assert "| samplers | consistency |" in said
    assert "distilled from | the refiner of another model" in said
    assert "| one | 3% | consistency:1 | 36.80 | 1.02 | 0.900 | 0.98, 0.912 |" in said


def test_on_the_command_line(
    models: Path, noisy: mr.Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = tmp_path / "scan.nii.gz"
    mr.write(noisy, scan)
    line = ["denoise", str(scan), "--modality", "MR", "--noise", "0.05", "--samples", "2"]
    assert main([*line, "--model", NAME, "--steps", "1", "-o", str(tmp_path / "out")]) == 0
    record = json.loads(next((tmp_path / "out").rglob("*_run.json")).read_text())
    assert record["plan"]["settings"]["sampler"] == "consistency"
    assert main([*line, "--model", NAME, "--sampler", "heun", "-o", str(tmp_path / "b")]) != 0
    assert "use sampler consistency" in capsys.readouterr().err
