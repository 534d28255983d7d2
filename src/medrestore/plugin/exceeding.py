"""Controls that add the probability of exceeding a value to a finished run, as a layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medrestore.errors import MedrestoreError
from medrestore.plugin.adding import add_results
from medrestore.plugin.drawings import NO_REGION, drawn_regions, union
from medrestore.plugin.fields import ValueBox
from medrestore.plugin.jobs import PanelJob, StatusView
from medrestore.plugin.layers import stored
from medrestore.plugin.result_layers import exceeds_layer
from medrestore.plugin.rows import heading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.components import ViewerModel

    from medrestore.core.meter import Meter
    from medrestore.plugin.drawings import Drawing
    from medrestore.plugin.jobs import Turns
    from medrestore.results.result import Result
    from medrestore.volume import Volume

__all__ = ["Exceeding"]

NO_VALUE = "Enter the value to exceed, in the scan's unit."


class Exceeding(QWidget):
    """A value, whether it is above the drawn regions' mean, and a button; ``asked`` is its click.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the layer.
    """

    asked = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.value, self.unit = ValueBox(), QLabel()
        self.button = QPushButton("Add layer")
        self.than_region = QCheckBox("than the mean of the drawn regions")
        self.value.setToolTip("The value to exceed, in the scan's unit.")
        self.value.setAccessibleName("Value to exceed")
        self.value.setPlaceholderText("value")
        self.button.setToolTip(
            "Adds the probability that the true value of each voxel is higher: a layer from 0 to 1."
        )
        self.than_region.setToolTip(
            "How much higher than the mean of what is drawn in the selected Shapes or Labels "
            "layer, which has an error of its own."
        )
        rows, row = QVBoxLayout(self), QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.value, self.unit, self.button):
            row.addWidget(widget, int(widget is self.value))
        rows.addWidget(heading("Probability of a higher value"))
        rows.addLayout(row)
        rows.addWidget(self.than_region)
        self.button.clicked.connect(self.asked)
        self.value.returnPressed.connect(self.asked)

    def show_unit(self, result: Result | None) -> None:
        """Name the unit of the result's scan."""
        self.unit.setText("" if result is None else result.restored.unit)

    def job(self, layer: Any, result: Result, take: Callable[[], Drawing | None]) -> PanelJob:
        """The work of a click.

        Parameters
        ----------
        layer : Image
            The restored image of the result.
        take : callable
            Reads what is drawn.

        Raises
        ------
        MedrestoreError
            If there is no value.
        """
        value = self.value.given()
        if value is None:
            raise MedrestoreError(NO_VALUE)
        of_region = bool(self.than_region.isChecked())
        unit = result.restored.unit
        above = f"more than {value:g} {unit} above the region" if of_region else ""
        task = partial(_found, result, value)
        if of_region:
            task = partial(_compared, result, value, take(), {"metadata": layer.metadata})
        then = partial(self._add, layer, result, above or f"above {value:g} {unit}")
        return PanelJob("Computing the probability…", task, then)

    def _add(self, layer: Any, result: Result, above: str, found: Volume) -> Turns:
        made = exceeds_layer(result, found, above, layer.as_layer_data_tuple()[1])
        yield from add_results(self._viewer, layer, [made])
        status = f"Added a layer: how probable it is that the true value lies {above}, 0 to 1."
        return StatusView(status=status)


def _found(result: Result, value: float, meter: Meter) -> Volume:
    """The probability that a voxel exceeds a value."""
    meter.start(0, "Computing the probability")
    return result.exceedance(value)


def _compared(
    result: Result, value: float, drawing: Drawing | None, meta: Mapping[str, Any], meter: Meter
) -> Volume:
    """The probability that it exceeds the mean of what is drawn by a value."""
    meter.start(0, "Measuring the region")
    mask = None if drawing is None else union(drawn_regions(drawing))
    if mask is None:
        raise MedrestoreError(NO_REGION)
    inside = stored(mask, meta)
    if inside.shape != result.plan.shape:  # some slices of the scan were restored
        whole = np.zeros(result.plan.shape, bool)
        whole[list(result.plan.chosen)] = inside
        inside = whole
    return result.exceedance(value, inside)
