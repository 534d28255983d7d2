"""A run again, from its record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.meter import SILENT, Meter
from medrestore.restorer import RESTORER, warn_of
from medrestore.results.record import read_record

if TYPE_CHECKING:
    import os

    from medrestore.results.record import Place
    from medrestore.results.result import Result

__all__ = ["rerun"]


def rerun(
    record: str | os.PathLike[str],
    source: Place | None = None,
    device: str | None = None,
    progress: Meter | None = None,
) -> Result:
    """Repeat a run: the same voxels, on the device and in the precision that it had.

    Bit for bit on the same machine with the same torch; elsewhere within
    `core.compute.SAME_VOXELS_WITHIN`, which a warning of the result's plan then says.

    Parameters
    ----------
    record : path
        ``<stem>_run.json``, written beside the results of a run; a noise map is read from there.
    source : path or Scan, optional
        The scan, or what `find` says of it. Without it, it is looked for by its file name beside
        the record, one folder up and in the working folder.
    device : str, optional
        Another device than the run's own.
    progress : Meter, optional
        Follows and may cancel the run.

    Returns
    -------
    Result
        With as many samples as the run drew.

    Warns
    -----
    MedrestoreWarning
        Each of the result's ``warnings``.

    Raises
    ------
    SettingsError, InputError, ModelError
        If the record cannot be read, or its scan or model is not there or is another one.
    """
    plan, volume = read_record(record, source, device)
    return warn_of(RESTORER.run(plan, volume, progress or SILENT))
