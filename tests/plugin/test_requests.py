"""What a preview and a part of a scan ask for."""

import numpy as np
import pytest

from medrestore.errors import MedrestoreError
from medrestore.plugin.layers import KEY, to_layer, to_volume
from medrestore.plugin.requests import Choices, Snapshot, preview_of, request_for


@pytest.fixture
def scan(head):
    data, meta, _ = to_layer(head)
    return Snapshot(data, meta)


def test_a_preview_is_the_acquired_slice_on_display(scan, head):
    request, shown = preview_of(scan, Choices(slices=(0, 1)), (0.2, 7, 9))
    assert (request.slices, shown, request.preview) == ((2,), "axial slice 0", True)
    assert request.meant == (1, 2)  # what the run after it would restore
    shown = to_volume(request.data, request.meta).array[request.slices[0]]
    assert np.array_equal(shown, head.array[2])


def test_a_preview_of_a_series_is_the_time_point_on_display(head):
    series = head.with_array(np.stack([head.array, head.array + 1]))
    data, meta, _ = to_layer(series)
    request, _ = preview_of(Snapshot(data, meta), Choices(), (1, 0, 7, 9))
    assert np.array_equal(to_volume(request.data, request.meta).array, series.array[1])
    assert len(request.meta["scale"]) == 3


def test_slices_are_asked_for_as_the_slider_numbers_them(scan):
    assert request_for(scan, Choices(slices=(0, 1))).slices == (1, 2)
    assert request_for(scan, Choices(slices=(2, 2))).slices == (0,)
    assert request_for(scan, Choices(slices=(0, 2))).slices is None


def test_no_scan_no_preview():
    with pytest.raises(MedrestoreError, match="Open a CT or MR scan first"):
        preview_of(None, Choices(), ())
    with pytest.raises(MedrestoreError, match="choose one under Modality"):
        preview_of(Snapshot(np.zeros((2, 3, 4)), {"metadata": {KEY: 3}}), Choices(), (0, 0, 0))
