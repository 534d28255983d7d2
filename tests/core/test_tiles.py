"""Tiling a denoiser: no seams, no shrunken spread, nothing left out."""

import pytest
import torch

from medrestore.core.tiles import Tiled, Windows, starts
from medrestore.errors import SettingsError


def test_windows_cover_the_axis_and_the_last_is_flush() -> None:
    assert starts(100, 64, 48) == [0, 36]
    assert starts(160, 64, 48) == [0, 48, 96]
    assert starts(64, 64, 48) == [0]
    assert starts(30, 64, 48) == [0]
    with pytest.raises(SettingsError, match="stride of 65"):
        starts(100, 64, 65)


@pytest.mark.parametrize("shape", [(100, 130), (64, 64), (20, 90)])
@pytest.mark.parametrize("batch", [1, 7])
def test_a_pointwise_denoiser_does_not_notice(shape: tuple[int, int], batch: int) -> None:
    """Tiled(f) = f where f looks at one voxel: white noise keeps its spread in the overlaps."""

    def double(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        return 2 * z_t + condition[:, :1]

    z, c = torch.randn(2, 1, *shape), torch.randn(2, 3, *shape)
    tiled = Tiled(double, window=64, stride=48, batch=batch)(z, 0.5, c)
    assert torch.allclose(tiled, 2 * z + c[:, :1], atol=1e-5)


def test_the_denoiser_always_reads_windows_of_its_own_size() -> None:
    seen = []

    def record(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        seen.append(z_t.shape[-2:])
        return z_t

    z, c = torch.randn(1, 1, 70, 20), torch.ones(1, 2, 70, 20)
    Tiled(record, window=32, stride=24, batch=4)(z, 0.1, c)
    assert set(seen) == {torch.Size([32, 32])}


def test_each_entry_of_a_batch_is_its_own() -> None:
    def sums(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        return z_t - z_t.mean(dim=(1, 2, 3), keepdim=True)

    z, c = torch.randn(3, 1, 80, 80), torch.zeros(3, 1, 80, 80)
    tiled = Tiled(sums, window=32, stride=24)
    whole = tiled(z, 0.2, c)
    assert torch.allclose(whole[1], tiled(z[1:2], 0.2, c[1:2])[0], atol=1e-5)


@pytest.mark.parametrize("length", [1, 3, 12, 16, 17, 30])
def test_no_slice_is_at_the_end_of_all_its_windows(length: int) -> None:
    windows = Windows(length, 16, 12)
    for z in range(length):
        places = [windows.positions(a).index(z) for a in windows.covering([z])]
        assert max(min(place, 15 - place) for place in places) >= 2


def test_windows_are_mirrored_beyond_the_scan() -> None:
    windows = Windows(30, 16, 12)
    first, *_, last = windows.covering(range(30))
    assert windows.inside(first)[:4] == [2, 1, 0, 1]
    assert windows.inside(last)[-4:] == [28, 29, 28, 27]
    assert windows.reach([0], 1) == tuple(range(14))


@pytest.mark.parametrize("length", [1, 3, 16, 17, 30])
def test_a_pointwise_denoiser_does_not_notice_stacks(length: int) -> None:
    """Mirror images are read, and what is said of them is left out."""
    z, c = torch.randn(length, 1, 20, 20), torch.randn(length, 2, 20, 20)
    at = Windows(length, 16, 12), range(length)
    tiled = Tiled(lambda z_t, t, c: 2 * z_t + c[:, :1], 16, 12, 16, *at)(z, 0.5, c)
    assert torch.allclose(tiled, 2 * z + c[:, :1], atol=1e-5)
