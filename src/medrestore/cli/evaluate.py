"""`medrestore evaluate` and `reader-study`: restorations judged by metrics and by readers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.cli.parser import Commands, Namespace, add_source, command
from medrestore.cli.terminal import Bar, as_json, table
from medrestore.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.features import Encoder
    from medrestore.evaluation.pairing import Case
    from medrestore.evaluation.report.files import Findings
    from medrestore.results.result import Result
    from medrestore.volume import Volume

EVALUATE_EXAMPLES = """\
  medrestore evaluate --reference full.nii.gz --noisy fast.nii.gz \\
      --restored out/fast_restored.nii.gz --modality MR -o report
  medrestore evaluate --reference full/ --noisy quarter/ --restored restored/ -o report
  medrestore evaluate --reference full/ --noisy quarter/ --restored ours=restored/ \\
      --restored bm4d=theirs/ --person '(sub-[0-9]+)' -o report

Each of them is a scan or a folder; scans of folders belong together by their names. Where a
restored scan lies beside its run (`medrestore denoise`, `medrestore batch`), its uncertainty is
judged too; any other method's image is judged as an image.
"""


def add_evaluate(commands: Commands) -> None:
    """Describe the command."""
    does = "compare restored and noisy scans with references: metrics, plots and a page"
    parser = command(commands, "evaluate", run_evaluate, does, EVALUATE_EXAMPLES)
    for option, says in (
        ("--reference", "scans with little noise; their own noise counts as error"),
        ("--noisy", "the scans that were restored, on the references' grids"),
    ):
        parser.add_argument(option, required=True, metavar="SCAN|DIR", help=says)
    parser.add_argument(
        "--restored",
        required=True,
        action="append",
        metavar="[NAME=]SCAN|DIR",
        help="the restored scans, of medrestore or any other method; once for each method, named",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="a folder for the report alone"
    )
    person = (
        "who the cases are of: a CSV file with the columns case,person, or a pattern with one "
        "group that names the person in a case's name; default: each case is another person"
    )
    parser.add_argument("--person", metavar="CSV|PATTERN", help=person)
    redraw = (
        "judge intervals of region means where samples were not kept, too: draws them again in "
        "five slices of each case"
    )
    parser.add_argument("--redraw", action="store_true", help=redraw)
    perception = "FID and KID on the features of our slice model's frozen encoder; takes longer"
    parser.add_argument("--perception", action="store_true", help=perception)
    seed = "of the bootstrap over people; default: %(default)s"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=seed)
    parser.add_argument("--json", action="store_true", help="print all metrics as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier report")
    add_source(parser)


def run_evaluate(arguments: Namespace) -> int:
    """Measure one case after the other; nothing is written unless all can be judged."""
    from medrestore.evaluation.pairing import cases_of, people_of
    from medrestore.evaluation.report.files import REPORT_FOLDER, facts_of, find, write_findings

    out = Path(arguments.output)
    REPORT_FOLDER.check(out, arguments.overwrite)
    methods = _methods(arguments.restored)
    cases, unpaired = cases_of(arguments.reference, arguments.noisy, methods)
    people = people_of([case.name for case in cases], arguments.person)
    reports: list[Report] = []
    with Bar("stopped; nothing was written") as bar:
        bar.start(len(cases), "Evaluating")
        for case in cases:
            reports.append(_judge(case, people[case.name], arguments))
            bar.tick()
    findings = find(reports, arguments.seed, unpaired)
    page = write_findings(findings, out, arguments.overwrite)
    if arguments.json:
        print(as_json(facts_of(findings)))
        return 0
    _print_means(findings)
    for note in findings.notes():
        print(f"note: {note}")
    print(page)
    return 0


def _methods(given: Sequence[str]) -> dict[str, str]:
    """Paths by method: ``name=path``, or a path alone where there is no other."""
    from medrestore.evaluation.images import RESTORED

    found: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or Path(text).exists():
            name, path = RESTORED, text
        if name in found:
            raise SettingsError(
                f"--restored was given {len(given)} times, twice for {name!r}; give each method "
                "its own name, like --restored ours=DIR --restored theirs=DIR"
            )
        found[name] = path
    return found


def _judge(case: Case, person: str, arguments: Namespace) -> Report:
    """Read a case and measure it."""
    from medrestore.api import read
    from medrestore.evaluation.evaluate import evaluate

    reference, noisy = (
        read(path, arguments.modality, arguments.gaps) for path in (case.reference, case.noisy)
    )
    restored: dict[str, Result | Volume] = {}
    notes = []
    for method, path in case.restored.items():
        result = None
        try:
            result = _saved_run(path, case.noisy)
        except ModelError as error:  # the image itself needs no model
            notes.append(f"{method}: its uncertainty is not judged: {error}")
        restored[method] = result or read(path, arguments.modality, arguments.gaps)
    modality = reference.modality or noisy.modality
    encoder = _encoder(modality) if arguments.perception and modality else None
    report = evaluate(reference, noisy, restored, case.name, person, arguments.redraw, encoder)
    return replace(report, notes=(*notes, *report.notes))


@cache
def _encoder(modality: str) -> Encoder:
    from medrestore.evaluation.features import encoder_for

    return encoder_for(modality)


def _saved_run(restored: Path, noisy: Path) -> Result | None:
    """The run that a restored scan was saved with; None if there is none."""
    from medrestore.evaluation.pairing import RESTORED
    from medrestore.io.formats import suffix_of
    from medrestore.results.record import reopen

    name = restored.name
    stem = name[: len(name) - len(suffix_of(restored))]
    record = restored.with_name(f"{stem.removesuffix(RESTORED)}_run.json")
    if not stem.endswith(RESTORED) or not record.is_file():
        return None
    return reopen(record, noisy, samples=True)


def _print_means(findings: Findings) -> None:
    from medrestore.evaluation.report import tables
    from medrestore.evaluation.strata import FOREGROUND

    reports = findings.reports
    if len(reports) == 1:
        print(reports[0])
        return
    summaries = [one for one in findings.summaries if one.window == FOREGROUND]
    means = tables.of_summary(summaries, reports[0].modality)
    people = len(findings.people)
    cases = f"{len(reports)} cases of {people} {'person' if people == 1 else 'people'}"
    seed = findings.seed
    print(f"{cases}; means and their 95 % intervals, bootstrap over people with seed {seed}")
    table(means.titles, means.rows)
    if findings.paired:
        found = tables.of_paired(findings.paired)
        print(f"differences; p by Wilcoxon, and adjusted for all {len(found.rows)} tests (Holm)")
        table(found.titles, found.rows)


READER_STUDY_EXAMPLES = """\
  medrestore reader-study analyse study_*.csv
  medrestore reader-study analyse study_*.csv --json > results.json
"""


def add_reader_study(commands: Commands) -> None:
    """Describe the command, whose one part is `analyse`."""
    does = "statistics of a blinded reader study, run in napari"
    parser = command(commands, "reader-study", analyse, does, READER_STUDY_EXAMPLES)
    inner = parser.add_subparsers(metavar="analyse", required=True)
    does = "preference, scores and agreement from the CSV files of one study's readers"
    parser = command(inner, "analyse", analyse, does, READER_STUDY_EXAMPLES)
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
