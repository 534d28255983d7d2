"""The command line: `medrestore COMMAND …`.

A command is two functions: ``add`` describes it to argparse, ``run`` does it and returns the exit
code; commands on one subject share a module. Everything heavy is imported inside ``run``, so that
help costs nothing.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from medrestore import __version__
from medrestore.cli import ensemble, evaluate, models, records, restore, scans, train
from medrestore.cli.parser import Parser
from medrestore.engine.threads import wait_asleep
from medrestore.errors import Cancelled, MedrestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]

COMMANDS = (
    scans.add_info,
    restore.add_denoise,
    restore.add_batch,
    records.add_rerun,
    records.add_exceed,
    records.add_cite,
    scans.add_simulate,
    models.add_likelihood,
    restore.add_demo,
    models.add_models,
    evaluate.add_evaluate,
    ensemble.add,
    models.add_calibrate,
    train.add,
    evaluate.add_reader_study,
    scans.add_view,
)

DESCRIPTION = """\
Restores noisy CT and MR scans and says how sure it is, voxel by voxel.
For research use only, not for diagnosis.
"""

EXAMPLES = """\
examples:
  medrestore demo                                    see it at work on sample scans
  medrestore info archive/                           what scans there are
  medrestore denoise scan.nii.gz -o out --modality MR
  medrestore denoise ct_series/ -o out --samples 0   image and map, fast
  medrestore batch archive/ restored/                every scan of a folder

Each command explains itself: medrestore denoise --help
"""

STOPPED, WRONG, CLOSED = 130, 2, 141
"""Exit codes: the user pressed Ctrl-C; the user asked for something that cannot be done; whoever
read the output has read enough (``| head``), as a shell has it of SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process if absent.

    Returns
    -------
    int
        Exit code: 0, 2 with one line on stderr for a user's error, 130 after Ctrl-C, 141 where
        nobody reads the output any more. An error that nobody foresaw is not caught: its traceback
        is what a bug report needs.
    """
    wait_asleep()
    for stream in (sys.stdout, sys.stderr):
        _replace_unknown_letters(stream)
    try:
        arguments = _parser().parse_args(argv)
        command: Callable[..., int] = arguments.run
        code = command(arguments)
        sys.stdout.flush()
        return code
    except Cancelled as error:
        return _fail(error, STOPPED)
    except MedrestoreError as error:
        return _fail(error, WRONG)
    except KeyboardInterrupt:
        return _fail("stopped", STOPPED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
        return CLOSED


def _parser() -> Parser:
    parser = Parser(prog="medrestore", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"medrestore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    return parser


def _replace_unknown_letters(stream: TextIO) -> None:
    """Show a question mark where a terminal has no σ."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _fail(reason: object, code: int) -> int:
    print("medrestore:", " ".join(str(reason).split()), file=sys.stderr)
    return code
