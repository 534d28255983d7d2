"""One fuzzed input: made from a number, found, read, written, and everything watched.

Run as a program it does a range of numbers under a limit of address space, so that what a C++
reader allocates counts as well: ``python fuzzing.py START COUNT FOLDER``.
"""

import resource
import shutil
import sys
import time
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from fuzz_mutations import mutated
from fuzz_seeds import seeds

from medrestore import io
from medrestore.errors import MedrestoreError
from medrestore.volume import Volume

SECONDS = 1.0
"""Processor time that one input may take."""
PEAK = 96 * 2**20
"""Bytes of Python and numpy that one input may take; the files have some kilobytes."""
TRACED = 4
"""Every so many inputs the peak is watched, which takes three times as long."""
ADDRESS_SPACE = 768 * 2**20
"""Bytes of address space that a range of inputs may take beyond those of the imported modules."""


def check(number: int, place: Path) -> str:
    """Fuzz one input; "read" or "refused". Raises AssertionError for anything else."""
    rng = np.random.default_rng(number)
    name = seeds()[number % len(seeds())]
    source, out = place / "in", place / "out"
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for file, data in mutated(name, rng).items():
        (source / file).write_bytes(data)
    path = source / ("scan.mhd" if name == "mhd" else next(source.iterdir()).name)
    path = source / "scan.nhdr" if name == "nhdr" else path
    before = _listing(place, out)
    if number % TRACED == 0:
        tracemalloc.start()
    try:
        outcome, seconds = _timed(path, out)
        if seconds >= SECONDS:  # a busy machine, or the first import? What hangs, hangs again
            shutil.rmtree(out)
            out.mkdir()
            outcome, seconds = _timed(path, out)
    except MedrestoreError as error:
        raise AssertionError(f"{number} ({name}): written badly: {error!r}") from error
    except Exception as error:
        raise AssertionError(f"{number} ({name}): {type(error).__name__}: {error}") from error
    finally:
        peak = tracemalloc.get_traced_memory()[1]  # 0 where not traced
        tracemalloc.stop()
    assert seconds < SECONDS, f"{number} ({name}) took {seconds:.2f} s"
    assert peak < PEAK, f"{number} ({name}) allocated {peak / 2**20:.0f} MiB"
    assert _listing(place, out) == before, f"{number} ({name}) wrote outside its folder"
    return outcome


def _timed(path: Path, out: Path) -> tuple[str, float]:
    """What became of an input, and the CPU seconds that it took."""
    start = time.process_time()
    outcome = _through(path, out)
    return outcome, time.process_time() - start


def _through(path: Path, out: Path) -> str:
    scans = io.find(path.parent)
    reasons = [reason for _, reason in scans.skipped]
    assert all(reason and "\n" not in reason for reason in reasons), reasons
    try:
        volume = io.read(path)
    except MedrestoreError as error:
        assert "\n" not in str(error), error
        return "refused"
    assert volume.array.dtype == np.float32
    assert np.isfinite(volume.geometry.affine).all()
    assert min(volume.array.shape) > 0
    _write(volume, out / f"{volume.source.name}_a.nii.gz")
    if volume.source.format == "dicom":
        _write(volume, out / f"{volume.source.name}_b")
    elif volume.source.format == "itk":
        _write(volume, out / "b.mhd")
    return "read"


def _write(volume: Volume, path: Path) -> None:
    """Written and read again, or refused in words; no voxel or position changed."""
    try:
        io.write(volume, path)
    except MedrestoreError as error:
        assert "\n" not in str(error), error
        return
    again = io.read(path, modality=volume.modality, gaps="keep")
    assert again.array.shape == volume.array.shape
    if path.suffix:
        np.testing.assert_array_equal(again.array, volume.array)


def _listing(place: Path, out: Path) -> list[Path]:
    around = [*place.parent.iterdir(), *place.rglob("*")]
    return sorted(path for path in around if out not in path.parents)


def main(start: int, count: int, folder: Path, keep_going: bool) -> None:
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=UserWarning, module="nibabel")
    warnings.filterwarnings("ignore", message="builtin type .* has no __module__")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE, used + ADDRESS_SPACE))
    tally: Counter[str] = Counter()
    for number in range(start, start + count):
        (folder / "now").write_text(str(number))
        try:
            tally[check(number, folder / "place")] += 1
        except AssertionError as error:
            tally["failed"] += 1
            print(" ".join(str(error).split())[:600], flush=True)
            if not keep_going:
                raise
    print(f"counts {tally.total()} {dict(tally)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), "--keep-going" in sys.argv)
