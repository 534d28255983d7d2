"""CPU seconds from a fresh napari with a CT to its first preview, beside another checkout's.

    xvfb-run -a -s "-screen 0 1280x800x24" python -m benchmarks.gui.opening [--before FOLDER]
        [--rounds 2] [--wait 5]

Each round is a process: napari with one 512 × 512 × 24 CT phantom and the dock, *Preview* at once
(*cold*), or ``--wait`` seconds after the dock was opened (*warm*). Counted from the click on: CPU
seconds of the process, and seconds, until the preview's layers are there (*seen*) and until the
forecast of the run stands below them (*forecast*). Without a second machine's noise: the least of
the rounds. ``--before``: another checkout, measured in turns. Writes `benchmarks/gui/opening.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIGURES = ("seen_cpu_s", "seen_s", "forecast_cpu_s", "forecast_s")
MOST_S = 180


def session(wait: float) -> dict[str, float]:
    """Open, wait, preview; in this process."""
    import napari
    import numpy as np
    from qtpy.QtCore import QEventLoop, QTimer

    import medrestore as mr
    from medrestore.plugin.dock import Dock
    from medrestore.plugin.jobs import State
    from medrestore.plugin.layers import to_layer

    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where(np.hypot(y * 1.3, x) < 0.8, 40.0, -1000.0).astype(np.float32)
    array = body + rng.normal(0, 25, (24, 512, 512)).astype(np.float32)
    scan = mr.Volume(array, mr.Geometry(array.shape, np.diag([-0.7, -0.7, 2.5, 1.0])), "CT", "HU")
    viewer = napari.Viewer(show=True)
    data, meta, _ = to_layer(scan)
    viewer.add_image(data, **meta)
    dock = Dock(viewer)
    viewer.window.add_dock_widget(dock)

    def turn(done: Any, most: float) -> None:
        loop, began = QEventLoop(), time.monotonic()
        timer = QTimer()
        timer.timeout.connect(
            lambda: loop.quit() if done() or time.monotonic() - began > most else None
        )
        timer.start(10)
        loop.exec()

    turn(lambda: False, wait)
    layers, began, spent = len(viewer.layers), time.perf_counter(), time.process_time()
    dock.denoise.preview_button.click()

    def since() -> tuple[float, float]:
        return round(time.process_time() - spent, 2), round(time.perf_counter() - began, 2)

    turn(lambda: len(viewer.layers) >= layers + 2, MOST_S)
    seen = since()
    turn(lambda: dock.denoise.controller.jobs.view.state is State.IDLE, MOST_S)
    return dict(zip(FIGURES, (*seen, *since()), strict=True))


def measured(folder: Path, wait: float) -> dict[str, float]:
    """A session of a checkout's code, in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        here = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(folder / "src"), str(ROOT))),
            "NAPARI_CONFIG": str(Path(home) / "napari.yaml"),
            "QT_API": "pyside6",
        }
        command = [sys.executable, "-m", "benchmarks.gui.opening", "--session", str(wait)]
        done = subprocess.run(command, env=here, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure both checkouts in turns."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--wait", type=float, default=8.0)
    parser.add_argument("--session", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.session is not None:
        print(json.dumps(session(asked.session)), flush=True)
        os._exit(0)
    from medrestore.results.software import device_name

    trees = {"now": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    rows = []
    for kind, wait in (("cold", 0.0), ("warm", asked.wait)):
        found: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
        for _ in range(asked.rounds):
            for name, folder in trees.items():
                found[name].append(measured(folder, wait))
        for name in trees:
            least = {figure: min(one[figure] for one in found[name]) for figure in FIGURES}
            about = {"machine": device_name("cpu"), "date": date.today().isoformat()}
            rows.append({"preview": kind, "checkout": name, **least, **about})
            print(*rows[-1].values(), flush=True)
    with (HERE / "opening.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
