"""Names of devices, what each can do, and the CPU where one computes something else."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore import devices
from medrestore.api import make_plan
from medrestore.devices import (
    device_name,
    has_bfloat16,
    is_present,
    own_bytes,
    pick_device,
    training_device,
    windows_at_once,
)
from medrestore.engine import device_check
from medrestore.engine.device_check import WITHIN, place_of, probe
from medrestore.models.card import Card
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings

KINDS = ("cuda", "mps", "xpu", "npu")
MODELS = Path(__file__).parents[1] / "models"
SHIPPED = sorted(path.parents[1].name for path in MODELS.glob("*/configs/card.json"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Makes this machine one with so many accelerators of a kind; None has none."""

    def with_accelerators(kind: str | None, count: int = 1) -> None:
        found = None if kind is None else SimpleNamespace(type=kind)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: found)
        monkeypatch.setattr(torch.accelerator, "device_count", lambda: count if kind else 0)

    return with_accelerators


@pytest.mark.parametrize("kind", KINDS)
def test_auto_takes_what_torch_finds(machine, kind: str) -> None:
    machine(kind, 2)
    assert pick_device("auto") == pick_device(kind) == kind
    assert pick_device(f"{kind}:1") == f"{kind}:1" and pick_device("cpu") == "cpu"
    assert is_present(kind) and is_present(f"{kind}:1") and not is_present(f"{kind}:2")
    assert training_device() == ("cuda" if kind == "cuda" else "cpu")
    assert windows_at_once(kind) > windows_at_once("cpu")


def test_without_one_it_takes_the_cpu(machine) -> None:
    machine(None)
    assert pick_device("auto") == "cpu" and training_device() == "cpu"
    assert not any(is_present(kind) for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "asked", "says"),
    [
        (None, "cuda", "device cuda was asked for, but no CUDA GPU is usable; use auto or cpu"),
        ("cuda", "mps", "device mps was asked for, but no Apple GPU is usable; use auto, cuda or"),
        (
            "mps",
            "xpu",
            "device xpu was asked for, but no Intel GPU is usable; use auto, mps or cpu",
        ),
        ("cuda", "cuda:3", "device cuda:3 was asked for, but no CUDA GPU 3 is usable; use auto"),
    ],
)
def test_one_that_is_absent(machine, kind: str | None, asked: str, says: str) -> None:
    machine(kind)
    with pytest.raises(mr.ResourceError, match=says):
        pick_device(asked)


@pytest.mark.parametrize("asked", ["tpu", "npu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "", "meta"])
def test_what_is_no_device(machine, asked: str) -> None:
    machine("cuda")
    with pytest.raises(mr.SettingsError, match="device is auto, cpu, cuda, mps or xpu"):
        pick_device(asked)


def test_what_each_can_do(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"one at {device}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (7, 9))
    assert has_bfloat16("cuda:0") and not has_bfloat16("mps") and not has_bfloat16("cuda:1")
    assert device_name("cuda:0") == "one at cuda:0" and device_name("cuda:1") == "cuda:1"
    assert own_bytes("cuda:0") == 7
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert not has_bfloat16("cuda:0")
    machine("xpu")
    monkeypatch.setattr(torch.xpu, "is_bf16_supported", lambda including_emulation: True)
    assert has_bfloat16("xpu")
    machine("mps")
    assert not has_bfloat16("mps") and own_bytes("mps") is None and own_bytes("cpu") is None


@pytest.fixture(scope="module")
def card(tiny_models: Path) -> Card:
    return find_card("mr_tiny", "MR")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, machine, card: Card) -> Model:
    """A machine with a GPU whose networks are these; they stay on the CPU."""
    machine("cuda")
    model = load(card)
    cached = SimpleNamespace(get=lambda _card, _device, _precision: model)
    monkeypatch.setattr(device_check, "MODELS", cached)
    monkeypatch.setattr(device_check, "_FAULTS", {})
    monkeypatch.setattr(devices, "has_bfloat16", lambda device: False)
    return model


def test_a_device_that_agrees_is_taken(gpu: Model, card: Card) -> None:
    assert place_of("auto", "auto", card) == ("cuda", "float32", ())
    assert place_of("cuda:0", "float32", card).device == "cuda:0"


def test_one_that_computes_something_else_is_not(gpu: Model, card: Card) -> None:
    with torch.no_grad():
        gpu.predictor.mean.bias += 2 * WITHIN
    place = place_of("auto", "auto", card)
    assert place.device == "cpu"
    (warning,) = place.warnings
    assert warning.startswith("device cuda does not compute mr_tiny as the CPU does (apart by 0.2")
    with pytest.raises(mr.ResourceError, match="use cpu"):
        place_of("cuda", "auto", card)
    assert place_of("cpu", "auto", card) == ("cpu", "float32", ())


def test_nor_one_that_gives_no_number(gpu: Model, card: Card) -> None:
    with torch.no_grad():
        gpu.refiner.unet.out[-1].conv.bias.fill_(float("nan"))
    assert place_of("auto", "auto", card).device == "cpu"


def test_nor_one_that_lacks_an_operator(gpu: Model, card: Card) -> None:
    gpu.to("meta")
    place = place_of("auto", "auto", card)
    assert place.device == "cpu"
    assert place.warnings[0].startswith("device cuda cannot run mr_tiny (Cannot copy out of meta")


def test_memory_that_is_short_is_no_fault(gpu: Model, card: Card, monkeypatch) -> None:
    def full(c: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(gpu, "predict", full)
    assert place_of("auto", "auto", card).device == "cuda"


def test_the_plan_says_so(gpu: Model, tiny_models: Path) -> None:
    with torch.no_grad():
        gpu.predictor.mean.bias += 1
    array = np.random.default_rng(0).normal(100, 5, (2, 40, 40)).astype(np.float32)
    volume = mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "MR")
    plan = make_plan(volume, Settings(noise=0.05, samples=0))
    assert plan.device == "cpu" and "the CPU is used" in plan.warnings[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_bfloat16_is_rounding(name: str) -> None:
    card = Card.read(MODELS / name)
    exact, rounded = probe(load(card)), probe(load(card, "cpu", "bfloat16"))
    apart = [(one - other).abs().max() for one, other in zip(exact, rounded, strict=True)]
    assert 0 < max(apart) < WITHIN / 3
