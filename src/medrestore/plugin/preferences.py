"""Preferences of the user, from the page that napari has for us since 0.9. No Qt."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.errors import ModelError
from medrestore.models import model
from medrestore.models.card import Card
from medrestore.settings.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Preferences", "models_in", "offered_models", "preferences"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preferences:
    """Values that a panel begins with; ``napari.yaml`` declares them, under ``configurations``.

    Parameters
    ----------
    samples, steps, device
        As for `settings.Settings`.
    level : int
        Percent.
    memory_gb : float
        Memory to stay within; 0: what is free.
    models : str
        A folder with models, or a model's own; empty for none but those of medrestore.
    cluster : str
        Address of a Dask scheduler whose workers run what Denoise starts; empty for this machine.
    """

    samples: int = Settings.samples
    steps: int = Settings.steps
    level: int = round(100 * Settings.level)
    device: str = Settings.device
    memory_gb: float = 0
    models: str = ""
    cluster: str = ""

    def settings(self) -> dict[str, Any]:
        """Those that are settings, as arguments of `settings.Settings`."""
        given = {name: value for name, value in asdict(self).items() if name in SETTINGS}
        return {**given, "level": self.level / 100, "memory_gb": self.memory_gb or None}


def preferences() -> Preferences:
    """Values of the page; the defaults where napari has no such pages."""
    try:
        from napari.settings import get_plugin_settings

        page = get_plugin_settings("medrestore").denoise
    except (ImportError, KeyError):  # napari before 0.9; opened without its manifest
        return Preferences()
    return Preferences(**{field.name: getattr(page, field.name) for field in fields(Preferences)})


def offered_models(modality: str | None) -> Iterator[tuple[str, str, str]]:
    """Models for a modality (None: all): name, its value in `Settings`, one sentence on it."""
    try:
        bundled = model.available()
    except ModelError:
        bundled = []  # said in full when a run is asked for
    for card in bundled:
        if modality in (None, card.modality):
            yield card.name, card.name, card.summary
    for card in models_in(preferences().models):
        if modality in (None, card.modality):
            yield f"{card.name} (own)", str(card.folder), card.summary


def models_in(folder: str) -> list[Card]:
    """The cards in a folder of models, or of a model's own folder; other folders are left out."""
    if not folder:
        return []
    root = Path(folder).expanduser()
    paths = [*root.glob("configs/card.json"), *sorted(root.glob("*/configs/card.json"))]
    return [card for path in paths if (card := _card(path.parent.parent)) is not None]


def _card(folder: Path) -> Card | None:
    try:
        return Card.read(folder)
    except ModelError as error:
        LOG.warning("%s", error)
        return None
