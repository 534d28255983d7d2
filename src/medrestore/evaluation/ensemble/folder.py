"""An ensemble on the disk: noisy realisations, the truth they were made from, and its record.

::

    DIR/noisy/present_000.nii.gz …  absent_000.nii.gz …   what denoisers are given
    DIR/truth/present.nii.gz  absent.nii.gz               without noise
    DIR/truth.json                                        inserts, regions, noise, seeds, hash
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore import __version__, io
from medrestore.core.intensity import foreground_scale
from medrestore.core.meter import SILENT
from medrestore.errors import InputError, MedrestoreError, SettingsError
from medrestore.evaluation.ensemble.observers import FEWEST
from medrestore.evaluation.ensemble.scene import HALVES, Insert, Region, Scene
from medrestore.io.staging import staged_folder
from medrestore.io.uids import without_uids
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    import os

    from medrestore.core.meter import Meter
    from medrestore.evaluation.ensemble.scene import Half
    from medrestore.volume import Volume

__all__ = ["Ensemble", "NoiseLevel", "make", "open_ensemble"]

VERSION = 1
RECORD = "truth.json"
PARTS = {"noisy", "truth", RECORD}
MOST = 1000


@dataclass(frozen=True)
class NoiseLevel:
    """Strength of the noise; one of the first three, as `medrestore.simulate` takes them.

    Parameters
    ----------
    dose : float, optional
        CT: fraction of the dose, 0 to 1.
    hu : float, optional
        CT: standard deviation in soft tissue.
    noise : float, optional
        MR: σ per channel as a fraction of the foreground scale.
    own_hu : float, optional
        CT: the noise that a scan has at full dose, from which its photons follow; only with
        ``dose``. 1.5e5 photons a ray if absent.
    """

    dose: float | None = None
    hu: float | None = None
    noise: float | None = None
    own_hu: float | None = None

    def __post_init__(self) -> None:
        given = [self.dose, self.hu, self.noise]
        if given.count(None) != 2 or (self.own_hu is not None and self.dose is None):
            raise SettingsError(
                f"noise is asked for by one of dose, hu (both CT) and noise (MR), got {self}"
            )

    def facts(self) -> dict[str, Any]:
        """Return plain values for ``truth.json``."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class Ensemble(NamedTuple):
    """An ensemble that was made.

    Parameters
    ----------
    folder : Path
        Folder of the ensemble.
    scene : Scene
        Its truth.
    names : dict of str to tuple of str
        Stems of the realisations of each half.
    facts : dict
        ``truth.json``.
    """

    folder: Path
    scene: Scene
    names: dict[Half, tuple[str, ...]]
    facts: dict[str, Any]


