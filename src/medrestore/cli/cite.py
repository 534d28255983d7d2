"""`medrestore cite`: the references of what a run used."""

from __future__ import annotations

from medrestore.cli.output import as_json
from medrestore.cli.parser import Commands, Namespace, command

EXAMPLES = """\
  medrestore cite out/scan_run.json
  medrestore cite out/scan_run.json --bibtex > run.bib

Only what this run used is listed: its sampler and schedule, the noise physics of its modality,
the checks, the model with its training data, and the programs that read, computed and wrote it.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "list the references of the methods, models and programs that a run used"
    parser = command(commands, "cite", run, does, EXAMPLES)
    parser.add_argument("record", metavar="RUN.json", help="written beside the results of a run")
    style = parser.add_mutually_exclusive_group()
    style.add_argument("--bibtex", action="store_true", help="as BibTeX entries")
    style.add_argument("--json", action="store_true", help="for machines")


def run(arguments: Namespace) -> int:
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
