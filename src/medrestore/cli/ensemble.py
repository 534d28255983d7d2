"""`medrestore ensemble`: image quality from many noise realisations of a scene that is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.cli.parser import Commands, Namespace, Parser, add_source, command
from medrestore.cli.terminal import Bar, as_json, table
from medrestore.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from medrestore.evaluation.ensemble.design import Design
    from medrestore.evaluation.ensemble.folder import NoiseLevel
    from medrestore.evaluation.ensemble.scene import Scene
    from medrestore.evaluation.ensemble.study import Study

MAKE = """\
  medrestore ensemble make -o ensemble --hu 25
  medrestore ensemble make -o ensemble --modality MR --noise 0.05 --realisations 64
  medrestore ensemble make full_dose.nii.gz -o ensemble --dose 0.25 --rods -100 100 300

Writes noisy realisations (DIR/noisy) of a plain phantom, or of some slices of a scan with little
noise: half of them with rods and lesions, half without. Any denoiser restores that folder, e.g.
  medrestore batch ensemble/noisy restored --samples 0
Contrasts are in HU for CT, in percent of the foreground for MR.
"""
ANALYSE = """\
  medrestore ensemble analyse ensemble --restored ours=restored --restored nlm=nlm/ -o report

A method's folder holds an image for each realisation under its name, present_000.nii.gz or
present_000_restored.nii.gz, on the same grid.
"""


def add(commands: Commands) -> None:
    """Describe the command and its two parts."""
    does = "noise texture, sharpness and detectability from many noise realisations"
    parser = command(commands, "ensemble", make, does, MAKE + ANALYSE)
    inner = parser.add_subparsers(metavar="make|analyse", required=True)
    _add_make(command(inner, "make", make, "write noisy realisations of a known scene", MAKE))
    does = "measure the noisy and the restored realisations: metrics, plots and a page"
    part = command(inner, "analyse", analyse, does, ANALYSE)
    part.add_argument("input", metavar="DIR", help="an ensemble that `make` wrote")
    part.add_argument(
        "--restored",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a method's images; once for each method",
    )
    out = "a folder for the report alone"
    part.add_argument("-o", "--output", required=True, metavar="OUT", help=out)
    part.add_argument("--json", action="store_true", help="print all metrics as JSON")
    part.add_argument("--overwrite", action="store_true", help="replace an earlier report")


def _add_make(parser: Parser) -> None:
    add = parser.add_argument
    reference = "a scan with little noise; without it a plain phantom is used"
    add("reference", nargs="?", metavar="REFERENCE", help=reference)
    add("-o", "--output", required=True, metavar="DIR", help="a folder for the ensemble alone")
    strength = parser.add_mutually_exclusive_group(required=True)
    strength.add_argument("--dose", type=float, metavar="F", help="CT: fraction of the dose")
    strength.add_argument("--hu", type=float, metavar="F", help="CT: σ in soft tissue, HU")
    sigma = "MR: σ as a fraction of the foreground"
    strength.add_argument("--noise", type=float, metavar="F", help=sigma)
    many = "in all, half with inserts; default: %(default)s"
    add("--realisations", type=int, default=32, metavar="N", help=many)
    add("--seed", type=int, default=0, metavar="N", help="of noise and positions; default: 0")
    add("--overwrite", action="store_true", help="replace an earlier ensemble")
    group = parser.add_argument_group("the scene")
    add = group.add_argument
    add("--rods", type=float, nargs="+", metavar="C", help="contrasts of the rods")
    add("--rod-mm", type=float, metavar="MM", help="their diameter; default: 16")
    add("--sizes", type=float, nargs="+", metavar="MM", help="diameters of the lesions")
    add("--contrasts", type=float, nargs="+", metavar="C", help="contrasts of the lesions")
    add("--places", type=int, metavar="N", help="lesions of each kind; default: 3")
    add("--slices", type=int, default=5, metavar="N", help="of the scan, odd; default: 5")
    add("--middle", type=int, metavar="Z", help="their middle one; default: the scan's")
    add_source(parser)


def make(arguments: Namespace) -> int:
    """Write an ensemble."""
    from medrestore.evaluation.ensemble import folder

    if Path(arguments.output).exists() and not arguments.overwrite:
        raise OutputError(
            f"{arguments.output} exists already; choose another folder, or allow --overwrite"
        )
    scene, noise = _scene_and_noise(arguments)
    with Bar("stopped; nothing was written") as bar:
        made = folder.make(
            scene,
            noise,
            arguments.output,
            realisations=arguments.realisations,
            seed=arguments.seed,
            overwrite=arguments.overwrite,
            progress=bar,
        )
    n = len(made.names["present"])
    print(
        f"{n} realisations with {len(scene.rods)} rods and "
        f"{sum(len(group.members) for group in scene.lesions)} lesions, {n} without: "
        f"{made.folder / 'noisy'}"
    )
    return 0


def analyse(arguments: Namespace) -> int:
    """Measure and write the report."""
    from medrestore.evaluation.ensemble.report import STUDY_FOLDER, facts_of, write_study
    from medrestore.evaluation.ensemble.study import analyse as measured

    out = Path(arguments.output)
    STUDY_FOLDER.check(out, arguments.overwrite)
    with Bar("stopped; nothing was written") as bar:
        study = measured(arguments.input, _methods(arguments.restored), bar)
    page = write_study(study, out, overwrite=arguments.overwrite)
    if arguments.json:
        print(as_json(facts_of(study)))
        return 0
    _print_tables(study)
    print(page)
    return 0


def _scene_and_noise(arguments: Namespace) -> tuple[Scene, NoiseLevel]:
    from medrestore.api import read
    from medrestore.evaluation.ensemble.design import of_phantom, of_scan
    from medrestore.evaluation.ensemble.folder import NoiseLevel
    from medrestore.io.modality import check_modality
    from medrestore.modalities import modality_named

    dose, hu, noise = arguments.dose, arguments.hu, arguments.noise
    if arguments.reference is None:
        modality = check_modality(arguments.modality) or ("CT" if noise is None else "MR")
        design = _design(arguments, modality)
        return of_phantom(modality, design, arguments.seed), NoiseLevel(dose, hu, noise)
    volume = read(arguments.reference, arguments.modality, arguments.gaps)
    design = _design(arguments, volume.modality or "CT")
    scene = of_scan(
        volume, design, slices=arguments.slices, middle=arguments.middle, seed=arguments.seed
    )
    measured = None
    if dose is not None:
        measured = modality_named(scene.modality).estimate_noise(volume.array).sigma or None
    return scene, NoiseLevel(dose, hu, noise, measured)


def _design(arguments: Namespace, modality: str) -> Design:
    """The usual inserts, but for those requested."""
    from dataclasses import replace

    from medrestore.evaluation.ensemble.design import Design

    requested = {
        "rods": arguments.rods,
        "rod_mm": arguments.rod_mm,
        "sizes_mm": arguments.sizes,
        "contrasts": arguments.contrasts,
        "places": arguments.places,
    }
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in requested.items()
        if value is not None
    }
    return replace(Design.usual(modality), **given)


def _methods(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name or not path or name in found:
            raise SettingsError(
                f"--restored is NAME=DIR, each name once, got {text!r}; e.g. --restored nlm=out/nlm"
            )
        found[name] = path
    return found


def _print_tables(study: Study) -> None:
    from medrestore.evaluation.ensemble import report

    for make_table in (report.of_noise, report.of_lesions, report.of_lines, report.of_erased):
        made = make_table(study)
        if made.rows:
            table(made.titles, made.rows)
            print()
    for method in study.methods:
        for text in method.notes:
            print(f"note: {method.method}: {text}")
