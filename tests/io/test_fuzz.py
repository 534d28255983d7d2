"""Damaged and hostile files give a MedrestoreError or a valid volume, soon, in little memory.

A failure names its number; ``python tests/io/fuzzing.py NUMBER 1 FOLDER`` does that one again.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzz_mutations import BOMB, _gzip_bomb
from fuzz_seeds import seed, seeds
from fuzzing import PEAK, check
from hypothesis import given, settings
from hypothesis import strategies as st

from medrestore import io
from medrestore.errors import UnreadableError
from medrestore.volume import Source

COUNT = 300
SLOW_COUNT = 20_000
AT_ONCE = 2
nibabels_remark = pytest.mark.filterwarnings("ignore:Extension size is not a multiple:UserWarning")


@nibabels_remark
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on address space")
def test_a_few_hundred(tmp_path: Path) -> None:
    outcomes = []

    @settings(max_examples=COUNT, database=None)
    @given(st.integers(0, 2**32 - 1))
    def one(number: int) -> None:
        outcomes.append(check(number, tmp_path))

    one()
    assert len(outcomes) >= COUNT
    assert outcomes.count("read") > COUNT / 20  # damage that leaves a scan was drawn as well
    assert outcomes.count("refused") > COUNT / 4


@pytest.mark.slow
def test_twenty_thousand(tmp_path: Path) -> None:
    """In processes of their own: a C++ reader that ends one, or takes memory, is seen."""
    running = []
    share = SLOW_COUNT // AT_ONCE
    program = Path(__file__).with_name("fuzzing.py")
    for k in range(AT_ONCE):
        folder = tmp_path / str(k)
        folder.mkdir()
        running.append(
            subprocess.Popen(
                [sys.executable, str(program), str(k * share), str(share), folder, "--keep-going"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        )
    said = [process.communicate()[0] for process in running]
    for k, process in enumerate(running):
        now = (tmp_path / str(k) / "now").read_text()
        assert process.returncode == 0, f"ended with {process.returncode} at input {now}"
    failures = [line for text in said for line in text.splitlines() if re.match(r"\d+ ", line)]
    assert not failures, "\n".join(failures)
    counts = [int(re.search(r"^counts (\d+)", text, re.M)[1]) for text in said]  # type: ignore[index]
    assert sum(counts) == SLOW_COUNT


@pytest.mark.parametrize("name", seeds())
def test_seeds_are_whole(tmp_path: Path, name: str) -> None:
    for file, data in seed(name).items():
        (tmp_path / file).write_bytes(data)
    volume = io.read(tmp_path)
    assert volume.array.std() > 1
    if name in ("nii", "nii2", "nii_gz", "nii2_gz", "enhanced", "mosaic", "mha", "mhd", "nhdr"):
        assert volume.array.shape == (5, 6, 4)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("scan.mhd", "ElementDataFile = {}"),
        ("scan.mhd", "ElementDataFile = LIST\n{}"),
        ("scan.nhdr", "data file: {}"),
        ("scan.nhdr", "data file: LIST 3\n{}"),
    ],
)
@pytest.mark.parametrize("place", ["../secret.raw", "{absolute}", "link.raw"])
def test_headers_read_no_file_from_elsewhere(
    tmp_path: Path, name: str, line: str, place: str
) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(np.arange(120, dtype="<i2").tobytes())
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "link.raw").symlink_to(secret)
    header = seed("mhd" if name.endswith("mhd") else "nhdr")[name].decode()
    start = header[: header.index("ElementDataFile" if "mhd" in name else "data file")]
    target = place.format(absolute=secret)
    (folder / name).write_text(start + line.format(target) + "\n\n")
    with pytest.raises(UnreadableError, match="not a file beside or below"):
        io.read(folder / name)
    (folder / "own.raw").write_bytes(secret.read_bytes())
    (folder / name).write_text(start + line.format("own.raw") + "\n")
    assert io.read(folder / name).array.max() == 119


@pytest.mark.parametrize(
    "field",
    [
        "space directions: (1,0,0) (0,1,0)" + " (0,0,2.5)" * 40,
        "space directions: (1,0,0) (0,1,0) (,0)",
        "space directions: (1,0,0) (0,1,0) 0,0,1)",
        "space origin: (1,0,0) (0,1,0)",
        "kinds: domain domain domain domain",
        "content: " + "x" * 3000,
    ],
)
def test_fields_that_overrun_itks_parser(tmp_path: Path, field: str) -> None:
    header, _, voxels = seed("nrrd")["scan.nrrd"].partition(b"\n\n")
    name = field.partition(":")[0].encode()
    lines = [line for line in header.split(b"\n") if not line.startswith(name)]
    path = tmp_path / "scan.nrrd"
    path.write_bytes(b"\n".join([*lines, field.encode()]) + b"\n\n" + voxels)
    with pytest.raises(UnreadableError, match=name.decode()):
        io.read(path)


def test_a_gzip_bomb_behind_a_scan_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(seed("nii_gz")["scan.nii.gz"] + _gzip_bomb())
    assert path.stat().st_size < BOMB / 50 < PEAK
    assert io.read(path).array.shape == (5, 6, 4)


@pytest.mark.parametrize("name", ["../../up", "/tmp/root", "..\\up", "a/b", "line\nbreak", "", " "])
def test_names_lead_out_of_no_folder(tmp_path: Path, name: str) -> None:
    """A layer's name may be anything, and results are named after it."""
    stem = Source(name=name).name
    assert (tmp_path / f"{stem}_restored.nii.gz").resolve().parent == tmp_path.resolve()
    assert stem.isprintable() and stem.strip() and not stem.startswith("/")
