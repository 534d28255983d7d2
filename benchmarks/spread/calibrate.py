"""Write the region factors of a shipped card anew, from people whom its networks never saw.

    python -m benchmarks.spread.calibrate mr_slice [--samples 0] [--steps 2] [--seed 0]

Through `training.region_factors`, as a training measures them: the middle slices of everybody under
train/mr or train/ct, Rician noise of 3 and 9 % or 20 and 40 HU through filtered back-projection,
mirrored, by default without samples: the closed form is what intervals rest on, and so many people
cost little. Validation people have no part in it. Writes the card's ``region_factors`` and the
pages that follow from the card.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from benchmarks.quality.cases import DATA
from benchmarks.spread.probes import probes
from benchmarks.spread.run import LEVELS
from medrestore.models.bundle import write_card
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.region_factors import factors

if TYPE_CHECKING:
    from medrestore.models.model import Model


def files_of(modality: str) -> list[str]:
    """One scan of each person under train/, the first of the index; no single slices."""
    folder, found = f"train/{modality.lower()}/", dict[str, str]()
    for row in json.loads((DATA / "train" / "index.json").read_text()):
        name = row["file"]
        if name.startswith(folder) and "tcga" not in name:
            found.setdefault(row["person"], name)
    return [*found.values()]


def unseen(model: Model, files: list[str]) -> list[str]:
    """Persons of files under train/; raises if the model knows one of them."""
    index = json.loads((DATA / "train" / "index.json").read_text())
    person_of = {row["file"]: row["person"] for row in index}
    people = [person_of[file] for file in files]
    known = set(people) & set(model.card.known.training.people)
    if known:
        raise SystemExit(f"{model.card.name} was trained on {', '.join(known)}")
    return people


def measured(
    model: Model,
    files: list[str],
    levels: list[float],
    settings: Settings,
    steps: int,
    slices: int,
) -> dict[str, Any]:
    """The card's ``region_factors``."""
    people = unseen(model, files)
    each = (probe for _, probe in probes(model, files, levels, settings, slices, people))
    resolved = Settings(
        sampler=model.card.sampler(settings.sampler), samples=settings.samples, steps=steps
    )
    return {
        **factors(each, model.spectra, resolved),
        "people": len(people),
        "people_held_out": len(people),
        "who": f"people under train/ whom the networks never saw: {', '.join(people)}",
        "how": f"python -m benchmarks.spread.calibrate {model.card.name}",
        "noise": levels,
        "date": date.today().isoformat(),
    }


def main() -> None:
    """Restore, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*", help="paths below train/, without their suffix")
    parser.add_argument("--noise", nargs="*", type=float, help="levels, if not those of run.py")
    parser.add_argument("--dry-run", action="store_true", help="print and leave the card alone")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    model = load(find_card(asked.model, modality))
    drawn = {"samples": asked.samples, "steps": asked.steps, "keep_samples": True}
    settings = Settings(
        **(drawn if asked.samples else {"samples": 0}), mirroring="on", seed=asked.seed
    )
    named = [f"train/{name}.nii.gz" for name in asked.scans or ()]
    files = named or files_of(modality)
    levels = list(asked.noise or LEVELS[modality])
    found = measured(model, files, levels, settings, asked.steps, asked.slices)
    print(json.dumps(found, indent=1))
    if not asked.dry_run:
        write_card(model.card.folder, {**model.card.facts, "region_factors": found})


if __name__ == "__main__":
    main()
