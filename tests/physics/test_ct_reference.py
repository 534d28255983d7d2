"""The CT simulator against counts, logarithm and full filtered back-projection."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "ct_physics"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    for name in ("reference", "run"):
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    for name in ("reference", "run"):
        del sys.modules[name]
    return module


def body(size: int) -> np.ndarray:
    """An ellipse of soft tissue with a lung and a bone."""
    axis = (np.arange(size) - (size - 1) / 2) / size
    y, x = np.meshgrid(axis, axis, indexing="ij")
    hu = np.where((y / 0.36) ** 2 + (x / 0.44) ** 2 < 1, 40.0, -1000.0)
    hu[np.hypot(y, x - 0.25) < 0.1] = -800
    hu[np.hypot(y - 0.2, x) < 0.06] = 700
    return hu


def test_std_and_spectrum_are_those_of_the_full_projection_domain(benchmark: ModuleType) -> None:
    setting = benchmark.Setting(5e7, benchmark.DOSE, 10.0, 120, 1.0)
    found = benchmark.compare(body(96), 3.0, setting, 24)
    for region in ("soft", "inner", "outer"):
        assert found[f"std_map_{region}"] == pytest.approx(1, abs=0.04)
        assert found[f"draws_{region}"] == pytest.approx(1, abs=0.04)
    bands = [value for name, value in found.items() if name.startswith("nps_")]
    assert len(bands) >= 4
    assert bands == pytest.approx([1.0] * len(bands), abs=0.12)  # of it 0.04 from the few draws


@pytest.mark.slow
@pytest.mark.parametrize(("cutoff", "photons"), [(1.0, 1e8), (0.6, 1e7)], ids=["usual", "starved"])
def test_limits_of_the_issue(benchmark: ModuleType, cutoff: float, photons: float) -> None:
    """Std within 4 %, spectrum within 5 %, at 256² and 360 views."""
    setting = benchmark.Setting(photons, benchmark.DOSE, 10.0, 360, cutoff)
    found = benchmark.compare(body(256), 420 / 256, setting, 48)
    for region in ("soft", "inner", "outer"):
        assert found[f"std_map_{region}"] == pytest.approx(1, abs=0.04)
        assert found[f"draws_{region}"] == pytest.approx(1, abs=0.04)
    bands = [value for name, value in found.items() if name.startswith("nps_")]
    assert bands == pytest.approx([1.0] * len(bands), abs=0.05)


def test_the_reference_reconstructs_what_it_projects(benchmark: ModuleType) -> None:
    """Full circle: project a smooth disc, reconstruct it, find its HU again."""
    axis = np.arange(64) - 31.5
    hu = -1000 + 1000 / (1 + np.exp(np.hypot(axis[:, None], axis) - 20))
    paths = benchmark.project(hu, 2.0, 90)
    image = benchmark.reconstruct(paths, 2.0, 2.0) - 1000
    assert image[28:36, 28:36].mean() == pytest.approx(0, abs=10)
    assert image[2:6, 28:36].mean() == pytest.approx(-1000, abs=25)
    assert paths[:, 31:33].mean() == pytest.approx(20 * 2 * 2 * 0.0193, rel=0.02)
