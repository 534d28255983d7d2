"""Peak memory of tensors that a computation makes, counted, on any device."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["peak_bytes"]


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
