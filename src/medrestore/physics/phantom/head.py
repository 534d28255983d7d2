"""A made head on MR: folded cortex, ventricles, nuclei, skull, fat, eyes, vessels and lesions.

Not a copy of any person: ellipsoids and level sets of smooth noise, in arbitrary units.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medrestore.errors import SettingsError
from medrestore.physics.phantom.shapes import Canvas, Phantom, SmoothNoise, branch, union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.floating[Any]]

__all__ = ["head", "head_mr"]

_T1 = {
    "skin": 420, "fat": 930, "bone": 35, "marrow": 420, "muscle": 330, "air": 0, "csf": 120,
    "grey": 400, "white": 610, "nucleus": 480, "vessel": 820, "eye": 110, "lens": 330,
    "rim": 860, "core": 210, "spot": 330,
}  # fmt: skip
_T2 = {
    "skin": 300, "fat": 620, "bone": 30, "marrow": 300, "muscle": 190, "air": 0, "csf": 980,
    "grey": 470, "white": 310, "nucleus": 340, "vessel": 60, "eye": 960, "lens": 200,
    "rim": 640, "core": 860, "spot": 720,
}  # fmt: skip


def head_mr(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int,
    weighting: Literal["T1", "T2"] = "T1",
) -> NDArray[np.float32]:
    """Magnitude MR of a made head, arbitrary units, shape (z, y, x); see `head`."""
    return head(shape, spacing_mm, seed, weighting).array


def head(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int,
    weighting: Literal["T1", "T2"] = "T1",
) -> Phantom:
    """A made head, about 150 × 195 × 200 mm.

    Parameters
    ----------
    shape : (z, y, x)
        Voxels; the grid is centred on the brain.
    spacing_mm : (z, y, x)
        Voxel size. z runs up, y back, x to the patient's left.
    seed : int
        The same seed gives the same anatomy on any grid.
    weighting : "T1" or "T2"
        Contrast; T1 with contrast agent in vessels and tumour rim.

    Returns
    -------
    Phantom
        Values from 0 (air, exactly) to about 1200.

    Raises
    ------
    SettingsError
        If a size is not positive or the weighting unknown.
    """
    if weighting not in ("T1", "T2"):
        raise SettingsError(f"the phantom's weighting is 'T1' or 'T2', got {weighting!r}")
    tissue = _T1 if weighting == "T1" else _T2
    rng = np.random.default_rng([seed, 0x4EAD])
    canvas = Canvas(shape, spacing_mm, 0.0)
    brain = _covers(canvas, rng, tissue)
    _face(canvas, rng, tissue, brain)
    _brain(canvas, rng, tissue, brain)
    _hindbrain(canvas, rng, tissue, brain)
    _vessels(canvas, rng, tissue, brain)
    _lesions(canvas, rng, tissue, brain)
    canvas.image *= np.exp(0.16 * np.clip(canvas.noise(rng, 110.0), -2, 2))  # receive field
    return canvas.finish()


def _covers(canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int]) -> Field:
    """Scalp, muscle and skull; returns the depth inside the brain's cavity, mm."""
    shape = 2.0 * canvas.noise(rng, 60.0)
    dome = canvas.ellipsoid((2, 0, 0), (80, 90, 70)) + shape
    skull = np.minimum(dome, canvas.z + _base_mm(canvas, (29.0, 28.0, 24.0, 70.0)) + 5)
    scalp = 7 + 1.2 * canvas.noise(rng, 35.0)
    face = canvas.ellipsoid((-58, -44, 0), (52, 48, 54)) + 3 * canvas.noise(rng, 22.0)
    nose = canvas.ellipsoid((-42, -92, 0), (22, 18, 13)) + canvas.noise(rng, 12.0)
    neck = 55 - np.hypot(canvas.y - 22, canvas.x) + 0.15 * np.minimum(canvas.z + 60, 0)
    neck = np.minimum(neck, -52 - canvas.z)
    outside = union(dome + scalp, face, nose, neck)
    canvas.paint("skin", outside, float(tissue["skin"]))
    fat = tissue["fat"] * (1 + 0.06 * canvas.noise(rng, 4.0))
    canvas.paint("fat", outside - 1.8, fat)
    deep = union(face, neck) - 5 - 2 * canvas.noise(rng, 15.0)
    strands = tissue["muscle"] * (1 + 0.07 * canvas.noise(rng, (9.0, 2.5, 2.5)))
    temple = np.minimum(dome + scalp - 3, 26 - np.hypot(canvas.z + 18, canvas.y + 22))
    canvas.paint("muscle", union(deep, np.minimum(temple, np.abs(canvas.x) - 30)), strands)
    planes = 0.8 - 7 * np.abs(canvas.noise(rng, 17.0))
    canvas.paint("fat", np.minimum(planes, deep), fat)
    canvas.paint("bone", skull, float(tissue["bone"]))
    thick = 6.0 + 1.2 * canvas.noise(rng, 25.0)
    middle = np.minimum(skull - 1.7, thick - 1.6 - skull) + 0.4 * canvas.noise(rng, 4.0)
    canvas.paint("marrow", middle, tissue["marrow"] * (1 + 0.12 * canvas.noise(rng, 3.0)))
    return np.asarray(skull - thick, dtype=np.float32)


