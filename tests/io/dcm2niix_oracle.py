"""What dcm2niix makes of DICOM files, and whether a reading agrees with it."""

import subprocess
from pathlib import Path

import numpy as np

from medrestore import io
from medrestore.volume import Geometry


def converted(folder: Path, out: Path) -> list:
    """What dcm2niix makes of a folder, with the scanner's display values (-p n)."""
    command = ["dcm2niix", "-p", "n", "-b", "n", "-z", "n", "-m", "n", "-o", out, folder]
    subprocess.run(command, capture_output=True, check=True)
    return [io.read(path) for path in sorted(out.glob("*.nii"))]


def agree(array: np.ndarray, geometry: Geometry, other: np.ndarray, theirs: Geometry) -> None:
    """Equal values at equal places; the two may store their axes in opposite directions."""
    inverse = np.linalg.inv(theirs.affine)
    turn = inverse[:3, :3] @ geometry.affine[:3, :3]
    flips = [i for i in range(3) if turn[i, i] < 0]
    np.testing.assert_allclose(np.abs(turn), np.eye(3), atol=1e-4)
    ours = geometry.transposed((0, 1, 2), tuple(i in flips for i in range(3)))
    assert ours.same_grid(theirs, 5e-3)
    flipped = np.flip(array, [i + array.ndim - 3 for i in flips])
    np.testing.assert_allclose(flipped, other, rtol=1e-5, atol=1e-3)
