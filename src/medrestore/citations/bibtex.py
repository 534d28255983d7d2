"""References as text for people and for BibTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medrestore.citations.references import Reference

__all__ = ["bibtex", "in_one_line"]

ESCAPED = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


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
    """Authors, year, title, journal, identifier; what is not known is left out."""
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
