"""`medrestore info`, `view` and `simulate`: scans listed, shown in napari, made noisier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.cli.parser import Commands, Namespace, add_offset, add_source, command
from medrestore.cli.terminal import Bar, as_json, table
from medrestore.errors import InputError, SettingsError

if TYPE_CHECKING:
    from medrestore.io import Scan, Scans
    from medrestore.volume import Volume

INFO_EXAMPLES = """\
  medrestore info scan.nii.gz
  medrestore info archive/ --json
"""


def add_info(commands: Commands) -> None:
    """Describe the command."""
    parser = command(
        commands,
        "info",
        run_info,
        "list the scans in a file or under a folder, and what was skipped and why",
        INFO_EXAMPLES,
    )
    parser.add_argument("path", metavar="PATH", help="a file, or a folder with its sub-folders")
    parser.add_argument("--json", action="store_true", help="for machines")


def run_info(arguments: Namespace) -> int:
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


def add_view(commands: Commands) -> None:
    """Describe the command."""
    does = "open a scan in napari, right way up and in millimetres"
    parser = command(commands, "view", run_view, does, "  medrestore view ct_series/\n")
    parser.add_argument("path", metavar="PATH", help="a file or a folder with scans")


def run_view(arguments: Namespace) -> int:
    """Open a window; returns when it is closed."""
    path = Path(arguments.path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    try:
        import napari

        viewer = napari.Viewer()
    except ImportError as error:
        raise SettingsError(
            "napari cannot open a window here: it or a Qt is not installed "
            f'({str(error).splitlines()[0]}); pip install "medrestore[napari]" brings napari, '
            'pip install "medrestore[all]" a Qt as well'
        ) from error
    try:
        viewer.open(str(path), plugin="medrestore")
    except ValueError as error:  # npe2's word for a path that our reader refuses
        viewer.close()
        raise InputError(
            f"{path} holds no scan that medrestore reads; medrestore info says what there is"
        ) from error
    napari.run()
    return 0


SIMULATE_EXAMPLES = """\
  medrestore simulate ct_series/ -o quarter.nii.gz --dose 0.25
  medrestore simulate ct_series/ -o noisy.nii.gz --hu 30
  medrestore simulate mr.nii.gz -o noisy.nii.gz --modality MR --noise 0.05

The scan keeps its own noise; what is added is what a lower dose (CT) or a faster
acquisition (MR, Rician) would add.
"""


def add_simulate(commands: Commands) -> None:
    """Describe the command."""
    parser = command(
        commands, "simulate", run_simulate, "make a noisier scan from a scan", SIMULATE_EXAMPLES
    )
    parser.add_argument("input", metavar="IN", help="a file, or a folder with one DICOM volume")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a .nii.gz file, or a folder for it"
    )
    strength = parser.add_mutually_exclusive_group(required=True)
    strength.add_argument(
        "--dose", type=float, metavar="F", help="CT: fraction of the dose, 0 to 1"
    )
    strength.add_argument(
        "--noise", type=float, metavar="F", help="MR: σ as a fraction of the foreground"
    )
    strength.add_argument("--hu", type=float, metavar="F", help="CT: σ added in soft tissue, HU")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")
    add_source(parser)
    add_offset(parser)


GAUSSIAN_MEDIAN = 0.6745
"""Median of the magnitude of a Gaussian of σ 1."""


def run_simulate(arguments: Namespace) -> int:
    """Write NIfTI and say how much noise was added."""
    from medrestore.api import read, simulate, write
    from medrestore.results.preflight import check_file

    if arguments.dose is not None and not 0 < arguments.dose < 1:
        raise SettingsError(f"--dose is a fraction between 0 and 1, got {arguments.dose:g}")
    volume = read(arguments.input, arguments.modality, arguments.gaps, arguments.hu_offset)
    path = _target(arguments.output, volume)
    check_file(path, arguments.overwrite)
    noisy = simulate(volume, arguments.dose, arguments.noise, arguments.hu, seed=arguments.seed)
    write(noisy, path, arguments.overwrite)
    print(f"added noise of {_added(volume, noisy, arguments.noise)}: {path}")
    return 0


def _target(output: str, volume: Volume) -> Path:
    if output.lower().endswith((".nii", ".nii.gz")):
        return Path(output)
    if Path(output).suffix and not Path(output).is_dir():
        raise SettingsError(f"simulate writes NIfTI; end {output} in .nii.gz, or give a folder")
    return Path(output) / f"{volume.source.name}_noisy.nii.gz"


def _added(volume: Volume, noisy: Volume, fraction: float | None) -> str:
    """Standard deviation of what was added."""
    import numpy as np

    from medrestore.core.intensity import foreground_scale
    from medrestore.modalities import modality_named

    modality = modality_named(volume.modality or "MR")
    if modality.noise.relative:
        fraction = fraction or 0.0
        arrays = volume.array if volume.is_4d else volume.array[None]
        sigmas = [fraction * foreground_scale(one) for one in arrays if np.nan_to_num(one).any()]
        spread = " to ".join(dict.fromkeys(f"{one:.3g}" for one in (min(sigmas), max(sigmas))))
        return f"σ {spread} {volume.unit} per channel, {fraction:.3g} of the foreground"
    low, high = modality.evaluation.soft_tissue or (-np.inf, np.inf)
    soft = (volume.array > low) & (volume.array < high)
    inside, where = (soft, "in soft tissue") if soft.any() else (np.isfinite(noisy.array), "")
    added = (noisy.array - volume.array)[inside]
    typical, whole = np.median(np.abs(added)) / GAUSSIAN_MEDIAN, np.std(added)
    return f"typical σ {typical:.3g} HU {where}".rstrip() + f" (root mean square {whole:.3g})"
