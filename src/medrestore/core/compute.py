"""Numerics of networks: layout of their weights, bfloat16 in their trunk, peak memory.

bfloat16 keeps 8 bits of a number, float32 has 24. In a noise-standardised network that is enough
for the trunk and nowhere else: inputs (differences in units of σ), the first layer, the sum that
residual blocks of the finest level add to, and the last layers, whose output is the answer, are
float32.
"""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

__all__ = [
    "SAME_VOXELS_WITHIN",
    "in_float32",
    "peak_bytes",
    "trunk_in_bfloat16",
    "weights_last",
]

SAME_VOXELS_WITHIN = {"float32": 1e-3, "bfloat16": 2e-2}
"""Tolerance of "the same voxels": the largest difference, in units of the noise's σ, between two
runs of one plan in another batch, slab, number of threads, or on another device. The same device,
build and batch give the same bits. A sum in another order differs in its last bit; where that bit
decides how a number is rounded to bfloat16, the difference becomes 2⁻⁸ of it."""


def in_float32(device: torch.device) -> AbstractContextManager[object]:
    """A block that mixed-precision training leaves in float32: what enters it has to be float32."""
    if not torch.amp.is_autocast_available(device.type):  # nothing there to leave out
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def weights_last(network: nn.Module) -> None:
    """Keep the channels of convolutions innermost, in place: the layout that chips multiply in.

    The same numbers in another order in memory; activations follow.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.data = module.weight.contiguous(memory_format=torch.channels_last)
        elif isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.weight.data = module.weight.contiguous(memory_format=torch.channels_last_3d)


def trunk_in_bfloat16(network: nn.Module, exact: Iterable[nn.Module]) -> None:
    """Run a network in bfloat16 but for some layers, in place.

    Parameters
    ----------
    network : Module
        The weights outside ``exact`` are rounded to bfloat16; what enters a layer is cast to that
        layer's own precision.
    exact : iterable of Module
        Layers that stay in float32.
    """
    float32_parts = {id(part) for module in exact for part in module.modules()}
    for module in network.modules():
        parameters = list(module.parameters(recurse=False))
        if not parameters:
            continue
        dtype = torch.float32 if id(module) in float32_parts else torch.bfloat16
        for parameter in parameters:
            parameter.data = parameter.data.to(dtype)
        module.register_forward_pre_hook(_caster(dtype))


def _caster(dtype: torch.dtype) -> Any:
    def cast(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(value.to(dtype) for value in inputs)

    return cast


def peak_bytes(compute: Callable[[], object]) -> int:
    """Most bytes that tensors made by ``compute`` hold at once.

    Storages are counted as operators return them and until they die, so views cost nothing. What
    a library allocates inside one operator is not seen.
    """
    with _Live() as live:
        compute()
    return int(live.peak)


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees the result of every operator."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._count, made)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self._now += size
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size
