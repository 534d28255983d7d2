"""Spread, fidelity and time of every sampler at 1 to 50 evaluations: the table of the mathematics.

    python benchmarks/samplers/run.py [--parts model] [--model mr_slice] [--crop 112]

(a) Exactly, on a Gaussian residual with a known spectrum (`closed_form.py`); MONAI's schedulers,
through the adapter, by drawing. (b) On a shipped model: crops of central slices of validation
scans, Rician noise of 3 and 9 % with seed 0, the true σ given. Writes `closed_form.csv` and
`<model>.csv` here, and both tables between their markers in `docs/mathematics.md`.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import platform
import time
from datetime import date
from pathlib import Path

import adapter
import closed_form
import numpy as np
import torch
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler, PNDMScheduler

import medrestore as mr
from medrestore.core.intensity import foreground_scale
from medrestore.core.method import evaluations, steps_within, without_network
from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import SCHEDULES, angles
from medrestore.engine.pipeline import run as run_plan
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT.parent / "shared" / "data" / "validation"
PAGE = ROOT / "docs" / "mathematics.md"

PARTS = ("closed-form", "model")
BUDGETS = (1, 2, 4, 8, 16, 50)
SIDES = (1, 4, 16)
SAMPLES, SEED = 8, 0
OTHER_SCHEDULES = ("moment-matched", "ddim", "heun")
"""Samplers that are also run on the other schedules."""

SCANS = ("mr_niivue_t2w", "mr_pyradiomics_brain1")
LEVELS = (0.03, 0.09)
PNDM_STEPS = (7, 41)
"""16 and 50 evaluations: its first three steps take four each."""

DRAWN = (128, 64)
"""Batch and side of the fields that MONAI's schedulers draw: ±2 % in the std of 16×16 means."""


def cases(budgets: tuple[int, ...]) -> list[tuple[str, str, int]]:
    """(sampler, schedule, steps) of every row; budgets that buy no further step are left out."""
    found = []
    for sampler in SAMPLERS:
        schedules = SCHEDULES if sampler in OTHER_SCHEDULES else ("cosine",)
        for schedule in schedules:
            steps = sorted({steps_within(sampler, budget) for budget in budgets})
            found += [(sampler, schedule, n) for n in steps]
    return found


def row(method: str, schedule: str, n: int, ratios: list[float], psnr: float) -> dict[str, object]:
    """One row; ``psnr`` is that of the mean of 8 samples, in part (a) relative to the best."""
    named = {f"std_ratio_{side}x{side}": r for side, r in zip(SIDES, ratios, strict=True)}
    return {
        "method": method,
        "schedule": schedule,
        "evaluations": n,
        **{name: round(value, 3) for name, value in named.items()},
        "psnr_mean_of_8": round(psnr, 2) or 0.0,  # no −0.00
    }


def exact_rows() -> list[dict[str, object]]:
    """Part (a): our samplers."""
    truth, rows = closed_form.true_power(DRAWN[1]), []
    for sampler, schedule, steps in cases(BUDGETS):
        law = closed_form.law(sampler, steps, truth, schedule=schedule)
        ratios = [closed_form.spread(law.variance, truth, side) for side in SIDES]
        loss = -10 * math.log10(1 + float(law.variance.mean() / truth.mean()) / SAMPLES)
        rows.append(row(sampler, schedule, law.evaluations, ratios, loss))
    return rows


def monai_rows() -> list[dict[str, object]]:
    """Part (a): MONAI's schedulers on their own grid and on a corrected one."""
    batch, size = DRAWN
    truth = closed_form.true_power(size).reshape(size, size)

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        response = closed_form.gain(truth, t).float()
        return torch.fft.ifft2(torch.fft.fft2(z_t) * response).real

    rows = []
    for kind in (DDPMScheduler, DDIMScheduler, PNDMScheduler):
        clip = {} if kind is PNDMScheduler else {"clip_sample": False}
        scheduler = kind(1000, "linear_beta", prediction_type="v_prediction", **clip)
        for grid in ("as it is", "corrected"):
            if kind is PNDMScheduler and grid == "corrected":
                continue  # evaluates between its timesteps
            for steps in PNDM_STEPS if kind is PNDMScheduler else BUDGETS[1:]:
                if grid == "corrected":
                    made = adapter.respaced(scheduler, angles(steps))
                else:
                    made = scheduler
                    made.set_timesteps(steps)
                generator = torch.Generator().manual_seed(SEED)
                noise = torch.randn(batch, 1, size, size, generator=generator)
                r = adapter.run(made, denoise, noise, noise, generator).r
                ratios = []
                for side in SIDES:
                    weight = closed_form.region_weight(size, side)
                    should = math.sqrt(float((weight * truth.flatten()).mean()))
                    ratios.append(torch.nn.functional.avg_pool2d(r, side).std().item() / should)
                loss = -10 * math.log10(1 + ratios[0] ** 2 / SAMPLES)
                n = len(made.timesteps)
                name = f"MONAI {kind.__name__}, {grid}"
                levels = "linear" if grid == "as it is" else "cosine"
                rows.append(row(name, levels, n, ratios, loss))
    return rows


