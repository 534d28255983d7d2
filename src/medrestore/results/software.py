"""Versions of the programs that took part in a run, its system and its device."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.io.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["device_name", "system_name", "versions"]

ALWAYS = ("medrestore", "torch", "monai", "numpy", "scipy")


def versions(formats: Iterable[str] = ()) -> dict[str, str]:
    """Versions by package, Python first.

    Parameters
    ----------
    formats : iterable of str
        Formats that were read or written: their packages took part.
    """
    took_part = (*ALWAYS, *(FORMATS[one].program for one in sorted({*formats} & {*FORMATS})))
    found = {"python": platform.python_version()}
    for package in took_part:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # used from a copy that was never installed
            continue
    return found


def system_name() -> str:
    """The operating system with its release and the kind of processor; never the host's name."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def device_name(device: str) -> str:
    """Name of ``"cpu"`` or ``"cuda"`` on this machine, e.g. of its GPU."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device) if torch.cuda.is_available() else device
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.machine()
