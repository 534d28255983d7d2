"""The figures that the shipped models promise, on held-out people (slow: minutes)."""

import importlib.util
from pathlib import Path

import pytest

from medrestore.models import Card, load

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "validation"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared validation scans are not here"),
]


@pytest.fixture(scope="module")
def benchmark():
    path = ROOT / "benchmarks" / "quality" / "run.py"
    spec = importlib.util.spec_from_file_location("quality", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("noise", "decibels"), [(0.03, 33.8), (0.09, 27.9)])
def test_mr_reaches_what_it_promises(benchmark, noise: float, decibels: float) -> None:
    model = load(Card.read(ROOT / "models" / "mr_slice"))
    row = benchmark.score(model, "mr_uih_t1_b", noise, samples=0, every=1)
    assert row["predictor"] >= decibels
    assert 0.87 <= row["predictor_cover90"] <= 0.93


def test_ct_removes_low_dose_noise(benchmark) -> None:
    model = load(Card.read(ROOT / "models" / "ct_slice"))
    row = benchmark.score(model, "ct_totalseg_abdomen", 30.0, samples=0, every=1)
    assert row["predictor"] <= 0.6 * row["noisy"]
