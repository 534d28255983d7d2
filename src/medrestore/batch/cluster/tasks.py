"""What workers are asked to do. The scheduler loads this module too: torch comes in later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.batch.cluster.worker import CancelCheck, restorer
from medrestore.batch.task import Failed, Task

if TYPE_CHECKING:
    from medrestore.batch.task import Outcome

__all__ = ["Elsewhere", "restored", "standing"]


class Elsewhere(Exception):
    """A scan failed by no fault of its own: Dask is to try it again, if it can with another worker.

    Parameters
    ----------
    failed : Failed
        What to say if it fails there too.
    """

    def __init__(self, failed: Failed) -> None:
        super().__init__()  # workers log what is raised, and are to name no scan
        self.failed = failed

    def __reduce__(self) -> tuple[type[Elsewhere], tuple[Failed]]:
        return Elsewhere, (self.failed,)


def restored(packed: bytes) -> Outcome:
    """Restore a scan (`Task.packed`) and write its results, on the worker this is called on."""
    from medrestore.batch.work import restore

    restorer()
    outcome = restore(Task.unpacked(packed), CancelCheck())
    return standing(outcome) if isinstance(outcome, Failed) else outcome


def standing(failed: Failed) -> Failed:
    """A failure of the scan's own; any other is raised, and Dask tries the scan again."""
    if failed.again:
        raise Elsewhere(failed)
    return failed
