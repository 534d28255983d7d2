"""The scans of ``../shared/data`` that noise estimates are tried on, and what anatomy they show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import medrestore as mr

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SLICES = 10
"""Of each volume at most, in its middle, side by side."""

ANATOMIES = {
    "brain": (
        "brain",
        "t1_child",
        "adi",
        "uih",
        "studyforrest",
        "pyradiomics",
        "niivue",
        "torchio",
    ),
    "pelvis": ("prostate", "pelvis"),
    "abdomen": ("abdomen", "acrin001"),
    "breast": ("breast",),
    "limb": ("thigh", "calves", "limb"),
    "chest": ("chest",),
    "single slice": ("tcga",),
}


@dataclass(frozen=True)
class Case:
    """A scan: file, modality, and a word for what it shows."""

    path: Path
    modality: str
    anatomy: str

    @property
    def name(self) -> str:
        """The file's name without endings."""
        return self.path.name.partition(".")[0]

    def array(self) -> NDArray[np.float32]:
        """The middle slices, (z, y, x), as float32."""
        whole = mr.read(self.path, self.modality).array
        first = max(0, (len(whole) - SLICES) // 2)
        return np.ascontiguousarray(whole[first : first + SLICES])


def cases(modality: str) -> list[Case]:
    """Every scan of training and validation data of a modality, by name."""
    prefix = modality.lower()
    listed = {Path(row["file"]).name for row in json.loads((DATA / "train/index.json").read_text())}
    paths = [p for p in (DATA / "train" / prefix).glob("*.nii.gz") if p.name in listed]
    paths += (DATA / "train").glob(f"{prefix}_*.nii.gz")
    paths += (DATA / "validation").glob(f"{prefix}_*.nii.gz")
    return [Case(path, modality, _anatomy(path.name)) for path in sorted(paths)]


def _anatomy(name: str) -> str:
    return next((a for a, words in ANATOMIES.items() if any(w in name for w in words)), "other")
