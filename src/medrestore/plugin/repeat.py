"""The lines that repeat a run: in Python, and on the command line. No Qt."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.plugin.layers import KEY
from medrestore.plugin.requests import chosen_slices, modality_of
from medrestore.settings.settings import SETTINGS

if TYPE_CHECKING:
    from medrestore.plugin.requests import Choices, Snapshot
    from medrestore.volume import Source

__all__ = ["command_line", "python_lines"]

SAVE = 'result.save("restored")'


def python_lines(scan: Snapshot | None, choices: Choices) -> str:
    """A script that does what the Denoise button does with these choices."""
    path, modality, given = _input(scan, choices)
    arguments = [f"{name}={value!r}" for name, value in given.items()]
    of = f", modality={modality!r}" if modality else ""
    read = f"volume = mr.read({str(path)!r}{of})"
    slices = None if scan is None else chosen_slices(scan, choices.slices)
    if slices is None:
        run = [read, f"result = mr.denoise({', '.join(['volume', *arguments])})"]
        return "\n".join(["import medrestore as mr", "", *run, SAVE])
    return "\n".join(
        [
            "import medrestore as mr",
            "from medrestore.api import make_plan, run_plan",
            "",
            read,
            f"plan = make_plan(volume, mr.Settings({', '.join(arguments)}))",
            f"slices = tuple(range({slices[0]}, {slices[-1] + 1}))  # as the file numbers them",
            "result = run_plan(plan.for_slices(slices), volume)",
            SAVE,
        ]
    )


def command_line(scan: Snapshot | None, choices: Choices) -> str:
    """The same for a shell."""
    path, modality, given = _input(scan, choices)
    words = ["medrestore", "denoise", str(path), "-o", "restored"]
    if modality:
        words += ["--modality", modality]
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        words += [option] if value is True else [option, str(value)]
    return "\n".join([shlex.join(words), *_remark(choices)])


def _input(scan: Snapshot | None, choices: Choices) -> tuple[Path, str | None, dict[str, Any]]:
    """The scan's path, its modality, and the settings that differ from their defaults."""
    modality = modality_of(scan, choices.modality)
    settings = asdict(choices.settings).items()
    given = {name: value for name, value in settings if value != SETTINGS[name].default}
    record = ((scan.meta.get("metadata") or {}).get(KEY) or {}) if scan else {}
    source: Source | None = record.get("source")
    if source is None or not source.paths:
        return Path("scan.nii.gz"), modality, given
    path = Path(source.paths[0])
    return (path.parent if source.format == "dicom" else path), modality, given


def _remark(choices: Choices) -> list[str]:
    if choices.slices is None:
        return []
    first, last = choices.slices
    return [
        f"# restores the whole scan; in napari slices {first} to {last} were chosen, which the "
        "lines of Python do alone"
    ]
