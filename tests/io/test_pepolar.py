"""GE's epi_pepolar: images of the reversed polarity lie upside down; dcm2niix turns them too."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dcm2niix_oracle import agree, converted
from vendor_files import GE, by_slice, by_volume, classic, values

from medrestore import io
from medrestore.errors import InputError

TIMES = 4
TURNED = {0: (), 1: (0, 1, 2, 3), 2: (0, 2), 3: (1, 3)}
"""Scheme → volumes whose rows are stored from last to first."""


def write(series: Any, scheme: Any, order: Any = by_volume, numbered: bool = True) -> None:
    def private(t: int, k: int) -> list[Any]:
        name = (0x0019, "GEMS_ACQU_01", 0x9C, "LO", "research/ABCD/epi_pepolar")
        stated = [] if scheme is None else [(0x0019, "GEMS_ACQU_01", 0xB3, "DS", str(scheme))]
        return [name, *stated]

    tags = {"TemporalPositionIdentifier": lambda t, k: t + 1} if numbered else {}
    classic(series, GE, order(TIMES), private=private, **tags)


@pytest.mark.parametrize("order", [by_volume, by_slice])
@pytest.mark.parametrize("scheme", TURNED)
def test_rows_are_turned_and_polarities_apart(
    series: Any, tmp_path: Path, scheme: int, order: Any
) -> None:
    write(series, scheme, order)
    turned = [t for t in range(TIMES) if t in TURNED[scheme]]
    straight = [t for t in range(TIMES) if t not in TURNED[scheme]]
    expected = {
        "turned": np.array([values(t)[:, ::-1] for t in turned]),
        "straight": np.array([values(t) for t in straight]),
    }
    found = io.find(tmp_path / "series")
    assert len(found) == bool(turned) + bool(straight)
    for scan in found:
        volume = io.read(scan)
        kind = "turned" if volume.warnings else "straight"
        np.testing.assert_array_equal(volume.array, expected[kind])
        assert scan.warnings == volume.warnings
        if kind == "turned":
            assert "epi_pepolar" in volume.warnings[0] and "turned" in volume.warnings[0]


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("scheme", TURNED)
def test_dcm2niix_agrees(series: Any, tmp_path: Path, scheme: int) -> None:
    write(series, scheme)
    (tmp_path / "out").mkdir()
    theirs = converted(tmp_path / "series", tmp_path / "out")
    ours = [io.read(scan) for scan in io.find(tmp_path / "series")]
    assert len(ours) == len(theirs)
    for volume in ours:  # dcm2niix numbers the reversed ones as another series
        other = next(v for v in theirs if set(v.array[0].flat) == set(volume.array[0].flat))
        agree(volume.array, volume.geometry, other.array, other.geometry)


def test_private_elements_may_have_lost_their_types(series: Any, tmp_path: Path) -> None:
    def private(t: int, k: int) -> list[Any]:
        return [
            (0x0019, "GEMS_ACQU_01", 0x9C, "UN", b"epi_pepolar "),
            (0x0019, "GEMS_ACQU_01", 0xB3, "UN", b"1.0 "),
        ]

    classic(series, GE, by_volume(1), private=private)
    np.testing.assert_array_equal(io.read(tmp_path / "series").array, values()[:, ::-1])


@pytest.mark.parametrize(("scheme", "numbered"), [(2, False), (3, False), (None, True), (7, True)])
def test_an_unknown_polarity_is_refused(
    series: Any, tmp_path: Path, scheme: Any, numbered: bool
) -> None:
    write(series, scheme, numbered=numbered)
    with pytest.raises(InputError, match=r"epi_pepolar .* \(0019,10b3\)"):
        io.read(tmp_path / "series")


def test_a_derived_series_lies_the_right_way_round(series: Any, tmp_path: Path) -> None:
    write(series, 1)
    volume = io.read(tmp_path / "series")
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.geometry.same_grid(volume.geometry)
    assert again.warnings == ()
