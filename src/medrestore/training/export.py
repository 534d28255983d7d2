"""From trained networks to a model folder that `models.load` reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from safetensors.torch import save

from medrestore.evaluation.bundle import write_card, write_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

__all__ = ["write_bundle", "write_card"]


def write_bundle(
    folder: Path, facts: dict[str, Any], predictor: nn.Module, refiner: nn.Module
) -> None:
    """Write weights and card as a MONAI bundle.

    Parameters
    ----------
    folder : Path
        ``models/<name>``; made if absent.
    facts : dict
        The card without ``version`` and ``weights_sha256``, which are added here.
    predictor, refiner : Module
        Usually the averaged weights.
    """
    tensors = {f"predictor.{k}": v.contiguous() for k, v in predictor.state_dict().items()}
    tensors |= {f"refiner.{k}": v.contiguous() for k, v in refiner.state_dict().items()}
    data = save(tensors)
    write_file(folder / "models" / "model.safetensors", data)
    write_card(folder, {**facts, "weights_sha256": hashlib.sha256(data).hexdigest()})
