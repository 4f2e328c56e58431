"""What a reader of a ranking must know: an index that no candidate moves, kinds that cannot be compared, what draws leave open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from permeability.barriers.crossing_costs import width_of
from permeability.barriers.scenario import Intervention
from permeability.core.texts import N_, Said, Worded

if TYPE_CHECKING:
    from permeability.impact.what_if import Evaluator
    from permeability.landscape.landscape import Landscape
    from permeability.ranking.candidate_sites import Candidate

__all__ = [
    "AHEAD",
    "ALIKE",
    "CROSSED",
    "MOVING",
    "NO_GAIN",
    "SHORT",
    "draw_notes",
    "mixed_kinds",
    "unmoved",
]

# texts of notes, by which whoever shows them knows them
CROSSED = N_("Barriers cross the patch {name}; it counts as parts of {areas} km2. Lines: {lines}")
NO_GAIN = N_("No candidate gains: the expected gain of each is zero or below, or its range lies at zero.")
ALIKE = N_("These sections cannot be told apart at the top: {names}.")
AHEAD = N_("Ahead of every other section in more than 90 % of the draws: {names}.")
MOVING = N_("The unknown numbers that move the ranking most: {names}.")
SHORT = N_(
    "Of {all} candidates, {n} are shorter than four cells ({km} km): which of two neighbours is better is not settled at this cell size."
)
MIXED = N_(
    "Gaps and structures count the animals that trace the barrier to them, removed and changed stretches count where they lie only: a stretch is understated beside a gap or structure."
)
HELD = N_(
    "No single section changes that {what}: {pair} hold it together, and only opening both would join them."
)
BETWEEN = N_("No single section changes that {what}: none lies between them.")
MORE = N_("{names} and {n} more")
BOTH = N_("{first} and {second}")
STUCK = {
    "pairs_apart": N_("pairs of patches stay apart"),
    "range_cut_off_km2": N_("range stays cut off"),
}


def draw_notes(table: pd.DataFrame, gaps: pd.DataFrame) -> list[str]:
    """Which of the best candidates cannot be told apart, and which unknown numbers move the ranking most.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`Ranking` with draws.
    gaps : DataFrame
        Its ``knowledge_gaps``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> sites = pd.DataFrame({"id": ["a", "b", "c"], "alike": [1, 1, 2], "has_gain": [True, True, False]})
    >>> draw_notes(sites, pd.DataFrame({"clear": [], "what": [], "share": []}))
    ['These sections cannot be told apart at the top: a, b.']
    """
    notes: list[str] = []
    if not table["has_gain"].any():
        notes.append(Worded(Said(NO_GAIN)))
    else:
        alike = table.loc[table["alike"] == 1, "id"].tolist()
        names: str | Said = ", ".join(alike[:12])
        if len(alike) > 12:
            names = Said(MORE, {"names": names, "n": len(alike) - 12})
        notes.append(Worded(Said(ALIKE if len(alike) > 1 else AHEAD, {"names": names})))
    moving = gaps[gaps["clear"]].head(3)
    if len(moving):
        named = ", ".join(f"{r.what} ({100 * r.share:.0f} %)" for r in moving.itertuples())
        notes.append(Worded(Said(MOVING, {"names": named})))
    return notes


def mixed_kinds(sites: Sequence[Candidate]) -> list[str]:
    """What a reader must know of a ranking of stretches and structures together."""
    kinds = {width_of(step) is not None for s in sites for step in s.interventions}
    if len(kinds) < 2:
        return []
    return [Worded(Said(MIXED))]


def unmoved(table: pd.DataFrame, engine: Evaluator, sites: Sequence[Candidate]) -> list[str]:
    """Why an index that could be better is moved by no candidate, and which pair of barriers holds it."""
    notes: list[str] = []
    for index, words in STUCK.items():
        if engine.today[index] > 0 and not (table[f"gain_{index}"] > 0).any():
            pair = holding_pair(engine, sites, index)
            facts: dict[str, object] = {"what": Said(words)}
            if pair is not None:
                facts["pair"] = Said(BOTH, {"first": pair[0], "second": pair[1]})
            notes.append(Worded(Said(BETWEEN if pair is None else HELD, facts)))
    return notes


def holding_pair(engine: Evaluator, sites: Sequence[Candidate], index: str) -> tuple[str, str] | None:
    """Two barriers that only together hold an index where it is, or None.

    First the fences of the candidates' own lines that the candidates leave standing, then other lines.
    """
    land = engine.land
    for line in dict.fromkeys(line for s in sites for line in s.lines):
        whole = (Intervention("remove", line),)
        if _better(engine, whole, index):
            touched = {c for s in sites for i in s.interventions for c in (i.components or ())}
            fences = {c.name for i in land.barriers.rows_of(line) for c in land.components[i] if c.is_fence}
            left = sorted(fences - touched)
            return (
                (f"{line} {', '.join(sorted(touched))}", f"{line} {', '.join(left)}")
                if touched and left
                else None
            )
        for other in impassable_lines(land):
            if other != line and _better(engine, (*whole, Intervention("drop", other)), index):
                return line, other
    return None


def _better(engine: Evaluator, interventions: Sequence[Intervention], index: str) -> bool:
    after = engine.pieces_after(interventions)
    return bool(after[index] < engine.today[index])


def impassable_lines(land: Landscape) -> list[str]:
    """Lines with at least one impassable cut today."""
    closed = np.isinf(land.cut_costs.cost_m) & land.standing[land.cuts.barrier]
    return list(dict.fromkeys(land.barriers.table["line"].iloc[np.unique(land.cuts.barrier[closed])]))
