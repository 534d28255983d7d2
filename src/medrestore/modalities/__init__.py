"""Modalities that can be restored, by name.

One more is a file like `modalities.ct` or `modalities.mr` that fills in a `modality.Modality`, and
a model. It is registered by `register` or, inside of medrestore, in `_registry` and with its unit
in `volume.UNITS`, where those who read files find it without torch.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from medrestore.errors import ModalityError

if TYPE_CHECKING:
    from medrestore.modalities.modality import Modality

__all__ = ["modality_named", "names", "register", "unregister"]


@cache
def _registry() -> dict[str, Modality]:
    from medrestore.modalities.ct import CT  # with NumPy and SciPy: not before one is needed
    from medrestore.modalities.mr import MR

    return {one.name: one for one in (CT, MR)}


def register(modality: Modality) -> None:
    """Make a modality known by its name, in place of the one that had it."""
    from medrestore.volume import UNITS

    _registry()[modality.name] = modality
    UNITS[modality.name] = modality.unit


def unregister(name: str) -> None:
    """Forget a modality."""
    from medrestore.volume import UNITS

    del _registry()[name], UNITS[name]


def names() -> tuple[str, ...]:
    """Names of all modalities, CT and MR first."""
    from medrestore.volume import UNITS

    return tuple(UNITS)  # as the registry has them, without loading it


def modality_named(name: str) -> Modality:
    """The modality of this name.

    Raises
    ------
    ModalityError
        If there is none.
    """
    found = _registry().get(name)
    if found is None:
        known = " and ".join(repr(one) for one in names())
        raise ModalityError(f"modality is {name!r}; medrestore restores {known}")
    return found
