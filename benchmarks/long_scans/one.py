"""One scan, read, restored and saved as a user would, in a process of its own: started by `run.py`.

    python -m benchmarks.long_scans.one SCAN OUT MODEL SAMPLES

Prints one line of JSON: CPU and wall seconds of each step, and the most memory the process held:
its own (RssAnon) and with the pages of mapped files that the system may take back (VmRSS).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.settings.settings import Settings

STATUS = Path("/proc/self/status")


class Memory:
    """The most memory held while inside, looked at every 20 ms."""

    def __enter__(self) -> Memory:
        self.most = {"RssAnon": 0, "VmRSS": 0}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.over.wait(0.02):
            lines = (line.split() for line in STATUS.read_text().splitlines())
            now = {words[0].rstrip(":"): int(words[1]) for words in lines if words[-1] == "kB"}
            self.most = {name: max(most, now[name]) for name, most in self.most.items()}

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def main() -> None:
    """Read, plan, run, save; say what each took."""
    scan, out, model, samples = sys.argv[1:]
    facts: dict[str, float] = {}
    before = time.process_time(), time.perf_counter()

    def done(step: str) -> None:
        nonlocal before
        now = time.process_time(), time.perf_counter()
        facts[f"{step}_cpu_s"], facts[f"{step}_s"] = (
            b - a for a, b in zip(before, now, strict=True)
        )
        before = now

    with Memory() as memory:
        volume = mr.read(scan)
        done("read")
        plan = make_plan(volume, Settings(model=model, samples=int(samples)))
        done("plan")
        result = run_plan(plan, volume)
        done("run")
        result.save(out, "zarr")
        done("save")
    facts |= {
        "own_mb": memory.most["RssAnon"] / 1000,
        "resident_mb": memory.most["VmRSS"] / 1000,
        "forecast_mb": (plan.memory_bytes or 0) / 1e6,
    }
    print(json.dumps({name: round(value, 2) for name, value in facts.items()}))


if __name__ == "__main__":
    main()
