"""`medrestore evaluate`: how near restored scans are to references, and how sure they may be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.cli.meter import Bar
from medrestore.cli.parser import add_source, command
from medrestore.cli.words import as_json, table
from medrestore.errors import ModelError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from medrestore.cli.parser import Commands
    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.pairing import Trio
    from medrestore.result import Result
    from medrestore.volume import Volume

EXAMPLES = """\
  medrestore evaluate --reference full.nii.gz --noisy fast.nii.gz \\
      --restored out/fast_restored.nii.gz --modality MR -o report
  medrestore evaluate --reference full/ --noisy quarter/ --restored restored/ -o report

Each of the three is a scan or a folder; scans of folders belong together by their names. Where
a restored scan lies beside its run (`medrestore denoise`, `medrestore batch`), its uncertainty is
judged too; any other method's image is judged as an image.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "compare restored and noisy scans with references: figures, plots and a page"
    parser = command(commands, "evaluate", run, does, EXAMPLES)
    for option, says in (
        ("--reference", "scans with little noise; their own noise counts as error"),
        ("--noisy", "the scans that were restored, on the references' grids"),
        ("--restored", "the restored scans, of medrestore or any other method"),
    ):
        parser.add_argument(option, required=True, metavar="SCAN|DIR", help=says)
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="a folder for the report alone"
    )
    seed = "of the bootstrap over cases; default: %(default)s"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=seed)
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier report")
    add_source(parser)


def run(arguments: argparse.Namespace) -> int:
    """One case after the other; nothing is written unless all can be judged."""
    from medrestore.evaluation.over_cases import compare
    from medrestore.evaluation.pairing import trios
    from medrestore.evaluation.report.files import check_report_folder, facts_of, write_report

    out = Path(arguments.output)
    check_report_folder(out, arguments.overwrite)
    cases, alone = trios(arguments.reference, arguments.noisy, arguments.restored)
    reports: list[Report] = []
    notes: list[str] = []
    with Bar("stopped; nothing was written") as bar:
        bar.start(len(cases), "Evaluating")
        for case in cases:
            report, why = _judge(case, arguments)
            reports.append(report)
            notes += [f"{case.name}: {text}" for text in why or report.notes]
            bar.tick()
    page = write_report(
        reports, out, seed=arguments.seed, overwrite=arguments.overwrite, alone=alone
    )
    paired = compare(reports, arguments.seed)
    if arguments.json:
        print(as_json(facts_of(reports, paired, arguments.seed, alone)))
        return 0
    _say(reports, paired, arguments.seed)
    for note in (*notes, *(f"{place}: left out, it has no partner" for place in alone)):
        print(f"note: {note}")
    print(page)
    return 0


def _judge(case: Trio, arguments: argparse.Namespace) -> tuple[Report, tuple[str, ...]]:
    """Read a case and measure it; also why its run could not be opened."""
    from medrestore.api import read
    from medrestore.evaluation.evaluate import evaluate

    reference, noisy = (
        read(path, arguments.modality, arguments.gaps) for path in (case.reference, case.noisy)
    )
    restored: Result | Volume | None = None
    why: tuple[str, ...] = ()
    try:
        restored = _saved_run(case)
    except ModelError as error:  # the image itself needs no model
        why = (f"its uncertainty is not judged: {error}",)
    if restored is None:
        restored = read(case.restored, arguments.modality, arguments.gaps)
    return evaluate(reference, noisy, restored, case.name), why


def _saved_run(case: Trio) -> Result | None:
    """The run that a restored scan was saved with; None if there is none."""
    from medrestore.batch.record import reopen
    from medrestore.evaluation.pairing import RESTORED
    from medrestore.io.detect import suffix_of

    name = case.restored.name
    stem = name[: len(name) - len(suffix_of(case.restored))]
    record = case.restored.with_name(f"{stem.removesuffix(RESTORED)}_run.json")
    if not stem.endswith(RESTORED) or not record.is_file():
        return None
    return reopen(record, case.noisy)


def _say(reports: Sequence[Report], paired: Sequence[Paired], seed: int) -> None:
    from medrestore.evaluation.report import tables

    if len(reports) == 1:
        print(reports[0])
        return
    found = tables.of_paired(paired)
    print(f"{len(reports)} cases; mean of restored − noisy, bootstrap over cases with seed {seed}")
    table(found.titles, found.rows)
