"""What went wrong, in one sentence."""

from __future__ import annotations

import logging

from medrestore.errors import MedrestoreError
from medrestore.plugin.words import as_sentence

__all__ = ["sentence"]

LOG = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """For the reader; what nobody foresaw also goes to the log."""
    if isinstance(error, MedrestoreError):
        return as_sentence(error)
    if isinstance(error, MemoryError):
        return (
            "There is not enough memory for these pictures: close other programs, then try again."
        )
    LOG.error("the reader study met an unexpected error", exc_info=error)
    return (
        f"This failed unexpectedly ({type(error).__name__}: {error}). Please report it; the "
        "details are in the terminal that started napari."
    )
