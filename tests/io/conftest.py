"""Fixtures of the reading and writing tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import Series, enhanced
from numpy.typing import NDArray


@pytest.fixture
def stored() -> NDArray[np.int16]:
    """Stored values (z, y, x) = (5, 6, 4), every voxel another, never symmetric."""
    return np.arange(5 * 6 * 4, dtype=np.int16).reshape(5, 6, 4) * 3 + 11


@pytest.fixture
def series(tmp_path: Path) -> Callable[..., Series]:
    """Starts a classic series in a folder of its own."""

    def start(modality: str = "MR", folder: str = "series", **tags: Any) -> Series:
        return Series(tmp_path / folder, modality, **tags)

    return start


@pytest.fixture
def write_enhanced() -> Callable[..., Path]:
    return enhanced


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder to empty between hypothesis examples."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
