"""The line of a panel that says what happened and what to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

from medrestore.errors import MedrestoreError
from medrestore.plugin.sentence import Sentence
from medrestore.plugin.styles import PROBLEM_STYLE, QUIET_STYLE
from medrestore.plugin.words import as_sentence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Status"]

LOG = logging.getLogger(__name__)


class Status(Sentence):
    """Shows one sentence; amber where it asks for something."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def tell(self, text: str, problem: bool = False) -> None:
        """Show a sentence; an empty one clears the line."""
        self.setText(text)
        self.setStyleSheet(PROBLEM_STYLE if problem else QUIET_STYLE)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something; a problem becomes a sentence. Whether it was done."""
        try:
            action()
        except Exception as error:
            self.fail(error)
            return False
        return True

    def fail(self, error: BaseException) -> None:
        """Say what went wrong."""
        if isinstance(error, MedrestoreError):
            self.tell(as_sentence(error), problem=True)
            return
        LOG.error("the view could not be changed", exc_info=error)
        self.tell(
            f"That failed unexpectedly ({type(error).__name__}: {error}). Please report this; the "
            "details are in the terminal that started napari.",
            problem=True,
        )
