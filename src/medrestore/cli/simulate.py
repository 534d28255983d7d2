"""`medrestore simulate`: a noisier scan from a scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.cli.parser import Commands, Namespace, add_offset, add_source, command
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from medrestore.volume import Volume

EXAMPLES = """\
  medrestore simulate ct_series/ -o quarter.nii.gz --dose 0.25
  medrestore simulate ct_series/ -o noisy.nii.gz --hu 30
  medrestore simulate mr.nii.gz -o noisy.nii.gz --modality MR --noise 0.05

The scan keeps its own noise; what is added is what a lower dose (CT) or a faster
acquisition (MR, Rician) would add.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = command(commands, "simulate", run, "make a noisier scan from a scan", EXAMPLES)
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


def run(arguments: Namespace) -> int:
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
    return f"σ {np.std((noisy.array - volume.array)[inside]):.3g} HU {where}".strip()
