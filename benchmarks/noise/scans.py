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
    """A scan: file, modality, a word for what it shows, and whether settings were chosen on it.

    ``half`` is "tuned" for every other person (by name, within modality, single slices apart),
    "confirmed" for the others.
    """

    path: Path
    modality: str
    anatomy: str
    half: str

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
    index = json.loads((DATA / "train/index.json").read_text())
    listed = {Path(row["file"]).name for row in index}
    paths = [p for p in (DATA / "train" / prefix).glob("*.nii.gz") if p.name in listed]
    paths += (DATA / "train").glob(f"{prefix}_*.nii.gz")
    paths += (DATA / "validation").glob(f"{prefix}_*.nii.gz")
    known = {Path(row["file"]).name: row["person"] for row in index if "person" in row}
    people = {path: known.get(path.name, _person(path.name)) for path in paths}
    tuned: set[str] = set()
    for single in (False, True):
        group = {who for path, who in people.items() if _single(path) == single}
        tuned |= set(sorted(group)[::2])
    halves = {path: "tuned" if people[path] in tuned else "confirmed" for path in paths}
    return [Case(path, modality, _anatomy(path.name), halves[path]) for path in sorted(paths)]


def _single(path: Path) -> bool:
    return _anatomy(path.name) == "single slice"


def _person(name: str) -> str:
    """Scans of one person share the name up to their last part."""
    stem = name.partition(".")[0]
    return (
        stem.rpartition("_")[0]
        if stem.startswith(("tcga", "mr_adi", "mr_uih", "ct_acrin001"))
        else stem
    )


def _anatomy(name: str) -> str:
    return next((a for a, words in ANATOMIES.items() if any(w in name for w in words)), "other")