def _base_mm(canvas: Canvas, levels: tuple[float, float, float, float]) -> Field:
    """Depth of the skull's base below z = 0: frontal, sella, extra beside it, posterior."""
    front = 1 / (1 + np.exp(-(canvas.y + 34) / 4))
    back = 1 / (1 + np.exp(-(canvas.y - 8) / 4))
    middle = levels[1] + levels[2] * (1 - np.exp(-((canvas.x / 18) ** 2)))
    return np.asarray(levels[0] * (1 - front) + front * (1 - back) * middle + back * levels[3])


def _face(canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int], brain: Field) -> None:
    """Orbits, sinuses and airway, below and in front of the brain."""
    free = -brain - 3
    nasal = canvas.ellipsoid((-52, -66, 0), (24, 26, 15)) + canvas.noise(rng, 9.0)
    canvas.paint("muscle", np.minimum(nasal, free), float(tissue["skin"]))
    turbinates = np.minimum(nasal - 2, 3.0 * canvas.noise(rng, (11.0, 14.0, 4.5)) + 1)
    canvas.paint("air", np.minimum(turbinates, free), 0.0)
    for side in (-1, 1):
        sinus = canvas.ellipsoid((-58, -58, 29 * side), (16, 15, 13)) + canvas.noise(rng, 12.0)
        canvas.paint("bone", np.minimum(sinus + 2, free), float(tissue["bone"]))
        canvas.paint("air", np.minimum(sinus, free), 0.0)
        orbit = canvas.ellipsoid((-28, -60, 31 * side), (18, 27, 19))
        canvas.paint("fat", np.minimum(orbit, free + 3), float(tissue["fat"]))
        eye = canvas.ellipsoid((-28, -72, 32 * side), (12, 12.5, 12))
        canvas.paint("skin", eye + 1, float(tissue["skin"]))
        canvas.paint("eye", eye, float(tissue["eye"]))
        lens = canvas.ellipsoid((-28, -81.5, 32 * side), (4.5, 2.2, 4.5))
        canvas.paint("lens", lens, float(tissue["lens"]))
        start = np.array([-28.0, -60.0, 31.0 * side])
        nerve = canvas.tubes([(start, np.array([-20.0, -30.0, 12.0 * side]), 2.2)])
        canvas.paint("white", nerve, float(tissue["white"]))
        canvas.paint("skin", canvas.ellipsoid((-20, 12, 79 * side), (26, 14, 6)), 400.0)
    throat = np.minimum(9 - np.hypot(canvas.y + 22, canvas.x * 0.7), -60 - canvas.z)
    canvas.paint("air", throat, 0.0)


