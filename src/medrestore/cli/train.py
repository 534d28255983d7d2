"""`medrestore train`: a model from scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.cli.meter import Bar
from medrestore.cli.parser import command
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    import argparse

    from medrestore.cli.parser import Commands

EXAMPLES = """\
  medrestore train models/mr_slice/configs/train.json
  medrestore train site.json --from mr_slice --time-limit 30     fine-tune for half an hour

Checkpoints go to runs/, the finished model to models/, in the working folder. A run that was
stopped goes on from its checkpoints when it is started again.
"""


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


def run(arguments: argparse.Namespace) -> int:
    """Long: hours on a CPU."""
    if arguments.time_limit is not None and not arguments.time_limit > 0:
        raise SettingsError(f"--time-limit is minutes above 0, got {arguments.time_limit:g}")
    config = Path(arguments.config)
    if not config.is_file():
        raise SettingsError(f"the training config {config} does not exist; check the path")

    from medrestore.training.run import train

    with Bar("stopped; the checkpoints written so far are in runs/") as bar:
        folder = train(config, arguments.start_from, arguments.time_limit, bar)
    print(f"trained: {folder}")
    return 0
