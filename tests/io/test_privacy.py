"""Whose scan it is stays in the DICOM files: planted strings are looked for in everything else.

Derived series and Parametric Maps keep the patient, of course: they belong into the same study.
What a person is told on the terminal about a file that cannot be read names that file as it is.
"""

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

import medrestore as mr
from medrestore import io
from medrestore.cli import main
from medrestore.io.uids import without_uids
from medrestore.plugin.files import read_layers
from medrestore.plugin.layers import KEY, to_layer
from scans import body, ct_array, mr_array

pytestmark = pytest.mark.usefixtures("tiny_models")
PLANTED = {
    "PatientName": "Planted^Petra",
    "PatientID": "PID-99173",
    "PatientBirthDate": "19510717",
    "PatientAddress": "Elm Grove 13",
    "AccessionNumber": "ACC55871",
    "InstitutionName": "Saint Nowhere Hospital",
    "ReferringPhysicianName": "Quacksalver^Quentin",
    "StudyID": "STU8842",
    "StudyDescription": "Planted study text",
    "SeriesDescription": "Planted series text",
    "OperatorsName": "Operator^Olga",
}
FAST = ("--samples", "1", "--steps", "1")


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Path, Path, set[str]]:
    """A study whose folders and files are named by UIDs, its series, and all planted strings."""
    study = tmp_path / "archive" / generate_uid()
    first = series(study, ct_array(), "CT")
    series(study, mr_array(), "MR", prefix="MR.")
    (study / "report.nii").write_bytes(b"not a scan")
    secrets = {word for value in PLANTED.values() for word in value.split("^") if word}
    for path in study.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        secrets |= {str(e.value) for e in header if e.VR == "UI" and "SOPClass" not in e.keyword}
    secrets |= {study.name}
    return tmp_path / "archive", first, secrets


def series(study: Path, array: np.ndarray, modality: str, prefix: str = "") -> Path:
    """A series in a folder named by its UID, files by theirs, with the planted strings."""
    from dicom_files import new_image, set_values

    uid, frame = generate_uid(), generate_uid()
    folder = study / uid
    folder.mkdir(parents=True)
    for z, plane in enumerate(array):
        image = new_image(modality, pydicom.uid.CTImageStorage if modality == "CT" else None)
        for keyword, value in PLANTED.items():
            setattr(image, keyword, value)
        image.StudyInstanceUID, image.SeriesInstanceUID = study.name, uid
        image.FrameOfReferenceUID, image.InstanceNumber = frame, z + 1
        image.ImagePositionPatient = [-20.0, -30.0, 40.0 + 2.5 * z]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing = [0.8, 0.8]
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        set_values(image, np.round(plane).astype("<i2"))
        image.save_as(folder / f"{prefix}{image.SOPInstanceUID}.dcm", enforce_file_format=True)
    return folder


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and contents of all files below a folder but DICOM's, which keep the patient."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield name, name
        if path.is_file() and path.suffix != ".dcm":
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            yield name, content.decode("latin-1")


def look(secrets: set[str], where: str, text: str) -> None:
    """Fail with the name of the place, and what was found there."""
    found = [secret for secret in secrets if secret.lower() in text.lower()]
    assert not found, f"{found} in {where}"


