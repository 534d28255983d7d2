"""The contact sheet and the page: right way up, whole, self-contained, and never half written."""

import io
import itertools
import os
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrestore.batch.contact_sheet import contact_sheet
from medrestore.batch.entry import failed_entry, make_entry
from medrestore.batch.page import write_page
from medrestore.batch.panels import panels, png
from medrestore.errors import InputError, OutputError
from medrestore.volume import Geometry, Source, Volume

SHAPE = (4, 6, 8)
AXIAL = np.array([[0, 0, -0.5, 0], [0, -0.5, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1.0]])  # S, P, L


def scan(array: np.ndarray, affine: np.ndarray = AXIAL, **changes: object) -> Volume:
    geometry = Geometry(array.shape[-3:], affine)
    source = Source("nifti", str(changes.pop("name", "scan")))
    return Volume(array, geometry, **{"modality": "CT", "unit": "HU", "source": source} | changes)


@pytest.fixture
def row() -> dict[str, Volume]:
    rng = np.random.default_rng(0)
    clean = np.full(SHAPE, 40.0)
    noisy = clean + 30 * rng.standard_normal(SHAPE)
    return {
        "noisy": scan(noisy),
        "restored": scan(clean),
        "std": scan(np.full(SHAPE, 7.5)),
        "lower": scan(clean - 12),
        "upper": scan(clean + 12),
    }


def orientations() -> list[np.ndarray]:
    """All 48 ways in which array axes can lie along patient axes."""
    made = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = np.eye(3)[:, list(order)] * signs
            made.append(affine)
    return made


@pytest.mark.parametrize("affine", orientations(), ids=lambda a: Geometry(SHAPE, a).axis_codes)
def test_a_picture_lies_as_its_letters_say(affine: np.ndarray) -> None:
    geometry = Geometry(SHAPE, affine)
    where = geometry.world(np.stack(np.indices(SHAPE), axis=-1))  # millimetres R, A, S per voxel
    directions = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    left, right, top, bottom = panels({"restored": scan(where[..., 0], affine)})[0].letters
    assert left in "RA"
    assert top in "AS"

    def towards(letter: str) -> np.ndarray:
        axis, sign = directions[letter]
        return panels({"restored": scan(sign * where[..., axis], affine)})[0].pixels

    assert (np.diff(towards(left), axis=1) == -1).all()
    assert (np.diff(towards(right), axis=1) == 1).all()
    assert (np.diff(towards(top), axis=0) == -1).all()
    assert (np.diff(towards(bottom), axis=0) == 1).all()


def test_a_picture_shows_the_middle_slice_in_its_true_shape(row: dict[str, Volume]) -> None:
    array = np.zeros(SHAPE)
    array[2] = np.arange(48).reshape(6, 8)
    panel = panels({"restored": scan(array)})[0]
    assert np.array_equal(panel.pixels, array[2])  # already anterior up, right on the left
    assert panel.size_mm == (3.0, 4.0)
    assert panel.letters == "RLAP"


def test_images_share_a_window_and_the_spread_starts_at_zero(row: dict[str, Volume]) -> None:
    windows = [panel.window for panel in panels(row)]
    assert windows == [(-150, 250), (-150, 250), (0, 7.5), (-150, 250), (-150, 250)]
    grey = panels(row)[1].levels()
    assert (grey == round(255 * 190 / 400)).all()


def test_mr_is_shown_from_zero_to_its_own_brightest() -> None:
    array = np.linspace(100, 1000, 192).reshape(SHAPE)
    image = scan(array, modality="MR", unit="a.u.")
    low, high = panels({"noisy": image, "restored": image})[0].window
    assert low == 0
    assert high == pytest.approx(np.percentile(array[2], 99.8))


@pytest.mark.parametrize("fill", [np.nan, 0.0, 5.0])
def test_empty_and_flat_scans_can_be_drawn(tmp_path: Path, fill: float) -> None:
    flat = scan(np.full(SHAPE, fill), modality="MR")
    one = {"noisy": flat, "restored": flat, "std": flat}
    contact_sheet(tmp_path / "sheet.png", [one])
    write_page(tmp_path / "page.html", [make_entry(one)])
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "</html>" in (tmp_path / "page.html").read_text()


def test_voxels_without_a_value_are_dark() -> None:
    array = np.full(SHAPE, 100.0)
    array[2, 0, 0] = np.nan
    levels = panels({"restored": scan(array)})[0].levels()
    assert levels[0, 0] == 0
    assert levels[0, 1] > 0


def test_png_of_the_spread_keeps_its_colours(row: dict[str, Volume]) -> None:
    with Image.open(io.BytesIO(png(panels(row)[2]))) as image:
        assert image.size == (8, 6)
        colour = np.array(image.convert("RGB").getpixel((0, 0)))
    assert np.abs(colour - (252, 255, 164)).max() <= 1  # the brightest of inferno


