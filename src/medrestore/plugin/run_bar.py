"""Buttons that save a run, open one again, copy the lines that repeat it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QMenu,
    QPushButton,
    QWidget,
)

from medrestore.io.formats import FORMATS
from medrestore.plugin.requests import command_line, python_lines
from medrestore.plugin.rows import button_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.plugin.requests import Choices, Snapshot
    from medrestore.results.result import Result

__all__ = ["RunBar"]


class RunBar(QWidget):
    """Three buttons; asks for files and folders, and passes on what was chosen.

    Parameters
    ----------
    save : callable
        Takes the folder to save the run in, and one of `naming.offered`.
    reopen : callable
        Takes the record of a run to open.
    scan : callable
        Gives the scan and the choices as they are now.
    tell : callable
        Takes a sentence on what was copied.
    """

    def __init__(
        self,
        save: Callable[[Path, str], object],
        reopen: Callable[[Path], object],
        scan: Callable[[], tuple[Snapshot | None, Choices]],
        tell: Callable[[str], object],
    ) -> None:
        super().__init__()
        self._save, self._reopen, self._scan, self._tell = save, reopen, scan, tell
        self.save_button = QPushButton("Save…")
        self.copy_button = QPushButton("Copy as")
        self.open_button = QPushButton("Open run…")
        self.formats = QMenu(self)
        self.formats.setToolTipsVisible(True)
        offered = [one for one in FORMATS.values() if one.result is not None]
        for one in sorted(offered, key=lambda one: not one.series):
            action = self.formats.addAction(one.menu, partial(self.ask_where, one.name))
            action.setData(one.name)
            action.setToolTip(one.tip)
        self.save_button.setMenu(self.formats)
        self.copy_button.setToolTip("Copies the lines that repeat this in Python or a shell.")
        self.open_button.setToolTip("Opens a saved run from its record, <scan>_run.json.")
        menu = QMenu(self)
        menu.addAction("Python", self.copy_python)
        menu.addAction("Command line", self.copy_command)
        self.copy_button.setMenu(menu)
        self.show_run(None)
        self.open_button.clicked.connect(self.ask_which)
        self.setLayout(button_row(self.save_button, self.copy_button, self.open_button))
        self.layout().setContentsMargins(0, 0, 0, 0)

    def show_run(self, result: Result | None) -> None:
        """Offer to save a run, in the formats that its scan allows; None: there is none."""
        self.save_button.setEnabled(result is not None)
        if result is None:
            self.save_button.setToolTip("Saves a run: restore a scan first.")
            return
        source = result.restored.source
        self.save_button.setToolTip(f"Saves the run of {source.name}: all its maps and its record.")
        for action in self.formats.actions():
            series = FORMATS[action.data()].series
            action.setEnabled(not series or source.format == action.data())

    def ask_where(self, format: str) -> None:
        """Ask for a folder, and save the run there."""
        folder = QFileDialog.getExistingDirectory(self, "Save the run in a folder")
        if folder:
            self._save(Path(folder), format)

    def ask_which(self) -> None:
        """Ask for a record, and open its run."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Open a run", filter="Records of runs (*_run.json);;All files (*)"
        )
        if chosen:
            self._reopen(Path(chosen))

    def copy_python(self) -> None:
        """Copy the lines of Python that repeat the run."""
        self._copy(python_lines, "Copied: the lines of Python that do the same.")

    def copy_command(self) -> None:
        """Copy the command that repeats the run."""
        self._copy(command_line, "Copied: the command that does the same.")

    def _copy(self, lines: Callable[..., str], text: str) -> None:
        clipboard: Any = QApplication.clipboard()
        clipboard.setText(lines(*self._scan()))
        self._tell(text)
