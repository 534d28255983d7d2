"""Image quality from ensembles: noisy, our CT model and peers on the plain phantom.

    python -m benchmarks.ensembles.run [--levels 25 50] [--realisations 32] [--slow 25]

Makes ensembles of the phantom of `medrestore ensemble make` (seed 0) at each level of added noise
(HU in soft tissue), restores them with ct_slice (samples=0, and one posterior sample) and with
peers of `benchmarks/quality` at their tuned parameters, and analyses them. All methods are told
the true σ: ours as the map of what was added, the peers as its level. Images stay in
`runs/ensembles`, so that a run that was stopped goes on. Needs no scans. Writes
`benchmarks/ensembles/figures.csv` and README.md.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import medrestore as mr
from benchmarks.ensembles.page import page
from benchmarks.quality.peers import LOCAL, tuned
from medrestore.api import make_plan, run_plan
from medrestore.core.ct_values import ct_padding
from medrestore.evaluation.ensemble.design import of_phantom
from medrestore.evaluation.ensemble.folder import NoiseLevel, make, open_ensemble
from medrestore.evaluation.ensemble.report import rows
from medrestore.evaluation.ensemble.scene import HALVES
from medrestore.evaluation.ensemble.study import analyse
from medrestore.models.model import find_card, load
from medrestore.physics.simulate import noisier_ct
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.evaluation.ensemble.folder import Ensemble

    Method = Callable[[mr.Volume, str], dict[str, mr.Volume]]

HERE = Path(__file__).parent
RUNS = HERE.parents[1] / "runs" / "ensembles"
SEED = 0
PEERS = ("gaussian", "tv")
SLOW = "nlm"
"""About 10 s a realisation; only at the levels asked for."""


def ensemble_of(level: float, realisations: int) -> Ensemble:
    """The ensemble of a level, made if it is not there."""
    folder = RUNS / f"ct_{level:g}_{realisations}"
    if folder.is_dir():
        return open_ensemble(folder)
    scene = of_phantom("CT", seed=SEED)
    return make(scene, NoiseLevel(hu=level), folder, realisations=realisations, seed=SEED)


def ours(ensemble: Ensemble, level: float, samples: int) -> Method:
    """ct_slice, told the map of what was added."""
    model = load(find_card("ct_slice", "CT"))
    maps = {}
    for half in HALVES:
        clean = ensemble.scene.clean(half)
        _, sigma = noisier_ct(clean.array, ensemble.scene.pixel_mm[0], hu=level, seed=SEED)
        maps[half] = clean.with_array(sigma)
    estimate = "sample" if samples else "mean"

    def run(volume: mr.Volume, stem: str) -> dict[str, mr.Volume]:
        seed = SEED + int(stem[-3:]) + 1000 * stem.startswith("present")
        settings = Settings(noise="map", samples=samples, estimate=estimate, seed=seed)
        noise = maps["present" if stem.startswith("present") else "absent"]
        result = run_plan(make_plan(volume, settings, noise, model), volume, model=model)
        assert result.removed is not None
        return {"_restored": result.restored, "_removed": result.removed}

    return run


def peer(name: str, level: float) -> Method:
    """A peer at the parameters tuned on training scans."""
    method, _ = LOCAL[name]
    parameters = tuned("CT", level, name)

    def run(volume: mr.Volume, stem: str) -> dict[str, mr.Volume]:
        array = np.where(ct_padding(volume.array), np.float32(-1000), volume.array)
        return {"": volume.with_array(method(array, level, **parameters))}

    return run


def restore(ensemble: Ensemble, name: str, method: Method) -> Path:
    """A method's images of all realisations, those made as yet left alone; their folder."""
    folder, started = ensemble.folder.with_name(f"{ensemble.folder.name}_{name}"), time.time()
    for half in HALVES:
        for stem in ensemble.names[half]:
            if any(folder.glob(f"{stem}*")):
                continue
            volume = mr.read(ensemble.folder / "noisy" / f"{stem}.nii.gz", "CT")
            images = method(volume, stem)
            for end, image in reversed(images.items()):  # the restored one last: then all is there
                mr.write(image, folder / f"{stem}{end}.nii.gz", overwrite=True)
    print(f"{ensemble.folder.name} {name}: {time.time() - started:.0f} s", flush=True)
    return folder


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", nargs="*", type=float, default=[25.0, 50.0])
    parser.add_argument("--realisations", type=int, default=32)
    parser.add_argument("--slow", type=float, nargs="*", default=[25.0], help="levels with NLM")
    asked = parser.parse_args()
    found = []
    for level in asked.levels:
        ensemble = ensemble_of(level, asked.realisations)
        methods = {"ct_slice": ours(ensemble, level, 0), "sample": ours(ensemble, level, 1)}
        peers = (*PEERS, SLOW) if level in asked.slow else PEERS
        methods |= {name: peer(name, level) for name in peers}
        folders = {name: restore(ensemble, name, method) for name, method in methods.items()}
        study = analyse(ensemble.folder, folders)
        found += [{"noise_hu": level, **row} for row in rows(study)]
    with (HERE / "figures.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        writer.writeheader()
        for row in found:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {datetime.date.today()}"
    (HERE / "README.md").write_text(page(found, asked.realisations, SEED, machine))


if __name__ == "__main__":
    main()
