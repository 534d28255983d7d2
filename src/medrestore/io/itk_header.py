"""Looking through the text headers of NRRD and MetaImage before ITK does.

ITK believes a header: absurd ones end the process, allocate what they promise, or read any file
they name. What passes here has as many voxels as its files can hold, and files beside the header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import UnreadableError
from medrestore.io.header_text import LONGEST_HEADER
from medrestore.io.meta_header import vet_meta
from medrestore.io.nrrd_header import vet_nrrd

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["vet"]


NRRD_MAGIC = b"NRRD000"


def vet(path: Path) -> str:
    """Name of ITK's reader for a file, if the file's header can be believed.

    Raises
    ------
    UnreadableError
        If a line of the header is damaged, promises more voxels than there are, or names files
        that are missing or not beside the header.
    InputError
        If the header gives a number of axes, or none of voxels, that is no scan.
    """
    try:
        with path.open("rb") as file:
            start = file.read(LONGEST_HEADER)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be opened: {error.strerror or error}") from error
    if start.startswith(NRRD_MAGIC):
        vet_nrrd(path, start)
        return "NrrdImageIO"
    vet_meta(path, start)
    return "MetaImageIO"
