"""The reference's own noise, and a reference whose noise is independent of all that a method saw.

A reference t = x + w has noise w of its own, σ_o; a method sees y = t + n with n of σ. As in
`medrestore.training.targets`, t' = t − A n is x + e with e = w − A n, and where A is the ratio of
the noise powers at each frequency, A = P_o/P_n, e is independent of w + n, and so of all that is
computed from y:

    E|t' − μ|² = E|x − μ|² + σ_e²        σ_e² = σ_o² + E|A n|²

(A = σ_o²/σ² for noise of one spectrum, which gives `evaluation.floor.clean_rmse`). Both are taken
as Gaussian; n and, with the same distribution over the body, w as stationary after division by the
local σ; and w as independent from slice to slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from medrestore.training.targets import BANDS, BLOCK, band_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case

__all__ = ["Independent", "calmest", "independent", "own_noise", "power_ratio"]

CALMEST, FEWEST = 0.2, 6
"""Share and number of the blocks of tissue that count: those of least std."""
INSIDE = 0.97
STEEPEST = 10.0
"""Of A over its mean: beyond, n has no power to tell of w."""


class Independent(NamedTuple):
    """A reference t' with noise of its own, σ_e, both (z, y, x) in the case's unit."""

    target: NDArray[np.float32]
    std: NDArray[np.float32]


def calmest(
    values: NDArray[np.float32], mask: NDArray[np.bool_], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Blocks (n, side, side) of scored tissue with the least std about a parabola, and that std."""
    places = np.flatnonzero(mask.any(axis=(1, 2)))
    step = (slice(None), slice(None, None, max(side // 4, 2)), slice(None, None, max(side // 4, 2)))
    shape = (side, side)
    inside = sliding_window_view(mask[places], shape, (1, 2))[step].mean(axis=(-2, -1))
    blocks = sliding_window_view(values[places], shape, (1, 2))[step][inside > INSIDE]
    if len(blocks) < FEWEST:
        return np.empty((0, *shape), np.float32), np.empty(0)
    axis = np.linspace(-1, 1, side)
    y, x = (one.ravel() for one in np.meshgrid(axis, axis, indexing="ij"))
    smooth, _ = np.linalg.qr(np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1))
    flat = blocks.reshape(len(blocks), -1).astype(np.float64)
    squares = np.square(flat).sum(axis=1) - np.square(flat @ smooth).sum(axis=1)
    std = np.sqrt(np.maximum(squares, 0) / (side**2 - smooth.shape[1]))
    first = np.argsort(std)[: max(FEWEST, int(CALMEST * len(std)))]
    return blocks[first], std[first]


def own_noise(case: Case) -> float:
    """σ_o where a case is scored: the smaller of two estimates, both of which hold some anatomy.

    The scan's estimate, distributed over the body as the simulated noise is (CT); and the median
    std of the calmest blocks. Of too small a σ_o every method's own error is read too large, and
    their ratio nearer to one.
    """
    scan = case.own
    if case.sigma_map is not None:
        scan *= float(np.sqrt(np.square(case.sigma_map[case.mask]).mean())) / case.level
    _, calm = calmest(case.truth, case.mask, 16 if case.modality == "CT" else 8)
    return min(scan, float(np.median(calm))) if len(calm) else scan


def independent(case: Case, ratio: NDArray[np.float64] | None) -> Independent:
    """t' and σ_e of a case; ``ratio`` from `power_ratio`, None for noise of one spectrum."""
    drawn = case.noisy - case.truth
    local = np.float32(case.sigma) if case.sigma_map is None else case.sigma_map
    white = drawn / np.maximum(local, np.float32(1e-6))
    shared = white if ratio is None else _filtered(white, ratio)
    unit = float((white * shared)[case.mask].mean())
    shared = shared * np.float32(case.own**2 / (unit * case.sigma**2)) * local
    spread = float(np.square(shared[case.mask], dtype=np.float64).mean())
    std = np.full(case.truth.shape, np.sqrt(case.own**2 + spread), np.float32)
    return Independent(case.truth - shared, std * local / np.float32(case.sigma))


def power_ratio(case: Case) -> NDArray[np.float64] | None:
    """P_o/P_n between the frequencies `BANDS`, up to a factor; None where nothing tells it."""
    own, _ = calmest(case.truth, case.mask, BLOCK)
    if not len(own):
        return None
    drawn, _ = calmest(case.noisy - case.truth, case.mask, BLOCK)
    ratio: NDArray[np.float64] = band_power(own) / np.maximum(band_power(drawn), 1e-6)
    return ratio


def _filtered(values: NDArray[np.float32], ratio: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each slice through a filter whose gain is the ratio at its radial frequency."""
    centres = (np.array(BANDS[1:]) + BANDS[:-1]) / 2
    axes = (np.fft.fftfreq(n) for n in values.shape[1:])
    radius = np.hypot(*np.meshgrid(*axes, indexing="ij"))
    gain = np.exp(np.interp(radius, centres, np.log(np.minimum(ratio, STEEPEST * ratio[0]))))
    return np.real(np.fft.ifft2(np.fft.fft2(values) * gain)).astype(np.float32)
