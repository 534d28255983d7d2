"""MR that shows no magnitude: read to be looked at, named, and not restored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import csa, item
from numpy.typing import NDArray

import medrestore as mr
from medrestore import io
from medrestore.batch.gather import gather
from medrestore.engine.value_check import check_component
from medrestore.errors import InputError
from medrestore.io.dicom.mr_signal import component_of

New = Callable[..., Any]
SHARED = Path(__file__).parents[3] / "shared" / "data" / "dicom" / "enhanced_multiframe"
REFUSED = {"phase", "real", "imaginary", "field map"}


@pytest.mark.parametrize(
    ("words", "component"),
    [
        ("ORIGINAL/PRIMARY/P/ND", "phase"),  # Siemens
        ("ORIGINAL/PRIMARY/M/ND/NORM", "magnitude"),
        ("ORIGINAL/PRIMARY/R/NORM/DIS2D", "real"),
        ("DERIVED/PRIMARY/M/T1 MAP/ND", "parameter map"),
        ("DERIVED/PRIMARY/DIFFUSION/ADC/ND", "parameter map"),
        ("DERIVED/PRIMARY/DIFFUSION/TRACEW/ND", None),
        ("ORIGINAL/PRIMARY/PHASE MAP/P/FFE", "phase"),  # Philips
        ("ORIGINAL/PRIMARY/M_FFE/M/FFE", "magnitude"),
        ("ORIGINAL/PRIMARY/R_IR/R/IR", "real"),
        ("ORIGINAL/PRIMARY/I_SE/I/SE", "imaginary"),
        ("ORIGINAL/PRIMARY/B0 MAP/B0/UNSPECIFIED", "field map"),
        ("ORIGINAL/PRIMARY/VELOCITY MAP/P/PCA", "phase"),
        ("ORIGINAL/PRIMARY/M_PCA/M/PCA", "magnitude"),
        ("ORIGINAL/PRIMARY/T1/M", "magnitude"),  # enhanced
        ("ORIGINAL/PRIMARY/T1/FIELD_MAP", "field map"),
        ("DERIVED/PRIMARY/PERFUSION/RCBF", "parameter map"),
        ("ORIGINAL/PRIMARY/OTHER", None),  # GE
        ("ORIGINAL/PRIMARY/EPI/NONE", None),
        ("DERIVED/SECONDARY/IN_PHASE", None),
        ("DERIVED/PRIMARY/PROJECTION IMAGE/VOLUME", None),
        ("ORIGINAL/PRIMARY", None),
        ("P/R", None),  # the first two words say something else
        ("", None),
    ],
)
def test_words_of_image_types(words: str, component: str | None) -> None:
    assert component_of(words.split("/") if words else None, {}) == component


@pytest.mark.parametrize("component", ["MAGNITUDE", "PHASE", "REAL", "IMAGINARY", "MIXED", ""])
def test_the_standard_attribute(component: str) -> None:
    expected = component.lower() if component not in ("MIXED", "") else None
    stated = item(ComplexImageComponent=component)
    assert component_of(["ORIGINAL", "PRIMARY", "T1", "NONE"], stated) == expected


@pytest.mark.parametrize(
    ("tags", "component"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "RescaleIntercept": -4096}, "phase"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "R_IR", "R", "IR"]}, "real"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "I_SE", "I", "SE"]}, "imaginary"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "B0 MAP", "B0"]}, "field map"),
        ({"ComplexImageComponent": "REAL"}, "real"),
        ({"private": [(0x0043, "GEMS_PARM_01", 0x2F, "SS", 1)]}, "phase"),
        ({"private": [(0x0043, "GEMS_PARM_01", 0x2F, "SS", 3)]}, "imaginary"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "parameter map"),
        ({}, "magnitude"),
    ],
    ids=str,
)
def test_a_scan_says_what_it_shows(
    series: New, stored: NDArray, tags: dict[str, Any], component: str
) -> None:
    scan = series("MR")
    scan.planes(stored, (0, 0, 2.0), **tags)
    volume = io.read(scan.folder)
    assert volume.component == component
    assert volume.slices((1, 2)).component == component
    np.testing.assert_array_equal(volume.array, stored + float(tags.get("RescaleIntercept", 0)))
    (found,) = io.find(scan.folder)
    assert found.warnings == volume.warnings
    assert len(volume.warnings) == (component != "magnitude")
    if component not in REFUSED:
        check_component(volume)
        return
    assert component in volume.warnings[0] and "not magnitudes" in volume.warnings[0]
    with pytest.raises(InputError, match="not magnitudes") as caught:
        check_component(volume)
    assert "\n" not in str(caught.value)


def test_ct_has_no_component(series: New, stored: NDArray) -> None:
    scan = series("CT", RescaleSlope=1, RescaleIntercept=0)
    scan.planes(stored, (0, 0, 2.0), ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "R"])
    assert io.read(scan.folder).component is None


def test_tiles_of_a_mosaic(series: New, stored: NDArray) -> None:
    scan = series(ImageType=["ORIGINAL", "PRIMARY", "P", "MOSAIC"], SliceThickness=2.0)
    private = [(0x0029, "SIEMENS CSA HEADER", 0x10, "OB", csa({"NumberOfImagesInMosaic": ["4"]}))]
    tiles = np.block([[stored[0], stored[1]], [stored[2], stored[3]]])
    assert io.read(scan.plane(tiles, (0, 0, 0), private=private)).component == "phase"


@pytest.mark.parametrize("component", ["PHASE", "REAL"])
def test_frames_of_an_enhanced_file(
    tmp_path: Path, write_enhanced: Any, stored: NDArray, component: str
) -> None:
    planes = [{"position": (1.0, 2.0, 2.5 * k)} for k in range(5)]
    path = write_enhanced(tmp_path / "scan.dcm", planes * 2, np.concatenate([stored, stored + 9]))
    image = pydicom.dcmread(path)
    for k, groups in enumerate(image.PerFrameFunctionalGroupsSequence):
        word = component if k >= 5 else "MAGNITUDE"
        kind = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
        groups.MRImageFrameTypeSequence = [item(FrameType=kind, ComplexImageComponent=word)]
    image.save_as(path)
    magnitude, other = (io.read(found) for found in io.find(path))
    np.testing.assert_array_equal(magnitude.array, stored)
    assert (magnitude.component, other.component) == ("magnitude", component.lower())


@pytest.mark.usefixtures("tiny_models")
@pytest.mark.parametrize("what", [mr.denoise, lambda volume: mr.simulate(volume, noise=0.05)])
def test_phase_is_not_restored(series: New, stored: NDArray, what: Any) -> None:
    scan = series("MR", ImageType=["ORIGINAL", "PRIMARY", "P", "ND"])
    scan.planes(stored, (0, 0, 2.0))
    with pytest.raises(InputError, match="series holds phase images, not magnitudes"):
        what(mr.read(scan.folder))


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")
def test_the_field_map_of_a_philips_file() -> None:
    magnitude, field = (io.read(found) for found in io.find(SHARED / "Philips"))
    assert (magnitude.component, field.component) == ("magnitude", "field map")
    assert field.array.min() < 0
    check_component(magnitude)
    with pytest.raises(InputError, match="a field map, not magnitudes"):
        check_component(field)


def test_phase_is_left_out_of_a_batch(series: New, stored: NDArray) -> None:
    """An archive holds both: what cannot be restored by its nature is no failure."""
    for kind in ("M", "P"):
        scan = series("MR", kind, ImageType=["ORIGINAL", "PRIMARY", kind, "ND"])
        scan.planes(stored, (0, 0, 2.0))
    root = scan.folder.parent
    found = gather(io.find(root), root)
    assert [scan.component for scan in found.scans] == ["magnitude"]
    assert not found.damaged
    (reason,) = found.skipped.values()
    assert reason == "phase images, not magnitudes: left out"
