"""Hidden folders that a killed batch left among its results."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["clear"]

TEMPORARY = ".medrestore-*"
HALF_PAGE = ".report.html.*"


def clear(out: Path, places: Iterable[str] = ()) -> None:
    """Remove what is empty or half written, and let the next write sweep the rest.

    `io.staging` sweeps what nobody uses once it is a minute old; a batch that is resumed at once
    is sooner. Folders in use are locked, and stay.

    Parameters
    ----------
    out : Path
        Folder of the results.
    places : iterable of str
        Folder and stem, below it, of scans that were begun and not finished.
    """
    folders = {out}
    for place in places:
        folder = (out / place).parent
        folders |= {folder, *(above for above in folder.parents if out in above.parents)}
    for half in out.glob(HALF_PAGE):
        half.unlink(missing_ok=True)
    for left in [left for folder in folders for left in folder.glob(TEMPORARY)]:
        with suppress(OSError):
            if any(left.iterdir()):
                os.utime(left, (0, 0))
            else:
                left.rmdir()