def _brain(canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int], brain: Field) -> None:
    """CSF, folded grey ribbon, white matter, ventricles and deep nuclei."""
    canvas.paint("csf", brain, float(tissue["csf"]))
    floor = canvas.z + _base_mm(canvas, (27.0, 26.0, 24.0, 19.0))  # above the tentorium behind
    depth = brain - 2.2 - 0.8 * canvas.noise(rng, 20.0)
    grey_mm = 3.0 + 0.35 * canvas.noise(rng, 12.0)
    water = np.minimum(np.minimum(depth, floor), _sulci(canvas, rng, depth))
    midline = np.abs(canvas.x - 1.5 * canvas.noise(rng, 40.0)) - 0.8
    bridge = canvas.ellipsoid((8, 2, 0), (21, 38, 30))  # corpus callosum and thalami join the sides
    fissure = np.where(bridge > 0, 20.0, np.hypot(np.maximum(midline, 0), np.maximum(bridge, 0)))
    fissure = np.where(bridge > -8, fissure + np.maximum(bridge + 8, 0), midline)
    water = np.minimum(water, fissure)
    texture = 1 + 0.02 * canvas.noise(rng, 2.4)
    canvas.paint("grey", water, tissue["grey"] * texture)
    white = tissue["white"] * (texture + 0.025 * canvas.noise(rng, 18.0))
    canvas.paint("white", water - grey_mm, white)
    _ventricles_and_nuclei(canvas, rng, tissue)


def _sulci(canvas: Canvas, rng: np.random.Generator, depth: Field) -> Field:
    """Distance to the nearest sulcus: sheets that run inwards from the surface, mm."""
    z, y, x = canvas.points
    radius = np.sqrt((z / 80) ** 2 + (y / 90) ** 2 + (x / 70) ** 2) + 1e-3
    # Directions on the brain's surface, nearly constant along a radius: sheets stand upright.
    pull = radius**-0.86
    warp = [3.0 * canvas.noise(rng, 16.0) for _ in range(3)]
    surface = (z * pull + warp[0], y * pull + warp[1], x * pull + warp[2])
    distance = np.full(depth.shape, 20.0, dtype=np.float32)
    for scale_mm, reach_mm, gap_mm in ((12.0, 21.0, 0.5), (8.0, 11.0, 0.3)):
        folds = SmoothNoise(rng, scale_mm).at(*surface)
        # |∇| of the unit-variance field is about 1.35 / scale at its zeros.
        sheet = np.abs(folds) * scale_mm / 1.35 * np.clip(radius, 0.3, 1.2) - gap_mm
        deeper = np.maximum(depth - reach_mm - 0.3 * reach_mm * canvas.noise(rng, 22.0), 0)
        fold = np.hypot(np.maximum(sheet, 0), deeper) + np.minimum(sheet, 0)
        distance = np.minimum(distance, fold.astype(np.float32))
    return distance


def _ventricles_and_nuclei(
    canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int]
) -> None:
    fuzz = 0.8 * canvas.noise(rng, 8.0)
    for side in (-1, 1):
        x = canvas.x * side
        for centre, radii in (
            ((6, 4, 11), (8, 15, 9)),
            ((3, -4, 25), (9, 19, 6.5)),
        ):
            nucleus = canvas.ellipsoid((centre[0], centre[1], centre[2] * side), radii) + fuzz
            canvas.paint("nucleus", nucleus, float(tissue["nucleus"]))
        caudate = canvas.ellipsoid((15, -18, 14.5 * side), (9, 13, 5)) + fuzz
        canvas.paint("nucleus", caudate, float(tissue["grey"] * 1.08))
        spread = x - 8 - 0.0055 * (canvas.y - 2) ** 2
        height = canvas.z - 18 + 0.0075 * (canvas.y - 5) ** 2
        width = 5.6 - 0.0016 * (canvas.y - 2) ** 2 + 0.6 * fuzz
        horn = width - np.hypot(spread, 0.62 * height)
        canvas.paint("csf", np.minimum(horn, 44 - np.abs(canvas.y - 2)), float(tissue["csf"]))
        plexus = canvas.ellipsoid((15, 28, 17 * side), (3, 6, 2.4)) + 2.0 * fuzz
        canvas.paint("vessel", plexus - 0.6, float(tissue["vessel"] * 0.8))
    third = canvas.ellipsoid((2, 2, 0), (11, 15, 2.2)) + 0.4 * fuzz
    canvas.paint("csf", third, float(tissue["csf"]))


