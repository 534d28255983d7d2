"""What the dock shows, and what the controller may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.plugin.study.pictures import Pictures

__all__ = ["Actions", "Page", "View"]


class Page(Enum):
    """What the dock shows."""

    START = "start"
    QUESTION = "question"
    SUMMARY = "summary"


@dataclass(frozen=True)
class View:
    """What the widget shows.

    Parameters
    ----------
    page : Page
    status : str
        A sentence; ``problem`` marks one that asks for something.
    busy : bool
        Something is being loaded or written: nothing can be answered.
    stuck : bool
        The pictures cannot be shown: try again, or skip them.
    question, choices, anchors
        The question; what may be answered, in the order of the buttons; what 1 and 5 mean.
    chosen : str
        The answer picked and not yet confirmed.
    place, total : int
        Number of this question, and of all.
    summary : tuple of str
        Sentences of the last page.
    """

    page: Page = Page.START
    status: str = ""
    problem: bool = False
    busy: bool = False
    stuck: bool = False
    question: str = ""
    choices: tuple[str, ...] = ()
    anchors: tuple[str, str] = ("", "")
    chosen: str = ""
    place: int = 0
    total: int = 0
    summary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Actions:
    """What the controller asks of the widget.

    Parameters
    ----------
    work : callable
        Run the first argument in another thread; hand what it returns to the second, or what it
        raises to the third, in the thread that draws.
    display : callable
        Show pictures in the viewer.
    clear : callable
        Put the viewer back as it was.
    show : callable
        Show a view.
    """

    work: Callable[
        [Callable[[], Any], Callable[[Any], object], Callable[[Exception], object]], object
    ]
    display: Callable[[Pictures], object]
    clear: Callable[[], object]
    show: Callable[[View], object]
