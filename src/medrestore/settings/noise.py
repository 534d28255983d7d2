"""A noise level as a person states it: a number, or one with its unit."""

from __future__ import annotations

import re
from typing import NamedTuple

from medrestore.errors import SettingsError
from medrestore.modalities import modality_named, names

__all__ = ["WAYS", "Told", "stated", "told"]

WAYS = (
    '"auto", a number (HU for CT; for MR a fraction of the foreground: 0.05 is 5 %), one with its '
    'unit ("25u", "25 a.u.", "25 HU": σ in the scan\'s own; "5%": of the foreground), or a Volume'
)

ARBITRARY = ("au", "a.u", "au.", "a.u.")
_STATED = re.compile(r"([0-9.]+(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE)


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


def told(noise: str | float, modality: str | None = None) -> Told:
    """What a number, or a number with its unit, says.

    Parameters
    ----------
    noise : str or float
        ``0.05``, ``"25u"``, ``"25 a.u."``, ``"25 HU"``, ``"5%"``.
    modality : str, optional
        Of the scan: a bare number is HU for CT and a fraction for MR. Without it, units are not
        compared with what the scan has.

    Raises
    ------
    SettingsError
        If it is no noise level, or in a unit that the scan does not have.
    """
    relative = modality is not None and modality_named(modality).noise.relative
    if not isinstance(noise, str):
        return Told(_number(noise), relative)
    match = _STATED.fullmatch(noise.strip())
    try:
        value = float(match[1]) if match else -1.0
    except ValueError:  # "1.2.3"
        match, value = None, -1.0
    unit = match[2].lower() if match else ""
    if match is None or unit not in _units():
        raise SettingsError(f"noise is {WAYS}; got {noise!r}")
    if not unit:
        return Told(value, relative)
    if unit == "%" and value >= 100:
        raise SettingsError(f"noise={noise!r} is the whole foreground or more; 5% is usual")
    why = None if modality is None else _refused(unit, modality)
    if why is not None:
        raise SettingsError(why.format(noise=noise, value=value))
    return Told(value / 100, True) if unit == "%" else Told(value, False)


def _units() -> set[str]:
    """Units that noise of any modality can be stated in, in lower case."""
    return {"", "u", "%", *ARBITRARY, *(modality_named(name).unit.lower() for name in names())}


def _refused(unit: str, name: str) -> str | None:
    """Why noise of a modality is not stated in a unit; None where it is."""
    modality = modality_named(name)
    unit = "a.u." if unit in ARBITRARY else unit
    if unit in modality.noise.refused:
        return modality.noise.refused[unit]
    own = {"u", modality.unit.lower(), *(("%",) if modality.noise.relative else ())}
    return None if unit in own else f"noise={{noise!r}}: the noise of {name} is in {modality.unit}"


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
