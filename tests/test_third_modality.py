"""A modality of one's own: registered, planned, restored, saved, evaluated and opened again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore import modalities
from medrestore.api import make_plan, run_plan
from medrestore.core.families import networks
from medrestore.core.noise_level import Estimator, NoiseEstimate
from medrestore.core.residual_score import GAUSSIAN
from medrestore.engine.plan_text import noise_in_words
from medrestore.errors import ModalityError, ModelError, SettingsError
from medrestore.modalities.modality import Display, Evaluation, Modality
from medrestore.modalities.noise import NoiseLimits, NoiseModel
from medrestore.models.card import Card
from medrestore.settings.noise import given_noise
from medrestore.training.finish import write_bundle
from medrestore.volume import Source
from tiny import speak, tiny_card

SHAPE, SIGMA, SCALE = (3, 48, 40), 120.0, 4000.0
FLOOR = 10.0
"""Bq/ml that no restored voxel is below."""


def differences(array: np.ndarray, *_: object) -> NoiseEstimate:
    """σ from differences of neighbours, as scans without edges allow."""
    std = float(np.std(np.diff(array, axis=-1)) / np.sqrt(2))
    return NoiseEstimate(std, None, "differences of neighbours")


PT = Modality(
    name="PT",
    unit="Bq/ml",
    lowest=FLOOR,
    fixed_scale=SCALE,
    body=100.0,
    noise=NoiseModel(
        estimator=Estimator(differences, lambda std, *_: NoiseEstimate(std, None, "region")),
        residual=GAUSSIAN,
        limits=NoiseLimits(weaker=0.8, stronger=1.2),
    ),
    display=Display(window=(0.0, 5000.0)),
    evaluation=Evaluation(counted=(100.0, 20000.0)),
)


@pytest.fixture
def pt(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """PT is registered, and a folder holds a model of it."""
    modalities.register(PT)
    card = tiny_card("pt_tiny", "PT")
    torch.manual_seed(0)
    predictor, refiner = networks(card)
    speak(predictor, refiner)
    write_bundle(tmp_path / "models" / "pt_tiny", card, predictor, refiner)
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    yield tmp_path
    modalities.unregister("PT")


def scan() -> mr.Volume:
    """Uptake that falls from left to right, lower than the floor at the right."""
    noise = SIGMA * np.random.default_rng(0).standard_normal(SHAPE)
    array = np.broadcast_to(np.linspace(3000, 0, SHAPE[2]), SHAPE) + noise
    source = Source(name="uptake")
    geometry = mr.Geometry(SHAPE, np.diag([4.0, 2, 2, 1]))
    return mr.Volume(array.astype(np.float32), geometry, "PT", "Bq/ml", source)


def test_it_is_planned_restored_and_saved(pt: Path) -> None:
    plan = make_plan(scan(), mr.Settings(samples=2, steps=2, device="cpu"))
    assert (plan.model, plan.modality, plan.scale) == ("pt_tiny", "PT", SCALE)
    assert plan.noise.sigma == pytest.approx(SIGMA, rel=0.1)
    assert noise_in_words(plan).startswith(f"σ {plan.noise.sigma:.3g} Bq/ml; estimated")
    assert "differences of neighbours" in plan.noise.source
    result = run_plan(plan, scan())
    assert result.restored.modality == "PT"
    assert result.restored.unit == "Bq/ml"
    assert result.restored.array.min() == FLOOR  # reached, and never undercut
    assert result.lower.array.min() == FLOOR
    assert result.guards is not None
    paths = result.save(pt / "out")
    assert [path for path in paths if path.name == "uptake_restored.nii.gz"]
    again = mr.read(pt / "out" / "uptake_restored.nii.gz", "PT")
    assert (again.modality, again.unit) == ("PT", "Bq/ml")
    np.testing.assert_allclose(again.array, result.restored.array, rtol=1e-5)


def test_its_noise_is_said_in_its_unit(pt: Path) -> None:
    assert given_noise("150 Bq/ml", "PT") == given_noise(150, "PT") == (150, False)
    plan = make_plan(scan(), mr.Settings(samples=0, noise=150.0, device="cpu"))
    assert plan.noise.source == "given: 150 Bq/ml"
    with pytest.raises(SettingsError, match="noise of PT is in Bq/ml"):
        given_noise("20 HU", "PT")
    with pytest.raises(SettingsError, match="noise of PT is in Bq/ml"):
        given_noise("5%", "PT")
    with pytest.raises(SettingsError, match="noise of CT is in HU"):
        given_noise("5 Bq/ml", "CT")


def test_it_is_evaluated(pt: Path) -> None:
    clean = scan().with_array(np.broadcast_to(np.linspace(3000, 0, SHAPE[2]), SHAPE))
    result = mr.denoise(scan(), samples=0, device="cpu")
    report = mr.evaluate(clean, scan(), result)
    assert report.unit == "Bq/ml"
    assert report.fidelity[0].window.data_range == 19900


def test_what_it_does_not_say_is_refused(pt: Path) -> None:
    with pytest.raises(SettingsError, match="noise of PT is not simulated"):
        mr.simulate(scan(), noise=0.05)
    with pytest.raises(SettingsError, match="no model of PT is trained"):
        _ = PT.trained


def test_without_it_model_and_scan_are_refused(pt: Path) -> None:
    card = Card.read(pt / "models" / "pt_tiny")
    assert card.modality == "PT"
    modalities.unregister("PT")
    try:
        with pytest.raises(ModelError, match=r"pt_tiny is for modality 'PT', .* knows CT, MR"):
            _ = card.modality
        with pytest.raises(ModalityError, match="'PT'; medrestore restores 'CT' and 'MR'"):
            modalities.modality_named("PT")
    finally:
        modalities.register(PT)
