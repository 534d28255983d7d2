"""Models on disk and in memory: a card, a file of weights, and the two networks they make.

A model is a folder laid out as a MONAI bundle: ``configs/card.json`` (ours, the single source),
``configs/metadata.json`` (MONAI's), ``models/model.safetensors`` with keys ``predictor.*`` and
``refiner.*``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from medrestore.core.calibration import Intervals
from medrestore.errors import ModelError
from medrestore.resources import models_folder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.spectrum import Spectra
    from medrestore.core.tiles import Tiled

__all__ = ["CARD_VERSION", "Card", "Model", "available", "find_card", "load", "pick_device"]

CARD_VERSION = 1


@dataclass(frozen=True)
class Card:
    """What a model is, read from ``configs/card.json``; ``facts`` is the whole file."""

    folder: Path
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """The model's name, e.g. ``mr_slice``."""
        return str(self.facts["name"])

    @property
    def modality(self) -> Literal["CT", "MR"]:
        """``"CT"`` or ``"MR"``."""
        return "CT" if self.facts["modality"] == "CT" else "MR"

    @property
    def mode(self) -> str:
        """``"slice"`` or ``"patch3d"``."""
        return str(self.facts["mode"])

    @property
    def summary(self) -> str:
        """One sentence for a list of models."""
        return str(self.facts["summary"])

    @property
    def slices(self) -> int:
        """Neighbouring slices that the predictor reads."""
        return int(self.facts["predictor"]["slices"])

    @property
    def window(self) -> tuple[int, int]:
        """Size and stride of the refiner's windows."""
        return int(self.facts["refiner"]["window"]), int(self.facts["refiner"]["stride"])

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Noise levels the model was trained for, relative to the intensity scale."""
        low, high = self.facts["sigma_range"]
        return float(low), float(high)

    @property
    def spectra(self) -> Spectra:
        """Spectrum of r − r̂ along the diffusion."""
        from medrestore.core.spectrum import Spectra, Spectrum

        facts = self.facts["spectra"]
        rows = tuple(
            Spectrum(row["variance"], tuple(row["density"]), row["along_z"])
            for row in facts["spectra"]
        )
        return Spectra(tuple(facts["angles"]), rows)

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``.

        A number of steps that was not calibrated takes the factors of the nearest one that was;
        a sampler that never was takes a Gaussian's.
        """
        table: dict[str, Any] = self.facts["intervals"]["factors"]
        sampler, _, steps = method.partition(":")
        near = {
            abs(int(key.partition(":")[2]) - int(steps or 0)): key
            for key in sorted(table)
            if steps and key.startswith(f"{sampler}:")
        }
        key = method if method in table else near.get(min(near, default=-1))
        if key is None:
            return Intervals.gaussian()
        levels = tuple(self.facts["intervals"]["relative_sigma"])
        rows = tuple(tuple(row) for row in table[key])
        return Intervals(levels, rows, int(self.facts["intervals"]["people"]))

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / "models" / "model.safetensors"

    @property
    def sha256(self) -> str:
        """Hash of the weights as the card states it."""
        return str(self.facts["weights_sha256"])

    @classmethod
    def read(cls, folder: Path) -> Card:
        """Read a model's card.

        Raises
        ------
        ModelError
            If the folder holds no card, or one of another version.
        """
        path = folder / "configs" / "card.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{folder.name} is not a model folder: its configs/card.json cannot be read; "
                "name a folder that holds configs/ and models/"
            ) from error
        if facts.get("version") != CARD_VERSION:
            raise ModelError(
                f"the card of {folder.name} has version {facts.get('version')}, this medrestore "
                f"reads version {CARD_VERSION}; update medrestore or the model"
            )
        return cls(folder, facts)


def available() -> list[Card]:
    """Cards of the models that came with medrestore, by name."""
    folders = sorted(path.parent.parent for path in models_folder().glob("*/configs/card.json"))
    return [Card.read(folder) for folder in folders]


