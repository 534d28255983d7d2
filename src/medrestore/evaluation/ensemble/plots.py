"""Plots of a study: noise power, transfer, detectability and linearity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch

from medrestore.evaluation.ensemble.scene import contrast_of
from medrestore.report.plots import FAINT, INK, NOISY

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medrestore.evaluation.ensemble.study import Study

__all__ = ["PLOTS"]

CYCLE = (NOISY, "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""The noisy images grey, then Okabe & Ito's colours, told apart by the colour-blind."""
DASHES = ("-", "--", "-.", ":")
COLUMNS = 3


def _nps(study: Study, figure: Figure) -> None:
    """Radial noise power, and its shape alone."""
    figure.set_size_inches(9.6, 3.4)
    power, shape = figure.subplots(1, 2)
    unit = study.scene.unit
    for number, one in enumerate(study.methods):
        spectrum = one.noise.spectrum
        power.plot(spectrum.frequency, spectrum.power, label=one.method, **_look(number))
        area = np.trapezoid(spectrum.power, spectrum.frequency)
        if area > 0:
            shape.plot(spectrum.frequency, spectrum.power / area, **_look(number))
    power.set(title="Noise power", ylabel=f"NPS ({unit}² mm²)", yscale="log")
    shape.set(title="Texture", ylabel="NPS / its integral (mm)")
    for axes in (power, shape):
        axes.set(xlabel="spatial frequency (cycles/mm)", xlim=(0, None))
    _legend(figure, power)


def _ttf(study: Study, figure: Figure) -> None:
    """A panel for each rod."""
    rods = study.scene.rods
    panels = _panels(figure, len(rods))
    for panel, rod in zip(panels, rods, strict=True):
        for number, method in enumerate(study.methods):
            sharp = next(one.transfer for one in method.rods if one.rod == rod)
            panel.plot(sharp.frequency, sharp.value, label=method.method, **_look(number))
        panel.axhline(0.5, color=FAINT, lw=0.8, ls=":")
        panel.set(title=contrast_of(rod, study.scene.unit), xlim=(0, None), ylim=(-0.1, 1.4))
        panel.set(xlabel="spatial frequency (cycles/mm)", ylabel="TTF")
    _legend(figure, panels[0])


def _detectability(study: Study, figure: Figure) -> None:
    """d′ of both observers with their intervals, a group of bars for each kind of lesion."""
    figure.set_size_inches(9.6, 3.6)
    observers = ("hotelling", "matched")
    panels = figure.subplots(1, 2, sharey=True)
    groups = study.scene.lesions
    width = 0.8 / len(study.methods)
    for panel, observer in zip(panels, observers, strict=True):
        for number, method in enumerate(study.methods):
            for group, one in enumerate(method.lesions):
                found = getattr(one, observer)
                if found is None:
                    continue
                low, value, high = (found.d_prime[i] for i in (1, 0, 2))
                x = group + (number + 0.5) * width - 0.4
                panel.bar(x, value, width * 0.9, color=_look(number)["color"])
                panel.vlines(x, low, high, color=INK, lw=0.9)
        names = [
            f"{one.diameter_mm:g} mm\n{one.contrast:+.3g} {study.scene.unit}" for one in groups
        ]
        panel.set_xticks(range(len(groups)), names)
    panels[0].set(title="Channelised Hotelling observer", ylabel="d′")
    panels[1].set(title="Matched filter")
    handles = [
        Patch(color=_look(i)["color"], label=one.method) for i, one in enumerate(study.methods)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _linearity(study: Study, figure: Figure) -> None:
    """Deviation of each rod's value from its true one."""
    figure.set_size_inches(5.6, 3.6)
    axes = figure.subplots()
    unit = study.scene.unit
    axes.axhline(0, color=FAINT, lw=1, ls="--")
    for number, method in enumerate(study.methods):
        true = [one.true for one in method.rods]
        bias = [one.bias.value for one in method.rods]
        error = [one.bias.upper - one.bias.value for one in method.rods]
        axes.errorbar(true, bias, error, marker="o", ms=4, label=method.method, **_look(number))
    axes.set(title="Bias of rods", xlabel=f"true value ({unit})", ylabel=f"bias ({unit})")
    _legend(figure, axes)


def _look(number: int) -> dict[str, Any]:
    """Colour, and dashes once the colours are used up."""
    turn, colour = divmod(number, len(CYCLE))
    return {"color": CYCLE[colour], "ls": DASHES[turn % len(DASHES)]}


def _panels(figure: Figure, count: int) -> list[Axes]:
    columns = min(COLUMNS, count)
    lines = -(-count // columns)
    figure.set_size_inches(9.6, 2.7 * lines + 0.4)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for spare in panels[count:]:
        spare.set_visible(False)
    return list(panels[:count])


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))


PLOTS: dict[str, Callable[[Study, Figure], None]] = {
    "nps": _nps,
    "ttf": _ttf,
    "detectability": _detectability,
    "linearity": _linearity,
}
"""By the name of its files without suffix, what draws a plot."""
