"""Position of a stack in the patient: spacing and shear from positions, not from tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from medrestore.errors import GapError, InputError
from medrestore.volume import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Stack

__all__ = [
    "DISPLACED",
    "SAME_POSITION_MM",
    "Gaps",
    "displacement",
    "distinct_depths",
    "geometry_of",
    "is_regular",
    "on_one_grid",
    "uneven_steps",
]

UNEVEN = 0.01
"""Steps that differ from the median by more than this share of it are uneven."""
ROUNDING_MM = 2e-3
"""Positions written with two or three decimals: smaller differences are none."""
DISPLACED = 0.1
"""Uneven slices that lie within this share of a step of a regular grid are taken as lying on it."""
SAME_POSITION_MM = 1e-3
"""Planes closer than this lie at one position: positions are written with 1 µm or better."""


def uneven_steps(steps: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of steps that differ from the median."""
    median = np.median(steps)
    return np.flatnonzero(np.abs(steps - median) > max(UNEVEN * median, ROUNDING_MM))


def displacement(depths: NDArray[np.float64]) -> float:
    """Largest distance of a slice from the regular grid between the first and the last, in steps.

    ``depths``, (z,), are ascending distances along the slice normal, mm; at least two.
    """
    count = len(depths) - 1
    grid = np.linspace(depths[0], depths[-1], count + 1)
    return float(np.abs(depths - grid).max() * count / (depths[-1] - depths[0]))


def is_regular(depths: NDArray[np.float64]) -> bool:
    """True if slices make one volume: even steps, or none displaced by a tenth of a step."""
    return len(depths) > 1 and (
        not uneven_steps(np.diff(depths)).size or displacement(depths) <= DISPLACED
    )


def on_one_grid(depths: NDArray[np.float64]) -> bool:
    """True if slices lie on one regular grid of which some may be missing."""
    if len(depths) < 2:
        return False
    steps = np.diff(depths)
    wholes = steps / np.median(steps)
    return bool((np.abs(wholes - np.rint(wholes)) <= DISPLACED).all() and wholes.min() > 0.5)


def distinct_depths(depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in order, those at one position once."""
    ordered = np.sort(depths)
    return ordered[np.diff(ordered, prepend=-np.inf) > SAME_POSITION_MM]


Gaps = Literal["error", "keep"]

SIDEWAYS = 0.02
"""Origins may leave the stack's axis by this share of the step: rounding, not motion."""
SIDEWAYS_MM = 0.02
"""Or by this: positions written with two decimals."""
TILT_DEGREES = 0.1
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def geometry_of(stack: Stack, name: str, gaps: Gaps = "error") -> tuple[Geometry, tuple[str, ...]]:
    """Geometry of a stack, and what is remarkable about it.

    Parameters
    ----------
    stack : Stack
        Planes sorted along their normal.
    name : str
        Name of the scan in a message.
    gaps : {"error", "keep"}
        Uneven steps raise, or stay: the affine then has the median step and
        ``slice_positions_mm`` the distance of every slice from the first along the normal.

    Raises
    ------
    GapError
        If steps are uneven and ``gaps="error"``: more than 1 % from the median, and a slice more
        than a tenth of a step from a regular grid.
    InputError
        If slices are shifted against each other within their planes.
    """
    _, z, y, x = stack.shape
    first = stack.first
    if first.orientation is None or first.position is None or first.spacing is None:
        return _unplaced(stack)
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    positions = np.array([frame.position for frame in stack.frames[0]], dtype=np.float64)
    depths = positions @ first.normal
    warnings: list[str] = []
    uneven_mm = None
    if z == 1:
        if first.thickness is None:
            warnings.append("the slice thickness is not given: 1 mm is assumed")
        step = first.normal * (1.0 if first.thickness is None else first.thickness)
    else:
        steps = np.diff(depths)
        regular = is_regular(depths)
        odd = uneven_steps(steps)
        if not regular and gaps == "error":
            raise GapError(_gap_message(name, steps, odd))
        if not regular:
            warnings.append(_kept_message(steps, odd))
            uneven_mm = tuple(float(d) for d in depths - depths[0])
        elif odd.size or displacement(depths) > DISPLACED:
            warnings.append(_uneven_message(depths))
        step = _step(positions, depths, not regular, name)
        warnings += _tilt(step, first.normal)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = column * first.spacing[0]
    affine[:3, 2] = row * first.spacing[1]
    affine[:3, 3] = positions[0]
    return Geometry((z, y, x), LPS_TO_RAS @ affine, True, uneven_mm), tuple(warnings)


def _unplaced(stack: Stack) -> tuple[Geometry, tuple[str, ...]]:
    """A single image without a position: along its axes, head to the top."""
    _, z, y, x = stack.shape
    dy, dx = stack.first.spacing or (1.0, 1.0)
    affine = np.diag([stack.first.thickness or 1.0, dy, dx, 1.0])[[2, 1, 0, 3]]
    return Geometry((z, y, x), LPS_TO_RAS @ affine, known=False), (
        "position and orientation are not given: left and right cannot be told apart",
    )


def _step(
    positions: NDArray[np.float64], depths: NDArray[np.float64], median: bool, name: str
) -> NDArray[np.float64]:
    """Vector from one slice to the next: the mean step, or the median one of an uneven stack."""
    direction = (positions[-1] - positions[0]) / (depths[-1] - depths[0])  # per mm of depth
    count = len(depths) - 1
    step_mm = float(np.median(np.diff(depths))) if median else (depths[-1] - depths[0]) / count
    line = positions[0] + np.outer(depths - depths[0], direction)
    shift = np.linalg.norm(positions - line, axis=1)
    if shift.max() > max(SIDEWAYS * step_mm, SIDEWAYS_MM):
        raise InputError(
            f"{name}: slice {int(shift.argmax()) + 1} lies {shift.max():.2f} mm sideways of the "
            "line through the others; these images are not one volume: give one series alone"
        )
    return np.asarray(direction * step_mm)


def _tilt(step: NDArray[np.float64], normal: NDArray[np.float64]) -> list[str]:
    cosine = float(step @ normal / np.linalg.norm(step))
    degrees = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if degrees <= TILT_DEGREES:
        return []
    return [f"the gantry is tilted by {degrees:.1f}°: kept as shear, slices are not resampled"]


def _gap_message(name: str, steps: NDArray[np.float64], odd: NDArray[np.intp]) -> str:
    return (
        f"{name}: {_where(steps, odd)}; give the complete series, or pass gaps='keep' "
        "(--gaps keep) to restore the slices that are there"
    )


def _kept_message(steps: NDArray[np.float64], odd: NDArray[np.intp]) -> str:
    return (
        f"uneven slices kept: {_where(steps, odd)}; distances along z in other programs are "
        "wrong by as much"
    )


def _uneven_message(depths: NDArray[np.float64]) -> str:
    steps = np.diff(depths)
    mean = (depths[-1] - depths[0]) / len(steps)
    return (
        f"steps between slices vary from {steps.min():.2f} to {steps.max():.2f} mm: slices lie up "
        f"to {displacement(depths) * mean:.2f} mm beside a regular grid of {mean:.2f} mm"
    )


def _where(steps: NDArray[np.float64], odd: NDArray[np.intp], listed: int = 3) -> str:
    gaps = ", ".join(
        f"slices {i + 1} and {i + 2} are {steps[i]:.2f} mm apart" for i in odd[:listed]
    )
    more = f" (and {len(odd) - listed} more)" if len(odd) > listed else ""
    return f"{gaps}{more} where the median step is {np.median(steps):.2f} mm"
