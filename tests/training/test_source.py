"""What is trained on: packed scans are the scans, synthesis takes its share of the draw."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.core.meter import SILENT
from medrestore.training.config import Config, Scan
from medrestore.training.loop import Schedule
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
    again = replace(
        config, data=str(packed.parent), scans=(replace(config.scans[0], file=packed.name),)
    )
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
