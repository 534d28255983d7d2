"""A key of the viewer, borrowed and given back. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

__all__ = ["BorrowedKey"]


class BorrowedKey:
    """Calls ``action`` on a key while it is held.

    Parameters
    ----------
    viewer : ViewerModel
        Whose key.
    key : str
        As napari spells keys.
    action : callable
        Without arguments.
    """

    def __init__(self, viewer: ViewerModel, key: str, action: Callable[[], object]) -> None:
        self._viewer, self._key = viewer, key
        self.held = False

        def pressed(_: Any) -> None:
            action()

        self._pressed = pressed

    def take(self) -> None:
        """Hold the key, unless somebody has bound it in this viewer."""
        if not self.held:
            try:
                self._viewer.bind_key(self._key, self._pressed)
            except ValueError:  # taken
                return
            self.held = True

    def give_back(self) -> None:
        """Let the key go, unless somebody has taken it over meanwhile."""
        if not self.held:
            return
        self.held = False
        unbound = self._viewer.bind_key(self._key, None)
        unbound = getattr(unbound, "__wrapped__", unbound)
        if unbound is not None and unbound is not self._pressed:
            self._viewer.bind_key(self._key, unbound)
