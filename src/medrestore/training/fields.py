"""Names in a training config: of an unknown one it is said what was meant, or what there is."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import ClassVar, Protocol

    class Dataclass(Protocol):
        """Any of them."""

        __dataclass_fields__: ClassVar[dict[str, Any]]


Made = TypeVar("Made", bound="Dataclass")


class Kind(NamedTuple):
    """What a value is to be, in words and as a check."""

    called: str
    fits: Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rising(value: Any) -> bool:
    return len(value) == 2 and all(map(_number, value)) and 0 <= value[0] <= value[1]


KINDS = {
    "str": Kind("text", lambda value: isinstance(value, str)),
    "bool": Kind("true or false", lambda value: isinstance(value, bool)),
    "int": Kind("a whole number", lambda value: _number(value) and float(value).is_integer()),
    "float": Kind("a number", _number),
    "tuple[float, float]": Kind("two numbers from 0 on, the lower first", _rising),
    "dict[str, float]": Kind(
        "numbers by name",
        lambda value: isinstance(value, dict) and all(map(_number, value.values())),
    ),
    "dict[str, Any]": Kind("names and values", lambda value: isinstance(value, dict)),
}
"""By a field's type, as it is written."""

__all__ = ["arguments_of", "check_names", "made"]


def made(cls: type[Made], facts: Any, where: str) -> Made:
    """An instance of a dataclass from what a config says of it.

    Parameters
    ----------
    cls : type
        The dataclass.
    facts : dict
        Values by name.
    where : str
        The place in the config; empty for the config itself.

    Raises
    ------
    SettingsError
        If a name is unknown, or one without a default is missing.
    """
    if not isinstance(facts, dict):
        raise SettingsError(f"{where or 'the config'} holds names and values, got {facts!r}")
    check_names(facts, [one.name for one in fields(cls)], where)
    needed = [
        one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in facts]
    if missing:
        raise SettingsError(f"{_place(where, missing[0])} is missing")
    for one in fields(cls):
        kind = KINDS.get(str(one.type))
        if kind is not None and one.name in facts and not kind.fits(facts[one.name]):
            raise SettingsError(
                f"{_place(where, one.name)} is {kind.called}, got {facts[one.name]!r}"
            )
    return cls(**facts)


def check_names(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raise `SettingsError` for the first name that is not known."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise SettingsError(f"{_place(where, name)} is unknown; {hint}")


def arguments_of(function: Callable[..., Any], without: Collection[str] = ()) -> list[str]:
    """Names that a function or class takes."""
    return [name for name in inspect.signature(function).parameters if name not in without]


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
