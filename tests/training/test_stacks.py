"""Training 3-D models: stacks of slices that follow each other in the batch."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.core.refiner import fold, unfold
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.training.config import Config
from medrestore.training.data import PatchSampler, Stack
from medrestore.training.pairs import Pairs, as_stacks
from medrestore.training.targets import Pair
from small import quick, trained


def stack(depth: int = 20) -> Stack:
    ramp = np.arange(depth, dtype=np.float32)[:, None, None]
    return Stack(100 + 10 * np.broadcast_to(ramp, (depth, 48, 48)).copy(), 1000.0)


def test_slices_of_a_piece_are_evenly_apart() -> None:
    patches, *_ = PatchSampler([stack()], 8, 0, 32, "CT", 0).batch(60)
    steps = np.abs(np.diff(patches[:, 0, :, 0, 0], axis=1)).round()
    assert (np.ptp(steps, axis=1) == 0).all()
    assert {10, 20} == set(steps[:, 0])  # three apart, 8 slices do not fit into 20
    assert 35 < (steps[:, 0] == 10).sum() < 60
    assert len({int(p[0, 0, 0, 0]) for p in patches}) > 4


def test_slices_of_mr_may_differ_in_brightness() -> None:
    sampler = PatchSampler([Stack(np.full((9, 40, 40), 100, np.float32), 100.0)], 5, 2, 32, "MR", 0)
    brightness = sampler.batch(80).values[:, 0, :, 0, 0]
    spread = brightness.max(axis=1) / brightness.min(axis=1)
    assert 10 < (spread > 1).sum() < 50 and spread.max() < 1.5


def test_a_scan_thinner_than_a_stack_is_mirrored() -> None:
    sampler = PatchSampler([stack(5)], 8, 0, 32, "CT", 0)
    index, shown = sampler._slices(5)
    assert list(index) == [0, 1, 2, 3, 4, 3, 2, 1]
    assert list(shown) == [0, 1, 2, 3, 4, 3, 2, 1]


def test_beyond_the_ends_the_slices_on_the_steps_are_mirrored() -> None:
    sampler = PatchSampler([stack(5)], 3, 1, 32, "CT", 0)
    draws = [sampler._slices(5) for _ in range(400)]
    assert all((index[shown] == index).all() for index, shown in draws)
    drawn = {tuple(int(z) for z in index) for index, _ in draws}
    near = {(1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 3)}
    two = {(2, 0, 2), (3, 1, 3), (0, 2, 4), (1, 3, 1), (2, 4, 2)}
    three = {(3, 0, 3), (4, 1, 4), (2, 2, 2), (0, 3, 0), (1, 4, 1)}
    assert drawn == near | two | three


def test_dropped_neighbours_are_seen_as_the_end_of_a_scan() -> None:
    sampler = PatchSampler([stack(40)], 7, 3, 32, "MR", 0, dropped=1.0)
    shown = np.stack([sampler._slices(40)[1] for _ in range(600)])
    assert (shown[:, 3] == 3).all()
    before, after = 3 - shown.min(axis=1), shown.max(axis=1) - 3
    for count in (0, 1, 2, 3):  # neighbours left on a side, independent of the other side
        assert 0.15 < (before == count).mean() < 0.35
        assert 0.15 < (after == count).mean() < 0.35
    alone = (shown == 3).all(axis=1)
    assert (np.abs(np.diff(shown[~alone], axis=1)) == 1).all()  # mirrored, no slice twice in a row
    assert 0.03 < (shown == 3).all(axis=1).mean() < 0.1  # a slice alone


def test_a_stack_keeps_its_inner_slices_when_neighbours_are_dropped() -> None:
    sampler = PatchSampler([stack(40)], 8, 2, 32, "CT", 0, dropped=1.0)
    for _ in range(100):
        assert list(sampler._slices(40)[1][2:6]) == [2, 3, 4, 5]


def test_slices_of_a_stack_follow_each_other_in_the_batch() -> None:
    from medrestore.core.predictor import Condition

    noisy = torch.arange(2 * 5).view(2, 5, 1, 1).expand(2, 5, 4, 4).float()
    pair = as_stacks(
        Pair(Condition(noisy, noisy + 1, torch.tensor([5.0, 6]).view(2, 1, 1, 1)), noisy), 3
    )
    assert pair.clean[:, 0, 0, 0].tolist() == [1, 2, 3, 6, 7, 8]
    assert pair.condition.y[:, :, 0, 0].tolist() == [[z - 1, z, z + 1] for z in (1, 2, 3, 6, 7, 8)]
    assert pair.condition.sigma[:, 0, 0, 0].tolist() == [2, 3, 4, 7, 8, 9]
    assert pair.condition.scale.flatten().tolist() == [5, 5, 5, 6, 6, 6]
    assert unfold(pair.clean, 3)[1, 0, :, 0, 0].tolist() == [6, 7, 8]


def test_stacks_out_of_the_batch_and_back() -> None:
    x = torch.randn(4, 3, 6, 8)  # two stacks of two slices
    assert torch.equal(fold(unfold(x, 2)), x)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    array = (
        300 + 200 * np.sign(np.sin(np.arange(40) / 4))[None, None] + rng.normal(0, 1, (16, 40, 40))
    )
    scan = mr.Volume(array.astype(np.float32), mr.Geometry(array.shape, np.eye(4)), "MR")
    mr.write(scan, tmp_path / "data" / "a.nii.gz")
    facts = {
        "name": "small3d",
        "modality": "MR",
        "summary": "for a test",
        "data": str(tmp_path / "data"),
        "scans": [{"file": "a.nii.gz", "person": "a"}],
        "noise": [0.02, 0.1],
        "corruption": {"correlated": 0, "several_coils": 0, "with_g_factor": 0},
        "sigma_range": [0.01, 0.12],
        "predictor": {"slices": 3, "widths": [16, 24], "blocks": 1},
        "refiner": {"channels": [16, 32], "blocks": 1, "groups": 8, "window": 16, "stride": 12},
        "depth": 8,
        "depth_stride": 6,
        "patch": 16,
        "batch": 2,
        "stages": {
            "predictor": {"steps": 60, "rate": 0.003, "muon": 5, "every": 10, "warm_up": 5},
            "refiner": {"steps": 2, "every": 1},
        },
    }
    path = tmp_path / "train.json"
    path.write_text(json.dumps(facts))
    return path


def test_train_a_stack_model(config: Path, tmp_path: Path, monkeypatch) -> None:
    quick(monkeypatch)
    folder = trained(config)
    card = Card.read(folder)
    assert (card.mode, card.depth) == ("patch3d", (8, 6))
    curve = (tmp_path / "runs/small3d/predictor/curve.csv").read_text().splitlines()
    assert float(curve[-1].split(",")[3]) < 0.9 * float(curve[1].split(",")[3])
    assert load(card).predictor.depth == 8


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # where there is one core
def test_workers_draw_streams_of_their_own(config: Path) -> None:
    facts = json.loads(config.read_text()) | {"workers": 2}
    config.write_text(json.dumps(facts))
    pairs = Pairs(
        Config.read(config),
        [Stack(np.random.default_rng(0).random((12, 40, 40), np.float32), 1.0)],
        0,
    )
    first, second = next(pairs.patches)[0], next(pairs.patches)[0]
    assert not torch.equal(first, second)
