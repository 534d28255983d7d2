"""A given noise level: a number, or one with its unit."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from medrestore.volume import Modality

__all__ = ["UNIT", "GivenNoise", "NoiseLevel", "given_noise", "parse_noise"]

UNIT = {"CT": "HU", "MR": "a.u."}

FORMS = (
    '"auto", a number (HU for CT; for MR a fraction of the foreground: 0.05 is 5 %), one with its '
    'unit ("25u", "25 a.u.", "25 HU": σ in the scan\'s own; "5%": of the foreground), or a Volume'
)

_NUMBER_WITH_UNIT = re.compile(r"([0-9.]+(?:e[+-]?\d+)?)\s*(u|a\.?u\.?|hu|%|)", re.IGNORECASE)


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


def given_noise(noise: str | float, modality: Modality | None = None) -> GivenNoise:
    """Value and unit of a number, or of a number with its unit.

    Parameters
    ----------
    noise : str or float
        ``0.05``, ``"25u"``, ``"25 a.u."``, ``"25 HU"``, ``"5%"``.
    modality : "CT" or "MR", optional
        The scan's: a bare number is HU for CT and a fraction for MR. Without it, units are
        not compared with what the scan has.

    Raises
    ------
    SettingsError
        If it is no noise level, or in a unit that the scan does not have.
    """
    if not isinstance(noise, str):
        return GivenNoise(_number(noise), modality == "MR")
    match = _NUMBER_WITH_UNIT.fullmatch(noise.strip())
    try:
        value = float(match[1]) if match else -1.0
    except ValueError:  # "1.2.3"
        match, value = None, -1.0
    if match is None:
        raise SettingsError(f"noise is {FORMS}; got {noise!r}")
    unit = match[2].lower()
    if not unit:
        return GivenNoise(value, modality == "MR")
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
    return GivenNoise(value / 100, True) if unit == "%" else GivenNoise(value, False)


def _number(noise: object) -> float:
    """A plain number, NumPy's too."""
    try:
        if isinstance(noise, bool):
            raise TypeError
        return float(noise)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = type(noise).__name__
        raise SettingsError(f"noise is {FORMS} as a map of σ; got {found}") from None


class NoiseLevel:
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
