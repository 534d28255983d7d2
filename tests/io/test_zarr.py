"""Zarr stores: what goes in comes out, where it was."""

import json
from pathlib import Path

import numpy as np
import pytest

from medrestore import io
from medrestore.errors import InputError, OutputError, UnreadableError
from medrestore.volume import Geometry, Volume

OBLIQUE = np.array([[0.1, 0.2, 2.0, 5], [0.3, 1.9, 0.1, -7], [3.0, 0.1, 0.2, 11], [0, 0, 0, 1]])


def scan(times: int = 1) -> Volume:
    values = np.random.default_rng(0).normal(40, 10, (times, 5, 70, 66)).astype(np.float32)
    values[:, 2, 3, 4] = np.nan
    geometry = Geometry((5, 70, 66), OBLIQUE)
    return Volume(values if times > 1 else values[0], geometry, "CT", "HU")


@pytest.mark.parametrize("times", [1, 3])
def test_a_volume_comes_back_as_it_was(tmp_path: Path, times: int) -> None:
    before = scan(times)
    path = io.write(before, tmp_path / "out" / "scan.zarr")
    (found,) = io.find(tmp_path)
    assert (found.name, found.format, found.modality, found.time_points) == (
        "scan",
        "zarr",
        "CT",
        times,
    )
    for after in (io.read(path), io.read(found), io.read(tmp_path / "out")):
        np.testing.assert_array_equal(after.array, before.array)
        np.testing.assert_array_equal(after.geometry.affine, OBLIQUE)
        assert (after.modality, after.unit) == ("CT", "HU")


def test_other_programs_find_spacing_and_axes_in_it(tmp_path: Path) -> None:
    path = io.write(scan(3), tmp_path / "scan.zarr")
    facts = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    (image,) = facts["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["t", "z", "y", "x"]
    (level,) = image["datasets"]
    (transform,) = level["coordinateTransformations"]
    np.testing.assert_allclose(transform["scale"], [1, *scan().geometry.spacing_mm])


def test_stores_are_replaced_only_when_they_are_ours(tmp_path: Path) -> None:
    path = io.write(scan(), tmp_path / "scan.zarr")
    with pytest.raises(OutputError, match="overwrite=True"):
        io.write(scan(), path)
    io.write(scan(3), path, overwrite=True)
    assert io.read(path).is_4d
    (path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds notes\.txt"):
        io.write(scan(), path, overwrite=True)


def test_stores_of_others_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    import zarr

    foreign = tmp_path / "foreign.zarr"
    zarr.open_group(store=str(foreign), mode="w").create_array("0", shape=(2, 3, 4), dtype="f4")
    with pytest.raises(InputError, match="does not say where it lies"):
        io.read(foreign)
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(UnreadableError, match="not a Zarr group"):
        io.read(tmp_path / "empty.zarr")
    path = io.write(scan(), tmp_path / "ours.zarr")
    chunk = next(file for file in (path / "0" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(UnreadableError, match="damaged chunks"):
        io.read(path)
    assert [scan.name for scan in io.find(tmp_path)] == ["ours"]


def test_uneven_slices_have_no_place_in_a_store(tmp_path: Path) -> None:
    uneven = Geometry((3, 4, 5), np.eye(4)[[2, 1, 0, 3]], slice_positions_mm=(0.0, 1.0, 4.0))
    with pytest.raises(OutputError, match="uneven slices"):
        io.write(Volume(np.zeros((3, 4, 5)), uneven, "CT"), tmp_path / "uneven.zarr")
    assert not list(tmp_path.iterdir())
