"""What samples are worth beside the prediction, on people whom a shipped model has not seen.

    python -m benchmarks.fusion.trust mr_slice [--write]

As `training.trust` measures it when a model is trained: the central slices of the scans named here
(../shared/data/train, none of them among the model's people), noise added and told, 8 samples. With
--write the card of the model gets it. Of a model whose image is the mean of samples all that its
card says of uncertainty is measured anew: factors of voxels and regions rest on the same samples.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import medrestore as mr
from benchmarks.quality.cases import DATA
from medrestore.core.intensity import foreground_scale
from medrestore.models.bundle import write_card
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.probe import Case, Cohort
from medrestore.training.spread import measure_sampled
from medrestore.training.trust import measure_trust

if TYPE_CHECKING:
    from medrestore.models.model import Model

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


def predicted(model: Model, slices: int, widest: int, who: str) -> dict[str, Any]:
    """The card's ``trust`` of a model with a predictor."""
    modality = model.card.modality
    cohort = Cohort(lambda person: model, cases(modality, slices), LEVELS[modality])
    settings = Settings(samples=8, keep_samples=True)
    found = []
    for _, probe in cohort.restored(settings, slices, "", widest):
        found.append(probe)
        print(probe.person, probe.plan.noise.sigma, flush=True)
    return measure_trust(found, model.spectra, model.family, who)


def sampled(model: Model, slices: int, who: str) -> dict[str, Any]:
    """All that a card says of the uncertainty of a model whose image is the mean of samples."""
    modality = model.card.modality
    both = LEVELS[modality][1:]
    levels = tuple(level for one in both for level in (one, one))  # every second is measured
    settings = Settings(samples=8, seed=0)
    facts = measure_sampled(model, cases(modality, slices), levels, settings, Told())
    people = len(SCANS[modality])
    facts["intervals"]["who"] = facts["trust"]["who"] = facts["region_factors"]["who"] = who
    facts["region_factors"] |= {
        "people_held_out": people,
        "how": f"python -m benchmarks.fusion.trust {model.card.name}",
        "date": date.today().isoformat(),
    }
    return facts


class Told:
    """A meter that prints."""

    def start(self, total: int, label: str) -> None:
        print(label, total, flush=True)

    def tick(self, n: int = 1) -> None:
        print(".", end="", flush=True)


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
    who = f"people that the model was not trained on: {', '.join(SCANS[modality])}"
    if model.family.predicts:
        facts = {"trust": predicted(model, asked.slices, asked.widest, who)}
    else:
        facts = sampled(model, asked.slices, who)
    print(json.dumps(facts, indent=1))
    if asked.write:
        write_card(Path(card.folder), {**card.facts, **facts})


if __name__ == "__main__":
    main()
