"""The planes of one volume, in order: what grouping makes, and geometry and decoding take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame

__all__ = ["Stack"]


@dataclass(frozen=True)
class Stack:
    """The planes of one volume, ``frames[t][z]``, sorted along the slice normal.

    Parameters
    ----------
    frames : tuple of tuple of Frame
        Time points, each with its slices.
    copies : tuple of Path
        Files left out because they hold planes of this stack once more.
    lost : tuple of Path
        Files of the same series that cannot be read.
    label : str
        What tells it from other volumes of its series, where an attribute does.
    """

    frames: tuple[tuple[Frame, ...], ...]
    copies: tuple[Path, ...] = field(default=(), compare=False)
    lost: tuple[Path, ...] = field(default=(), compare=False)
    label: str = field(default="", compare=False)

    @property
    def first(self) -> Frame:
        """The lowest plane of the first time point."""
        return self.frames[0][0]

    @property
    def planes(self) -> tuple[Frame, ...]:
        """All planes, in order of time and slice."""
        return tuple(frame for planes in self.frames for frame in planes)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, each once, in order of time and slice."""
        return tuple(dict.fromkeys(frame.path for frame in self.planes))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Voxels along ``(t, z, y, x)``."""
        return (len(self.frames), len(self.frames[0]), *self.first.shape)

    def time_point(self, t: int) -> Stack:
        """The planes of one time point."""
        return Stack((self.frames[t],))

    def slices(self, chosen: Sequence[int]) -> Stack:
        """Some of the planes, of every time point."""
        return Stack(tuple(tuple(planes[z] for z in chosen) for planes in self.frames))
