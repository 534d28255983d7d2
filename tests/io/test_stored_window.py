"""The display window that a DICOM series states."""

import numpy as np
import pydicom
import pytest
from dicom_files import enhanced, item

from medrestore import io
from medrestore.io.dicom.window import stored_window
from medrestore.volume import Source


def window_of(folder):
    return stored_window(io.read(folder).source)


def test_the_first_of_several_windows_of_the_middle_slice(series, stored):
    new = series("CT", RescaleSlope=1, RescaleIntercept=-1024)
    for k, values in enumerate(stored):
        window = {"WindowCenter": [40 + k, 300], "WindowWidth": [400, 1500]}
        new.plane(values, (0, 0, 5.0 * k), **window)
    assert window_of(new.folder) == (42, 400)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"WindowCenter": 40},
        {"WindowCenter": 40, "WindowWidth": 0},
        {"WindowCenter": 40, "WindowWidth": 400, "PhotometricInterpretation": "MONOCHROME1"},
    ],
    ids=["none", "no width", "zero width", "inverted"],
)
def test_no_window_is_none(series, stored, tags):
    new = series("MR")
    new.planes(stored, (0, 0, 5), **tags)
    assert window_of(new.folder) is None


@pytest.mark.parametrize("own, window", [(True, (30, 60)), (False, (500, 900))])
def test_frames_of_an_enhanced_file_may_have_windows_of_their_own(tmp_path, stored, own, window):
    planes = [{"position": (0.0, 0.0, 5.0 * k)} for k in range(len(stored))]
    path = enhanced(tmp_path / "many.dcm", planes, stored, WindowCenter=500, WindowWidth=900)
    image = pydicom.dcmread(path)
    for k, groups in enumerate(image.PerFrameFunctionalGroupsSequence if own else ()):
        groups.FrameVOILUTSequence = [item(WindowCenter=10 + 10 * k, WindowWidth=60)]
    image.save_as(path)
    assert window_of(path) == window


def test_files_that_are_gone_or_never_were(series, stored):
    new = series("CT", WindowCenter=40, WindowWidth=400)
    new.planes(stored, (0, 0, 5))
    source = io.read(new.folder).source
    for path in new.folder.iterdir():
        path.unlink()
    assert stored_window(source) is None
    assert stored_window(Source("nifti", header=np.eye(4))) is None
