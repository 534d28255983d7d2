"""`medrestore view`: a scan in napari."""

from __future__ import annotations

from pathlib import Path

from medrestore.cli.parser import Commands, Namespace, command
from medrestore.errors import InputError, SettingsError


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "open a scan in napari, right way up and in millimetres"
    parser = command(commands, "view", run, does, "  medrestore view ct_series/\n")
    parser.add_argument("path", metavar="PATH", help="a file or a folder with scans")


def run(arguments: Namespace) -> int:
    """Open a window; returns when it is closed."""
    path = Path(arguments.path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    try:
        import napari

        viewer = napari.Viewer()
    except ImportError as error:
        raise SettingsError(
            "napari cannot open a window here: it or a Qt is not installed "
            f'({str(error).splitlines()[0]}); pip install "medrestore[napari]" brings napari, '
            'pip install "medrestore[all]" a Qt as well'
        ) from error
    try:
        viewer.open(str(path), plugin="medrestore")
    except ValueError as error:  # npe2's word for a path that our reader refuses
        viewer.close()
        raise InputError(
            f"{path} holds no scan that medrestore reads; medrestore info says what there is"
        ) from error
    napari.run()
    return 0
