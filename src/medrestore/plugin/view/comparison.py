"""Two layers side by side or in turn, and everything as it was afterwards. No Qt."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from medrestore.errors import MedrestoreError
from medrestore.plugin.viewer import bare, camera_of, grid_of, layers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel


__all__ = ["BorrowedKey", "Comparison", "Mode", "check_pair"]

NEED_TWO = "Choose two different layers under A and B; restore a scan if there is only one."
GRID = ("shape", "stride", "spacing", "enabled")
GAP_PIXELS = 4
WATCHED = ("inserted", "removed", "reordered")


class Mode(Enum):
    """Display of the two layers."""

    OFF = "off"
    SIDE_BY_SIDE = "side by side"
    FLICKER = "flicker"


def check_pair(a: Any, b: Any) -> tuple[Any, Any]:
    """The two layers, refused if they are no pair.

    Raises
    ------
    MedrestoreError
        If one is missing, or both are the same.
    """
    if a is None or b is None or a is b:
        raise MedrestoreError(NEED_TWO)
    return a, b


class Comparison:
    """Shows A and B alone; layers and grid mode come back as they were when it ends.

    It ends by itself when A or B is removed or grid mode is switched off. Layers added meanwhile
    are hidden until then.

    Parameters
    ----------
    viewer : ViewerModel
        Of its layers only ``visible`` is changed, and only until the end.
    changed : callable
        Called when something else is shown.
    """

    def __init__(self, viewer: ViewerModel, changed: Callable[[], object]) -> None:
        self._viewer, self._changed = viewer, changed
        self._grid = grid_of(viewer)
        self._seen: list[tuple[Any, bool]] = []
        self._grid_before: dict[str, Any] = {}
        self._busy = False
        self.mode = Mode.OFF
        self.a: Any = None
        self.b: Any = None
        self.front: Any = None
        for name in WATCHED:
            getattr(viewer.layers.events, name).connect(self._layers_changed)
        self._grid.events.enabled.connect(self._grid_switched)

    def side_by_side(self, a: Any, b: Any) -> None:
        """Show A left and B right; raises MedrestoreError as `check_pair`."""
        check_pair(a, b)
        self._begin(Mode.SIDE_BY_SIDE, a, b)

    def flicker(self, a: Any, b: Any) -> None:
        """Show the other one of the two, at first A; raises MedrestoreError as `check_pair`."""
        check_pair(a, b)
        same = self.mode is Mode.FLICKER and a is self.a and b is self.b
        self.front = b if same and self.front is a else a
        self._begin(Mode.FLICKER, a, b)

    def end(self) -> None:
        """Put layers and grid mode back."""
        if self.mode is Mode.OFF:
            return
        self.mode = Mode.OFF
        self._busy = True
        try:
            for layer, visible in self._seen:
                layer.visible = visible
            self._leave_grid()
        finally:
            self._busy, self._seen = False, []
            self.a = self.b = self.front = None
        self._changed()

    def close(self) -> None:
        """End, and stop following the viewer."""
        self._changed = lambda: None
        for name in WATCHED:
            getattr(self._viewer.layers.events, name).disconnect(self._layers_changed)
        self._grid.events.enabled.disconnect(self._grid_switched)
        self.end()

    def _begin(self, mode: Mode, a: Any, b: Any) -> None:
        self.mode, self.a, self.b = mode, a, b
        self._apply()
        self._changed()

    def _apply(self) -> None:
        self._busy = True
        try:
            layers = layers_of(self._viewer)
            known = [layer for layer, _ in self._seen]
            self._seen += [(x, x.visible) for x in layers if not any(x is k for k in known)]
            if self.mode is Mode.SIDE_BY_SIDE:
                self._enter_grid(layers)  # first: side by side nothing covers anything
            else:
                self._leave_grid()
            self._show_only(layers)
        finally:
            self._busy = False

    def _show_only(self, layers: list[Any]) -> None:
        """Hide what is not compared; drawn regions stay over pictures that flicker."""
        flickers = self.mode is Mode.FLICKER
        for layer, before in self._seen:
            if not any(layer is one for one in layers):
                continue
            if layer is self.a or layer is self.b:
                layer.visible = not flickers or layer is self.front
            else:
                drawn = flickers and layer.__class__.__name__ != "Image"
                layer.visible = before and drawn

    def _enter_grid(self, layers: list[Any]) -> None:
        grid = self._grid
        if not self._grid_before:
            self._grid_before = {name: getattr(grid, name) for name in GRID}
        at = [next(i for i, x in enumerate(layers) if x is one) for one in (self.a, self.b)]
        with _same_view(self._viewer):
            grid.shape = (1, 2)
            grid.stride = grid_stride(at[0], at[1], len(layers))
            grid.spacing = GAP_PIXELS
            grid.enabled = True

    def _leave_grid(self) -> None:
        before, self._grid_before = self._grid_before, {}
        if before:
            with _same_view(self._viewer):
                for name, value in before.items():
                    setattr(self._grid, name, value)

    def _layers_changed(self, event: Any = None) -> None:
        if self.mode is Mode.OFF or self._busy:
            return
        layers = layers_of(self._viewer)
        self._seen = [(x, seen) for x, seen in self._seen if any(x is y for y in layers)]
        if all(any(one is x for x in layers) for one in (self.a, self.b)):
            self._apply()
        else:
            self.end()

    def _grid_switched(self, event: Any = None) -> None:
        if self.mode is Mode.SIDE_BY_SIDE and not self._busy and not self._grid.enabled:
            self.end()


def grid_stride(a: int, b: int, count: int) -> int:
    """Grid stride that puts layer ``a`` of ``count`` left of layer ``b`` in a 1 × 2 grid.

    In napari, layer i lies in group i // stride, counted from the other end for a
    negative one. 0.9 leaves groups without visible layers out; earlier ones wrap: even groups left,
    odd ones right. A power of two at the highest bit in which the places differ suits both.
    """
    if a > b:
        return -grid_stride(count - 1 - a, count - 1 - b, count)
    return 1 << ((a ^ b).bit_length() - 1)


@contextmanager
def _same_view(viewer: ViewerModel) -> Iterator[None]:
    """Keep the place looked at, and how much larger it is than the whole, in another layout."""
    camera = camera_of(viewer)
    center, angles, zoom = camera.center, camera.angles, camera.zoom
    viewer.reset_view()
    closer = zoom / camera.zoom
    yield
    viewer.reset_view()
    camera.angles, camera.center, camera.zoom = angles, center, camera.zoom * closer


class BorrowedKey:
    """Calls ``action`` on a key of a viewer, as napari spells it, while it is taken."""

    def __init__(self, viewer: ViewerModel, key: str, action: Callable[[], object]) -> None:
        self._viewer, self._key, self.taken = viewer, key, False
        self._pressed = lambda _: action()

    def take(self) -> None:
        """Take the key, unless somebody has bound it in this viewer."""
        if not self.taken:
            with suppress(ValueError):  # bound
                self._viewer.bind_key(self._key, self._pressed)
                self.taken = True

    def give_back(self) -> None:
        """Let the key go, unless somebody has taken it over meanwhile."""
        if not self.taken:
            return
        self.taken = False
        unbound = bare(self._viewer.bind_key(self._key, None))
        if unbound is not None and unbound is not self._pressed:
            self._viewer.bind_key(self._key, unbound)
