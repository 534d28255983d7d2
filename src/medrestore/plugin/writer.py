"""Saves image layers as scans, each on its source's own grid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.io.formats import suffix_of
from medrestore.plugin.layers import to_volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.plugin.layers import LayerTuple

__all__ = ["write_layer", "write_layers"]


def write_layer(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write one layer; the save dialogue has already asked whether to replace a file.

    Raises
    ------
    InputError, OutputError
        If the layer is no scan, or the file cannot be written.
    """
    return [str(io.write(to_volume(data, meta), path, overwrite=True))]


def write_layers(path: str, layers: Sequence[LayerTuple]) -> list[str]:
    """Write each layer to ``<stem>_<layer name><suffix>``.

    Nobody was asked about these names, so an existing file is an error.

    Raises
    ------
    InputError, OutputError
        If a layer is no scan, or a file exists or cannot be written.
    """
    target = Path(path)
    suffix = suffix_of(target)
    stem = target.name[: len(target.name) - len(suffix)]
    volumes = [to_volume(data, meta) for data, meta, _ in layers]
    names = _distinct([str(meta.get("name", "layer")) for _, meta, _ in layers])
    return [
        str(io.write(volume, target.with_name(f"{stem}_{name}{suffix}")))
        for volume, name in zip(volumes, names, strict=True)
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """Names fit for files, numbered where two are alike."""
    plain = [re.sub(r"[^\w.+-]+", "_", name).strip("_") or "layer" for name in names]
    return [
        f"{name}_{plain[:i].count(name) + 1}" if plain.count(name) > 1 else name
        for i, name in enumerate(plain)
    ]