@pytest.mark.parametrize("form", ["nifti", "dicom"])
def test_python(
    archive: tuple[Path, Path, set[str]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    form: str,
) -> None:
    _, folder, secrets = archive
    caplog.set_level(logging.DEBUG)
    volume = mr.read(folder)
    result = mr.denoise(volume, samples=1, steps=1)
    written = result.save(tmp_path / "out", form)
    for where, text in texts(tmp_path / "out"):
        look(secrets, where, text)
    look(secrets, "the volume", repr(volume))
    look(secrets, "the result", repr(result))
    look(secrets, "the plan", result.plan.to_json())
    look(secrets, "the log", caplog.text)
    record = json.loads((tmp_path / "out" / "scan_run.json").read_text())
    assert record["input"]["name"] == "scan"
    assert record["outputs"] == [path.name for path in written[:-1]]
    if form == "nifti":
        image = nib.load(tmp_path / "out" / "scan_std.nii.gz")
        assert not image.header.extensions
        look(secrets, "descrip", image.header["descrip"].tobytes().decode("latin-1"))
    else:  # where the patient belongs
        for name in ("scan_restored", "scan_std", "scan_std_map"):
            image = pydicom.dcmread(tmp_path / "out" / name / "00001.dcm")
            assert image.PatientName == PLANTED["PatientName"]
            assert image.AccessionNumber == PLANTED["AccessionNumber"]


def test_the_command_line(
    archive: tuple[Path, Path, set[str]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, folder, secrets = archive
    monkeypatch.chdir(tmp_path)
    for number, options in enumerate([FAST, (*FAST, "--json"), (*FAST, "--format", "nifti")]):
        assert main(["denoise", str(folder), "-o", f"out{number}", *options]) == 0
        said = capfd.readouterr()
        look(secrets, "stdout", said.out)
        look(secrets, "stderr", said.err)
        for where, text in texts(tmp_path / f"out{number}"):
            look(secrets, where, text)
    again = ["rerun", "out2/scan_run.json", "--input", str(folder), "-o", "again"]
    assert main(again) == 0
    look(secrets, "rerun", "".join(capfd.readouterr()))


def test_a_batch(
    archive: tuple[Path, Path, set[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, _, secrets = archive
    done = str(tmp_path / "done")
    assert main(["batch", str(root), done, *FAST]) == 2  # one file is no scan
    said = capfd.readouterr()
    look(secrets, "stdout", said.out)
    look(secrets, "stderr", said.err)
    for where, text in texts(tmp_path / "done"):
        look(secrets, where, text)
    log = (tmp_path / "done" / "batch.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert str(root) not in log
    states = sorted(line["state"] for line in lines)
    assert states == ["failed", "restored", "restored"]
    for line in lines:
        for name in line.get("outputs", ()):
            assert (tmp_path / "done" / name).exists()


def test_layers(archive: tuple[Path, Path, set[str]]) -> None:
    _, folder, secrets = archive
    layers = read_layers(str(folder))
    result = mr.denoise(mr.read(folder), samples=0)
    for _, meta, _ in [*layers, *map(to_layer, result.layers().values())]:
        assert meta["name"] == "scan"
        look(secrets, "layer metadata", repr(meta))
        look(secrets, "notes", " ".join(meta["metadata"][KEY]["notes"]))


def test_names_of_volumes_and_their_files(archive: tuple[Path, Path, set[str]]) -> None:
    root, _, secrets = archive
    for scan in mr.find(root):
        look(secrets, "name", scan.name)
        look(secrets, "line", str(scan))
    single = next(path for path in root.rglob("MR.*.dcm"))
    assert io.read(single).source.name == "MR"


def test_uids_in_text() -> None:
    uid = "1.2.840.113619.2.55.3"
    masked = without_uids(f"a/MR.{uid}.dcm: bad")
    assert masked.startswith("a/MR.uid-") and masked.endswith(".dcm: bad")
    assert without_uids(uid) != without_uids(uid + "1")
    for text in ("head_1.5T_2.0mm.nii.gz", "v1.2.3", "10.5 mm", "192.168.1.1"):
        assert without_uids(text) == text


def test_values_that_pydicom_and_highdicom_remark_on(
    archive: tuple[Path, Path, set[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Both quote a value that does not follow the standard in a log or a warning."""
    _, folder, _ = archive
    odd: dict[str, Any] = {"PatientName": "Odd=Name^^^^^^Very", "PatientSex": "SECRET"}
    for path in folder.iterdir():
        image = pydicom.dcmread(path)
        for keyword, value in odd.items():
            setattr(image, keyword, value)
        image.save_as(path)
    caplog.set_level(logging.DEBUG)
    volume = mr.read(folder)
    spread = volume.with_array(body(volume.array.shape))
    io.write_series(spread, tmp_path / "std", description="std")
    io.write_map(spread, tmp_path / "map", description="std")
    assert not caplog.text
