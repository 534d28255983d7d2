"""How long the window stands still: the longest gaps of the event loop, and whose they are.

    xvfb-run -a -s "-screen 0 1280x800x24" python -m benchmarks.gui.run [--scan FILE]

Drives the dock through a session in a shown viewer: open napari, open the dock, preview twice, run,
cancel a run, measure a region, save, open again; in between napari adds an image without us. A
heartbeat of 5 ms runs in the thread that draws; meanwhile another thread looks at what that thread
does once a beat is 15 ms late. A gap belongs to the innermost of these that is on the stack:
``ours``, ``adding`` (napari makes a layer), ``drawing`` (napari and vispy on the canvas);
``waiting`` is a loop that got no processor or no interpreter lock, or Qt's own painting. Writes
`benchmarks/gui/gaps.csv`: for each step and owner the number of gaps over 50 ms, their sum and the
longest.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

HERE = Path(__file__).resolve().parent
BEAT_S, LATE_S, BOUND_S = 0.005, 0.015, 0.05


class Heart:
    """Beats in the thread that draws; a second thread notes what holds it up."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self.step, self.gaps = "", []
        self._last, self._main = time.perf_counter(), threading.get_ident()
        self._seen: defaultdict[str, int] = defaultdict(int)
        self.lines: defaultdict[str, int] = defaultdict(int)
        self._timer = QTimer()
        self._timer.setInterval(int(BEAT_S * 1000))
        self._timer.timeout.connect(self.beat)
        self._timer.start()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def beat(self) -> None:
        """Note how late this beat is."""
        now = time.perf_counter()
        gap, self._last = now - self._last, now
        seen, self._seen = self._seen, defaultdict(int)
        if gap > BOUND_S:
            owner = max(seen, key=lambda name: seen[name]) if seen else "waiting"
            self.gaps.append((self.step, owner, gap))

    def stop(self) -> None:
        """Stop both."""
        self._over.set()
        self._timer.stop()

    def _watch(self) -> None:
        while not self._over.wait(BEAT_S):
            if time.perf_counter() - self._last > LATE_S:
                frames = sys._current_frames()
                owner, line = owner_of(frames.pop(self._main, None))
                self._seen[owner] += 1
                if owner == "waiting":  # for whom?
                    line = ", ".join(filter(None, (owner_of(f)[1] for f in frames.values())))
                self.lines[f"{self.step}: {owner}: {line}"] += 1


def owner_of(frame: FrameType | None) -> tuple[str, str]:
    """Whose code is running, and where in ours it was called from."""
    owner, line = "", ""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if "/medrestore/" in file and not line:
            line = f"{Path(file).name}:{frame.f_lineno} {name}"
        if not owner:
            if "/src/medrestore/" in file:
                owner = "ours"
            elif name in ("add_layer", "add_image", "_on_add_layer", "_add_layer") or (
                "/napari/layers/" in file and name == "__init__"
            ):
                owner = "adding"
            elif "/vispy/" in file or "/napari/_vispy/" in file:
                owner = "drawing"
        frame = frame.f_back
    return owner or "waiting", line


