"""Muon: momentum whose update of a hidden layer is made orthogonal.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"
(https://kellerjordan.github.io/posts/muon/). A layer's momentum, as a matrix of outputs by inputs,
is replaced by the nearest matrix with singular values near 1, found by five Newton–Schulz steps,
so that rare directions learn as fast as common ones. First and last layers and biases are left to
AdamW, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from medrestore.devices import has_bfloat16

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

__all__ = ["Muon", "hidden_weights", "orthogonal"]

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the odd quintic whose iterates drive singular values to about 1."""


class Muon(torch.optim.Optimizer):
    """Muon for convolution kernels and matrices.

    Parameters
    ----------
    params : iterable of Tensor, or of parameter groups
        Weights of two or more dimensions.
    lr : float
        Size of an update: its singular values, times √(outputs/inputs) for tall layers.
    momentum : float
        Decay of the averaged gradient (Nesterov).
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "average" not in state:
                    state["average"] = torch.zeros_like(weight)
                average = state["average"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(average, group["momentum"]).flatten(1)
                tall = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                weight.add_(orthogonal(update).view_as(weight), alpha=-group["lr"] * tall)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of ``matrix`` and singular values in about 0.7…1.2.

    Computed in bfloat16, as in the source, where the device multiplies it; that range is wider
    than what the rounding does.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: Tensor = wide / (wide.norm() + 1e-7)
    if has_bfloat16(str(matrix.device)):
        x = x.to(torch.bfloat16)
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide is matrix else x.T).to(matrix.dtype)


def hidden_weights(net: nn.Module) -> list[Tensor]:
    """Kernels that are neither the first nor a last layer: the ones Muon is meant for.

    First and last are recognised by their names in our networks and MONAI's: ``head``, ``mean``,
    ``spread``, ``conv_in``, ``out``, and time embeddings.
    """
    outer = ("head", "mean", "spread", "unet.conv_in", "unet.out", "unet.time_embed")
    return [
        weight
        for name, weight in net.named_parameters()
        if weight.ndim >= 4 and not name.startswith(outer)
    ]
