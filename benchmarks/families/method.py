"""What the file of a family registers: methods, each a model and a way to run it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from benchmarks.families.engine import through_pipeline
from medrestore.models.model import available, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.families.crops import Crop
    from benchmarks.families.drawn import Drawn
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["SAMPLES", "Method"]

SAMPLES = 8


@dataclass(frozen=True)
class Method:
    """One way from a noisy crop to an image and its uncertainty.

    Parameters
    ----------
    family : str
        Which colour and heading it stands under.
    label : str
        What tells it from the family's others, in a reader's words.
    model : str
        Name of a shipped model; its first part is the modality.
    asked : mapping
        Arguments of `Settings`; samples are `SAMPLES` unless it says otherwise.
    run : callable
        (model, crop, settings) → `Drawn`; through medrestore's pipeline by default.
    most : int, optional
        Crops of a data set that it is run on, where all would take too long: the first ones.
    real : bool
        Whether it is run on real noise too.
    note : str
        What a reader of its row has to know.
    brief : bool
        Whether it stands in the documentation's small table too.
    own : bool
        Whether it is how its model is meant to be run, and no other benchmark fills the model's
        card: then its figures do.
    """

    family: str
    label: str
    model: str
    asked: Mapping[str, Any] = field(default_factory=dict)
    run: Callable[[Model, Crop, Settings], Drawn] = through_pipeline
    most: int | None = None
    real: bool = True
    note: str = ""
    brief: bool = False
    own: bool = False

    @property
    def modality(self) -> str:
        """``"MR"`` or ``"CT"``."""
        return self.model.partition("_")[0].upper()

    @property
    def card(self) -> Card | None:
        """The model's card; None where it is not shipped."""
        return next((card for card in available() if card.name == self.model), None)

    @property
    def lacking(self) -> str:
        """Why it cannot be run here; empty if it can."""
        known = {one.name for one in fields(Settings)}
        unknown = [name for name in self.asked if name not in known]
        if unknown:
            return f"this medrestore has no setting {', '.join(unknown)}"
        card = self.card
        if card is None:
            return "not shipped"
        sampler = self.asked.get("sampler", "auto")
        return "" if sampler in ("auto", *card.samplers) else f"weights do not serve {sampler}"

    def settings(self, seed: int) -> Settings:
        """What is asked of a run."""
        alike = {"samples": SAMPLES, "keep_samples": True, "mirroring": "off"}  # for all the same
        return Settings(**{**alike, **self.asked, "seed": seed})

    def loaded(self) -> Model:
        """The model, on the CPU."""
        card = self.card
        if card is None:
            raise LookupError(f"model {self.model} is not shipped")
        return load(card)
