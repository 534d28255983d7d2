"""`medrestore models`, `likelihood` and `calibrate`: models listed, asked and fitted to a site."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from medrestore.cli.parser import Commands, Namespace, add_setting, add_source, command
from medrestore.cli.terminal import Bar, as_json, table
from medrestore.errors import MedrestoreWarning, SettingsError

if TYPE_CHECKING:
    from medrestore.models.card import Card


def add_models(commands: Commands) -> None:
    """Describe the command."""
    does = "list the models that `denoise --model` can take"
    parser = command(commands, "models", run_models, does, "  medrestore models\n")
    parser.add_argument("--json", action="store_true", help="for machines: the whole cards")


def run_models(arguments: Namespace) -> int:
    """List the models; cards are read, weights are not."""
    from medrestore.models.model import available

    cards = available()
    if arguments.json:
        print(as_json([{**card.facts, "bytes": _bytes(card)} for card in cards]))
    elif not cards:
        print("no models; `medrestore train` makes one")
    else:
        titles = ("model", "for", "mode", "size", "what it is", "measured")
        table(titles, [_row(card) for card in cards])
    return 0


def _row(card: Card) -> tuple[str, ...]:
    size = f"{_bytes(card) / 1e6:.1f} MB"
    calibrated = "" if card.known.intervals.factors else "not calibrated"
    measured = "; ".join(filter(None, (calibrated, _headline(card.known.evaluation))))
    return (card.name, card.modality, card.mode, size, card.summary, measured)


def _bytes(card: Card) -> int:
    return card.weights.stat().st_size if card.weights.is_file() else 0


def _headline(evaluation: Any) -> str:
    """The headline of a card, else those of its metrics that are single numbers or words."""
    if not isinstance(evaluation, dict):
        return str(evaluation or "")
    if "headline" in evaluation:
        return str(evaluation["headline"])
    plain = {k: v for k, v in evaluation.items() if isinstance(v, (int, float, str))}
    return ", ".join(
        f"{key.replace('_', ' ')} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in plain.items()
    )


LIKELIHOOD_EXAMPLES = """\
  medrestore likelihood mr.nii.gz --modality MR --slices 90
  medrestore likelihood mr.nii.gz --modality MR --slices 80 90 100 --probes 4 --json

Minutes for each slice of 256 × 256 on a CPU. Intensities are in units of the scan's scale, so that
bits below 0 are usual: they say to how small a part of it a voxel is known.
"""
FAREWELL = "stopped before the last slice; nothing is said of the others"


def add_likelihood(commands: Commands) -> None:
    """Describe the command."""
    does = "say how likely a model's prior of clean images finds the slices of a scan"
    parser = command(commands, "likelihood", run_likelihood, does, LIKELIHOOD_EXAMPLES)
    parser.add_argument("input", metavar="IN", help="a file, or a folder with one DICOM volume")
    parser.add_argument(
        "--model", default="mr_slice_score", metavar="NAME|FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--slices", type=int, nargs="+", metavar="Z", help="which, from 0; default: all"
    )
    parser.add_argument(
        "--steps", type=int, default=16, metavar="K", help="of the integration; default: 16"
    )
    parser.add_argument(
        "--probes", type=int, default=1, metavar="N", help="averaged over; default: 1"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    add_setting(parser, "device")
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    add_source(parser)


def run_likelihood(arguments: Namespace) -> int:
    """Print one row for each slice."""
    from medrestore.api import read
    from medrestore.engine.likelihood import log_likelihood

    volume = read(arguments.input, arguments.modality, arguments.gaps)
    with Bar(FAREWELL) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", MedrestoreWarning)  # said below
        found = log_likelihood(
            volume,
            arguments.model,
            arguments.slices,
            arguments.steps,
            arguments.probes,
            arguments.seed,
            arguments.device,
            bar,
        )
    rows = list(zip(found.slices, found.nats.tolist(), found.bits_per_voxel.tolist(), strict=True))
    if arguments.json:
        names = ("slice", "nats", "bits_per_voxel")
        facts = [dict(zip(names, row, strict=True)) for row in rows]
        whole = {"model": found.model, "smoothed": found.smoothed, "slices": facts}
        print(as_json(whole | {"warnings": list(found.warnings)}))
        return 0
    table(
        ("slice", "log p (nats)", "bits per voxel"),
        [(str(z), f"{nats:.0f}", f"{bits:.3f}") for z, nats, bits in rows],
    )
    for text in found.warnings:
        print(f"note  {text}")
    return 0


CALIBRATE_EXAMPLES = """\
  medrestore calibrate --model mr_slice --modality MR -o models/mr_site \\
      --reference a_full.nii.gz b_full.nii.gz --noisy a_fast.nii.gz b_fast.nii.gz
  medrestore denoise scan.nii.gz -o out --modality MR --model models/mr_site

The references have little noise and lie on the grids of the noisy scans, in the same order. Each
scan is another person unless --person says otherwise. From 10 people on, the 90 % interval comes
with a finite-sample guarantee, from 20 on the 95 % one; the card says what holds.
"""


def add_calibrate(commands: Commands) -> None:
    """Describe the command."""
    does = "fit a model's intervals to scans of your own, as a new model"
    parser = command(commands, "calibrate", run_calibrate, does, CALIBRATE_EXAMPLES)
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


def run_calibrate(arguments: Namespace) -> int:
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