def find_card(model: str, modality: str, mode: str | None = None) -> Card:
    """The card that ``model`` means: ``"auto"``, a shipped model's name, or a folder.

    Raises
    ------
    ModelError
        If there is no such model, or it is not for this modality or mode.
    """
    cards = available()
    if model == "auto":
        fitting = [c for c in cards if c.modality == modality and mode in (None, c.mode)]
        preferred = sorted(fitting, key=lambda c: c.mode != "slice")
        if not preferred:
            raise ModelError(
                f"no model for {modality}{f' in mode {mode}' if mode else ''}; there are: "
                f"{', '.join(c.name for c in cards) or 'none'}"
            )
        return preferred[0]
    named = [c for c in cards if c.name == model]
    card = named[0] if named else None
    if card is None and Path(model).is_dir():
        card = Card.read(Path(model))
    if card is None:
        raise ModelError(
            f"no model named {model!r}; there are: {', '.join(c.name for c in cards) or 'none'}, "
            "or give the path of a model folder"
        )
    if card.modality != modality:
        raise ModelError(
            f"model {card.name} is for {card.modality}, the scan is {modality}; "
            "choose another model or correct the modality"
        )
    if mode not in (None, card.mode):
        raise ModelError(f"model {card.name} works in mode {card.mode}, not {mode}")
    return card


def pick_device(device: str) -> str:
    """``"cuda"`` or ``"cpu"`` for ``"auto"``; a named device is checked.

    Raises
    ------
    ModelError
        If CUDA is asked for and there is none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("device cuda was asked for, but no CUDA GPU is usable; use auto or cpu")
    if device != "cpu" and not device.startswith("cuda"):
        raise ModelError(f"device is auto, cpu or cuda, got {device!r}")
    return device


class Model:
    """A loaded model.

    Parameters
    ----------
    card : Card
        What it is.
    predictor, refiner : Module
        The two networks, in evaluation mode on ``device``.
    device : str
        Where they are.
    """

    def __init__(
        self, card: Card, predictor: torch.nn.Module, refiner: torch.nn.Module, device: str
    ) -> None:
        self.card, self.device = card, device
        self.slices, self.sigma_range, self.spectra = card.slices, card.sigma_range, card.spectra
        self.predictor = predictor.eval().to(device)
        self.refiner = refiner.eval().to(device)

    def predict(self, c: Condition) -> Prediction:
        """μ and log s of whole slices."""
        prediction: Prediction = self.predictor(c)
        return prediction

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """What the refiner is told."""
        from medrestore.core.refiner import refiner_condition

        return refiner_condition(c, prediction)

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``."""
        return self.card.intervals(method)

    def denoiser(self, batch: int) -> Tiled:
        """The refiner over slices of any size, ``batch`` windows at once."""
        from medrestore.core.refiner import as_denoiser
        from medrestore.core.tiles import Tiled

        return Tiled(as_denoiser(self.refiner), *self.card.window, batch=batch)


def load(card: Card, device: str = "cpu") -> Model:
    """Load a model's weights after checking their hash.

    Raises
    ------
    ModelError
        If the weights are missing, damaged or do not fit the card.
    """
    from safetensors.torch import load as parse

    from medrestore.core.predictor import Predictor
    from medrestore.core.refiner import Refiner

    try:
        data = card.weights.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the weights of {card.name} are missing: models/model.safetensors; "
            "restore the model folder"
        ) from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(
            f"the weights of {card.name} are damaged or not its own: their SHA-256 differs from "
            "the card's; restore the model folder"
        )
    tensors = parse(data)
    facts = card.facts
    predictor = Predictor(
        facts["predictor"]["slices"],
        tuple(facts["predictor"]["widths"]),
        facts["predictor"]["blocks"],
    )
    refiner = Refiner(
        tuple(facts["refiner"]["channels"]), facts["refiner"]["blocks"], facts["refiner"]["groups"]
    )
    for prefix, net in (("predictor.", predictor), ("refiner.", refiner)):
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        net.load_state_dict(own)
    return Model(card, predictor, refiner, device)
