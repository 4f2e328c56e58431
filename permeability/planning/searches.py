"""Searches for a good plan: score and rank, greedy with and without bundles, reverse greedy, swaps, every set there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from permeability.planning.set_gains import Objective, SetGains, Value, remembered
from permeability.planning.set_rules import SLACK, Members, Rules

__all__ = ["find_bundles"]

Floats = NDArray[np.float64]
MANY = 300  # candidates beyond which not every step looks at all of them
LOOKED_AT = 200  # the best of the last full look, in the steps between
LOOK_EVERY = 10  # steps from one full look to the next
SWAPPED = (
    8  # sites of a plan that are exchanged when there are many candidates: those with the least of their own
)
MANY_ROUNDS = 3


def _price(rules: Rules, members: Members) -> float:
    """Cost that can be divided by; free sites come first."""
    return rules.prices[members[0]] if len(members) == 1 else max(rules.spent(members), rules.least_price)


def score_and_rank(ask: Objective, rules: Rules) -> Members | None:
    """What is usually done: sites by their own gain per cost until the money is spent."""
    built = rules.must
    free = rules.can_add(built)
    scores = ask.with_each(built, free) - ask(built)
    order = np.argsort([-s / rules.prices[k] for k, s in zip(free, scores)], kind="stable")
    for k in (free[i] for i in order):
        if rules.allows((*built, k), complete=False):
            built = (*built, k)
    return tuple(sorted(built))


def greedy(
    ask: Objective,
    rules: Rules,
    bundles: Sequence[Members] = (),
    pick: Callable[[Floats], int] = lambda scores: int(np.argmax(scores)),
    built: Members | None = None,
) -> Members | None:
    """The largest joint gain per cost next; bundles count as one step.

    Of more than ``MANY`` candidates the steps between two full looks score the best ones of the last look only.
    """
    built = rules.must if built is None else built
    looked: list[int] = []
    step = -1
    while True:
        step += 1
        open_to = rules.can_add(built)
        whole = len(open_to) <= MANY or step % LOOK_EVERY == 0 or bool(rules.stretches)
        if not whole:
            may = set(open_to)
            open_to = [k for k in looked if k in may][:LOOKED_AT] or open_to
        steps: list[Members] = [(k,) for k in open_to]
        singles = len(steps)
        for group in bundles:
            new = tuple(k for k in group if k not in built)
            if len(new) > 1 and rules.allows((*built, *new), complete=False):
                steps.append(new)
        if not steps:
            return tuple(sorted(built))
        now = ask(built)
        gains = list(ask.with_each(built, [s[0] for s in steps[:singles]]))
        gains += [ask((*built, *s)) for s in steps[singles:]]
        scores = np.array([(g - now) / _price(rules, s) for g, s in zip(gains, steps)])
        if whole:
            looked = [open_to[i] for i in np.argsort(-scores[:singles], kind="stable")]
        best = pick(scores)
        needed = [s for s in rules.stretches if not set(s) & set(built)]
        if not scores[best] > 0:
            if not whole:
                step = -1  # nothing left among the best of the last look: look at all
                continue
            if not needed:
                return tuple(sorted(built))
            filling = [i for i, s in enumerate(steps) if set(s) & set(needed[0])]
            if not filling:
                return None
            best = max(filling, key=lambda i: scores[i])
        built = (*built, *steps[best])


def reverse_greedy(ask: Objective, rules: Rules, most: int = 60) -> Members | None:
    """From everything down: drop what is missed least per cost until the rules hold."""
    free = [k for k in range(len(rules.cost)) if k not in rules.must_not and k not in rules.must]
    if len(free) > most:
        return None
    built = list(rules.must) + free
    while not rules.allows(built):
        drop = [k for k in built if k not in rules.must and _may_drop(rules, built, k)]
        if not drop:
            return None
        now = ask(built)
        loss = [(now - left) / rules.prices[k] for k, left in zip(drop, ask.without_each(built, drop))]
        built.remove(drop[int(np.argmin(loss))])
    return greedy(ask, rules, built=tuple(built))


def _may_drop(rules: Rules, built: Sequence[int], k: int) -> bool:
    return all(any(j in built and j != k for j in s) for s in rules.stretches if k in s)


def random_start(ask: Objective, rules: Rules, generator: np.random.Generator) -> Members | None:
    """Greedy that takes one of the three best steps by chance."""

    def pick(scores: Floats) -> int:
        top = np.argsort(-scores, kind="stable")[:3]
        return int(generator.choice(top))

    plan = greedy(ask, rules, pick=pick)
    return plan if plan is not None and rules.allows(plan) else None


def swaps_of(
    ask: Objective, rules: Rules, plan: Members, bundles: Sequence[Members], rounds: int = 30
) -> Members:
    """Exchange one or two sites for others (or a bundle) while that helps; then fill up.

    Of more than ``MANY`` candidates the sites with the least gain of their own per cost are exchanged, for those with the most.
    """
    many = len(rules.cost) > MANY
    order = _by_own_gain(ask, rules) if many else []
    for _ in range(MANY_ROUNDS if many else rounds):
        best, now = plan, ask(plan)
        removable = [k for k in plan if k not in rules.must]
        if many:
            removable = [k for k in order[::-1] if k in removable][:SWAPPED]
        removals = [(k,) for k in removable] + list(combinations(removable, 2)) * (len(removable) <= 6)
        for out in removals:
            rest = tuple(k for k in plan if k not in out)
            options = rules.can_add(rest)
            if many:
                may = set(options)
                options = [k for k in order if k in may][:LOOKED_AT]
            gains = ask.with_each(rest, options) if options else np.zeros(0)
            for k, gain in zip(options, gains):
                if gain > now * (1 + SLACK) and rules.allows((*rest, k)):
                    best, now = tuple(sorted((*rest, k))), float(gain)
            for group in bundles:
                joined = tuple(sorted({*rest, *group}))
                if rules.allows(joined) and ask(joined) > now * (1 + SLACK):
                    best, now = joined, ask(joined)
        if best == plan:
            break
        filled = greedy(ask, rules, built=best)
        plan = filled if filled is not None and rules.allows(filled) else best
    return plan


def _by_own_gain(ask: Objective, rules: Rules) -> list[int]:
    """Candidates that may be chosen by their own gain per cost, the best first."""
    free = [k for k in range(len(rules.cost)) if k not in rules.must_not and k not in rules.must]
    scores = ask.with_each(rules.must, free) - ask(rules.must)
    rate = [s / rules.prices[k] for k, s in zip(free, scores)]
    return [free[i] for i in np.argsort([-r for r in rate], kind="stable")]


def exhaustive(ask: Objective, rules: Rules, free: list[int], monotone: bool) -> Members | None:
    """The best of all sets; of a monotone value only those to which nothing can be added."""
    best: Members | None = None
    top = -np.inf

    def grow(built: Members, at: int) -> None:
        nonlocal best, top
        if at == len(free):
            if rules.allows(built) and not (monotone and _can_grow(rules, built, free)):
                gain = ask(built)
                if gain > top:
                    best, top = tuple(sorted(built)), gain
            return
        bigger = (*built, free[at])
        if rules.spent(bigger) <= rules.budget * (1 + SLACK) and not any(
            {a, b} <= set(bigger) for a, b in rules.apart
        ):
            grow(bigger, at + 1)
        grow(built, at + 1)

    grow(rules.must, 0)
    return best


def _can_grow(rules: Rules, built: Members, free: list[int]) -> bool:
    return any(k not in built and rules.allows((*built, k)) for k in free)


def find_bundles(value: SetGains | Value, rules: Rules, *, most: int = 40) -> list[Members]:
    """Chains of sites that are worth far more together than one by one (series of barriers).

    A site whose loss from the full set is more than twice its gain alone belongs to a chain.  From all such
    sites those that are missed least are dropped until dropping any would halve what is left: a chain of
    any length.  Its most valuable site is then set aside and the search goes on.

    Parameters
    ----------
    value : callable
    rules : Rules
    most : int
        Largest number of sites searched (those with the largest losses).

    Returns
    -------
    list of tuple of int
        At most five chains, longest gain first.

    Examples
    --------
    >>> def series(s):  # two fences in a row: one alone gains nothing
    ...     return 10.0 if {0, 1} <= set(s) else 0.0
    >>> find_bundles(series, Rules(np.ones(3), budget=3.0))
    [(0, 1)]
    """
    ask = remembered(value)
    free = [k for k in range(len(rules.cost)) if k not in rules.must_not and k not in rules.must]
    if len(free) < 2 or len(free) > 10 * most:
        return []
    base = ask(rules.must)
    everything = ask((*rules.must, *free))
    alone = ask.with_each(rules.must, free) - base
    if len(free) <= most:
        loss = np.array([everything - ask([*rules.must, *(j for j in free if j != k)]) for k in free])
        linked = [k for k, a, l in zip(free, alone, loss) if l > 2 * a + SLACK * abs(everything)]
    else:
        order = np.argsort([rules.cost[k] for k in free], kind="stable")[:most]
        linked = [free[i] for i in order if alone[i] <= 0.02 * everything]
    found: list[Members] = []
    for _ in range(5):
        chain = _core(ask, rules, linked, base)
        if chain is None or chain in found:
            break
        found.append(chain)
        gains = [ask((*rules.must, *(j for j in chain if j != k))) for k in chain]
        linked = [k for k in linked if k != chain[int(np.argmin(gains))]]
    return found


def _core(ask: Objective, rules: Rules, sites: list[int], base: float) -> Members | None:
    left = list(sites)
    while len(left) > 1:
        now = ask((*rules.must, *left)) - base
        without = [ask((*rules.must, *(j for j in left if j != k))) - base for k in left]
        best = int(np.argmax(without))
        if without[best] < 0.5 * now or len(left) == 2:
            alone = sum(ask((*rules.must, k)) - base for k in left)
            return tuple(sorted(left)) if now > 2 * alone + SLACK * abs(now) and now > 0 else None
        left.pop(best)
    return None
