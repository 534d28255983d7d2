"""Models on disk and in memory: a card, a file of weights, and the two networks they make.

A model is a folder laid out as a MONAI bundle: ``configs/card.json`` (ours, the single source),
``configs/metadata.json`` (MONAI's), ``models/model.safetensors`` with keys ``predictor.*`` and
``refiner.*``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from medrestore.core.samplers import DEFAULT
from medrestore.errors import ModelError
from medrestore.models.card import Card
from medrestore.resources import models_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.fusion import Trust
    from medrestore.core.intervals import Intervals
    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.tiles import Tiled, Windows

__all__ = ["MODELS", "Model", "ModelCache", "available", "find_card", "load"]

MOST = 4
"""Models held at once; the one that was used longest ago goes first."""


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
        usual = [c for c in cards if DEFAULT in c.samplers]  # other families are asked for by name
        fitting = [c for c in usual if c.modality == modality and mode in (None, c.mode)]
        preferred = sorted(fitting, key=lambda c: (c.mode != "slice", c.family.latent))
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


class Model:
    """A loaded model.

    Parameters
    ----------
    card : Card
        Its card.
    predictor : Module
        The predictor.
    refiner : Module or callable
        The refiner, or what makes it once samples are drawn: image and map need none.
    device : str
        Device that they are on.
    precision : str
        ``"float32"``, or ``"bfloat16"`` for all but the outer layers.
    """

    def __init__(
        self,
        card: Card,
        predictor: torch.nn.Module,
        refiner: torch.nn.Module | Callable[[], torch.nn.Module],
        device: str,
        precision: str = "float32",
    ) -> None:
        self.card, self.device, self.precision = card, device, precision
        self.slices, self.sigma_range, self.spectra = card.slices, card.sigma_range, card.spectra
        self.family, self.latent = card.family, card.latent
        self.predictor = self._ready(predictor, self.family.exact[0])
        self._made_of = refiner
        self._refiner: torch.nn.Module | None = None
        self._lock = Lock()

    @property
    def refiner(self) -> torch.nn.Module:
        """The refiner, in evaluation mode on ``device``; made when it is first asked for."""
        from torch import inference_mode
        from torch.nn import Module

        with self._lock, inference_mode(False):  # guidance takes gradients through its weights
            if self._refiner is None:
                made_of = self._made_of
                made = made_of if isinstance(made_of, Module) else made_of()
                self._refiner = self._ready(made, self.family.exact[1])
            return self._refiner

    @refiner.setter
    def refiner(self, network: torch.nn.Module) -> None:
        self._refiner = network

    def to(self, device: str) -> None:
        """Move the networks."""
        self.device = device
        self.predictor.to(device)
        if self._refiner is not None:
            self._refiner.to(device)

    def _ready(self, network: torch.nn.Module, exact: Sequence[str]) -> torch.nn.Module:
        """A network on the device, in evaluation mode and the model's precision."""
        from medrestore.core.compute import trunk_in_bfloat16, weights_last

        weights_last(network)
        if self.precision == "bfloat16":
            trunk_in_bfloat16(network, [network.get_submodule(name) for name in exact])
        return network.eval().to(self.device)

    def predict(self, c: Condition) -> Prediction:
        """μ and log s of whole slices."""
        prediction: Prediction = self.predictor(c)
        return prediction

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """Condition of the refiner, (batch, channels, y, x)."""
        return self.family.condition(c, prediction)

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``."""
        return self.card.intervals(method)

    def trust(self, method: str) -> Trust:
        """Worth of what is known of a voxel's variance beside samples of ``"sampler:steps"``."""
        return self.card.trust(method)

    def windows(self, length: int) -> Windows:
        """Windows of slices that are read together, of a scan of ``length`` slices."""
        from medrestore.core.tiles import Windows

        return Windows(length, *self.card.depth)

    def denoiser(
        self, batch: int, windows: Windows, slices: Sequence[int], stride: int = 0
    ) -> Tiled:
        """The refiner over these slices of a scan, of any size, ``batch`` windows at once.

        ``stride``: step between windows in the plane; 0: that of its training.
        """
        from medrestore.core.tiles import Tiled

        depth = windows if windows.window > 1 else None
        denoiser = self.family.denoiser(self.refiner)
        window, trained = self.card.window
        return Tiled(denoiser, window, stride or trained, batch, depth, slices)

    def encode(self, r: Tensor, condition: Tensor, batch: int = 16) -> Tensor:
        """State to diffuse of a residual (n, 1, y, x): itself, or an autoencoder's latent."""
        return self.family.encode(r, condition, self.refiner, self._tiled(batch))

    def decode(
        self, z: Tensor, condition: Tensor, shape: tuple[int, int], batch: int = 16
    ) -> Tensor:
        """The mean of the residual, (n, 1, *shape), given the sampled state."""
        return self.family.decode(z, condition, shape, self.refiner, self._tiled(batch))

    def _tiled(self, batch: int) -> Callable[[Denoiser, int], Denoiser]:
        from medrestore.core.tiles import Tiled

        return lambda network, channels: Tiled(network, *self.card.window, batch, channels=channels)


def load(card: Card, device: str = "cpu", precision: str = "float32") -> Model:
    """Load a model's weights after checking their hash.

    Raises
    ------
    ModelError
        If the weights are missing, damaged or do not fit the card.
    """
    from safetensors.torch import load as parse

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

    def filled(network: torch.nn.Module, prefix: str) -> torch.nn.Module:
        weights = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        network.load_state_dict(weights)
        return network

    return Model(
        card,
        filled(card.family.predictor(card.facts), "predictor."),
        lambda: filled(card.family.refiner(card.facts), "refiner."),
        device,
        precision,
    )


class ModelCache:
    """Each model is loaded, and its weights hashed, once for a device and a precision.

    A model is read again if its file of weights was touched since.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: OrderedDict[tuple[object, ...], Model] = OrderedDict()

    def get(self, card: Card, device: str, precision: str) -> Model:
        """The model of a card.

        Raises
        ------
        ModelError
            If its weights are missing, damaged or do not fit the card.
        """
        with self._lock:
            key = (card.sha256, _state(card), device, precision)
            if key not in self._loaded:
                self._loaded[key] = load(card, device, precision)
            self._loaded.move_to_end(key)
            while len(self._loaded) > MOST:
                self._loaded.popitem(last=False)
            return self._loaded[key]


def _state(card: Card) -> tuple[object, ...]:
    """Path, size and time of a file of weights; the path alone where there is none."""
    try:
        stat = card.weights.stat()
    except OSError:
        return (card.weights,)
    return card.weights, stat.st_size, stat.st_mtime_ns


MODELS = ModelCache()
"""The models of this process."""
