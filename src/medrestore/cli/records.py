"""`medrestore rerun` and `cite`: a run repeated, and its references, from its record."""

from __future__ import annotations

from pathlib import Path

from medrestore.cli.parser import Commands, Namespace, add_writing, command
from medrestore.cli.restore import run_and_report
from medrestore.cli.terminal import as_json

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
