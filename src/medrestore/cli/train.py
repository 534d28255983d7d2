"""`medrestore train`: a model from scans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medrestore.cli.parser import Commands, Namespace, command
from medrestore.cli.terminal import Bar
from medrestore.errors import SettingsError

EXAMPLES = """\
  medrestore train models/mr_slice/configs/train.json
  medrestore train site.json --from mr_slice --time-limit 30     fine-tune for half an hour
  medrestore train site.json --pack packed                       scans to train on elsewhere
  medrestore train site.json --set data=packed batch=64 workers=12

Checkpoints go to runs/, the finished model to models/, in the working folder. A run that was
stopped goes on from its checkpoints when it is started again.
"""


FEW_PEOPLE = 3
"""People from whom on nothing is said of how few intervals rest on."""
LINE_S = 30.0
"""Seconds between lines of a log, where there is no terminal."""


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "train a model, or go on training one, and export it with its card"
    parser = command(commands, "train", run, does, EXAMPLES)
    parser.add_argument("config", metavar="CONFIG", help="JSON: scans, networks, schedule, seed")
    parser.add_argument(
        "--from", dest="start_from", metavar="MODEL", help="start from a model's weights"
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="MIN", help="minutes for the training itself"
    )
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="GPUs, or CPU processes, to train on"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="change the config for this run: numbers, words or JSON",
    )
    parser.add_argument(
        "--pack", metavar="DIR", help="only write the scans compactly into DIR, to train elsewhere"
    )


def run(arguments: Namespace) -> int:
    """Train: hours on a CPU."""
    if arguments.time_limit is not None and not arguments.time_limit > 0:
        raise SettingsError(f"--time-limit is minutes above 0, got {arguments.time_limit:g}")
    config = Path(arguments.config)
    if not config.is_file():
        raise SettingsError(f"the training config {config} does not exist; check the path")

    if arguments.devices < 1:
        raise SettingsError(f"--devices is at least 1, got {arguments.devices}")
    changes = dict(_change(text) for text in arguments.set)

    if arguments.pack is not None:
        from medrestore.training.config import Config
        from medrestore.training.source import pack

        paths = pack(Config.read(config, changes), Path(arguments.pack))
        print(f"packed: {len(paths)} scans, {sum(p.stat().st_size for p in paths) / 1e6:.1f} MB")
        return 0

    try:
        from medrestore.training.run import train
    except ModuleNotFoundError as error:
        raise SettingsError(
            f'training needs {error.name}, which is not installed: pip install "medrestore[train]"'
        ) from error
    with Bar("stopped; the checkpoints written so far are in runs/", LINE_S) as bar:
        folder = train(
            config,
            arguments.start_from,
            arguments.time_limit,
            bar,
            devices=arguments.devices,
            changes=changes,
        )
    print(f"trained: {folder}")
    print(f"use it: medrestore denoise SCAN -o out --model {_name_of(folder)}")
    _print_left_out(config, changes, folder)
    _print_few(folder)
    return 0


def _print_few(folder: Path) -> None:
    """Print a note where intervals rest on one or two people."""
    from medrestore.models.card import Card

    people = Card.read(folder).known.intervals.people
    if 0 < people < FEW_PEOPLE:
        print(
            f"note  intervals rest on {'one person' if people == 1 else 'two people'}; hold out "
            "more, in held_out"
        )


def _name_of(folder: Path) -> str:
    """The name of a finished model where it is known by that; else its folder."""
    from medrestore.models.model import available

    known = [card.name for card in available() if card.folder.resolve() == folder.resolve()]
    return known[0] if known else str(folder)


def _print_left_out(path: Path, changes: dict[str, Any], folder: Path) -> None:
    """Print a note if the config's notes and limits are not on the card."""
    from medrestore.models.card import Card
    from medrestore.training.config import Config

    config, weights = Config.read(path, changes), Card.read(folder).sha256
    if (config.notes or config.limits) and config.written_of != weights:
        print(
            "note  the config's notes and limits were not written of these weights and are not on "
            'their card; write what is true of them, with "written_of": '
            f'"{weights}", and train again: nothing but the card is made anew'
        )


def _change(text: str) -> tuple[str, Any]:
    """``name=value`` of a config; the value is JSON, or else the word itself."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise SettingsError(f"--set takes NAME=VALUE, got {text!r}; e.g. batch=64")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
