"""`medrestore denoise`, `batch` and `demo`: a scan, a folder's scans, the sample scans restored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.cli.parser import (
    Commands,
    Namespace,
    add_offset,
    add_settings,
    add_source,
    add_writing,
    command,
    settings_from,
)
from medrestore.cli.terminal import Bar, as_json, duration, plan_in_words
from medrestore.errors import InputError, SettingsError
from medrestore.settings.noise import parse_noise

if TYPE_CHECKING:
    from medrestore.api import Result
    from medrestore.batch.forecast import Forecast
    from medrestore.engine.plan import Plan
    from medrestore.volume import Volume

__all__ = ["add_batch", "add_demo", "add_denoise", "run_and_report"]

DENOISE_EXAMPLES = """\
  medrestore denoise ct_series/ -o out
  medrestore denoise mr.nii.gz -o out --modality MR --noise 0.05
  medrestore denoise mr.nii.gz -o out --modality MR --samples 0     image and map, fast
  medrestore denoise fmri.nii.gz -o out --modality MR --volume 3    one time point

writes <scan>_restored, _std (expected error), _lower, _upper, _removed (what was taken away that
noise does not explain), _inconsistent (what of it the scan does not show), with --exceeds also
_exceeds (the probability of a higher value), and
with DICOM output also _std_map (_std as a Parametric Map: float32, with its unit), _noise (the
map of its standard deviation, where it is one, as of CT) and
<scan>_run.json, from which `medrestore rerun` repeats the run. Ctrl-C keeps what the samples drawn
so far say.
"""


def add_denoise(commands: Commands) -> None:
    """Describe the command."""
    does = "restore a scan and say how sure the restoration is"
    parser = command(commands, "denoise", run_denoise, does, DENOISE_EXAMPLES)
    parser.add_argument("input", metavar="IN", help="a file, or a folder with one DICOM volume")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for results")
    parser.add_argument("--json", action="store_true", help="say what was done as JSON")
    add_source(parser)
    add_offset(parser)
    parser.add_argument(
        "--volume", type=int, metavar="N", help="of a 4-D scan only this time point, from 0"
    )
    add_settings(parser)
    add_writing(parser)


def run_denoise(arguments: Namespace) -> int:
    """Restore a scan; all that can go wrong is checked before anything is computed."""
    noise = _noise_or_map(arguments.noise)
    settings = settings_from(arguments, "map" if isinstance(noise, Path) else noise)

    from medrestore.api import read
    from medrestore.restorer import RESTORER
    from medrestore.results.preflight import check_destination

    volume = read(arguments.input, arguments.modality, arguments.gaps, arguments.hu_offset)
    if arguments.volume is not None:
        volume = volume.time_point(arguments.volume)
    check_destination(
        volume, arguments.output, format=arguments.format, overwrite=arguments.overwrite
    )
    plan = RESTORER.plan(volume, settings, read(noise) if isinstance(noise, Path) else None)
    return run_and_report(plan, volume, arguments.output, arguments, arguments.json)


def run_and_report(
    plan: Plan, volume: Volume, output: str | Path, arguments: Namespace, json: bool = False
) -> int:
    """Print a plan, run it, save its result and print what was done.

    Returns
    -------
    int
        The exit code, which is that of Ctrl-C for a part of a run.
    """
    from medrestore.restorer import RESTORER

    if not json:
        print(plan_in_words(plan, volume), flush=True)
    before = time.monotonic()
    with Bar("stopped before the scan was restored; nothing was written") as bar:
        result = RESTORER.run(plan, volume, bar)
    seconds = time.monotonic() - before
    written = result.save(output, arguments.format, arguments.overwrite)
    if json:
        print(as_json(_facts(result, volume, written, seconds)))
    else:
        _print_done(result, written, seconds)
    return 0 if result.drawn == result.plan.settings.samples else 130


def _print_done(result: Result, written: list[Path], seconds: float) -> None:
    requested, drawn = result.plan.settings.samples, result.drawn
    done = f"restored in {seconds:.1f} s"
    if drawn < requested:
        done = f"stopped after {seconds:.1f} s, with {drawn} of {requested} samples: the "
        done += "results are whole and valid, their uncertainty is rougher"
    print(f"{done}:", *(f"  {path}" for path in written), sep="\n")
    if result.guards is not None:
        print(f"checks    {result.guards.sentence()}")


def _facts(result: Result, volume: Volume, written: list[Path], seconds: float) -> dict[str, Any]:
    import json

    return {
        "plan": json.loads(result.plan.to_json()),
        "samples_drawn": result.drawn,
        "seconds": round(seconds, 2),
        "warnings": [*volume.warnings, *result.warnings],
        "guards": result.guards.facts() if result.guards is not None else None,
        "outputs": [str(path) for path in written],
    }


def _noise_or_map(text: str) -> str | float | Path:
    """``"auto"``, a number, one with its unit, or the path of a map."""
    try:
        return parse_noise(text)
    except SettingsError:
        if text.strip() and Path(text).exists():
            return Path(text)
    raise SettingsError(
        "--noise is auto, a number, one with its unit (25u) or the path of a map; "
        f"got {text!r}, and there is no such file"
    )


BATCH_EXAMPLES = """\
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
BATCH_NOISE = (
    "standard deviation of the noise to remove: auto (estimated from each scan); a number, in HU "
    "of soft tissue for CT, or a fraction of the foreground for MR (0.05 is 5 %); or a number "
    "with u, in the scans' own unit (25u); default: auto"
)


def add_batch(commands: Commands) -> None:
    """Describe the command."""
    parser = command(
        commands, "batch", run_batch, "restore every scan under a folder", BATCH_EXAMPLES
    )
    parser.add_argument("input", metavar="IN", help="folder with scans, in any sub-folders")
    parser.add_argument("output", metavar="OUT", help="folder for results")
    add_source(parser)
    add_settings(parser, BATCH_NOISE)
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


def run_batch(arguments: Namespace) -> int:
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


def add_demo(commands: Commands) -> None:
    """Describe the command."""
    does = "restore the bundled sample scans and show what comes out"
    parser = command(commands, "demo", run_demo, does, "  medrestore demo -o demo_output\n")
    parser.add_argument(
        "-o", "--output", default="demo_output", metavar="DIR", help="default: %(default)s"
    )


def run_demo(arguments: Namespace) -> int:
    """Restore the samples; results of an earlier demo are replaced."""
    from medrestore.batch.demo import demo

    with Bar("stopped; the demo is not complete") as bar:
        done = demo(arguments.output, bar)
    for name, metrics in done.metrics.items():
        print(name)
        for what, value in metrics.items():
            print(f"  {what:<34} {value}")
    n = len(done.metrics)
    print(
        f"\nRestored {n} sample scan{'' if n == 1 else 's'} in {done.seconds:.0f} s, with "
        "the uncertainty of every voxel; the figures above compare them with the truth. The "
        f"results are in {arguments.output}; open {done.page} to look at them."
    )
    return 0
