"""A made torso on CT, portal-venous contrast: from the lung bases to the kidneys.

Not a copy of any person: ellipsoids, level sets of smooth noise and branching tubes, in HU.
Shapes vary with the seed. z = 0 lies below the dome of the liver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.physics.phantom.shapes import Canvas, Phantom, branch, union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.floating[Any]]

__all__ = ["torso", "torso_ct"]


def torso_ct(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int,
    *,
    table: bool = True,
) -> NDArray[np.float32]:
    """CT of a made torso in HU, shape (z, y, x); see `torso`."""
    return torso(shape, spacing_mm, seed, table=table).array


def torso(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    seed: int,
    *,
    table: bool = True,
) -> Phantom:
    """A made torso, about 320 × 225 mm in the axial plane, any length.

    Parameters
    ----------
    shape : (z, y, x)
        Voxels; the grid is centred below the dome of the liver.
    spacing_mm : (z, y, x)
        Voxel size. z runs up, y back, x to the patient's left.
    seed : int
        The same seed gives the same anatomy on any grid.
    table : bool
        Put the scanner's table into the picture.

    Returns
    -------
    Phantom
        HU between −1000 and about 1200; air outside is exactly −1000.

    Raises
    ------
    SettingsError
        If a size is not positive.
    """
    rng = np.random.default_rng([seed, 0x7C7])
    canvas = Canvas(shape, spacing_mm, -1000.0)
    wall, cavity = _body_wall(canvas, rng)
    above = _diaphragm(canvas, rng)
    _lungs_and_heart(canvas, rng, np.minimum(above, cavity - 1), cavity)
    _abdomen(canvas, rng, np.minimum(-above - 2.5, cavity - 1.5))  # the diaphragm lies between
    _great_vessels(canvas, rng)
    _bones(canvas, rng, wall)
    if table:
        _table(canvas)
    return canvas.finish()


def _body_wall(canvas: Canvas, rng: np.random.Generator) -> tuple[Field, Field]:
    """Skin, fat and muscle; returns depth under the muscle's surface and in the cavity, mm."""
    size = rng.uniform(0.97, 1.03, 2)
    wobble = canvas.noise(rng, 70.0)
    angle = np.arctan2(canvas.x, canvas.y)
    # A superellipse: flatter back and flanks than an ellipse.
    unit = np.abs(canvas.y / (113 * size[0])) ** 2.4 + np.abs(canvas.x / (160 * size[1])) ** 2.4
    norm = np.maximum(unit, 1e-6) ** (1 / 2.4)
    depth = (1 - norm) * (113 + 47 * np.sin(angle) ** 2) + 1.5 * wobble
    fat_mm = 11 + 5 * np.sin(angle) ** 2 - 4 * np.cos(angle) + 2.5 * canvas.noise(rng, 45.0)
    canvas.paint("skin", depth, 45.0)
    canvas.paint("fat", depth - 2.2, -104 + 5 * canvas.noise(rng, 9.0))
    septa = 0.5 - np.abs(canvas.noise(rng, (16.0, 9.0, 12.0))) * 7
    canvas.paint("fat septa", np.minimum(septa, depth - 4), -70.0)
    wall = np.asarray(depth - np.maximum(fat_mm, 4), dtype=np.float32)
    muscle = 58 + 4 * canvas.noise(rng, 6.0)
    canvas.paint("muscle", wall, muscle)
    planes = 0.55 - np.abs(wall - 7 + 1.5 * canvas.noise(rng, 25.0))
    canvas.paint("fat planes", np.minimum(planes, wall), -60.0)
    cavity = np.asarray(wall - 14, dtype=np.float32)
    canvas.paint("fat", cavity, -102 + 6 * canvas.noise(rng, 8.0))
    marbling = canvas.noise(rng, (30.0, 7.0, 7.0))
    strands = np.minimum(0.5 - np.abs(canvas.noise(rng, 11.0)) * 9, cavity - 2)
    canvas.paint("mesentery", strands, -40.0)
    for side in (-1, 1):
        back = canvas.ellipsoid((0, 88, 31 * side), (900, 22, 27)) + 1.5 * canvas.noise(rng, 12.0)
        canvas.paint("muscle", back, muscle)
        canvas.paint("fat planes", np.minimum(back - 2, 1.2 - 9 * np.abs(marbling)), -40.0)
        cavity = np.minimum(cavity, -1 - back)
        psoas = canvas.ellipsoid((-95, 58, 33 * side), (85, 15, 13))
        canvas.paint("muscle", psoas, muscle)
    return wall, cavity


