"""Power of real noise beside that of training noise, by band: CT scans, MR repeats and encodings.

    python -m benchmarks.noise_texture.run

CT: `../shared/data/real_noise/ct_phantom_sharp_bone` and the training slices with at least 15 HU
of their own, in their calm blocks; training noise at the same places and level, through the
nearest kernel of the bank as it was, through the kernel that is fitted to the scan
(`training.noise_power`), and in one half of the blocks through the kernel of the other. MR:
repeats of a diffusion scan; what each kind of acquisition of `training.mr_noise` draws, and GRAPPA,
beside theory. Writes `benchmarks/noise_texture/ct.csv`, `mr.csv`, `ct.png` and the page (about 5
CPU minutes).
"""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.noise_texture import ct, mr, page
from medrestore.training.noise_power import FEWEST

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure, write the tables, the figure and the page."""
    write(HERE / "mr.csv", mr.rows())
    rows: list[dict[str, object]] = []
    unknown = []
    for scan in ct.scans():
        if len(scan.corners) < FEWEST:
            unknown.append(scan.name)
            continue
        rows += ct.rows_of(scan)
        write(HERE / "ct.csv", rows)  # what a run that is stopped has measured
        shown = [row["fitted_over_real"] for row in rows[-8:] if row["counted"]]
        print(scan.name, scan.kernel, *shown, flush=True)
    page.write(HERE, unknown)


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """A table."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
