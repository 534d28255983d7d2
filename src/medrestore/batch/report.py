"""What was restored, for people: a contact sheet and a page that opens anywhere, offline."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.batch.page import Article, Entry, drawn, render
from medrestore.batch.picture import amount, draw_sheet, panels
from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale
from medrestore.errors import InputError, OutputError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.volume import Geometry, Volume

__all__ = ["Article", "Entry", "contact_sheet", "drawn", "entry", "failed", "write_page"]

TOWARDS = {
    "R": "right", "L": "left", "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior",
}  # fmt: skip


def contact_sheet(
    path: str | Path, rows: Sequence[Mapping[str, Volume]], *, level: float | None = None
) -> None:
    """Draw a PNG with one row per scan: noisy, restored, std, lower and upper.

    Parameters
    ----------
    path : str or Path
        The PNG; missing folders are made, an older file is replaced in one step.
    rows : sequence of mappings
        Volumes of one scan under ``"noisy"``, ``"restored"``, ``"std"``, ``"lower"``, ``"upper"``;
        what is missing is left out, the middle acquired slice is shown.
    level : float, optional
        Nominal coverage of the bounds, 0…1, for their labels.

    Raises
    ------
    InputError
        If there is nothing to draw.
    OutputError
        If the file cannot be written.
    """
    drawn = [(_heading(row), panels(row, level)) for row in rows if row]
    if not drawn:
        raise InputError("a contact sheet needs at least one restored scan, got none")
    _write(Path(path), draw_sheet(drawn))


def entry(
    row: Mapping[str, Volume],
    *,
    settings: Mapping[str, Any] | None = None,
    timings: Mapping[str, float] | None = None,
    figures: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    calibrated: bool = True,
) -> Entry:
    """What the page says about one restored scan; the volumes may be dropped afterwards.

    Parameters
    ----------
    row : mapping of str to Volume
        As for `contact_sheet`.
    settings : mapping, optional
        What was asked for or resolved; ``"level"`` names the bounds. None values are left out.
    timings : mapping of str to float, optional
        Seconds per stage.
    figures : mapping of str to str, optional
        Measured results, in words and units.
    warnings : sequence of str
        Shown beside those of the volumes themselves.
    calibrated : bool
        Whether the coverage of the bounds was ever measured.
    """
    volume = row.get("noisy") or row["restored"]
    settings, timings = settings or {}, timings or {}
    results = {**_typical_spread(row), **(figures or {})}
    facts = {
        "Geometry": _geometry_facts(volume.geometry, volume.unit),
        "Settings": {_words(k): _plain(v) for k, v in settings.items() if v is not None},
        "Result": results,
        "Time": {_words(k): _duration(v) for k, v in timings.items()},
    }
    said = dict.fromkeys([*volume.warnings, *warnings])
    return Entry(
        name=volume.source.name,
        summary=_summary(volume),
        panels=tuple(panels(row, settings.get("level"), calibrated)),
        facts={title: rows for title, rows in facts.items() if rows},
        warnings=tuple(said),
        seconds=sum(timings.values()) if timings else None,
    )


def failed(name: str, error: BaseException | str) -> Entry:
    """What the page says about a scan that could not be restored: the error, beside its name."""
    return Entry(name=name, error=str(error))


def write_page(
    path: str | Path, entries: Sequence[Entry | Article], *, title: str = "Restored scans"
) -> None:
    """Write one HTML file with everything in it: no script, no font, nothing from a network.

    Parameters
    ----------
    path : str or Path
        The file; an older one is replaced in one step.
    entries : sequence of Entry or Article
        In the order shown.
    title : str
        Heading of the page.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    _write(Path(path), render(entries, title).encode())


def _heading(row: Mapping[str, Volume]) -> str:
    volume = next(iter(row.values()))
    return f"{volume.source.name}   ·   {_summary(volume)}"


def _summary(volume: Volume) -> str:
    z, y, x = volume.geometry.shape
    parts = [volume.modality or "modality unknown", f"{z} × {y} × {x} voxels"]
    if volume.is_4d:
        parts.append(f"{len(volume.array)} time points, the first one shown")
    parts.append(f"slice {z // 2 + 1} of {z}")
    return " · ".join(parts)


def _geometry_facts(geometry: Geometry, unit: str) -> dict[str, str]:
    z, y, x = (TOWARDS[code] for code in geometry.axis_codes)
    facts = {
        "voxels": " × ".join(str(n) for n in geometry.shape) + " (z, y, x)",
        "spacing": " × ".join(f"{s:.3g}" for s in geometry.spacing_mm) + " mm",
        "extent": " × ".join(
            f"{n * s:.0f}" for n, s in zip(geometry.shape, geometry.spacing_mm, strict=True)
        )
        + " mm",
        "slices run": f"to {z}; rows to {y}; columns to {x}",
        "intensities": {"HU": "Hounsfield units", "a.u.": "arbitrary units"}.get(unit, unit),
    }
    if geometry.is_oblique:
        facts["oblique by"] = f"{geometry.oblique_degrees:.1f}°"
    if geometry.slice_positions_mm is not None:
        facts["slice positions"] = "uneven, kept as they are"
    if not geometry.known:
        facts["slices run"] = "unknown: the file does not say"
    return facts


def _typical_spread(row: Mapping[str, Volume]) -> dict[str, str]:
    """Median std over the body; for MR also relative to the foreground."""
    if "std" not in row or "restored" not in row:
        return {}
    image, std = row["restored"], row["std"].array
    finite = image.array[np.isfinite(image.array)]
    if not finite.size or finite.max() <= 0:
        return {}
    modality = modality_named(image.modality or "MR")
    least = modality.tissue
    if least is None:
        least = FOREGROUND_FRACTION * float(np.percentile(finite, 99.5))
    inside = std[(image.array > least) & np.isfinite(std)]
    if not inside.size:
        return {}
    middle = float(np.median(inside))
    text = amount(middle, image.unit)
    if modality.noise.relative:
        text += f", {100 * middle / foreground_scale(image.array):.2g} % of the foreground"
    return {"typical std in the body": text}


def _words(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _write(path: Path, content: bytes) -> None:
    """Replace ``path`` in one step: a reader sees the old file or the whole new one."""
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(scratch, 0o666 & ~mask)  # mkstemp makes files that only their owner may read
        os.replace(scratch, path)
    except OSError as error:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)
        reason = error.strerror or error
        raise OutputError(
            f"cannot write {path.name} in {path.parent}: {reason}; choose another folder"
        ) from error
