"""Writes `README.md` and the plots from the CSV files: no figure on it is typed by hand.

python -m benchmarks.quality.page
"""

from __future__ import annotations

import platform
from datetime import date
from typing import TYPE_CHECKING, Any

from benchmarks.quality import plots, table
from benchmarks.quality.acceptance import Figures, verdicts
from benchmarks.quality.cases import CLEAN, LEVELS, SCANS, SEED
from benchmarks.quality.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable

HOW = """\
Every method gets the same noisy voxels (seed {seed}) and the same σ, the one that was added; a
second set of rows lets our models estimate it. Scored on the inner 16 of the 24 central slices.
MR: fractions of the reference's foreground scale, voxels above 6 %, Rician noise; PSNR with data
range 1, SSIM with data range 1. CT: noise through filtered back-projection, soft tissue (−50 to
150 HU of the reference); SSIM and PSNR with data range 400 HU (window 50/400). SSIM: Gaussian
window of 1.5 pixels, 11 × 11, per slice, averaged over the same voxels.

References carry noise of their own, σ_own (estimated by `medrestore`, which reads some anatomy as
noise). *Floor*: σ_own·σ/√(σ_own² + σ²), the RMSE of a method that knows the anatomy perfectly.
*Excess*: what the RMSE has above it, in quadrature. *Clean RMSE*: estimated against the noise-free
anatomy (`evaluation/floor.py`). Floor and clean RMSE assume own and added noise of one
spectrum.

Peers' parameters were chosen on training scans, per noise level, by PSNR over a grid
(`tune.py`, `tuned.json`); BM4D and its spectrum variant (`bm4d-psd`, CT: given the power spectrum
of the noise that was really added, as CT noise is correlated) need none. MR outputs of peers for
Gaussian noise are corrected by √(b² − σ²). MONAI's own DDPM/DDIM loop is not among them yet.
BM4D's licence is non-commercial: it is measured in an environment of its own and is no dependency.
"""
REAL = """\
*Diffusion repeats*: repeat 1 restored, per contrast, with σ from the repeats' difference; the
expected Rician bias is added back; compared with repeat 2, whose noise is independent (the floor is
that noise), and with the mean of 40 (another mixture of directions, so that even a perfect image
differs from it; b = 1000 only). RMSE in % of the contrast's foreground scale, b = 1000: mean of
seven directions. *Phantom*: the sharp reconstruction restored (σ: its std in the inserts, a number
for all methods); in uniform inserts, 6 pixels from edges: RMSE against the smooth reconstruction,
mean change against the input (bias), std that is left; *edge gain*: contrast of the inserts' edges
over the input's (1: as sharp). Both reconstructions are of one scan and share low-frequency noise.
"""


def write() -> None:
    """Write the page and its plots."""
    rows = [row for path in sorted(table.FOLDER.glob("*.csv")) for row in table.read(path)]
    figures = Figures(rows)
    peers = [m for m in PEERS if any(row["method"] == m for row in rows)]
    models = {r["method"]: r["modality"] for r in rows if "version" not in r and _plain(r)}
    (table.FOLDER / "README.md").write_text(_text(figures, peers, models))
    for modality, plot in (("MR", plots.mr_gain), ("CT", plots.ct_rmse)):
        names = [name for name, its in models.items() if its == modality]
        plot(table.FOLDER / f"{modality.lower()}.png", figures, peers, names)


def _plain(row: table.Row) -> bool:
    return row["method"] != "noisy" and not row["method"].endswith(" samples")


def _text(figures: Figures, peers: list[str], models: dict[str, Any]) -> str:
    mr, ct = ([m for m, its in models.items() if its == want] for want in ("MR", "CT"))
    checks = [(v.figure, v.wanted, v.found, v.short or "PASS") for v in verdicts(figures, models)]
    parts = [
        "# Quality beside peers",
        "Written by `python -m benchmarks.quality.run` "
        f"({date.today().isoformat()}, {platform.machine()} CPU) from the CSV files here.",
        "## What was asked, what was reached",
        _table(("figure", "wanted", "found", ""), checks),
        "## How",
        HOW.format(seed=SEED).strip(),
        "## MR: foreground PSNR, dB (data range 1)",
        "![gain over the noisy image](mr.png)",
        _mr_table(figures, peers, mr),
        "## MR: SSIM, excess and clean RMSE, mean of the scans",
        _mr_means(figures, peers, mr),
        "## CT: soft tissue",
        "![share of the noisy RMSE](ct.png)",
        *(_ct_table(figures, peers, ct, scan) for scan in SCANS["CT"]),
        "## Real noise",
        REAL.strip(),
        _diffusion_table(figures, peers, mr),
        _phantom_table(figures, peers, ct),
        "## Clean input",
        "Noise of 0.2 % (MR) and 2 HU (CT), told so: RMS of output − input in σ, bias.",
        _clean_table(figures, peers, models),
        "## Our models: the uncertainty, and σ estimated from the noisy scan",
        _honesty_table(figures, models),
        "## Methods, versions, time",
        "CPU seconds per megavoxel, median over the cases; the machine was busy.",
        _methods_table(figures, [*peers, *models]),
    ]
    return "\n\n".join(parts) + "\n"


def _mr_table(figures: Figures, peers: list[str], ours: list[str]) -> str:
    methods = [m for m in peers if m != "bm4d-psd"] + ours + [f"{m} samples" for m in ours]
    rows = []
    for level in LEVELS["MR"]:
        for scan in SCANS["MR"]:
            cells = [_number(figures.get("psnr", scan, level, m), 2) for m in methods]
            rows.append([f"{level:.0%}", scan, *cells])
        means = [
            _number(figures.mean("psnr", SCANS["MR"], level, m), 2, bold=True) for m in methods
        ]
        rows.append([f"**{level:.0%}**", "**mean**", *means])
    note = "\n\n*samples*: mean of 8 posterior samples, on a few of the scored slices (`--every`)."
    return _table(("noise", "scan", *methods), rows) + note


