"""Argparse with one-line errors, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.engine.plan import Settings

    Commands = argparse._SubParsersAction["Parser"]

__all__ = [
    "Parser",
    "add_offset",
    "add_settings",
    "add_source",
    "add_writing",
    "command",
    "settings_from",
]


class Parser(argparse.ArgumentParser):
    """Raises `SettingsError` with one line instead of printing the usage and leaving."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and where they are explained."""
        raise SettingsError(f"{message}; see {self.prog} --help")


def command(
    commands: Commands, name: str, run: Callable[..., int], does: str, examples: str = ""
) -> Parser:
    """Add a command; ``does`` is one sentence, without its full stop and in lower case."""
    parser = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=f"examples:\n{examples}" if examples else None,
    )
    parser.set_defaults(run=run)
    return parser


def add_source(parser: Parser) -> None:
    """How a scan is read: ``--modality``, ``--gaps``."""
    group = parser.add_argument_group("reading the scan")
    group.add_argument(
        "--modality",
        metavar="CT|MR",
        help="what the scan is; needed where the file does not say (NIfTI of an MR scan)",
    )
    group.add_argument(
        "--gaps",
        default="error",
        metavar="error|keep",
        help="DICOM with missing or uneven slices: refuse it (error), or restore it and keep each "
        "slice's position (keep); default: %(default)s",
    )


def add_offset(parser: Parser) -> None:
    """``--hu-offset``, where one scan is read."""
    parser.add_argument(
        "--hu-offset",
        type=float,
        default=0.0,
        metavar="HU",
        help="add this to every value of a CT whose file lost its rescale intercept (-1024)",
    )


def add_settings(parser: Parser, noise: str) -> None:
    """The options of a run, named and defaulted as in Python; ``noise`` is that option's help."""
    group = parser.add_argument_group("restoring")
    add = group.add_argument
    add("--model", default="auto", metavar="NAME|FOLDER", help="see `medrestore models`")
    add("--mode", metavar="slice|patch3d", help="default: the model's own")
    add("--noise", default="auto", metavar="σ", help=noise)
    add(
        "--samples",
        type=int,
        default=8,
        metavar="N",
        help="posterior samples; 0 gives image and map from one evaluation, fast; default: 8",
    )
    add(
        "--steps",
        type=int,
        default=0,
        metavar="K",
        help="steps of a sample, each a network evaluation or, of some samplers, more; default: "
        "the model's own, 2 of the automatic ones",
    )
    add(
        "--level",
        type=float,
        default=0.9,
        metavar="P",
        help="share of voxels that lower…upper is to cover, 0 to 1; default: 0.9",
    )
    add(
        "--estimate",
        default="mean",
        metavar="mean|sample|posterior-mean",
        help="what the restored image is: the expected one, one posterior sample (natural "
        "texture), or the mean of the samples; default: mean",
    )
    _sampling(add)
    add("--seed", type=int, default=0, metavar="N", help="same seed, same voxels; default: 0")
    add("--device", default="auto", metavar="auto|cpu|cuda", help="default: auto")
    add(
        "--precision",
        default="auto",
        metavar="auto|float32|bfloat16",
        help="auto: bfloat16 where the device has it, float32 elsewhere; default: auto",
    )
    add("--memory-gb", type=float, metavar="GB", help="memory to stay within; default: all free")
    add("--keep-samples", action="store_true", help="also write the samples themselves")


def _sampling(add: Callable[..., object]) -> None:
    """How samples are drawn: ``--sampler``, ``--schedule``, ``--guidance``, ``--measurement``."""
    from medrestore.core.samplers import SAMPLERS
    from medrestore.core.schedules import SCHEDULES

    add(
        "--sampler",
        default="auto",
        metavar="|".join(("auto", *SAMPLERS)),
        help="how samples are drawn; auto, the default, is the model's own: moment-matched, ddim "
        "of models of the image itself, consistency of those distilled to it",
    )
    add(
        "--schedule",
        default="cosine",
        metavar="|".join(SCHEDULES),
        help="where the steps lie between noise and sample; default: cosine",
    )
    add(
        "--guidance",
        type=float,
        default=1.0,
        metavar="W",
        help="weight of what a model is told against what it would say untold (classifier-free; "
        "of models that know both); above 1 each step takes two evaluations; default: 1, off",
    )
    add(
        "--measurement",
        type=float,
        default=0.0,
        metavar="λ",
        help="weight of the noise's likelihood, which draws samples towards the scan; default: 0, "
        "off. Of guided samples std and intervals are not calibrated",
    )


def add_writing(parser: Parser) -> None:
    """How results are written: ``--format``, ``--overwrite``."""
    from medrestore.results.naming import offered

    group = parser.add_argument_group("writing")
    group.add_argument(
        "--format",
        default="source",
        metavar="|".join(offered()),
        help="source: derived DICOM series for DICOM, Zarr for Zarr, NIfTI for all else; "
        "default: %(default)s",
    )
    group.add_argument("--overwrite", action="store_true", help="replace earlier results")


def settings_from(arguments: argparse.Namespace, noise: str | float) -> Settings:
    """The arguments as `Settings`, which checks them."""
    from dataclasses import fields

    from medrestore.engine.plan import Settings

    given = {f.name: getattr(arguments, f.name) for f in fields(Settings) if f.name != "noise"}
    return Settings(**given, noise=noise)
