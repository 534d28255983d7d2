"""b-values and directions of headers, as vendors write them and as archives leave them."""

import struct
from typing import Any

import pytest
from dicom_files import csa
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from medrestore.io.dicom.dataset import quiet
from medrestore.io.dicom.diffusion import Diffusion, diffusion_of

X = (1.0, 0.0, 0.0)
SIEMENS, GE, UIH = "SIEMENS MR HEADER", "GEMS_PARM_01", "Image Private Header"
PHILIPS, PART = "Philips Imaging DD 001", "Philips MR Imaging DD 001"
USER = [(0x0019, "GEMS_ACQU_01", 0xBB + i, "DS", X[i]) for i in range(3)]
PARTS = [(0x2005, PART, 0xB0 + i, "FL", X[i]) for i in range(3)]
TAGS = {"B_value": ["700"], "DiffusionGradientDirection": ["1.0", "0.0", "0.0"]}


def header(*private: Any, **standard: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in standard.items():
        setattr(dataset, keyword, value)
    for group, creator, element, vr, value in private:
        dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    return dataset


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (header(), Diffusion()),
        (header(DiffusionBValue=700.0), Diffusion(700)),
        (
            header(DiffusionBValue=700.0, DiffusionGradientOrientation=list(X)),
            Diffusion(700, X),
        ),
        (
            header(
                (0x0019, SIEMENS, 0x0C, "IS", 700), (0x0019, SIEMENS, 0x0E, "FD", list(X))
            ),
            Diffusion(700, X),
        ),
        (header((0x0029, "SIEMENS CSA HEADER", 0x10, "OB", csa(TAGS))), Diffusion(700, X)),
        (header((0x0043, GE, 0x39, "IS", [700, 8, 0, 0]), *USER), Diffusion(700, X)),
        (header((0x0043, GE, 0x39, "IS", [10**9 + 700, 8, 0, 0]), *USER), Diffusion(700, X)),
        (header((0x0043, GE, 0x39, "IS", [0, 268435456, 0, 0]), *USER), Diffusion()),
        (header((0x2001, PHILIPS, 0x03, "FL", 700.0), *PARTS), Diffusion(700, X)),
        (
            header(
                (0x2001, PHILIPS, 0x03, "FL", 700.0),
                (0x2001, PHILIPS, 0x04, "CS", "P"),
                (0x2005, "Philips MR Imaging DD 005", 0x13, "IS", 2),
            ),
            Diffusion(700, None, "P 2"),
        ),
        (
            header((0x0065, UIH, 0x09, "FD", 700.0), (0x0065, UIH, 0x37, "FD", list(X))),
            Diffusion(700, X),
        ),
        # standard elements win
        (header((0x0065, UIH, 0x09, "FD", 700.0), DiffusionBValue=690.0), Diffusion(690)),
        # a creator that is not the first of its group
        (
            header((0x0019, "OTHER", 0x0C, "IS", 5), (0x0019, SIEMENS, 0x0C, "IS", 700)),
            Diffusion(700),
        ),
        # types lost: bytes of FD, FL, IS
        (
            header(
                (0x0065, UIH, 0x09, "UN", struct.pack("<d", 700)),
                (0x0065, UIH, 0x37, "UN", struct.pack("<3d", *X)),
            ),
            Diffusion(700, X),
        ),
        (
            header(
                (0x2001, PHILIPS, 0x03, "UN", struct.pack("<f", 700)),
                *((g, c, e, "UN", struct.pack("<f", v)) for g, c, e, _, v in PARTS),
            ),
            Diffusion(700, X),
        ),
        (header((0x0019, SIEMENS, 0x0C, "UN", b"700 ")), Diffusion(700)),
        (header((0x0043, GE, 0x39, "UN", b"1000000700\\8\\0\\0 "), *USER), Diffusion(700, X)),
        # nonsense
        (header((0x0019, SIEMENS, 0x0C, "UN", b"\xff\xfe")), Diffusion()),
        (header((0x0065, UIH, 0x09, "UN", struct.pack("<d", float("nan")))), Diffusion()),
        (header((0x0065, UIH, 0x09, "UN", b"\1\2\3")), Diffusion()),
        (header((0x0043, GE, 0x39, "IS", [-5, 0]), *USER), Diffusion()),
        (header((0x0043, GE, 0x39, "IS", None)), Diffusion()),
        (header((0x0029, "SIEMENS CSA HEADER", 0x10, "OB", b"SV10 and no more")), Diffusion()),
        (header(DiffusionBValue=float("inf")), Diffusion()),
    ],
)  # fmt: skip
def test_diffusion(made: Dataset, expected: Diffusion) -> None:
    with quiet():
        assert diffusion_of(made) == expected


def test_garbled_private_elements_do_no_harm() -> None:
    made = header((0x0019, SIEMENS, 0x0E, "FD", list(X)))
    tag = Tag(0x0019, 0x100C)
    made._dict[tag] = RawDataElement(tag, "IS", 4, b"7x\xff0", 0, False, True)
    with quiet():
        assert diffusion_of(made) == Diffusion()
