"""Training stacks in small files, for a machine that the scans themselves do not travel to.

Intensities are rounded to the finest of a few steps that makes the file fit; a step of the scan's
own noise adds a twelfth of its variance. Low and high bytes are stored apart, so that the high
ones, nearly constant, cost nothing. Other planes of the same scan (transposed views) are stored
once. Noise banks are not stored: `training.ct_noise` draws them anew where the stacks arrive.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError, SettingsError
from medrestore.training.data import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["cropped", "pack_stacks", "unpack_stacks"]

STEPS = (0.001, 0.002, 0.004, 0.008, 0.016)
"""Rounding in units of the intensity scale: 1 HU to 16 HU, or 0.1 % to 1.6 % of the foreground."""

_FACTS = ("scale", "pixel_mm", "weight", "noise_std")


def cropped(
    array: NDArray[np.float32], lowest: float, margin: int = 16, smallest: int = 64
) -> NDArray[np.float32]:
    """The box around all voxels above ``lowest``; crop a scan before `data.stacks_of` cuts it.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        A scan.
    lowest : float
        Intensity above which a voxel belongs to the body.
    margin, smallest : int
        Voxels kept around the body, and smallest side of the result where the scan has as many.
    """
    body = array > lowest
    window = []
    for axis, n in enumerate(array.shape):
        found = np.flatnonzero(body.any(axis=tuple({0, 1, 2} - {axis})))
        low, high = (int(found[0]), int(found[-1]) + 1) if found.size else (0, n)
        spare = max(margin, (smallest - (high - low) + 1) // 2)
        start = max(0, min(low - spare, n - smallest))
        window.append(slice(start, min(n, max(high + spare, start + smallest))))
    return np.ascontiguousarray(array[tuple(window)])


@dataclass(frozen=True)
class _Part:
    """A stack in the file: index of the stored array, order of its axes, and its numbers."""

    array: int
    axes: tuple[int, ...]
    facts: dict[str, float | None]


def pack_stacks(stacks: Sequence[Stack], path: Path, max_bytes: int) -> int:
    """Write stacks without their noise banks; return the size of the file.

    Parameters
    ----------
    stacks : sequence of Stack
        Of one scan; views of one array are stored once.
    path : Path
        File to write, ``.npz``.
    max_bytes : int
        Largest size allowed.

    Raises
    ------
    SettingsError
        If not even the coarsest rounding fits.
    """
    arrays: list[NDArray[np.float32]] = []
    scales: list[float] = []
    parts = []
    for stack in stacks:
        index, axes = _known(arrays, stack.array)
        if index == len(arrays):
            arrays.append(stack.array)
            scales.append(stack.scale)
        parts.append(_Part(index, axes, {name: getattr(stack, name) for name in _FACTS}))
    for step in STEPS:
        content = _content(arrays, [step * s for s in scales], parts)
        if len(content) <= max_bytes:
            path.write_bytes(content)
            return len(content)
    raise SettingsError(
        f"{path.name} would take {len(content)} bytes with intensities rounded to "
        f"{STEPS[-1]:.1%} of the scale, {max_bytes} are allowed; crop the stacks or allow more"
    )


def unpack_stacks(path: Path) -> list[Stack]:
    """The stacks of a file that `pack_stacks` wrote, intensities rounded as it says.

    Raises
    ------
    InputError
        If the file is missing or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(bytes(file["facts"]).decode())
            arrays = [_joined(file, i, step) for i, step in enumerate(facts["steps"])]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} is no file of packed training stacks: {error}") from error
    return [
        Stack(array=arrays[part["array"]].transpose(part["axes"]), **part["facts"])
        for part in facts["parts"]
    ]


def _known(
    arrays: list[NDArray[np.float32]], array: NDArray[np.float32]
) -> tuple[int, tuple[int, ...]]:
    """Index of the stored array that this is a turned view of, and its axes; else a new index."""
    for index, other in enumerate(arrays):
        same = array.__array_interface__["data"] == other.__array_interface__["data"]
        if same and array.size == other.size:
            axes = tuple(other.strides.index(stride) for stride in array.strides)
            if sorted(axes) == [0, 1, 2] and other.transpose(axes).shape == array.shape:
                return index, axes
    return len(arrays), (0, 1, 2)


def _content(arrays: list[NDArray[np.float32]], steps: list[float], parts: list[_Part]) -> bytes:
    """The whole file."""
    facts = {"steps": steps, "parts": [vars(part) for part in parts]}
    stored: dict[str, NDArray[Any]] = {
        "facts": np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    }
    for index, (array, step) in enumerate(zip(arrays, steps, strict=True)):
        whole = np.clip(np.rint(array / np.float32(step)), -32768, 32767).astype(np.int16)
        stored[f"low{index}"] = (whole.view(np.uint16) & 0xFF).astype(np.uint8)
        stored[f"high{index}"] = (whole.view(np.uint16) >> 8).astype(np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **stored)  # type: ignore[arg-type]
    return buffer.getvalue()


def _joined(file: Any, index: int, step: float) -> NDArray[np.float32]:
    whole = file[f"high{index}"].astype(np.uint16) << 8 | file[f"low{index}"]
    return np.asarray(whole.view(np.int16) * np.float32(step), dtype=np.float32)