def test_large_slices_are_made_smaller() -> None:
    big = scan(np.zeros((1, 600, 900)))
    with Image.open(io.BytesIO(png(panels({"noisy": big})[0], longest=300))) as image:
        assert image.size == (300, 200)


def test_the_sheet_has_a_row_per_scan(tmp_path: Path, row: dict[str, Volume]) -> None:
    contact_sheet(tmp_path / "new" / "one.png", [row], level=0.9)
    contact_sheet(tmp_path / "two.png", [row, row], level=0.9)
    with Image.open(tmp_path / "new" / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert one.width == two.width
        assert 1.5 < two.height / one.height < 2


def test_a_sheet_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        contact_sheet(tmp_path / "sheet.png", [])


class Reader(HTMLParser):
    """Checks that tags are closed in order, and collects text and addresses."""

    VOID = frozenset({"meta", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.said: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in {"src", "href"} and v is not None]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.said.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    reader.text = re.sub(r"\s+", " ", "".join(reader.said))
    return reader


def test_the_page_says_what_was_done(tmp_path: Path, row: dict[str, Volume]) -> None:
    settings = {"model": "ct_slice", "samples": 8, "level": 0.9, "mode": None, "keep_samples": True}
    one = make_entry(
        row, settings=settings, timings={"restore": 12.34}, metrics={"PSNR": "30 dB"},
        warnings=["the noise was estimated"],
    )  # fmt: skip
    write_page(tmp_path / "report.html", [one], title="Demo")
    text = read(tmp_path / "report.html").text
    for words in (
        "For research use only, not for diagnosis.", "4 × 6 × 8 (z, y, x)", "2 × 0.5 × 0.5 mm",
        "to superior; rows to posterior; columns to left", "ct_slice", "12.3 s", "30 dB",
        "the noise was estimated", "typical std in the body7.5 HU", "lower bound, 90 % interval",
        "What the interval means, and what it does not", "keep samplesyes", "1 scan restored",
    ):  # fmt: skip
        assert words in text
    assert "mode" not in one.facts["Settings"]


def test_the_page_needs_nothing_from_outside(tmp_path: Path, row: dict[str, Volume]) -> None:
    write_page(tmp_path / "report.html", [make_entry(row), make_entry(row)])
    addresses = read(tmp_path / "report.html").addresses
    assert all(a.startswith(("data:", "#")) for a in addresses)
    pictures = [a for a in addresses if a.startswith("data:image/png;base64,")]
    assert len(pictures) == 10
    with Image.open(io.BytesIO(b64decode(pictures[0].partition(",")[2]))) as image:
        assert image.size == (8, 6)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(|<script", page)


def test_names_and_messages_cannot_become_markup(tmp_path: Path, row: dict[str, Volume]) -> None:
    evil = "<script>alert(1)</script>&"
    row = {key: scan(v.array, name=evil, warnings=(evil,)) for key, v in row.items()}
    entries = [make_entry(row, settings={evil: evil}), failed_entry(evil, evil)]
    write_page(tmp_path / "report.html", entries, title=evil)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert read(tmp_path / "report.html").text.count(evil) >= 6


def test_a_failed_scan_stands_beside_its_error(tmp_path: Path, row: dict[str, Volume]) -> None:
    entries = [make_entry(row), failed_entry("b.nii.gz", InputError("it holds text"))]
    write_page(tmp_path / "report.html", entries)
    text = read(tmp_path / "report.html").text
    assert "1 scan restored" in text
    assert "1 could not be restored" in text
    assert "b.nii.gz Not restored: it holds text" in text


def test_a_4d_scan_shows_its_first_time_point(tmp_path: Path) -> None:
    array = np.stack([np.full(SHAPE, 50.0), np.full(SHAPE, 99.0)])
    one = make_entry({"noisy": scan(array), "restored": scan(array), "std": scan(array)})
    assert "2 time points, the first one shown" in one.summary
    assert (one.panels[0].pixels == 50).all()


def test_unknown_orientation_is_said_not_guessed() -> None:
    array = np.zeros(SHAPE, np.float32)
    one = make_entry({"restored": Volume(array, Geometry(SHAPE, np.eye(4), known=False))})
    assert one.panels[0].letters == ""
    assert one.facts["Geometry"]["slices run"] == "unknown: the file does not say"


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, row: dict[str, Volume], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "report.html"
    page.write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"report\.html.*No space left.*another folder"):
        write_page(page, [make_entry(row)])
    assert page.read_text() == "older"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path, row: dict[str, Volume]) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match=r"cannot write sheet\.png"):
        contact_sheet(tmp_path / "taken" / "sheet.png", [row])
