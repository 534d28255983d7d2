"""The table in words: all of it in `README.md`, its heads in `docs/choosing.md`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.families.verdict import DEFAULT, difference, reference_of, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.families.method import Method
    from benchmarks.families.table import Row

    Cell = Callable[[Row], str]

__all__ = ["brief", "inserted", "whole", "write"]

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "choosing.md"
BEGIN, END = "<!-- families -->\n", "<!-- end of families -->"

BRIEF = {"MR": ("MR 3 %", "MR 9 %"), "CT": ("CT 30 HU",)}
"""Data sets that stand side by side in a cell of the brief table."""

HEAD = """\
# Families of models and samplers

Written by `python -m benchmarks.families.run` from [families.csv](families.csv), which holds more:
KID with its interval, regions of other sizes, samples' own PSNR, wall seconds, seed, weights. Every
method restores the same noisy pixels: 64 × 64 in two slices of each held-out person (MR: five; CT:
two), the true σ given, 8 samples. `MR repeats` and `CT phantom` have real noise. Costs are of one
such slice; the machine is shared, which makes CPU seconds longer too.

- **against the default** ({family}, {label}): paired difference in PSNR of the image shown, with a
  95 % bootstrap interval over the people, who are few.
- **std**: stated standard deviation over true error; **samples**: the samples' spread over it.
- **90 %**: share of voxels, of means of 4 × 4, 16 × 16 and 32 × 32, inside their 90 % interval (of
  32 × 32 there are few).
- **FID**: of the images shown, and of single samples, on the shipped predictor's own encoder:
  comparable within a data set only.
- **evaluations**: of the networks, for the image, its map and all samples; **MB**: weights, and the
  most that tensors held.
- **trained**: steps and minutes of all stages, a student's without its teacher's, a latent model's
  without the predictor that it took over; minutes are of busy CPU cores.
- **NPS**: mean frequency of the noise that is left less that of the noise that was there,
  cycles/pixel; below 0 it is coarser.

![PSNR and spread against evaluations](families.png)
"""


def write(rows: Sequence[Row], methods: Sequence[Method]) -> None:
    """Write both pages; the documentation's only between its markers."""
    HERE.joinpath("README.md").write_text(whole(rows), encoding="utf-8")
    page = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(inserted(page, brief(rows, methods)), encoding="utf-8")


