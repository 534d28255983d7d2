"""Damage, drawn from a generator: blind (cuts, flipped bits) and hostile (absurd headers)."""

import gzip
import re
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pydicom
from fuzz_seeds import ITK, NIFTI, Files, dicom, dicom_seeds, encoded, seed
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

if TYPE_CHECKING:
    from collections.abc import Callable

Generator = np.random.Generator

NUMBERS = (0, -1, 1, 2, 3, 7, 8, 255, 4095, 32767, -32768, 65535, 10**6, 2**31 - 1, -(2**31), 2**32)
FLOATS = (0.0, -0.0, 1e-45, 1e-30, -1.0, 1e6, 1e9, 1e30, -1e38, np.nan, np.inf, -np.inf, 1e300)
WORDS = ("0", "-1", "1", "nan", "inf", "-inf", "1e400", "1e300", "1e9", "9" * 12, "x", "", "1\\2")
PATHS = ("../../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "..", "LIST", "LOCAL")
BOMB = 48 * 2**20
"""Bytes that a few hundred kilobytes of a bomb unfold to."""


def pick(rng: Generator, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def blind(data: bytes, rng: Generator) -> bytes:
    """One to three blows that know nothing of the format."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        blow = int(rng.integers(7))
        at = int(rng.integers(max(1, len(out))))
        if rng.random() < 0.5:  # headers matter most
            at = min(at, int(rng.integers(700)))
        span = int(rng.integers(1, 32))
        if blow == 0:
            del out[at:]
        elif blow == 1 and out:
            for bit in rng.integers(0, 8 * len(out), size=int(rng.integers(1, 9))):
                out[bit // 8] ^= 1 << (bit % 8)
        elif blow == 2:
            out[at : at + span] = bytes(len(out[at : at + span]))
        elif blow == 3:
            out[at : at + span] = b"\xff" * len(out[at : at + span])
        elif blow == 4:
            kind, value = pick(rng, (("<i", -1), ("<I", 2**31), ("<h", -1), ("<I", 2**32 - 1)))
            out[at : at + struct.calcsize(kind)] = struct.pack(kind, value)
        elif blow == 5:
            out[at:at] = rng.bytes(span)
        else:
            out[at:at] = out[at : at + span] * int(rng.integers(1, 40))
    return bytes(out)


def hostile_nifti(name: str, rng: Generator) -> Files:
    """A header field, or an extension, with a value that no scanner would write."""
    packed = name.endswith("_gz")
    (data,) = seed(name.removesuffix("_gz")).values()
    version = nib.Nifti1Header if NIFTI[name.removesuffix("_gz")] == "nifti1" else nib.Nifti2Header
    layout = version.template_dtype
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 3))):
        field = str(pick(rng, layout.names)) if rng.random() < 0.5 else str(
            pick(rng, ("dim", "pixdim", "vox_offset", "magic", "datatype", "bitpix", "sform_code"))
        )  # fmt: skip
        kind, start = layout.fields[field][:2]
        scalar, shape = kind.subdtype or (kind, (1,))
        at = start + int(rng.integers(shape[0])) * scalar.itemsize
        out[at : at + scalar.itemsize] = _number(scalar, rng)
    if rng.random() < 0.1:
        size = int(pick(rng, (0, -16, 7, 2**31 - 1, 16)))
        out[layout.itemsize : layout.itemsize + 12] = struct.pack("<4Bii", 1, 0, 0, 0, size, 6)
    if not packed:
        return {"scan.nii": bytes(out)}
    bomb = _gzip_bomb() if rng.random() < 0.03 else b""
    return {"scan.nii.gz": gzip.compress(bytes(out), 1, mtime=0) + bomb}


@cache
def _gzip_bomb() -> bytes:
    return gzip.compress(bytes(BOMB), 1, mtime=0)


def _number(scalar: np.dtype[Any], rng: Generator) -> bytes:
    if scalar.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(pick(rng, FLOATS)).astype(scalar).tobytes()
    if scalar.kind in "iu":
        value = int(pick(rng, NUMBERS)) if rng.random() < 0.8 else int(rng.integers(0, 5000))
        return (value % 2 ** (8 * scalar.itemsize)).to_bytes(scalar.itemsize, "little")
    return rng.bytes(scalar.itemsize)


def hostile_itk(name: str, rng: Generator) -> Files:
    """A line of the text header with another value, twice, gone, or naming another file."""
    files = seed(name)
    first = next(iter(files))
    data = files[first]
    end = data.find(b"\n\n") if "nrrd" in name or name == "nhdr" else data.find(b"LOCAL")
    end = end if end > 0 else len(data)
    lines = data[:end].decode("latin-1").split("\n")
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(1, len(lines)))
        key, separator, value = re.match(r"([^:=]*)(:=|[:=] ?)?(.*)", lines[at]).groups()  # type: ignore[union-attr]
        blow = int(rng.integers(6))
        if blow < 3:
            words = value.split()
            place = int(rng.integers(len(words))) if words else 0
            words[place : place + 1] = [str(pick(rng, (*WORDS, *map(str, NUMBERS))))]
            lines[at] = f"{key}{separator or ': '}{' '.join(words)}"
        elif blow == 3:
            lines.insert(at, lines[at])
        elif blow == 4:
            del lines[at]
        else:
            target = str(pick(rng, PATHS))
            lines.insert(
                at,
                f"data file: {target}" if "n" in name else f"ElementDataFile = {target}",
            )
    files[first] = "\n".join(lines).encode("latin-1") + data[end:]
    return files


KEYWORDS = (
    "Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "SamplesPerPixel", "PlanarConfiguration", "PixelPaddingValue",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept", "RescaleType", "WindowCenter",
    "PhotometricInterpretation", "ImageType", "Modality", "InstanceNumber", "SeriesNumber",
    "EchoTime", "TriggerTime", "AcquisitionNumber", "SeriesInstanceUID", "SOPInstanceUID",
    "SOPClassUID", "SpecificCharacterSet", "PatientName", "ContributingEquipmentSequence",
    "PixelPresentation", "DerivationDescription", "KVP", "PixelData", "SourceImageSequence",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "PixelValueTransformationSequence", "FrameContentSequence", "MRImageFrameTypeSequence",
    "RescaleSlope", "TemporalPositionIndex", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "DirectoryRecordSequence", "ReferencedImageSequence", "PixelAspectRatio", "FrameType",
)  # fmt: skip
VRS = ("LO", "DS", "IS", "US", "SS", "UL", "FD", "FL", "SQ", "UN", "OB", "OW", "UI", "CS", "AT")
BINARY = {"US": "<u2", "SS": "<i2", "UL": "<u4", "AT": "<u4", "FD": "<f8", "FL": "<f4"}


def hostile_dicom(name: str, rng: Generator) -> Files:
    """Elements of the data set, at any depth, gone, of another type, or absurd."""
    image, syntax = dicom(name)
    raw = encoded(image, syntax)
    blow = rng.random()
    if blow < 0.12:
        return {"scan.dcm": _nested(raw, rng)}
    if blow < 0.2:
        return {"scan.dcm": _other_syntax(raw, rng)}
    if blow < 0.26:
        return {"scan.dcm": _deflated(name, rng)}
    image = pydicom.dcmread(pydicom.filebase.DicomBytesIO(raw), force=True)
    for _ in range(int(rng.integers(1, 4))):
        _alter(image, rng)
    try:
        return {"scan.dcm": _plainly(image)}
    except Exception:  # pydicom would not write this one
        return {"scan.dcm": blind(raw, rng)}


def _levels(image: Dataset) -> list[Dataset]:
    found = [image]
    for element in image:  # what an earlier blow has put there may be no list
        if element.VR == "SQ" and isinstance(element.value, list):
            found += [deep for one in element.value for deep in _levels(one)]
    return found


def _alter(image: Dataset, rng: Generator) -> None:
    level = pick(rng, _levels(image)) if rng.random() < 0.4 else image
    present = [element.tag for element in level]
    if rng.random() < 0.5 and present:
        tag = pick(rng, present)
    else:
        tag = pydicom.tag.Tag(pick(rng, KEYWORDS))
    if rng.random() < 0.15 and tag in level:
        del level[tag]
        return
    vr = level[tag].VR if tag in level and rng.random() < 0.7 else str(pick(rng, VRS))
    value = _value(vr, rng)
    level[tag] = pydicom.DataElement(tag, vr, value if vr == "SQ" else None)
    if vr != "SQ":
        level[tag]._value = _Raw(value)  # as it is to lie in the file, unchecked


def _value(vr: str, rng: Generator) -> Any:
    if vr == "SQ":
        return [Dataset() for _ in range(int(rng.integers(0, 3)))]
    if vr in BINARY:
        count = int(pick(rng, (1, 1, 2, 3, 6)))
        return b"".join(_number(np.dtype(BINARY[vr]), rng) for _ in range(count))
    if vr in ("UN", "OB", "OW"):
        return rng.bytes(2 * int(rng.integers(0, 40)))
    words = (str(pick(rng, WORDS)) for _ in range(int(pick(rng, (1, 1, 2, 3, 6)))))
    return "\\".join(words).encode()


class _Raw(bytes):
    """Text as it is to lie in the file, whatever its type says."""


def _plainly(image: FileDataset) -> bytes:
    """A file in explicit little endian (its syntax as stated), values unchecked."""
    meta = pydicom.filebase.DicomBytesIO()
    pydicom.filewriter.write_file_meta_info(meta, image.file_meta, enforce_standard=False)
    out = b"\0" * 128 + b"DICM" + meta.getvalue()
    body = _elements(image)
    if image.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return out + body


def _elements(data: Dataset) -> bytes:
    out = b""
    for element in data:
        value = element.value
        if element.VR == "SQ":
            items = (_elements(one) for one in value)
            value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(i)) + i for i in items)
        elif isinstance(value, _Raw):
            value = bytes(value) + b" " * (len(value) % 2)
        else:
            buffer = pydicom.filebase.DicomBytesIO()
            buffer.is_little_endian, buffer.is_implicit_VR = True, False
            pydicom.filewriter.write_data_element(buffer, element)
            out += buffer.getvalue()
            continue
        head = struct.pack("<HH", element.tag.group, element.tag.element) + element.VR.encode()
        long = element.VR in ("SQ", "UN", "OB", "OW", "UT")
        out += head + (struct.pack("<2xI", len(value)) if long else struct.pack("<H", len(value)))
        out += value
    return out


def _body(raw: bytes) -> int:
    """Where the data set starts, behind the file meta information."""
    return 132 + 12 + int(struct.unpack_from("<I", raw, 140)[0])


def _nested(raw: bytes, rng: Generator) -> bytes:
    """Sequences in sequences, never closed, or with lengths beyond the file."""
    depth = int(pick(rng, (1, 10, 300, 3000)))
    length = int(pick(rng, (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 16)))
    layer = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF)
    layer += struct.pack("<HHI", 0xFFFE, 0xE000, length)
    at = _body(raw)
    tail = raw[at:] if rng.random() < 0.5 else b""
    return raw[:at] + layer * depth + tail


def _other_syntax(raw: bytes, rng: Generator) -> bytes:
    """The same bytes under another transfer syntax: every codec gets what is not meant for it."""
    image = pydicom.dcmread(pydicom.filebase.DicomBytesIO(raw), force=True)
    known = (
        "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100", "1.2.3", "", "1.2.840.10008.1.1",
    )  # fmt: skip
    if rng.random() < 0.5:
        for keyword in ("Rows", "Columns"):
            setattr(image, keyword, int(pick(rng, (65535, 5000, 1, 7))))
    if rng.random() < 0.5:
        fragments = rng.bytes(int(rng.integers(0, 60)) * 2)
        offsets = np.array([int(pick(rng, NUMBERS)) % 2**32], "<u4").tobytes()
        image.PixelData = (
            struct.pack("<HHI", 0xFFFE, 0xE000, len(offsets)) + offsets
            + struct.pack("<HHI", 0xFFFE, 0xE000, len(fragments)) + fragments
            + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        )  # fmt: skip
        image["PixelData"].VR = "OB"
    image.file_meta.TransferSyntaxUID = pydicom.uid.UID(str(pick(rng, known)), validation_mode=0)
    return _plainly(image)


@cache
def _bomb(eight: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=-15)
    return packer.compress(eight * (BOMB // 8)) + packer.flush()


def _deflated(name: str, rng: Generator) -> bytes:
    """A deflated data set that is damaged within, cut, or unfolds to far more than it promises."""
    image, _ = dicom(name)
    raw = encoded(image)
    at = _body(raw)
    body = raw[at:]
    kind = int(rng.choice(3, p=(0.6, 0.2, 0.2)))
    packer = zlib.compressobj(1, wbits=-15)
    if kind == 0:
        packed = packer.compress(blind(body, rng)) + packer.flush()
    else:  # zeros, or a header that never ends: one element, again and again
        endless = struct.pack("<HH2sH", 0x0008, 0x0001, b"UI", 0)
        packed = packer.compress(body if rng.random() < 0.5 else b"")
        packed += packer.flush(zlib.Z_FULL_FLUSH) + _bomb(bytes(8) if kind == 1 else endless)
    if rng.random() < 0.3:
        packed = packed[: int(rng.integers(len(packed)))]
    meta = raw[:at].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta[:140] + struct.pack("<I", len(meta) - 144) + meta[144:]
    length = meta.index(b"1.2.840.10008.1.2.1.99") - 2
    return meta[:length] + struct.pack("<H", 22) + meta[length + 2 :] + packed


def mutated(name: str, rng: Generator) -> Files:
    """A seed after one kind of damage."""
    if rng.random() < 0.35 or name == "ct_jpeg":  # GDCM's own: the codec is what is hit
        files = seed(name)
        victim = pick(rng, list(files))
        if name.endswith("_gz") and rng.random() < 0.5:
            inside = blind(gzip.decompress(files[victim]), rng)
            files[victim] = gzip.compress(inside, 1, mtime=0)
        else:
            files[victim] = blind(files[victim], rng)
        return files
    hostile: Callable[[str, Generator], Files] = hostile_itk
    if name in dicom_seeds():
        hostile = hostile_dicom
    elif name not in (*ITK, "nhdr"):
        hostile = hostile_nifti
    return hostile(name, rng)
