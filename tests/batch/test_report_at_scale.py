"""A page for a thousand scans: small, whole, and each of them on it."""

from pathlib import Path

import numpy as np
import pytest
from test_report import read

from medrestore.batch.entry import failed_entry, make_entry
from medrestore.batch.page import Entry, draw_article, write_page
from medrestore.volume import Geometry, Source, Volume

SHAPE, SCANS = (3, 256, 256), 1000
MEANS = {"noisy": 40, "restored": 40, "std": 90, "lower": 0, "upper": 80}
AFFINE = np.diag([0.8, 0.8, 3.0, 1.0])[:, [2, 1, 0, 3]]


def fabricated(number: int) -> Entry:
    """A scan of pure noise, whose pictures compress worst, with much to say about it."""
    rng = np.random.default_rng(number)
    source = Source("nifti", f"site{number % 7}_patient_{number:04d}_axial_t2")
    row = {
        name: Volume(rng.normal(mean, 60, SHAPE), Geometry(SHAPE, AFFINE), "CT", "HU", source)
        for name, mean in (
            ("noisy", 40),
            ("restored", 40),
            ("std", 90),
            ("lower", 0),
            ("upper", 80),
        )
    }
    words = {f"setting {i}": "as it was asked for" for i in range(10)}
    return make_entry(
        row,
        settings={**words, "level": 0.9},
        timings={"in all": 12.3},
        metrics={"checks": "nothing was removed that noise does not explain"},
        warnings=["the noise is above what the model was trained for; expect residual noise"],
    )


def test_a_page_of_a_thousand_scans_stays_small(tmp_path: Path) -> None:
    few = [draw_article(fabricated(number), SCANS) for number in range(10)]
    articles = [few[number % 10] for number in range(SCANS - 10)]
    articles += [draw_article(failed_entry(f"bad{i}", "its header is damaged")) for i in range(10)]
    page = tmp_path / "report.html"
    write_page(page, articles)
    assert 5e6 < page.stat().st_size < 15e6
    said = read(page)
    assert "990 scans restored" in said.text and "10 could not be restored" in said.text
    assert "their pictures are small" in said.text
    assert len([a for a in said.addresses if a.startswith("#scan-")]) == SCANS
    assert len([a for a in said.addresses if a.startswith("data:image/png")]) == 3 * 990


@pytest.mark.parametrize("scans", [1, 12, 60, 300, 3000])
def test_pictures_share_what_room_there_is(scans: int) -> None:
    body = draw_article(fabricated(0), scans).body
    assert len(body) * scans < 15e6 or scans == 3000  # pictures do not get smaller than 32 pixels
    assert len(body) * scans < 30e6
    assert body.count("<img") == (5 if scans <= 300 else 3)
