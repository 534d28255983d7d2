"""What the page of a batch says about a scan that was restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.batch import report
from medrestore.engine.plan_text import noise_in_words

if TYPE_CHECKING:
    from medrestore.api import Result
    from medrestore.engine.plan import Plan
    from medrestore.volume import Volume

__all__ = ["entry_of", "settings_shown"]


def settings_shown(plan: Plan) -> dict[str, object]:
    """What a page says about how a scan was restored."""
    asked = plan.settings
    return {
        "model": plan.model,
        "noise": noise_in_words(plan),
        "samples": asked.samples,
        "steps": asked.steps,
        "level": asked.level,
        "estimate": asked.estimate,
        "sampler": asked.sampler,
        "schedule": asked.schedule,
        **({"guidance": asked.guidance, "measurement": asked.measurement} if asked.guided else {}),
        "seed": asked.seed,
        "device": plan.device,
    }


def entry_of(volume: Volume, result: Result, seconds: float) -> report.Entry:
    """A scan and its result; ``seconds`` from reading to writing."""
    layers = result.layers()
    row = {"noisy": volume, **{k: layers[k] for k in ("restored", "std", "lower", "upper")}}
    return report.entry(
        row,
        settings=settings_shown(result.plan),
        timings={"in all": seconds},
        figures={"checks": result.guards.verdict.headline} if result.guards is not None else None,
        warnings=result.warnings,
        calibrated=result.plan.calibrated,
    )
