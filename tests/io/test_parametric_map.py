"""The standard deviation as a DICOM Parametric Map, read back by highdicom and pydicom."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from clean_series import TURNED, clean_series, write_planes
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import InputError, OutputError
from medrestore.volume import Volume

New = Callable[..., Any]


def maps(volume: Volume, folder: Path) -> list[Any]:
    """The maps of a volume, as highdicom reads them."""
    io.write_map(volume, folder, description="medrestore: standard deviation")
    return [hd.imread(path) for path in sorted(folder.iterdir())]


def spread_of(volume: Volume) -> Volume:
    """Positive values that need every bit of a float32."""
    values = np.random.default_rng(0).random(volume.array.shape, dtype=np.float32)
    return volume.with_array(values * 30)


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize(
    "turn", [{}, {"orientation": TURNED}, {"step": (0.0, 0.6, 2.0)}, {"step": (0, 0, -2.0)}]
)
def test_values_and_places_come_back(
    modality: str, turn: dict[str, Any], stored: NDArray, tmp_path: Path
) -> None:
    volume = io.read(write_planes(clean_series(tmp_path / "in", modality), stored, **turn))
    spread = spread_of(volume)
    (image,) = maps(spread, tmp_path / "out")
    assert image.pixel_array.dtype == np.float32
    planes = image.get_frames(apply_real_world_transform=True, dtype=np.float32)
    for plane, group in zip(planes, image.PerFrameFunctionalGroupsSequence, strict=True):
        place = np.array([-1, -1, 1]) * group.PlanePositionSequence[0].ImagePositionPatient
        away = np.linalg.norm([volume.geometry.world((z, 0, 0)) - place for z in range(5)], axis=1)
        z = int(away.argmin())
        assert away[z] < 1e-4
        np.testing.assert_array_equal(plane, spread.array[z])
    shared = image.SharedFunctionalGroupsSequence[0]
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    np.testing.assert_allclose(cosines, np.ravel(turn.get("orientation", [1, 0, 0, 0, 1, 0])))
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.7, 0.5]
    assert shared.PixelMeasuresSequence[0].SliceThickness == 2


def test_highdicom_sees_the_volume(stored: NDArray, tmp_path: Path) -> None:
    source = write_planes(
        clean_series(tmp_path / "in", "CT"), stored, orientation=TURNED, step=(0.0, 0.0, 2.0)
    )
    spread = spread_of(io.read(source))
    (image,) = maps(spread, tmp_path / "out")
    volume = image.get_volume()
    index = np.array([3, 2, 1])
    place = np.array([-1, -1, 1]) * spread.geometry.world(index)
    at = tuple(np.rint(volume.map_reference_to_indices(place[None])[0]).astype(int))
    assert volume.array[at] == spread.array[tuple(index)]


@pytest.mark.parametrize(("modality", "unit"), [("CT", "[hnsf'U]"), ("MR", "[arb'U]")])
def test_it_says_what_the_numbers_are(
    modality: str, unit: str, stored: NDArray, tmp_path: Path
) -> None:
    series = clean_series(tmp_path / "in", modality)
    (image,) = maps(spread_of(io.read(write_planes(series, stored))), tmp_path / "out")
    (mapping,) = image.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    code = mapping.MeasurementUnitsCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == (unit, "UCUM")
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == ("386136009", "SCT")
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert mapping.LUTExplanation == image.ContentDescription
    assert image.StudyInstanceUID == series.study
    assert image.FrameOfReferenceUID == series.frame_of_reference
    assert image.SeriesInstanceUID != series.uid
    assert image.PatientName == "Doe^Jane" and image.StudyID == "7"
    assert image.SeriesDescription == "test scan medrestore: standard deviation"
    assert image.ContentQualification == "RESEARCH"


def test_each_frame_names_its_source(stored: NDArray, tmp_path: Path) -> None:
    source = write_planes(clean_series(tmp_path / "in", "CT"), stored, step=(0, 0, -2.0))
    (image,) = maps(spread_of(io.read(source)), tmp_path / "out")
    origins = {}
    for path in source.iterdir():
        header = pydicom.dcmread(path)
        origins[header.SOPInstanceUID] = header.ImagePositionPatient
    for group in image.PerFrameFunctionalGroupsSequence:
        (derivation,) = group.DerivationImageSequence
        (item,) = derivation.SourceImageSequence
        place = group.PlanePositionSequence[0].ImagePositionPatient
        assert place == origins[item.ReferencedSOPInstanceUID]
    named = {item.ReferencedSOPInstanceUID for item in image.SourceImageSequence}
    (series,) = image.ReferencedSeriesSequence
    listed = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert named == listed == set(origins)


def test_frames_of_an_enhanced_source_and_time_points(
    stored: NDArray, tmp_path: Path, write_enhanced: New
) -> None:
    planes = [
        {"position": (-20.0, -30.0, 2.0 * z), "time": t + 1} for t in range(2) for z in range(5)
    ]
    path = write_enhanced(tmp_path / "in.dcm", planes, np.concatenate([stored, stored + 1]))
    spread = spread_of(io.read(path))
    images = maps(spread, tmp_path / "out")
    assert [image.InstanceNumber for image in images] == [1, 2]
    assert images[0].SeriesInstanceUID == images[1].SeriesInstanceUID
    for t, image in enumerate(images):
        assert len(image.SourceImageSequence) == 1
        found = set()
        frames = zip(image.pixel_array, image.PerFrameFunctionalGroupsSequence, strict=True)
        for plane, group in frames:
            number = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
            np.testing.assert_array_equal(plane, spread.array[t, number - 1 - 5 * t])
            found.add(number)
        assert found == {1 + 5 * t + z for z in range(5)}


def test_gaps_and_voxels_without_data(stored: NDArray, tmp_path: Path) -> None:
    series = clean_series(tmp_path / "in", "MR")
    for k in (0, 1, 3, 4):
        series.plane(stored[k], (-20.0, -30.0, 2.0 * k))
    spread = spread_of(io.read(series.folder, gaps="keep"))
    spread.array[1, 2, 3] = np.nan
    (image,) = maps(spread, tmp_path / "out")
    groups = image.PerFrameFunctionalGroupsSequence
    heights = [group.PlanePositionSequence[0].ImagePositionPatient[2] for group in groups]
    assert sorted(heights) == [0, 2, 6, 8]
    measures = image.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert "SpacingBetweenSlices" not in measures
    order = np.argsort(heights)
    np.testing.assert_array_equal(image.pixel_array[order], spread.array)


def test_our_reader_says_what_it_is(stored: NDArray, tmp_path: Path) -> None:
    volume = io.read(write_planes(clean_series(tmp_path / "in", "CT"), stored))
    folder = io.write_map(volume, tmp_path / "out", description="std")
    with pytest.raises(InputError, match="holds Parametric Map Storage"):
        io.read(folder)


def test_what_cannot_become_a_map(stored: NDArray, tmp_path: Path, series: New) -> None:
    lost = series("CT").plane(stored[0], None)
    with pytest.raises(OutputError, match="position and orientation"):
        io.write_map(io.read(lost), tmp_path / "out", description="std")
    source = write_planes(clean_series(tmp_path / "in", "CT"), stored)
    volume = io.read(source)
    folder = io.write_map(volume, tmp_path / "out", description="std")
    with pytest.raises(OutputError, match="not empty"):
        io.write_map(volume, folder, description="std")
    io.write_map(volume, folder, description="std", overwrite=True)
    next(source.iterdir()).unlink()
    with pytest.raises(OutputError, match="can no longer be read"):
        io.write_map(volume, tmp_path / "again", description="std")
    assert not (tmp_path / "again").exists()
