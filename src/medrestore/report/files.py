"""Files and folders of a report: whole or not at all, and no folder with other files in it."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.errors import OutputError
from medrestore.io.staging import staged_folder, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["ReportFolder", "as_csv", "as_json", "finite", "write_file"]

PAGE = "report.html"


def write_file(path: Path, content: Iterable[bytes]) -> None:
    """Replace ``path`` in one step: a reader sees the old file or the whole new one.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        with temporary_folder(path.parent) as folder:
            with (folder / path.name).open("wb") as file:
                file.writelines(content)
            os.replace(folder / path.name, path)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"cannot write {path.name} in {path.parent}: {reason}; choose another folder"
        ) from error


@dataclass(frozen=True)
class ReportFolder:
    """A folder with ``report.html``, tables and plots, and with no other files in it.

    Parameters
    ----------
    tables : tuple of str
        Names of the tables' files.
    plots : tuple of str
        Names of the plots, each of which is an SVG and a PDF.
    """

    tables: tuple[str, ...]
    plots: tuple[str, ...]

    def check(self, folder: Path, overwrite: bool = False) -> None:
        """Make sure that a folder is free for a report, before minutes of work.

        Parameters
        ----------
        folder : Path
            A folder that is missing, empty, or holds an earlier report.
        overwrite : bool
            True if an earlier report may be replaced.

        Raises
        ------
        OutputError
            If it is not free.
        """
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file; give the name of a folder")
        present = sorted(folder.iterdir()) if folder.is_dir() else []
        foreign = next((path for path in present if not self._has(path)), None)
        if foreign is not None:
            raise OutputError(
                f"{folder} holds {foreign.name}, which is no part of such a report; choose a "
                "folder of its own for it"
            )
        if present and not overwrite:
            raise OutputError(
                f"{folder} holds a report already; choose another folder, or allow --overwrite"
            )

    def write(
        self,
        folder: Path,
        page: str,
        tables: Mapping[str, bytes],
        plots: Mapping[str, Mapping[str, bytes]],
        overwrite: bool,
    ) -> Path:
        """Write all files at once, and return the path of ``report.html``."""
        files = {PAGE: page.encode(), **tables}
        files |= {f"{name}.{kind}": data for name, of in plots.items() for kind, data in of.items()}
        with staged_folder(folder, overwrite, self._has) as staged:
            for name, data in files.items():
                (staged / name).write_bytes(data)
        return folder / PAGE

    def _has(self, path: Path) -> bool:
        plots = (f"{plot}.{kind}" for plot in self.plots for kind in ("svg", "pdf"))
        return path.name in {PAGE, *self.tables, *plots} and path.is_file()


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a table with the first row's keys as its head; numbers with eight digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def as_json(facts: Any) -> bytes:
    """Return the text of facts that are finite, or None."""
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()


def finite(value: Any) -> Any:
    """Return facts as JSON takes them: what is not finite is None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
