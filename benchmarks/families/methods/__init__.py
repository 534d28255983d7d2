"""Families of methods, one file each: `METHODS` of every file here are found, none is named."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.families.method import Method

__all__ = ["registered"]


def registered(package: str = __name__, path: Sequence[str] = __path__) -> list[Method]:
    """The methods of every file of a package, in the files' alphabetical order.

    Raises
    ------
    ValueError
        If two methods on one model have the same family and label.
    """
    found: list[Method] = []
    for module in iter_modules(path):
        found += import_module(f"{package}.{module.name}").METHODS
    names = [(one.model, one.family, one.label) for one in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"registered twice: {sorted(twice)}; give each method a label of its own")
    return found
