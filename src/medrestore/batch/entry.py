"""Facts about a scan for a batch's page: settings, geometry and results, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.batch.page import Entry
from medrestore.batch.panels import panels
from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale
from medrestore.engine.plan_text import grid_in_words, noise_in_words
from medrestore.modalities import modality_named
from medrestore.report.tables import amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.api import Result
    from medrestore.engine.plan import Plan
    from medrestore.volume import Geometry, Volume

__all__ = ["entry_of", "failed_entry", "make_entry", "summary_of"]

TOWARDS = {
    "R": "right", "L": "left", "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior",
}  # fmt: skip
PICTURED = ("restored", "std", "lower", "upper")


def entry_of(
    volume: Volume, result: Result, seconds: float, metrics: Mapping[str, str] | None = None
) -> Entry:
    """Return the entry of a scan and its result.

    Parameters
    ----------
    volume, result
        The scan before and after.
    seconds : float
        Time from reading to writing.
    metrics : mapping of str to str, optional
        Measured results, in words and units; by default the headline of the checks.
    """
    if metrics is None and result.guards is not None:
        metrics = {"checks": result.guards.verdict.headline}
    layers = result.layers()
    return make_entry(
        {"noisy": volume, **{name: layers[name] for name in PICTURED}},
        settings=_settings_of(result.plan),
        timings={"in all": seconds},
        metrics=metrics,
        warnings=result.warnings,
        calibrated=result.plan.calibrated,
    )


def _settings_of(plan: Plan) -> dict[str, object]:
    """Return the settings that the page names."""
    settings = plan.settings
    names = ["samples", "steps", "level", "estimate", "sampler", "schedule"]
    names += ["guidance", "measurement"] if settings.guided else []
    return {
        "model": plan.model,
        "noise": noise_in_words(plan),
        "grid": grid_in_words(plan) or None,
        **{name: getattr(settings, name) for name in names},
        "seed": settings.seed,
        "device": plan.device,
    }


def make_entry(
    row: Mapping[str, Volume],
    *,
    settings: Mapping[str, Any] | None = None,
    timings: Mapping[str, float] | None = None,
    metrics: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
    calibrated: bool = True,
) -> Entry:
    """Return the entry of a restored scan; the volumes may be dropped afterwards.

    Parameters
    ----------
    row : mapping of str to Volume
        As for `contact_sheet`.
    settings : mapping, optional
        Requested or resolved; ``"level"`` names the bounds. None values are left out.
    timings : mapping of str to float, optional
        Seconds per stage.
    metrics : mapping of str to str, optional
        Measured results, in words and units.
    warnings : sequence of str
        Added to those of the scan itself.
    calibrated : bool
        True if the coverage of the bounds was ever measured.
    """
    volume = row.get("noisy") or row["restored"]
    settings, timings = settings or {}, timings or {}
    results = {**_typical_spread(row), **(metrics or {})}
    facts = {
        "Geometry": _geometry_facts(volume.geometry, volume.unit),
        "Settings": {_words(k): _plain(v) for k, v in settings.items() if v is not None},
        "Result": results,
        "Time": {_words(k): _duration(v) for k, v in timings.items()},
    }
    return Entry(
        name=volume.source.name,
        summary=summary_of(volume),
        panels=tuple(panels(row, settings.get("level"), calibrated)),
        facts={title: rows for title, rows in facts.items() if rows},
        warnings=tuple(dict.fromkeys([*volume.warnings, *warnings])),
        seconds=sum(timings.values()) if timings else None,
    )


def failed_entry(name: str, error: BaseException | str) -> Entry:
    """Return the entry of a scan that could not be restored: the error, beside its name."""
    return Entry(name=name, error=str(error))


def summary_of(volume: Volume) -> str:
    """Return modality, size and the slice that is drawn."""
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
    """Return the median std over the body; for MR also relative to the foreground."""
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
