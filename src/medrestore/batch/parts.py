"""The articles of a batch's page, kept as they are made: a resumed batch shows all of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from medrestore.batch.lines import Lines
from medrestore.batch.page import Article

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NAME", "Parts"]

NAME = ".report_parts.jsonl"
"""Beside the page; hidden, because it is no result."""


class Parts:
    """Articles by the key of their scan.

    Parameters
    ----------
    out : Path
        Folder of the page.
    resume : bool
        Whether to go on with the articles that are there.
    """

    def __init__(self, out: Path, resume: bool) -> None:
        self._lines = Lines(out / NAME, ("key", "article"), resume)
        self._before = {line["key"]: line["article"] for line in self._lines.here}

    def before(self, key: str) -> Article | None:
        """The article of a scan that an earlier batch restored."""
        facts = self._before.get(key)
        return None if facts is None else Article(**facts)

    def add(self, key: str, article: Article) -> None:
        """Keep an article."""
        self._lines.add({"key": key, "article": asdict(article)})

    def close(self) -> None:
        """Keep the last article of each scan."""
        last = {line["key"]: line for line in self._lines.here}
        with self._lines:
            self._lines.replace(last.values())
