"""What is trained on: packed scans are the scans, synthesis takes its share of the draw."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import medrestore as mr
from medrestore.cli import main
from medrestore.core.meter import SILENT
from medrestore.training.config import Config, Scan
from medrestore.training.ct_noise import Kernel
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
    path = tmp_path / "c.json"
    path.write_text(config.to_json())
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
    added = torch.full_like(sigma, 30.0) if modality == "CT" else 0.03 * scale.expand_as(sigma)
    assert torch.allclose(sigma, torch.hypot(added, torch.tensor(20.0)), rtol=0.02)
    assert torch.allclose(pair.target_std, 20 * (1 + (20 / added) ** 2).sqrt(), rtol=0.02)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dropped_neighbours_show_the_same_noise_again(config: Config, modality: str) -> None:
    """As beyond the ends of a scan that is restored: the noisy slices, mirrored, not clean ones."""
    array = np.random.default_rng(0).gamma(9, 60, (20, 70, 70)).astype(np.float32)
    bank = np.random.default_rng(1).standard_normal((2, 2, 20, 70, 70)).astype(np.float16)
    stack = Stack(array, 1000.0, noise=bank, gain=np.ones((2, 20, 70, 70), np.float16))
    facts = replace(
        config,
        modality=modality,
        noise=(30, 30) if modality == "CT" else (0.03, 0.03),
        predictor={"slices": 7, "widths": [8], "blocks": 1},
        noise_aware=True,  # contrasts stay
        corruption={} if modality == "CT" else {"correlated": 0.0, "several_coils": 0.0},
        neighbours_dropped=1.0,
        batch=40,
    )
    stack = stack if modality == "CT" else replace(stack, noise=None, gain=None)
    seen = Pairs(facts, [stack], 0).draw().condition.y
    one, other = torch.triu_indices(7, 7, offset=1)
    apart = (seen[:, one] - seen[:, other]).abs().flatten(2)
    repeated, similar = (apart == 0).all(dim=2), apart.mean(dim=2) < 80
    assert torch.equal(repeated, similar)  # no clean slice with other noise
    assert 0.2 < repeated.any(dim=1).float().mean() <= 1
    beside = (other - one == 1) & (one > 0) & (other < 6)
    alone = repeated.all(dim=1)
    assert torch.equal(
        repeated[:, beside].any(dim=1), alone
    )  # a mirror shows no slice twice in a row


@pytest.fixture
def ct(config: Config, tmp_path: Path) -> Config:
    """A noisy body in the air that was set to −1000, wide enough for a field of view."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :180].astype(np.float32)
    body = ((y - 90) / 70) ** 2 + ((x - 90) / 80) ** 2 < 1
    noise = ndimage.gaussian_filter(rng.standard_normal((3, 200, 180)), (0, 0.7, 0.7))
    array = np.where(body, 40 + 20 * noise / noise.std(), -1000).astype(np.float32)
    mr.write(mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "CT"), tmp_path / "c.nii.gz")
    return replace(
        config, modality="CT", scans=(Scan("c.nii.gz", "c"),), noise=(4.0, 120.0), noise_aware=True
    )


def test_own_noise_of_ct_is_that_of_the_new_pixels(
    ct: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Estimated after resizing, never above the scan's own, and none in air and couch."""
    monkeypatch.setattr("medrestore.training.source.KERNELS", (Kernel(0.8), Kernel(1.7)))
    monkeypatch.setattr("medrestore.training.source.FIELD_OF_VIEW", (1.3, 1.3))
    monkeypatch.setattr("medrestore.training.source.COUCHES", 1.0)
    own, binned = stacks_by_person(ct, tmp_path / "banks", SILENT)["c"]
    assert own.noise_std is not None and binned.noise_std is not None
    assert max(own.noise_std, binned.noise_std) < 0.9 * 20
    body = own.array[:, 40:90, 40:90]
    assert own.noise_std == pytest.approx(float(body.std()), rel=0.1)
    assert own.measured is not None and own.measured[:, 40:90, 40:90].all()
    assert not own.measured[own.array <= -1000].any()
    foam = (own.array > -970) & (own.array < -880) & ~own.measured
    assert foam.any()


def test_made_up_anatomy_has_no_noise_of_its_own(ct: Config, tmp_path: Path) -> None:
    some = replace(ct, synthetic={"label_map": 0.3}, synthetic_stacks=1)
    people = stacks_by_person(replace(some, scans=ct.scans), tmp_path / "banks", SILENT)
    assert {stack.noise_std for stack in people[SYNTHETIC]} == {0.0}


def test_pack_from_the_command_line(config: Config, tmp_path: Path, capsys) -> None:
    path = tmp_path / "c.json"
    path.write_text(config.to_json())
    assert main(["train", str(path), "--pack", str(tmp_path / "packed")]) == 0
    assert "packed: 1 scans" in capsys.readouterr().out
    assert (tmp_path / "packed" / "a.npz").exists()
    assert main(["train", str(path), "--set", "batch"]) == 2
    assert "--set takes NAME=VALUE, got 'batch'" in capsys.readouterr().err
    assert main(["train", str(path), "--set", "nonsense=1"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_config_changed_for_one_run(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(config.to_json())
    assert Config.read(path, {"batch": 3, "data": "x"}) == replace(config, batch=3, data="x")


def test_training_needs_no_readers() -> None:
    """A GPU machine has neither nibabel nor pydicom, SimpleITK or napari."""
    code = """
import sys
blocked = {"nibabel", "pydicom", "SimpleITK", "napari", "magicgui", "qtpy", "gdcm"}
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(name)
sys.meta_path.insert(0, Finder())
import medrestore.training.run
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
