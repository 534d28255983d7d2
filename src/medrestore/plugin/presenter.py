"""Results on their way into a viewer, beside the scan that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.plugin.adding import (
    add_preview,
    add_results,
    changed_since,
    is_among,
    remove_previews,
    select_restored,
)
from medrestore.plugin.last_runs import LastRuns
from medrestore.plugin.layer_kinds import bare, is_preview, is_scan
from medrestore.plugin.layers import KEY
from medrestore.plugin.view.planes import lead_to_slice, show_as_acquired

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
        self._runs = LastRuns(viewer)
        self._previewed: Any = None

    def run_to_save(self, scan: Any) -> Result | None:
        """The run that there is to save while a scan is chosen; None for none."""
        return self._runs.to_save(scan)

    def results(
        self, scan: Any, then: Snapshot | None, result: Result, tuples: list[LayerTuple]
    ) -> Generator[None, None, str]:
        """Add the layers of a run, bottom first; a sentence on what became of its scan meanwhile.

        ``scan`` is the layer that the run is of, as it was ``then``.
        """
        self._runs.remember(scan, result)
        yield from remove_previews(self._viewer)
        yield from add_results(self._viewer, scan, tuples)
        select_restored(self._viewer, result)
        return changed_since(self._viewer, scan, then) if then else ""

    def preview(self, scan: Any, tuples: list[LayerTuple]) -> Generator[None, None, str]:
        """Show a preview instead of the last one, and its plane; a sentence if that was another."""
        again, self._previewed = self._previewed is scan, scan
        yield from add_preview(self._viewer, scan, tuples, again)
        shown = [bare(layer) for layer in self._viewer.layers if is_preview(bare(layer))]
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
        open_ones = (bare(layer) for layer in self._viewer.layers if is_scan(bare(layer)))
        found = [layer for layer in open_ones if _same_scan(layer, data, affine)]
        layer = found[-1] if found else bare(self._viewer.add_image(data, **meta))
        if not found:
            show_as_acquired(self._viewer, layer)
        _, placed, _ = layer.as_layer_data_tuple()
        self._runs.remember(layer, result)
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
    """Whether a layer shows these voxels in this place."""
    record = layer.metadata.get(KEY)
    placed = isinstance(record, dict) and np.allclose(record.get("affine", 0), affine)
    return placed and layer.data.shape == data.shape and np.array_equal(layer.data, data)
