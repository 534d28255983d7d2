"""The generated sample scans, as napari's *File ▸ Open Sample* offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore import io
from medrestore.plugin.layers import to_layer
from medrestore.plugin.opening import when_added
from medrestore.resources import sample_data_folder

if TYPE_CHECKING:
    from medrestore.plugin.layers import LayerTuple
    from medrestore.volume import Volume

__all__ = ["ct_torso", "mr_head"]


def mr_head() -> list[LayerTuple]:
    """MR-like head phantom with simulated noise; a NIfTI file, which does not say that it is MR."""
    return _opened(io.read(sample_data_folder() / "mr_head.nii.gz", "MR"))


def ct_torso() -> list[LayerTuple]:
    """CT-like torso phantom with simulated low-dose noise; a DICOM series."""
    return _opened(io.read(sample_data_folder() / "ct_torso_dicom"))


def _opened(volume: Volume) -> list[LayerTuple]:
    layers = [to_layer(volume)]
    when_added(layers)
    return layers