def inserted(page: str, text: str) -> str:
    """The page with what stands between its markers replaced.

    Raises
    ------
    ValueError
        If the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"the page has no place for the table: put {BEGIN.strip()} and {END} there"
        )
    return f"{before}{BEGIN}\n{text}\n\n{END}{after}"


def whole(rows: Sequence[Row]) -> str:
    """A page with a table for each data set."""
    text = HEAD.format(family=DEFAULT[0], label=DEFAULT[1])
    for data in dict.fromkeys(row["data"] for row in rows):
        here = [row for row in rows if row["data"] == data and "psnr" in row]
        columns = [c for c in COLUMNS if any(c[1](row) for row in here)]
        head = ["family", "method", "model", *(name for name, _ in columns), "against the default"]
        body = [
            [
                *(str(row[name]) for name in ("family", "method", "model")),
                *(cell(row) or "–" for _, cell in columns),
                _verdict(rows, [row]),
            ]
            for row in here
        ]
        text += f"\n## {data}\n\n{_table(head, body)}\n"
    return f"{text}\n{_missing(rows)}{_signature(rows)}\n"


def brief(rows: Sequence[Row], methods: Sequence[Method]) -> str:
    """One line for each method that is to be shown, its data sets side by side."""
    head = ["modality", "family", "method", "PSNR, dB", "against the default", "std"]
    head += ["90 %: voxels", "16 × 16", "FID of a sample", "evaluations", "CPU s", "trained, steps"]
    body = []
    for method in (one for one in methods if one.brief):
        own = [_row(rows, method, data) for data in BRIEF[method.modality]]
        found = [row for row in own if row is not None]
        if not found:
            continue
        first, *others = (_side_by_side(found, name, form) for name, form in SHORT)
        line = [method.modality, method.family, method.label, first, _verdict(rows, found), *others]
        body.append([*line, *(_mean(found, name, form) for name, form in COSTS)])
    return f"{_table(head, body)}\n\n{_signature(rows)}"


SHORT = (
    ("psnr", ".1f"),
    ("std_ratio", ".2f"),
    ("cover90", ".0%"),
    ("cover90_256", ".0%"),
    ("fid_sample", ".1f"),
)
COSTS = (("evaluations", ".0f"), ("cpu_seconds", ".2g"), ("training_steps", ".0f"))


def _row(rows: Sequence[Row], method: Method, data: str) -> Row | None:
    about = (data, method.family, method.label, method.model)
    same = [r for r in rows if (r["data"], r["family"], r["method"], r["model"]) == about]
    return same[0] if same else None


def _side_by_side(rows: Sequence[Row], name: str, form: str) -> str:
    """A figure of several data sets, once where it is the same."""
    return " / ".join(dict.fromkeys(_number(row, name, form) for row in rows))


def _mean(rows: Sequence[Row], name: str, form: str) -> str:
    values = [row[name] for row in rows if name in row]
    return format(sum(values) / len(values), form) if values else "–"


def _number(row: Row, name: str, form: str) -> str:
    value = row.get(name)
    return "–" if value is None else format(value, form).replace("%", " %")


def _several(names: Sequence[str], form: str) -> Cell:
    def cell(row: Row) -> str:
        if not any(name in row for name in names):
            return ""
        return " / ".join(_number(row, name, form) for name in names)

    return cell


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("PSNR, dB", _several(["psnr"], ".2f")),
    ("SSIM", _several(["ssim"], ".3f")),
    ("RMSE to the mean of 40", _several(["rmse_mean_of_40"], ".4f")),
    ("noise left, HU", _several(["noise_left"], ".1f")),
    ("edges kept", _several(["edge_gain"], ".3f")),
    ("std / samples", _several(["std_ratio", "sample_ratio"], ".2f")),
    ("90 %", _several(["cover90", "cover90_16", "cover90_256", "cover90_1024"], ".0%")),
    ("FID / of a sample", _several(["fid", "fid_sample"], ".1f")),
    ("NPS", lambda row: signed(row["nps_shift"], 3) if "nps_shift" in row else ""),
    ("evaluations", _several(["evaluations"], ".0f")),
    ("CPU s", _several(["cpu_seconds"], ".2g")),
    ("MB", _several(["memory_mb"], ".0f")),
    ("trained: steps / min", _several(["training_steps", "training_minutes"], ".0f")),
)
"""Of the whole table: name, and what a row's cell says; columns without any figure are left out."""


def _verdict(rows: Sequence[Row], own: Sequence[Row]) -> str:
    """Beside the default, or why there is nothing to set beside it."""
    if any("psnr" not in row for row in own):
        return str(own[0].get("note", ""))
    if (own[0]["family"], own[0]["method"]) == DEFAULT:
        return "the default"
    pairs = [(row, other) for row in own if (other := reference_of(rows, row)) is not None]
    said = str(difference(pairs)) if len(pairs) == len(own) else ""
    return "; ".join(part for part in (said, str(own[0].get("note", ""))) if part)


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = (head, ["---"] * len(head), *body)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _missing(rows: Sequence[Row]) -> str:
    """What was not run, and why."""
    why = dict.fromkeys(
        (row["family"], row["model"], row.get("note", "")) for row in rows if "psnr" not in row
    )
    said = "; ".join(f"{family} ({model}): {note}" for family, model, note in why)
    return f"Not run: {said}.\n\n" if said else ""


def _signature(rows: Sequence[Row]) -> str:
    """Command, dates, machines and seeds."""
    made = [row for row in rows if "psnr" in row]
    said = [
        ", ".join(sorted({str(row[name]) for row in made})) for name in ("date", "machine", "seed")
    ]
    return f"`python -m benchmarks.families.run`, {said[0]}, {said[1]}, seed {said[2]}."
