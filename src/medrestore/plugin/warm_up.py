"""Libraries and models, loaded in a thread once the dock is open, so that the first run finds them.

A problem is none here: whoever needs what could not be loaded is told so when it is used.
"""

from __future__ import annotations

from threading import Thread

from medrestore.errors import MedrestoreError

__all__ = ["warm_up"]


def warm_up() -> Thread:
    """Start loading what runs with default settings need.

    Returns
    -------
    Thread
        What loads; nobody has to wait for it.
    """
    thread = Thread(target=_load, name="medrestore warm-up", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    from medrestore.engine.device_check import place_of
    from medrestore.models.model import MODELS, available, find_card
    from medrestore.restorer import RESTORER

    for modality in sorted({card.modality for card in available()}):
        try:
            card = find_card("auto", modality)
            device, precision, _ = place_of("auto", "auto", card)
            with RESTORER.turn():
                MODELS.get(card, device, precision)
        except (MedrestoreError, RuntimeError):  # told when a run needs it
            continue
