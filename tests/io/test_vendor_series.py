"""Series stored the way each vendor stores them: read as dcm2niix reads them, or said why not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dcm2niix_oracle import agree, converted
from vendor_files import (
    AXIAL,
    B_VALUE,
    CANON,
    CORONAL,
    CT,
    DOUBLE_OBLIQUE,
    DYNAMIC,
    FLIPPED,
    GE,
    HITACHI,
    MR,
    NUMBERED,
    OBLIQUE,
    PHILIPS,
    PLACE,
    SAGITTAL,
    SHUFFLED,
    SIEMENS,
    STACK,
    STANDARD,
    TIME,
    TOSHIBA,
    TRIGGER,
    UIH,
    New,
    Z,
    at,
    by_slice,
    by_volume,
    classic,
    frame,
    ge,
    multiframe,
    philips,
    real_world,
    siemens,
    uih,
    values,
)

from medrestore import io

Build = Callable[[New], object]

AGREES: dict[str, Build] = {
    "siemens dwi": lambda s: classic(s, SIEMENS, by_volume(4), private=siemens, **NUMBERED),
    "siemens dwi, one acquisition": lambda s: classic(s, SIEMENS, by_volume(4), private=siemens),
    "siemens dwi, repeats": lambda s: classic(
        s, SIEMENS, by_volume(5), private=lambda t, k: siemens((0, 1, 1, 2, 0)[t], k)
    ),
    "siemens xa dwi, classic": lambda s: classic(s, SIEMENS, by_volume(4), **STANDARD),
    "siemens fmri, times of slices": lambda s: classic(
        s, SIEMENS, by_volume(3), AcquisitionTime=lambda t, k: f"1011{13 + 2 * t}.{k}", **NUMBERED
    ),
    "siemens, numbers of acquisition and image disagree": lambda s: classic(
        s, SIEMENS, by_volume(2), AcquisitionNumber=lambda t, k: 2 - t,
        AcquisitionTime=lambda t, k: f"1011{20 - 2 * t}",
    ),
    "siemens, numbers fall in time": lambda s: classic(
        s, SIEMENS, by_volume(2), InstanceNumber=lambda t, k: 50 - 4 * t + k, **NUMBERED
    ),
    "siemens, numbers fall": lambda s: classic(
        s, SIEMENS, by_volume(1), InstanceNumber=lambda t, k: 50 - k
    ),
    "siemens, two echoes": lambda s: classic(
        s, SIEMENS, by_slice(2), EchoTime=lambda t, k: 10.0 + 20 * t,
        EchoNumbers=lambda t, k: t + 1,
    ),
    "siemens, magnitude and phase": lambda s: classic(
        s, SIEMENS, by_volume(2), ImageType=lambda t, k: ["ORIGINAL", "PRIMARY", "MP"[t], "ND"]
    ),
    "siemens, trigger times": lambda s: classic(
        s, SIEMENS, by_volume(3), TriggerTime=lambda t, k: 100.0 * t
    ),
    "siemens, acquisition times": lambda s: classic(
        s, SIEMENS, by_volume(3), AcquisitionTime=lambda t, k: f"1011{13 + 10 * t}"
    ),
    "siemens, one slice in time": lambda s: classic(
        s, SIEMENS, [(t, 0) for t in range(4)], **NUMBERED
    ),
    "siemens, no step stated": lambda s: classic(
        s, SIEMENS, by_volume(2), SpacingBetweenSlices=None, **NUMBERED
    ),
    "siemens, wrong step stated": lambda s: classic(
        s, SIEMENS, by_volume(1), SpacingBetweenSlices=9.0, SliceThickness=5.0
    ),
    "ge dwi": lambda s: classic(s, GE, by_volume(4), private=ge),
    "ge dwi, old": lambda s: classic(s, GE, by_volume(4), private=lambda t, k: ge(t, k, 0)),
    "ge dwi, by slice": lambda s: classic(s, GE, by_slice(4), private=ge),
    "ge dwi, repeats": lambda s: classic(
        s, GE, by_volume(5), private=lambda t, k: ge((0, 0, 1, 1, 2)[t], k)
    ),
    "ge fmri, trigger times of slices": lambda s: classic(
        s, GE, by_volume(3), TriggerTime=lambda t, k: 2000.0 * t + 100 * k
    ),
    "ge fmri, by slice": lambda s: classic(s, GE, by_slice(3), **DYNAMIC),
    "ge cine, by slice": lambda s: classic(
        s, GE, by_slice(3), TriggerTime=lambda t, k: 100.0 * t + k, CardiacNumberOfImages=3
    ),
    "ct, two phases": lambda s: classic(
        s, CT, by_volume(2), AcquisitionTime=lambda t, k: f"10{11 + t}00", **NUMBERED
    ),
    "ct, negative": lambda s: classic(s, {**CT, "RescaleIntercept": 0}, by_volume(1), shift=-900),
    "philips dwi": lambda s: classic(s, PHILIPS, by_slice(4), private=philips),
    "philips dwi, by volume": lambda s: classic(s, PHILIPS, by_volume(4), private=philips),
    "philips dwi, adc map": lambda s: classic(
        s, PHILIPS, by_slice(3), private=philips,
        ImageType=lambda t, k: ["DERIVED", "PRIMARY", "ADC", "ADC"] if t == 2
        else ["ORIGINAL", "PRIMARY", "M_SE", "M"],
    ),
    "philips fmri": lambda s: classic(s, PHILIPS, by_slice(3), **DYNAMIC),
    "philips fmri, by volume": lambda s: classic(s, PHILIPS, by_volume(3), **DYNAMIC),
    "philips, slope of slice": lambda s: classic(
        s, PHILIPS, by_volume(1), RescaleSlope=lambda t, k: 1.5 + k,
        RescaleIntercept=lambda t, k: -2.0 * k,
    ),
    "philips, slope of volume": lambda s: classic(
        s, PHILIPS, by_slice(2), RescaleSlope=lambda t, k: 1.5 + t, **DYNAMIC
    ),
    "philips, negative": lambda s: classic(s, PHILIPS, by_volume(1), RescaleSlope=2, shift=-300),
    "philips, real world values": lambda s: classic(
        s, PHILIPS, by_volume(2), RealWorldValueMappingSequence=real_world(3, 5.0), **DYNAMIC
    ),
    "philips, real world value of slice": lambda s: classic(
        s, PHILIPS, by_volume(1), RescaleSlope=1, RescaleIntercept=0,
        RealWorldValueMappingSequence=lambda t, k: real_world(1.5 + k),
    ),
    "siemens, real world values": lambda s: classic(
        s, SIEMENS, by_volume(1), RealWorldValueMappingSequence=real_world(3, 5.0)
    ),
    "uih dwi": lambda s: classic(s, UIH, by_volume(4), private=uih),
    "uih fmri": lambda s: classic(s, UIH, by_volume(3), **NUMBERED),
    "toshiba dwi": lambda s: classic(s, TOSHIBA, by_volume(4), **STANDARD),
    "hitachi dwi": lambda s: classic(s, HITACHI, by_volume(4), **STANDARD),
}  # fmt: skip
for name, turned in {
    "axial": AXIAL, "flipped": FLIPPED, "coronal": CORONAL, "sagittal": SAGITTAL,
    "oblique": OBLIQUE, "double oblique": DOUBLE_OBLIQUE,
}.items():  # fmt: skip
    for way in (1, -1):
        AGREES[f"{name}, {way:+}"] = lambda s, o=turned, way=way: classic(
            s, SIEMENS, by_volume(2), o, position=lambda t, k: at(way * k, o), **NUMBERED
        )


def xa(start: New) -> None:
    """Siemens XA: one file per volume, all of one series."""
    scan = start()
    for t in range(3):
        multiframe(
            lambda: scan, [(t, k) for k in range(Z)],
            lambda t, k: frame(t, k, [1, k + 1, t + 1], t + 1), (STACK, PLACE, TIME), SIEMENS,
            InstanceNumber=t + 1, AcquisitionNumber=t + 1, SoftwareVersions="syngo MR XA30",
        )  # fmt: skip


for name, maker in {"philips": PHILIPS, "canon": CANON}.items():
    for how, stored in {
        "by volume": by_volume(3), "by slice": by_slice(3), "shuffled": SHUFFLED,
    }.items():  # fmt: skip
        AGREES |= {
            f"enhanced {name}, {how}": lambda s, o=stored, m=maker: multiframe(
                s, o, lambda t, k: frame(t, k, [1, k + 1, t + 1], t + 1), (STACK, PLACE, TIME), m
            ),
            f"enhanced {name}, {how}, time first": lambda s, o=stored, m=maker: multiframe(
                s, o, lambda t, k: frame(t, k, [1, t + 1, k + 1], t + 1), (STACK, TIME, PLACE), m
            ),
            f"enhanced {name}, {how}, b-values fall": lambda s, o=stored, m=maker: multiframe(
                s, o, lambda t, k: frame(0, k, [1, k + 1, 3 - t], 1, weight=t),
                (STACK, PLACE, B_VALUE), m,
            ),
        }  # fmt: skip
AGREES |= {
    "enhanced, b-values, then time": lambda s: multiframe(
        s, by_volume(4), lambda t, k: frame(0, k, [1, k + 1, t // 2 + 1, t % 2 + 1], t % 2 + 1,
        weight=t // 2), (STACK, PLACE, B_VALUE, TIME),
    ),
    "enhanced, time, then b-values": lambda s: multiframe(
        s, by_volume(4), lambda t, k: frame(0, k, [1, k + 1, t % 2 + 1, t // 2 + 1], t % 2 + 1,
        weight=t // 2), (STACK, PLACE, TIME, B_VALUE),
    ),
    "enhanced, reversed": lambda s: multiframe(
        s, by_volume(3), lambda t, k: frame(t, k, [1, k + 1, t + 1], t + 1, position=at(-k)),
        (STACK, PLACE, TIME),
    ),
    "enhanced, double oblique": lambda s: multiframe(
        s, by_slice(3), lambda t, k: frame(t, k, [1, k + 1, t + 1], t + 1,
        orientation=DOUBLE_OBLIQUE), (STACK, PLACE, TIME),
    ),
    "enhanced, echoes": lambda s: multiframe(
        s, by_volume(2), lambda t, k: frame(0, k, [1, k + 1, t + 1], 1, echo=10.0 + 10 * t),
        (STACK, PLACE, (0x00189082, 0x00189114)),
    ),
    "enhanced, slope of slice": lambda s: multiframe(
        s, by_volume(2), lambda t, k: frame(t, k, [1, k + 1, t + 1], t + 1, slope=1.5 + k),
        (STACK, PLACE, TIME),
    ),
    "enhanced, real world values": lambda s: multiframe(
        s, by_volume(1), lambda t, k: frame(t, k, [1, k + 1, t + 1], world=3), (STACK, PLACE, TIME)
    ),
    "enhanced siemens xa": xa,
}  # fmt: skip


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("name", AGREES)
def test_dcm2niix_agrees(name: str, series: Any, tmp_path: Path) -> None:
    AGREES[name](series)
    ours = [io.read(scan) for scan in io.find(tmp_path / "series")]
    (tmp_path / "out").mkdir()
    theirs = converted(tmp_path / "series", tmp_path / "out")
    assert [v.array.shape for v in ours] == [v.array.shape for v in theirs]
    for one, other in zip(ours, theirs, strict=True):
        agree(one.array, one.geometry, other.array, other.geometry)


ROUNDED = np.random.default_rng(0).uniform(-1e-4, 1e-4, (3, Z))
DIFFERS: dict[str, tuple[Build, list[list[int]]]] = {
    # dcm2niix takes slices in the order of numbers and the step from the first two
    "numbers interleaved in space": (
        lambda s: classic(s, SIEMENS, [(t, k) for t in range(2) for k in (1, 3, 0, 2)]),
        [[0, 1]],
    ),
    # dcm2niix turns the second phase upside down
    "ct, phases scanned in opposite directions": (
        lambda s: classic(s, CT, [*by_volume(1), *((1, k) for k in reversed(range(Z)))]),
        [[0, 1]],
    ),
    # dcm2niix stacks eight slices that go back half-way
    "ct, ranges overlap": (
        lambda s: classic(
            s, CT, by_volume(2), position=lambda t, k: at(k + 2 * t), **NUMBERED
        ),
        [[0], [1]],
    ),
    # dcm2niix converts the scout too
    "ct, scout": (
        lambda s: classic(
            s, CT, [(7, 0), *by_volume(1)],
            ImageType=lambda t, k: ["ORIGINAL", "PRIMARY", "LOCALIZER" if t else "AXIAL"],
        ),
        [[0]],
    ),
    # dcm2niix writes two files, with and without the trace
    "philips dwi, trace": (
        lambda s: classic(s, PHILIPS, by_slice(5), private=philips), [[0, 1, 2, 3, 4]],
    ),
    # dcm2niix mixes slices of volumes that only instance numbers tell apart
    "philips dwi, repeats": (
        lambda s: classic(
            s, PHILIPS, by_slice(5), private=lambda t, k: philips((0, 1, 1, 2, 0)[t], k)
        ),
        [[0, 1, 2, 3, 4]],
    ),
    "philips dwi, dynamics": (
        lambda s: classic(
            s, PHILIPS, by_slice(4), private=lambda t, k: philips(t % 2, k),
            TemporalPositionIdentifier=lambda t, k: t // 2 + 1,
        ),
        [[0, 1, 2, 3]],
    ),
    # dcm2niix gives slices 0 mm apart: it looks for numbers by slice with GE and Philips only
    "toshiba dwi, by slice": (
        lambda s: classic(s, TOSHIBA, by_slice(4), **STANDARD), [[0, 1, 2, 3]],
    ),
    "uih dwi, by slice": (lambda s: classic(s, UIH, by_slice(4), private=uih), [[0, 1, 2, 3]]),
    "no numbers": (
        lambda s: classic(
            s, SIEMENS, by_volume(3), InstanceNumber=None,
            AcquisitionTime=lambda t, k: f"1011{19 - 2 * t}",
        ),
        [[2, 1, 0]],
    ),
    # dcm2niix refuses, or takes a volume away: places must be the same to its last digit
    "positions rounded anew": (
        lambda s: classic(
            s, SIEMENS, by_volume(3), position=lambda t, k: at(k + ROUNDED[t, k])
        ),
        [[0, 1, 2]],
    ),
    "directions rounded anew": (
        lambda s: classic(
            s, SIEMENS, by_volume(3), position=lambda t, k: at(k) - [200, 300, 0],
            ImageOrientationPatient=lambda t, k: [1.0, 0.0, 1e-4 * t, 0.0, 1.0, 0.0],
        ),
        [[0, 1, 2]],
    ),
    # dcm2niix writes one file per delay
    "enhanced, trigger delays": (
        lambda s: multiframe(
            s, SHUFFLED, lambda t, k: frame(t, k, [1, k + 1, t + 1], trigger=100 * t),
            (STACK, PLACE, TRIGGER),
        ),
        [[0, 1, 2]],
    ),
    # dcm2niix makes stacks at different places time points of one
    "enhanced, stacks": (
        lambda s: multiframe(
            s, by_volume(2), lambda t, k: frame(
                0, k, [t + 1, k + 1, 1], 1, stack=str(t + 1), position=at(k + 10 * t)
            ),
            (STACK, PLACE, TIME),
        ),
        [[0], [1]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERS)
def test_where_dcm2niix_differs(name: str, series: Any, tmp_path: Path) -> None:
    build, expected = DIFFERS[name]
    build(series)
    volumes = [io.read(scan) for scan in io.find(tmp_path / "series")]
    shift = -1024 if name.startswith("ct") else 0
    assert len(volumes) == len(expected)
    for volume, times in zip(volumes, expected, strict=True):
        assert volume.geometry.spacing_mm == pytest.approx((2.5, 0.7, 0.5), abs=1e-3)
        wanted = np.stack([values(t) for t in times])
        np.testing.assert_array_equal(
            volume.array.reshape(wanted.shape), wanted.astype(np.float32) + shift
        )


def test_a_stated_slope_is_believed_beside_real_world_values(series: Any, tmp_path: Path) -> None:
    """Where both are stated dcm2niix takes the slope of one and the intercept of the other."""
    classic(
        series, PHILIPS, by_volume(1), RescaleSlope=2, RescaleIntercept=0,
        RealWorldValueMappingSequence=real_world(3, 5.0),
    )  # fmt: skip
    np.testing.assert_array_equal(io.read(tmp_path / "series").array, values() * 2.0)


def test_signed_values_of_12_bits(series: Any, tmp_path: Path) -> None:
    """PS3.5 8.1.1: the sign is the highest of the bits stored; dcm2niix reads 3796 for −300."""
    classic(
        series, {**CT, "RescaleIntercept": 0}, by_volume(1), shift=-300, BitsStored=12, HighBit=11
    )
    np.testing.assert_array_equal(io.read(tmp_path / "series").array, values() - 300.0)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_dcm2niix_agrees_on_the_voxels_of_tilted_ct(series: Any, tmp_path: Path) -> None:
    """Not on its grid: it writes one file that forgets the tilt, and one resampled."""
    tilted = ((1, 0, 0), (0, 0.955336, -0.29552))
    classic(
        series, CT, by_volume(1), tilted, position=lambda t, k: at(k),
        GantryDetectorTilt=17.19,
    )  # fmt: skip
    volume = io.read(tmp_path / "series")
    reference = min(converted(tmp_path / "series", tmp_path), key=lambda v: v.array.size)
    np.testing.assert_array_equal(volume.array, reference.array[:, ::-1])
    assert any("tilted by 17.2°" in warning for warning in volume.warnings)


PRIVATE = {"siemens": siemens, "ge": ge, "philips": philips, "uih": uih}


@pytest.mark.parametrize("vendor", PRIVATE)
def test_private_b_values_tell_volumes_apart(vendor: str, series: Any, tmp_path: Path) -> None:
    """Nothing else does: an interrupted last volume, and numbers that run anew for each slice."""
    order = [(t, k) for k in range(Z) for t in ((0, 1, 2), (2, 0, 1))[k % 2]] + [(3, 0), (3, 1)]
    classic(series, MR, order, private=PRIVATE[vendor])
    whole, rest = (io.read(scan).array for scan in io.find(tmp_path / "series"))
    np.testing.assert_array_equal(whole, [values(t) for t in range(3)])
    np.testing.assert_array_equal(rest, values(3)[:2])
