"""The Denoise panel: choose a scan, preview, run, get layers. Shows what the controller says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medrestore.plugin.adding import (
    add_preview,
    add_results,
    changed_since,
    remove_previews,
)
from medrestore.plugin.controller import Actions, Controller
from medrestore.plugin.drawings import chosen_drawing, take
from medrestore.plugin.form import SettingsForm
from medrestore.plugin.job_status import JobStatus
from medrestore.plugin.jobs import State
from medrestore.plugin.keeping import KeepingBar
from medrestore.plugin.layer_kinds import bare, is_scan
from medrestore.plugin.layers import KEY, describe
from medrestore.plugin.place import acquired_axis
from medrestore.plugin.requests import Snapshot, modality_of
from medrestore.plugin.scan_picker import ScanPicker
from medrestore.plugin.styles import QUIET_STYLE
from medrestore.plugin.worker import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from napari.components import ViewerModel

    from medrestore.plugin.drawn import Drawing
    from medrestore.plugin.jobs import View
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Choices

__all__ = ["DenoiseWidget"]

RESEARCH_ONLY = "For research use only, not for diagnosis."


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
        self._previewed: Any = None
        self._then: Snapshot | None = None
        self.form = SettingsForm(ScanPicker(napari_viewer))
        self.preview_button = QPushButton("Preview")
        self.denoise_button = QPushButton("Denoise")
        self.cancel_button = QPushButton("Cancel")
        self.job = JobStatus()
        self.status = self.job.text
        self._launcher = Launcher(self._show)
        actions = Actions(self._add, self._preview, self._reopened, self.form.noise.setValue)
        self.controller = Controller(self._launcher.jobs, actions)
        self.keeping = KeepingBar(
            self.controller.save, self._reopen, self._as_set, self.controller.say
        )
        self._lay_out()
        self._connect()
        self._scan_changed()
        self._show(self.controller.jobs.view)

    def _lay_out(self) -> None:
        self.preview_button.setToolTip(
            "Restores the slice on display, and says what the whole scan would take."
        )
        self.denoise_button.setToolTip("Restores the scan and adds its layers.")
        self.cancel_button.setToolTip("Stops at the next step; what is valid by then is kept.")
        self.form.facts.setStyleSheet(QUIET_STYLE)
        footer = QLabel(RESEARCH_ONLY)
        footer.setStyleSheet(QUIET_STYLE)
        footer.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.preview_button, 3)
        buttons.addWidget(self.denoise_button, 3)
        buttons.addWidget(self.cancel_button, 2)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        layout.addWidget(self.job)
        layout.addStretch(1)
        layout.addWidget(self.keeping)
        layout.addWidget(footer)

    def _connect(self) -> None:
        self.preview_button.clicked.connect(self.preview)
        self.denoise_button.clicked.connect(self.denoise)
        self.cancel_button.clicked.connect(self.cancel)
        self.form.noise_entry.from_region.connect(self.measure_noise)
        self.form.picker.currentIndexChanged.connect(self._scan_changed)
        self.form.modality.currentIndexChanged.connect(self._scan_changed)
        jobs = self.controller.jobs
        self.destroyed.connect(lambda *_: jobs.abandon())  # must not hold on to self

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
        point = () if layer is None else tuple(layer.world_to_data(self._point(layer)))
        self.controller.preview(self.snapshot(), self.form.choices(), point)

    def measure_noise(self) -> None:
        """Measure the noise in the region that was drawn."""
        scan = self.form.picker.layer
        self.controller.measure_noise(self.snapshot(), self.form.choices(), self._drawing(scan))

    def cancel(self) -> None:
        """Stop the run at its next step."""
        self.controller.jobs.cancel()

    def _reopen(self, record: Path) -> None:
        self.controller.reopen(record, self.snapshot())

    def _as_set(self) -> tuple[Snapshot | None, Choices]:
        return self.snapshot(), self.form.choices()

    def snapshot(self) -> Snapshot | None:
        """The chosen scan as it is now."""
        layer = self.form.picker.layer
        if layer is None:
            return None
        data, meta, _ = layer.as_layer_data_tuple()
        return Snapshot(data, dict(meta))

    def _point(self, layer: Any) -> tuple[float, ...]:
        """Where the viewer's sliders are, in the layer's own axes: the viewer may have more."""
        point = tuple(float(p) for p in self._viewer.dims.point)
        return point[-layer.ndim :] if len(point) >= layer.ndim else (0.0,) * layer.ndim

    def _drawing(self, scan: Any) -> Drawing | None:
        layer = chosen_drawing(self._viewer)
        return None if scan is None or layer is None else take(bare(layer), scan)

    def _scan_changed(self, *_: object) -> None:
        layer = self.form.picker.layer
        record = {} if layer is None else {"metadata": {KEY: layer.metadata.get(KEY)}}
        chosen = self.form.modality.currentData()
        modality = modality_of(None if layer is None else Snapshot(None, record), chosen)
        self.form.facts.setText("" if layer is None else describe(layer, modality))
        self.form.facts.setVisible(layer is not None)
        self.form.show_noise_unit(modality)
        self.form.show_models(modality)
        self.form.show_slices(0 if layer is None else _slices_of(layer, record))

    def _show(self, view: View) -> None:
        idle = view.state is State.IDLE
        self.form.setEnabled(idle)
        self.denoise_button.setEnabled(idle)
        self.preview_button.setEnabled(idle)
        self.cancel_button.setEnabled(view.state is State.RUNNING)
        self.keeping.setEnabled(idle)
        self.job.show_view(view)

    def _add(self, tuples: list[LayerTuple]) -> Generator[None, None, str]:
        yield from remove_previews(self._viewer)
        yield from add_results(self._viewer, self._source, tuples)
        return changed_since(self._viewer, self._source, self._then) if self._then else ""

    def _reopened(
        self, scan: LayerTuple, results: Callable[[Mapping[str, Any]], Any]
    ) -> Iterator[None]:
        """Add the results of a saved run, and its scan unless it is open already."""
        data, meta, _ = scan
        affine = meta["metadata"][KEY]["affine"]
        open_ones = (bare(layer) for layer in self._viewer.layers if is_scan(bare(layer)))
        found = [layer for layer in open_ones if _same_scan(layer, data, affine)]
        layer = found[-1] if found else self._viewer.add_image(data, **meta)
        _, placed, _ = layer.as_layer_data_tuple()
        yield from add_results(self._viewer, bare(layer), results(placed))

    def _preview(self, tuples: list[LayerTuple]) -> Iterator[None]:
        again, self._previewed = self._previewed is self._source, self._source
        yield from add_preview(self._viewer, self._source, tuples, again)


def _slices_of(layer: Any, meta: dict[str, Any]) -> int:
    data = layer.data[0] if layer.multiscale else layer.data
    return int(data.shape[-3:][acquired_axis(meta)[0]]) if data.ndim >= 3 else 1


def _same_scan(layer: Any, data: Any, affine: Any) -> bool:
    """Whether a layer shows these voxels in this place."""
    record = layer.metadata.get(KEY)
    placed = isinstance(record, dict) and np.allclose(record.get("affine", 0), affine)
    return placed and layer.data.shape == data.shape and np.array_equal(layer.data, data)
