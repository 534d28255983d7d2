"""FID and KID of cases: whose features they are, and that only images make a difference."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.core.predictor import Condition
from medrestore.evaluation.features import encoder_for
from medrestore.evaluation.perception import frechet, perception
from medrestore.evaluation.report.files import find
from medrestore.models.model import find_card
from scans import AFFINE, body

pytestmark = pytest.mark.usefixtures("tiny_models")
SHAPE = (4, 40, 48)


@pytest.fixture(scope="module")
def reports(tiny_models: object) -> list[mr.Report]:
    """Three people; one method restores perfectly, one hardly."""
    encoder, found = encoder_for("MR"), []
    for i in range(3):
        rng = np.random.default_rng(i)
        clean = 400 * body(SHAPE) * (1 + 0.1 * i)
        scans = (clean, clean + 40 * rng.normal(size=SHAPE), clean + rng.normal(size=SHAPE) / 10)
        grid = mr.Geometry(SHAPE, AFFINE)
        reference, noisy, good = (mr.Volume(a, grid, "MR") for a in scans)
        methods = {"good": good, "none": noisy.with_array(noisy.array + 1e-3)}
        found.append(mr.evaluate(reference, noisy, methods, f"case {i}", encoder=encoder))
    return found


def test_the_better_images_are_nearer(reports: list[mr.Report]) -> None:
    noisy, good, none = perception(reports)
    assert [one.method for one in (noisy, good, none)] == ["noisy", "good", "none"]
    assert good.fid < 0.1 * noisy.fid
    assert good.kid < noisy.kid
    assert none.fid == pytest.approx(noisy.fid, rel=0.01)
    assert none.kid == pytest.approx(noisy.kid, rel=0.01, abs=1e-6)


def test_it_is_said_whose_features_they_are(reports: list[mr.Report]) -> None:
    card = find_card("mr_tiny", "MR")
    noisy = perception(reports)[0]
    assert (noisy.encoder, noisy.sha256) == ("mr_tiny", card.sha256)
    assert (noisy.slices, noisy.people, noisy.width) == (12, 3, 16)
    assert np.isnan(noisy.fid_limit)  # 12 slices for 16 features
    assert noisy.kid_lower <= noisy.kid <= noisy.kid_upper
    assert noisy.fid_lower < noisy.fid_upper
    assert find(reports).facts()["perception"][0]["sha256"] == card.sha256


def test_fid_is_that_of_the_features(reports: list[mr.Report]) -> None:
    parts = [report.features for report in reports]
    assert all(part is not None for part in parts)
    sets = [np.concatenate([p.images[k] for p in parts if p]) for k in ("reference", "noisy")]
    assert perception(reports)[0].fid == pytest.approx(frechet(*sets))


def test_one_person_has_distances_without_an_interval(reports: list[mr.Report]) -> None:
    alone = perception([replace(reports[0], person="ann")])[0]
    assert np.isfinite([alone.kid, alone.fid]).all()
    assert np.isnan([alone.kid_lower, alone.fid_lower]).all()


def test_without_an_encoder_there_is_nothing(reports: list[mr.Report]) -> None:
    assert perception([replace(report, features=None) for report in reports]) == ()


def test_features_are_means_of_the_deepest_stage_over_what_counts() -> None:
    encoder = encoder_for("MR")
    array = (400 * body(SHAPE)).astype(np.float32)
    counted = np.zeros(SHAPE, bool)
    counted[:, 8:24, 16:32] = True  # whole places of 8 × 8
    (found,) = encoder(array, counted, 400.0, [0])
    y = torch.from_numpy(array[[0, 0, 1]])[None]
    told = Condition(y, torch.full((1, 1, 40, 48), 12.0), torch.full((1, 1, 1, 1), 400.0))
    with torch.inference_mode():
        deep = encoder.predictor.encode(told)[0, :, 1:3, 2:4].mean(dim=(1, 2)).numpy()
    assert found == pytest.approx(deep, rel=1e-4, abs=1e-6)


def test_an_encoder_is_for_its_modality() -> None:
    scan = mr.Volume(400 * body(SHAPE), mr.Geometry(SHAPE, AFFINE), "MR")
    noisy = scan.with_array(scan.array + 1)
    with pytest.raises(mr.ModelError, match="is for CT"):
        mr.evaluate(scan, noisy, noisy, encoder=encoder_for("CT"))
