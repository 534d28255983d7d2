"""Devices that networks run on: the one place that knows their names and what each can do.

A device goes by torch's name: ``cpu``, ``cuda`` (NVIDIA's, and AMD's under ROCm), ``mps``
(Apple's), ``xpu`` (Intel's), or another accelerator that this build of torch was made for. Of
several, a number says which: ``cuda:1``. torch is loaded once a device is asked for, not before.

None has to know float64, which Apple's GPUs and some of Intel's lack: networks and samplers use
float32 and bfloat16, and what is summed in float64 is summed on the host.
"""

from __future__ import annotations

import platform
from pathlib import Path

from medrestore.errors import ResourceError, SettingsError

__all__ = [
    "GPUS",
    "accelerator",
    "device_name",
    "empty_cache",
    "has_bfloat16",
    "is_present",
    "out_of_memory",
    "own_bytes",
    "pick_device",
    "pick_precision",
    "training_device",
    "windows_at_once",
]

GPUS = {"cuda": "CUDA GPU", "mps": "Apple GPU", "xpu": "Intel GPU"}
"""Kinds of accelerator that can be asked for by name, as people call them."""

WINDOWS_AT_ONCE, WINDOWS_AT_ONCE_CPU = 256, 16
"""Windows of a refiner: more gain nothing there."""

NO_MEMORY = ("out of memory", "not enough memory", "can't allocate", "alloc_failed")
"""Phrases of torch, its allocators on CPU and MPS, oneDNN and CUDA in a plain RuntimeError."""


def accelerator() -> str | None:
    """Kind of the accelerator that torch can use here, such as ``"cuda"``; None without one."""
    import torch

    found = torch.accelerator.current_accelerator(check_available=True)
    return None if found is None else found.type


def is_present(device: str) -> bool:
    """True if this machine has a device of that name."""
    import torch

    kind, _, number = device.partition(":")
    if kind == "cpu":
        return True
    return kind == accelerator() and int(number or 0) < torch.accelerator.device_count()


def pick_device(device: str) -> str:
    """The accelerator, or else ``"cpu"``, for ``"auto"``; a named device is checked.

    Raises
    ------
    ResourceError
        If it is not there.
    SettingsError
        If it is no device's name.
    """
    found = accelerator()
    if device == "auto":
        return found or "cpu"
    kind, colon, number = device.partition(":")
    if device != "cpu" and (kind not in {*GPUS, found} or (colon and not number.isdecimal())):
        *names, last = ("auto", "cpu", *GPUS)
        raise SettingsError(
            f"device is {', '.join(names)} or {last}, or one of several as in cuda:1, "
            f"got {device!r}"
        )
    if not is_present(device):
        which = GPUS[kind] if kind != found else f"{GPUS.get(kind, kind)} {number}"
        rest = f"auto, {found} or cpu" if found else "auto or cpu"
        raise ResourceError(f"device {device} was asked for, but no {which} is usable; use {rest}")
    return device


def training_device() -> str:
    """``"cuda"`` if there is one, else ``"cpu"``: what training was written for."""
    return "cuda" if accelerator() == "cuda" else "cpu"


def has_bfloat16(device: str) -> bool:
    """True if a device multiplies bfloat16 in hardware.

    Of CPUs those with AVX-512-BF16 or AMX, of NVIDIA's GPUs Ampere and later, of AMD's and Intel's
    those that say so. Apple's do not say: False.
    """
    import torch

    kind = device.partition(":")[0]
    if kind == "cpu":
        found = (
            getattr(torch.cpu, f"_is_{name}_supported", None)
            for name in ("avx512_bf16", "amx_tile")
        )
        return any(bool(test()) for test in found if test is not None)
    if not is_present(device):
        return False
    if kind == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return kind == "xpu" and bool(torch.xpu.is_bf16_supported(including_emulation=False))


def pick_precision(precision: str, device: str) -> str:
    """``"float32"`` or ``"bfloat16"`` for ``"auto"``: the latter where the device has it."""
    if precision == "auto":
        return "bfloat16" if has_bfloat16(device) else "float32"
    return precision


def windows_at_once(device: str) -> int:
    """Windows that a refiner reads at once, where memory allows."""
    return WINDOWS_AT_ONCE_CPU if device == "cpu" else WINDOWS_AT_ONCE


def own_bytes(device: str) -> int | None:
    """Free bytes of a device's own memory; None where it works in the host's, or does not say."""
    import torch

    kind = device.partition(":")[0]
    if kind in ("cpu", "mps"):
        return None
    try:
        return int(torch.get_device_module(kind).mem_get_info(device)[0])
    except (AttributeError, RuntimeError):  # no such function; drivers of Intel's without it
        return None


def out_of_memory(error: BaseException) -> bool:
    """True if an error means that memory ran out, in whatever way torch says so."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
        return True
    return isinstance(error, RuntimeError) and any(w in str(error).lower() for w in NO_MEMORY)


def empty_cache() -> None:
    """Give memory that torch holds and does not use back to the accelerator, if there is one."""
    import torch

    kind = accelerator()
    if kind is not None:
        torch.get_device_module(kind).empty_cache()


def device_name(device: str) -> str:
    """Make of a device on this machine, such as that of its GPU; its own name if it is not here."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cpu":
        return _processor()
    if not is_present(device):
        return device
    if kind == "mps":
        return str(getattr(torch.backends.mps, "get_name", lambda: device)())
    named = getattr(torch.get_device_module(kind), "get_device_name", None)
    return device if named is None else str(named(device))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.machine()
