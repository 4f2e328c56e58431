"""Whether animals use an opening: the chance of crossing what stands there after the treatment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import Values, level_values
from permeability.barriers.cut_costs import signature
from permeability.barriers.drawn_values import DrawnValues
from permeability.barriers.scenario import Intervention
from permeability.core.estimate import Derived, Estimate
from permeability.landscape.landscape import Landscape

Chance = Callable[[], float]

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
    low, best, high = (_used(land, steps, level_values(level), np.asarray(land.standing)) for level in LEVELS)
    return low, best, high


def use_in_draws(
    land: Landscape, sets: Sequence[Sequence[Intervention]], quantiles: pd.DataFrame
) -> NDArray[np.float64]:
    """:func:`opening_use` of candidates in every draw of the unknown numbers.

    Parameters
    ----------
    land : Landscape
    sets : sequence of sequences of Intervention
        What each candidate does.
    quantiles : DataFrame
        One row per draw, as in :class:`permeability.ranking.ranked_draws.RankDraws`.

    Returns
    -------
    array, shape (draws, candidates)
        0..1.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.candidates(land, "F", length_m=2000)
    >>> use_in_draws(land, [sites[0].interventions], pd.DataFrame({"trace_length": [0.2, 0.9]})).tolist()
    [[1.0], [1.0]]
    """
    alike: dict[tuple[object, ...], list[int]] = {}
    for k, steps in enumerate(sets):
        met = tuple((row, tuple(map(signature, mine))) for row, mine in _met(land, steps, land.chance_of > 0))
        alike.setdefault(met, []).append(k)
    found = np.empty((len(quantiles), len(sets)))
    anywhere = np.ones(len(land.standing), bool)
    groups = [(list(_met(land, sets[k[0]], anywhere)), k) for k in alike.values()]
    draws = DrawnValues(list(quantiles.columns), quantiles.to_numpy(np.float64))
    for d in range(len(quantiles)):
        there = land.drawn(draws.draw(d))
        values, stands = level_values(there.level), there.standing.tolist()
        for rows, columns in groups:
            found[d, columns] = _hardest(there, (m for m in rows if stands[m[0]]), values)
    return found


def use_numbers(land: Landscape, steps: Sequence[Intervention]) -> list[str]:
    """Keys of the numbers that :func:`opening_use` of a candidate hangs on.

    Parameters
    ----------
    land : Landscape
    steps : sequence of Intervention

    Returns
    -------
    list of str
        Those that change it by themselves, all others at their best.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> use_numbers(land, [pm.Intervention("treat", "F", 2, 4, chance=pm.Estimate(0.2, 0.5, 0.6))])
    ['treatment.chance']
    """
    seen: dict[str, None] = {}

    def note(estimate: Estimate, key: str) -> float:
        parts = estimate.inputs if isinstance(estimate, Derived) else ((key, estimate),)
        seen.update({name: None for name, e in parts if e.low < e.high})
        return estimate.best

    there = land.chance_of > 0
    _used(land, steps, note, there)
    return [
        key
        for key in seen
        if len({_used(land, steps, level_values({key: u}), there) for u in (0.0, 0.5, 1.0)}) > 1
    ]


def _met(
    land: Landscape, steps: Sequence[Intervention], standing: NDArray[np.bool_]
) -> Iterator[tuple[int, list[Intervention]]]:
    """Rows that stand in some steps' stretch, and the steps that are about each."""
    for row in dict.fromkeys(int(i) for s in steps for i in land.barriers.rows_of(s.line) if standing[i]):
        low, high = land.barriers.chainages[row].km_range
        mine = [
            s for s in steps if row in land.barriers.rows_of(s.line) and s.km_from <= high and s.km_to >= low
        ]
        if mine:
            yield row, mine


def _used(
    land: Landscape, steps: Sequence[Intervention], values: Values, standing: NDArray[np.bool_]
) -> float:
    return _hardest(land, _met(land, steps, standing), values)


def _hardest(land: Landscape, met: Iterable[tuple[int, list[Intervention]]], values: Values) -> float:
    return min((_crossed(land, row, mine, values) for row, mine in met), default=1.0)


def _crossed(land: Landscape, row: int, steps: Sequence[Intervention], values: Values) -> float:
    """Chance of crossing one barrier row after some steps; a number is picked only where it counts in the end."""
    parts = land.components[row]
    chance: dict[int, Chance] = {i: partial(values, c.chance, c.key) for i, c in enumerate(parts)}
    for step in steps:
        if step.action == "drop":
            return 1.0
        if step.action == "remove":
            names = step.components
            chance |= dict.fromkeys(
                (i for i, c in enumerate(parts) if (c.name in names if names else c.is_fence)), _open
            )
            continue
        for i, (new, key) in land.cost_model.treated(row, step).items():
            given = partial(values, new, key)
            if i == -1:  # the whole barrier
                before = partial(_product, tuple(chance.values())) if step.treatment is not None else _shut
                chance = dict.fromkeys(chance, _open)
                chance[i] = partial(_larger, given, before)
                continue
            # a treatment of the catalogue never makes a barrier harder to cross
            chance[i] = given if step.treatment is None else partial(_larger, chance[i], given)
    return _product(tuple(chance.values()))


def _open() -> float:
    return 1.0


def _shut() -> float:
    return 0.0


def _larger(a: Chance, b: Chance) -> float:
    return max(a(), b())


def _product(chances: tuple[Chance, ...]) -> float:
    return math.prod(float(c()) for c in chances)
