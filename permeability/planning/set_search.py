"""Which set of sites for the money: several searches side by side, a proven bound, and the plans that are nearly as good.

The value of a set is asked from a callable, ``value(members) -> gain``; nothing is assumed about it but that more
sites never hurt (``monotone``).  Gains of openings are neither sub- nor supermodular: two fences in series are
worth little one by one and all together, two gaps in one fence the other way round.  So plain score-and-rank and
greedy are shown beside searches that can do better, and every answer comes with a bound where one exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError

__all__ = [
    "Portfolio",
    "Rules",
    "budget_curve",
    "choose",
    "find_bundles",
    "next_best",
    "pareto",
    "spacing",
    "weighted",
    "worst_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Members = tuple[int, ...]
Value = Callable[[Members], float]
SLACK = 1e-9  # money and gains that differ by less, relative, are equal
EXHAUSTIVE = 18  # candidates up to which every set is looked at


class Stepper(Protocol):
    """A value that knows the gains of one more site faster than by asking set by set."""

    def __call__(self, members: Members, /) -> float: ...

    def with_each(self, built: Members, which: Sequence[int], /) -> ArrayLike: ...


@dataclass(frozen=True)
class Rules:
    """What a plan must obey.

    Attributes
    ----------
    cost : array, shape (K,)
        Cost of every candidate [money], >= 0.
    budget : float
        Most money to spend.
    must, must_not : tuple of int
        Candidates that are in every plan, or in none (a pilot that is built is a ``must`` of cost 0).
    apart : tuple of (int, int)
        Pairs that may not both be chosen (spacing; two treatments of one place).
    stretches : tuple of tuple of int
        Of each group at least one candidate is chosen.

    Examples
    --------
    >>> rules = Rules(np.array([1.0, 2.0, 4.0]), budget=3.0)
    >>> rules.allows((0, 1)), rules.allows((1, 2))
    (True, False)
    """

    cost: Floats
    budget: float
    must: Members = ()
    must_not: Members = ()
    apart: tuple[tuple[int, int], ...] = ()
    stretches: tuple[Members, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", np.asarray(self.cost, dtype=np.float64))
        bad = np.flatnonzero(~(self.cost >= 0))
        if len(bad):
            raise OptionError(
                "O41", "costs must be numbers >= 0.", rows=bad.tolist(), remedy="give every candidate a cost"
            )
        both = sorted(set(self.must) & set(self.must_not))
        if both:
            raise OptionError(
                "O42", "a candidate is both must and must not.", rows=both, remedy="take it out of one list"
            )
        if not self.allows(self.must, complete=False):
            raise OptionError(
                "O43",
                "the must-have sites break the budget or the spacing rule by themselves.",
                rows=list(self.must),
                details={"cost": f"{self.spent(self.must):,.0f} of {self.budget:,.0f}"},
                remedy="raise the budget, or drop a must-have site",
            )

    def spent(self, members: Iterable[int]) -> float:
        """Cost of a set [money]."""
        return float(self.cost[list(members)].sum())

    def allows(self, members: Iterable[int], *, complete: bool = True) -> bool:
        """Whether a set is a plan; with ``complete=False`` whether it can still grow into one."""
        chosen = set(members)
        if chosen & set(self.must_not) or any(a in chosen and b in chosen for a, b in self.apart):
            return False
        missing = [s for s in self.stretches if not chosen & set(s)]
        if complete and (missing or not set(self.must) <= chosen):
            return False
        reserve = sum(min((float(self.cost[k]) for k in s), default=np.inf) for s in missing)
        return self.spent(chosen) + reserve <= self.budget * (1 + SLACK)

    def can_add(self, members: Members) -> list[int]:
        """Candidates that may join a set."""
        return [
            k
            for k in range(len(self.cost))
            if k not in members and self.allows((*members, k), complete=False)
        ]


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


class Bound(NamedTuple):
    """What no plan exceeds: ``value``, and whether the search for a tighter one was ``cut_off`` (it holds either way)."""

    value: float
    cut_off: bool = False


class _Memory:
    """The value with every answer kept."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.known: dict[Members, float] = {}

    def __call__(self, members: Iterable[int]) -> float:
        key = tuple(sorted(int(k) for k in members))
        if key not in self.known:
            self.known[key] = float(self.value(key))
        return self.known[key]

    def with_each(self, built: Members, which: Sequence[int]) -> Floats:
        fast = getattr(self.value, "with_each", None)
        keys = [tuple(sorted((*built, k))) for k in which]
        if fast is not None and any(key not in self.known for key in keys):
            for key, gain in zip(keys, np.asarray(fast(tuple(sorted(built)), which), dtype=np.float64)):
                self.known.setdefault(key, float(gain))
        return np.array([self(key) for key in keys])


