"""The demo: sample scans restored, shown, and compared with the truth they were made from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medrestore import io
from medrestore.batch.contact_sheet import contact_sheet
from medrestore.batch.entry import entry_of
from medrestore.batch.page import write_page
from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale
from medrestore.core.meter import SILENT, Meter
from medrestore.errors import Cancelled, InputError
from medrestore.modalities import modality_named, names
from medrestore.resources import sample_data_folder
from medrestore.restorer import RESTORER
from medrestore.results.preflight import check_destination
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    import os

    from medrestore.api import Result
    from medrestore.volume import Geometry, Volume

__all__ = ["Demo", "accuracy", "demo", "on_grid"]

SAMPLES = 4
"""Half the default: the demo is to take less than two minutes on two cores."""

CLEAN = "_clean"
"""Ends the name of a reference: ``mr_head_clean`` is the truth of ``mr_head``."""


@dataclass(frozen=True)
class Demo:
    """Outcome of a demo: metrics by scan, the page, the contact sheet, and seconds taken."""

    metrics: dict[str, dict[str, str]]
    page: Path
    sheet: Path
    seconds: float


def demo(out: str | os.PathLike[str], meter: Meter = SILENT) -> Demo:
    """Restore the sample scans; results of an earlier demo are replaced.

    Parameters
    ----------
    out : path
        Folder for the restored layers, ``report.html`` and ``contact_sheet.png``.
    meter : Meter
        Follows each scan.

    Raises
    ------
    InputError
        If there are no sample scans.
    OutputError
        If the folder cannot be written.
    """
    folder, begin = Path(out), time.monotonic()
    samples, truths = _scans()
    rows, entries, metrics = [], [], {}
    for scan in samples:
        before = time.monotonic()
        noisy = io.read(scan, _modality(scan.name))
        result = _restored(noisy, folder, meter)
        metrics[scan.name] = found = _metrics(noisy, result, truths)
        row = {"noisy": noisy}
        row |= {name: getattr(result, name) for name in ("restored", "std", "lower", "upper")}
        rows.append(row)
        entries.append(entry_of(noisy, result, time.monotonic() - before, found))
    contact_sheet(folder / "contact_sheet.png", rows, level=result.plan.settings.level)
    write_page(folder / "report.html", entries, title="medrestore demo")
    seconds_in_all = time.monotonic() - begin
    return Demo(metrics, folder / "report.html", folder / "contact_sheet.png", seconds_in_all)


def _scans() -> tuple[list[io.Scan], list[io.Scan]]:
    """The sample scans, and the truths of some of them."""
    scans = io.find(sample_data_folder())
    samples = [scan for scan in scans if not scan.name.endswith(CLEAN)]
    if not samples:
        raise InputError("there are no sample scans; reinstall medrestore")
    return samples, [scan for scan in scans if scan.name.endswith(CLEAN)]


def _restored(noisy: Volume, folder: Path, meter: Meter) -> Result:
    check_destination(noisy, folder, overwrite=True)
    result = RESTORER.run(RESTORER.plan(noisy, Settings(samples=SAMPLES)), noisy, meter)
    if result.drawn < SAMPLES:
        raise Cancelled("stopped; the demo is not complete")
    result.save(folder, overwrite=True)
    return result


def _metrics(noisy: Volume, result: Result, truths: list[io.Scan]) -> dict[str, str]:
    """Noise and checks and, where the truth is known, the accuracy of the result."""
    name = noisy.source.name
    found = {"noise": f"{result.plan.noise.sigma:.3g} {noisy.unit}, estimated"}
    if result.guards is not None:
        found["checks"] = result.guards.sentence()
    own = [scan for scan in truths if name.startswith(scan.name.removesuffix(CLEAN))]
    if not own:
        return found
    clean = on_grid(io.read(own[0], _modality(name)), noisy.geometry)
    return found | accuracy(clean, noisy, result)


def accuracy(clean: Volume, noisy: Volume, result: Result) -> dict[str, str]:
    """Error of a scan and of its result against the truth, and coverage of the interval.

    Only the foreground (MR) or soft tissue (CT) of the truth counts: air is easy.
    """
    truth = clean.array
    soft = modality_named(noisy.modality or "MR").evaluation.soft_tissue
    if soft is not None:
        inside = (truth > soft[0]) & (truth < soft[1])
        where = "soft tissue"
        before, after = (_rmse(v.array, truth, inside) for v in (noisy, result.restored))
        found = {f"error (RMSE) in {where}": f"{before:.1f} → {after:.1f} {noisy.unit}"}
    else:
        scale = foreground_scale(truth)
        top = float(np.percentile(truth[np.isfinite(truth)], 99.5))
        inside, where = truth > FOREGROUND_FRACTION * top, "the foreground"
        before, after = (_rmse(v.array, truth, inside) for v in (noisy, result.restored))
        psnr = [20 * np.log10(scale / max(error, 1e-9 * scale)) for error in (before, after)]
        found = {f"PSNR in {where}": f"{psnr[0]:.1f} → {psnr[1]:.1f} dB"}
    within = (truth >= result.lower.array) & (truth <= result.upper.array)
    level = 100 * result.plan.settings.level
    share = 100 * float(within[inside].mean())
    return {**found, f"covered by the {level:g} % interval": f"{share:.1f} % of {where}"}


def on_grid(volume: Volume, geometry: Geometry) -> Volume:
    """The same voxels with axes ordered and directed as in ``geometry``.

    Raises
    ------
    InputError
        If the two grids differ by more than the order and direction of their axes.
    """
    turn = (np.linalg.inv(volume.geometry.affine) @ geometry.affine)[:3, :3]
    order = np.abs(turn).argmax(axis=0)  # the volume's axis along each axis of the grid
    flip = turn[order, range(3)] < 0
    steps = tuple(slice(None, None, -1 if backwards else 1) for backwards in flip)
    a, b, c = (int(axis) for axis in order)
    turned = volume.geometry.transposed((a, b, c), (bool(flip[0]), bool(flip[1]), bool(flip[2])))
    if not turned.same_grid(geometry, tolerance_mm=0.01):
        raise InputError(f"{volume.source.name} is not on the grid of the scan it belongs to")
    return volume.with_array(volume.array.transpose(order)[steps], geometry=turned)


def _rmse(
    array: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    truth: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> float:
    return float(np.sqrt(np.square(array - truth, dtype=np.float64)[inside].mean()))


def _modality(name: str) -> str | None:
    """A sample's name begins with its modality, which NIfTI cannot say."""
    kind = name[:2].upper()
    return kind if kind in names() else None
