"""Scenes: inserts have their stated size and contrast, and find room."""

import numpy as np
import pytest

import medrestore as mr
from medrestore.evaluation.ensemble.design import Design, Need, find_positions, of_phantom, of_scan
from medrestore.evaluation.ensemble.scene import Insert, drawn
from scans import body

SPACING = (2.0, 0.5, 0.7)


def test_a_lesion_has_the_volume_of_a_sphere() -> None:
    made = drawn([Insert("lesion", (5, 30, 24), 12.0, -40.0)], (11, 61, 49), SPACING)
    volume = made.sum() * np.prod(SPACING) / -40
    assert volume == pytest.approx(np.pi / 6 * 12**3, rel=0.01)
    assert made.min() == pytest.approx(-40) and made.max() <= 1e-4
    z, y, x = (np.average(axis, weights=-made) for axis in np.indices(made.shape))
    assert (z, y, x) == pytest.approx((5, 30, 24), abs=1e-3)


def test_a_rod_runs_through_all_slices() -> None:
    made = drawn([Insert("rod", (0, 30, 24), 12.0, 100.0)], (4, 61, 49), SPACING)
    area = made.sum(axis=(1, 2)) * 0.5 * 0.7 / 100
    assert area == pytest.approx(np.pi * 36, rel=0.005)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_the_phantom_holds_all_its_inserts(modality: str) -> None:
    scene = of_phantom(modality)
    unit = 1 if modality == "CT" else 8.0  # percent of a foreground scale of 800
    design = Design.usual(modality)
    assert [one.contrast for one in scene.rods] == pytest.approx([unit * c for c in design.rods])
    assert [len(one.members) for one in scene.lesions] == [3] * 4
    difference = scene.clean("present").array - scene.clean("absent").array
    assert difference == pytest.approx(scene.added, abs=1e-3)
    for one in scene.inserts:
        tissue = scene.background.array[(slice(None), *scene.square(one))]
        core = tissue[:, tissue.shape[1] // 2, tissue.shape[2] // 2]
        assert core == pytest.approx(50 if modality == "CT" else 500, abs=0.1)
        mine = scene.drawn(one)
        assert scene.added[(slice(None), *scene.square(one))] == pytest.approx(mine, abs=1e-3)
    for region in scene.regions:
        assert not scene.added[(slice(None), *region.window)].any()
        assert np.ptp(scene.background.array[(slice(None), *region.window)]) < 1e-3
    assert scene.sha256 == of_phantom(modality).sha256
    assert scene.sha256 != of_phantom(modality, seed=1).sha256


def test_a_scan_of_ones_own() -> None:
    array = (400 * body((9, 150, 150))).astype(np.float32)
    grid = mr.Geometry(array.shape, np.diag([3.0, 1.4, 1.4, 1]))
    scan = mr.Volume(array, grid, "MR")
    design = Design(rods=(-20.0, 20.0), rod_mm=14.0, sizes_mm=(6.0,), contrasts=(10.0,), regions=1)
    scene = of_scan(scan, design, slices=3, middle=5)
    assert scene.background.array == pytest.approx(array[4:7])
    assert {one.centre[0] for one in scene.inserts} == {1}
    assert len(scene.inserts) == 5
    with pytest.raises(mr.SettingsError, match="4 slices about slice 5"):
        of_scan(scan, design, slices=4, middle=5)
    with pytest.raises(mr.SettingsError, match="signal negative"):
        of_scan(scan, Design(rods=(-300.0, 20.0), sizes_mm=(6.0,), contrasts=(10.0,), regions=1))
    with pytest.raises(mr.InputError, match="find room"):
        of_scan(scan, Design(rods=(-10.0, 20.0), places=60, contrasts=(10.0,)))


def test_places_keep_their_distance() -> None:
    needs = [Need.insert(8.0, 10.0)] * 9 + [Need.region(10.0)]
    found = find_positions(np.ones((120, 120), bool), (1.0, 1.0), needs, seed=3)
    for i, one in enumerate(found):
        for j, other in enumerate(found):
            if i < j < 9:
                assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 10 + 4 + 4
    assert all(10 <= n <= 109 for place in found for n in place)
    assert found == find_positions(np.ones((120, 120), bool), (1.0, 1.0), needs, seed=3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rods": (0.0, 50.0)}, "differ from 0"),
        ({"rods": (50.0, 50.0)}, "from each other"),
        ({"rods": (50.0,)}, "two rods"),
        ({"sizes_mm": (30.0,)}, "at most 12 mm"),
        ({"places": 0}, "positive"),
    ],
)
def test_a_design_that_cannot_be_is_refused(changed: dict, said: str) -> None:
    with pytest.raises(mr.SettingsError, match=said):
        Design(**({"rods": (-50.0, 50.0)} | changed))
