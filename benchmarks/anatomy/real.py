"""Real noise: the diffusion repeats and the phantom pair of `benchmarks.quality`, models only.

Peers' rows are those of `benchmarks/quality/peers.csv`, on the same voxels with the same σ.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks.quality import ours, real_noise, scores, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.anatomy.rows import Row
    from benchmarks.quality.cases import Case
    from medrestore.models.model import Model

__all__ = ["PEERS", "WANTED", "figures", "peers"]

PEERS = ("nlm", "bm4d", "tv", "bm4d-psd")
WANTED = {
    "mr_dti": "RMSE to the other repeat, % of the foreground scale, mean of eight contrasts",
    "ct_phantom": "RMSE to the smooth reconstruction in uniform inserts, HU",
}


def figures(modality: str, models: dict[str, Model], mirroring: str) -> list[Row]:
    """A row for each model."""
    scan = "mr_dti" if modality == "MR" else "ct_phantom"
    found = []
    for name, model in models.items():
        values = [_rmse(model, case, mirroring) for case in _cases(modality)]
        found.append({"scan": scan, "method": name, "rmse": fmean(values)})
        print(scan, name, round(found[-1]["rmse"], 5), flush=True)
    return found


def _cases(modality: str) -> Iterator[Case]:
    if modality == "MR":
        yield from real_noise.diffusion()[0]
    else:
        yield real_noise.phantom()


def _rmse(model: Model, case: Case, mirroring: str) -> float:
    noise = ours.noise_of(case, "true")
    result, _ = ours.run_model(model, case, noise, case.inner, mirroring=mirroring)
    image = ours.whole(case, result.restored.array, case.inner)
    return float(scores.figures(image, case)["rmse"])


def peers() -> dict[str, dict[str, float]]:
    """RMSE of the peers, by scan and method, from the table of `benchmarks.quality`."""
    rows = table.read(table.FOLDER / "peers.csv")
    found: dict[str, dict[str, float]] = {}
    for scan in WANTED:
        for method in PEERS:
            values = [
                float(row["rmse"])
                for row in rows
                if str(row["scan"]).startswith(scan) and row["method"] == method
            ]
            if values:
                found.setdefault(scan, {})[method] = fmean(values)
    return found
