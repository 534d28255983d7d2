"""Small whole scans of every kind that is read, as bytes: what the fuzzing starts from."""

import gzip
import io
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from dicom_files import csa, item
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
    generate_uid,
)

Files = dict[str, bytes]
"""A scan's files by name; the first is the one that is opened."""

STORED = np.arange(5 * 6 * 4, dtype=np.int16).reshape(5, 6, 4) * 3 + 11
AFFINE = np.array([[-2.0, 0.1, 0, 90], [0.1, 3.0, 0, -126], [0, 0, 4.0, -72], [0, 0, 0, 1]])
SYNTAXES = {
    "ct_explicit": ExplicitVRLittleEndian,
    "mr_implicit": ImplicitVRLittleEndian,
    "mr_big_endian": ExplicitVRBigEndian,
    "ct_deflated": DeflatedExplicitVRLittleEndian,
    "ct_rle": RLELossless,
    "mr_jpeg_ls": JPEGLSLossless,
    "mr_jpeg_2000": JPEG2000Lossless,
}


def dataset(modality: str, storage: Any, stored: Any) -> FileDataset:
    """One image with everything that places it."""
    image = FileDataset("", Dataset(), file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = storage, generate_uid(entropy_srcs=["a"])
    image.PatientName, image.PatientID = "../../Doe^Jane", "/tmp/../SECRET"
    image.Modality, image.SeriesNumber, image.InstanceNumber = modality, 3, 1
    image.SeriesDescription = "../../escape"
    image.StudyInstanceUID = generate_uid(entropy_srcs=["b"])
    image.SeriesInstanceUID = generate_uid(entropy_srcs=["c"])
    image.FrameOfReferenceUID = generate_uid(entropy_srcs=["d"])
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"]
    image.Rows, image.Columns = stored.shape[-2:]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    image.RescaleSlope, image.RescaleIntercept = "1", "-1024" if modality == "CT" else "0"
    image.PixelData = stored.astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    if stored.ndim == 2:
        image.ImagePositionPatient = [-20.0, -30.0, 40.0]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [0.7, 0.5], 2.5
    return image


def encoded(image: FileDataset, syntax: Any = ExplicitVRLittleEndian) -> bytes:
    """The file of a data set in a transfer syntax."""
    if syntax.is_encapsulated:
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.compress(syntax, generate_instance_uid=False)
    image.file_meta.TransferSyntaxUID = syntax
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    if syntax == ExplicitVRBigEndian:
        image.PixelData = np.frombuffer(image.PixelData, "<i2").byteswap().tobytes()
    out = io.BytesIO()
    pydicom.dcmwrite(
        out,
        image,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        force_encoding=True,
    )
    return out.getvalue()


def enhanced() -> FileDataset:
    """Five frames with functional groups."""
    image = dataset("MR", EnhancedMRImageStorage, STORED)
    image.NumberOfFrames = len(STORED)
    image.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=2.0)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    image.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[1, 2, 2.0 * z])],
            PixelValueTransformationSequence=[item(RescaleSlope=1 + z, RescaleIntercept=0)],
            FrameContentSequence=[item(StackID="1", TemporalPositionIndex=1)],
            MRImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "T1", "M"])],
        )
        for z in range(len(STORED))
    ]
    return image


def mosaic() -> FileDataset:
    """Five slices as a 3 × 3 Siemens mosaic."""
    picture = np.zeros((18, 12), np.int16)
    for k, values in enumerate(STORED):
        picture[k // 3 * 6 : k // 3 * 6 + 6, k % 3 * 4 : k % 3 * 4 + 4] = values
    image = dataset("MR", MRImageStorage, picture)
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    image.SpacingBetweenSlices = 2.5
    image.add_new((0x0019, 0x0010), "LO", "SIEMENS MR HEADER")
    image.add_new((0x0019, 0x100A), "US", len(STORED))
    image.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    tags = {"NumberOfImagesInMosaic": ["5"], "SliceNormalVector": ["0", "0", "-1"]}
    image.add_new((0x0029, 0x1010), "OB", csa(tags))
    return image


def classic(name: str) -> FileDataset:
    """One plane; CT or MR by the seed's name."""
    ct = name.startswith("ct")
    plane = np.tile(STORED[0], (6, 9)) if "jpeg" in name else STORED[0]
    return dataset("CT" if ct else "MR", CTImageStorage if ct else MRImageStorage, plane)


@cache
def dicom_seeds() -> tuple[str, ...]:
    return (*SYNTAXES, "enhanced", "enhanced_rle", "mosaic")


def dicom(name: str) -> tuple[FileDataset, Any]:
    """A seed's data set, to be altered, and its transfer syntax."""
    if name.startswith("enhanced"):
        return enhanced(), RLELossless if name.endswith("rle") else ExplicitVRLittleEndian
    if name == "mosaic":
        return mosaic(), ExplicitVRLittleEndian
    return classic(name), SYNTAXES[name]


@cache
def _written(suffix: str, kind: str) -> tuple[tuple[str, bytes], ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"scan{suffix}")
        if kind == "itk":
            image = sitk.GetImageFromArray(STORED)
            image.SetSpacing((0.5, 0.7, 2.5))
            image.SetOrigin((-20, -30, 40))
            sitk.WriteImage(image, str(path), useCompression=suffix == ".zip.nrrd")
        else:
            made = (nib.Nifti2Image if kind == "nifti2" else nib.Nifti1Image)(STORED.T, AFFINE)
            if kind == "nifti1":
                made.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a remark"))
                made.header.set_slope_inter(2, 1)
            nib.save(made, path)
        found = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    return tuple(sorted(found.items(), key=lambda pair: pair[0] != path.name))


def _by_gdcm(data: bytes) -> bytes:
    """The file in lossless JPEG, which pydicom cannot encode."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan.dcm")
        path.write_bytes(data)
        reader, writer = gdcm.ImageReader(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        kind = gdcm.TransferSyntax.JPEGLosslessProcess14_1
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return path.read_bytes()


NIFTI = {"nii": "nifti1", "nii2": "nifti2"}
ITK = {"nrrd": ".nrrd", "nrrd_gzip": ".zip.nrrd", "mha": ".mha", "mhd": ".mhd"}


@cache
def seeds() -> tuple[str, ...]:
    return (*dicom_seeds(), *NIFTI, *(f"{n}_gz" for n in NIFTI), *ITK, "nhdr", "ct_jpeg")


@cache
def _seed(name: str) -> tuple[tuple[str, bytes], ...]:
    if name == "ct_jpeg":
        return (("scan.dcm", _by_gdcm(encoded(*dicom("ct_explicit")))),)
    if name in dicom_seeds():
        return (("scan.dcm", encoded(*dicom(name))),)
    if name in NIFTI:
        return _written(".nii", NIFTI[name])
    if name.endswith("_gz"):
        ((_, data),) = _written(".nii", NIFTI[name[:-3]])
        return (("scan.nii.gz", gzip.compress(data, 6, mtime=0)),)
    if name == "nhdr":
        ((_, data),) = _written(".nrrd", "itk")
        header, _, voxels = data.partition(b"\n\n")
        return (("scan.nhdr", header + b"\ndata file: scan.raw\n\n"), ("scan.raw", voxels))
    return _written(ITK[name], "itk")


def seed(name: str) -> Files:
    """The files of a seed."""
    return dict(_seed(name))