def _hindbrain(
    canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int], brain: Field
) -> None:
    """Cerebellum under the tentorium, brain stem, fourth ventricle."""
    lobe = canvas.ellipsoid((-40, 44, 0), (34, 35, 54)) + 1.5 * canvas.noise(rng, 14.0)
    lobe = np.minimum(np.minimum(lobe, -21.5 - canvas.z), brain - 2.5)
    notch = np.hypot(canvas.x, 0.7 * (canvas.y - 84)) - 6  # between the hemispheres, behind
    lobe = np.minimum(lobe, notch)
    folia = 4.2 * np.abs(canvas.noise(rng, (4.2, 5.0, 14.0))) - 0.45
    leaf = np.minimum(lobe, np.hypot(np.maximum(folia, 0), np.maximum(lobe - 9, 0)) + (folia > 0))
    canvas.paint("csf", lobe, float(tissue["csf"] * 0.5 + tissue["grey"] * 0.5))
    canvas.paint("grey", leaf, float(tissue["grey"]))
    canvas.paint("white", np.minimum(leaf - 2.2, lobe - 4), float(tissue["white"]))
    stem = union(
        canvas.ellipsoid((-30, 12, 0), (17, 14, 17)),
        np.minimum(9 - np.hypot(canvas.y - 18 - 0.05 * canvas.z, canvas.x), -20 - canvas.z),
    )
    canvas.paint("white", stem + canvas.noise(rng, 9.0), tissue["white"] * 0.93)
    canvas.paint("csf", canvas.ellipsoid((-35, 29, 0), (11, 5, 7)), float(tissue["csf"]))


def _vessels(
    canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int], brain: Field
) -> None:
    angle = np.linspace(0.1, 2.9, 40)
    path = np.stack([76 * np.sin(angle), -86 * np.cos(angle), 0 * angle], axis=1)
    sinus = [(a, b, 3.0) for a, b in pairwise(path)]
    arteries = []
    for side in (-1.0, 1.0):
        for goal in ((0.25, -0.1, side), (0.7, -0.6, 0.1 * side), (0.15, 0.9, 0.5 * side)):
            arteries += branch(rng, (-24.0, -12.0, 9.0 * side), goal, 26.0, 1.7, 4)
    inside = np.minimum(canvas.tubes(arteries), brain - 0.5)
    canvas.paint("vessel", inside, float(tissue["vessel"]))
    canvas.paint("vessel", canvas.tubes(sinus), float(tissue["vessel"]))


def _lesions(
    canvas: Canvas, rng: np.random.Generator, tissue: dict[str, int], brain: Field
) -> None:
    """A ring-enhancing tumour with oedema and a few small white-matter spots."""
    side = float(rng.choice([-1, 1]))
    centre = (float(rng.uniform(14, 26)), float(rng.uniform(18, 36)), side * 32.0)
    tumour = canvas.ellipsoid(centre, (11, 13, 10)) + 1.5 * canvas.noise(rng, 8.0)
    swelling = canvas.ellipsoid(centre, (17, 22, 15)) + 3 * canvas.noise(rng, 9.0)
    canvas.paint("oedema", np.minimum(swelling, brain - 5), float(tissue["spot"] * 1.25))
    canvas.paint("lesion", np.minimum(tumour, brain - 3), float(tissue["rim"]))
    canvas.paint("lesion core", tumour - 3.2, float(tissue["core"]))
    for _ in range(7):
        up, back, size = rng.uniform(8, 40), rng.uniform(-40, 45), rng.uniform(1.6, 3.2)
        left = float(rng.choice([-1, 1]) * rng.uniform(20, 34))
        spot = canvas.ellipsoid((up, back, left), (size, size, size))
        canvas.paint("lesion", spot, float(tissue["spot"]))
