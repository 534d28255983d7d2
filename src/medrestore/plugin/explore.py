"""The Uncertainty panel: how sure a result is, under the cursor and in regions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QPushButton,
    QWidget,
)

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawings import Drawing, chosen_drawing, take
from medrestore.plugin.exceeding import Exceeding
from medrestore.plugin.jobs import PanelJob, State, StatusView
from medrestore.plugin.layers import record_in
from medrestore.plugin.positions import stored_index
from medrestore.plugin.regions import (
    RegionTable,
    SpreadPlot,
    as_csv,
    measure,
    reading,
)
from medrestore.plugin.rows import (
    QUIET_STYLE,
    JobStatus,
    Sentence,
    button_row,
    column,
    form,
    heading,
)
from medrestore.plugin.viewer import ScanPicker, bare, holds_run, result_of, watch
from medrestore.plugin.worker import jobs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from medrestore.plugin.regions import MeasuredRegion
    from medrestore.results.result import Result

__all__ = ["ExplorePanel"]

HINT = "Move the cursor over the picture."
NO_RESULT = "Denoise a scan, or open a saved run, and read its uncertainty here."


class ExplorePanel(QWidget):
    """Reads values, intervals and regions from the results in a viewer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Its layers are read; drawing a region adds a Shapes layer.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.rows: list[MeasuredRegion] = []
        self.picker = ScanPicker(napari_viewer, holds_run, holds_run)
        self.picker.setPlaceholderText("no result yet")
        self.readout = QLabel()
        self.meaning = LayerMeaning(napari_viewer)
        self.draw_button = QPushButton("New region")
        self.measure_button = QPushButton("Measure")
        self.table = RegionTable()
        self.spread = SpreadPlot()
        self.copy_button = QPushButton("Copy table")
        self.csv_button = QPushButton("Save CSV…")
        self.exceeding = Exceeding(napari_viewer)
        self.job = JobStatus()
        self.jobs = jobs_of(self, self._show)
        self._lay_out()
        self._connect()
        self._picked()
        self.meaning.refresh()  # not before it lies in the panel: it would be a window

    def _lay_out(self) -> None:
        self.readout.setWordWrap(True)
        self.readout.setMinimumHeight(self.readout.fontMetrics().lineSpacing() * 2 + 6)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.draw_button.setToolTip("Adds a Shapes layer: draw an ellipse, or choose another tool.")
        self.measure_button.setToolTip(
            "The mean of each region that was drawn in the selected Shapes or Labels layer, with "
            "its interval. Two samples are as good as many here: they refine what the spectrum of "
            "the prediction's error says."
        )
        column(
            self,
            8,
            form({"Result": self.picker}),
            self.meaning,
            heading("Under the cursor"),
            self.readout,
            heading("Regions"),
            button_row(self.draw_button, self.measure_button),
            self.table,
            self.spread,
            button_row(self.copy_button, self.csv_button),
            self.exceeding,
            self.job,
            None,
            margins=True,
        )

    def event(self, event: QEvent) -> bool:
        """Cancel a measurement when the panel is closed: nobody could any more."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.jobs.cancel()
        return bool(super().event(event))

    def _connect(self) -> None:
        self.picker.chosen.connect(self._picked)
        self.draw_button.clicked.connect(self.draw)
        self.measure_button.clicked.connect(self.measure)
        self.copy_button.clicked.connect(self.copy)
        self.csv_button.clicked.connect(self.ask_where)
        self.exceeding.asked.connect(partial(self.jobs.begin, self._exceeding))
        self.table.currentCellChanged.connect(self._row_chosen)
        callbacks, moved = self._viewer.mouse_move_callbacks, self._moved
        callbacks.append(moved)
        self.destroyed.connect(lambda *_: moved in callbacks and callbacks.remove(moved))

    @property
    def result(self) -> Result | None:
        """The chosen result."""
        return None if self.picker.layer is None else result_of(self.picker.layer)

    def read(self, position: tuple[float, ...]) -> None:
        """Show what the result says at a place in the world."""
        layer, result = self.picker.layer, self.result
        if layer is None or result is None or len(position) < layer.ndim:
            return
        index = layer.world_to_data(position[-layer.ndim :])
        voxel = stored_index(index, {"metadata": layer.metadata}, layer.data.shape[-3:])
        text = HINT if voxel is None else reading(result, voxel, _time_point(layer, index))
        self.readout.setText(text)

    def draw(self) -> None:
        """Add a Shapes layer on the result's grid and start drawing ellipses."""
        layer = self.picker.layer
        if layer is None:
            self._say(NO_RESULT)
            return
        drawing = self._viewer.add_shapes(
            ndim=layer.ndim,
            name="regions",
            scale=layer.scale,
            translate=layer.translate,
            units=layer.units,
            axis_labels=layer.axis_labels,
            face_color=[1, 0.7, 0.2, 0.15],
            edge_color="orange",
            edge_width=0.6 / float(min(abs(s) for s in layer.scale[-3:])),
        )
        drawing.mode = "add_ellipse"
        self._say("Draw an ellipse on the picture, as many as you like; then press Measure.")

    def measure(self) -> None:
        """Measure the regions that are drawn."""
        self.jobs.begin(self._measuring)

    def copy(self) -> None:
        """Copy the table, to be pasted into a spreadsheet."""
        clipboard: Any = QApplication.clipboard()
        clipboard.setText(as_csv(self.rows, "\t"))
        self._say("Copied the table.")

    def ask_where(self) -> None:
        """Ask for a file and write the table there."""
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save the table", "regions.csv", "CSV (*.csv)"
        )
        if chosen:
            self.save(chosen)

    def save(self, path: str) -> None:
        """Write the table as CSV."""
        try:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(as_csv(self.rows))
        except OSError as error:
            self._say(f"The table cannot be written there: {error.strerror or error}.", True)
        else:
            self._say("Saved the table.")

    def _exceeding(self) -> PanelJob:
        layer, result = self.picker.layer, self.result
        if layer is None or result is None:
            raise MedrestoreError(NO_RESULT)
        return self.exceeding.job(layer, result, lambda: self._drawn(layer)[0])

    def _drawn(self, layer: Any) -> tuple[Drawing | None, int]:
        """What is drawn, and the time point on display."""
        drawn = chosen_drawing(self._viewer)
        point = tuple(self._viewer.dims.point)[-layer.ndim :]
        time = _time_point(layer, layer.world_to_data(point))
        return None if drawn is None else take(bare(drawn), layer, time), time

    def _measuring(self) -> PanelJob:
        layer, result = self.picker.layer, self.result
        if layer is None or result is None:
            raise MedrestoreError(NO_RESULT)
        drawing, time = self._drawn(layer)
        meta = {"metadata": layer.metadata}
        task = partial(measure, result, meta, drawing, time)
        return PanelJob("Measuring the regions…", task, self._measured)

    def _measured(self, rows: list[MeasuredRegion]) -> StatusView:
        self.rows = rows
        self.table.show_rows(rows)
        self.table.setCurrentCell(0, 0)
        self._row_chosen(0)
        count = len(rows[0].region.samples)
        rest = "the spectrum of the prediction's error"
        if count:
            lone = self.result is not None and self.result.plan.card().family.fewest_samples > 0
            rest = f"{count} samples" if lone else f"{rest} and {count} samples"
        rest += "" if all(row.region.calibrated for row in rows) else ", and are not calibrated"
        return StatusView(status=f"Measured {len(rows)}; the intervals rest on {rest}.")

    def _picked(self, *_: object) -> None:
        self.rows = []
        self.table.show_rows([])
        self.spread.show_row(None)
        self.readout.setText(HINT if self.result is not None else "")
        self.exceeding.show_unit(self.result)
        self._say("" if self.result is not None else NO_RESULT)

    def _row_chosen(self, row: int, *_: object) -> None:
        self.spread.show_row(self.rows[row] if 0 <= row < len(self.rows) else None)

    def _moved(self, viewer: Any, event: Any) -> None:
        if viewer.dims.ndisplay == 2:
            self.read(tuple(event.position))

    def _say(self, text: str, problem: bool = False) -> None:
        if self.jobs.view.state is State.IDLE:
            self.jobs.show(StatusView(status=text, problem=problem))

    def _show(self, view: StatusView) -> None:
        idle = view.state is State.IDLE
        ready = idle and self.result is not None
        self.picker.setEnabled(idle)
        self.draw_button.setEnabled(ready)
        self.measure_button.setEnabled(ready)
        self.exceeding.setEnabled(ready)
        for button in (self.copy_button, self.csv_button):
            button.setEnabled(idle and bool(self.rows))
        self.job.show_view(view)


def _time_point(layer: Any, index: Sequence[float]) -> int:
    """Time point at a position in a layer's data, clipped to the series; 0 of a 3-D scan."""
    return min(max(round(float(index[0])), 0), len(layer.data) - 1) if layer.ndim == 4 else 0


class LayerMeaning(Sentence):
    """Sentence on the layer that is selected in the viewer; hidden unless it is a result's."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(QUIET_STYLE)
        self._viewer = viewer
        watch(self, [viewer.layers.selection.events.active], self.refresh)
        self.setVisible(False)

    def refresh(self, event: Any = None) -> None:
        """Say what the selected layer shows."""
        layer = self._viewer.layers.selection.active
        text = "" if layer is None else str(record_in(layer.metadata).get("meaning", ""))
        self.setText(text)
        self.setVisible(bool(text))
