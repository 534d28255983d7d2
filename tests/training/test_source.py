"""What is trained on: packed scans are the scans, synthesis takes its share of the draw."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.core.meter import SILENT
from medrestore.training.config import Config, Scan
from medrestore.training.data import Stack
from medrestore.training.loop import Schedule
from medrestore.training.pairs import Pairs
from medrestore.training.source import SYNTHETIC, pack, stacks_by_person


@pytest.fixture
def config(tmp_path: Path) -> Config:
    rng = np.random.default_rng(0)
    array = rng.gamma(4, 60, (10, 160, 140)).astype(np.float32)
    mr.write(mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "MR"), tmp_path / "a.nii.gz")
    return Config(
        name="x",
        modality="MR",
        summary="",
        data=str(tmp_path),
        scans=(Scan("a.nii.gz", "a", weight=2.0),),
        noise=(0.01, 0.1),
        sigma_range=(0.01, 0.1),
        predictor={"slices": 3, "widths": [8], "blocks": 1},
        refiner={},
        stages={"predictor": Schedule()},
        patch=64,
    )


def test_packed_scans_are_the_scans(config: Config, tmp_path: Path) -> None:
    read = stacks_by_person(config, tmp_path, SILENT)["a"]
    (packed,) = pack(config, tmp_path / "packed")
    again = replace(config, data=str(packed.parent))
    unpacked = stacks_by_person(again, tmp_path, SILENT)["a"]
    assert len(unpacked) == len(read)
    for one, other in zip(read, unpacked, strict=True):
        assert one.weight == pytest.approx(other.weight)
        assert one.scale == pytest.approx(other.scale)
        assert np.abs(one.array - other.array).max() < 0.002 * one.scale


def test_synthesis_takes_its_share_of_the_draw(config: Config, tmp_path: Path) -> None:
    shares = {"dead_leaves": 0.1, "label_map": 0.2}
    people = stacks_by_person(
        replace(config, synthetic=shares, synthetic_stacks=3), tmp_path, SILENT
    )
    weight = {person: sum(s.weight for s in group) for person, group in people.items()}
    assert weight[SYNTHETIC] / sum(weight.values()) == pytest.approx(0.3)


def test_configs_travel_as_json(config: Config, tmp_path: Path) -> None:
    from dataclasses import asdict

    path = tmp_path / "c.json"
    path.write_text(json.dumps(asdict(config)))
    assert Config.read(path) == config


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_noise_aware_pairs_tell_all_the_noise(config: Config, modality: str) -> None:
    rng = np.random.default_rng(1)
    array = np.full((5, 70, 70), 500, np.float32)
    bank = rng.standard_normal((1, 2, 5, 70, 70)).astype(np.float16)
    gain = np.ones((2, 5, 70, 70), np.float16)
    stack = Stack(array, 1000.0, noise=bank, gain=gain, noise_std=20.0)
    plain = {"clipped": 0, "padded": 0} if modality == "CT" else {"with_g_factor": 0}
    plain |= {"correlated": 0, "several_coils": 0} if modality == "MR" else {}
    facts = replace(
        config,
        modality=modality,
        noise=(30, 30) if modality == "CT" else (0.03, 0.03),
        corruption=plain,
        noise_aware=True,
    )
    stack = stack if modality == "CT" else replace(stack, noise=None, gain=None)
    pair = Pairs(facts, [stack], 0).draw()
    assert pair.target_std is not None
    sigma, scale = pair.condition.sigma, pair.condition.scale
    added = 30.0 if modality == "CT" else (sigma.square() - 20**2).sqrt()
    assert sigma.mean().item() == pytest.approx(float(np.hypot(np.mean(added), 20)), rel=0.02)
    share = (20 / np.asarray(added)) ** 2
    assert np.asarray(pair.target_std) == pytest.approx(20 * np.sqrt(1 + share), rel=0.02)
    assert scale.shape == (8, 1, 1, 1)