def _diaphragm(canvas: Canvas, rng: np.random.Generator) -> Field:
    """Height above the diaphragm, mm: two domes that fall towards the wall."""
    right = 34 - 0.0075 * (canvas.x + 70) ** 2 - 0.0105 * (canvas.y + 8) ** 2
    left = 24 - 0.0080 * (canvas.x - 75) ** 2 - 0.0105 * (canvas.y + 2) ** 2
    return np.asarray(canvas.z - np.maximum(right, left) + canvas.noise(rng, 50.0) * 2)


def _lungs_and_heart(canvas: Canvas, rng: np.random.Generator, lung: Field, cavity: Field) -> None:
    """Paint both lungs into the space ``lung``, their vessels, a nodule, and the heart."""
    spine = np.exp(-(((canvas.y - 42) / 30) ** 2))
    middle = np.abs(canvas.x - 6) - 11 - 24 * spine + 6 * np.sin(canvas.y / 23)
    lung = np.minimum(lung, middle + 4 * canvas.noise(rng, 22.0))
    lung = np.asarray(lung, dtype=np.float32)
    air = -862 + 22 * canvas.noise(rng, 5.0) + 0.22 * canvas.y
    canvas.paint("lung", lung, air)
    tree = []
    for side in (-1, 1):
        for _ in range(7):
            goal = (rng.uniform(-1.0, 0.7), rng.uniform(-0.8, 0.9), side * rng.uniform(0.4, 1.0))
            start = (rng.uniform(45, 75), rng.uniform(-5, 25), 32.0 * side + 6)
            tree += branch(rng, start, goal, 36.0, rng.uniform(3.0, 4.2), 6)
    canvas.paint("lung vessel", np.minimum(canvas.tubes(tree), lung - 1), 45.0)
    nodule = canvas.ellipsoid((24 + rng.uniform(-4, 4), 48, 88), (4.5, 4.5, 4.5))
    canvas.paint("lesion", nodule, 35.0)
    sac = canvas.ellipsoid((52, -28, 22), (46, 47, 58)) + 1.5 * canvas.noise(rng, 20.0)
    canvas.paint("fat", np.minimum(sac + 4, cavity), -95.0)
    canvas.paint("heart", np.minimum(sac, cavity - 3), 95 + 3 * canvas.noise(rng, 5.0))
    left = canvas.ellipsoid((54, -22, 42), (34, 24, 24)) + canvas.noise(rng, 10.0)
    right = canvas.ellipsoid((54, -42, 2), (34, 20, 26)) + canvas.noise(rng, 10.0)
    canvas.paint("heart blood", np.minimum(union(left, right), sac - 2), 152.0)


def _abdomen(canvas: Canvas, rng: np.random.Generator, inside: Field) -> None:
    """Paint the organs into the space ``inside`` below the diaphragm."""
    _liver(canvas, rng, inside)
    spleen = canvas.ellipsoid((-14, 42, 104), (44, 42, 27)) + 2 * canvas.noise(rng, 25.0)
    canvas.paint("spleen", np.minimum(spleen, inside), 118 + 3 * canvas.noise(rng, 5.0))
    for side, z in ((-1, -62), (1, -50)):
        _kidney(canvas, rng, (z, 52, 66 * side), inside)
    stomach = canvas.ellipsoid((-18, -30, 66), (42, 38, 42)) + 2 * canvas.noise(rng, 18.0)
    stomach = np.minimum(stomach, inside)
    canvas.paint("stomach wall", stomach, 75.0)
    canvas.paint("stomach content", stomach - 4 - canvas.noise(rng, 7.0), 18.0)
    gas = np.minimum(stomach - 4.5, -28 - canvas.y)
    canvas.paint("gas", gas, -960.0)
    pancreas = canvas.ellipsoid((-46, 8, 8), (13, 12, 48)) + 4 * canvas.noise(rng, 7.0)
    canvas.paint("pancreas", np.minimum(pancreas, inside), 88.0)
    _bowel(canvas, rng, inside)


