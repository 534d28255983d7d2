"""Settings of a run: each described once, checked as soon as it is given.

A new setting is one field of `Settings` with its description, and the code where it takes effect.
The command line, the form in napari, the checks and the table in the documentation follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medrestore.core.method import MIRROR_IMAGES, passes
from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import SCHEDULES
from medrestore.devices import GPUS
from medrestore.errors import SettingsError
from medrestore.settings.description import (
    Choice,
    Flag,
    Number,
    Text,
    Whole,
    described,
    setting,
)
from medrestore.settings.documentation import with_parameters
from medrestore.settings.noise import NoiseSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AUTO", "AUTOMATIC", "SETTINGS", "Settings", "feasible"]

AUTO, AUTOMATIC = "auto", "Automatic"
"""A choice left to the program: as a value, and as the label of a form."""

WEIGHT = Number(0, 100, refusal="is a weight in 0…100, got {value!r}")
"""Of guidance: beyond 100 nothing but the guide is left."""


@dataclass(frozen=True)
class Settings:
    """Settings of a run, named alike in Python, on the command line and in records.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    model: str = setting(
        AUTO,
        Text("auto, a name or a folder"),
        "see `medrestore models`",
        metavar="NAME|FOLDER",
        label="Model",
        tip="The trained network; automatic picks the slice model for the modality.",
        details="``auto`` is the modality's slice model.",
    )
    mode: str | None = setting(
        None,
        Choice({"slice": "Slices", "patch3d": "3-D stacks"}),
        "slice by slice or in 3-D stacks; default: the model's own",
    )
    estimate: str = setting(
        "mean",
        Choice(
            {
                "mean": "Expected image",
                "sample": "One sample",
                "posterior-mean": "Mean of the samples",
            }
        ),
        "what the restored image is: the expected one, one posterior sample (natural texture), or "
        "the mean of the samples; default: mean",
        label="Image",
        tip="What the restored image is; one sample keeps the texture that the noise hid.",
        of_samples=True,
        details="The expected image is μ.",
    )
    samples: int = setting(
        8,
        Whole(0, 1000),
        "posterior samples; 0 gives image and map from one evaluation, or from four mirrored ones, "
        "fast; default: 8",
        metavar="N",
        label="Samples",
        tip="Images that the scan allows; they show how errors go together. 0 is fastest: image "
        "and uncertainty from one evaluation, or from four with mirroring on.",
    )
    steps: int = setting(
        0,
        Whole(0, 1000, lowest=AUTOMATIC),
        "steps of a sample, each a network evaluation or, of some samplers, more; default: the "
        "model's own, 2 of the automatic ones",
        metavar="K",
        label="Steps",
        tip="Steps of a sample, each one network evaluation or, of some samplers, more; automatic "
        "is the model's own number.",
        details="0 is the model's own number.",
    )
    level: float = setting(
        0.9,
        Number(
            0,
            1,
            refusal="lies between 0 and 1, got {value}; 0.9 is usual",
            exclusive=True,
            percents=(50, 99),
        ),
        "share of voxels that lower…upper is to cover, 0 to 1; default: 0.9",
        metavar="P",
        label="Interval",
        tip="How often the true value is to lie between lower and upper.",
    )
    noise: str | float = setting(
        AUTO,
        NoiseSetting(),
        "standard deviation of the noise to remove: auto (estimated from the scan); a number, in "
        "HU of soft tissue for CT, or a fraction of the foreground for MR (0.05 or 5%); a number "
        "with u, in the scan's own unit (25u, '25 a.u.'); or the path of a map in that unit, on "
        "the scan's grid; default: auto",
        metavar="σ",
        label="Noise",
        tip="Standard deviation of the noise to remove: HU in soft tissue (CT); percent of the "
        "foreground, or the scan's own unit, a.u. (MR). Automatic measures it in the scan.",
        details="The fraction is of the foreground scale, the 99.5th percentile of the noise-free "
        "foreground, of each volume of a 4-D scan by itself. In Python the map is a "
        "Volume.",
    )
    seed: int = setting(
        0,
        Whole(0, 2**63 - 1),
        "same seed, same voxels; default: 0",
        metavar="N",
        label="Seed",
        tip="The same seed gives the same result.",
    )
    device: str = setting(
        AUTO,
        Choice({AUTO: AUTOMATIC, "cpu": "CPU", **GPUS}, strict=False),
        "where the network runs; default: auto",
        label="Device",
        tip="Where the network runs; automatic takes a GPU if there is one.",
        details="``auto`` takes a GPU if there is one. A number may follow: ``cuda:1``.",
    )
    sampler: str = setting(
        AUTO,
        Choice(
            {AUTO: AUTOMATIC},
            registered=lambda: {one.name: one.label for one in SAMPLERS.values()},
        ),
        "how samples are drawn; auto, the default, is the model's own: moment-matched, ddim of "
        "models of the image itself, consistency of those distilled to it",
        label="Sampler",
        tip="How samples are drawn; automatic is the model's own: moment-matched, DDIM for a model "
        "of the image itself, consistency for one that was distilled to it: one evaluation a "
        "sample.",
    )
    keep_samples: bool = setting(
        False,
        Flag(),
        "also write the samples themselves",
        label="Keep samples",
        tip="Also adds the samples as a layer that the viewer's slider plays through.",
        of_samples=True,
        details="Their axes are (samples, z, y, x).",
    )
    schedule: str = setting(
        "cosine",
        Choice({}, registered=lambda: {name: name.capitalize() for name in SCHEDULES}),
        "where the steps lie between noise and sample; default: cosine",
        details="``cosine`` are equally spaced angles.",
    )
    precision: str = setting(
        AUTO,
        Choice({AUTO: AUTOMATIC, "float32": "float32", "bfloat16": "bfloat16"}),
        "auto: bfloat16 where the device has it, float32 elsewhere; default: auto",
        details="The outer layers run in float32 all the same.",
    )
    memory_gb: float | None = setting(
        None,
        Number(0, math.inf, "is above 0, got {value}; leave it out for no limit", exclusive=True),
        "memory to stay within; default: all free",
        metavar="GB",
        alters_voxels=False,
        details="In units of 10⁹ bytes; kept by smaller batches.",
    )
    guidance: float = setting(
        1.0,
        WEIGHT,
        "weight of the prediction given the scan against the one under the null condition "
        "(classifier-free; of models trained with both); above 1 each step takes two evaluations; "
        "default: 1, off. Intervals of regions that rest on guided samples are not calibrated",
        metavar="W",
        label="Guidance",
        of_samples=True,
    )
    measurement: float = setting(
        0.0,
        WEIGHT,
        "weight of the noise's likelihood, which draws samples towards the scan; default: 0, off. "
        "Intervals of regions that rest on guided samples are not calibrated",
        metavar="λ",
        label="Measurement",
        of_samples=True,
    )
    mirroring: str = setting(
        AUTO,
        Choice({AUTO: AUTOMATIC, "on": "On", "off": "Off"}),
        "predict from the scan and its mirror images along rows and columns, four evaluations in "
        "place of one: a better image, and a map that knows it; auto: with samples; default: auto",
        label="Mirroring",
        tip="Predicts from the scan and three mirror images of it: a better image and map, for "
        "three more evaluations of the predictor. Automatic: where samples are drawn.",
        details="Of models without a predictor there is nothing to mirror.",
    )
    grid: str = setting(
        AUTO,
        Choice({AUTO: AUTOMATIC, "acquired": "Acquired", "shown": "Shown"}),
        "grid that a zero-filled MR is restored on: acquired, and zero-filled again, or shown; "
        "auto: acquired where that was measured to pay; default: auto",
        label="Grid",
        tip="An MR whose k-space was filled with zeros is restored on the grid that was acquired, "
        "and shown on its own: better and faster. Automatic: where that pays.",
        details="Results lie on the scan's grid in any case.",
    )
    exceeds: float | None = setting(
        None,
        Number(
            -math.inf,
            math.inf,
            refusal="is a number in the scan's unit, got {value}; leave it out for no such map",
            exclusive=True,
        ),
        "also give the probability that a voxel's true value exceeds this one, in the scan's unit "
        "(HU, a.u.); default: no such map",
        metavar="VALUE",
        label="Probability above",
        tip="Adds the probability that the true value of each voxel exceeds this one, in the "
        "scan's unit (HU, a.u.). Left empty, there is no such layer.",
        details="From the distribution whose intervals are calibrated.",
    )

    def __post_init__(self) -> None:
        for name, described_as in described(type(self)).items():
            described_as.check(name, getattr(self, name))
        if self.guided and not self.samples:
            raise SettingsError(
                f"guidance={self.guidance:g} and measurement={self.measurement:g} guide samples, "
                "but samples=0; ask for samples, or leave guidance at 1 and measurement at 0"
            )
        if self.estimate != "mean" and self.samples == 0:
            raise SettingsError(
                f"estimate={self.estimate!r} needs samples, but samples=0; ask for at least 1"
            )

    def drawing(self, samples: int) -> Settings:
        """The same with so many samples; without any, what needs some is at its default."""
        return replace(self, **feasible({"samples": samples}))

    @property
    def method(self) -> str:
        """Key of a card for how samples are drawn: ``sampler:steps``, or with its schedule.

        Of a plan's settings: ``"auto"`` and 0 are no method before a model is known. What a card
        says of a sampler it does not say of that sampler guided, ``sampler+guided:steps``.
        """
        schedule = "" if self.schedule == "cosine" else f"@{self.schedule}"
        return f"{self.sampler}{schedule}{'+guided' if self.guided else ''}:{self.steps}"

    @property
    def predictions(self) -> int:
        """Evaluations of the predictor for a slice; of a plan's settings."""
        return MIRROR_IMAGES if self.mirroring == "on" else 1

    @property
    def evaluations(self) -> int:
        """Network evaluations of a slice: the predictor's, and the refiner's for all samples."""
        return self.predictions + passes(self.sampler, self.steps, self.samples, self.guidance)

    @property
    def guided(self) -> bool:
        """True if anything but the model's own prediction leads the samples."""
        return self.guidance != 1 or self.measurement != 0


def feasible(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `Settings`; without samples, what needs some is at its default."""
    if given.get("samples", SETTINGS["samples"].default):
        return dict(given)
    return {**given, **{name: one.default for name, one in SETTINGS.items() if one.of_samples}}


SETTINGS = described(Settings)
"""Descriptions of all settings by name."""

Settings.__doc__ = with_parameters(Settings.__doc__ or "", SETTINGS)
