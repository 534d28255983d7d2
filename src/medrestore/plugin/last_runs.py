"""Which run there is to save: that of the selected layer, else the last one of the chosen scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from medrestore.plugin.layer_kinds import bare, result_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from medrestore.results.result import Result

__all__ = ["LastRuns"]


class LastRuns:
    """The last run of each scan of a viewer; a scan that is gone keeps none alive."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._last: WeakKeyDictionary[Any, Result] = WeakKeyDictionary()

    def remember(self, scan: Any, result: Result) -> None:
        """Take this for the last run of a scan's layer."""
        self._last[scan] = result

    def to_save(self, scan: Any) -> Result | None:
        """The run to save while a scan is chosen, None for none; one without layers is no more."""
        active = bare(self._viewer.layers.selection.active)
        selected = None if active is None else result_of(active)
        if selected is not None:
            return selected
        last = None if scan is None else self._last.get(scan)
        shown = (result_of(bare(layer)) for layer in self._viewer.layers)
        return last if last is not None and any(one is last for one in shown) else None
