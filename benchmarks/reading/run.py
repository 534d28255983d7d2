"""How long a search through a folder takes: seconds per thousand DICOM files.

    python -m benchmarks.reading.run [--files 10000]

Makes a tree of generated CT series (80 slices of 64 × 64 pixels, shuffled names without a suffix)
with one file in twenty that is no scan, and times `medrestore.find` with one and with eight files
open at a time beside pydicom's bare header reading, in the same run. Writes
`benchmarks/reading/find.csv`.
"""

from __future__ import annotations

import argparse
import csv
import platform
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

import medrestore as mr
from medrestore.io import search

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
SLICES = 80
LITTER = 20


def image() -> FileDataset:
    """A CT image of 64 × 64 pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.Modality = CTImageStorage, "CT"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [1, 1]
    made.Rows = made.Columns = 64
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 1
    made.PixelData = np.zeros((64, 64), "<i2").tobytes()
    made["PixelData"].VR = "OW"
    return made


def tree(root: Path, files: int) -> int:
    """Fill a folder; the number of series in it."""
    rng, made, series = np.random.default_rng(0), image(), 0
    for k in range(files):
        folder = root / f"study{k // (20 * SLICES):03d}" / f"s{k // SLICES:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{rng.integers(1 << 40):010x}"
        if k % LITTER == LITTER - 1:
            path.write_text("not a scan")
            continue
        if k % SLICES == 0:
            made.SeriesInstanceUID, series = generate_uid(), series + 1
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        made.InstanceNumber = k % SLICES + 1
        made.ImagePositionPatient = [0, 0, 2.0 * (k % SLICES)]
        made.save_as(path, enforce_file_format=True)
    return series


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """Wall and CPU seconds of some work, and what it gave."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - wall, time.process_time() - cpu, found


def bare(root: Path) -> int:
    """Headers read by pydicom alone."""
    count = 0
    for path in root.rglob("*"):
        if path.is_file():
            pydicom.dcmread(path, stop_before_pixels=True, force=True)
            count += 1
    return count


def main() -> None:
    """Make the tree, time the three, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    asked, rows = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        series = tree(root, asked.files)
        for name, at_once in (("pydicom alone", 0), ("one at a time", 1), ("eight at a time", 8)):
            if at_once:
                search.AT_ONCE = at_once
                wall, cpu, found = timed(lambda: mr.find(root))
                assert isinstance(found, list)
                assert len(found) >= series, (len(found), series)
            else:
                wall, cpu, _ = timed(lambda: bare(root))
            row = {
                "what": name,
                "files": asked.files,
                "wall_s_per_1000": round(1000 * wall / asked.files, 2),
                "cpu_s_per_1000": round(1000 * cpu / asked.files, 2),
                "machine": f"{platform.machine()}, {platform.system()}",
                "date": date.today().isoformat(),
            }
            rows.append(row)
            print(*row.values(), flush=True)
    with (HERE / "find.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
