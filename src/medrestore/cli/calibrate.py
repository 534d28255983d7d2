"""`medrestore calibrate`: intervals that cover on a site's own scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.cli.meter import Bar
from medrestore.cli.output import as_json, table
from medrestore.cli.parser import Commands, Namespace, add_setting, add_source, command
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from medrestore.models.card import Card

EXAMPLES = """\
  medrestore calibrate --model mr_slice --modality MR -o models/mr_site \\
      --reference a_full.nii.gz b_full.nii.gz --noisy a_fast.nii.gz b_fast.nii.gz
  medrestore denoise scan.nii.gz -o out --modality MR --model models/mr_site

The references have little noise and lie on the grids of the noisy scans, in the same order. Each
scan is another person unless --person says otherwise. From 10 people on, the 90 % interval comes
with a finite-sample guarantee, from 20 on the 95 % one; the card says what holds.
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "fit a model's intervals to scans of your own, as a new model"
    parser = command(commands, "calibrate", run, does, EXAMPLES)
    for option, says in (
        ("--reference", "scans with little noise"),
        ("--noisy", "the same, noisy"),
    ):
        parser.add_argument(option, nargs="+", required=True, metavar="SCAN", help=says)
    parser.add_argument("--person", nargs="+", metavar="ID", help="who each scan is of")
    parser.add_argument("--model", required=True, metavar="NAME|FOLDER", help="where to start from")
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="the new model's folder; default: models/<model>_site"
    )
    add_setting(parser, "noise", "as for denoise; default: auto")
    add_setting(parser, "samples", "posterior samples; default: 8")
    for name in ("steps", "seed", "device"):
        add_setting(parser, name)
    slices = "slices of each scan that are looked at; default: 8"
    parser.add_argument("--slices", type=int, default=8, metavar="N", help=slices)
    parser.add_argument("--json", action="store_true", help="the new card's intervals as JSON")
    add_source(parser)


def run(arguments: Namespace) -> int:
    """Restore a few slices of every scan."""
    try:
        noise = arguments.noise if arguments.noise == "auto" else float(arguments.noise)
    except ValueError as error:
        raise SettingsError(f"--noise is auto or a number, got {arguments.noise!r}") from error
    if arguments.slices < 1:
        raise SettingsError(f"--slices is at least 1, got {arguments.slices}")

    from medrestore.api import read
    from medrestore.evaluation.calibrate import calibrate

    references, noisies = (
        [read(path, arguments.modality, arguments.gaps) for path in paths]
        for paths in (arguments.reference, arguments.noisy)
    )
    with Bar("stopped; nothing was written") as bar:
        card = calibrate(
            arguments.model,
            references,
            noisies,
            arguments.output,
            noise=noise,
            people=arguments.person,
            samples=arguments.samples,
            steps=arguments.steps,
            slices=arguments.slices,
            seed=arguments.seed,
            device=arguments.device,
            progress=bar,
        )
    if arguments.json:
        print(as_json({"model": str(card.folder), "intervals": card.facts["intervals"]}))
    else:
        _print_intervals(card)
    return 0


def _print_intervals(card: Card) -> None:
    facts = card.facts["intervals"]
    print(f"{facts['how']}; half-width of the intervals, in standard deviations:")
    rows = [
        (method, f"{sigma:.2%}", *(f"{value:.2f}" for value in row))
        for method, rows in facts["factors"].items()
        for sigma, row in zip(facts["relative_sigma"], rows, strict=True)
    ]
    table(("method", "σ/scale", *(f"{level:.0%}" for level in facts["levels"])), rows)
    print(f"the calibrated model: {card.folder}")
