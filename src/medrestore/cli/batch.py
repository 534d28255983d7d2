"""`medrestore batch`: every scan of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.cli.meter import Bar
from medrestore.cli.output import duration
from medrestore.cli.parser import (
    Commands,
    Namespace,
    add_settings,
    add_source,
    add_writing,
    command,
    settings_from,
)
from medrestore.errors import InputError, SettingsError
from medrestore.settings.noise import parse_noise

if TYPE_CHECKING:
    from medrestore.batch.forecast import Forecast

EXAMPLES = """\
  medrestore batch archive/ restored/
  medrestore batch archive/ restored/ --samples 0 --format nifti
  medrestore batch archive/ restored/ --resume
  medrestore batch archive/ restored/ --jobs 4
  medrestore batch archive/ restored/ --cluster tcp://gpu-server:8786

OUT mirrors the folders of IN. OUT/batch.jsonl is written as it goes, OUT/report.html shows all
scans. One that cannot be restored is named there and does not stop the others; the exit code
is then 2. A batch that was stopped in whatever way goes on with --resume: what is done and
unchanged (path, content, settings, model) is not done again. The workers of a cluster read and
write the same files as this machine does, under the same paths.
"""
NOISE = (
    "standard deviation of the noise to remove: auto (estimated from each scan); a number, in HU "
    "of soft tissue for CT, or a fraction of the foreground for MR (0.05 is 5 %); or a number "
    "with u, in the scans' own unit (25u); default: auto"
)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = command(commands, "batch", run, "restore every scan under a folder", EXAMPLES)
    parser.add_argument("input", metavar="IN", help="folder with scans, in any sub-folders")
    parser.add_argument("output", metavar="OUT", help="folder for results")
    add_source(parser)
    add_settings(parser, NOISE)
    add_writing(parser)
    parser.add_argument("--resume", action="store_true", help="go on with a batch that was stopped")
    group = parser.add_argument_group("several at a time (needs medrestore[cluster])")
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="of a Dask scheduler, tcp://host:8786 or tls://host:8786: its workers do it",
    )
    group.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes on this machine, which share its cores; default: 1",
    )


def run(arguments: Namespace) -> int:
    """Restore scan after scan, on this machine or on a cluster."""
    from dataclasses import asdict

    from medrestore.batch.folder import denoise_folder

    settings = settings_from(arguments, _noise(arguments.noise))
    with Bar("stopped; scans already restored are kept") as bar:
        summary = denoise_folder(
            arguments.input,
            arguments.output,
            overwrite=arguments.overwrite,
            resume=arguments.resume,
            cluster=arguments.cluster,
            jobs=arguments.jobs,
            on_forecast=_print_forecast,
            progress=bar,
            fallback=arguments.modality,
            gaps=arguments.gaps,
            format=arguments.format,
            **asdict(settings),
        )
    for name, reason in summary.failed.items():
        print(f"not restored: {name}: {reason}")
    n = len(summary.restored)
    before = f", {summary.kept} of them before" if summary.kept else ""
    print(f"{n} scan{'' if n == 1 else 's'} restored into {arguments.output}{before}", end="")
    print(f"; {len(summary.skipped)} other files left alone" if summary.skipped else "")
    print(f"report: {summary.report}")
    if summary.failed:
        raise InputError(
            f"{len(summary.failed)} of {n + len(summary.failed)} scans could not be restored; "
            f"{summary.report} says why"
        )
    return 0


def _print_forecast(expected: Forecast) -> None:
    """Print the time and memory that the batch will take, before it starts."""
    from medrestore.engine.plan_text import memory

    if expected.scans:
        print(
            f"forecast  {expected.scans} scan{'' if expected.scans == 1 else 's'}, "
            f"{duration(expected.seconds)} beside reading and writing, "
            f"{memory(expected.memory_bytes)} of memory",
            flush=True,
        )


def _noise(text: str) -> str | float:
    try:
        return parse_noise(text)
    except SettingsError:
        raise SettingsError(
            f"--noise of a batch is auto, a number, or one with its unit (25u); got {text!r}"
        ) from None
