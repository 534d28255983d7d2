"""Networks of a model through OpenVINO, in the place of its torch modules.

Importing OpenVINO sends an event to a statistics service unless its user has opted out before
(`openvino-telemetry`); medrestore opens no connection that nobody asked for, so that the package is
hidden from it here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medrestore.core.predictor import Condition, Prediction, Predictor, spread_of
from medrestore.models.model import load

if TYPE_CHECKING:
    from medrestore.models.card import Card
    from medrestore.models.model import Model

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
import openvino  # noqa: E402

HINTS = {"float32": "f32", "bfloat16": "bf16"}
CORE = openvino.Core()


class Compiled(nn.Module):
    """A network of tensors, converted and compiled for each set of shapes that it meets."""

    def __init__(self, network: nn.Module, precision: str, threads: int = 1) -> None:
        super().__init__()
        self.network, self.precision, self.threads = network.eval(), precision, threads
        self.requests: dict[tuple[torch.Size, ...], Any] = {}

    def converted(self, *inputs: Tensor) -> Any:
        """OpenVINO's graph of the network for these shapes."""
        with torch.no_grad():
            graph = openvino.convert_model(
                self.network, example_input=tuple(torch.clone(one) for one in inputs)
            )
        graph.reshape(
            {port: list(one.shape) for port, one in zip(graph.inputs, inputs, strict=True)}
        )
        return graph

    def compiled(self, graph: Any) -> Any:
        """A request that infers the graph."""
        facts = {
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": HINTS[self.precision],
            "ENABLE_CPU_PINNING": False,
        }
        return CORE.compile_model(graph, "CPU", facts).create_infer_request()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """All outputs, which the next call overwrites."""
        key = tuple(one.shape for one in inputs)
        if key not in self.requests:
            self.requests[key] = self.compiled(self.converted(*inputs))
        arrays = [one.contiguous().numpy() for one in inputs]
        found = self.requests[key].infer(arrays, share_inputs=True, share_outputs=True)
        return tuple(torch.from_numpy(found[i]) for i in range(len(found)))


class OfTensors(nn.Module):
    """A predictor whose condition and prediction are tuples."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, y: Tensor, sigma: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log s."""
        mu, log_s = self.predictor(Condition(y, sigma, scale))
        return mu, log_s


class _First(nn.Module):
    """Up to the first layer."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, y: Tensor, sigma: Tensor, scale: Tensor) -> Tensor:
        found: Tensor = self.predictor.head(self.predictor._seen(Condition(y, sigma, scale)))
        return found


class _Trunk(nn.Module):
    """What torch runs in bfloat16."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, x: Tensor) -> Tensor:
        net, skips = self.predictor, []
        for stage, shrink in zip(net.down, net.shrink, strict=False):
            skips.append(stage(x))
            x = shrink(skips[-1])
        x = net.down[-1](x)
        for stage, grow, skip in zip(
            reversed(net.up), reversed(net.grow), reversed(skips), strict=True
        ):
            x = stage(grow(x) + skip)
        return x


class _Last(nn.Module):
    """The last layers, and what becomes of their output."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, features: Tensor, centre: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        height, width = centre.shape[-2:]
        f1 = F.pixel_shuffle(self.predictor.mean(features), 2)[..., :height, :width]
        f2 = F.pixel_shuffle(self.predictor.spread(features), 2)[..., :height, :width]
        return centre + sigma * f1, spread_of(sigma, f2)


class Whole(nn.Module):
    """A predictor as one graph in one precision."""

    def __init__(self, predictor: Predictor, precision: str) -> None:
        super().__init__()
        self.graph = Compiled(OfTensors(predictor), precision)

    def forward(self, c: Condition) -> Prediction:
        """μ and log s, which are the caller's own."""
        return Prediction(*(one.clone() for one in self.graph(*c)))


class OuterExact(nn.Module):
    """A predictor in bfloat16 but for the layers that torch leaves in float32: three graphs."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.first = Compiled(_First(predictor), "float32")
        self.trunk = Compiled(_Trunk(predictor), "bfloat16")
        self.last = Compiled(_Last(predictor), "float32")

    def forward(self, c: Condition) -> Prediction:
        """μ and log s, which are the caller's own."""
        (features,) = self.trunk(*self.first(*c))
        return Prediction(*(one.clone() for one in self.last(features, c.centre, c.sigma)))


class OneOutput(nn.Module):
    """A refiner as one graph in one precision; in bfloat16 its last layers too."""

    def __init__(self, refiner: nn.Module, precision: str) -> None:
        super().__init__()
        self.graph = Compiled(refiner, precision)

    def forward(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Velocity, which is the caller's own."""
        return self.graph(z_t, t, condition)[0].clone()


def openvino_model(card: Card, precision: str, throughout: bool = False) -> Model:
    """A slice model whose networks OpenVINO runs.

    Parameters
    ----------
    card : Card
        Of a slice model of the residual's family.
    precision : str
        ``"float32"`` or ``"bfloat16"``.
    throughout : bool
        Whether bfloat16 is that of the predictor's outer layers too.
    """
    model = load(card)
    predictor, refiner = model.predictor, model.refiner
    split = precision == "bfloat16" and not throughout
    model.predictor = OuterExact(predictor) if split else Whole(predictor, precision)
    model.refiner = OneOutput(refiner, precision)
    model.precision = precision
    return model
