"""A noise level as a person states it: a number, or one with its unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from medrestore.volume import Modality

__all__ = ["UNIT", "WAYS", "Told", "stated", "told"]

UNIT = {"CT": "HU", "MR": "a.u."}

WAYS = (
    '"auto", a number (HU for CT; for MR a fraction of the foreground: 0.05 is 5 %), one with its '
    'unit ("25u", "25 a.u.", "25 HU": σ in the scan\'s own; "5%": of the foreground), or a Volume'
)

_STATED = re.compile(r"([0-9.]+(?:e[+-]?\d+)?)\s*(u|a\.?u\.?|hu|%|)", re.IGNORECASE)


class Told(NamedTuple):
    """A noise level and what its number counts.

    Parameters
    ----------
    value : float
        σ in the scan's own unit, or a fraction of the foreground scale.
    fraction : bool
        Which of both.
    """

    value: float
    fraction: bool


def told(noise: str | float, modality: Modality | None = None) -> Told:
    """What a number, or a number with its unit, says.

    Parameters
    ----------
    noise : str or float
        ``0.05``, ``"25u"``, ``"25 a.u."``, ``"25 HU"``, ``"5%"``.
    modality : "CT" or "MR", optional
        What the scan is: a bare number is HU for CT and a fraction for MR. Without it, units are
        not compared with what the scan has.

    Raises
    ------
    SettingsError
        If it is no noise level, or in a unit that the scan does not have.
    """
    if not isinstance(noise, str):
        return Told(_number(noise), modality == "MR")
    match = _STATED.fullmatch(noise.strip())
    try:
        value = float(match[1]) if match else -1.0
    except ValueError:  # "1.2.3"
        match, value = None, -1.0
    if match is None:
        raise SettingsError(f"noise is {WAYS}; got {noise!r}")
    unit = match[2].lower()
    if not unit:
        return Told(value, modality == "MR")
    if unit == "%" and value >= 100:
        raise SettingsError(f"noise={noise!r} is the whole foreground or more; 5% is usual")
    if modality == "CT" and unit == "%":
        raise SettingsError(f"noise={noise!r}: the noise of CT is in HU (20 is usual), not a share")
    if modality == "CT" and unit[0] == "a":
        raise SettingsError(f"noise={noise!r}: the noise of CT is in HU; say {value:g} or a map")
    if modality == "MR" and unit == "hu":
        raise SettingsError(
            f'noise={noise!r}: an MR has no HU; say "{value:g} a.u.", or a fraction of its '
            "foreground (0.05 is 5 %)"
        )
    return Told(value / 100, True) if unit == "%" else Told(value, False)


def _number(noise: object) -> float:
    """A plain number, NumPy's too."""
    try:
        if isinstance(noise, bool):
            raise TypeError
        return float(noise)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        what = type(noise).__name__
        raise SettingsError(f"noise is {WAYS} as a map of σ; got {what}") from None


def stated(text: str) -> str | float:
    """What was typed as `settings.Settings.noise`: ``"auto"``, a number, or one with its unit.

    Raises
    ------
    SettingsError
        If it is none of them.
    """
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        told(text)
        return text
