"""A model distilled to consistency, from the config to the restored scan, in miniature."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.models import Card, find_card, load
from medrestore.training.run import train

pytestmark = pytest.mark.slow

PEOPLE = ("a", "b")


def shapes(seed: int) -> np.ndarray:
    """Slices of random rectangles."""
    rng = np.random.default_rng(seed)
    array = np.full((10, 64, 64), 200.0, np.float32)
    for _ in range(40):
        z, y, x = rng.integers(0, (6, 40, 40))
        array[z : z + 6, y : y + rng.integers(8, 24), x : x + 16] = rng.uniform(50, 1000)
    return array


def scan(seed: int) -> mr.Volume:
    return mr.Volume(shapes(seed), mr.Geometry((10, 64, 64), np.diag([4.0, 1, 1, 1])), "MR")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    """A folder with the config of a student of ``mr_tiny``, trained, and what that left."""
    work = tmp_path_factory.mktemp("distil")
    for seed, name in enumerate(PEOPLE):
        mr.write(scan(seed), work / "data" / f"{name}.nii.gz")
    teacher = find_card("mr_tiny", "MR").facts
    facts = {
        "name": "student",
        "modality": "MR",
        "summary": "for a test",
        "teacher": "mr_tiny",
        "data": str(work / "data"),
        "scans": [{"file": f"{n}.nii.gz", "person": n} for n in PEOPLE],
        "noise": [0.02, 0.1],
        "corruption": {"correlated": 0, "several_coils": 0, "with_g_factor": 0},
        "sigma_range": [0.01, 0.12],
        "predictor": teacher["predictor"],
        "refiner": teacher["refiner"],
        "patch": 32,
        "batch": 4,
        "stages": {
            "fold": {"steps": 4, "every": 2},
            "consistency": {"steps": 6, "every": 2, "rate": 0.001},
        },
    }
    (work / "train.json").write_text(json.dumps(facts))
    with pytest.MonkeyPatch.context() as patch:
        distil(work, patch)
    return work


def distil(work: Path, patch: pytest.MonkeyPatch, **changes: object) -> Path:
    patch.setattr("medrestore.training.trainings.can_compile", lambda depth: False)
    patch.setattr("medrestore.training.finish.LEVELS", {"MR": (0.05,)})
    return train(
        work / "train.json", runs=work / "runs", models=work / "models", changes=dict(changes)
    )


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
    assert curve[0] == "step,minutes,loss,residual_power,sample_power" and len(curve) == 4


def test_training_goes_on_from_its_checkpoint_and_folds_of_the_teacher_are_used(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load(Card.read(work / "models" / "student")).refiner.state_dict()
    again = load(Card.read(distil(work, monkeypatch))).refiner.state_dict()
    assert all(torch.equal(before[key], again[key]) for key in before)

    for fold in (work / "runs/student").glob("fold_*"):
        shutil.copytree(fold, work / "runs/mr_tiny" / fold.name)
    folder = distil(work, monkeypatch, name="other")
    assert not [*(work / "runs/other").glob("fold_*")]
    card = Card.read(folder)
    assert [*card.facts["training"]["stages"]] == ["consistency"]
    assert card.facts["region_factors"]["people_held_out"] == len(PEOPLE)


def test_it_restores_and_samples_in_its_own_way(work: Path) -> None:
    clean = scan(5)
    noisy = mr.simulate(clean, noise=0.05, seed=3)
    result = mr.denoise(noisy, str(work / "models" / "student"), noise=0.05, samples=2, steps=1)
    assert result.plan.settings.method == "consistency:1"
    assert result.drawn == 2 and (result.std.array > 0).all()
    assert np.isfinite(result.restored.array).all()
