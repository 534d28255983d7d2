"""What of the MR signal can be restored: magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import UnsuitableError

if TYPE_CHECKING:
    from medrestore.volume import Volume

__all__ = ["REFUSED", "check_component"]

REFUSED = {
    "phase": "phase images",
    "real": "the real part of a complex signal",
    "imaginary": "the imaginary part of a complex signal",
    "field map": "a field map",
}
"""Signed, or wrapped to a circle; a map computed from magnitudes is only warned about."""


def check_component(volume: Volume) -> None:
    """Refuse MR whose header says that its values are no magnitudes.

    The models and the noise level assume magnitudes with Rician noise: of anything else every
    negative value would become 0.

    Raises
    ------
    UnsuitableError
        If they are phase, real or imaginary part, or a field map.
    """
    what = REFUSED.get(volume.component or "")
    if what is not None:
        raise UnsuitableError(
            f"{volume.source.name} holds {what}, not magnitudes, as its header says; medrestore "
            "restores MR magnitudes: give the magnitude images of this scan"
        )
