"""Sentences to the user. No Qt."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from medrestore.devices import out_of_memory
from medrestore.engine.plan_text import grid_in_words, memory, noise_doubts, noise_strength
from medrestore.errors import Cancelled, MedrestoreError

if TYPE_CHECKING:
    from medrestore.engine.plan import Plan
    from medrestore.results.result import Result


__all__ = [
    "NO_MEMORY_FOR_PICTURES",
    "as_sentence",
    "counted",
    "duration",
    "forecast",
    "opened_summary",
    "preview_summary",
    "sentence",
    "summary",
]


LOG = logging.getLogger(__name__)

NO_MEMORY_FOR_RUN = (
    "There is not enough memory for this run: close other programs, choose CPU under Device, or "
    "crop the scan."
)
NO_MEMORY_FOR_PICTURES = (
    "There is not enough memory for these pictures: close other programs, then try again."
)


def sentence(
    error: BaseException, subject: str = "The run", no_memory: str = NO_MEMORY_FOR_RUN
) -> str:
    """Return one sentence on what went wrong; what nobody foresaw also goes to the log."""
    if isinstance(error, Cancelled):
        return "Cancelled before the restored image was complete; nothing was added."
    if isinstance(error, MedrestoreError):
        return as_sentence(error)
    LOG.error("%s failed", subject.lower(), exc_info=error)
    if out_of_memory(error):
        return no_memory
    return (
        f"{subject} failed unexpectedly ({type(error).__name__}: {error}). Please report this; "
        "the details are in the terminal that started napari."
    )


def as_sentence(error: MedrestoreError) -> str:
    """An error's own words, with a full stop; a capital too unless they begin with a file name."""
    return _opened(str(error).rstrip(".")) + "."


def summary(result: Result, cancelled: bool) -> str:
    """Sentences on a run that is done or cancelled."""
    plan, planned = result.plan, result.plan.settings.samples
    if cancelled and result.drawn < planned:
        done = f"Cancelled: the layers rest on {result.drawn} of {planned} samples."
        if not result.drawn:
            done = "Cancelled before the first sample: the layers rest on one evaluation alone."
    else:
        done = f"Done: {counted(result.drawn)}, {plan.model} on {plan.device}."
    guards = result.guards
    fine = (guards.sentence(),) if guards is not None and not guards.warnings() else ()
    said = _sentences(*_grid(plan), *fine, *result.warnings)
    return f"{done} Noise removed: {noise(plan)}.{said}"


def opened_summary(result: Result) -> str:
    """Sentences on a saved run."""
    plan = result.plan
    return (
        f"{counted(result.drawn)}, {plan.model}. Noise removed: {noise(plan)}."
        f"{_sentences(*_grid(plan), *result.warnings)}"
    )


def preview_summary(result: Result, planned: Plan, shown: str) -> str:
    """Sentences on what a preview shows, and what the run would take.

    ``planned`` is the run's plan; ``shown`` the slice, such as "sagittal slice 12".
    """
    count = len(planned.chosen)
    what = "The whole scan" if planned.slices is None else f"The {count} slices chosen"
    what = "The slice chosen" if planned.slices is not None and count == 1 else what
    known = "; ".join([noise(planned), *noise_doubts(planned)])
    return (
        f"Preview of {shown}. Noise: {known.rstrip('.')}. {what}: "
        f"{forecast(planned)}.{_sentences(*_grid(planned), *result.warnings)}"
    )


def forecast(plan: Plan) -> str:
    """Time and memory that a run takes."""
    if plan.seconds is None or plan.memory_bytes is None:
        return "time and memory not known"
    return f"{duration(plan.seconds)}, {memory(plan.memory_bytes)} of memory"


def duration(seconds: float) -> str:
    """Rounded duration, in units that a person would choose."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


def noise(plan: Plan) -> str:
    """The noise that is removed, and how it is known."""
    return f"{noise_strength(plan)} ({plan.noise.source.partition(':')[0]})"


def _grid(plan: Plan) -> tuple[str, ...]:
    """The grid that the run works on, where that is not the one shown."""
    return () if plan.grid is None else (grid_in_words(plan),)


def _sentences(*texts: str) -> str:
    return "".join(f" {_opened(text)}." for text in texts)


def _opened(text: str) -> str:
    """With a capital, unless a name of a model or a file comes first."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def counted(samples: int) -> str:
    """A number of samples."""
    if not samples:
        return "one evaluation, no samples"
    return f"{samples} sample{'s' if samples > 1 else ''}"
