"""What a reader hands over is shown as it should be, once the viewer has it.

A reader gives layers away and is done: what they are added to is the viewer that is open, if any.
Nothing here loads napari.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from medrestore.plugin.layers import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.plugin.layers import LayerTuple

__all__ = ["when_added"]


def when_added(layers: Sequence[LayerTuple]) -> None:
    """Have the open viewer settle these layers when it has got them all (`settling`)."""
    napari = sys.modules.get("napari")
    viewer: Any = None if napari is None else napari.current_viewer()
    if viewer is None or not layers:
        return
    records = [meta["metadata"][KEY] for _, meta, _ in layers]
    added: list[Any] = []

    def take(event: Any) -> None:
        from medrestore.plugin.settling import settle

        if not any(event.value.metadata.get(KEY) is record for record in records):
            return
        added.append(event.value)
        if len(added) == len(records):
            viewer.layers.events.inserted.disconnect(take)
            settle(viewer, added)

    viewer.layers.events.inserted.connect(take, position="last")  # the viewer has its axes by then
