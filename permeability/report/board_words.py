"""The texts that the script of the board puts together, in the reader's language."""

from __future__ import annotations

from permeability.locale.language import Words

__all__ = ["board_words"]


def board_words(tr: Words) -> dict[str, str]:
    """Name of a text in the script -> the text, with its places such as ``{n}`` for the script to fill.

    Examples
    --------
    >>> from permeability.locale.language import words
    >>> board_words(words())["sections"]
    '{n} sections open'
    """
    return {
        "sections": tr("{n} sections open"),
        "one": tr("1 section open"),
        "none": tr("nothing open yet"),
        "opened": tr("{name} opened"),
        "closed": tr("{name} closed again"),
        "instead": tr("{name} opened instead of another treatment of the same place"),
        "cost": tr("{n} USD"),
        "of_budget": tr("of {n} USD"),
        "over": tr("over the budget by {n} USD"),
        "left": tr("{n} USD left"),
        "range": tr("{low} to {high}"),
        "exact": tr("exact"),
        "within": tr("exact to {n} %"),
        "one_only": tr("exact for one section"),
        "at_least": tr("at least {low}"),
        "at_most": tr("at most {n}"),
        "infinite": tr("infinite"),
        "per_million": tr("conductance for {name}: {n} per million USD"),
        "best_next": tr("Best next: {name}, adds {n}"),
        "no_next": tr("No further section within the budget adds anything."),
        "kept": tr("Kept as {name}"),
        "pair": tr("{a} and {b}"),
        "more": tr("worth more together"),
        "less": tr("stand in for each other"),
        "no_pairs": tr("No two of them change what the other is worth."),
        "not_said": tr(
            "A scenario has no words for these sections; they are left out of the file: {names}", names="{}"
        ),
        "scenario": tr("Set from the board"),
        "open": tr("Open {name}"),
        "drawn_on": tr("Drag along the line to open sections."),
        "a": tr("Set A"),
        "b": tr("Set B"),
        "now": tr("This set"),
    }
