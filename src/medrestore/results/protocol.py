"""Interface of a finished run: what its files and its probabilities need of a `Result`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.engine.checks import Guards
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.results.regions import Region
    from medrestore.volume import Volume

__all__ = ["Finished"]


class Finished(Protocol):
    """A finished run; `results.result.Result` has these, and says what they are."""

    @property
    def restored(self) -> Volume: ...  # noqa: D102 as the class says
    @property
    def std(self) -> Volume: ...  # noqa: D102
    @property
    def upper(self) -> Volume: ...  # noqa: D102
    @property
    def exceeds(self) -> Volume | None: ...  # noqa: D102
    @property
    def samples(self) -> NDArray[np.float32] | None: ...  # noqa: D102
    @property
    def plan(self) -> Plan: ...  # noqa: D102
    @property
    def drawn(self) -> int: ...  # noqa: D102
    @property
    def guards(self) -> Guards | None: ...  # noqa: D102
    @property
    def scan(self) -> Volume | None: ...  # noqa: D102
    @property
    def model(self) -> Model | None: ...  # noqa: D102
    @property
    def warnings(self) -> tuple[str, ...]: ...  # noqa: D102

    def layers(self) -> dict[str, Volume]:
        """The volumes there are, by name."""

    def region(self, mask: NDArray[Any] | Volume, t: int = 0) -> Region:
        """Mean over a region, with its interval."""
