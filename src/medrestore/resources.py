"""Bundled models and sample scans, in a checkout and in an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

from medrestore.errors import InputError, ModelError

__all__ = ["MODELS_VARIABLE", "models_folder", "sample_data_folder"]

MODELS_VARIABLE = "MEDRESTORE_MODELS"
"""Environment variable that names another folder of models."""

_PACKAGE = Path(__file__).resolve().parent


def models_folder() -> Path:
    """The folder with one sub-folder per model.

    ``MEDRESTORE_MODELS`` if set, else ``models/`` of the checkout that the package runs from, else
    the copy inside the installed package.

    Raises
    ------
    ModelError
        If the variable names no folder, or the package came without models.
    """
    asked = os.environ.get(MODELS_VARIABLE)
    if asked:
        if not Path(asked).is_dir():
            raise ModelError(
                f"{MODELS_VARIABLE} is set to {asked!r}, which is not a folder; "
                "correct it or unset it to use the bundled models"
            )
        return Path(asked)
    folder = _bundled("models")
    if folder is None:
        raise ModelError(
            "this installation came without models; "
            f"set {MODELS_VARIABLE} to a folder of models, or reinstall medrestore"
        )
    return folder


def sample_data_folder() -> Path:
    """The folder with the generated sample scans.

    Raises
    ------
    InputError
        If the package came without sample scans.
    """
    folder = _bundled("sample_data")
    if folder is None:
        raise InputError("this installation came without sample scans; reinstall medrestore")
    return folder


def _bundled(name: str) -> Path | None:
    """``name/`` at the top of the checkout, else ``_name/`` inside the installed package."""
    root = _PACKAGE.parent.parent
    if _PACKAGE.parent.name == "src" and (root / "pyproject.toml").is_file():
        return root / name if (root / name).is_dir() else None
    folder = _PACKAGE / f"_{name}"
    return folder if folder.is_dir() else None
