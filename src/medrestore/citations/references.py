"""Works and programs that a run may rest on, as text for people and for BibTeX.

They are data, ``references.json`` (CSL-JSON), with the identifiers that ``docs/mathematics.md``
states; an entry holds only what is certain. A registry names entries by their key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["REFERENCES", "Reference", "bibtex", "in_one_line"]

KINDS = {"article-journal": "article", "paper-conference": "inproceedings"}
"""BibTeX types of CSL types; preprints and software are ``misc``."""
ARXIV = "arXiv:"
ESCAPED = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


@dataclass(frozen=True)
class Reference:
    """Something that can be cited; empty fields are not known for certain.

    Parameters
    ----------
    key : str
        Of its BibTeX entry.
    kind : str
        BibTeX type: ``"article"``, ``"inproceedings"`` or ``"misc"``.
    title : str
        Its title; of a program or model, its name.
    authors : tuple of str
        ``"Family, Given"``; ``"others"`` at the end stands for the rest.
    year : int, optional
        Of its publication.
    where : str
        Journal or conference.
    doi, arxiv, url : str
        Identifiers under which it is found.
    version : str
        Of a program.
    note : str
        Anything else to be known of it.
    """

    key: str
    kind: str
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    where: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""
    version: str = ""
    note: str = ""


def _reference(item: dict[str, Any]) -> Reference:
    """Reference of an item of CSL-JSON."""
    number = item.get("number", "")
    return Reference(
        key=item["id"],
        kind=KINDS.get(item["type"], "misc"),
        title=item["title"],
        authors=tuple(_name(author) for author in item.get("author", ())),
        year=item["issued"]["date-parts"][0][0] if "issued" in item else None,
        where=item.get("container-title", ""),
        doi=item.get("DOI", ""),
        arxiv=number.removeprefix(ARXIV) if number.startswith(ARXIV) else "",
        url=item.get("URL", ""),
    )


def _name(author: dict[str, str]) -> str:
    """Name of an author as BibTeX writes it; braces keep that of a group in one piece."""
    group = author.get("literal")
    if group is None:
        return f"{author['family']}, {author['given']}"
    return group if group == "others" else f"{{{group}}}"


REFERENCES = {
    item["id"]: _reference(item)
    for item in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
}
"""By key."""


def bibtex(reference: Reference) -> str:
    """One entry, UTF-8; titles keep their capitals. Fields that are not known are left out."""
    where = "booktitle" if reference.kind == "inproceedings" else "journal"
    fields = {
        "author": " and ".join(reference.authors),
        "title": f"{{{_plain(reference.title)}}}",
        where: _plain(reference.where),
        "year": str(reference.year or ""),
        "doi": reference.doi,
        "eprint": reference.arxiv,
        "archivePrefix": "arXiv" if reference.arxiv else "",
        "url": reference.url,
        "version": reference.version,
        "note": _plain(reference.note),
    }
    rows = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{reference.kind}{{{reference.key},", *rows, "}"])


def in_one_line(reference: Reference) -> str:
    """Authors, year, title, journal, identifier; parts that are not known are left out."""
    names = [name.strip("{}").partition(",")[0] for name in reference.authors]
    if len(names) > 2 or "others" in names:
        names = [names[0] + " et al."]
    who = " ".join(filter(None, (" & ".join(names), str(reference.year or ""))))
    parts = (
        who,
        " ".join(filter(None, (reference.title, reference.version))),
        reference.where,
        f"doi:{reference.doi}" if reference.doi else "",
        f"arXiv:{reference.arxiv}" if reference.arxiv else "",
        reference.url,
        reference.note,
    )
    return ". ".join(part for part in parts if part)


def _plain(text: str) -> str:
    return "".join(ESCAPED.get(letter, letter) for letter in text)
