"""`medrestore reader-study analyse`: statistics of a blinded reader study."""

from __future__ import annotations

from medrestore.cli.output import as_json, table
from medrestore.cli.parser import Commands, Namespace, command

EXAMPLES = """\
  medrestore reader-study analyse study_*.csv
  medrestore reader-study analyse study_*.csv --json > results.json
"""


def add(commands: Commands) -> None:
    """Describe the command, whose one part is `analyse`."""
    does = "statistics of a blinded reader study, run in napari"
    parser = command(commands, "reader-study", analyse, does, EXAMPLES)
    inner = parser.add_subparsers(metavar="analyse", required=True)
    does = "preference, scores and agreement from the CSV files of one study's readers"
    parser = command(inner, "analyse", analyse, does, EXAMPLES)
    parser.add_argument("csv", metavar="CSV", nargs="+", help="one file per reader")
    parser.add_argument("--json", action="store_true", help="for machines: all results")
    seed = "of the bootstrap intervals; default: %(default)s"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=seed)


def analyse(arguments: Namespace) -> int:
    """Read the answers, check that they belong together, print the statistics."""
    from medrestore.evaluation.reader_study import answers, summary
    from medrestore.evaluation.reader_study.analysis import analyse as analysed

    found = analysed(answers.read(arguments.csv), arguments.seed)
    if arguments.json:
        print(as_json(found.facts()))
        return 0
    print(f"study {found.study} ({found.kind}), plan {found.plan}")
    for one in summary.tables(found):
        print()
        table(one.titles, one.rows)
    print()
    for sentence in summary.sentences(found):
        print(sentence)
    return 0