def _liver(canvas: Canvas, rng: np.random.Generator, inside: Field) -> None:
    right = canvas.ellipsoid((-38, 2, -78), (78, 86, 74))
    left = canvas.ellipsoid((-6, -44, -4), (38, 34, 66))
    fissure = np.hypot(canvas.x + 18 + 0.3 * canvas.y, 0.6 * (canvas.y + 62)) - 7
    liver = union(right, left) + 5 * canvas.noise(rng, 34.0) + 1.5 * canvas.noise(rng, 15.0)
    liver = np.minimum(np.minimum(liver, fissure), inside)
    liver = np.asarray(liver, dtype=np.float32)
    canvas.paint("liver", liver, 106 + 3 * canvas.noise(rng, 4.0) + 2 * canvas.noise(rng, 40.0))
    veins = []
    for goal in ((0.1, -0.4, -1.0), (-0.4, 0.5, -1.0), (0.3, -1.0, -0.4), (-1.0, 0.1, -0.8)):
        veins += branch(rng, (8.0, 18.0, -28.0), goal, 44.0, 5.0, 5)
    for goal in ((0.0, -0.6, -1.0), (0.3, 0.6, -1.0), (-0.5, 0.0, -1.0)):
        veins += branch(rng, (-38.0, 4.0, -24.0), goal, 34.0, 5.0, 5)
    canvas.paint("liver vessel", np.minimum(canvas.tubes(veins), liver - 2), 150.0)
    gallbladder = canvas.ellipsoid((-55, -42, -42), (24, 17, 13))
    canvas.paint("gallbladder", np.minimum(gallbladder, inside), 8.0)
    centres = [(-8, 12, -92), (-2, -28, -70), (-24, 34, -62), (6, 2, -104), (-45, 18, -98)]
    for number, (z, y, x) in enumerate(centres):
        centre = (z + rng.uniform(-5, 5), y + rng.uniform(-6, 6), float(x))
        size = float(rng.uniform(4, 10))
        shape = canvas.ellipsoid(centre, (size, size, size)) + 0.8 * canvas.noise(rng, 8.0)
        contrast = (-38.0, -28.0, 30.0, -45.0, -22.0)[number]
        canvas.paint("lesion", np.minimum(shape, liver - 1), 106 + contrast)


def _kidney(
    canvas: Canvas, rng: np.random.Generator, centre: tuple[float, float, float], inside: Field
) -> None:
    hilum = (centre[0], centre[1] - 6, centre[2] * 0.68)
    kidney = canvas.ellipsoid(centre, (54, 29, 27)) + 1.5 * canvas.noise(rng, 14.0)
    kidney = np.minimum(np.minimum(kidney, inside), -canvas.ellipsoid(hilum, (22, 10, 12)))
    canvas.paint("kidney cortex", kidney, 178.0)
    medulla = np.minimum(kidney - 6, 3.5 * canvas.noise(rng, 8.0) + 1.5)
    canvas.paint("kidney medulla", medulla, 122.0)
    sinus = canvas.ellipsoid((centre[0], centre[1] - 3, centre[2] * 0.84), (26, 8, 11))
    canvas.paint("fat", sinus + canvas.noise(rng, 7.0), -85.0)
    pelvis = canvas.ellipsoid((centre[0], centre[1] - 4, centre[2] * 0.82), (14, 4, 7))
    canvas.paint("urine", pelvis, 12.0)


def _bowel(canvas: Canvas, rng: np.random.Generator, inside: Field) -> None:
    """Loops of colon and small bowel in front, below the stomach."""
    free = np.minimum(inside, -(canvas.y - 30))
    folds = 1.5 * canvas.noise(rng, 11.0)
    for _ in range(26):
        centre = (rng.uniform(-140, -48), rng.uniform(-75, 12), rng.uniform(-25, 105))
        radii = (rng.uniform(14, 26), rng.uniform(11, 18), rng.uniform(13, 26))
        content, gassy, level = 22 + rng.uniform(-12, 12), rng.random(), rng.uniform(-3, 5)
        if canvas.axes[0][0] > centre[0] + 35:
            continue  # below the picture
        loop = np.minimum(canvas.ellipsoid(centre, radii) + folds, free)
        canvas.paint("bowel wall", loop, 70.0)
        canvas.paint("bowel content", loop - 2.6, content)
        if gassy < 0.45:
            canvas.paint("gas", np.minimum(loop - 3, centre[1] - level - canvas.y), -940.0)