def scan(name: str, level: float, crop: int):
    """Noisy crop of seven central slices, the truth and the mask of the middle one, and σ."""
    volume = mr.read(DATA / f"{name}.nii.gz", "MR")
    array = volume.array / np.float32(foreground_scale(volume.array))
    middle = len(array) // 2
    y, x = ((n - crop) // 2 for n in array.shape[1:])
    array = array[middle - 3 : middle + 4, y : y + crop, x : x + crop]
    rng = np.random.default_rng(SEED)
    real, imaginary = rng.standard_normal((2, *array.shape))
    noisy = np.hypot(array + level * real, level * imaginary).astype(np.float32)
    return mr.Volume(noisy, mr.Geometry(array.shape, np.eye(4)), "MR"), array[3], array[3] > 0.06


def blocks(image: np.ndarray, side: int) -> np.ndarray:
    """Means of side×side blocks over the last two axes."""
    height, width = (n // side * side for n in image.shape[-2:])
    cut = image[..., :height, :width]
    shape = (*cut.shape[:-2], height // side, side, width // side, side)
    return cut.reshape(shape).mean(axis=(-3, -1))


def model_rows(
    name: str, crop: int, budgets: tuple[int, ...], schedules: tuple[str, ...]
) -> list[dict[str, object]]:
    """Part (b): the samplers on a shipped model, pooled over scans, for each noise level."""
    model = load(find_card(name, "MR"))
    rows = []
    for level in LEVELS:
        pictures = [scan(one, level, crop) for one in SCANS]
        for sampler, schedule, steps in cases(budgets):
            if sampler not in model.card.samplers:
                continue
            gaussian = without_network(sampler, steps)  # the same for all
            if gaussian and (sampler, schedule) != ("moment-matched", "cosine"):
                continue
            if schedule not in schedules:
                continue
            if schedule != "cosine" and evaluations(sampler, steps) not in (3, 4):
                continue
            squared, errors = np.zeros((len(SIDES), 2)), []
            started = time.process_time()
            for volume, truth, mask in pictures:
                settings = Settings(
                    sampler=sampler,
                    schedule=schedule,
                    steps=steps,
                    samples=SAMPLES,
                    keep_samples=True,
                    mirroring="off",
                    seed=SEED,
                )
                noise = Noise(level, None, "added")
                plan = resolve(settings, volume, model.card, noise, 1.0, "cpu").for_slices((3,))
                arrays = run_plan(plan, volume, model)
                draws = arrays.samples[:, 0]
                errors.append(((draws.mean(axis=0) - truth)[mask] ** 2).mean())
                for i, side in enumerate(SIDES):
                    inside = blocks(mask.astype(float), side) == 1
                    spread = blocks(draws, side).var(axis=0, ddof=1)
                    error = blocks(arrays.mu[0] - truth, side)
                    squared[i] += spread[inside].sum(), (error[inside] ** 2).sum()
            seconds = (time.process_time() - started) / len(pictures)
            ratios = np.sqrt(squared[:, 0] / squared[:, 1])
            psnr = float(np.mean(-10 * np.log10(errors)))
            made = 0 if gaussian else evaluations(sampler, steps)
            found = row(sampler, schedule, made, ratios.tolist(), psnr)
            rows.append({"noise": level, **found, "cpu_seconds": round(seconds, 2)})
            print(rows[-1], flush=True)
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(rows: list[dict[str, object]], kept: tuple[str, ...]) -> str:
    """Markdown: one line for a method, a schedule and a noise; one column for a count."""
    lines: dict[tuple[object, ...], dict[int, str]] = {}
    for one in rows:
        key = tuple(one[name] for name in kept)
        ratios = " / ".join(f"{one[f'std_ratio_{s}x{s}']:.2f}" for s in SIDES)
        budget = next(b for b in BUDGETS if b >= one["evaluations"])
        text = f"{ratios}; {one['psnr_mean_of_8']:.2f} dB"
        text += f"; {one['cpu_seconds']:.2g} s" if "cpu_seconds" in one else ""
        lines.setdefault(key, {})[budget] = text
    head = [*kept, *(f"≤ {b}" for b in BUDGETS)]
    body = [[*map(str, key), *(cells.get(b, "–") for b in BUDGETS)] for key, cells in lines.items()]
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *body))


def insert(name: str, text: str) -> None:
    """Replace what stands between a table's markers in the page."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- samplers: {name} -->\n", f"<!-- end of samplers: {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(before + begin + "\n" + text + "\n\n" + end + after, encoding="utf-8")


def signature(arguments: str) -> str:
    command = f"python benchmarks/samplers/run.py {arguments}".rstrip()
    machine = f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s) of {os.cpu_count()}"
    return f"`{command}`, {date.today().isoformat()}, {machine}, seed {SEED}."


def main() -> None:
    """Make both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mr_slice")
    parser.add_argument("--crop", type=int, default=112, help="side of the crops, pixels")
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--schedules", nargs="+", default=list(SCHEDULES))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    asked = parser.parse_args()
    if "closed-form" in asked.parts:
        rows = exact_rows() + monai_rows()
        write(HERE / "closed_form.csv", rows)
        text = table(rows, ("method", "schedule"))
        insert("closed form", f"{text}\n\n{signature('--parts closed-form')}")
    if "model" in asked.parts:
        rows = model_rows(asked.model, asked.crop, tuple(asked.budgets), tuple(asked.schedules))
        write(HERE / f"{asked.model}.csv", rows)
        given = f"--parts model --model {asked.model} --crop {asked.crop}"
        for name, whole in (("budgets", BUDGETS), ("schedules", SCHEDULES)):
            if (some := getattr(asked, name)) != list(whole):
                given += f" --{name} {' '.join(map(str, some))}"
        text = table(rows, ("noise", "method", "schedule"))
        insert("model", f"{text}\n\n{signature(given)}")


if __name__ == "__main__":
    main()
