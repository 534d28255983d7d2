"""`medrestore denoise`: a scan in, a restored scan and its uncertainty out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.cli.meter import Bar
from medrestore.cli.output import as_json, plan_in_words
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
from medrestore.errors import SettingsError
from medrestore.settings.noise import parse_noise

if TYPE_CHECKING:
    from medrestore.api import Result
    from medrestore.engine.plan import Plan
    from medrestore.volume import Volume

__all__ = ["add", "run", "run_and_report"]

EXAMPLES = """\
  medrestore denoise ct_series/ -o out
  medrestore denoise mr.nii.gz -o out --modality MR --noise 0.05
  medrestore denoise mr.nii.gz -o out --modality MR --samples 0     image and map, fast
  medrestore denoise fmri.nii.gz -o out --modality MR --volume 3    one time point

writes <scan>_restored, _std (expected error), _lower, _upper, _removed (what was taken away that
noise does not explain), _inconsistent (what of it the scan does not show), and
with DICOM output also _std_map (_std as a Parametric Map: float32, with its unit), and
<scan>_run.json, from which `medrestore rerun` repeats the run. Ctrl-C keeps what the samples drawn
so far say.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "restore a scan and say how sure the restoration is"
    parser = command(commands, "denoise", run, does, EXAMPLES)
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


def run(arguments: Namespace) -> int:
    """Restore a scan; all that can go wrong is checked before anything is computed."""
    noise = _noise(arguments.noise)
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


def _noise(text: str) -> str | float | Path:
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