def make(
    scene: Scene,
    noise: NoiseLevel,
    out: str | os.PathLike[str],
    *,
    realisations: int = 32,
    seed: int = 0,
    overwrite: bool = False,
    progress: Meter = SILENT,
) -> Ensemble:
    """Write noisy realisations of a scene: half of them with the inserts, half without.

    Parameters
    ----------
    scene : Scene
        From `design.of_phantom` or `design.of_scan`.
    noise : NoiseLevel
        Noise that is added.
    out : path
        A folder that is missing, empty, or (with ``overwrite``) holds an earlier ensemble; it
        appears when it is whole.
    realisations : int
        In all, even, 8 to 2000. Intervals shrink as their root; 32 tell large differences.
    seed : int
        The same seed, the same voxels.

    Raises
    ------
    SettingsError
        If the number is odd or out of range, or the noise does not fit the modality.
    OutputError
        If the folder is taken or cannot be written.
    """
    if realisations % 2 or not 2 * FEWEST <= realisations <= 2 * MOST:
        raise SettingsError(
            f"an ensemble has an even number of realisations from {2 * FEWEST} to {2 * MOST}, got "
            f"{realisations}"
        )
    record: list[dict[str, Any]] = []
    progress.start(realisations, "Making realisations")
    with staged_folder(Path(out), overwrite, lambda path: path.name in PARTS) as staged:
        for half in HALVES:
            io.write(scene.clean(half), staged / "truth" / f"{half}.nii.gz")
            for number in range(realisations // 2):
                name, fresh = f"{half}_{number:03}", _seed_of(seed, half, number)
                volume = _realisation(scene, noise, half, fresh)
                io.write(volume, staged / "noisy" / f"{name}.nii.gz")
                record.append({"name": name, "half": half, "seed": fresh})
                progress.tick()
        facts = _facts(scene, noise, seed, record)
        text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
        (staged / RECORD).write_text(text, encoding="utf-8")
    return open_ensemble(out)


def open_ensemble(folder: str | os.PathLike[str]) -> Ensemble:
    """Read an ensemble's truth; its noisy realisations are not looked at.

    Raises
    ------
    InputError
        If there is none, it is of another version, or its scans are not those it was made from.
    """
    path = Path(folder)
    try:
        facts = json.loads((path / RECORD).read_text(encoding="utf-8"))
        if facts["version"] != VERSION:
            raise InputError(
                f"{path} was made as version {facts['version']}, this program reads {VERSION}; "
                "make it again"
            )
        scene = _scene(path, facts)
        names: dict[Half, tuple[str, ...]] = {
            half: tuple(str(one["name"]) for one in facts["realisations"] if one["half"] == half)
            for half in HALVES
        }
    except FileNotFoundError as error:
        raise InputError(
            f"{path} holds no {RECORD}; give a folder that `medrestore ensemble make` wrote"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / RECORD} is damaged ({error!r}); make the ensemble again") from (
            error
        )
    if scene.sha256 != facts["sha256"]:
        raise InputError(
            f"the scans in {path / 'truth'} are not those that {RECORD} was written for; make the "
            "ensemble again"
        )
    return Ensemble(path, scene, names, facts)


def _scene(path: Path, facts: dict[str, Any]) -> Scene:
    try:
        background = io.read(path / "truth" / "absent.nii.gz", facts["modality"])
    except MedrestoreError as error:
        raise InputError(f"the truth of {path} cannot be read: {error}") from error
    reach = facts["reach"]
    return Scene(
        replace(background, unit=facts["unit"]),
        tuple(Insert.of(one) for one in facts["inserts"]),
        tuple(Region(*(int(n) for n in one)) for one in facts["regions"]),
        (int(reach[0]), int(reach[1])),
        facts["modality"],
    )


def _facts(
    scene: Scene, noise: NoiseLevel, seed: int, record: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "medrestore": __version__,
        "scene": without_uids(scene.background.source.name),
        "modality": scene.modality,
        "unit": scene.unit,
        "spacing_mm": [round(s, 6) for s in scene.background.geometry.spacing_mm],
        "noise": noise.facts(),
        "seed": seed,
        "inserts": [one.facts() for one in scene.inserts],
        "regions": [[one.row, one.column, one.side] for one in scene.regions],
        "reach": list(scene.reach),
        "sha256": scene.sha256,
        "numpy": np.__version__,
        "realisations": record,
    }


def _seed_of(seed: int, half: Half, number: int) -> int:
    """Return the seed of one realisation: other halves, numbers and ensembles have others."""
    state = np.random.SeedSequence([seed, half == "present", number]).generate_state(2)
    return int(state[0]) << 20 | int(state[1]) >> 12  # 52 bits: JSON keeps them exactly


def _realisation(scene: Scene, noise: NoiseLevel, half: Half, seed: int) -> Volume:
    """Return the scene with fresh noise; in MR σ refers to the scale without inserts, for both."""
    clean, fraction = scene.clean(half), noise.noise
    if fraction is not None:
        fraction *= foreground_scale(scene.background.array) / foreground_scale(clean.array)
    array, _ = modality_named(scene.modality).noisier(
        clean.array,
        scene.pixel_mm[0],
        dose=noise.dose,
        noise=fraction,
        hu=noise.hu,
        own_noise_hu=noise.own_hu,
        seed=seed,
    )
    return clean.with_array(array)
