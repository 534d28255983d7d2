"""What a layer of the viewer is to us. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from medrestore.plugin.layers import KEY

if TYPE_CHECKING:
    from medrestore.results.result import Result

__all__ = ["bare", "holds_run", "is_preview", "is_restored", "is_scalar", "is_scan", "result_of"]


def bare(layer: Any) -> Any:
    """The layer itself: napari hands plugins a new proxy for it each time."""
    return getattr(layer, "__wrapped__", layer)


def is_scan(layer: Any) -> bool:
    """Whether a layer is an image, and none that a run has added."""
    return isinstance(layer, Image) and _role(layer) in (None, "scan")


def is_restored(layer: Any) -> bool:
    """Whether a layer is what a run has restored."""
    return isinstance(layer, Image) and _role(layer) == "restored"


def is_preview(layer: Any) -> bool:
    """Whether a layer belongs to a preview."""
    record = layer.metadata.get(KEY)
    return isinstance(record, dict) and bool(record.get("preview"))


def holds_run(layer: Any) -> bool:
    """Whether a layer is the restored image of a whole run that is in memory."""
    return is_restored(layer) and not is_preview(layer) and "run" in layer.metadata[KEY]


def result_of(layer: Any) -> Result | None:
    """The result of the whole run that a layer belongs to; None for scans and previews."""
    record = layer.metadata.get(KEY)
    if not isinstance(record, dict) or "run" not in record or record.get("preview"):
        return None
    result: Result = record["run"].result
    return result


def is_scalar(layer: Any) -> bool:
    """Whether a layer is an image in shades of one colour, with slices."""
    return isinstance(layer, Image) and not layer.rgb and layer.ndim >= 3


def _role(layer: Any) -> str | None:
    """The role in our record; None for layers of others."""
    record = layer.metadata.get(KEY)
    return str(record.get("role", "scan")) if isinstance(record, dict) else None
