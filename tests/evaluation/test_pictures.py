"""Pictures of slices: what they show, how they are turned, which cases, how much they weigh."""

import io
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from made_cases import SHAPE, ct_reference, gaussian_errors, mr_reference, result, volume
from PIL import Image

import medrestore as mr
from medrestore.evaluation.report.files import selected_cases
from medrestore.report.page import render

REFERENCE = mr_reference()
NOISY = REFERENCE + 50 * gaussian_errors(1)


def judged(offset: float = 20.0, name: str = "a", **more: mr.Volume) -> mr.Report:
    image = (REFERENCE + offset).astype(np.float32)
    ours = result(image, np.full(SHAPE, 20, np.float32), 1.6)
    return mr.evaluate(volume(REFERENCE), volume(NOISY), {"ours": ours, **more}, name)


def gallery(reports: list[mr.Report]) -> str:
    return render("evaluation/report/slices.html", cases=selected_cases(reports))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float)


def test_every_image_is_there_and_in_its_row() -> None:
    picture = judged(other=volume(REFERENCE + 1)).picture
    assert picture is not None and picture.stds is not None
    assert list(picture.images.pictures) == ["reference", "noisy", "ours", "other"]
    assert list(picture.differences.pictures) == ["noisy", "ours", "other"]
    assert list(picture.stds.pictures) == ["ours"]
    assert picture.differences.low == -picture.differences.high
    assert (picture.images.low, picture.window) == (0, "foreground")


def test_intensities_are_those_of_the_window() -> None:
    picture = judged().picture
    assert picture is not None
    seen = pixels(picture.images.pictures["reference"])
    plane = REFERENCE[picture.slice] / picture.images.high * 255
    assert seen.mean() == pytest.approx(plane.clip(0, 255).mean(), abs=3)
    assert seen.shape[:2] == (320, 256)  # 40 × 50 voxels of 1 mm, turned


def test_too_bright_is_red_and_too_dark_blue() -> None:
    for offset, strong, weak in ((100.0, 0, 2), (-100.0, 2, 0)):
        picture = judged(offset).picture
        assert picture is not None
        red_green_blue = pixels(picture.differences.pictures["ours"]).mean(axis=(0, 1))
        assert red_green_blue[strong] > red_green_blue[weak] + 40


def test_left_in_the_patient_is_right_in_the_picture() -> None:
    """Array x runs to the patient's right here, so that the picture is mirrored."""
    step = np.where(np.arange(SHAPE[2]) < 25, 200.0, 900.0) * np.ones(SHAPE)
    for sign in (1, -1):
        scan = volume(step)
        affine = np.array([[0, 0, sign, 0], [0, -1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1.0]])
        scan = replace(scan, geometry=replace(scan.geometry, affine=affine))
        noisy, image = (scan.with_array(step + e) for e in (9 * gaussian_errors(3), 1))
        picture = mr.evaluate(scan, noisy, image).picture
        assert picture is not None
        seen = pixels(picture.images.pictures["reference"]).mean(axis=(0, 2))
        bright_right = seen[-50:].mean() > seen[:50].mean()
        assert bright_right == (sign == -1)


def test_ct_is_shown_in_a_clinical_window() -> None:
    truth = ct_reference()
    lung = np.where(truth < 100, -750.0, truth)
    for array, name, low in ((truth, "abdomen", -150), (lung, "lung", -1350)):
        scans = [volume(a, "CT") for a in (array, array + 30 * gaussian_errors(1), array + 1)]
        picture = mr.evaluate(*scans).picture
        assert picture is not None
        assert (picture.window, picture.images.low) == (name, low)


def test_best_median_and_worst_are_chosen_by_the_first_method() -> None:
    reports = [judged(offset, str(offset)) for offset in (9.0, 4.0, 30.0, 7.0, 12.0)]
    found = {which: report.case for which, report in selected_cases(reports).items()}
    assert found == {"best": "4.0", "median": "9.0", "worst": "30.0"}
    assert list(selected_cases(reports[:2])) == ["best", "worst"]
    assert len(selected_cases(reports[:1])) == 1
    assert selected_cases([replace(report, picture=None) for report in reports]) == {}


def test_the_page_has_each_picture_with_its_label() -> None:
    page = gallery([judged(name="<a>", other=volume(REFERENCE + 1))])
    sources = re.findall(r'<img src="data:image/webp;base64,([^"]+)" alt="([^"]+)">', page)
    labels = [label for _, label in sources]
    assert labels == [
        *("reference", "noisy", "ours", "other"),
        *("std, ours", "difference, noisy", "difference, ours", "difference, other"),
    ]
    assert all(pixels(b64decode(data)).size for data, _ in sources)
    assert "&lt;a&gt;" in page and "<a>" not in page
    assert "20 mm" in page and "a.u." in page


def test_two_standard_deviations_have_a_row_of_their_own() -> None:
    image = (REFERENCE + 5).astype(np.float32)
    page = gallery([judged(also=result(image, np.full(SHAPE, 9, np.float32), 1.6))])
    assert page.index("difference, also") < page.index("std, ours") < page.index("std, also")


def test_twenty_cases_of_three_methods_weigh_little() -> None:
    """Noise does not compress: at worst the pictures of three cases have this size."""
    rng = np.random.default_rng(0)
    big = rng.normal(500, 120, (1, 512, 512))
    scans = {name: volume(big + rng.normal(0, 50, big.shape)) for name in ("a", "b", "c")}
    one = mr.evaluate(volume(big), volume(big + rng.normal(0, 90, big.shape)), scans, "one")
    assert 3 * len(gallery([one])) < 3.5e6
