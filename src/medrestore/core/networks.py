"""The two networks of a model, built from what its card or its training config says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.predictor import Predictor
from medrestore.core.predictor3d import Predictor3d
from medrestore.core.refiner import Refiner

if TYPE_CHECKING:
    from torch import nn

__all__ = ["networks"]


def networks(facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Predictor and refiner with random weights.

    Parameters
    ----------
    facts : dict
        ``predictor`` and ``refiner``: arguments of the networks (the refiner's ``window`` and
        ``stride`` are left out); ``depth``: slices read together, 1 for a slice model.
    """
    depth = int(facts.get("depth", 1))
    own = _arguments(facts["predictor"])
    predictor = Predictor(**own) if depth == 1 else Predictor3d(depth, **own)
    return predictor, Refiner(**_arguments(facts["refiner"]), depth=depth)


def _arguments(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in facts.items()
        if name not in ("window", "stride")
    }
