"""The table of `docs/mathematics.md`, from the CSV files.

python -m benchmarks.fusion.page
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

from medrestore.results.software import device_name

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "mathematics.md"
BEGIN, END = "<!-- fusion -->", "<!-- end of fusion -->"
TITLES = (
    "noise",
    "image, dB",
    "fused, any S: nats a voxel (worst person)",
    "rank of std and error (of s)",
    "50 / 80 / 90 / 95 % cover",
    "total variance, S = 2 / 4 / 8: nats",
    "rank",
)


def _rows(path: Path) -> list[str]:
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scan"].startswith("mean")]
    lines = []
    for level in dict.fromkeys(row["noise"] for row in rows):
        here = [row for row in rows if row["noise"] == level and row["mirrored"] == "True"]
        fused = [row for row in here if row["how"] == "fused"]
        total = [row for row in here if row["how"] == "total"]
        one = fused[0]
        assert len({row["nll"] for row in fused}) == 1, "the map depends on the number of samples"
        noise = float(level)
        covers = (f"{100 * float(one[f'cover{p}']):.1f}" for p in (50, 80, 90, 95))
        cells = [
            f"{100 * noise:g} %" if noise < 1 else f"{noise:g} HU",
            f"{float(one['psnr']):+.2f}",
            f"{-float(one['nll']):+.3f} ({-float(one['worst_nll']):+.3f})",
            f"{float(one['rank']):.3f} ({float(one['rank_s']):.3f})",
            " / ".join(covers),
            " / ".join(f"{-float(row['nll']):+.3f}" for row in total),
            " / ".join(f"{float(row['rank']):.3f}" for row in total),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Write the table between its marks."""
    lines = [f"| {' | '.join(TITLES)} |", f"|{' --- |' * len(TITLES)}"]
    for model in ("mr_slice", "ct_slice"):
        lines += _rows(HERE / f"{model}.csv")
    note = (
        "Held-out people, five of MR and two of CT, sampled (so mirrored) runs: gains over one "
        "evaluation without samples,\neach map scaled to its own mean error; factors fitted to the "
        "other people.\n"
        f"`python -m benchmarks.fusion.run mr_slice` (and `ct_slice`), {date.today().isoformat()}, "
        f"{device_name('cpu')}, seed 0."
    )
    text = "\n".join([BEGIN, "", *lines, "", note, "", END])
    page = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(
        re.sub(f"{BEGIN}.*{END}", lambda _: text, page, flags=re.DOTALL), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
