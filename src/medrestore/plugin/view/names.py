"""Parts of a viewer whose public names changed in napari 0.9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["camera_of", "grid_of", "overlays_of"]


def grid_of(viewer: ViewerModel) -> Any:
    """The grid mode of the canvas."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def camera_of(viewer: ViewerModel) -> Any:
    """The camera."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def overlays_of(viewer: ViewerModel) -> Any | None:
    """The open mapping of name to canvas overlay; None before 0.9, which has none in public."""
    return viewer.canvas.overlays if hasattr(viewer, "canvas") else None