class Session:
    """What a person does, and the steps' names."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    def spin(self, busy: Callable[[], bool], limit_s: float = 900.0) -> None:
        """Run the event loop as napari does while something is busy."""
        from qtpy.QtCore import QEventLoop, QTimer

        loop, end = QEventLoop(), time.monotonic() + limit_s
        timer = QTimer()
        timer.setInterval(20)
        timer.timeout.connect(lambda: None if busy() and time.monotonic() < end else loop.quit())
        timer.start()
        loop.exec()

    def rest(self, seconds: float = 1.5) -> None:
        """Let the window draw."""
        end = time.monotonic() + seconds
        self.spin(lambda: time.monotonic() < end)

    def go(self, scan: str | None, samples: int) -> Heart:
        """The whole session."""
        start = time.perf_counter()
        import napari

        viewer = napari.Viewer(show=False, show_welcome_screen=False)
        viewer.show()
        self.times["import and open napari"] = time.perf_counter() - start
        viewer.window.resize(1280, 800)
        heart = Heart()

        def step(name: str, act: Callable[[], Any], jobs: Any = None) -> Any:
            heart.step = name
            heart.beat()
            begun = time.perf_counter()
            found = act()
            self.times[name] = time.perf_counter() - begun
            if jobs is not None:
                self.spin(lambda: jobs.view.state.value != "idle")
            self.rest()
            return found

        step("open the scan", lambda: self.open(viewer, scan))
        dock = step(
            "open the dock",
            lambda: viewer.window.add_plugin_dock_widget("medrestore", "Denoise a scan")[1],
        )
        assert "torch" not in sys.modules
        step("napari adds an image", lambda: self.bare(viewer))
        viewer.layers.remove("bare")
        panel, jobs = dock.denoise, dock.denoise.controller.jobs
        panel.form.fields["samples"].setValue(samples)
        axis = 0
        viewer.dims.set_current_step(axis, viewer.dims.nsteps[axis] // 2)
        step("first preview", panel.preview, jobs)
        step("second preview", panel.preview, jobs)
        step("run", panel.denoise, jobs)
        print(panel.status.text())
        step("cancel a run", lambda: self.cancelled(panel), jobs)
        step("measure a region", lambda: self.region(viewer, dock.explore), dock.explore.jobs)
        folder = Path(tempfile.mkdtemp())
        step("save", lambda: panel.controller.save(folder), jobs)
        record = next(folder.glob("*_run.json"))
        step("open again", lambda: panel.controller.reopen(record, panel.snapshot()), jobs)
        heart.step = "done"
        heart.stop()
        viewer.close()
        return heart

    def open(self, viewer: Any, scan: str | None) -> None:
        """Open a sample or a file."""
        if scan:
            viewer.open(scan, plugin="medrestore")
        else:
            viewer.open_sample("medrestore", "ct_torso")

    def bare(self, viewer: Any) -> None:
        """What napari takes for any layer, for comparison."""
        import numpy as np

        shape = viewer.layers[0].data.shape
        viewer.add_image(np.random.default_rng(0).normal(size=shape), name="bare", visible=False)

    def cancelled(self, panel: Any) -> None:
        """Run, and cancel two seconds later."""
        panel.denoise()
        self.rest(2)
        panel.cancel()

    def region(self, viewer: Any, explore: Any) -> None:
        """An ellipse in the middle."""
        import numpy as np

        explore.draw()
        z, y, x = (n // 2 for n in explore.picker.layer.data.shape)
        corners = [(z, y - 8, x - 8), (z, y - 8, x + 8), (z, y + 8, x + 8), (z, y + 8, x - 8)]
        viewer.layers["regions"].add_ellipses(np.array(corners, float))
        explore.measure()


def rows_of(heart: Heart, times: dict[str, float]) -> list[dict[str, Any]]:
    """One row for each step and owner."""
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for step, owner, gap in heart.gaps:
        found[step, owner].append(gap)
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, software GL"
    return [
        {
            "step": step,
            "call_ms": round(1000 * times[step]),
            "owner": owner,
            "gaps_over_50_ms": len(gaps),
            "sum_ms": round(1000 * sum(gaps)),
            "longest_ms": round(1000 * max(gaps, default=0.0)),
            "load": round(os.getloadavg()[0], 1),
            "machine": machine,
            "date": date.today().isoformat(),
        }
        for step in times
        for owner, gaps in sorted([(o, g) for (s, o), g in found.items() if s == step])
        or [("none", [])]
    ]


def main() -> None:
    """Run the session, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", help="a file instead of the sample scan ct_torso")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--lines", action="store_true", help="say which of our lines held it up")
    asked = parser.parse_args()
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "napari.yaml")
    session = Session()
    heart = session.go(asked.scan, asked.samples)
    rows = rows_of(heart, session.times)
    for row in rows:
        print(*(str(value).ljust(18) for value in list(row.values())[:6]))
    if asked.lines:
        for line, count in sorted(heart.lines.items(), key=lambda item: -item[1])[:40]:
            print(count, line)
    if asked.scan is None:
        with (HERE / "gaps.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
