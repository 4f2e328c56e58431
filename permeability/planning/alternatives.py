"""Options side by side: all indices of every option, in the same draws, against one baseline.

Every option is a whole landscape of its own, evaluated afresh.  With draws, one quantile of every unknown number
goes to all options alike (common random numbers, Glasserman & Yao 1992, doi:10.1287/mnsc.38.6.884), so that a
difference of two options has a range of its own, which is much narrower than the two ranges suggest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from permeability.core.tasks import HERE, RunOn, content_hash
from permeability.impact.what_if import CircuitView
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.index_table import INDEX, INDICES, change_of, gain_of
from permeability.linkage.landscape_indices import Indices, pair_costs
from permeability.linkage.measured import Measured, State, indices, indices_from
from permeability.ranking.rank_draws import draw_quantiles, inputs_hash, remade
from permeability.ranking.rank_statistics import middle
from permeability.ranking.unknown_numbers import KINDS, Unknown, unknowns

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
VARY = ("crossing", "trace", "traffic", "unmapped")
AFRESH = 3  # landscapes that are condensed one by one; more come from one network with all their barriers left outside


@dataclass(frozen=True, eq=False)
class Option:
    """One option: a landscape with its patches and the species' range.

    Attributes
    ----------
    name : str
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols)
        The species' range.
    based_on : str, optional
        Option that this one builds on.
    measure : str, optional
        Step of the mitigation hierarchy: avoid, minimise, restore, offset.
    note : str
    """

    name: str
    land: Landscape
    patches: Patches
    inside: NDArray[np.bool_] = field(repr=False)
    based_on: str | None = None
    measure: str | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class OptionResult:
    """What was found for one option.

    Attributes
    ----------
    option : Option
    indices : Indices
        With the best values of all numbers.
    drawn : array, shape (draws, indices)
        Columns as in :data:`permeability.linkage.landscape_indices.INDICES`; no rows without draws.
    current : array, shape (rows, cols)
        Current summed over the pairs of patches [passages per unit injected].
    cost_distance : array, shape (rows, cols)
        Least-cost distance from the nearest patch [m of open ground]; inf where unreachable.
    reach : array, shape (rows, cols)
        Number of patches from which a cell lies within the movement budget; its sum over the cells times the area
        of a cell, over the number of patches, is ``reachable_km2``.
    """

    option: Option
    indices: Indices = field(repr=False)
    drawn: Array = field(repr=False)
    current: Array = field(repr=False)
    cost_distance: Array = field(repr=False)
    reach: Array = field(repr=False)


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Options of one species side by side.

    Attributes
    ----------
    baseline : str
        What all are measured against.
    results : dict
        Option name -> OptionResult, the baseline among them.
    quantiles : pandas.DataFrame
        One row per draw, one column per unknown number.
    unknowns : list of Unknown
        What was drawn.
    """

    baseline: str
    results: dict[str, OptionResult]
    quantiles: pd.DataFrame = field(repr=False)
    unknowns: list[Unknown] = field(default_factory=list, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row per option and index: ``before`` (the baseline), ``after``, ``change``, their ranges, ``share_better``."""
        base = self.results[self.baseline]
        rows = []
        for name, found in self.results.items():
            moved = change_of(base.drawn, found.drawn)
            for k, index in enumerate(INDICES):
                before, after = base.indices.values[index], found.indices.values[index]
                row = {"scenario": name, "baseline": self.baseline, "index": index, "unit": INDEX[index].unit,
                       "before": before, "after": after, "change": float(change_of(before, after))}  # fmt: skip
                if len(moved):
                    better = gain_of(index, base.drawn[:, k], found.drawn[:, k]) > 0
                    row |= spread("after", found.drawn[:, k]) | spread("change", moved[:, k])
                    row["share_better"] = float(better.mean())
                rows.append(row)
        return pd.DataFrame(rows)

    def reference(self, name: str) -> str | None:
        """The option whose impact another one mitigates: the first in what it builds on that is not the baseline.

        None for an option that builds on nothing else, and for one that puts up further barriers.
        """
        chain, parent = [name], self.results[name].option.based_on
        while parent in self.results and parent not in (self.baseline, *chain):
            chain.append(str(parent))
            parent = self.results[str(parent)].option.based_on
        first = self.results[chain[-1]].option.land
        more = self.results[name].option.land.standing & ~first.standing
        return chain[-1] if len(chain) > 1 and name != self.baseline and not more.any() else None

    @property
    def residual(self) -> pd.DataFrame:
        """What options give back of the impact of the one they mitigate, and what remains, one row per index.

        For options with a :meth:`reference`: passage plans of a fenced railway, say.  ``impact``, ``given_back`` and
        ``left`` are in the unit of the index and positive for a loss against the baseline; ``share_back`` is the part
        of the impact that is given back, with its range over the draws.
        """
        base, rows = self.results[self.baseline], []
        for name, found in self.results.items():
            parent = self.reference(name)
            if parent is None:
                continue
            before = self.results[parent]
            for k, index in enumerate(INDICES):
                impact = float(_loss(index, base.indices.values[index], before.indices.values[index]))
                left = float(_loss(index, base.indices.values[index], found.indices.values[index]))
                row = {"scenario": name, "reference": parent, "index": index, "unit": INDEX[index].unit, "impact": impact,
                       "given_back": float(change_of(left, impact)), "left": left, "share_back": _share(impact, left)}  # fmt: skip
                if len(found.drawn):
                    drawn = _loss(index, base.drawn[:, k], before.drawn[:, k])
                    rest = _loss(index, base.drawn[:, k], found.drawn[:, k])
                    row |= (
                        spread("impact", drawn)
                        | spread("given_back", change_of(rest, drawn))
                        | spread("left", rest)
                    )
                    row |= spread("share_back", np.array([_share(a, b) for a, b in zip(drawn, rest)]))
                rows.append(row)
        return pd.DataFrame(rows)

    @property
    def drawn(self) -> pd.DataFrame:
        """One row per option and draw: all indices, for differences of any two options."""
        parts = [
            pd.DataFrame(r.drawn, columns=list(INDICES)).assign(scenario=n, draw=np.arange(len(r.drawn)) + 1)
            for n, r in self.results.items()
        ]
        return pd.concat(parts, ignore_index=True)[["scenario", "draw", *INDICES]]

    def __repr__(self) -> str:
        wide = self.table.pivot(index="scenario", columns="index", values="after")
        wide = wide.reindex(index=list(self.results), columns=list(INDICES))
        return f"{len(self.results)} options against {self.baseline!r}, {len(self.quantiles)} draws\n{wide.to_string()}"


def spread(name: str, values: Array) -> dict[str, float]:
    """Low and high end of the middle 90 % of drawn values, NaN left out.

    >>> spread("x", np.arange(101.0))
    {'x_low': 5.0, 'x_high': 95.0}
    """
    low, high = middle(values)
    return {f"{name}_low": low, f"{name}_high": high}


def _loss(index: str, before: ArrayLike, after: ArrayLike) -> Array:
    """What an index lost from before to after, positive when the landscape got worse; NaN where either is not known."""
    ends = (before, after) if INDEX[index].lower_is_better else (after, before)
    return change_of(*ends)


def _share(impact: float, left: float) -> float:
    """Part of an impact that is given back; NaN without an impact, or where both are infinite."""
    if not impact > 0 or np.isinf(left):
        return float("nan")
    return 1.0 if np.isinf(impact) else 1.0 - left / impact


# ---------------------------------------------------------------- evaluation
def evaluate_options(
    options: Sequence[Option],
    baseline: str,
    *,
    draws: int = 0,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    measured: Measured | None = None,
    on: RunOn = HERE,
) -> Alternatives:
    """All indices and maps of every option, and the indices in every draw.

    Parameters
    ----------
    options : sequence of Option
        With the baseline among them.
    baseline : str
        Name of the option that the others are measured against.
    draws : int
        Draws of the unknown numbers, the same for every option.
    rng : int or numpy.random.Generator
    vary : sequence of str
        Kinds of numbers to draw, see :mod:`permeability.ranking.unknown_numbers`; costs and weights are no part of the indices.
    measured : Measured, optional
        A landscape of the species of which something is known already.
    on : RunOn
        Workers, a folder in which finished options and draws are kept (a later call with the same inputs takes them
        from there), and whom to tell; the results do not depend on it.
    """
    named = {o.name: o for o in options}
    first = named[baseline]
    known = Measured(first.land, first.patches, first.inside) if measured is None else measured
    here = {n: known.of(o.land, o.patches, o.inside) for n, o in named.items()}
    numbers = option_unknowns(options, vary)
    drawn = draw_quantiles(numbers, draws, rng) if draws else pd.DataFrame()
    open_cost = {n: here[baseline if _same_ends(o, first) else n].bare.cost for n, o in named.items()}
    same = {n: _hash(o, open_cost[n], numbers) for n, o in named.items()}
    tasks = [(n, d) for n in named for d in range(-1, len(drawn))]

    def one(task: tuple[str, int]) -> tuple[Array, ...]:
        name, d = task
        if d < 0:
            return here[name].flow.current, here[name].nearest, here[name].reach_count
        quantiles = {str(k): float(v) for k, v in drawn.iloc[d].items()}
        return (_drawn(named[name], open_cost[name], quantiles),)

    def key(task: tuple[str, int]) -> str:
        name, d = task
        return content_hash(
            "option", same[name], d if d < 0 else drawn.iloc[d].to_numpy(), list(drawn.columns)
        )

    maps: dict[str, tuple[Array, ...]] = {}
    found = {n: np.empty((len(drawn), len(INDICES))) for n in named}
    with threadpool_limits(limits=1, user_api="blas"):
        for i, result in on.tasks(one, tasks, label="options", key=key):
            name, d = tasks[i]
            if d < 0:
                maps[name] = result
            else:
                found[name][d] = result[0]
    best = {n: indices_from(here[n].state, open_cost[n], o.patches, o.land) for n, o in named.items()}
    results = {n: OptionResult(o, best[n], found[n], *maps[n]) for n, o in named.items()}
    return Alternatives(baseline, results, drawn, numbers)


def option_unknowns(options: Sequence[Option], vary: Sequence[str] = VARY) -> list[Unknown]:
    """The unknown numbers of all options together, each once."""
    found: dict[str, Unknown] = {}
    for o in options:
        for u in unknowns(o.land, o.patches, [o.land.scenario.interventions], vary=vary):
            found.setdefault(u.key, u)
    return sorted(found.values(), key=lambda u: (KINDS.index(u.kind), u.key))


def _drawn(option: Option, open_cost: Array, quantiles: Mapping[str, float]) -> Array:
    """All indices of an option in one draw."""
    made = remade(option.land, quantiles)
    if made.resistance is not option.land.resistance:
        open_cost = pair_costs(made.without_barriers(), option.patches)
    values = indices(made.drawn(quantiles), option.patches, option.inside, open_cost=open_cost).values
    return np.array([values[i] for i in INDICES])


def _same_ends(a: Option, b: Option) -> bool:
    return a.patches is b.patches or np.array_equal(a.patches.labels, b.patches.labels)


def _hash(option: Option, open_cost: Array, numbers: Sequence[Unknown]) -> str:
    steps = [list(option.land.scenario.interventions)]
    profile = option.land.profile
    limits = (profile.budget_m.as_tuple(), profile.dispersal_m.as_tuple())
    return content_hash(
        inputs_hash(option.land, option.patches, steps, numbers), option.inside, open_cost, limits
    )


# ---------------------------------------------------------------- in order of building
def cumulative(option: Option, built: Array, measured: Measured | None = None) -> pd.DataFrame:
    """Effect of the lines of an option one after the other, in the order of building.

    Parameters
    ----------
    option : Option
    built : array, shape (barriers,)
        Year in which each barrier row was or will be built; NaN where nobody knows: such lines come first.
    measured : Measured, optional
        A landscape of the species of which something is known already.

    Returns
    -------
    DataFrame
        One row per year and line: ``year``, ``line``, the indices with it and all before it, ``added_<index>`` (its
        own share) and ``total_<index>`` (against no barriers).  The lines without a year are one row.
    """
    land, patches, inside = option.land, option.patches, option.inside
    known = (Measured(land, patches, inside) if measured is None else measured).of(land, patches, inside)
    names = land.barriers.table["line"].astype(str).to_numpy()
    groups: dict[tuple[float, str], NDArray[np.bool_]] = {}
    for i in np.flatnonzero(land.standing):
        when = (float(built[i]), names[i]) if np.isfinite(built[i]) else (-np.inf, "")
        groups.setdefault(when, np.zeros(len(names), bool))[i] = True
    standing = np.cumsum([groups[g] for g in sorted(groups)], axis=0).astype(bool)
    states, rows = _with_fewer(known, land, [replace(land, standing=here) for here in standing]), []
    bare = before = known.bare.indices.values
    for (year, line), state in zip(sorted(groups), states):
        now = indices_from(state, known.bare.cost, patches, land).values
        who = line or ", ".join(dict.fromkeys(names[groups[year, line]]))
        row: dict[str, object] = {"year": year if np.isfinite(year) else np.nan, "line": who, **now}
        row |= {f"added_{k}": float(change_of(before[k], now[k])) for k in INDICES}
        row |= {f"total_{k}": float(change_of(bare[k], now[k])) for k in INDICES}
        rows.append(row)
        before = now
    return pd.DataFrame(rows)


def _with_fewer(known: Measured, land: Landscape, fewer: Sequence[Landscape]) -> list[State]:
    """What the indices of landscapes are made of in which only some of the barriers of one stand."""
    if len(fewer) <= AFRESH:
        return [known.state_of(here) for here in fewer]
    lines = dict.fromkeys(land.barriers.table["line"][land.standing])
    view, found = CircuitView(land, known.patches, list(lines)), []
    for here in fewer:
        ways = Measured(here, known.patches, known.inside)
        resistance = view.face.resistances(here.edge_barriers().at(view.keys)[1])
        found.append(State(ways.cost, ways.reach, resistance, ways.pieces))
    return found
