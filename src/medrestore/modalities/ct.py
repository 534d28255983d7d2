"""CT: Hounsfield units, additive noise that differs over a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.ct_values import ct_padding, is_padding, judge, lies_in_air
from medrestore.core.intensity import SOFT_TISSUE_HU
from medrestore.core.noise_level_ct import ADDITIVE_CT
from medrestore.core.residual_score import ResidualModel
from medrestore.errors import UnsuitableError
from medrestore.modalities.modality import Display, Evaluation, Modality
from medrestore.modalities.noise import NoiseLimits, NoiseModel, Simulation
from medrestore.modalities.training import Anatomy, Training
from medrestore.volume import UNITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["CT"]

AIR_HU, TISSUE_HU, LARGEST_HU = -1000.0, -500.0, 2500.0
BODY_HU = -900.0
"""Lungs included, air around the body left out."""

PRESETS = {
    "Abdomen": (50, 400),
    "Mediastinum": (50, 350),
    "Liver": (60, 160),
    "Lung": (-600, 1500),
    "Bone": (300, 1500),
    "Angiography": (300, 600),
    "Brain": (40, 80),
    "Subdural": (75, 215),
    "Stroke": (32, 8),
}
"""Level and width, HU. Abdomen, mediastinum, lung, brain: radiopaedia.org/articles/windowing-ct;
subdural: the middle of its ranges 50–100 and 130–300. Stroke: Lev et al., Radiology 1999;213:150.
Bone, angiography: defaults of Orthanc's Stone viewer. Liver: ctviewer (PyPI)."""

TISSUES_HU = {
    "lung": (-950.0, -500.0),
    "fat": (-150.0, -30.0),
    "soft": (-30.0, 150.0),
    "bone": (200.0, 2000.0),
}
"""Values between them belong to none."""

WINDOWS = (
    ("lung", -1350.0, 150.0),
    ("abdomen", -150.0, 250.0),
    ("brain", 0.0, 80.0),
    ("bone", -450.0, 1050.0),
)
"""Level/width −600/1500, 50/400, 40/80 and 300/1500 HU."""

MADE_UP_HU = ((40.0, 25.0), (100.0, 60.0), (-100.0, 15.0), (-800.0, 80.0), (600.0, 350.0))
"""Mean and standard deviation: soft tissue, with contrast agent, fat, lung, bone."""
MADE_UP_SHARES = (0.5, 0.15, 0.15, 0.08, 0.12)


def _check_values(volume: Volume, planes: NDArray[Any], values: NDArray[Any]) -> tuple[str, ...]:
    """Refuse what is not in HU."""
    offset = volume.source.hu_offset
    if offset and lies_in_air(values - offset):
        raise UnsuitableError(
            f"{volume.source.name} was in HU before {offset:g} was added: its air lay near −1000; "
            "read it without an offset"
        )
    padding = ct_padding(planes)
    values = values[~is_padding(values, padding)]
    if not values.size:
        return ()
    found = judge(values)
    name = volume.source.name
    if found.offset:
        raise UnsuitableError(
            f"{name} is no CT in HU: {found.fault}; read it with --hu-offset "
            f"{-found.offset:.0f} (hu_offset={-found.offset:.0f} in Python)"
        )
    if found.fault:
        raise UnsuitableError(
            f"{name} is no CT in HU: {found.fault}; give the scan as it was before it was scaled "
            "(--hu-offset adds a number to all values), or, if it is MR, say --modality MR"
        )
    if found.doubt:
        return (f"{found.doubt}: make sure that they are HU",)
    return ()


def _noisier(array: NDArray[np.float32], pixel_mm: float, **settings: Any) -> Any:
    from medrestore.physics.simulate import noisier_ct  # torch, without which files are read

    return noisier_ct(array, pixel_mm, **settings)


def _pictured(values: NDArray[Any]) -> str:
    return "lung" if float(np.mean(values < TISSUE_HU)) > 0.5 else "abdomen"


def _made_up(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    kind = rng.choice(len(MADE_UP_HU), count, p=MADE_UP_SHARES)
    mean, std = np.asarray(MADE_UP_HU, dtype=np.float32)[kind].T
    values = mean + std * rng.standard_normal(count)
    return np.asarray(np.clip(values, AIR_HU, LARGEST_HU), dtype=np.float32)


CT = Modality(
    name="CT",
    unit=UNITS["CT"],
    air=AIR_HU,
    fixed_scale=1000.0,
    body=BODY_HU,
    tissue=TISSUE_HU,
    form="hounsfield",
    find_padding=ct_padding,
    check_values=_check_values,
    noise=NoiseModel(
        estimator=ADDITIVE_CT,
        residual=ResidualModel(tissue_above=TISSUE_HU),
        limits=NoiseLimits(weaker=0.72, stronger=1.12),
        refused={
            "%": "noise={noise!r}: the noise of CT is in HU (20 is usual), not a share",
            "a.u.": "noise={noise!r}: the noise of CT is in HU; say {value:g} or a map",
        },
        where=" in soft tissue",
        uneven=True,
        references=("yu2012", "zabic2013"),
    ),
    simulation=Simulation(_noisier, "hu", least_own=0.5),
    display=Display(window=(-150.0, 250.0), presets=PRESETS),
    evaluation=Evaluation(
        counted=(BODY_HU, 2000.0),
        windows=WINDOWS,
        pictured=_pictured,
        tissues=TISSUES_HU,
        soft_tissue=SOFT_TISSUE_HU,
        phantom=(AIR_HU, -100.0, 50.0),
        rods=(-100.0, -50.0, 50.0, 100.0, 300.0, 900.0),
        lesions=(10.0, 20.0),
    ),
    training=Training(
        noise="projections",
        levels=(10.0, 30.0, 80.0),
        anatomy=Anatomy(
            values=_made_up,
            shading=25.0,
            texture=10.0,
            bounds=(AIR_HU, 3000.0),
            highest=LARGEST_HU,
        ),
    ),
)
