"""Display windows by name. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import MedrestoreError
from medrestore.modalities import modality_named
from medrestore.plugin.contrast import percentile_limits
from medrestore.plugin.layers import KEY
from medrestore.plugin.view.window import Window
from medrestore.volume import Source

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Preset", "presets_for"]

PERCENTILES = {"Usual": (0.5, 99.7), "Full": (0.0, 100.0), "Narrow": (5.0, 95.0)}
"""Of all voxels; for intensities without a unit. Usual: as a scan is opened."""
TIPS = {
    "Usual": "As the scan was opened: all but the 0.5 % darkest and 0.3 % brightest voxels.",
    "Full": "From the darkest voxel to the brightest.",
    "Narrow": "Without the 5 % darkest and the 5 % brightest voxels: more contrast.",
}


@dataclass(frozen=True)
class Preset:
    """A named window; ``window`` may have to look at the file or the voxels first.

    ``fixed`` is the window where it is known beforehand. ``window()`` raises MedrestoreError where
    there is none.
    """

    name: str
    tip: str
    window: Callable[[], Window]
    fixed: Window | None = None


def presets_for(layer: Any) -> list[Preset]:
    """The windows that suit a layer: its file's, its modality's, percentiles."""
    record = layer.metadata.get(KEY)
    record = record if isinstance(record, dict) else {}
    source = record.get("source")
    own = [_of_file(source)] if isinstance(source, Source) and source.format == "dicom" else []
    modality = modality_named(record["modality"]) if record.get("modality") else None
    if modality is not None and modality.display.presets:
        named = [
            _fixed(name, *values, modality.unit)
            for name, values in modality.display.presets.items()
        ]
        return [*own, *named, _of_voxels(layer, "Full")]
    return [*own, *(_of_voxels(layer, name) for name in PERCENTILES)]


def _fixed(name: str, level: float, width: float, unit: str) -> Preset:
    window = Window(level, width)
    return Preset(name, f"Level {level} {unit}, width {width} {unit}.", lambda: window, window)


def _of_voxels(layer: Any, name: str) -> Preset:
    data = layer.data[0] if layer.multiscale else layer.data

    def window() -> Window:
        return Window.between(percentile_limits(data, *PERCENTILES[name]))

    at_hand = name == "Usual" and isinstance(data, np.ndarray)  # others may have to be computed
    return Preset(name, TIPS[name], window, window() if at_hand else None)


def _of_file(source: Source) -> Preset:
    def window() -> Window:
        from medrestore.io.dicom.stored_window import stored_window  # pydicom: only when asked for

        found = stored_window(source)
        if found is None:
            raise MedrestoreError(
                f"the files of {source.name} state no display window; choose another one"
            )
        return Window(*found)

    return Preset("From the file", "The window that the DICOM file states.", window)