def _great_vessels(canvas: Canvas, rng: np.random.Generator) -> None:
    bend = 4 * np.sin(canvas.z / 60)
    aorta = 11.5 - np.hypot(canvas.y - 30 + 0.02 * canvas.z, canvas.x - 13 - bend)
    canvas.paint("vessel wall", aorta + 1.3, 60.0)
    canvas.paint("aorta", aorta, 172.0)
    cava = 1 - np.hypot((canvas.y - 22) / 9.5, (canvas.x + 24) / 13)
    cava = np.minimum(cava * 10, 30 - canvas.z)
    canvas.paint("vena cava", cava, 138.0)
    plaque = np.minimum(aorta + 1.2, 0.9 - np.abs(aorta))
    plaque = np.minimum(plaque, canvas.noise(rng, 14.0) * 4 - 7.5)
    canvas.paint("calcification", plaque, 520.0)
    gullet = 1 - np.hypot((canvas.y - 20) / 7.5, (canvas.x - 22) / 9.5)
    canvas.paint("oesophagus", np.minimum(gullet * 8, canvas.z - 12), 52.0)


def _bones(canvas: Canvas, rng: np.random.Generator, wall: Field) -> None:
    sponge = 210 + 55 * canvas.noise(rng, 2.2) + 25 * canvas.noise(rng, 9.0)
    angle = np.arctan2(np.abs(canvas.x), canvas.y)  # 0 at the spine, π in front
    drop = 55 * (1 - np.cos(angle)) + 3 * canvas.noise(rng, 60.0)
    pitch = 27.0
    step = (canvas.z + drop + 6) % pitch - pitch / 2
    rib = 1 - np.hypot((wall - 8.5 + 0.8 * canvas.noise(rng, 22.0)) / 4.2, step / 7.0)
    rib = np.minimum(rib * 4.2, (2.55 - angle) * 40)
    canvas.paint("cortical bone", np.asarray(rib, dtype=np.float32), 640.0)
    canvas.paint("trabecular bone", np.asarray(rib - 1.5, dtype=np.float32), sponge)
    _spine(canvas, rng, sponge)
    front = canvas.ellipsoid((92, -93, 0), (62, 6.5, 17))
    canvas.paint("cortical bone", front, 560.0)
    canvas.paint("trabecular bone", front - 1.5, sponge)


def _spine(canvas: Canvas, rng: np.random.Generator, sponge: Field) -> None:
    level = (canvas.z + 9) % 31 - 15.5
    waist = 1.6 * np.cos(level / 15.5 * np.pi)
    disc = np.abs(level) - 12.6
    body = 1 - np.hypot((canvas.y - 57) / 17, canvas.x / 22)
    body = np.minimum(body * 18 - waist, 1.2 * (74 - canvas.y) - 2)
    canvas.paint("disc", np.asarray(body), 92.0)
    bone = np.asarray(np.minimum(body, -disc), dtype=np.float32) + 0.5 * canvas.noise(rng, 7.0)
    canvas.paint("cortical bone", bone, 610.0)
    canvas.paint("trabecular bone", bone - 1.4, sponge)
    ring = np.hypot(canvas.y - 83, canvas.x * 0.9)
    arch = np.minimum(4.5 - np.abs(ring - 13.5), 8 - np.abs(level + 2))
    process = np.minimum(3.4 - np.abs(canvas.x), 8 - np.abs(canvas.y - 98))
    process = np.minimum(process, 11 - np.abs(level + 5))
    wings = np.minimum(4.5 - np.abs(canvas.y - 80 - 0.1 * np.abs(canvas.x)), 7 - np.abs(level - 2))
    wings = np.minimum(wings, np.minimum(np.abs(canvas.x) - 10, 38 - np.abs(canvas.x)))
    arch = union(arch, process, wings)
    arch = np.asarray(arch, dtype=np.float32) + 0.6 * canvas.noise(rng, 6.0)
    canvas.paint("cortical bone", arch, 700.0)
    canvas.paint("trabecular bone", arch - 2.0, sponge + 60)
    canal = 9.2 - np.hypot(canvas.y - 83, canvas.x * 0.85)
    canvas.paint("spinal canal", canal, 18.0)
    canvas.paint("spinal cord", 5.0 - np.hypot(canvas.y - 83, canvas.x * 0.8), 42.0)


def _table(canvas: Canvas) -> None:
    curve = canvas.y - 127 + 0.0009 * canvas.x**2
    lower = curve - 22 - 0.0006 * canvas.x**2
    width = 205 - np.abs(canvas.x)
    canvas.paint("table", np.minimum(1.4 - np.abs(curve), width), -180.0)
    canvas.paint("table", np.minimum(1.4 - np.abs(lower), width), -220.0)
