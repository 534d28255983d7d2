"""Licences of the scans of a training, read from the scans that were used.

A scan of a config says its own (`Scan.licence`), or the data folder's ``index.json`` says it: a
list of rows with ``file`` (below that folder, or with its name before it), ``licence`` (or ``lic``)
and, if known, ``person`` and ``origin`` (or ``src``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError

if TYPE_CHECKING:
    from medrestore.models.card import Card
    from medrestore.training.config import Config, Scan

__all__ = ["INDEX", "index_of", "licences"]

INDEX = "index.json"


def licences(config: Config, start: Card | None = None) -> list[str]:
    """One line for each source, each once; scans that nobody states a licence of are named.

    ``start`` is the model whose weights were the start: its data are in the new model, too.
    """
    lines = [] if start is None else list(start.known.training.licences)
    rows = index_of(config)
    people: dict[tuple[str, str], dict[str, None]] = {}
    unknown = []
    for scan in config.scans:
        row = rows.get(scan.file, {})
        if scan.licence:
            lines.append(scan.licence)
        elif row:
            of = people.setdefault((row["origin"], row["licence"]), {})
            of[row["person"] or scan.person] = None
        else:
            unknown.append(scan.file)
    lines += [
        f"{', '.join(of)}{', ' if origin else ''}{origin} ({licence})"
        for (origin, licence), of in people.items()
    ]
    if unknown:
        lines.append(f"no licence stated: {', '.join(unknown)}")
    return list(dict.fromkeys(lines))


def index_of(config: Config) -> dict[str, dict[str, str]]:
    """By file, licence, person and origin of the config's scans in the data's index.

    Raises
    ------
    InputError
        If there is an index that cannot be read.
    """
    folder = Path(config.data)
    try:
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        rows = {str(row["file"]): row for row in listed}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{INDEX} of the training data is no list of rows with a file and its licence: {error}"
        ) from error
    found = {scan.file: _row(scan, rows, folder.resolve().name) for scan in config.scans}
    return {file: row for file, row in found.items() if row["licence"]}


def _row(scan: Scan, rows: dict[str, Any], name: str) -> dict[str, str]:
    row = rows.get(scan.file) or rows.get(f"{name}/{scan.file}") or {}
    return {
        "licence": str(row.get("licence") or row.get("lic") or ""),
        "person": str(row.get("person") or ""),
        "origin": str(row.get("origin") or row.get("src") or ""),
    }
