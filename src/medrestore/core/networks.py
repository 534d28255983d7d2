"""The two networks of a model, built from what its card or its training config says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.families import FAMILIES
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["networks", "start_predictor"]


def networks(facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Predictor and refiner with random weights, of the kind that ``family`` names.

    ``facts`` are a card's, or what of them a training config knows (`core.families`).
    """
    return FAMILIES[facts.get("family", "residual")].networks(facts)


def start_predictor(predictor: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights; those of a slice model too, with which a 3-D predictor does the same.

    Raises
    ------
    ModelError
        If the weights belong to another architecture.
    """
    own = predictor.state_dict()
    silent = {name: own[name] for name in own.keys() - weights.keys() if ".across." in name}
    try:
        predictor.load_state_dict({**silent, **weights})
    except RuntimeError as error:
        raise ModelError(
            "the model to start from is of another architecture; change the config's predictor "
            "to that model's, or start without it"
        ) from error
