"""Speed and memory of the shipped models, their forecasts, and peers, in one run.

    python -m benchmarks.speed.run [--only NAME …] [--threads 1] [--device auto]

Every case runs in a process of its own on smooth structure with noise: what these methods compute
takes as long whatever they see. Peers run on a slab and are scaled by its voxels. NLM runs here;
DIPY and BM4D in the environment that MEDRESTORE_BENCH_PYTHON names (`benchmarks/requirements.txt`)
and are left out where it is not set. On a CPU the figures are CPU seconds: on a machine that others
use too, wall time says how busy it was. On a GPU they are wall seconds, with the share of the
chip's nominal dense bfloat16 rate. Rows of cases that are not run stay.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.speed.page import write_page
from medrestore.devices import pick_device

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("speed.csv")
T1 = (160, 256, 230)
CASES = {
    "mr-small": ("mr_slice", (12, 128, 128), 0, 2),
    "mr-t1": ("mr_slice", T1, 0, 2),
    "mr-8x2": ("mr_slice", (3, 256, 230), 8, 2),
    "mr-8x4": ("mr_slice", (2, 256, 230), 8, 4),
    "mr-t1-8x2": ("mr_slice", T1, 8, 2),
    "ct": ("ct_slice", (8, 512, 512), 0, 2),
    "ct-8x2": ("ct_slice", (2, 512, 512), 8, 2),
    "mr3d": ("mr_patch3d", (48, 128, 128), 0, 2),
    "ct3d": ("ct_patch3d", (24, 256, 256), 0, 2),
}
"""Model, voxels (z, y, x), samples, steps."""
LONG = ("mr-t1-8x2",)
"""Run only when named on a CPU: most of an hour."""
PEERS = {"nlm": (12, 96, 96), "dipy": (12, 96, 96), "bm4d": (12, 64, 64)}
"""Voxels of the slab that a peer is timed on."""
NOMINAL_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "4090": 165.0}
"""Dense bfloat16 by the makers' data sheets."""
FIELDS = (
    "case", "method", "z", "y", "x", "samples", "steps", "evaluations", "device", "precision",
    "threads", "s", "wall_s", "s_per_mvoxel", "forecast_s", "forecast_ratio", "peak_mb",
    "forecast_mb", "memory_ratio", "tflop", "tflops", "share_of_bf16", "machine", "date",
)  # fmt: skip


def main() -> None:
    """Run the cases and write table and page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*CASES, *PEERS], help="cases to run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2, help="the fastest of these counts")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    asked = parser.parse_args()
    on_gpu = pick_device(asked.device) != "cpu"
    names = asked.only or [n for n in (*CASES, *PEERS) if on_gpu or n not in LONG]
    for name in names:
        row = peer(name) if name in PEERS else case(name, asked)
        if row is None:
            print(f"{name}: not installed or no such model, left out", flush=True)
            continue
        print({k: v for k, v in row.items() if v != ""}, flush=True)
        keep(row)
    write_page(TABLE)


def case(name: str, asked: argparse.Namespace) -> dict | None:
    """A row of one of our cases."""
    model, shape, samples, steps = CASES[name]
    if not (ROOT / "models" / model / "configs" / "card.json").exists():
        return None
    job = {
        "model": model,
        "modality": model[:2].upper(),
        "shape": shape,
        "samples": samples,
        "steps": steps,
        "device": asked.device,
        "precision": asked.precision,
        "threads": asked.threads,
        "repeats": asked.repeats,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        found = json.loads(output([sys.executable, "-m", "benchmarks.speed.one", str(path)]))
    on_cpu = found["device"] == "cpu"
    seconds = found["cpu_s"] if on_cpu else found["wall_s"]
    rate = found["tflop"] / seconds
    nominal = [v for k, v in NOMINAL_TFLOPS.items() if k in found["device"]]
    return row_of(name, model, shape, seconds, found["wall_s"]) | {
        "samples": samples,
        "steps": steps if samples else "",
        "evaluations": found["evaluations_per_slice"],
        "device": found["device"],
        "precision": found["precision"],
        "threads": asked.threads if on_cpu else "",
        "forecast_s": f"{found['forecast_s']:.3g}",
        "forecast_ratio": f"{found['forecast_s'] / seconds:.2f}",
        "peak_mb": f"{found['peak_mb']:.0f}",
        "forecast_mb": f"{found['forecast_mb']:.0f}",
        "memory_ratio": f"{found['forecast_mb'] / found['peak_mb']:.2f}" if on_cpu else "",
        "tflop": f"{found['tflop']:.3g}",
        "tflops": f"{rate:.3g}",
        "share_of_bf16": f"{rate / nominal[0]:.3f}" if nominal else "",
    }


def peer(name: str) -> dict | None:
    """A row of one of the peers, on its slab."""
    python = sys.executable if name == "nlm" else os.environ.get("MEDRESTORE_BENCH_PYTHON")
    if python is None:
        return None
    shape = PEERS[name]
    script = str(Path(__file__).with_name("peer.py"))
    found = json.loads(output([python, script, name, *map(str, shape)]))
    row = row_of(name, f"{name} {found['version']}", shape, found["cpu_s"], found["wall_s"])
    return row | {"device": "cpu", "threads": 1}


def row_of(name: str, method: str, shape: tuple[int, ...], seconds: float, wall: float) -> dict:
    """What all rows have."""
    voxels = shape[0] * shape[1] * shape[2]
    return dict.fromkeys(FIELDS, "") | {
        "case": name,
        "method": method,
        **dict(zip("zyx", shape, strict=True)),
        "s": f"{seconds:.3g}",
        "wall_s": f"{wall:.3g}",
        "s_per_mvoxel": f"{seconds / voxels * 1e6:.3g}",
        "machine": machine(),
        "date": date.today().isoformat(),
    }


def machine() -> str:
    """The processor's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return f"{name}, {os.cpu_count()} cores"


def output(command: list[str]) -> str:
    """The last line that a command prints."""
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True
    )
    return run.stdout.splitlines()[-1]


def keep(row: dict) -> None:
    """Put a row into the table in place of the one of the same case, device and precision."""
    rows = list(csv.DictReader(TABLE.open())) if TABLE.exists() else []
    same = ("case", "device", "precision", "threads")
    rows = [r for r in rows if any(r[k] != str(row[k]) for k in same)] + [row]
    rows.sort(key=lambda r: [*CASES, *PEERS].index(r["case"]))
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
