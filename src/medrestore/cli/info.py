"""`medrestore info`: what scans there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.cli.meter import Bar
from medrestore.cli.output import as_json, table
from medrestore.cli.parser import Commands, Namespace, command
from medrestore.errors import InputError

if TYPE_CHECKING:
    from medrestore.io import Scan, Scans

EXAMPLES = """\
  medrestore info scan.nii.gz
  medrestore info archive/ --json
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = command(
        commands,
        "info",
        run,
        "list the scans in a file or under a folder, and what was skipped and why",
        EXAMPLES,
    )
    parser.add_argument("path", metavar="PATH", help="a file, or a folder with its sub-folders")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: Namespace) -> int:
    """Read headers, no voxels, and list the scans; axes are named by where they run to, as SPL."""
    from medrestore.io import find

    with Bar("stopped while reading headers") as bar:
        scans = find(arguments.path, bar)
    if arguments.json:
        print(as_json(_facts(scans)))
    elif scans or len(scans.skipped) > 1:
        _print_scans(scans, Path(arguments.path))
    if not scans:
        raise InputError(_no_scan(arguments.path, scans.skipped))
    return 0


def _no_scan(path: str, skipped: list[tuple[Path, str]]) -> str:
    if not skipped:
        return f"{path} holds no files; give the folder with the scans"
    if len(skipped) == 1:
        return f"{skipped[0][0]}: {skipped[0][1]}"
    return f"{path} holds no scan that can be read; each of its {len(skipped)} files was skipped"


def _print_scans(scans: Scans, root: Path) -> None:
    if scans:
        titles = ("scan", "kind", "voxels z×y×x", "spacing mm", "axes", "where")
        table(titles, [_row(scan, root) for scan in scans])
        print()
    if any(scan.modality is None for scan in scans):
        print(
            "note: ?: the headers do not say; CT shows in the intensities, MR needs --modality MR"
        )
    for scan in scans:
        for warning in scan.warnings:
            print(f"note: {scan.name}: {warning}")
    if scans.skipped:
        rows = [
            (_under(path, root) + (f" ({count} files)" if count > 1 else ""), why)
            for path, why, count in scans.reasons()
        ]
        table(("skipped", "why"), rows)


def _row(scan: Scan, root: Path) -> tuple[str, ...]:
    files = f" ({len(scan.files)} files)" if len(scan.files) > 1 else ""
    return (
        scan.name,
        scan.modality or "?",
        _voxels(scan.shape, scan.time_points),
        "×".join(f"{s:.3g}" for s in scan.spacing_mm),
        scan.orientation,
        _under(scan.path, root) + files,
    )


def _voxels(shape: tuple[int, ...], times: int) -> str:
    text = "×".join(str(n) for n in shape)
    return f"{times} × {text}" if times > 1 else text


def _under(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path != root and root in path.parents else str(path)


def _facts(scans: Scans) -> dict[str, Any]:
    return {
        "volumes": [
            {
                "path": str(scan.path),
                "name": scan.name,
                "format": scan.format,
                "modality": scan.modality,
                "shape": list(scan.shape),
                "spacing_mm": list(scan.spacing_mm),
                "orientation": scan.orientation,
                "time_points": scan.time_points,
                "files": len(scan.files),
                "warnings": list(scan.warnings),
            }
            for scan in scans
        ],
        "skipped": [{"path": str(path), "reason": why} for path, why in scans.skipped],
    }
