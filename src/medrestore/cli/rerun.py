"""`medrestore rerun`: a run again, from its record."""

from __future__ import annotations

from pathlib import Path

from medrestore.cli.denoise import run_and_report
from medrestore.cli.parser import Commands, Namespace, add_writing, command

EXAMPLES = """\
  medrestore rerun out/scan_run.json
  medrestore rerun out/scan_run.json -o again --input archive/scan.nii.gz

A record names its scan by file name and content, never by path: it is looked for beside the
record, one folder up and in the working folder; --input says where else it is.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "repeat a run from its record: the same voxels"
    parser = command(commands, "rerun", run, does, EXAMPLES)
    parser.add_argument("record", metavar="RUN.json", help="written beside the results of a run")
    parser.add_argument("-o", "--output", metavar="DIR", help="default: rerun/ beside the record")
    parser.add_argument("--input", metavar="IN", help="the scan, where it lies elsewhere")
    parser.add_argument("--device", metavar="auto|cpu|cuda", help="default: that of the run")
    add_writing(parser)


def run(arguments: Namespace) -> int:
    """Repeat the run; scan and model must be those of the record, by their hashes."""
    from medrestore.results.preflight import check_destination
    from medrestore.results.record import read_record

    out = arguments.output or Path(arguments.record).parent / "rerun"
    plan, volume = read_record(arguments.record, arguments.input, arguments.device)
    check_destination(volume, out, format=arguments.format, overwrite=arguments.overwrite)
    return run_and_report(plan, volume, out, arguments)
