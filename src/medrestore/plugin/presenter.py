"""Results on their way into a viewer, beside the scan that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from medrestore.plugin.adding import (
    add_preview,
    add_results,
    changed_since,
    remove_previews,
    select_restored,
)
from medrestore.plugin.layers import KEY, record_in
from medrestore.plugin.view.planes import lead_to_slice, show_as_acquired
from medrestore.plugin.viewer import bare, is_among, is_preview, is_scan, layers_of, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Snapshot
    from medrestore.results.result import Result


__all__ = ["Presenter"]

TURNED = "The view was turned to it."


class Presenter:
    """Adds what a run has found, selects it, and knows what is there.

    Its generators yield after each layer: the window lives between them.

    Parameters
    ----------
    viewer : ViewerModel
        Its layers are added to, never changed; its axes are turned to what is to be seen.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._last: WeakKeyDictionary[Any, Result] = WeakKeyDictionary()  # by scans still there
        self._previewed: Any = None

    def run_to_save(self, scan: Any) -> Result | None:
        """Return the run to save while a scan is chosen: of the selected layer, else its last.

        None for none; one without layers is no more.
        """
        active = bare(self._viewer.layers.selection.active)
        selected = None if active is None else result_of(active)
        if selected is not None:
            return selected
        last = None if scan is None else self._last.get(scan)
        shown = any(result_of(layer) is last for layer in layers_of(self._viewer))
        return last if shown else None

    def results(
        self, scan: Any, then: Snapshot | None, result: Result, tuples: list[LayerTuple]
    ) -> Generator[None, None, str]:
        """Add the layers of a run, bottom first; a sentence on what became of its scan meanwhile.

        ``scan`` is the layer that the run is of, as it was ``then``.
        """
        self._last[scan] = result
        yield from remove_previews(self._viewer)
        yield from add_results(self._viewer, scan, tuples)
        select_restored(self._viewer, result)
        return changed_since(self._viewer, scan, then) if then else ""

    def preview(self, scan: Any, tuples: list[LayerTuple]) -> Generator[None, None, str]:
        """Show a preview instead of the last one, and its plane; a sentence if that was another."""
        again, self._previewed = self._previewed is scan, scan
        yield from add_preview(self._viewer, scan, tuples, again)
        shown = [layer for layer in layers_of(self._viewer) if is_preview(layer)]
        return TURNED if shown and lead_to_slice(self._viewer, shown[-1]) else ""

    def reopened(
        self,
        result: Result,
        scan: LayerTuple,
        made: Callable[[Mapping[str, Any]], list[LayerTuple]],
    ) -> Iterator[None]:
        """Add the results of a saved run, and its scan unless it is open already."""
        data, meta, _ = scan
        affine = meta["metadata"][KEY]["affine"]
        scans = filter(is_scan, layers_of(self._viewer))
        found = [layer for layer in scans if _same_scan(layer, data, affine)]
        layer = found[-1] if found else bare(self._viewer.add_image(data, **meta))
        if not found:
            show_as_acquired(self._viewer, layer)
        _, placed, _ = layer.as_layer_data_tuple()
        self._last[layer] = result
        yield from add_results(self._viewer, layer, made(placed))
        select_restored(self._viewer, result)

    def drop_stale_preview(self, changed: Any = None) -> None:
        """Take a preview away whose scan is gone, or is the layer that was changed."""
        scan = self._previewed
        if scan is not None and (scan is changed or not is_among(self._viewer, scan)):
            self._previewed = None
            for _ in remove_previews(self._viewer):
                pass


def _same_scan(layer: Any, data: Any, affine: Any) -> bool:
    """Return True if a layer shows these voxels at this position."""
    placed = np.allclose(record_in(layer.metadata).get("affine", 0), affine)
    return placed and layer.data.shape == data.shape and np.array_equal(layer.data, data)
