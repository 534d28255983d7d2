"""The folder of a report: whole or not at all, and never one with other files in it."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from medrestore.errors import OutputError
from medrestore.io.staging import staged_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

__all__ = ["as_csv", "as_json", "check_folder", "finite", "write_folder"]


def check_folder(folder: Path, names: Collection[str], overwrite: bool = False) -> None:
    """Make sure that a folder is free for a report; asked before minutes of work.

    Parameters
    ----------
    folder : Path
        A folder that is missing, empty, or holds an earlier report.
    names : collection of str
        Names of the files that such a report may have.
    overwrite : bool
        Whether an earlier report may be replaced.

    Raises
    ------
    OutputError
        If it is not free.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; give the name of a folder")
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    strange = next((path for path in present if not _is_one_of(names, path)), None)
    if strange is not None:
        raise OutputError(
            f"{folder} holds {strange.name}, which is no part of such a report; choose a folder of "
            "its own for it"
        )
    if present and not overwrite:
        raise OutputError(
            f"{folder} holds a report already; choose another folder, or allow --overwrite"
        )


def write_folder(
    folder: Path, names: Collection[str], files: Mapping[str, bytes], overwrite: bool
) -> Path:
    """Write all files at once; ``names`` as for `check_folder`. ``report.html`` is returned."""
    with staged_folder(folder, overwrite, lambda path: _is_one_of(names, path)) as staged:
        for name, data in files.items():
            (staged / name).write_bytes(data)
    return folder / "report.html"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A table with the first row's keys as its head; numbers with eight digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def as_json(facts: Any) -> bytes:
    """The text of facts that are finite, or None."""
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()


def finite(value: Any) -> Any:
    """Facts as JSON takes them: what is not finite is None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_one_of(names: Collection[str], path: Path) -> bool:
    return path.name in names and path.is_file()
