"""The grid of a run: acquired only where that is known, pays, and takes nothing away."""

import numpy as np
import pytest
from tests.core.k_space import acquired

import medrestore as mr
from medrestore.engine.grid_choice import AS_SHOWN, choose_grid
from medrestore.engine.noise import Level, Noise, resolve_levels
from medrestore.physics.phantom import head_mr

SHAPE = (6, 400, 392)
HALF = (200, 196)


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return head_mr(SHAPE, (4.0, 0.55, 0.55), seed=5)


def volume_of(array: np.ndarray, told: tuple[int, int] | None = None) -> mr.Volume:
    source = mr.volume.Source(acquired=told)
    return mr.Volume(array, mr.Geometry(array.shape[-3:], np.eye(4)), "MR", "a.u.", source)


def chosen(array: np.ndarray, asked: str = "auto", told: tuple[int, int] | None = None):
    volume = volume_of(array, told)
    return choose_grid(asked, volume, resolve_levels(volume), 0.004)


@pytest.mark.parametrize("level", [0.07, 0.1])
def test_a_zero_filled_scan_goes_to_its_own_grid(head: np.ndarray, level: float) -> None:
    scan = acquired(head, level * 800, (0.5, 0.5))
    size, source = chosen(scan)
    assert source == "edge in its k-space"
    assert 200 <= size[0] <= 204 and 196 <= size[1] <= 200
    assert chosen(scan, told=HALF) == ((202, 198), "acquisition matrix in its file")
    assert chosen(scan, told=(203, 199)).size == (204, 200)
    assert chosen(scan, "shown", HALF) == (None, "asked for")


def test_a_small_matrix_is_done_where_it_is_asked_for(head: np.ndarray) -> None:
    scan = acquired(head, 60, (0.45, 0.45))
    assert chosen(scan).size is None and "too few to pay" in chosen(scan).source
    assert chosen(scan, "acquired").size is not None


def test_one_axis_alone_is_done_where_it_is_asked_for(head: np.ndarray) -> None:
    scan = acquired(head, 30, (0.5, 1.0))
    assert chosen(scan).size is None and "to pay" in chosen(scan).source
    assert chosen(scan, "acquired").size is not None


@pytest.mark.parametrize("asked", ["auto", "acquired"])
def test_a_scan_that_holds_more_than_its_file_says_is_not_blurred(
    head: np.ndarray, asked: str
) -> None:
    found = chosen(acquired(head, 20, (1.0, 1.0)), asked, HALF)
    assert found.size is None and "holds more" in found.source
    found = chosen(acquired(head, 20, (0.75, 0.75)), asked, HALF)
    assert found.size is None and "holds more" in found.source


def test_noise_that_is_told_too_high_hides_nothing(head: np.ndarray) -> None:
    """Detail that would be lost is held against the noise that the scan shows, not against that."""
    volume = volume_of(acquired(head, 8, (1.0, 1.0)), HALF)
    levels = resolve_levels(volume, "200 a.u.")
    assert choose_grid("auto", volume, levels).size is None


@pytest.mark.parametrize("asked", ["auto", "acquired"])
@pytest.mark.parametrize("floors", [(0.08, 0.08), (0.0, 0.0)], ids=["Hamming", "Hann"])
def test_a_filter_alone_is_no_edge(head: np.ndarray, asked: str, floors: tuple) -> None:
    assert chosen(acquired(head, 20, (1.0, 1.0), floors), asked).size is None


def test_a_file_that_says_nothing_was_filled_is_believed(head: np.ndarray) -> None:
    scan = acquired(head, 20, (0.5, 0.5))
    assert chosen(scan, "auto", SHAPE[1:]) == AS_SHOWN
    assert "no more is shown" in chosen(scan, "acquired", (480, 392)).source


def test_the_least_noisy_time_point_decides(head: np.ndarray) -> None:
    frames = [acquired(head, sigma, (0.5, 0.5)) for sigma in (60, 200)]
    volume = volume_of(np.stack([np.zeros_like(frames[0]), *frames[::-1]]))
    found = choose_grid("auto", volume, resolve_levels(volume))
    assert found.size is not None


def test_nothing_is_chosen_where_nothing_is_removed(head: np.ndarray) -> None:
    volume = volume_of(acquired(head, 20, (0.5, 0.5)), HALF)
    level = Level(Noise(1.0), 800.0)
    assert choose_grid("auto", volume, (level,), 0.004) == AS_SHOWN
    assert choose_grid("auto", volume, (Level(Noise(0.0), 800.0),)) == AS_SHOWN
