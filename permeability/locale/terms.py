"""The terms of the users' documents, and the texts of a catalogue that do not keep to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from permeability.core.toml_files import read_toml

__all__ = ["Term", "off_terms", "terms"]

KEYS: Final = ("mn", "ru")


@dataclass(frozen=True)
class Term:
    """One row of ``data/terms.toml``.

    Attributes
    ----------
    english : str
        Pattern of the English texts it is about.
    unless : tuple of str
        Patterns of English texts it is not about.
    stems : dict of str to tuple of str
        Language -> patterns of which a translation must hold one.
    never : dict of str to tuple of str
        Language -> patterns that no text of the catalogue may hold.
    source : str
        Where the term comes from.
    """

    english: str
    unless: tuple[str, ...]
    stems: dict[str, tuple[str, ...]]
    never: dict[str, tuple[str, ...]]
    source: str

    def is_about(self, english: str) -> bool:
        """Whether an English text holds the term."""
        return bool(re.search(self.english, english, re.IGNORECASE)) and not any(
            re.search(p, english, re.IGNORECASE) for p in self.unless
        )


@cache
def terms() -> tuple[Term, ...]:
    """Every term, in the order of the file.

    Examples
    --------
    >>> next(t.stems["mn"] for t in terms() if t.is_about("a stock fence"))
    ('хайс', 'хашлаг')
    """
    found = read_toml(files("permeability") / "data" / "terms.toml")
    return tuple(
        Term(
            row["en"],
            tuple(row.get("but", ())),
            {k: tuple(row[k]) for k in KEYS},
            {k: tuple(row.get(f"never_{k}", ())) for k in KEYS},
            found["sources"][row["source"]],
        )
        for row in found["term"]
    )


def off_terms(language: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What is said otherwise than in the users' documents.

    Parameters
    ----------
    language : {"mn", "ru"}
    entries : iterable of (str, str)
        English text and its translation.

    Yields
    ------
    str
        The fault, with both texts.

    Examples
    --------
    >>> list(off_terms("mn", [("A fence", "Хайс")]))
    []
    >>> len(list(off_terms("mn", [("A fence", "Хашаа")])))  # not the word, and one that must not stand
    2
    """
    for english, text in entries:
        for term in terms():
            stems = term.stems[language]
            if term.is_about(english) and not any(re.search(s, text, re.IGNORECASE) for s in stems):
                yield f"{' or '.join(stems)} expected: {english!r} -> {text!r}"
            for pattern in term.never[language]:
                if re.search(pattern, text):
                    yield f"never {pattern}: {english!r} -> {text!r}"
