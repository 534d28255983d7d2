"""Models small enough to run in milliseconds: real architecture, random weights."""

import math
from pathlib import Path

import torch

from medrestore.core.families import networks
from medrestore.core.predictor import Predictor
from medrestore.core.refiner import Refiner
from medrestore.core.spectrum import BANDS
from medrestore.training.finish import write_bundle


def write_tiny_models(folder: Path) -> Path:
    """Write ``mr_tiny`` and ``ct_tiny`` into ``folder``."""
    for modality in ("MR", "CT"):
        torch.manual_seed(0)
        predictor, refiner = Predictor(3, (8, 12, 16), 1), Refiner((16, 16, 32), 1, 8)
        speak(predictor, refiner)
        name = f"{modality.lower()}_tiny"
        write_bundle(folder / name, tiny_card(name, modality), predictor, refiner)
    return folder


def write_tiny_stack_model(folder: Path) -> Path:
    """Write ``mr_tiny3d``, which reads stacks of 8 slices, into ``folder``."""
    torch.manual_seed(0)
    card = tiny_card("mr_tiny3d", "MR")
    card |= {"mode": "patch3d", "depth": 8, "depth_stride": 6}
    card["predictor"] = {"slices": 3, "widths": [8, 12], "blocks": 1}
    card["refiner"] |= {"channels": [16, 32], "window": 16, "stride": 12}
    predictor, refiner = networks(card)
    speak(predictor, refiner)
    write_bundle(folder / "mr_tiny3d", card, predictor, refiner)
    return folder


def write_tiny_prior(folder: Path, name: str, prior: dict, family: str, **facts: object) -> Path:
    """Write a model whose image is the mean of its samples; ``prior`` is its mean, std, slices."""
    card = tiny_card(name, "MR") | {"family": family, "predictor": prior, **facts}
    torch.manual_seed(0)
    predictor, refiner = networks(card)
    speak(refiner)
    write_bundle(folder / name, card, predictor, refiner)
    return folder


def speak(*nets: torch.nn.Module) -> None:
    """Last layers start at zero: give them something to say."""
    for net in nets:
        for parameter in net.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.02)


def tiny_card(name: str, modality: str) -> dict:
    """A whole card for a tiny model."""
    white = [1.0] * (len(BANDS) - 1)
    return {
        "name": name,
        "modality": modality,
        "mode": "slice",
        "summary": "random weights, for tests only",
        "predictor": {"slices": 3, "widths": [8, 12, 16], "blocks": 1},
        "refiner": {
            "channels": [16, 16, 32],
            "blocks": 1,
            "groups": 8,
            "window": 32,
            "stride": 24,
        },
        "sigma_range": [0.002, 0.2],
        "spectra": {
            "angles": [math.pi / 4, math.pi / 2],
            "spectra": [{"variance": v, "density": white, "along_z": 0.1} for v in (0.5, 1.0)],
        },
        "intervals": {
            "relative_sigma": [0.01, 0.1],
            "people": 1,
            "factors": dict.fromkeys(("predictor", "moment-matched:2"), [[0.7, 1.3, 1.6, 2.0]] * 2),
        },
    }
