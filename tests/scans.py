"""Small noisy scans made for the tests: a disc in MR, a body in CT; no patient was ever in them."""

from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AFFINE = np.array([[-0.9, 0.1, 0, 40], [0.1, 0.9, 0, -50], [0, 0, 3.0, 7], [0, 0, 0, 1.0]])


def body(shape: tuple[int, int, int]) -> np.ndarray:
    """1 inside an ellipse with two levels of texture, 0 outside; (z, y, x)."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    inside = (x / 0.8) ** 2 + (y / 0.7) ** 2 < 1
    return inside * (0.7 + 0.3 * (x**2 + (y - 0.2) ** 2 < 0.1) + 0.05 * np.sin(6 * x + 4 * y + z))


def mr_array(shape: tuple[int, int, int] = (5, 40, 48), noise: float = 0.05) -> np.ndarray:
    """A Rician magnitude image, foreground scale about 400."""
    rng = np.random.default_rng(0)
    channels = 400 * noise * rng.standard_normal((2, *shape))
    return np.hypot(400 * body(shape) + channels[0], channels[1]).astype(np.float32)


def ct_array(shape: tuple[int, int, int] = (5, 48, 48), noise: float = 25.0) -> np.ndarray:
    """A body of about 0 to 100 HU in air."""
    rng = np.random.default_rng(1)
    clean = np.where(body(shape) > 0, 250 * body(shape) - 150, -1000)
    return np.round(clean + noise * rng.standard_normal(shape))


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    """Write an array (z, y, x) or (t, z, y, x) as NIfTI (x, y, z, t)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.asarray(array, np.float32).T, affine), path)
    return path


def write_ct(folder: Path, array: np.ndarray, skip: tuple[int, ...] = ()) -> Path:
    """Write an array (z, y, x) in HU as a CT series without the slices in ``skip``."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for z, plane in enumerate(array):
        if z in skip:
            continue
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID = CTImageStorage
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.FrameOfReferenceUID = frame
        image.PatientName, image.PatientID = "Doe^Jane", "SECRET-4711"
        image.Modality, image.SeriesNumber, image.InstanceNumber = "CT", 3, z + 1
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        image.ImagePositionPatient = [-20.0, -30.0, 40.0 + 2.5 * z]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing = [0.8, 0.8]
        image.Rows, image.Columns = plane.shape
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        image.PixelData = plane.astype("<i2").tobytes()
        image["PixelData"].VR = "OW"
        image.save_as(folder / f"IM{z:04d}.dcm", enforce_file_format=True)
    return folder
