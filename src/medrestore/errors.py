"""Everything that medrestore raises on purpose, and what it warns of in Python.

::

    MedrestoreError
    ├── InputError            a scan cannot be used as it is
    │   ├── UnreadableError   not a scan, damaged, truncated, or a codec is missing
    │   ├── GapError          slices are missing or unevenly spaced
    │   ├── ModalityError     neither the file nor the caller says CT or MR
    │   ├── MissingScanError  the scan of a saved run is not found, or what is found is another
    │   └── UnsuitableError   readable, but no CT in HU and no MR magnitudes: labels, phase, …
    ├── OutputError           a result cannot be written where it was asked for
    ├── SettingsError         a setting is out of range or contradicts another
    ├── ModelError            a model is missing, damaged or of another version
    ├── NoiseLevelError       the noise level cannot be estimated from this scan
    ├── ResourceError         the machine has too little memory for this run, or no such device
    ├── ClusterError          a Dask cluster is not there, or cannot be worked with
    └── Cancelled             the user stopped a run before anything was worth keeping

    UserWarning
    └── MedrestoreWarning     a result is there, with something to know about it

A message says what was wrong, what was received and what to do, in one line.
"""

from __future__ import annotations

__all__ = [
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
]


class MedrestoreError(Exception):
    """Root of all errors that medrestore raises on purpose."""


class InputError(MedrestoreError):
    """A scan cannot be used as it is."""


class UnreadableError(InputError):
    """Not a scan, damaged, truncated, or compressed with a codec that is not installed."""


class GapError(InputError):
    """Slices are missing or unevenly spaced."""


class ModalityError(InputError):
    """Neither the file nor the caller says whether a scan is CT or MR."""


class UnsuitableError(InputError):
    """Readable, but nothing that models restore: neither CT in HU nor magnitudes of MR."""


class MissingScanError(InputError):
    """The scan of a saved run is not where it is looked for, or what lies there is another one."""


class OutputError(MedrestoreError):
    """A result cannot be written where it was asked for."""


class SettingsError(MedrestoreError):
    """A setting is out of range or contradicts another."""


class ModelError(MedrestoreError):
    """A model is missing, damaged or of another version."""


class NoiseLevelError(MedrestoreError):
    """The noise level cannot be estimated from this scan."""


class ResourceError(MedrestoreError):
    """The machine has too little memory for this run, or not the device that was asked for."""


class ClusterError(MedrestoreError):
    """A Dask cluster is not there, has other versions, or was lost."""


class Cancelled(MedrestoreError):
    """The user stopped a run before anything was worth keeping."""


class MedrestoreWarning(UserWarning):
    """A result is there, with something to know about it: each of `Result.warnings`."""
