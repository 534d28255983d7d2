"""A stand-in for every accelerator: torch's `meta` device, which computes nothing but shapes."""

from importlib import resources
from typing import Any

import torch
import yaml
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

WIDE = {torch.float64, torch.complex128}
COPY = torch.ops.aten._to_copy.default
HOST = {torch.ops.aten.lift_fresh.default, torch.ops.aten.detach.default}
"""Operators by which an array becomes a tensor of the host, and the reverse; they do no work."""


class Strayed(AssertionError):
    """An operator took or made a tensor that is not on the device, or is of double precision."""


class OnMeta(TorchDispatchMode):
    """Fails where an operator leaves the device. Arrays of the host may enter, results come back.

    What comes back is all ones: nothing was computed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operators: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with self:  # in inference mode operators arrive whole, made of others
            parts = func.decompose(*args, **kwargs)
        if parts is not NotImplemented:
            return parts
        seen = tensors((args, kwargs))
        if func is COPY and self._returns(seen[0], kwargs):
            return torch.ones(seen[0].shape, dtype=seen[0].dtype)
        made = func(*args, **kwargs)
        there = tensors(made) if func is COPY else seen + tensors(made)
        if func in HOST and not any(one.is_meta for one in there):
            return made
        if not all(one.is_meta for one in there):
            raise Strayed(f"{func} on {[str(one.device) for one in there]}")
        if any(one.dtype in WIDE for one in there):
            raise Strayed(f"{func} of {[one.dtype for one in there]}")
        self.operators.add(func)
        return made

    @staticmethod
    def _returns(tensor: Tensor, kwargs: Any) -> bool:
        return tensor.is_meta and kwargs.get("device") == torch.device("cpu")


def tensors(tree: Any) -> list[Tensor]:
    """All tensors among arguments or results."""
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, Tensor)]


def without_metal(operators: set[Any]) -> list[str]:
    """Those of some operators for which torch's own table has no kernel on Apple's GPUs."""
    path = resources.files("torchgen") / "packaged" / "ATen" / "native" / "native_functions.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    table = {
        entry["func"].partition("(")[0]: entry for entry in yaml.load(path.read_text(), loader)
    }
    return sorted(name for name in map(_name, operators) if not _has_metal(table, name))


def _name(operator: Any) -> str:
    name, _, overload = str(operator).removeprefix("aten.").partition(".")
    return name if overload == "default" else f"{name}.{overload}"


def _has_metal(table: dict[str, Any], name: str) -> bool:
    entry = table[name]
    if "structured_delegate" in entry:
        return _has_metal(table, entry["structured_delegate"])
    kernels = entry.get("dispatch", {"CompositeImplicitAutograd": ""})
    keys = {key.strip() for several in kernels for key in several.split(",")}
    return "MPS" in keys or any(key.startswith("Composite") for key in keys)
