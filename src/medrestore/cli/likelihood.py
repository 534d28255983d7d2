"""`medrestore likelihood`: how likely a model finds the slices of a scan."""

from __future__ import annotations

from medrestore.cli.meter import Bar
from medrestore.cli.output import as_json, table
from medrestore.cli.parser import Commands, Namespace, add_setting, add_source, command

EXAMPLES = """\
  medrestore likelihood mr.nii.gz --modality MR --slices 90
  medrestore likelihood mr.nii.gz --modality MR --slices 80 90 100 --probes 4 --json

Minutes for each slice of 256 × 256 on a CPU. Intensities are in units of the scan's scale, so that
bits below 0 are usual: they say to how small a part of it a voxel is known.
"""
FAREWELL = "stopped before the last slice; nothing is said of the others"


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "say how likely a model's prior of clean images finds the slices of a scan"
    parser = command(commands, "likelihood", run, does, EXAMPLES)
    parser.add_argument("input", metavar="IN", help="a file, or a folder with one DICOM volume")
    parser.add_argument(
        "--model", default="mr_slice_score", metavar="NAME|FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--slices", type=int, nargs="+", metavar="Z", help="which, from 0; default: all"
    )
    parser.add_argument(
        "--steps", type=int, default=16, metavar="K", help="of the integration; default: 16"
    )
    parser.add_argument(
        "--probes", type=int, default=1, metavar="N", help="averaged over; default: 1"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    add_setting(parser, "device")
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    add_source(parser)


def run(arguments: Namespace) -> int:
    """Print one row for each slice."""
    from medrestore.api import read
    from medrestore.engine.likelihood import log_likelihood

    volume = read(arguments.input, arguments.modality, arguments.gaps)
    with Bar(FAREWELL) as bar:
        found = log_likelihood(
            volume,
            arguments.model,
            arguments.slices,
            arguments.steps,
            arguments.probes,
            arguments.seed,
            arguments.device,
            bar,
        )
    rows = list(zip(found.slices, found.nats.tolist(), found.bits_per_voxel.tolist(), strict=True))
    if arguments.json:
        names = ("slice", "nats", "bits_per_voxel")
        facts = [dict(zip(names, row, strict=True)) for row in rows]
        print(as_json({"model": found.model, "smoothed": found.smoothed, "slices": facts}))
        return 0
    table(
        ("slice", "log p (nats)", "bits per voxel"),
        [(str(z), f"{nats:.0f}", f"{bits:.3f}") for z, nats, bits in rows],
    )
    return 0
