"""From trained networks to a model folder that `models.load` reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from safetensors.torch import save

from medrestore.models.bundle import write_card, write_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

__all__ = ["write_bundle", "write_card"]


def write_bundle(
    folder: Path, facts: dict[str, Any], predictor: nn.Module, refiner: nn.Module
) -> None:
    """Write weights and card as a MONAI bundle.

    Weights are rounded to half precision (11 bits), which moves μ by far less than the noise and
    halves the file; they are read back into float32.

    Parameters
    ----------
    folder : Path
        ``models/<name>``; made if absent.
    facts : dict
        The card without ``version`` and ``weights_sha256``, which are added here.
    predictor, refiner : Module
        Usually the averaged weights.
    """
    nets = {"predictor": predictor, "refiner": refiner}
    data = save(
        {
            f"{name}.{key}": value.half().contiguous()
            for name, net in nets.items()
            for key, value in net.state_dict().items()
        }
    )
    write_file(folder / "models" / "model.safetensors", data)
    write_card(folder, {**facts, "weights_sha256": hashlib.sha256(data).hexdigest()})
