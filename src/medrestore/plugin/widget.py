"""The Denoise panel: choose a scan, preview, run, get layers. Shows what the controller says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QWidget,
)

from medrestore.plugin.controller import Actions, Controller
from medrestore.plugin.drawings import chosen_drawing, take
from medrestore.plugin.form import SettingsForm
from medrestore.plugin.jobs import State
from medrestore.plugin.layers import describe
from medrestore.plugin.messages import as_sentence
from medrestore.plugin.positions import acquired_axis
from medrestore.plugin.presenter import Presenter
from medrestore.plugin.requests import (
    NO_MODALITY,
    NO_SCAN,
    Snapshot,
    modality_of,
    stated_modality,
)
from medrestore.plugin.rows import QUIET_STYLE, RESEARCH_ONLY, JobStatus, column, quiet_label
from medrestore.plugin.run_bar import RunBar
from medrestore.plugin.viewer import ScanPicker, bare, is_scan, layers_of, watch
from medrestore.plugin.worker import jobs_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel

    from medrestore.errors import MissingScanError
    from medrestore.plugin.drawings import Drawing
    from medrestore.plugin.jobs import StatusView
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Choices
    from medrestore.results.result import Result

__all__ = ["DenoiseWidget"]

READY = "Ready."


class DenoiseWidget(QWidget):
    """Denoises a scan of a viewer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Handed over by napari. Its layers are read and added to, never changed.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._source: Any = None
        self._then: Snapshot | None = None
        self.form = SettingsForm(ScanPicker(napari_viewer))
        self.preview_button = QPushButton("Preview")
        self.denoise_button = QPushButton("Denoise")
        self.cancel_button = QPushButton("Cancel")
        self.job = JobStatus()
        self.status = self.job.text
        self._presenter = Presenter(napari_viewer)
        actions = Actions(
            self._add, self._preview, self._presenter.reopened, self._take_noise, self._ask_scan
        )
        self.controller = Controller(jobs_of(self, self._show), actions)
        self.run_bar = RunBar(self._save, self._reopen, self._as_set, self.controller.say)
        self._lay_out()
        self._connect()
        self._scan_chosen()

    def _lay_out(self) -> None:
        self.preview_button.setToolTip(
            "Restores the slice on display, and says what Denoise would take."
        )
        self.denoise_button.setToolTip("Restores the scan and adds its layers.")
        self.cancel_button.setToolTip("Stops at the next step; what is valid by then is kept.")
        self.form.facts.setStyleSheet(QUIET_STYLE)
        buttons = QHBoxLayout()
        buttons.addWidget(self.preview_button, 3)
        buttons.addWidget(self.denoise_button, 3)
        buttons.addWidget(self.cancel_button, 2)
        footer = quiet_label(RESEARCH_ONLY)
        parts = (self.form, buttons, self.job, None, self.run_bar, footer)
        column(self, 8, *parts, margins=True)

    def _connect(self) -> None:
        self.preview_button.clicked.connect(self.preview)
        self.denoise_button.clicked.connect(self.denoise)
        self.cancel_button.clicked.connect(self.cancel)
        self.form.noise_entry.from_region.connect(self.measure_noise)
        self.form.picker.chosen.connect(self._scan_chosen)
        self.form.picker.replaced.connect(self._scan_replaced)
        self.form.modality.currentIndexChanged.connect(self._modality_chosen)
        layers = self._viewer.layers
        emitters = layers.events.removed, layers.selection.events.active
        watch(self, emitters, self._layers_changed)

    def event(self, event: QEvent) -> bool:
        """Cancel a run when the dock is closed: nobody could any more."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
        return bool(super().event(event))

    def denoise(self) -> None:
        """Denoise the chosen scan with the settings shown."""
        self._source, self._then = self.form.picker.layer, self.snapshot()
        self.controller.denoise(self._then, self.form.choices())

    def preview(self) -> None:
        """Denoise the acquired slice on display."""
        layer = self._source = self.form.picker.layer
        self.controller.preview(self.snapshot(), self.form.choices(), self._position(layer))

    def measure_noise(self) -> None:
        """Measure the noise in the region that was drawn."""
        scan = self._source = self.form.picker.layer
        choices, drawing = self.form.choices(), self._drawing(scan)
        self.controller.measure_noise(self.snapshot(), choices, drawing, self._position(scan))

    def cancel(self) -> None:
        """Stop the run at its next step."""
        self.controller.jobs.cancel()

    def _save(self, folder: Path, format: str) -> None:
        self.controller.save(folder, format, self._presenter.run_to_save(self.form.picker.layer))

    def _reopen(self, record: Path) -> None:
        scans = filter(is_scan, layers_of(self._viewer))
        self.controller.reopen(record, *map(_snapshot_of, scans))

    def _ask_scan(self, error: MissingScanError) -> Path | None:
        reason = as_sentence(error).partition(";")[0]
        chosen, _ = QFileDialog.getOpenFileName(self, f"Choose the scan of this run. {reason}")
        return Path(chosen) if chosen else None

    def _as_set(self) -> tuple[Snapshot | None, Choices]:
        return self.snapshot(), self.form.choices()

    def snapshot(self) -> Snapshot | None:
        """Return the chosen scan as it is now."""
        layer = self.form.picker.layer
        return None if layer is None else _snapshot_of(layer)

    def _point(self, layer: Any) -> tuple[float, ...]:
        """Position of the viewer's sliders in the layer's own axes: the viewer may have more."""
        point = tuple(float(p) for p in self._viewer.dims.point)
        return point[-layer.ndim :] if len(point) >= layer.ndim else (0.0,) * layer.ndim

    def _position(self, layer: Any) -> tuple[float, ...]:
        """Position of the viewer's sliders, as indices into a layer's data."""
        return () if layer is None else tuple(layer.world_to_data(self._point(layer)))

    def _drawing(self, scan: Any) -> Drawing | None:
        layer = chosen_drawing(self._viewer)
        return None if scan is None or layer is None else take(bare(layer), scan)

    def _take_noise(self, value: float) -> None:
        if self.form.picker.layer is self._source:  # else it is another scan's
            self.form.noise_entry.show_measured(value)

    def _scan_chosen(self) -> None:
        """Another scan, or none: nothing that was of the last one stays."""
        self.form.forget(stated_modality(self.snapshot()))
        self._show_scan(anew=True)

    def _scan_replaced(self) -> None:
        """The chosen layer has other voxels, or another grid."""
        self._presenter.drop_stale_preview(self.form.picker.layer)
        self._show_scan(anew=False)

    def _modality_chosen(self, *_: object) -> None:
        self._show_scan(anew=False)

    def _show_scan(self, anew: bool) -> None:
        """Show what the chosen scan is, and offer what goes with it."""
        layer = self.form.picker.layer
        modality = self._modality()
        self.form.facts.setText("" if layer is None else describe(layer, modality))
        self.form.facts.setVisible(layer is not None)
        self.form.show_noise_unit(modality)
        self.form.show_models(modality)
        self.form.show_slices(0 if layer is None else _slices_of(layer), anew)
        self._greet()

    def _modality(self) -> str | None:
        return modality_of(self.snapshot(), self.form.modality.currentData())

    def _greet(self) -> None:
        """Say what can be done with the scan that is chosen, unless something is running."""
        if self.form.picker.layer is None:
            self.controller.say(NO_SCAN)
        elif self._modality() is None:
            self.controller.say(NO_MODALITY, problem=True)
        else:
            self.controller.say(READY)
        self._show(self.controller.jobs.view)

    def _layers_changed(self, event: Any = None) -> None:
        """A preview goes with its scan; whether there is a run to save may have changed."""
        self._presenter.drop_stale_preview()
        self._show(self.controller.jobs.view)

    def _show(self, view: StatusView) -> None:
        idle, scan = view.state is State.IDLE, self.form.picker.layer
        self.form.setEnabled(idle)
        self.denoise_button.setEnabled(idle and scan is not None)
        self.preview_button.setEnabled(idle and scan is not None)
        self.cancel_button.setEnabled(view.state is State.RUNNING)
        self.run_bar.setEnabled(idle)
        self.run_bar.copy_button.setEnabled(scan is not None)
        self.run_bar.show_run(self._presenter.run_to_save(scan))
        self.job.show_view(view)

    def _add(self, result: Result, tuples: list[LayerTuple]) -> Generator[None, None, str]:
        source = self._source
        changed = yield from self._presenter.results(source, self._then, result, tuples)
        return changed or self._of_another(source)

    def _preview(self, tuples: list[LayerTuple]) -> Generator[None, None, str]:
        source = self._source
        turned = yield from self._presenter.preview(source, tuples)
        return turned or self._of_another(source)

    def _of_another(self, source: Any) -> str:
        """Sentence on whose results these are, if another scan was chosen meanwhile."""
        other = self.form.picker.layer is not source
        return f"These results are of {source.name}." if other else ""


def _snapshot_of(layer: Any) -> Snapshot:
    data, meta, _ = layer.as_layer_data_tuple()
    return Snapshot(data, dict(meta))


def _slices_of(layer: Any) -> int:
    data = layer.data[0] if layer.multiscale else layer.data
    return (
        int(data.shape[-3:][acquired_axis({"metadata": layer.metadata})[0]])
        if data.ndim >= 3
        else 1
    )
