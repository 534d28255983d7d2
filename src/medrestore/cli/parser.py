"""Argparse with one-line errors, and the options that several commands share."""

from __future__ import annotations

import argparse
from argparse import Namespace
from typing import TYPE_CHECKING, Any, NoReturn

from medrestore.errors import SettingsError
from medrestore.modalities import names
from medrestore.settings.description import Flag
from medrestore.settings.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Commands = argparse._SubParsersAction["Parser"]
else:
    Commands = argparse._SubParsersAction

__all__ = [
    "Commands",
    "Namespace",
    "Parser",
    "add_offset",
    "add_setting",
    "add_settings",
    "add_source",
    "add_writing",
    "command",
    "settings_from",
]

READING_ORDER = (
    "model mode noise samples steps level estimate sampler schedule guidance measurement "
    "exceeds seed device precision memory_gb keep_samples"
).split()
"""Order of the help; a setting that is not among them follows at the end."""


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
    """Options of reading a scan: ``--modality``, ``--gaps``."""
    group = parser.add_argument_group("reading the scan")
    group.add_argument(
        "--modality",
        metavar="|".join(names()),
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


def add_settings(parser: Parser, noise: str = "") -> None:
    """The options of a run, one for each of `Settings`; ``noise`` is that option's own help."""
    group = parser.add_argument_group("restoring")
    others = [name for name in SETTINGS if name not in READING_ORDER]
    for name in READING_ORDER + others:
        add_setting(group, name, noise if name == "noise" else "")


def add_setting(group: argparse._ActionsContainer, name: str, says: str = "") -> None:
    """An option as `Settings` describes it, named as in Python; ``says`` is a help of its own."""
    described = SETTINGS[name]
    option = f"--{name.replace('_', '-')}"
    says = (says or described.help).replace("%", "%%")
    if isinstance(described.kind, Flag):
        group.add_argument(option, action="store_true", help=says)
        return
    group.add_argument(
        option,
        type=described.kind.parse,
        default=described.default,
        metavar=described.metavar or described.kind.values,
        help=says,
    )


def add_writing(parser: Parser) -> None:
    """Options of writing results: ``--format``, ``--overwrite``."""
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


def settings_from(arguments: Namespace, noise: str | float) -> Settings:
    """The arguments as `Settings`, which checks them."""
    return Settings(**{**{name: getattr(arguments, name) for name in SETTINGS}, "noise": noise})
