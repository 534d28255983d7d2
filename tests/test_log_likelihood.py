"""The likelihood of a scan by its public ways, in a world where it is known."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import medrestore as mr
from medrestore.cli import main
from medrestore.core.likelihood import EVALUATIONS, FIRST
from medrestore.engine import likelihood as home
from medrestore.errors import ModelError, SettingsError
from medrestore.modalities.mr import MR
from medrestore.models.model import Model, load
from meters import Counter
from tiny import write_tiny_prior

MEAN, STD, SCALE = 0.5, 0.2, 40.0
SHAPE = (3, 48, 40)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    folder = tmp_path_factory.mktemp("priors") / "models"
    for family, slices in (("score", 1), ("image", 3)):
        prior = {"mean": MEAN, "std": STD, "slices": slices}
        write_tiny_prior(folder, f"mr_{family}", prior, family)
    (folder / "mr_tiny").symlink_to(tiny_models / "mr_tiny")
    return folder


@pytest.fixture(autouse=True)
def those_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRESTORE_MODELS", str(models))


class Still(nn.Module):
    """White unit r: its velocity is 0, whatever z."""

    def forward(self, z_t: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        return 0 * z_t


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    def still(*arguments: object) -> Model:
        model = load(*arguments)
        model.refiner = Still()
        return model

    monkeypatch.setattr(home.MODELS, "get", still)
    monkeypatch.setattr(home, "modality_named", lambda name: replace(MR, fixed_scale=SCALE))


def scan(spread: float = STD) -> mr.Volume:
    rng = np.random.default_rng(0)
    array = SCALE * (MEAN + spread * rng.standard_normal(SHAPE))
    return mr.Volume(array.astype(np.float32), mr.Geometry(SHAPE, np.eye(4)), "MR")


@pytest.mark.parametrize("family", ["score", "image"])
def test_of_white_intensities_it_is_that_of_a_gaussian(family: str, world: None) -> None:
    """x/scale with smoothing is N(m, S²/cos²t); the log of its own density is −n/2 ± √(n/2)."""
    found = mr.log_likelihood(scan(), f"mr_{family}", slices=(0, 2), steps=4)
    voxels = math.prod(SHAPE[1:])
    unit = 0.5 * math.log(2 * math.pi * STD**2 / math.cos(FIRST) ** 2)
    assert found.slices == (0, 2) and found.model == f"mr_{family}"
    for nats, bits in zip(found.nats, found.bits_per_voxel, strict=True):
        assert nats == pytest.approx(-voxels * (unit + 0.5), abs=4 * math.sqrt(voxels / 2))
        assert bits == pytest.approx(-nats / voxels / math.log(2))
    assert found.smoothed == pytest.approx(STD * math.tan(FIRST))


def test_intensities_that_are_too_far_apart_are_less_likely(world: None) -> None:
    """E log p falls by n/2·(k² − 1) where the spread is k times as large."""
    usual, wide = (
        mr.log_likelihood(scan(spread), "mr_score", slices=(1,), steps=2).nats[0]
        for spread in (STD, 2 * STD)
    )
    voxels = math.prod(SHAPE[1:])
    assert usual - wide == pytest.approx(voxels / 2 * 3, rel=0.1)


def test_a_network_is_evaluated_as_often_as_announced_and_repeats_itself() -> None:
    volume, meter = scan(), Counter()
    first = mr.log_likelihood(volume, "mr_score", slices=(1,), steps=3, probes=2, progress=meter)
    assert meter.ticks == meter.total == 2 * 3 * EVALUATIONS
    again = mr.log_likelihood(volume, "mr_score", slices=(0, 1), steps=3, probes=2)
    assert again.nats[1] == first.nats[0]
    other = mr.log_likelihood(volume, "mr_score", slices=(1,), steps=3, probes=2, seed=1)
    assert other.nats[0] != first.nats[0]


def test_a_slice_as_large_as_a_window() -> None:
    volume = scan()
    part = mr.Volume(volume.array[:, :32, :32].copy(), mr.Geometry((3, 32, 32), np.eye(4)), "MR")
    assert np.isfinite(mr.log_likelihood(part, "mr_score", slices=(1,), steps=2).nats).all()


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"model": "mr_tiny"}, ModelError, "no prior of its own"),
        ({"slices": (3,)}, SettingsError, "slices 0…2"),
        ({"slices": ()}, SettingsError, "slices 0…2"),
        ({"steps": 1}, SettingsError, "steps is at least 2"),
        ({"probes": 0}, SettingsError, "probes at least 1"),
    ],
)
def test_what_cannot_be_said_is_refused(asked: dict, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        mr.log_likelihood(scan(), **({"model": "mr_score"} | asked))


def test_of_a_series_in_time_one_point_is_asked_for() -> None:
    series = mr.Volume(scan().array[None], scan().geometry, "MR")
    with pytest.raises(SettingsError, match="time_point"):
        mr.log_likelihood(series, "mr_score")


def test_a_cpu_that_stands_in_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from medrestore.engine import likelihood
    from medrestore.engine.device_check import Place

    said = "cuda does not compute what the CPU computes; the CPU is used"
    monkeypatch.setattr(likelihood, "place_of", lambda *_: Place("cpu", "float32", (said,)))
    with pytest.warns(mr.MedrestoreWarning, match="the CPU is used"):
        found = mr.log_likelihood(scan(), "mr_score", slices=(1,), steps=2)
    assert found.warnings == (said,)
    path = tmp_path / "scan.nii.gz"
    mr.write(scan(), path)
    line = ["likelihood", str(path), "--modality", "MR", "--model", "mr_score", "--slices", "1"]
    assert main([*line, "--steps", "2"]) == 0
    assert f"note  {said}" in capsys.readouterr().out


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.nii.gz"
    mr.write(scan(), path)
    line = ["likelihood", str(path), "--modality", "MR", "--model", "mr_score", "--slices", "1"]
    assert main([*line, "--steps", "3", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    expected = mr.log_likelihood(mr.read(path, "MR"), "mr_score", slices=(1,), steps=3)
    assert facts["slices"][0]["nats"] == expected.nats[0]
    assert main([*line, "--steps", "3"]) == 0
    assert f"{expected.bits_per_voxel[0]:.3f}" in capsys.readouterr().out
    assert main([*line, "--steps", "1"]) == 2
