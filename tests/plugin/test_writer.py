"""Saving layers through npe2: each on its source's own grid."""

import numpy as np
import pytest
from napari.layers import Image
from npe2 import io_utils
from scipy.spatial.transform import Rotation

import medrestore
from medrestore.errors import MedrestoreError
from medrestore.io import read, write
from medrestore.plugin.files import read_layers, write_layer, write_layers
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.result_layers import result_layers

MANIFEST = f"{medrestore.__path__[0]}/napari.yaml"
SAGITTAL = [(5, 0, 0), (0, 0, -2), (0, 2, 0)]


@pytest.fixture
def saved(npe2pm):
    with npe2pm.tmp_plugin(manifest=MANIFEST):
        yield lambda path, layers: io_utils.write(str(path), layers)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".zarr"])
def test_a_layer_is_saved_on_the_grid_of_its_source(saved, make_volume, tmp_path, suffix):
    volume = make_volume(SAGITTAL)
    write(volume, tmp_path / "scan.nii.gz")
    [layer] = read_layers(str(tmp_path / "scan.nii.gz"))
    saved(tmp_path / f"out{suffix}", [layer])
    again = read(tmp_path / f"out{suffix}")
    assert np.array_equal(again.array, volume.array)
    assert np.allclose(again.geometry.affine, volume.geometry.affine, atol=1e-4)


def test_several_layers_get_names_of_their_own(saved, make_volume, tmp_path):
    volume = make_volume(SAGITTAL)
    layers = [to_layer(volume, name) for name in ("head restored", "head std (a.u.)", "../up")]
    saved(tmp_path / "run.nii.gz", layers)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["run_.._up.nii.gz", "run_head_restored.nii.gz", "run_head_std_a.u..nii.gz"]
    assert read(tmp_path / names[0]).geometry.same_grid(volume.geometry)


def test_alike_names_are_numbered(make_volume, tmp_path):
    layer = to_layer(make_volume(), "a")
    written = write_layers(str(tmp_path / "x.mha"), [layer, layer])
    assert [p.rpartition("/")[2] for p in written] == ["x_a_1.mha", "x_a_2.mha"]


def test_only_the_file_that_was_asked_for_is_replaced(make_volume, tmp_path):
    data, meta, kind = to_layer(make_volume(), "a")
    path = str(tmp_path / "x.nii")
    assert write_layer(path, data, meta) == write_layer(path, data, meta) == [path]
    write_layers(path, [(data, meta, kind)])
    with pytest.raises(MedrestoreError, match="exists"):
        write_layers(path, [(data, meta, kind)])


def turned(degrees, axis, steps=(3.0, 0.8, 1.2)):
    """Steps along z, y and x of a scan turned about an axis."""
    rotation = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    return [tuple(s * rotation[:, column]) for s, column in zip(steps, (2, 1, 0), strict=True)]


TILTED = [(0, -3 * np.sin(0.3), 3 * np.cos(0.3)), (0, 0.8, 0), (0.8, 0, 0)]
"""A gantry tilted by 17°: slices go up along a direction that is not their normal."""


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha", ".zarr"])
@pytest.mark.parametrize(
    "axes",
    [turned(20, "x"), turned((12, -30, 75), "xyz"), turned(-40, "z", (-2.0, 1.0, -0.5)), TILTED],
    ids=["oblique", "oblique twice", "mirrored", "tilted"],
)
def test_a_result_opened_again_coincides_with_its_source(
    saved, tiny_models, make_volume, tmp_path, axes, suffix
):
    volume = make_volume(axes, shape=(3, 40, 48))
    write(volume, tmp_path / "scan.nii.gz")
    [source] = read_layers(str(tmp_path / "scan.nii.gz"))
    result = medrestore.denoise(read(tmp_path / "scan.nii.gz", "MR"), noise=0.05, samples=0)
    made = {layer[1]["metadata"][KEY]["role"]: layer for layer in result_layers(result, source[1])}
    if axes is TILTED and suffix in (".nrrd", ".mha"):
        with pytest.raises(MedrestoreError, match=r"tilted .* cannot hold; write NIfTI"):
            saved(tmp_path / f"out{suffix}", [made["restored"]])
        return
    saved(tmp_path / f"out{suffix}", [made["restored"]])
    [again] = read_layers(str(tmp_path / f"out{suffix}"))
    assert np.array_equal(again[0], made["restored"][0])
    for corner in np.ndindex(2, 2, 2):
        index = np.array(corner) * (np.array(source[0].shape) - 1)
        where = [Image(data, **meta).data_to_world(index) for data, meta, _ in (source, again)]
        assert np.allclose(*where, atol=1e-3)
    geometry = read(tmp_path / f"out{suffix}").geometry
    assert np.allclose(geometry.affine, read(tmp_path / "scan.nii.gz").geometry.affine, atol=1e-4)
