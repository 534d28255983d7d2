"""The dock widget: choose a scan, denoise it, get layers. Shows what the controller says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.experimental import link_layers
from napari.layers import Image
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from medrestore.plugin.controller import Actions, Controller, Snapshot, State, View, modality_of
from medrestore.plugin.form import SettingsForm
from medrestore.plugin.layers import KEY, describe
from medrestore.plugin.results import LINKED
from medrestore.plugin.scan_picker import ScanPicker
from medrestore.plugin.worker import RunWorker

if TYPE_CHECKING:
    from threading import Event

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.progress import Progress
    from medrestore.plugin.run import Request

__all__ = ["DenoiseWidget"]

RESEARCH_ONLY = "For research use only, not for diagnosis."
PROBLEM_STYLE = "color: #cc6f1c;"  # amber: legible on napari's dark and light themes
QUIET_STYLE = "color: #7d828b;"


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
        self._worker: RunWorker | None = None
        self.form = SettingsForm(ScanPicker(napari_viewer))
        self.denoise_button = QPushButton("Denoise")
        self.cancel_button = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.pace = QLabel()
        self.status = QLabel()
        self._lay_out()
        self.controller = Controller(Actions(self._launch, self._show, self._add))
        self._connect()
        self._scan_changed()
        self._show(self.controller.view)

    def _lay_out(self) -> None:
        for label in (self.status, self.pace):
            label.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar.setTextVisible(False)
        self.pace.setStyleSheet(QUIET_STYLE)
        self.form.facts.setStyleSheet(QUIET_STYLE)
        footer = QLabel(RESEARCH_ONLY)
        footer.setStyleSheet(QUIET_STYLE)
        footer.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.denoise_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.pace)
        layout.addWidget(self.status)
        layout.addStretch(1)
        layout.addWidget(footer)

    def _connect(self) -> None:
        self.denoise_button.clicked.connect(self.denoise)
        self.cancel_button.clicked.connect(self.cancel)
        self.form.picker.currentIndexChanged.connect(self._scan_changed)
        self.form.modality.currentIndexChanged.connect(self._scan_changed)
        controller = self.controller
        self.destroyed.connect(lambda *_: controller.abandon())  # must not hold on to self

    def event(self, event: QEvent) -> bool:
        """Cancel a run when the dock is closed: nobody could any more."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.controller.cancel()
        return bool(super().event(event))

    def denoise(self) -> None:
        """Denoise the chosen scan with the settings shown."""
        self._source = self.form.picker.layer
        self.controller.denoise(self._snapshot(), self.form.choices())

    def cancel(self) -> None:
        """Stop the run at its next step."""
        self.controller.cancel()

    def _snapshot(self) -> Snapshot | None:
        layer = self.form.picker.layer
        if layer is None:
            return None
        data, meta, _ = layer.as_layer_data_tuple()
        return Snapshot(data, dict(meta))

    def _scan_changed(self, *_: object) -> None:
        layer = self.form.picker.layer
        record = {} if layer is None else {"metadata": {KEY: layer.metadata.get(KEY)}}
        chosen = self.form.modality.currentData()
        modality = modality_of(None if layer is None else Snapshot(None, record), chosen)
        self.form.facts.setText("" if layer is None else describe(layer, modality))
        self.form.facts.setVisible(layer is not None)
        self.form.show_noise_unit(modality)
        self.form.show_models(modality)

    def _launch(self, request: Request, stop: Event) -> None:
        worker = self._worker = RunWorker(request, stop)
        worker.progressed.connect(self._progressed)
        worker.returned.connect(self._returned)
        worker.errored.connect(self._errored)
        worker.start()

    # Methods of a QObject, so that Qt calls them in the thread that draws.
    def _progressed(self, progress: Progress) -> None:
        self.controller.progressed(progress)

    def _returned(self, result: Any) -> None:
        self._worker = None
        self.controller.finished(result)

    def _errored(self, error: Exception) -> None:
        self._worker = None
        self.controller.failed(error)

    def _show(self, view: View) -> None:
        idle = view.state is State.IDLE
        self.form.setEnabled(idle)
        self.denoise_button.setEnabled(idle)
        self.cancel_button.setEnabled(view.state is State.RUNNING)
        self.bar.setVisible(not idle)
        self.pace.setVisible(not idle)
        self.bar.setMaximum(view.progress.total if view.progress else 0)  # 0: busy, end unknown
        self.bar.setValue(view.progress.done if view.progress else 0)
        self.pace.setText(view.progress.text if view.progress else "Starting…")
        self.status.setText(view.status)
        self.status.setStyleSheet(PROBLEM_STYLE if view.problem else "")

    def _add(self, tuples: list[LayerTuple]) -> None:
        """Add result layers; those in the scan's intensities share its contrast, both ways."""
        source = self._source
        present = any(getattr(one, "__wrapped__", one) is source for one in self._viewer.layers)
        linked = [source] if present else []
        for data, meta, _ in tuples:
            layer = Image(data, **meta)
            if meta["metadata"][KEY]["role"] in LINKED:
                if present:  # its contrast may have been changed during the run
                    layer.contrast_limits_range = source.contrast_limits_range
                    layer.contrast_limits = source.contrast_limits
                linked.append(layer)
            elif hasattr(layer, "colorbar"):  # younger than napari 0.7
                layer.colorbar.visible = True
            self._viewer.add_layer(layer)
        link_layers(linked, ("contrast_limits",))
