"""Many scans, some broken, and a process that is killed: everything is done, nothing twice."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from many_scans import BREAKS, write_archive
from same_results import assert_same

import medrestore as mr

pytestmark = [
    pytest.mark.usefixtures("tiny_models"),
    pytest.mark.skipif(os.name != "posix", reason="needs kill -9"),
]
SETTINGS = {"samples": 0, "noise": 20.0}
COMMAND = "import sys; from medrestore.cli import main; sys.exit(main())"
OPTIONS = ["--samples", "0", "--noise", "20"]


def start(archive: Path, out: Path, *more: str) -> subprocess.Popen:
    """`medrestore batch` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "batch", str(archive), str(out), *OPTIONS, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def restored_lines(out: Path) -> list[dict[str, Any]]:
    """Of whole lines; the file may be growing."""
    log = out / "batch.jsonl"
    whole = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    return [line for line in map(json.loads, whole) if line["state"] == "restored"]


def kill_after(scans: int, delay_s: float, archive: Path, out: Path) -> None:
    """Start or resume, and kill -9 some time after ``scans`` scans are done in all."""
    process = start(archive, out, "--resume")
    while len(restored_lines(out)) < scans:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)
    time.sleep(delay_s)
    assert process.poll() is None, "it ended before it could be killed"
    process.kill()
    process.communicate()


def finished(out: Path) -> dict[str, int]:
    """When the record of each scan in the log was written, in ns."""
    records = [line["outputs"][-1] for line in restored_lines(out)]
    return {record: (out / record).stat().st_mtime_ns for record in records}


def assert_each_once(out: Path, scans: int, broken: list[str]) -> None:
    lines = [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]
    assert max(Counter(line["scan"] for line in lines).values()) == 1
    states = Counter(line["state"] for line in lines)
    assert states == {"restored": scans - len(broken), "failed": len(broken)}
    reasons = {line["scan"]: line["reason"] for line in lines if line["state"] == "failed"}
    assert set(reasons) == set(broken)
    assert all(len(reason) > 20 and "unexpected" not in reason for reason in reasons.values())


@pytest.mark.slow
def test_a_few_scans_killed_once(tmp_path: Path) -> None:
    broken = write_archive(tmp_path / "in", 12, 5)
    kill_after(2, 0.1, tmp_path / "in", tmp_path / "out")
    before = finished(tmp_path / "out")
    assert not (tmp_path / "out" / "report.html").exists()
    resumed = mr.denoise_folder(tmp_path / "in", tmp_path / "out", resume=True, **SETTINGS)
    assert resumed.kept == len(before) and len(resumed.restored) == 7
    assert finished(tmp_path / "out").items() >= before.items()
    mr.denoise_folder(tmp_path / "in", tmp_path / "whole", **SETTINGS)
    assert_each_once(tmp_path / "out", 12, broken)
    assert_same(tmp_path / "whole", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0])
def test_two_hundred_scans_killed_three_times(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    archive, out = tmp_path / "in", tmp_path / "out"
    broken = write_archive(archive, 200, 10)
    assert len(broken) == len(BREAKS) == 10
    before: dict[str, int] = {}
    for least, most in ((10, 60), (70, 120), (130, 180)):
        kill_after(chance.randint(least, most), chance.uniform(0, 0.8), archive, out)
        assert finished(out).items() >= before.items()  # nothing done twice
        before = finished(out)
    last = start(archive, out, "--resume")
    said = last.communicate()[0]
    assert last.returncode == 2  # the broken ones
    assert f"190 scans restored into {out}, {len(before)} of them before" in said
    assert said.count("not restored: ") == 10
    assert finished(out).items() >= before.items()
    assert_each_once(out, 200, broken)

    whole = start(archive, tmp_path / "whole")
    assert "10 of 200 scans" in whole.communicate()[0]
    assert_same(tmp_path / "whole", out)
    again = start(archive, out, "--resume")
    assert "190 of them before" in again.communicate()[0]
    assert_same(tmp_path / "whole", out)
