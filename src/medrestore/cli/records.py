"""`medrestore rerun`, `exceed` and `cite`: a run again, read anew, and its references."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.cli.parser import Commands, Namespace, add_writing, command
from medrestore.cli.restore import run_and_report
from medrestore.cli.terminal import as_json

if TYPE_CHECKING:
    from medrestore.results.result import Result
    from medrestore.volume import Volume

RERUN_EXAMPLES = """\
  medrestore rerun out/scan_run.json
  medrestore rerun out/scan_run.json -o again --input archive/scan.nii.gz

A record names its scan by file name and content, never by path: it is looked for beside the
record, one folder up and in the working folder; --input says where else it is.
"""


def add_rerun(commands: Commands) -> None:
    """Describe the command."""
    does = "repeat a run from its record: the same voxels"
    parser = command(commands, "rerun", run_rerun, does, RERUN_EXAMPLES)
    parser.add_argument("record", metavar="RUN.json", help="written beside the results of a run")
    parser.add_argument("-o", "--output", metavar="DIR", help="default: rerun/ beside the record")
    parser.add_argument("--input", metavar="IN", help="the scan, where it lies elsewhere")
    parser.add_argument("--device", metavar="auto|cpu|cuda", help="default: that of the run")
    add_writing(parser)


def run_rerun(arguments: Namespace) -> int:
    """Repeat the run; scan and model must be those of the record, by their hashes."""
    from medrestore.results.preflight import check_destination
    from medrestore.results.record import read_record

    out = arguments.output or Path(arguments.record).parent / "rerun"
    plan, volume = read_record(arguments.record, arguments.input, arguments.device)
    check_destination(volume, out, format=arguments.format, overwrite=arguments.overwrite)
    return run_and_report(plan, volume, out, arguments)


EXCEED_EXAMPLES = """\
  medrestore exceed out/scan_run.json 100
  medrestore exceed out/scan_run.json 0 --below
  medrestore exceed out/scan_run.json 20 --reference muscle.nii.gz --input scan.nii.gz

writes <scan>_exceeds_100.nii.gz (_below_0; _exceeds_20_than_muscle) beside the record, 0 to 1.
Nothing is restored again; a --reference, non-zero inside a region of the scan's grid, needs the
scan, whose samples may have to be drawn again there.
"""


def add_exceed(commands: Commands) -> None:
    """Describe the command."""
    does = "map the probability that a voxel of a saved result exceeds a value"
    parser = command(commands, "exceed", run_exceed, does, EXCEED_EXAMPLES)
    parser.add_argument("record", metavar="RUN.json", help="written beside the results of a run")
    parser.add_argument("value", type=float, metavar="VALUE", help="in the scan's unit: HU, a.u.")
    parser.add_argument(
        "--reference", metavar="MASK", help="compare with the mean of this region plus VALUE"
    )
    parser.add_argument("--below", action="store_true", help="the probability that it is less")
    parser.add_argument("--input", metavar="IN", help="the scan, where it lies elsewhere")
    parser.add_argument("-o", "--output", metavar="FILE", help=".nii.gz, .nrrd, .mha or .zarr")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier map")


def run_exceed(arguments: Namespace) -> int:
    """Read the result, and its scan where that is at hand or has to be; write the map."""
    from medrestore import io
    from medrestore.errors import MissingScanError, OutputError
    from medrestore.results.record import reopen, reopen_results

    record = Path(arguments.record)
    out = _map_path(record, arguments)
    if out.exists() and not arguments.overwrite:
        raise OutputError(f"{out} exists; give --overwrite, or another file with -o")
    try:
        result = reopen(record, arguments.input)
    except MissingScanError:
        if arguments.reference or arguments.input:
            raise
        result = reopen_results(record)
    mask = _mask(Path(arguments.reference), result) if arguments.reference else None
    found = result.exceedance(arguments.value, mask, below=arguments.below)
    written = io.write(found, out, arguments.overwrite)
    print(f"written:\n  {written}", *found.warnings, sep="\n")
    return 0


def _map_path(record: Path, arguments: Namespace) -> Path:
    """Path of a probability map: named by what is asked, unless it is given."""
    if arguments.output:
        return Path(arguments.output)
    stem, side = record.name.removesuffix("_run.json"), "below" if arguments.below else "exceeds"
    name = f"{stem}_{side}_{arguments.value:g}"
    if arguments.reference:
        name += f"_than_{Path(arguments.reference).name.partition('.')[0]}"
    return record.with_name(f"{name}.nii.gz")


def _mask(path: Path, result: Result) -> Volume:
    """A region on the grid of a result's scan, which `io.read` would refuse as a label map."""
    from medrestore.errors import InputError
    from medrestore.io.formats import FORMATS, format_of

    form = FORMATS.get(format_of(path) or "") if path.exists() else None
    if form is None or form.series:
        raise InputError(f"{path} is no mask; give a .nii.gz, .nrrd, .mha or .zarr that exists")
    mask, scan = form.load(path, None), result.scan
    if scan is not None and mask.geometry.known and not mask.geometry.fits(scan.geometry):
        raise InputError(f"{path} lies on another grid than the scan; make it on the scan's own")
    return mask


CITE_EXAMPLES = """\
  medrestore cite out/scan_run.json
  medrestore cite out/scan_run.json --bibtex > run.bib

Only what this run used is listed: its sampler and schedule, the noise physics of its modality,
the checks, the model with its training data, and the programs that read, computed and wrote it.
"""


def add_cite(commands: Commands) -> None:
    """Describe the command."""
    does = "list the references of the methods, models and programs that a run used"
    parser = command(commands, "cite", run_cite, does, CITE_EXAMPLES)
    parser.add_argument("record", metavar="RUN.json", help="written beside the results of a run")
    style = parser.add_mutually_exclusive_group()
    style.add_argument("--bibtex", action="store_true", help="as BibTeX entries")
    style.add_argument("--json", action="store_true", help="for machines")


def run_cite(arguments: Namespace) -> int:
    """The scan is not needed; the model's card is, for its training data."""
    from dataclasses import asdict

    from medrestore.citations.citing import citations
    from medrestore.citations.references import bibtex, in_one_line

    cited = [(one.reference, one.uses) for one in citations(arguments.record)]
    if arguments.json:
        print(as_json([{**asdict(reference), "uses": uses} for reference, uses in cited]))
    elif arguments.bibtex:
        print("\n\n".join(bibtex(reference) for reference, _ in cited))
    else:
        for reference, uses in cited:
            print(f"{in_one_line(reference)}\n    for: {'; '.join(uses)}")
    return 0
