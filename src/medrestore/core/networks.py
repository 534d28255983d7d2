"""The two networks of a model, built from what its card or its training config says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.predictor import Predictor
from medrestore.core.refiner import Refiner
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["networks", "start_predictor"]


def networks(facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Predictor and refiner with random weights.

    Parameters
    ----------
    facts : dict
        ``predictor`` and ``refiner``: arguments of the networks (the refiner's ``window`` and
        ``stride`` are left out); ``depth``: slices read together, 1 for a slice model.
    """
    depth = int(facts.get("depth", 1))
    predictor = Predictor(**_arguments(facts["predictor"]), depth=depth)
    return predictor, Refiner(**_arguments(facts["refiner"]), depth=depth)


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


def _arguments(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in facts.items()
        if name not in ("window", "stride")
    }
