"""A viewer's layers and what they are to medrestore; its parts, whatever napari's version."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay
from napari.layers import Image

from medrestore.plugin.layers import record_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel

    from medrestore.results.result import Result

__all__ = [
    "bare",
    "camera_of",
    "grid_of",
    "holds_run",
    "is_among",
    "is_preview",
    "is_restored",
    "is_scalar",
    "is_scan",
    "layers_of",
    "overlays_of",
    "result_of",
    "show_text",
    "watch",
]


def bare(layer: Any) -> Any:
    """Return the layer itself: napari hands plugins a new proxy for it each time."""
    return getattr(layer, "__wrapped__", layer)


def layers_of(viewer: ViewerModel) -> list[Any]:
    """Return a viewer's layers, bottom first, without proxies."""
    return [bare(layer) for layer in viewer.layers]


def is_among(viewer: ViewerModel, layer: Any) -> bool:
    """Return True if a viewer has this very layer."""
    return any(other is layer for other in layers_of(viewer))


def is_scan(layer: Any) -> bool:
    """Return True for an image that no run has added."""
    return isinstance(layer, Image) and record_in(layer.metadata).get("role", "scan") == "scan"


def is_restored(layer: Any) -> bool:
    """Return True for an image that a run has restored."""
    return isinstance(layer, Image) and record_in(layer.metadata).get("role") == "restored"


def is_preview(layer: Any) -> bool:
    """Return True for a layer of a preview."""
    return bool(record_in(layer.metadata).get("preview"))


def holds_run(layer: Any) -> bool:
    """Return True for the restored image of a whole run that is in memory."""
    return is_restored(layer) and result_of(layer) is not None


def result_of(layer: Any) -> Result | None:
    """Return the result of the whole run that a layer belongs to; None for scans and previews."""
    record = record_in(layer.metadata)
    if "run" not in record or record.get("preview"):
        return None
    result: Result = record["run"].result
    return result


def is_scalar(layer: Any) -> bool:
    """Return True for an image in shades of one colour, with slices."""
    return isinstance(layer, Image) and not layer.rgb and layer.ndim >= 3


def grid_of(viewer: ViewerModel) -> Any:
    """Return the grid mode of the canvas, which moved in napari 0.9."""
    return getattr(viewer, "canvas", viewer).grid


def camera_of(viewer: ViewerModel) -> Any:
    """Return the camera, which moved in napari 0.9."""
    return getattr(viewer, "scene", viewer).camera


def overlays_of(viewer: ViewerModel) -> Any | None:
    """Return the mapping of name to canvas overlay; None before napari 0.9, which hides it."""
    return viewer.canvas.overlays if hasattr(viewer, "canvas") else None


def show_text(overlays: Any, name: str, text: str, **look: Any) -> None:
    """Show a text on the canvas; an empty one takes it off."""
    if not text:
        overlays.pop(name, None)
    elif name in overlays:
        overlays[name].text = text
    else:
        overlays[name] = TextOverlay(text=text, gridded=True, visible=True, **look)


def watch(widget: Any, emitters: Sequence[Any], callback: Callable[..., object]) -> None:
    """Call back on events of a viewer until a Qt widget is gone."""
    for emitter in emitters:
        emitter.connect(callback)
    widget.destroyed.connect(partial(_disconnect, emitters, callback))


def _disconnect(emitters: Sequence[Any], callback: Callable[..., object], *_: Any) -> None:
    for emitter in emitters:
        emitter.disconnect(callback)
