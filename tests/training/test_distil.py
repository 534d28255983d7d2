"""A model distilled to consistency, from the config to the restored scan, in miniature."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.errors import SettingsError
from medrestore.models.card import Card
from medrestore.models.model import find_card, load
from small import PEOPLE, quick, scan, trained, write_config
from tiny import write_tiny_prior

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    """A folder with the config of a student of ``mr_tiny``, trained, and what that left."""
    work = tmp_path_factory.mktemp("distil")
    teacher = find_card("mr_tiny", "MR").facts
    config = write_config(
        work,
        name="student",
        teacher="mr_tiny",
        predictor=teacher["predictor"],
        refiner=teacher["refiner"],
        stages={
            "fold": {"steps": 4, "every": 2},
            "consistency": {"steps": 6, "every": 2, "rate": 0.001},
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        trained(config)
    return work


def test_the_student_has_the_teachers_predictor_and_a_refiner_of_its_own(work: Path) -> None:
    card = Card.read(work / "models" / "student")
    student, teacher = load(card), load(find_card("mr_tiny", "MR"))
    for own, other in zip(
        student.predictor.parameters(), teacher.predictor.parameters(), strict=True
    ):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-6)  # half precision twice
    moved = [
        not torch.allclose(own, other, rtol=1e-3)
        for own, other in zip(
            student.refiner.parameters(), teacher.refiner.parameters(), strict=True
        )
    ]
    assert any(moved)
    training = card.facts["training"]
    assert training["teacher"] == "mr_tiny" and "--from" not in training["command"]
    assert training["stages"]["consistency"]["steps"] == 6
    assert card.samplers == ("consistency",)
    assert {*card.spectra.gains} == {"consistency:1", "consistency:2"}
    assert {*card.facts["intervals"]["factors"]} >= {"consistency:1", "consistency:2", "predictor"}
    curve = (work / "runs/student/consistency/curve.csv").read_text().splitlines()
    assert curve[0] == "step,minutes,loss,residual_power,sample_power,steps_per_s"
    assert len(curve) == 4


def test_training_goes_on_from_its_checkpoint_and_folds_of_the_teacher_are_used(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    before = load(Card.read(work / "models" / "student")).refiner.state_dict()
    again = load(Card.read(trained(work / "train.json"))).refiner.state_dict()
    assert all(torch.equal(before[key], again[key]) for key in before)

    for fold in (work / "runs/student").glob("fold_*"):
        shutil.copytree(fold, work / "runs/mr_tiny" / fold.name)
    folder = trained(work / "train.json", name="other")
    assert not [*(work / "runs/other").glob("fold_*")]
    card = Card.read(folder)
    assert [*card.facts["training"]["stages"]] == ["consistency"]
    assert card.facts["region_factors"]["people_held_out"] == len(PEOPLE)


def test_only_refiners_behind_a_predictor_are_distilled(work: Path, tmp_path: Path) -> None:
    prior = {"mean": 0.4, "std": 0.3, "slices": 1}
    folder = write_tiny_prior(tmp_path, "mr_prior", prior, "score") / "mr_prior"
    with pytest.raises(SettingsError, match="mr_prior is of family score"):
        trained(work / "train.json", name="none", teacher=str(folder))


def test_it_restores_and_samples_in_its_own_way(work: Path) -> None:
    clean = scan(5)
    noisy = mr.simulate(clean, noise=0.05, seed=3)
    result = mr.denoise(noisy, str(work / "models" / "student"), noise=0.05, samples=2, steps=1)
    assert result.plan.settings.method == "consistency:1"
    assert result.drawn == 2 and (result.std.array > 0).all()
    assert np.isfinite(result.restored.array).all()
