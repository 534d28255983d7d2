"""The figures that the shipped models promise, on held-out people (slow: minutes)."""

import pytest
from benchmarks.quality.cases import DATA, simulated
from benchmarks.quality.ours import predictor_row

from medrestore.models.model import find_card, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared validation scans are not here"),
]


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models that came with medrestore."""
    monkeypatch.delenv("MEDRESTORE_MODELS", raising=False)


@pytest.mark.parametrize(("noise", "decibels"), [(0.03, 33.7), (0.09, 28.1)])
def test_mr_reaches_what_it_promises(noise: float, decibels: float) -> None:
    row = predictor_row(load(find_card("mr_slice", "MR")), simulated("mr_uih_t1_b", "MR", noise))
    assert row["psnr"] >= decibels
    assert 0.87 <= row["cover90"] <= 0.93


def test_ct_removes_low_dose_noise(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("benchmarks.quality.cache.FOLDER", tmp_path)
    case = simulated("ct_totalseg_abdomen", "CT", 30.0)
    row = predictor_row(load(find_card("ct_slice", "CT")), case)
    assert row["rmse"] <= 0.6 * 36.9  # of the noisy image
