"""Intensities from a Modality LUT Sequence (PS3.3 C.11.1), beside what pydicom makes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import item
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

from medrestore import io
from medrestore.errors import InputError

New = Callable[..., Any]
DOUBLED = np.arange(4096, dtype="<u2") * 2


def table(
    entries: NDArray[Any] = DOUBLED,
    first: int = 0,
    kind: str | None = "HU",
    bits: int = 16,
    count: int | None = None,
    signed: bool = False,
) -> Dataset:
    lut = item()
    count = len(entries) if count is None else count
    lut.add_new("LUTDescriptor", "SS" if signed else "US", [count, first, bits])
    lut.add_new("LUTData", "OW", entries.tobytes())
    if kind is not None:
        lut.ModalityLUTType = kind
    return lut


def scan_of(series: New, stored: NDArray, *tables: Dataset, modality: str = "CT", **tags: Any):
    scan = series(modality, ModalityLUTSequence=list(tables), **tags)
    scan.planes(stored, (0, 0, 2.0))
    return scan


def by_pydicom(folder: Path) -> NDArray:
    images = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    return np.stack([apply_modality_lut(image.pixel_array, image) for image in images])


def test_every_value_is_looked_up(series: New, stored: NDArray) -> None:
    scan = scan_of(series, stored.astype(np.uint16), table())
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored * 2.0)
    np.testing.assert_array_equal(volume.array, by_pydicom(scan.folder))
    assert volume.warnings == ("intensities follow from the Modality LUT Sequence (0028,3000)",)
    assert io.find(scan.folder)[0].warnings == volume.warnings


@pytest.mark.parametrize("signed", [False, True])
def test_values_beyond_the_table_get_its_ends(series: New, signed: bool) -> None:
    first = -3 if signed else 100
    stored = np.array([[first - 2, first], [first + 2, first + 50]], "i2" if signed else "u2")
    entries = np.array([7, 40000, 65535], "<u2")
    scan = scan_of(series, stored[None], table(entries, first, signed=signed))
    np.testing.assert_array_equal(io.read(scan.folder).array[0], [[7, 7], [65535, 65535]])


def test_a_count_of_0_means_65536_and_entries_are_unsigned(series: New) -> None:
    stored = np.array([[0, 1], [40000, 65535]], np.uint16)
    scan = scan_of(series, stored[None], table(np.arange(65536)[::-1].astype("<u2"), count=0))
    np.testing.assert_array_equal(io.read(scan.folder).array[0], 65535.0 - stored)


@pytest.mark.parametrize("packed", [False, True])
def test_entries_of_8_bits_may_be_packed(series: New, packed: bool) -> None:
    entries = np.arange(200, 0, -1).astype("u1" if packed else "<u2")
    stored = np.array([[0, 1], [100, 199]], np.uint8)
    scan = scan_of(series, stored[None], table(entries, bits=8))
    np.testing.assert_array_equal(io.read(scan.folder).array[0], [[200, 199], [100, 1]])


@pytest.mark.parametrize("kind", ["US", None])
def test_a_table_of_no_type_may_give_no_hounsfield_units(
    series: New, stored: NDArray, kind: str | None
) -> None:
    scan = scan_of(series, stored.astype(np.uint16), table(kind=kind))
    assert "no Hounsfield units" in io.read(scan.folder).warnings[0]


@pytest.mark.parametrize("kind", ["OD", "Z_EFF", "MGML", "ED"])
def test_ct_of_another_type_is_refused_by_name(series: New, stored: NDArray, kind: str) -> None:
    scan = scan_of(series, stored.astype(np.uint16), table(kind=kind))
    with pytest.raises(InputError, match=f"CT map in {kind}, not in Hounsfield units"):
        io.read(scan.folder)


def test_mr_has_arbitrary_units(series: New, stored: NDArray) -> None:
    scan = scan_of(series, stored.astype(np.uint16), table(kind="US"), modality="MR")
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored * 2.0)
    assert len(volume.warnings) == 1


@pytest.mark.parametrize(
    ("tables", "tags", "words"),
    [
        ([table(), table()], {}, "of 2 tables"),
        ([table(DOUBLED[:100], count=4096)], {}, "of 4096 entries by its descriptor and has 100"),
        ([item(ModalityLUTType="HU")], {}, "damaged"),
        ([table()], {"RescaleSlope": 1, "RescaleIntercept": -1024}, "Intercept of -1024"),
        ([table()], {"Modality": "MR", "PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
    ],
)
def test_a_table_that_cannot_be_applied_is_refused(
    series: New, stored: NDArray, tables: list[Dataset], tags: dict[str, Any], words: str
) -> None:
    scan = scan_of(series, stored.astype(np.uint16), *tables, **tags)
    with pytest.raises(InputError, match=r"Modality LUT Sequence \(0028,3000\)") as caught:
        io.read(scan.folder)
    assert words in str(caught.value)


def test_slices_with_and_without_a_table_are_refused(series: New, stored: NDArray) -> None:
    scan = series("CT")
    for k, values in enumerate(stored.astype(np.uint16)):
        tags = {"ModalityLUTSequence": [table()]} if k else {"RescaleSlope": 1}
        scan.plane(values, (0, 0, 2.0 * k), **tags)
    with pytest.raises(InputError, match=r"IM0001\.dcm lacks the Modality LUT Sequence"):
        io.read(scan.folder)


def test_a_derived_series_has_values_and_no_table(
    series: New, stored: NDArray, tmp_path: Path
) -> None:
    volume = io.read(scan_of(series, stored.astype(np.uint16), table()).folder)
    folder = io.write_series(volume, tmp_path / "out", description="restored")
    np.testing.assert_array_equal(by_pydicom(folder), volume.array)
    again = io.read(folder)
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.warnings == ()
    assert not any("ModalityLUTSequence" in pydicom.dcmread(path) for path in folder.iterdir())
