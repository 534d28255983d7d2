"""A given noise level: a number, or one with its unit."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from medrestore.errors import SettingsError
from medrestore.modalities import modality_named, names

__all__ = ["GivenNoise", "NoiseSetting", "given_noise", "parse_noise"]

FORMS = (
    '"auto", a number (HU for CT; for MR a fraction of the foreground: 0.05 is 5 %), one with its '
    'unit ("25u", "25 a.u.", "25 HU": σ in the scan\'s own; "5%": of the foreground), or a Volume'
)

ARBITRARY = ("au", "a.u", "au.", "a.u.")
_NUMBER_WITH_UNIT = re.compile(r"([0-9.]+(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE)


class GivenNoise(NamedTuple):
    """A noise level and the unit of its number.

    Parameters
    ----------
    value : float
        σ in the scan's own unit, or a fraction of the foreground scale.
    fraction : bool
        True for a fraction.
    """

    value: float
    fraction: bool


def given_noise(noise: str | float, modality: str | None = None) -> GivenNoise:
    """Value and unit of a number, or of a number with its unit.

    Parameters
    ----------
    noise : str or float
        ``0.05``, ``"25u"``, ``"25 a.u."``, ``"25 HU"``, ``"5%"``.
    modality : str, optional
        The scan's: a bare number is HU for CT and a fraction for MR. Without it, units are
        not compared with what the scan has.

    Raises
    ------
    SettingsError
        If it is no noise level, or in a unit that the scan does not have.
    """
    relative = modality is not None and modality_named(modality).noise.relative
    if not isinstance(noise, str):
        return GivenNoise(_number(noise), relative)
    match = _NUMBER_WITH_UNIT.fullmatch(noise.strip())
    try:
        value = float(match[1]) if match else -1.0
    except ValueError:  # "1.2.3"
        match, value = None, -1.0
    unit = match[2].lower() if match else ""
    if match is None or unit not in _units():
        raise SettingsError(f"noise is {FORMS}; got {noise!r}")
    if not unit:
        return GivenNoise(value, relative)
    if unit == "%" and value >= 100:
        raise SettingsError(f"noise={noise!r} is the whole foreground or more; 5% is usual")
    why = None if modality is None else _refused(unit, modality)
    if why is not None:
        raise SettingsError(why.format(noise=noise, value=value))
    return GivenNoise(value / 100, True) if unit == "%" else GivenNoise(value, False)


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
        found = type(noise).__name__
        raise SettingsError(f"noise is {FORMS} as a map of σ; got {found}") from None


class NoiseSetting:
    """Values of a setting: ``"auto"``, ``"map"``, a number, or one with its unit."""

    values = "auto, σ, σ with its unit, or a map"
    parse = str  # a path, perhaps: `parse_noise`

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` if it is none, negative or not finite."""
        if isinstance(value, str) and value in ("auto", "map"):
            return
        sigma = given_noise(value).value
        if not math.isfinite(sigma) or sigma < 0:
            raise SettingsError(f"{name} is a standard deviation ≥ 0, got {value}")


def parse_noise(text: str) -> str | float:
    """A typed text as `settings.Settings.noise`: ``"auto"``, a number, or one with its unit.

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
        given_noise(text)
        return text
