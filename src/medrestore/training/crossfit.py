"""Cross-fitting over people: residuals for the refiner from predictors that never saw the person.

A predictor's residual on its own training people is too small; a refiner trained on it inherits
that, and more steps then lose region variance. So people are dealt into folds, one light predictor
is trained without each fold, from scratch or from a checkpoint that never saw those people (never
from the shipped weights, which did), and a person's residuals come from their fold's predictor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from medrestore.errors import SettingsError
from medrestore.training.stages import residual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

    from medrestore.training.targets import Pair

__all__ = ["FoldResidual", "fit_folds", "folds"]


def folds(people: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """People dealt into ``count`` groups of nearly equal size, in the order given.

    Raises
    ------
    SettingsError
        If a fold would be empty or nobody be left to train on.
    """
    if not 2 <= count <= len(people):
        raise SettingsError(
            f"{len(people)} people cannot be dealt into {count} folds; use 2 to {len(people)}"
        )
    return [tuple(people[i::count]) for i in range(count)]


def fit_folds(
    people: Sequence[str],
    count: int,
    train: Callable[[tuple[str, ...], int], nn.Module],
) -> dict[str, nn.Module]:
    """One predictor for each fold, trained without its people.

    Parameters
    ----------
    people : sequence of str
        Everybody.
    count : int
        Folds.
    train : callable
        ``train(seen, k)`` returns the predictor of fold ``k``, trained on nobody but the people
        ``seen``; it must not start from weights that know anybody else.

    Returns
    -------
    dict
        Person → the predictor that has not seen them.
    """
    held_out: dict[str, nn.Module] = {}
    for k, fold in enumerate(folds(people, count)):
        predictor = train(tuple(p for p in people if p not in fold), k).eval()
        held_out |= dict.fromkeys(fold, predictor)
    return held_out


@dataclass(frozen=True, eq=False)
class FoldResidual:
    """The refiner's examples: each patch through the predictor that has not seen its person.

    Parameters
    ----------
    held_out : mapping
        Person → predictor, from `fit_folds`.
    draw : callable
        Draws a batch of one person: ``draw(person) → Pair``.
    people : sequence of str
        People to draw from.
    weights : sequence of float
        Share of each person in the draw.
    seed : int
        Of the choice of people.
    """

    held_out: Mapping[str, nn.Module]
    draw: Callable[[str], Pair]
    people: Sequence[str]
    weights: Sequence[float]
    seed: int = 0

    def __post_init__(self) -> None:
        missing = [person for person in self.people if person not in self.held_out]
        if missing:
            raise SettingsError(
                f"no predictor is held out for {', '.join(missing)}; train one without them"
            )
        object.__setattr__(self, "_generator", torch.Generator().manual_seed(self.seed))

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Standardised residual and refiner's condition of the next batch, margins cut."""
        generator: torch.Generator = self._generator  # type: ignore[attr-defined]
        weights = torch.tensor(self.weights, dtype=torch.float64)
        person = self.people[int(torch.multinomial(weights, 1, generator=generator))]
        return residual(self.draw(person), self.held_out[person])
