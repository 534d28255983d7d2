"""Noisy crops of scans whose noise is known, and lesions that can be put into them."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import medrestore as mr
from benchmarks.noise import noises
from medrestore.core.intensity import foreground_scale
from medrestore.engine.noise import resolve_levels
from medrestore.engine.plan import Noise
from medrestore.modalities import modality_named
from medrestore.physics.phantom import torso_ct
from medrestore.physics.simulate import noisier_ct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
AROUND, SLICES, SIDE = 10, 6, 192
"""Slices whose noise is estimated; those in their middle that are judged; rows and columns."""
PLACES = 8
TUNED = (
    "validation/mr_uih_t1_b",
    "validation/mr_pyradiomics_brain1",
    "train/mr/px0001_prostate_t2tra_a",
    "train/mr/px0001_prostate_t2cor",
    "train/mr/sts030_limb_t1",
    "validation/ct_totalseg_abdomen",
    "train/ct/rider0109_chest",
    "train/ct/sts019_limb",
    "train/ct/tcga17z058_1",
    "train/ct/tcga17z058_3",
)
"""Scans that thresholds were set on."""
CONFIRMED = (
    "validation/mr_pyradiomics_brain2",
    "validation/mr_torchio_t2",
    "validation/mr_niivue_t2w",
    "train/mr/cmb06489_abdomen_t2_a",
    "train/mr/ms19_brain_flair",
    "validation/ct_cptacpda_abdomen_sharp",
    "train/ct/sts028_limb",
    "train/ct/tcga17z036_1",
    "train/ct/tcga17z036_2",
    "train/ct/tcga602715_1",
    "phantom/ct_torso",
)
"""Other people, whom thresholds were not set on, and a phantom."""
LEVELS = {"MR": (0.03, 0.08), "CT": (15.0, 30.0)}
KINDS = {
    "MR": {k.name: k for k in noises.MR if k.name in ("white", "zero-filled 1.5")},
    "CT": {"scanner": None, "sharp": noises.CT[1], "white": None},
}


@dataclass(frozen=True)
class Case:
    """A crop of a scan with one noise.

    ``part`` is where the middle slice lies, a share of the scan's length; ``level`` is added, a
    fraction of the foreground scale (MR) or HU.
    """

    path: str
    part: float
    kind: str
    level: float

    @property
    def name(self) -> str:
        """The scan's file name."""
        return self.path.rpartition("/")[2]

    @property
    def key(self) -> str:
        """Told from all other cases by."""
        return f"{self.name} {self.part:g} {self.kind} {self.level:g}"

    @property
    def modality(self) -> str:
        """CT or MR."""
        return "CT" if "/ct" in self.path else "MR"

    @property
    def tuned(self) -> bool:
        """Whether thresholds were set on it."""
        return self.path in TUNED

    @cached_property
    def whole(self) -> mr.Volume:
        """Up to ten slices without added noise."""
        if self.path.startswith("phantom"):
            array = torso_ct((AROUND, 225, 320), (5.0, 1.0, 1.0), 3)
            return _volume(array, (5.0, 1.0, 1.0), "CT")
        volume = mr.read(DATA / f"{self.path}.nii.gz", self.modality)
        count = min(AROUND, len(volume.array))
        first = round(self.part * (len(volume.array) - count))
        array = np.ascontiguousarray(volume.array[first : first + count])
        return _volume(array, volume.geometry.spacing_mm, self.modality)

    @cached_property
    def scale(self) -> float:
        """What MR levels are fractions of; 1 HU."""
        return foreground_scale(self.whole.array) if self.modality == "MR" else 1.0

    @cached_property
    def own(self) -> float:
        """σ that the scan has of its own, in its unit."""
        if self.path.startswith("phantom"):
            return 0.0
        listed = json.loads((DATA / "train/index.json").read_text())
        stated = [row["noise"] for row in listed if row["file"] == f"{self.path}.nii.gz"]
        if not stated:
            return modality_named(self.modality).estimate_noise(self.whole.array).sigma
        number = float(stated[0].split()[0])
        return number / 100 * self.scale if self.modality == "MR" else number

    @property
    def right(self) -> float:
        """σ of the noisy scan, in its unit."""
        return float(np.hypot(self.own, self.level * self.scale))

    @cached_property
    def noisy(self) -> NDArray[np.float32]:
        """The ten slices with noise."""
        return self.with_lesions(0.0)

    def with_lesions(self, lesions: NDArray[np.float32] | float) -> NDArray[np.float32]:
        """The same, noise included, with lesions in the anatomy under it."""
        rng = np.random.default_rng(zlib.crc32(self.key.encode()))
        clean = self.whole.array + np.float32(lesions)
        if self.kind == "scanner":
            return clean + self._scanner_noise
        kind = KINDS[self.modality][self.kind]
        if kind is None:
            return clean + np.float32(self.level) * rng.standard_normal(clean.shape, np.float32)
        return kind.add(clean, self.level * self.scale, rng)

    @cached_property
    def _scanner_noise(self) -> NDArray[np.float32]:
        seed = zlib.crc32(self.key.encode()) % 2**31
        pixel = self.whole.geometry.spacing_mm[1]
        return noisier_ct(self.whole.array, pixel, hu=self.level, seed=seed)[0] - self.whole.array

    @property
    def chosen(self) -> tuple[int, ...]:
        """Slices that are judged; those around them are read by the network."""
        depth = len(self.whole.array)
        first = (depth - min(SLICES, depth)) // 2
        return tuple(range(first, first + min(SLICES, depth)))

    @cached_property
    def window(self) -> tuple[slice, slice, slice]:
        """All slices, and a square about the middle of the body."""
        body = self.whole.array[self.chosen[0]] > (
            0.06 * self.scale if self.modality == "MR" else -200
        )
        cuts = []
        for axis, n in enumerate(body.shape):
            middle = round(float(np.argwhere(body)[:, axis].mean()))
            start = min(max(middle - SIDE // 2, 0), max(n - SIDE, 0))
            cuts.append(slice(start, min(start + SIDE, n)))
        return (slice(None), *cuts)  # type: ignore[return-value]

    def scan(self, noisy: NDArray[np.float32]) -> mr.Volume:
        """What is restored, of ten noisy slices: the chosen ones."""
        crop = np.ascontiguousarray(noisy[self.window])
        return _volume(crop, self.whole.geometry.spacing_mm, self.modality)

    @cached_property
    def measured(self) -> float:
        """σ that the ten noisy slices say they have."""
        return modality_named(self.modality).estimate_noise(self.noisy).sigma

    def told(self, factor: float) -> Noise:
        """The noise told ``factor`` times as strong as it is, as a run takes it."""
        right = self._told_right
        local = None if right.map is None else right.map * np.float32(factor)
        return Noise(right.sigma * factor, local, right.source, measured=self.measured)

    @cached_property
    def _told_right(self) -> Noise:
        whole = _volume(self.noisy, self.whole.geometry.spacing_mm, self.modality)
        found = resolve_levels(whole, f"{self.right}u")[0].noise
        local = None if found.map is None else np.ascontiguousarray(found.map[self.window])
        return Noise(found.sigma, local, found.source)

    def places(
        self, radius: float, rng: np.random.Generator
    ) -> list[tuple[int, NDArray[np.bool_]]]:
        """Discs in the anatomy, far from each other; index of the chosen slice and its voxels."""
        clean = self.whole.array[self.window][list(self.chosen)]
        mask = clean > 0.15 * self.scale if self.modality == "MR" else np.abs(clean - 50) < 100
        rows, columns = np.ogrid[: mask.shape[1], : mask.shape[2]]
        found: list[tuple[int, int, int]] = []
        for z, y, x in rng.permutation(np.argwhere(mask))[:20_000]:
            near = [p for p in found if p[0] == z]
            clear = all(np.hypot(y - p[1], x - p[2]) > 6 * radius + 12 for p in near)
            inside = np.hypot(rows - y, columns - x) <= radius
            edge = min(y, x, mask.shape[1] - 1 - y, mask.shape[2] - 1 - x) > radius
            if len(near) < 3 and clear and edge and mask[z][inside].all():
                found.append((int(z), int(y), int(x)))
            if len(found) == PLACES:
                break
        return [(z, np.hypot(rows - y, columns - x) <= radius) for z, y, x in found]

    def discs(
        self, places: list[tuple[int, NDArray[np.bool_]]], contrast: float
    ) -> NDArray[np.float32]:
        """Lesions of a contrast in units of the right σ, on the grid of the ten slices."""
        lesions = np.zeros_like(self.whole.array)
        crop = lesions[self.window]
        for z, inside in places:
            crop[self.chosen[z]][inside] = contrast * self.right
        return lesions


def cases() -> Iterator[Case]:
    """Two places of each MR, one of each CT; two levels of two kinds of noise."""
    for path in (*TUNED, *CONFIRMED):
        modality = Case(path, 0.5, "", 0.0).modality
        kinds, levels = list(KINDS[modality]), LEVELS[modality]
        if path.startswith("phantom"):
            yield from (Case(path, 0.5, kind, level) for kind in kinds for level in levels)
            continue
        for i, part in enumerate((0.35, 0.65) if modality == "MR" else (0.35,)):
            for j, level in enumerate(levels):
                yield Case(path, part, kinds[(i + j) % 2], level)


def _volume(
    array: NDArray[np.float32], spacing: tuple[float, float, float], modality: str
) -> mr.Volume:
    affine = np.zeros((4, 4))
    affine[[2, 1, 0, 3], [0, 1, 2, 3]] = (*spacing, 1.0)
    return mr.Volume(array, mr.Geometry(array.shape, affine), modality)  # type: ignore[arg-type]
