"""Notes of a ranking in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from permeability.locale.language import N_, Words

__all__ = ["note_in"]

STUCK: Final[Mapping[str, str]] = {
    "pairs of patches stay apart": N_("pairs of patches stay apart"),
    "range stays cut off": N_("range stays cut off"),
}
NOTES: Final[tuple[tuple[str, str], ...]] = (  # form of a note, and the text of the catalogues that says it
    (
        r"Barriers cross the patch (?P<name>.*); it counts as parts of (?P<areas>.*) km2\. Lines: (?P<lines>.*)",
        N_("Barriers cross the patch {name}; it counts as parts of {areas} km2. Lines: {lines}"),
    ),
    (
        r"No single candidate changes that (?P<what>.*?): (?P<pair>.*) hold it together: only opening both would join them\.",
        N_(
            "No single section changes that {what}: {pair} hold it together, and only opening both would join them."
        ),
    ),
    (
        r"No single candidate changes that (?P<what>.*?): no single candidate lies between them\.",
        N_("No single section changes that {what}: none lies between them."),
    ),
    (
        r"These sections cannot be told apart at the top: (?P<names>.*)\.",
        N_("These sections cannot be told apart at the top: {names}."),
    ),
    (
        r"Ahead of every other section in more than 90 % of the draws: (?P<names>.*)\.",
        N_("Ahead of every other section in more than 90 % of the draws: {names}."),
    ),
    (
        r"The unknown numbers that move the ranking most: (?P<names>.*)\.",
        N_("The unknown numbers that move the ranking most: {names}."),
    ),
    (
        r"No candidate gains: the expected gain of each is zero or below, or its range lies at zero\.",
        N_("No candidate gains: the expected gain of each is zero or below, or its range lies at zero."),
    ),
    (
        r"(?P<n>\d+) of (?P<all>\d+) candidates are shorter than four cells \((?P<km>[\d.]+) km\): which of two neighbours is better .*",
        N_(
            "Of {all} candidates, {n} are shorter than four cells ({km} km): which of two neighbours is better is not settled at this cell size."
        ),
    ),
    (
        r"Gaps and structures count the animals that trace the barrier to them.*",
        N_(
            "Gaps and structures count the animals that trace the barrier to them, removed and changed stretches count where they lie only: a stretch is understated beside a gap or structure."
        ),
    ),
)


def note_in(note: str, tr: Words) -> str:
    """A note in the reader's language; one whose form is not known here stays as it is.

    Parameters
    ----------
    note : str
        Of a :class:`permeability.ranking.ranking.Ranking`.
    tr : Words

    Returns
    -------
    str

    Examples
    --------
    >>> from permeability.locale.language import words
    >>> note_in("These sections cannot be told apart at the top: a, b.", words("ru"))
    'Неразличимые отрезки во главе: a, b.'
    """
    for form, text in NOTES:
        found = re.fullmatch(form, note)
        if found:
            said = {k: tr(STUCK[v]) if v in STUCK else v for k, v in found.groupdict().items()}
            return tr(text, **said) if said else tr(text)
    return note
