"""Finding scans under a folder, and what the front door says about bad paths."""

import dataclasses
import gzip
import json
import logging
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import Cancelled, InputError, OutputError, UnreadableError
from medrestore.volume import Geometry, Volume
from meters import Counter

New = Callable[..., Any]


def volume(value: float = 1.0) -> Volume:
    return Volume(np.full((3, 4, 5), value), Geometry((3, 4, 5), np.diag([3.0, 2, 1, 1])), "MR")


@pytest.fixture
def archive(tmp_path: Path, series: New, stored: NDArray) -> Path:
    series(folder="archive/b/mr").planes(stored, (0, 0, 2.0))
    series("CT", folder="archive/b/ct").planes(stored + 1, (0, 0, 3.0))
    folder = tmp_path / "archive"
    io.write(volume(), folder / "a.nii.gz")
    io.write(volume(2), folder / "c" / "d.nrrd")
    (folder / "notes.txt").write_text("not a scan")
    (folder / "broken.nii").write_text("neither is this")
    (folder / ".hidden").write_text("never looked at")
    return folder


def test_every_volume_is_found_and_opens(archive: Path) -> None:
    scans = io.find(archive)
    assert [(s.name, s.format, s.modality) for s in scans] == [
        ("a", "nifti", None),
        ("ct", "dicom", "CT"),
        ("mr", "dicom", "MR"),
        ("d", "itk", None),
    ]
    for scan in scans:
        opened = io.read(scan)
        assert opened.geometry.shape == scan.shape
        assert opened.geometry.spacing_mm == pytest.approx(scan.spacing_mm)
        assert opened.geometry.axis_codes == scan.orientation
        assert opened.source.name == scan.name
    assert [(path.name, reason.split()[0]) for path, reason in scans.skipped] == [
        ("broken.nii", "is"),
        ("notes.txt", "not"),
    ]


def test_progress_counts_every_file(archive: Path) -> None:
    meter = Counter()
    io.find(archive, progress=meter)
    assert meter.ticks == meter.total == 14


def test_no_voxel_is_read(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medrestore.io.dicom.series.intensities", None)
    monkeypatch.setattr("nibabel.arrayproxy.ArrayProxy.__array__", None)
    monkeypatch.setattr("SimpleITK.GetArrayFromImage", None)
    assert len(io.find(archive)) == 4


def test_scans_are_described_in_one_line(archive: Path) -> None:
    assert str(io.find(archive)[1]) == "ct: CT 5×6×4, 3×0.7×0.5 mm, SPL"


def test_scans_travel_and_hold_no_uids(archive: Path, series: New) -> None:
    scans = io.find(archive / "b")
    again = pickle.loads(pickle.dumps(list(scans)))
    assert again == list(scans)
    text = json.dumps([dataclasses.asdict(scan) for scan in scans], default=str)
    assert "1.2.826" not in text  # pydicom's root of generated UIDs
    assert pickle.loads(pickle.dumps(io.read(scans[0]))).source.header.shape == (1, 5, 6, 4)


def test_a_folder_with_several_volumes_lists_them(archive: Path) -> None:
    with pytest.raises(InputError) as caught:
        io.read(archive)
    message = str(caught.value)
    assert "holds 4 volumes" in message
    assert "[1] ct: CT 5×6×4" in message
    assert "\n" not in message
    assert io.read(archive / "c").array.max() == 2


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        io.read(tmp_path / "nothing")
    with pytest.raises(InputError, match="does not exist"):
        io.find(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no files"):
        io.read(tmp_path)
    assert io.find(tmp_path) == []
    (tmp_path / "notes.txt").write_text("not a scan")
    with pytest.raises(UnreadableError, match="not a scan that medrestore knows"):
        io.read(tmp_path / "notes.txt")
    with pytest.raises(InputError, match=r"holds no scan .* notes\.txt: not a scan"):
        io.read(tmp_path)


def test_content_decides_before_the_suffix(tmp_path: Path, series: New, stored: NDArray) -> None:
    scan = series()
    disguised = scan.plane(stored[0], (0, 0, 0), name="slice.nii")
    np.testing.assert_array_equal(io.read(disguised).array[0], stored[0])
    io.write(volume(), tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").rename(tmp_path / "a.dcm")
    assert io.read(tmp_path / "a.dcm").source.format == "nifti"


def test_modality_takes_ct_and_mr(archive: Path) -> None:
    with pytest.raises(InputError, match="'CT' and 'MR'"):
        io.read(archive / "a.nii.gz", modality="US")


@pytest.mark.parametrize("name", ["scan.txt", "scan", "scan.dcm", "scan.nhdr"])
def test_unknown_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.nii\.gz"):
        io.write(volume(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        io.write(volume(), tmp_path / "file" / "scan.nii.gz")
    assert "\n" not in str(caught.value)
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        io.write(volume(), tmp_path / "folder.nii")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nibabel.Nifti1Image.to_file_map", full)
    with pytest.raises(OutputError, match="No space left"):
        io.write(volume(), tmp_path / "scan.nii.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.nii"]


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(image: Any, files: Any) -> None:
        files["image"].fileobj.write(b"half a fi")
        raise KeyboardInterrupt

    monkeypatch.setattr("nibabel.Nifti1Image.to_file_map", interrupted)
    with pytest.raises(KeyboardInterrupt):
        io.write(volume(), tmp_path / "scan.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = io.write(volume(), tmp_path / "new" / "folder" / "scan.nii.gz")
    np.testing.assert_array_equal(io.read(path).array, 1)


def test_formats_are_loaded_when_they_are_needed() -> None:
    code = (
        "import sys, medrestore.io; print([m for m in "
        "('torch', 'monai', 'napari', 'nibabel', 'pydicom', 'SimpleITK') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_members_packed_with_gzip_are_read(tmp_path: Path, series: New, stored: NDArray) -> None:
    scan = series("CT")
    scan.planes(stored, (0, 0, 2.0))
    plain = io.read(scan.folder)
    for path in list(scan.folder.iterdir()):
        with gzip.open(f"{path}.gz", "wb") as packed:
            packed.write(path.read_bytes())
        path.unlink()
    (found,) = io.find(scan.folder)
    volume = io.read(found)
    np.testing.assert_array_equal(volume.array, plain.array)
    np.testing.assert_array_equal(volume.geometry.affine, plain.geometry.affine)
    first = found.files[0]
    assert io.read(first).source.name == first.name.removesuffix(".dcm.gz")
    derived = io.write_series(volume, tmp_path / "out", description="restored")
    np.testing.assert_array_equal(io.read(derived).array, plain.array)

    first.write_bytes(first.read_bytes()[:-40])
    with pytest.raises(UnreadableError, match=first.name):
        io.read(first)


def test_a_search_can_be_cancelled(archive: Path) -> None:
    class Cancels(Counter):
        def tick(self, n: int = 1) -> None:
            super().tick(n)
            if self.ticks == 3:
                raise Cancelled("stop")

    meter = Cancels()
    with pytest.raises(Cancelled):
        io.find(archive, meter)
    assert meter.ticks == 3


def test_threads_leave_warnings_and_logs_as_they_were(archive: Path) -> None:
    before, logger = list(warnings.filters), logging.getLogger("pydicom")
    for _ in range(5):
        io.find(archive)
    assert warnings.filters == before
    assert not logger.disabled
