"""What the user prefers, from the page that napari's Preferences have for us since 0.9. No Qt."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import ModelError
from medrestore.models import model
from medrestore.models.card import Card
from medrestore.plugin.requests import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Preferences", "models_in", "offered_models", "preferences"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preferences:
    """What a panel begins with; ``napari.yaml`` declares the same, under ``configurations``.

    Parameters
    ----------
    samples, steps, device
        As for `settings.Settings`.
    level : int
        Percent.
    memory_gb : float
        Memory to stay within; 0: what is free.
    models : str
        A folder with model, or a model's own; empty for none but those of medrestore.
    cluster : str
        Address of a Dask scheduler whose workers run what Denoise starts; empty for this machine.
    """

    samples: int = 8
    steps: int = 0
    level: int = 90
    device: str = AUTO
    memory_gb: float = 0
    models: str = ""
    cluster: str = ""


def preferences() -> Preferences:
    """What is set on the page; the defaults where napari has no such pages."""
    try:
        from napari.settings import get_plugin_settings

        page = get_plugin_settings("medrestore").denoise
    except (ImportError, KeyError):  # napari before 0.9; opened without its manifest
        return Preferences()
    return Preferences(**{field.name: getattr(page, field.name) for field in fields(Preferences)})


def offered_models(modality: str | None) -> Iterator[tuple[str, str, str]]:
    """Models for a modality (None: all): name, what `Settings` calls it, one sentence on it."""
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
    """The cards in a folder of model, or of a model's own folder; what is no model is left out."""
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