def _mr_means(figures: Figures, peers: list[str], ours: list[str]) -> str:
    rows = []
    for method in [m for m in peers if m != "bm4d-psd"] + ours:
        cells: list[str] = []
        for level in LEVELS["MR"]:
            for figure, times, digits in (
                ("ssim", 1, 3),
                ("excess", 100, 2),
                ("clean_rmse", 100, 2),
            ):
                value = figures.mean(figure, SCANS["MR"], level, method)
                cells.append(_number(value, digits, times))
        rows.append([method, *cells])
    header = ["method"]
    for level in LEVELS["MR"]:
        header += [f"{level:.0%}: SSIM", "excess, %", "clean RMSE, %"]
    return _table(header, rows)


def _ct_table(figures: Figures, peers: list[str], ours: list[str], scan: str) -> str:
    rows = []
    for method in [*peers, *ours]:
        cells: list[str] = []
        for level in LEVELS["CT"]:
            measured, bias = (figures.get(f, scan, level, method) for f in ("rmse", "bias"))
            excess = figures.get("excess", scan, level, method)
            ssim = figures.get("ssim", scan, level, method)
            cells += [_number(measured, 2), _number(excess, 2), _number(bias, 2), _number(ssim, 3)]
        rows.append([method, *cells])
    header = ["method"]
    for level in LEVELS["CT"]:
        floor = _number(figures.get("floor", scan, level, "noisy"), 2)
        header += [f"{level:.0f} HU (floor {floor}): RMSE", "excess", "bias", "SSIM"]
    return f"### {scan}\n\nHU.\n\n" + _table(header, rows)


def _diffusion_table(figures: Figures, peers: list[str], ours: list[str]) -> str:
    directions = tuple(f"mr_dti_b1000_{t}" for t in range(1, 8))
    rows = []
    for method in [m for m in peers if m != "bm4d-psd"] + ours:
        b0 = [figures.get(f, "mr_dti_b0", None, method) for f in ("rmse", "excess")]
        names = ("rmse", "excess", "rmse_mean_of_40")
        b1000 = [figures.mean(f, directions, None, method) for f in names]
        rows.append([method, *(_number(v, 2, 100) for v in [*b0, *b1000])])
    header = ("method", "b = 0: RMSE, %", "excess", "b = 1000: RMSE, %", "excess", "to mean of 40")
    return "### mr_dti\n\n" + _table(header, rows)


def _phantom_table(figures: Figures, peers: list[str], ours: list[str]) -> str:
    names = ("rmse", "bias", "std", "edge_gain")
    rows = [
        [m, *(_number(figures.get(f, "ct_phantom", None, m), 2) for f in names)]
        for m in [*peers, *ours]
    ]
    header = ("method", "RMSE to the smooth one, HU", "bias, HU", "std left, HU", "edge gain")
    return "### Phantom\n\n" + _table(header, rows)


def _clean_table(figures: Figures, peers: list[str], models: dict[str, Any]) -> str:
    rows = []
    for scan, modality, times in (("mr_uih_t1_b", "MR", 100), ("ct_totalseg_abdomen", "CT", 1)):
        for method in [*peers, *(m for m, its in models.items() if its == modality)]:
            change = figures.get("change", scan, CLEAN[modality], method)
            bias = figures.get("bias", scan, CLEAN[modality], method)
            rows.append([scan, method, _number(change, 2), _number(bias, 3, times)])
    return _table(("scan", "method", "change, σ", "bias, % or HU"), rows)


def _honesty_table(figures: Figures, models: dict[str, Any]) -> str:
    names = ("std_ratio", "cover90")
    header = ["model", "scan", "noise", "std ratio", "90 % covers", "samples: std ratio"]
    header += ["90 % covers", "σ estimated / true", "PSNR lost to the estimate, dB"]
    rows = []
    for name, modality in models.items():
        for scan in SCANS[modality]:
            for level in LEVELS[modality]:
                own = [figures.get(f, scan, level, name) for f in names]
                drawn = [figures.get(f, scan, level, f"{name} samples") for f in names]
                used = figures.get("sigma_used", scan, level, name, "auto")
                true, auto = (figures.get("psnr", scan, level, name, s) for s in ("true", "auto"))
                lost = None if true is None or auto is None else true - auto
                ratio = None if used is None else used / level
                noise = f"{level:.0%}" if modality == "MR" else f"{level:.0f} HU"
                cells = [_number(v, 3) for v in [*own, *drawn, ratio]]
                rows.append([name, scan, noise, *cells, _number(lost, 2)])
    return _table(header, rows)


def _methods_table(figures: Figures, methods: list[str]) -> str:
    rows = []
    for method in methods:
        mine = [r for r in figures.rows if r["method"] == method and "cpu_s_per_mvoxel" in r]
        times = sorted(r["cpu_s_per_mvoxel"] for r in mine)
        versions = sorted({str(r["version"]) for r in mine if "version" in r})
        cost = f"{times[len(times) // 2]:.3g}" if times else "–"
        rows.append([method, ", ".join(versions), cost])
    return _table(("method", "version", "CPU s/Mvoxel"), rows)


def _number(value: float | None, digits: int, times: float = 1, bold: bool = False) -> str:
    if value is None:
        return "–"
    text = f"{times * value:.{digits}f}"
    return f"**{text}**" if bold else text


def _table(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    lines = [list(header), *(list(row) for row in rows)]
    text = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(lines[0]), *text[1:]])


if __name__ == "__main__":
    write()
