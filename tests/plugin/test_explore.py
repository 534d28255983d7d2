"""Reading the uncertainty: under the cursor, in regions, and of a run that was saved."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.errors import InputError, MedrestoreError
from medrestore.plugin.drawings import Drawing
from medrestore.plugin.layers import displayed, record_of
from medrestore.plugin.regions import COLUMNS, as_csv, interval, measure, reading
from medrestore.results.record import reopen
from medrestore.results.rounding import decimals, rounded, with_half_width


class Silent:
    def start(self, total, label):
        pass

    def tick(self, n=1):
        pass


@pytest.fixture
def saved(head, tmp_path, tiny_models):
    """A run of a scan in a file, and the folder it was saved in."""
    path = mr.write(head, tmp_path / "head.nii.gz")
    result = mr.denoise(mr.read(path, "MR"), samples=3, noise=0.05)
    result.save(tmp_path / "out")
    return result, tmp_path / "out"


def labelled(mask):
    return Drawing(mask.astype(int), (), np.eye(4), mask.shape)


def region_of(result):
    inside = np.zeros(result.plan.shape, bool)
    inside[1, 15:25, 20:28] = True
    shown = displayed(result.restored.with_array(inside.astype(np.float32))) > 0
    return inside, labelled(shown), {"metadata": {"medrestore": record_of(result.restored)}}


def assert_same(found, wanted):
    """Equal but for the last bits, which slices computed in other batches differ in."""
    assert found[:6] == pytest.approx(wanted[:6], rel=2e-3)
    assert found.samples == pytest.approx(wanted.samples, rel=1e-4)
    assert found[7:] == wanted[7:]


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (54.321, 1.42, "54.3 HU"),
        (54.321, 4.2, "54 HU"),
        (54.321, 42, "54 HU"),
        (-0.02468, 0.00123, "−0.0247 HU"),
        (1234.5, 0, "1234.5 HU"),
        (np.nan, 1, "no value"),
    ],
)
def test_a_value_is_rounded_as_its_interval_allows(value, half, text):
    assert rounded(value, half, "HU") == text


def test_intervals_keep_the_digits_they_are_worth():
    assert interval(-3.21, 4.56) == "−3 … 5"
    assert with_half_width(85.592, 0.48, "HU") == "85.6 ± 0.5 HU"
    assert with_half_width(85.592, 0.148, "HU") == "85.59 ± 0.15 HU"
    assert with_half_width(-1234.5, 98.6) == "−1234 ± 99"
    assert [decimals(half) for half in (99, 9.96, 0.99, 1e-9, np.nan)] == [0, 0, 1, 6, 1]


def test_the_readout_is_what_the_maps_hold(saved):
    result, _ = saved
    text = reading(result, (1, 20, 24))
    value, lower, upper = (
        float(volume.array[1, 20, 24]) for volume in (result.restored, result.lower, result.upper)
    )
    half = (upper - lower) / 2
    assert text.startswith(f"{rounded(value, half)} a.u., 90 %: {interval(lower, upper)}")
    assert f"noisy {rounded(result.scan.array[1, 20, 24], half)}" in text


def test_regions_are_those_of_the_api(saved):
    result, _ = saved
    inside, drawn, meta = region_of(result)
    (row,) = measure(result, meta, drawn, 0, Silent())
    assert row.region == result.region(inside)
    assert row.noisy == pytest.approx(result.scan.array[inside].mean(), rel=1e-6)
    assert row.volume_mm3 == pytest.approx(80 * 4)
    assert len(row.region.samples) == 3
    assert row.region.dof > 2
    ((name, voxels, *_),) = [*csv.reader(io.StringIO(as_csv([row])))][1:]
    assert (name, voxels) == ("label 1", "80")
    assert as_csv([]).strip() == ",".join(COLUMNS)


def test_no_region_is_a_sentence(saved):
    with pytest.raises(MedrestoreError, match="No region is drawn"):
        measure(saved[0], {}, None, 0, Silent())


def test_a_saved_run_opens_with_the_same_maps_and_regions(saved):
    result, folder = saved
    again = reopen(folder / "head_run.json")
    for name, volume in result.layers().items():
        np.testing.assert_allclose(getattr(again, name).array, volume.array, rtol=1e-6, atol=1e-4)
    inside, *_ = region_of(result)
    assert_same(again.region(inside), result.region(inside))
    assert again.drawn == 3


def test_a_region_of_some_slices_lies_where_it_was_drawn(saved):
    result, _ = saved
    plan = result.plan.for_slices((1, 2))
    from medrestore.api import run_plan

    part = run_plan(plan, result.scan)
    inside, _, _ = region_of(result)
    shown = displayed(part.restored.with_array(inside[1:].astype(np.float32))) > 0
    meta = {"metadata": {"medrestore": record_of(part.restored)}}
    (row,) = measure(part, meta, labelled(shown), 0, Silent())
    assert_same(row.region, result.region(inside))


@pytest.mark.parametrize("lost", ["head_std.nii.gz", "../head.nii.gz"])
def test_what_is_missing_of_a_saved_run_is_said(saved, lost, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(tmp_path).parent)
    (saved[1] / lost).unlink()
    with pytest.raises(InputError, match="head"):
        reopen(saved[1] / "head_run.json")


def test_another_scans_map_is_refused(saved, head):
    mr.write(head.with_array(head.array[:2], geometry=mr.Geometry((2, 40, 48), np.eye(4))),
             saved[1] / "head_std.nii.gz", overwrite=True)  # fmt: skip
    with pytest.raises(InputError, match="not a result of this run"):
        reopen(saved[1] / "head_run.json")