def choose(
    value: Value,
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
    ask, generator = _Memory(value), np.random.default_rng(rng)
    groups = find_bundles(ask, rules) if bundles is None else [tuple(sorted(b)) for b in bundles]
    plans: dict[str, Members | None] = {
        "score and rank": _score_and_rank(ask, rules),
        "greedy": _greedy(ask, rules),
        "greedy with bundles": _greedy(ask, rules, groups),
        "reverse greedy": _reverse_greedy(ask, rules),
    }
    plans |= {name: tuple(sorted(search(rules))) for name, search in (searches or {}).items()}
    if swaps:
        begun = [p for p in plans.values() if p is not None and rules.allows(p)]
        begun += [p for p in (_random_start(ask, rules, generator) for _ in range(starts)) if p is not None]
        improved = [_swaps(ask, rules, p, groups) for p in dict.fromkeys(begun)]
        plans["swaps from all starts"] = max(improved, key=ask, default=None)
    free = [k for k in range(len(rules.cost)) if k not in rules.must and k not in rules.must_not]
    proven = len(free) <= EXHAUSTIVE
    if proven:
        plans["exhaustive"] = _exhaustive(ask, rules, free, monotone)
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
    return Portfolio(best, gain, rules.spent(best), methods, limit, gap, others, len(ask.known), cut_off)


def _limit(
    ask: _Memory,
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


def _row(name: str, plan: Members, ask: _Memory, rules: Rules, best: float) -> dict[str, Any]:
    gain = ask(plan)
    share = gain / best if best > 0 else float("nan")
    return {"method": name, "gain": gain, "cost": rules.spent(plan), "sites": plan, "share_of_best": share}


def _price(rules: Rules, members: Iterable[int]) -> float:
    """Cost that can be divided by; free sites come first."""
    return max(rules.spent(members), 1e-12 * max(float(rules.cost.max(initial=0.0)), 1e-12))


def _score_and_rank(ask: _Memory, rules: Rules) -> Members | None:
    """What is usually done: sites by their own gain per cost until the money is spent."""
    built = rules.must
    free = rules.can_add(built)
    scores = ask.with_each(built, free) - ask(built)
    order = np.argsort([-s / _price(rules, [k]) for k, s in zip(free, scores)], kind="stable")
    for k in (free[i] for i in order):
        if rules.allows((*built, k), complete=False):
            built = (*built, k)
    return tuple(sorted(built))


def _greedy(
    ask: _Memory,
    rules: Rules,
    bundles: Sequence[Members] = (),
    pick: Callable[[Floats], int] = lambda scores: int(np.argmax(scores)),
    built: Members | None = None,
) -> Members | None:
    """The largest joint gain per cost next; bundles count as one step."""
    built = rules.must if built is None else built
    while True:
        steps: list[Members] = [(k,) for k in rules.can_add(built)]
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
        best = pick(scores)
        needed = [s for s in rules.stretches if not set(s) & set(built)]
        if not scores[best] > 0:
            if not needed:
                return tuple(sorted(built))
            filling = [i for i, s in enumerate(steps) if set(s) & set(needed[0])]
            if not filling:
                return None
            best = max(filling, key=lambda i: scores[i])
        built = (*built, *steps[best])


def _reverse_greedy(ask: _Memory, rules: Rules, most: int = 60) -> Members | None:
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
        loss = [(now - ask([j for j in built if j != k])) / _price(rules, [k]) for k in drop]
        built.remove(drop[int(np.argmin(loss))])
    return _greedy(ask, rules, built=tuple(built))


def _may_drop(rules: Rules, built: Sequence[int], k: int) -> bool:
    return all(any(j in built and j != k for j in s) for s in rules.stretches if k in s)


def _random_start(ask: _Memory, rules: Rules, generator: np.random.Generator) -> Members | None:
    """Greedy that takes one of the three best steps by chance."""

    def pick(scores: Floats) -> int:
        top = np.argsort(-scores, kind="stable")[:3]
        return int(generator.choice(top))

    plan = _greedy(ask, rules, pick=pick)
    return plan if plan is not None and rules.allows(plan) else None


def _swaps(
    ask: _Memory, rules: Rules, plan: Members, bundles: Sequence[Members], rounds: int = 30
) -> Members:
    """Exchange one or two sites for others (or a bundle) while that helps; then fill up."""
    for _ in range(rounds):
        best, now = plan, ask(plan)
        removable = [k for k in plan if k not in rules.must]
        removals = [(k,) for k in removable] + list(combinations(removable, 2)) * (len(removable) <= 6)
        for out in removals:
            rest = tuple(k for k in plan if k not in out)
            options = rules.can_add(rest)
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
        filled = _greedy(ask, rules, built=best)
        plan = filled if filled is not None and rules.allows(filled) else best
    return plan


def _exhaustive(ask: _Memory, rules: Rules, free: list[int], monotone: bool) -> Members | None:
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


def find_bundles(value: Value, rules: Rules, *, most: int = 40) -> list[Members]:
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
    ask = value if isinstance(value, _Memory) else _Memory(value)
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


def _core(ask: _Memory, rules: Rules, sites: list[int], base: float) -> Members | None:
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


def _near_best(ask: _Memory, rules: Rules, best: Members, near: float, most: int = 5) -> pd.DataFrame:
    """Other plans that were looked at, nearly as good and not just parts of each other."""
    top = ask(best)
    plans = sorted(
        (p for p, g in ask.known.items() if g >= (1 - near) * top and p != best and rules.allows(p)),
        key=lambda p: (-ask.known[p], p),
    )
    shown: list[Members] = [best]
    for plan in plans:
        if len(shown) > most:
            break
        if not any(set(plan) <= set(s) for s in shown):
            shown.append(plan)
    rows = [{**_row("", p, ask, rules, top), "in_common": len(set(p) & set(best))} for p in shown[1:]]
    columns = ["gain", "cost", "sites", "share_of_best", "in_common"]
    return pd.DataFrame(rows, columns=columns)


# --- questions about money ------------------------------------------------------------------------------------


def budget_curve(
    value: Value,
    cost: ArrayLike,
    budgets: Sequence[float],
    *,
    plans: Mapping[float, Portfolio] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The best gain for each of several budgets.

    Each budget may also use the plans found for the smaller ones, so the curve never falls.  Budgets within which no
    plan obeys the rules are left out.

    Parameters
    ----------
    value : Value
        See :func:`choose`.
    cost : array
        Shape (K,) [money].
    budgets : sequence of float
        [money]
    plans : mapping, optional
        Budget -> plan that is known already.
    **options
        Passed on to :func:`choose`.

    Returns
    -------
    DataFrame
        ``budget``, ``gain``, ``cost``, ``sites``, ``bound``, ``gap``, ``bound_cut_off``.

    Examples
    --------
    >>> budget_curve(lambda s: float(len(s)), [1, 1, 1], [1, 2]).gain.tolist()
    [1.0, 2.0]
    """
    rows: list[dict[str, Any]] = []
    memory = _Memory(value)
    for budget in sorted({*budgets, *(plans or {})}):
        plan = (plans or {}).get(budget)
        if plan is None:
            try:
                plan = choose(memory, cost, budget, **options)
            except OptionError as error:
                if error.code in ("O43", "O44"):
                    continue
                raise
        gain, spent, sites = plan.gain, plan.cost, plan.members
        if rows and rows[-1]["gain"] > gain:
            gain, spent, sites = (rows[-1][k] for k in ("gain", "cost", "sites"))
        gap = max(0.0, (plan.bound - gain) / plan.bound) if 0 < plan.bound < np.inf else plan.gap
        row = {"budget": budget, "gain": gain, "cost": spent, "sites": sites}
        rows.append({**row, "bound": max(plan.bound, gain), "gap": gap, "bound_cut_off": plan.bound_cut_off})
    return pd.DataFrame(rows, columns=["budget", "gain", "cost", "sites", "bound", "gap", "bound_cut_off"])


def next_best(value: Value, built: Iterable[int], cost: ArrayLike) -> pd.DataFrame:
    """What to do after a pilot: every further site by its gain per cost with the built ones standing.

    Parameters
    ----------
    value : Value
        See :func:`choose`.
    built : iterable of int
        Numbers of the candidates that stand.
    cost : array
        Shape (K,) [money].

    Returns
    -------
    DataFrame
        One row per remaining candidate, best gain for its money first.

    Examples
    --------
    >>> next_best(lambda s: float(sum(s)), [2], [1.0, 4.0, 1.0]).site.tolist()
    [1, 0]
    """
    ask, done = _Memory(value), tuple(sorted(built))
    costs = np.asarray(cost, dtype=np.float64)
    free = [k for k in range(len(costs)) if k not in done]
    gains = ask.with_each(done, free) - ask(done)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = pd.DataFrame(
            {"site": free, "gain": gains, "cost": costs[free], "gain_per_cost": gains / costs[free]}
        )
    return table.sort_values(["gain_per_cost", "gain"], ascending=False, ignore_index=True)


def spacing(position: ArrayLike, smallest: float, line: ArrayLike | None = None) -> list[tuple[int, int]]:
    """Pairs of candidates on one line that lie closer than ``smallest`` (same unit as ``position``).

    Parameters
    ----------
    position : array
        Shape (K,) [km].
    smallest : float
        [km]
    line : array, optional
        Name of the line of each; one line by default.

    Returns
    -------
    list of tuple[int, int]
        Pairs that are too near each other.

    Examples
    --------
    >>> spacing([0.0, 4.0, 10.0], 5.0)
    [(0, 1)]
    """
    at = np.asarray(position, dtype=np.float64)
    name = np.zeros(len(at)) if line is None else np.asarray(line)
    near = (np.abs(at[:, None] - at[None]) < smallest) & (name[:, None] == name[None])
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(near, 1))]


# --- several species ------------------------------------------------------------------------------------------


def weighted(values: Sequence[Value], weights: ArrayLike) -> Value:
    """One value from several (species, seasons): the weighted sum.

    Parameters
    ----------
    values : sequence of Value
    weights : array
        Shape (values,).

    Returns
    -------
    Value
        Of a set: the weighted sum.

    Examples
    --------
    >>> weighted([lambda s: 1.0, lambda s: 2.0], [1, 10])(())
    21.0
    """
    w = np.asarray(weights, dtype=np.float64)
    return lambda members: float(sum(a * v(members) for a, v in zip(w, values)))


def worst_of(values: Sequence[Value], scale: ArrayLike) -> Value:
    """One value from several: the smallest, each relative to its ``scale`` (maximin).

    Parameters
    ----------
    values : sequence of Value
    scale : array
        What each value is divided by, shape (values,).

    Returns
    -------
    Value
        Of a set: the smallest share.

    Examples
    --------
    >>> worst_of([lambda s: 1.0, lambda s: 2.0], [1, 4])(())
    0.5
    """
    unit = np.asarray(scale, dtype=np.float64)
    return lambda members: float(min(v(members) / u for v, u in zip(values, unit)))


def pareto(gains: ArrayLike) -> NDArray[np.bool_]:
    """Which plans (rows) no other plan beats in one column without losing in another.

    Parameters
    ----------
    gains : array
        Shape (plans, objectives); more is better.

    Returns
    -------
    bool array
        Shape (plans,).

    Examples
    --------
    >>> pareto([[1, 2], [2, 1], [1, 1]]).tolist()
    [True, True, False]
    """
    g: NDArray[Any] = np.asarray(gains, dtype=np.float64)
    at_least = np.all(g[None] >= g[:, None], axis=2)
    more = np.any(g[None] > g[:, None], axis=2)
    return np.asarray(~np.any(at_least & more, axis=1))
