"""What samples are worth beside the prediction, on people whom a shipped model has not seen.

    python -m benchmarks.fusion.trust mr_slice [--write]

As `training.trust` measures it when a model is trained: the central slices of the scans named here
(../shared/data/train, none of them among the model's people), noise added and told, 8 samples. With
--write the card of the model gets it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import medrestore as mr
from benchmarks.quality.cases import DATA
from medrestore.core.intensity import foreground_scale
from medrestore.models.bundle import write_card
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.probe import Case, Cohort
from medrestore.training.trust import measure_trust

SCANS = {
    "MR": {
        "CMB-CRC-MSB-06489": "mr/cmb06489_abdomen_t2_a",
        "ProstateX-0000": "mr/px0000_prostate_t2tra",
        "STS_001": "mr/sts001_thigh_t1",
        "Ljubljana-long-12": "mr/ms12_brain_t1",
        "UCSF-BR-06": "mr/ucsfbr06_breast_t1fs_phase2",
        "ds002748 sub-01": "mr/ds002748s01_brain_t1",
    },
    "CT": {
        "CRLM-CT-1004": "ct/crlm1004_abdomen",
        "RIDER Pilot 0109": "ct/rider0109_chest",
        "LIDC-IDRI-0001": "ct/lidc0001_chest",
        "STS_024": "ct/sts024_limb",
    },
}
LEVELS = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 30.0)}
MARGIN = 4


def cases(modality: str, slices: int) -> list[Case]:
    """Central slices of each person; MR in units of its foreground."""
    found = []
    for person, name in SCANS[modality].items():
        volume = mr.read(DATA / "train" / f"{name}.nii.gz", modality)
        array = volume.array
        if modality == "MR":
            array = array / np.float32(foreground_scale(array))
        first = max((len(array) - slices) // 2 - MARGIN, 0)
        part = np.ascontiguousarray(array[first : first + slices + 2 * MARGIN])
        found.append(Case(person, part, float(volume.geometry.spacing_mm[1])))
    return found


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--slices", type=int, default=2)
    parser.add_argument("--widest", type=int, default=192, help="rows and columns at most")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    card = find_card(asked.model, modality)
    model = load(card)
    torch.set_num_threads(1)
    cohort = Cohort(lambda person: model, cases(modality, asked.slices), LEVELS[modality])
    settings = Settings(samples=8, keep_samples=True)
    found = []
    for _, probe in cohort.restored(settings, asked.slices, "", asked.widest):
        found.append(probe)
        print(probe.person, probe.plan.noise.sigma, flush=True)
    who = f"people that the model was not trained on: {', '.join(SCANS[modality])}"
    facts = measure_trust(found, model.spectra, model.family, who)
    print(json.dumps(facts, indent=1))
    if asked.write:
        write_card(Path(card.folder), {**card.facts, "trust": facts})


if __name__ == "__main__":
    main()
