"""Result layers into a viewer, beside their scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.experimental import link_layers
from napari.layers import Image

from medrestore.plugin.dressing import dress
from medrestore.plugin.layer_kinds import bare, is_preview, is_restored, result_of
from medrestore.plugin.layers import KEY
from medrestore.plugin.results import COPIED, LINKED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Snapshot
    from medrestore.results.result import Result

__all__ = [
    "add_preview",
    "add_results",
    "changed_since",
    "is_among",
    "remove_previews",
    "select_restored",
]

PLACED = ("scale", "translate", "rotate", "shear", "affine")


def add_results(viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple]) -> Iterator[None]:
    """Add layers, one between two yields; those in the scan's intensities share its contrast.

    The scan itself is left as it is; it may be removed meanwhile.
    """
    linked: list[Any] = []
    for data, meta, _ in tuples:
        layer = Image(data, **meta)
        if meta["metadata"][KEY]["role"] in LINKED:
            present = is_among(viewer, source)
            if present:  # its contrast may have been changed during the run
                layer.contrast_limits_range = source.contrast_limits_range
                layer.contrast_limits = source.contrast_limits
            linked.append(layer)
            link_layers([source, *linked] if present else linked, ("contrast_limits",))
        viewer.add_layer(layer)
        dress(viewer, layer)
        yield


def select_restored(viewer: ViewerModel, result: Result | None) -> None:
    """Select the restored image of a run, which is what napari's controls then act on."""
    for layer in viewer.layers:
        if result is not None and is_restored(layer) and result_of(layer) is result:
            viewer.layers.selection.active = layer


def add_preview(
    viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple], again: bool
) -> Iterator[None]:
    """Show a preview instead of the last one; the layer that was selected stays selected.

    ``again``: the last one was of this scan, too; its layers then show the new one, which takes a
    tenth of the time.
    """
    last = [bare(layer) for layer in viewer.layers if is_preview(layer)]
    if again and len(last) == len(tuples) and all(map(_fits, last, tuples)):
        for layer, made in zip(last, tuples, strict=True):
            _replace(layer, made)
            yield
        return
    active = viewer.layers.selection.active
    yield from remove_previews(viewer)
    for _ in add_results(viewer, source, tuples):
        if active is not None and active in viewer.layers:
            viewer.layers.selection.active = active
        yield


def _fits(layer: Any, made: LayerTuple) -> bool:
    data, meta, _ = made
    role = meta["metadata"][KEY]["role"]
    return bool(layer.data.shape == data.shape and layer.metadata[KEY]["role"] == role)


def _replace(layer: Any, made: LayerTuple) -> None:
    """Show other voxels, wherever and however the scan is shown now."""
    data, meta, _ = made
    for key in ("metadata", *COPIED, "colormap", "gamma"):
        if key in meta:
            setattr(layer, key, meta[key])
    layer.data, layer.visible = data, meta["visible"] or layer.visible
    if meta["metadata"][KEY]["role"] not in LINKED:
        layer.contrast_limits_range = layer.contrast_limits = meta["contrast_limits"]


def remove_previews(viewer: ViewerModel) -> Iterator[None]:
    """Take the layers of previews away, one between two yields."""
    for layer in [layer for layer in viewer.layers if is_preview(layer)]:
        if layer in viewer.layers:
            viewer.layers.remove(layer)
            yield


def changed_since(viewer: ViewerModel, layer: Any, then: Snapshot) -> str:
    """What became of a scan's layer since a run was asked for: a sentence, or nothing.

    Voxels that a script changed in place are not noticed.
    """
    if not is_among(viewer, layer):
        return "The scan was removed meanwhile; its results stay."
    data, meta, _ = layer.as_layer_data_tuple()
    moved = any(not np.array_equal(meta[key], then.meta[key]) for key in PLACED)
    if data is then.data and not moved:
        return ""
    return "The scan was changed meanwhile: the results are of the scan as it was."


def is_among(viewer: ViewerModel, layer: Any) -> bool:
    """Whether a viewer has this very layer."""
    return any(bare(one) is layer for one in viewer.layers)
