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
    "samples",
    "log-likelihood, nats (worst person)",
    "rank of std and error (of s)",
    "90 % covers",
    "by total variance: nats",
    "rank",
)


def _rows(path: Path) -> list[str]:
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scan"].startswith("mean")]
    lines = []
    for one in rows:
        if one["how"] != "fused":
            continue
        samples = one["samples"] + (
            ", mirrored" if one["samples"] + one["mirrored"] == "0True" else ""
        )
        noise = float(one["noise"])
        level = f"{100 * noise:g} %" if noise < 1 else f"{noise:g} HU"
        cells = [level, samples, f"{-float(one['nll']):+.3f} ({-float(one['worst_nll']):+.3f})"]
        cells += [f"{float(one['rank']):.3f} ({float(one['rank_s']):.3f})"]
        cells += [f"{100 * float(one['cover90']):.1f} %"]
        same = [r for r in rows if r["how"] == "total" and r["noise"] == one["noise"]]
        total = [r for r in same if r["samples"] == one["samples"]]
        cells += [f"{-float(r['nll']):+.3f}" for r in total] or ["–"]
        cells += [f"{float(r['rank']):.3f}" for r in total] or ["–"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Write the table between its marks."""
    lines = [f"| {' | '.join(TITLES)} |", f"|{' --- |' * len(TITLES)}"]
    for model in ("mr_slice", "ct_slice"):
        lines += _rows(HERE / f"{model}.csv")
    note = (
        "Held-out people, five of MR and two of CT; gains over one evaluation without samples, and "
        "factors fitted to the other people.\n"
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
