"""Whether animals use an opening: the chance of crossing what stands there after the treatment."""

from __future__ import annotations

import math
from collections.abc import Sequence

from permeability.barriers.scenario import Intervention
from permeability.landscape.landscape import Landscape

LEVELS = ("low", "best", "high")


def opening_use(land: Landscape, steps: Sequence[Intervention]) -> tuple[float, float, float]:
    """Chance that an animal which meets an opening crosses all that is left there: low, best, high.

    Parameters
    ----------
    land : Landscape
    steps : sequence of Intervention
        What a candidate does; of several rows or lines the one that is hardest to cross counts.

    Returns
    -------
    tuple[float, float, float]
        0..1 each; components of one barrier are crossed one after another, so their chances multiply.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.candidates(land, "F", length_m=2000)
    >>> opening_use(land, sites[0].interventions)  # a fence and nothing else: gone when it is taken down
    (1.0, 1.0, 1.0)
    """
    found = []
    for row in dict.fromkeys(
        int(i) for s in steps for i in land.barriers.rows_of(s.line) if land.standing[i]
    ):
        low, high = land.barriers.chainages[row].km_range
        mine = [
            s for s in steps if row in land.barriers.rows_of(s.line) and s.km_from <= high and s.km_to >= low
        ]
        if mine:
            found.append(tuple(_crossed(land, row, mine, level) for level in LEVELS))
    if not found:
        return (1.0, 1.0, 1.0)
    return min(f[0] for f in found), min(f[1] for f in found), min(f[2] for f in found)


def _crossed(land: Landscape, row: int, steps: Sequence[Intervention], level: str) -> float:
    """Chance of crossing one barrier row after some steps, all chances at one level."""
    parts = land.components[row]
    chance = {i: float(getattr(c.chance, level)) for i, c in enumerate(parts)}
    for step in steps:
        if step.action == "drop":
            return 1.0
        if step.action == "remove":
            names = step.components
            chance |= {i: 1.0 for i, c in enumerate(parts) if (c.name in names if names else c.is_fence)}
            continue
        for i, (new, _) in land.cost_model.treated(row, step).items():
            if i == -1:  # the whole barrier
                before = math.prod(chance.values())
                chance = dict.fromkeys(chance, 1.0)
                chance[i] = max(float(getattr(new, level)), before if step.treatment is not None else 0.0)
                continue
            value = float(getattr(new, level))
            # a treatment of the catalogue never makes a barrier harder to cross
            chance[i] = value if step.treatment is None else max(chance[i], value)
    return math.prod(chance.values())
