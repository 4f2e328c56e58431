"""Which set of sites for the money: several searches side by side, a proven bound, and the plans that are nearly as good.

The gain of a set is asked from a callable, ``value(members)``; nothing is assumed about it but that more
sites never hurt (``monotone``).  Gains of openings are neither sub- nor supermodular: two fences in series are
worth little one by one and all together, two gaps in one fence the other way round.  So plain score-and-rank and
greedy are shown beside searches that can do better, and every answer comes with a bound where one exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from permeability.core.errors import OptionError
from permeability.planning.searches import (
    MANY,
    exhaustive,
    find_bundles,
    greedy,
    random_start,
    reverse_greedy,
    score_and_rank,
    swaps_of,
)
from permeability.planning.set_gains import Objective, SetGains, Value, remembered
from permeability.planning.set_rules import SLACK, Bound, Members, Rules

__all__ = ["Portfolio", "choose"]

EXHAUSTIVE = 18  # candidates up to which every set is looked at


@dataclass(frozen=True)
class Portfolio:
    """The chosen sites and how they were found.

    Attributes
    ----------
    members : tuple of int
    gain, cost : float
    methods : DataFrame
        One row per search: ``method``, ``gain``, ``cost``, ``sites``, ``share_of_best``.
    bound : float
        No plan within the rules gains more; ``inf`` without a bound.
    gap : float
        ``(bound - gain) / bound``, never negative; 0 = proven best; NaN without a bound.
    near_best : DataFrame
        Other plans of nearly the same gain: ``gain``, ``cost``, ``sites``, ``share_of_best``, ``in_common``.
    evaluations : int
        Sets whose exact value was computed.
    bound_cut_off : bool
        The search for a tighter bound stopped at its limit of branches; ``bound`` holds all the same.

    Examples
    --------
    >>> plan = choose(lambda s: float(len(s)), [1, 1, 5], budget=2)
    >>> plan.members, plan.gain, plan.cost
    ((0, 1), 2.0, 2.0)
    """

    members: Members
    gain: float
    cost: float
    methods: pd.DataFrame
    bound: float
    gap: float
    near_best: pd.DataFrame = field(repr=False)
    evaluations: int = 0
    bound_cut_off: bool = False


def choose(
    value: SetGains | Value,
    cost: ArrayLike,
    budget: float,
    *,
    must: Iterable[int] = (),
    must_not: Iterable[int] = (),
    apart: Iterable[tuple[int, int]] = (),
    stretches: Iterable[Iterable[int]] = (),
    bundles: Iterable[Iterable[int]] | None = None,
    monotone: bool = True,
    bound: Callable[[Rules], Bound] | None = None,
    searches: Mapping[str, Callable[[Rules], Members]] | None = None,
    starts: int = 6,
    swaps: bool = True,
    near: float = 0.05,
    rng: int | np.random.Generator = 1,
) -> Portfolio:
    """The best set of candidates under a budget, by every search at hand.

    Parameters
    ----------
    value : callable
        ``value(members) -> gain`` of a sorted tuple of candidate numbers, with ``value(()) == 0``; a method
        ``with_each(built, which)`` with the gains of ``built`` and one more is used where it exists.
    cost : array, shape (K,)
        Cost of every candidate [money].
    budget : float
        Most to spend [money].
    must, must_not, apart, stretches
        See :class:`Rules`.
    bundles : iterable of groups, optional
        Candidates that are worth more together and are taken as one step; default: :func:`find_bundles`.
    monotone : bool
        More sites never lower the value (true for openings); sets that could still grow are then skipped.
    bound : callable, optional
        ``bound(rules) -> (value, cut_off)``: an upper bound of the value of any plan, and whether the search for a
        tighter one was cut off, such as :func:`relaxed_bound`.
    searches : mapping, optional
        Further searches by name, ``search(rules) -> members``, such as an integer program.
    starts : int
        Randomised greedy starts, each followed by swaps.
    swaps : bool
        Whether sites are exchanged at all; without it the answer comes from the greedy searches.
    near : float
        Plans within this share of the best gain are listed.
    rng : int or Generator

    Returns
    -------
    Portfolio

    Notes
    -----
    Of more than 300 candidates greedy looks at all of them every ten steps and at the best 200 of the last look between; swaps
    start from the best plan only, of whose sites the eight with the least gain of their own are exchanged.  The bound
    does not hang on any of this.

    Raises
    ------
    OptionError
        When no plan obeys the rules (O44), or the rules contradict each other (O41 to O43).

    Examples
    --------
    Two fences in series, worth nothing alone (0, 1), and one plain site (2); greedy takes the plain site:

    >>> def value(s):
    ...     return (10.0 if {0, 1} <= set(s) else 0.0) + (1.0 if 2 in s else 0.0)
    >>> plan = choose(value, [1, 1, 1], budget=2)
    >>> plan.members, plan.gain, plan.gap
    ((0, 1), 10.0, 0.0)
    >>> plan.methods.set_index("method").loc["greedy", "gain"].item()
    1.0
    """
    rules = Rules(
        np.asarray(cost, dtype=np.float64), float(budget), tuple(must), tuple(must_not), tuple(apart),
        tuple(tuple(s) for s in stretches),
    )  # fmt: skip
    ask, generator = remembered(value), np.random.default_rng(rng)
    begun_with = len(ask.known)
    groups = find_bundles(ask, rules) if bundles is None else [tuple(sorted(b)) for b in bundles]
    plans: dict[str, Members | None] = {
        "score and rank": score_and_rank(ask, rules),
        "greedy": greedy(ask, rules),
        "greedy with bundles": greedy(ask, rules, groups),
        "reverse greedy": reverse_greedy(ask, rules),
    }
    plans |= {name: tuple(sorted(search(rules))) for name, search in (searches or {}).items()}
    if swaps:
        begun = [p for p in plans.values() if p is not None and rules.allows(p)]
        if len(rules.cost) > MANY:  # each start would take as long as the whole search before it
            begun = [max(begun, key=ask)] if begun else []
        else:
            begun += [
                p for p in (random_start(ask, rules, generator) for _ in range(starts)) if p is not None
            ]
        improved = [swaps_of(ask, rules, p, groups) for p in dict.fromkeys(begun)]
        plans["swaps from all starts"] = max(improved, key=ask, default=None)
    free = [k for k in range(len(rules.cost)) if k not in rules.must and k not in rules.must_not]
    proven = len(free) <= EXHAUSTIVE
    if proven:
        plans["exhaustive"] = exhaustive(ask, rules, free, monotone)
    found = {name: p for name, p in plans.items() if p is not None and rules.allows(p)}
    if not found:
        raise OptionError(
            "O44",
            "no set of candidates obeys the budget and the rules.",
            details={
                "budget": f"{rules.budget:,.0f}",
                "cheapest candidate": f"{rules.cost.min(initial=np.inf):,.0f}",
            },
            remedy="raise the budget or relax the rules",
        )
    best = max(found.values(), key=lambda p: (ask(p), -rules.spent(p)))
    gain = ask(best)
    limit, cut_off = (gain, False) if proven else _limit(ask, rules, free, monotone, bound, gain)
    methods = pd.DataFrame([_row(name, p, ask, rules, gain) for name, p in found.items()])
    gap = float("nan") if np.isinf(limit) else max(0.0, (limit - gain) / limit if limit > 0 else 0.0)
    others = _near_best(ask, rules, best, near)
    return Portfolio(
        best, gain, rules.spent(best), methods, limit, gap, others, len(ask.known) - begun_with, cut_off
    )


def _limit(
    ask: Objective,
    rules: Rules,
    free: list[int],
    monotone: bool,
    bound: Callable[[Rules], Bound] | None,
    gain: float,
) -> tuple[float, bool]:
    """The tightest bound at hand, never below the gain that was found; whether the search for it was cut off."""
    limits, cut_off = [float("inf")], False
    if monotone:
        limits.append(ask((*rules.must, *free)))
    if bound is not None:
        value, cut_off = bound(rules)
        limits.append(value)
    return max(gain, min(limits)), cut_off


def _row(name: str, plan: Members, ask: Objective, rules: Rules, best: float) -> dict[str, Any]:
    gain = ask(plan)
    share = gain / best if best > 0 else float("nan")
    return {"method": name, "gain": gain, "cost": rules.spent(plan), "sites": plan, "share_of_best": share}


def _near_best(ask: Objective, rules: Rules, best: Members, near: float, most: int = 5) -> pd.DataFrame:
    """Other plans that were looked at, nearly as good and not just parts of each other."""
    top, values = ask(best), ask.known_values()
    order = np.argsort(-values, kind="stable")
    affordable = ask.known.spent(rules.cost) <= rules.budget * (1 + 2 * SLACK)  # most that gain more are not
    order = order[(values[order] >= (1 - near) * top) & affordable[order]]
    shown: list[Members] = [best]
    for _, alike in groupby(order, key=lambda i: values[i]):
        for plan in sorted(ask.known.members(int(i)) for i in alike):
            if plan != best and rules.allows(plan) and not any(set(plan) <= set(s) for s in shown):
                shown.append(plan)
                if len(shown) > most:
                    break
        if len(shown) > most:
            break
    rows = [{**_row("", p, ask, rules, top), "in_common": len(set(p) & set(best))} for p in shown[1:]]
    columns = ["gain", "cost", "sites", "share_of_best", "in_common"]
    return pd.DataFrame(rows, columns=columns)
