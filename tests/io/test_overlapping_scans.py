"""Scans that share a series, and series that share a scan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from medrestore import io
from medrestore.errors import GapError, InputError

New = Callable[..., Any]
CT = {"RescaleSlope": 1, "RescaleIntercept": 0, "AcquisitionNumber": 1, "KVP": 120}


def arrays(folder: Path) -> list[NDArray]:
    """The volumes of a folder, each from its own files alone."""
    return [io.read(found).array for found in io.find(folder)]


def two(series: New, stored: NDArray, one: dict[str, Any], other: dict[str, Any], **more: Any):
    """Two sets of slices in one series; the second may start elsewhere."""
    scan = series("CT", **CT)
    scan.planes(stored, (0, 0, 2.0), origin=(0, 0, 0), **one)
    scan.planes(stored + 500, (0, 0, 2.0), origin=(0, 0, more.get("start", 0.0)), **other)
    return scan


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}),
        ({"ConvolutionKernel": ["I30f", "3"]}, {"ConvolutionKernel": ["I30f", "5"]}),
        ({"KVP": 80}, {"KVP": 140}),
        ({"SliceThickness": 2.0}, {"SliceThickness": 5.0}),
        ({"SeriesNumber": 4}, {"SeriesNumber": 5}),
        ({"SeriesDescription": "soft"}, {"SeriesDescription": "sharp"}),
        ({}, {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}),
    ],
    ids=lambda tags: next(iter(tags), "original"),
)
@pytest.mark.parametrize("start", [0.0, 0.7, 4.0])
def test_reconstructions_over_each_other_are_two_volumes(
    series: New, stored: NDArray, one: dict[str, Any], other: dict[str, Any], start: float
) -> None:
    scan = two(series, stored, one, other, start=start)
    first, second = arrays(scan.folder)
    np.testing.assert_array_equal(first, stored)
    np.testing.assert_array_equal(second, stored + 500)
    assert all("kept apart" in found.warnings[0] for found in io.find(scan.folder))


def test_the_kernel_of_each_volume_is_named(series: New, stored: NDArray) -> None:
    scan = two(series, stored, {"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"})
    soft, sharp = io.find(scan.folder)
    assert soft.warnings[0].endswith("this one of Convolution Kernel (0018,1210) B30f")
    assert sharp.warnings[0].endswith("this one of Convolution Kernel (0018,1210) B70f")


def test_kernels_side_by_side_are_two_volumes(series: New, stored: NDArray) -> None:
    scan = two(
        series, stored, {"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}, start=10.0
    )
    assert len(arrays(scan.folder)) == 2


def test_a_kernel_that_some_slices_do_not_state_divides_nothing(
    series: New, stored: NDArray
) -> None:
    scan = series("CT", **CT)
    for k, values in enumerate(stored):
        scan.plane(values, (0, 0, 2.0 * k), **({"ConvolutionKernel": "B30f"} if k else {}))
    np.testing.assert_array_equal(io.read(scan.folder).array, stored)


def test_kernels_with_time_points_each(series: New, stored: NDArray) -> None:
    scan = series("CT", **CT)
    for kernel in ("B30f", "B70f"):
        for t in range(2):
            scan.planes(
                stored + 100 * t, (0, 0, 2.0), AcquisitionNumber=t + 1, ConvolutionKernel=kernel
            )
    for array in arrays(scan.folder):
        np.testing.assert_array_equal(array, [stored, stored + 100])


def test_passes_that_overlap_are_two_volumes(series: New, stored: NDArray) -> None:
    scan = two(series, stored, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}, start=7.3)
    first, second = arrays(scan.folder)
    np.testing.assert_array_equal(first, stored)
    np.testing.assert_array_equal(second, stored + 500)
    with pytest.raises(InputError, match="holds 2 volumes"):
        io.read(scan.folder)


@pytest.mark.parametrize("direction", [1, -1])
def test_passes_that_only_instance_numbers_tell_apart(
    series: New, stored: NDArray, direction: int
) -> None:
    scan = series("CT", **CT)
    order = range(5)[::direction]
    for start, more in ((0.0, 0), (7.3 * direction, 500)):
        for k in order:
            scan.plane(stored[k] + more, (0, 0, start + 2.0 * k))
    volumes = sorted(arrays(scan.folder), key=np.min)
    np.testing.assert_array_equal(volumes, [stored, stored + 500])


def test_passes_at_the_same_places_are_time_points(series: New, stored: NDArray) -> None:
    scan = two(series, stored, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2})
    np.testing.assert_array_equal(io.read(scan.folder).array, [stored, stored + 500])


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 2, 4, 1, 3)], ids=["steps", "interleaved"])
def test_acquisitions_side_by_side_are_one_volume(
    series: New, stored: NDArray, order: tuple[int, ...]
) -> None:
    scan = series("CT", **CT)
    for n, k in enumerate(order):
        scan.plane(stored[k], (0, 0, 2.0 * k), AcquisitionNumber=n // 2 + 1)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored)
    assert volume.warnings == ()


def test_a_slice_missing_between_acquisitions_is_a_gap(series: New, stored: NDArray) -> None:
    scan = series("CT", **CT)
    for k in (0, 1, 3, 4):
        scan.plane(stored[k], (0, 0, 2.0 * k), AcquisitionNumber=1 + (k > 2))
    with pytest.raises(GapError, match=r"slices 2 and 3 are 4\.00 mm apart"):
        io.read(scan.folder)


@pytest.mark.parametrize("tag", ["AcquisitionNumber", "SliceLocation"])
def test_a_slice_missing_among_interleaved_ones_is_a_gap(
    series: New, stored: NDArray, tag: str
) -> None:
    """Even and odd slices are regular each, and still one scan."""
    scan = series("MR")
    for k in (0, 2, 4, 6, 1, 3, 5, 9):
        scan.plane(stored[k % 5], (0, 0, 2.0 * k), **{tag: 1 + k % 2})
    with pytest.raises(GapError, match=r"slices 7 and 8 are 6\.00 mm apart"):
        io.read(scan.folder)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_slices_of_a_series_each_are_one_scan(series: New, stored: NDArray, modality: str) -> None:
    scan = series(modality, **(CT if modality == "CT" else {}))
    for k, values in enumerate(stored):
        scan.plane(values, (0, 0, 2.0 * k), SeriesInstanceUID=generate_uid())
    (found,) = io.find(scan.folder)
    for volume in (io.read(scan.folder), io.read(found)):
        np.testing.assert_array_equal(volume.array, stored)
        (warning,) = volume.warnings
        assert "5 series of one image each were joined" in warning


def test_time_points_of_slices_of_a_series_each(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for t in range(2):
        for k, values in enumerate(stored):
            uid = generate_uid()
            scan.plane(values + 100 * t, (0, 0, 2.0 * k), SeriesInstanceUID=uid)
    np.testing.assert_array_equal(io.read(scan.folder).array, [stored, stored + 100])


def test_a_slice_missing_among_series_of_one_is_a_gap(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for k in (0, 1, 3, 4):
        scan.plane(stored[k], (0, 0, 2.0 * k), SeriesInstanceUID=generate_uid())
    with pytest.raises(GapError, match=r"slices 2 and 3 are 4\.00 mm apart"):
        io.read(scan.folder)


@pytest.mark.parametrize(
    "tags",
    [
        lambda k: {"SeriesNumber": k},
        lambda k: {"SeriesDescription": f"cine {k}"},
        lambda k: {"StudyInstanceUID": generate_uid()},
        lambda k: {"FrameOfReferenceUID": generate_uid()},
        lambda k: {"EchoTime": 10.0 * k},
        lambda k: {"position": (0, 0, 2.0 * k + 0.7 * (k % 2))},
        lambda k: {"position": (5.0 * (k == 2), 0, 2.0 * k)},
    ],
    ids=["number", "description", "study", "frame of reference", "echo", "no grid", "shifted"],
)
def test_series_of_one_slice_stay_apart_where_anything_differs(
    series: New, stored: NDArray, tags: Any
) -> None:
    scan = series("MR", SliceThickness=2.0)
    for k, values in enumerate(stored):
        own = {"position": (0, 0, 2.0 * k), **tags(k)}
        scan.plane(values, own.pop("position"), SeriesInstanceUID=generate_uid(), **own)
    found = io.find(scan.folder)
    assert len(found) == 5
    assert [one.warnings for one in found] == [()] * 5


def test_a_derived_series_of_a_joined_scan(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series("CT", **CT)
    for k, values in enumerate(stored):
        scan.plane(values, (0, 0, 2.0 * k), SeriesInstanceUID=generate_uid())
    volume = io.read(scan.folder)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.warnings == ()


def test_a_series_is_spoilt_by_any_of_its_slices_also_where_each_has_a_uid(
    series: New, stored: NDArray
) -> None:
    scan = series("CT", **CT)
    for k, values in enumerate(stored):
        tags = {"RescaleSlope": 0} if k == 4 else {}
        scan.plane(values, (0, 0, 2.0 * k), SeriesInstanceUID=generate_uid(), **tags)
    with pytest.raises(InputError, match=r"IM0005\.dcm: Rescale Slope"):
        io.read(scan.folder)
