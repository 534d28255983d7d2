"""Descriptions of settings: the one source of checks, command-line options, form and tables.

A dataclass describes a field by giving it ``setting(default, kind, help, …)``; `described` reads
all of them. A kind is the set of values that a setting takes. Nothing here needs torch or Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Choice",
    "Flag",
    "Kind",
    "Number",
    "Setting",
    "Text",
    "Whole",
    "described",
    "setting",
]

T = TypeVar("T")


class Kind(Protocol):
    """Values that a setting takes."""

    @property
    def parse(self) -> Callable[[str], Any]:
        """Conversion of a word of the command line."""

    @property
    def values(self) -> str:
        """The values in a few words, for tables and placeholders."""

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` if the value is none of them."""


@dataclass(frozen=True)
class Text:
    """Any text; what takes it checks it."""

    values: str
    parse: ClassVar[type] = str

    def check(self, name: str, value: Any) -> None:
        """Nothing to check."""


@dataclass(frozen=True)
class Choice:
    """One of a few words.

    Parameters
    ----------
    fixed : mapping of str to str
        Text of a form by value, in the order of the form.
    strict : bool
        False where others are taken too, such as ``cuda:1`` beside ``cuda``.
    registered : callable
        Gives further ones, those of a registry.
    """

    fixed: Mapping[str, str]
    strict: bool = True
    registered: Callable[[], Mapping[str, str]] = dict
    parse: ClassVar[type] = str

    @property
    def labels(self) -> dict[str, str]:
        """Text of a form by value, of the fixed ones and then of those registered."""
        return {**self.fixed, **self.registered()}

    @property
    def values(self) -> str:
        """``mean|sample|posterior-mean``."""
        return "|".join(self.labels)

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` for any other word."""
        if self.strict and value not in tuple(self.labels):
            raise SettingsError(f"{name} is one of {', '.join(self.labels)}, got {value!r}")


@dataclass(frozen=True)
class Whole:
    """A whole number.

    Parameters
    ----------
    low, high : int
        The first and the last.
    lowest : str
        Text of a form for the first, where that is no number of its own: "Automatic".
    """

    low: int
    high: int
    lowest: str = ""
    parse: ClassVar[type] = int

    @property
    def values(self) -> str:
        """``0…1000``."""
        return f"{self.low}…{self.high}"

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` if it is none or out of range."""
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise SettingsError(f"{name} is a whole number in {self.values}, got {value!r}")


@dataclass(frozen=True)
class Number:
    """A number in a range.

    Parameters
    ----------
    low, high : float
        The bounds.
    refusal : str
        The error's text, ``{value}`` for what was given.
    exclusive : bool
        True if the bounds themselves are out of range.
    percents : tuple of int, optional
        Lowest and highest of the whole percents that a form offers instead.
    """

    low: float
    high: float
    refusal: str
    exclusive: bool = False
    percents: tuple[int, int] | None = None
    parse: ClassVar[type] = float

    @property
    def values(self) -> str:
        """``0…100``, ``above 0``, or ``any``."""
        if math.isinf(self.low):
            return "any"
        if math.isinf(self.high):
            return f"{'above' if self.exclusive else 'from'} {self.low:g}"
        return f"{self.low:g}…{self.high:g}"

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` if it is none or out of range."""
        try:
            inside = self.low <= value <= self.high
            inside &= not (self.exclusive and value in (self.low, self.high))
        except TypeError:
            inside = False
        if not inside:
            raise SettingsError(f"{name} {self.refusal.format(value=value)}")


@dataclass(frozen=True)
class Flag:
    """On or off."""

    values: str = "on|off"
    parse: ClassVar[type] = bool

    def check(self, name: str, value: Any) -> None:
        """Nothing to check."""


@dataclass(frozen=True)
class Setting:
    """Description of one setting.

    Parameters
    ----------
    default : object
        What holds where nothing is given; None has a meaning of its own and is never checked.
    kind : Kind
        Values that it takes.
    help : str
        One sentence for the command line, its default included.
    details : str
        Sentences that follow it in Python and in the documentation.
    metavar : str
        Placeholder of the command line; the kind's values if empty.
    label, tip : str
        Its row in a form, with the tool tip, which is the help if empty; without a label it is not
        shown there.
    of_samples : bool
        True if without samples only the default makes sense.
    alters_voxels : bool
        False if it changes how a run goes and not what comes out.
    """

    default: Any
    kind: Kind
    help: str
    details: str = ""
    metavar: str = ""
    label: str = ""
    tip: str = ""
    of_samples: bool = False
    alters_voxels: bool = True

    @property
    def text(self) -> str:
        """Help and details as sentences."""
        return f"{self.help[0].upper()}{self.help[1:]}. {self.details}".strip()

    def check(self, name: str, value: Any) -> None:
        """Raise `SettingsError` if the value is none that it takes."""
        if value is not None or self.default is not None:
            self.kind.check(name, value)


def setting(default: T, kind: Kind, help: str, **more: Any) -> T:  # noqa: A002 as in argparse
    """A field of a dataclass with its description; ``more`` as in `Setting`."""
    described_as = Setting(default, kind, help, **more)
    return field(default=default, metadata={"setting": described_as})


def described(cls: type) -> dict[str, Setting]:
    """Descriptions by name of all fields of a dataclass, in their order."""
    return {one.name: one.metadata["setting"] for one in fields(cls)}
