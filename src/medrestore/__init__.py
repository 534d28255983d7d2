"""Restores noisy CT and MR scans and says how sure it is, voxel by voxel.

>>> import medrestore as mr
>>> result = mr.denoise(mr.read("scan.nii.gz"))          # doctest: +SKIP
>>> result.save("out/")                                  # doctest: +SKIP

Names load on first use, so that ``import medrestore`` costs nothing: no torch, MONAI or napari.
For research use only, not for diagnosis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medrestore.api import Result as Result
    from medrestore.api import denoise as denoise
    from medrestore.api import find as find
    from medrestore.api import read as read
    from medrestore.api import simulate as simulate
    from medrestore.api import write as write
    from medrestore.batch.folder import denoise_folder as denoise_folder
    from medrestore.engine.likelihood import Likelihood as Likelihood
    from medrestore.engine.likelihood import log_likelihood as log_likelihood
    from medrestore.errors import Cancelled as Cancelled
    from medrestore.errors import ClusterError as ClusterError
    from medrestore.errors import GapError as GapError
    from medrestore.errors import InputError as InputError
    from medrestore.errors import MedrestoreError as MedrestoreError
    from medrestore.errors import MedrestoreWarning as MedrestoreWarning
    from medrestore.errors import MissingScanError as MissingScanError
    from medrestore.errors import ModalityError as ModalityError
    from medrestore.errors import ModelError as ModelError
    from medrestore.errors import NoiseLevelError as NoiseLevelError
    from medrestore.errors import OutputError as OutputError
    from medrestore.errors import ResourceError as ResourceError
    from medrestore.errors import SettingsError as SettingsError
    from medrestore.errors import UnreadableError as UnreadableError
    from medrestore.errors import UnsuitableError as UnsuitableError
    from medrestore.evaluation.calibrate import calibrate as calibrate
    from medrestore.evaluation.evaluate import Report as Report
    from medrestore.evaluation.evaluate import evaluate as evaluate
    from medrestore.rerun import rerun as rerun
    from medrestore.settings.settings import Settings as Settings
    from medrestore.volume import Geometry as Geometry
    from medrestore.volume import Volume as Volume

__version__ = "0.1.0"

_HOMES = {
    "api": ("Result", "denoise", "find", "read", "simulate", "write"),
    "batch.folder": ("denoise_folder",),
    "rerun": ("rerun",),
    "errors": (
        "Cancelled",
        "ClusterError",
        "GapError",
        "InputError",
        "MedrestoreError",
        "MedrestoreWarning",
        "MissingScanError",
        "ModalityError",
        "ModelError",
        "NoiseLevelError",
        "OutputError",
        "ResourceError",
        "SettingsError",
        "UnreadableError",
        "UnsuitableError",
    ),
    "evaluation.calibrate": ("calibrate",),
    "evaluation.evaluate": ("Report", "evaluate"),
    "engine.likelihood": ("Likelihood", "log_likelihood"),
    "settings.settings": ("Settings",),
    "volume": ("Geometry", "Volume"),
}
"""Where each public name lives. A new one goes here and into the block above; a test compares."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'medrestore' has no attribute {name!r}")
    value = getattr(import_module(f"medrestore.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
