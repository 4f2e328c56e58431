"""How sure is the ranking?  The unknown numbers drawn again and again, every candidate exact in every draw."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from permeability._version import __version__
from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.scenario import Intervention
from permeability.core.estimate import Estimate
from permeability.core.tasks import HERE, RunOn, content_hash
from permeability.engines.circuit.interface.interface import Candidates
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.impact.what_if import CircuitView
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape, check_resistance
from permeability.landscape.patches import Patches
from permeability.linkage.landscape_indices import pair_mean
from permeability.ranking import uncertainty
from permeability.ranking.draw_effort import cost_of_draws, seconds_per_draw, seconds_per_state
from permeability.ranking.line_positions import displaced
from permeability.ranking.unknown_numbers import (
    ANEW,
    NORMAL_90,
    VARY,
    Unknown,
    accuracies,
    unknowns,
    weight_estimates,
)

__all__ = ["RankDraws", "draw_costs", "draw_ranks"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class RankDraws:
    """Gains and ranks of all candidates over draws of the uncertain numbers.

    Attributes
    ----------
    quantiles : pandas.DataFrame
        One row per draw, one column per uncertain number (two for a position): its quantile 0..1.
    gains : array, shape (draws, candidates)
        Gain in mean conductance between patches.
    ranks : array of int, shape (draws, candidates)
        1 = best; ties share the lower rank.
    unknowns : list of Unknown
        What was drawn.
    costs : array, shape (draws, candidates), or None
        Cost of every candidate [USD].

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20).draws
    >>> drawn.gains.shape, sorted(drawn.table(top=1).columns)[:3]
    ((20, 4), ['alike', 'gain_high', 'gain_low'])
    """

    quantiles: pd.DataFrame
    gains: Array = field(repr=False)
    ranks: NDArray[np.int64] = field(repr=False)
    unknowns: list[Unknown] = field(default_factory=list, repr=False)
    costs: Array | None = field(default=None, repr=False)

    def table(
        self, top: int = 10, *, worth_usd_per_gain: float | None = None, budget_usd: float | None = None
    ) -> pd.DataFrame:
        """How sure every candidate's rank is, one row per candidate.

        Parameters
        ----------
        top : int
        worth_usd_per_gain : float, optional
            What one unit of gain in mean conductance is worth [USD]; adds ``share_worth_it``.
        budget_usd : float, optional
            Adds ``share_in_budget``, see :func:`permeability.ranking.uncertainty.share_in_budget`.

        Returns
        -------
        DataFrame
            Columns of :func:`permeability.ranking.uncertainty.rank_table`, and ``alike``: number of the group of candidates
            that cannot be told apart, 1 = the best; ``moved_by``: the unknown number that moves its rank most.
        """
        known = worth_usd_per_gain is not None and self.costs is not None
        table = uncertainty.rank_table(
            self.gains, top=top, cost=self.costs if known else None, worth=1.0 / worth_usd_per_gain if worth_usd_per_gain else 0.0
        ).drop(columns="share_first")  # fmt: skip
        if budget_usd is not None and self.costs is not None:
            table["share_in_budget"] = uncertainty.share_in_budget(self.gains, self.costs, budget_usd)
        for number, group in enumerate(self.together(), start=1):
            table.loc[group, "alike"] = number
        table["alike"] = table["alike"].astype(int)
        table["moved_by"] = self.moved_by()
        return table

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Unknown number -> its columns among the quantiles; costs left out, since gains do not depend on them."""
        return {u.key: u.columns for u in self.unknowns if u.kind != "cost"}

    def influence(self) -> pd.DataFrame:
        """Which unknown number moves the ranking most; see :func:`permeability.ranking.uncertainty.influence`."""
        return uncertainty.influence(self.quantiles, self.gains, self.groups)

    def moved_by(self) -> list[str]:
        """For every candidate the unknown number that moves its rank most, in words; empty where none does."""
        shares = uncertainty.shares_by_number(self.quantiles, self.gains, self.groups)
        if not len(shares):
            return [""] * self.gains.shape[1]
        words, least = {u.key: u.words for u in self.unknowns}, self.least_shares()
        top = shares.idxmax(axis=0)
        return [words.get(n, n) if shares.loc[n, k] > least[n] else "" for k, n in top.items()]

    def least_shares(self) -> dict[str, float]:
        """Share of rank movement that each number must exceed to stand out from chance.

        Numbers of landscapes made anew have as many values as there are landscapes, not draws.
        """
        return {k: uncertainty.least_share(self.quantiles[c[0]].nunique()) for k, c in self.groups.items()}

    def together(self) -> list[list[int]]:
        """Groups of candidates that cannot be told apart, best first; see :func:`permeability.ranking.uncertainty.together`."""
        return uncertainty.together(self.gains)


def draw_ranks(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]],
    lines: Sequence[str],
    *,
    draws: int,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int | None = None,
    costs: Sequence[tuple[str, Estimate]] = (),
    on: RunOn = HERE,
) -> RankDraws:
    """Rank all candidates in every draw of the unknown numbers.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sets : sequence of sequences of Intervention
        What each candidate does.
    lines : sequence of str
        Lines they are on.
    draws : int
    rng : int or numpy.random.Generator
    vary : sequence of str
        Kinds of unknown numbers, from :data:`permeability.ranking.unknown_numbers.KINDS`.
    draws_anew : int, optional
        How many landscapes are made anew for ``"map"`` and ``"habitat"``; the draws take turns on them.  Default: one
        for every draw.
    costs : sequence of (treatment, Estimate), optional
        Of every candidate [USD].
    on : RunOn
        Workers, a folder in which finished draws are kept (a later call with the same inputs takes them from there),
        and whom to tell; the results do not depend on it.

    Returns
    -------
    RankDraws

    Notes
    -----
    Components that share a key (all fences of one class) are drawn together: one unknown number, not many.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sets = [s.interventions for s in pm.candidates(land, "F", length_m=4000)]
    >>> draw_ranks(land, patches, sets, ["F"], draws=5).ranks.shape
    (5, 2)
    """
    dearest = dict(costs)
    numbers = unknowns(land, patches, sets, dearest, vary)
    quantiles = draw_quantiles(numbers, draws, rng, draws_anew)
    once = bool(draws_anew) or not any(u.kind in ANEW for u in numbers)
    worlds = _Worlds(land, patches, sets, lines, numbers, shared=once)
    weights = _weights(patches, quantiles)

    def one(d: int) -> Array:
        here = {str(k): float(v) for k, v in quantiles.iloc[d].items()}
        world = worlds.of(here)
        weight = weights[d][world.of_drawn] * world.patches.share
        return conductance_gain(*world.resistances(here), weight, world.patches.pairs())

    gains = np.empty((draws, len(sets)))
    same = "" if on.store is None else inputs_hash(land, patches, sets, numbers)

    def key(d: int) -> str:
        return content_hash(same, list(quantiles.columns), quantiles.iloc[d].to_numpy())

    turns = sorted(range(draws), key=lambda d: (d % draws_anew, d)) if draws_anew else list(range(draws))
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # small dense blocks: more threads only wait for each other
        for i, row in on.tasks(one, turns, label="draws", key=key):
            gains[turns[i]] = row
    return RankDraws(quantiles, gains, uncertainty.ranks(gains), numbers, _costs(costs, quantiles))


def draw_quantiles(
    numbers: Sequence[Unknown], draws: int, rng: int | np.random.Generator, draws_anew: int | None = None
) -> pd.DataFrame:
    """Quantiles of all unknown numbers; those that need the landscape anew repeat after ``draws_anew`` draws."""
    table = uncertainty.quantiles([c for u in numbers for c in u.columns], draws, rng)
    if draws_anew:
        anew = [c for u in numbers if u.kind in ANEW for c in u.columns]
        table[anew] = table[anew].to_numpy()[np.arange(draws) % draws_anew]
    return table


def conductance_gain(
    today: Array,
    after: Array,
    weight: Array,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Array:
    """Gain in mean conductance of every candidate, pairs weighted by the product of their patches' weights.

    Parameters
    ----------
    today : array, shape (P, P)
        Effective resistances.
    after : array, shape (K, P, P)
    weight : array, shape (P,)
    pairs : two int arrays, optional
        Positions of the pairs that count; all by default.

    Examples
    --------
    >>> today, opened = np.array([[0.0, 4.0], [4.0, 0.0]]), np.array([[[0.0, 2.0], [2.0, 0.0]]])
    >>> conductance_gain(today, opened, np.ones(2)).tolist()
    [0.25]
    """
    i, j = np.triu_indices(len(weight), 1) if pairs is None else pairs
    pair = weight[i] * weight[j]
    return pair_mean(pair_conductance(after[:, i, j]) - pair_conductance(today[i, j]), pair)


def _weights(patches: Patches, quantiles: pd.DataFrame) -> Array:
    """Weight of every patch as drawn in every draw of the numbers, shape (draws, patches as drawn)."""
    whole = patches.whole or patches
    w = np.tile(whole.table["weight"].to_numpy(float), (len(quantiles), 1))
    ranged = {k: e for k, (_, e) in weight_estimates(patches).items()}
    for p, name in enumerate(whole.ids):
        key = f"weight.{name}"
        if key in ranged and key in quantiles:
            w[:, p] = ranged[key].draw(quantiles[key].to_numpy())
    return w


def _costs(costs: Sequence[tuple[str, Estimate]], quantiles: pd.DataFrame) -> Array | None:
    """Cost of every candidate in every draw [USD]; candidates with one treatment are dear or cheap together."""
    if not costs:
        return None
    columns = []
    for treatment, e in costs:
        key = f"cost.{treatment}"
        columns.append(
            e.draw(quantiles[key].to_numpy()) if key in quantiles else np.full(len(quantiles), e.best)
        )
    return np.column_stack(columns)


class _World:
    """One landscape with its candidates; every draw of its crossing numbers is a state of it.

    Where it pays, it is condensed once with all barriers left outside; else every draw is condensed with only the
    candidates' lines outside, which leaves a smaller network.  Only the first of those is checked by a fresh solve.
    """

    def __init__(
        self,
        land: Landscape,
        patches: Patches,
        sets: Sequence[Sequence[Intervention]],
        lines: Sequence[str],
        shared: bool,
        first: threading.Lock,
    ) -> None:
        self.first = first  # taken by the first condensation of all worlds, never released
        self.land, self.patches, self.lines, self.effects = land, patches, lines, EdgeEffects(land, sets)
        self.of_drawn = [(patches.whole or patches).ids.index(i) for i in patches.drawn]
        self.view: CircuitView | None = None
        if shared and worth_sharing(land, lines):
            may_stand = replace(land, standing=land.chance_of > 0)
            standing = list(dict.fromkeys(land.barriers.table["line"][may_stand.standing]))
            self.view = CircuitView(may_stand, patches, standing, check=first.acquire(blocking=False))
            self.singles = self.view.face.singles(self._opened(may_stand, self.view))

    def resistances(self, quantiles: Mapping[str, float]) -> tuple[Array, Array]:
        """Effective resistances in one draw, without any candidate (P, P) and with each of them (K, P, P)."""
        drawn = self.land.drawn(quantiles)
        if self.view is None:
            view = CircuitView(drawn, self.patches, self.lines, check=self.first.acquire(blocking=False))
            after, today = view.face.singles_and_today(self._opened(drawn, view))
            return today, after
        series = drawn.edge_barriers().at(self.view.keys)[1]
        after, today = self.view.face.singles_and_today(
            self._opened(drawn, self.view), series, prepared=self.singles
        )
        return today, after

    def _opened(self, land: Landscape, view: CircuitView) -> Candidates:
        """The candidates in one state of the unknown numbers."""
        return view.candidates(self.effects.start, self.effects.keys, self.effects.after(land)[1])


def worth_sharing(land: Landscape, lines: Sequence[str]) -> bool:
    """Whether one condensation with all barriers outside makes draws cheaper than one condensation per draw."""
    every = [str(x) for x in land.barriers.table["line"][land.chance_of > 0]]
    alone = seconds_per_draw(int(land.valid.sum()), interface_nodes(land, lines))
    cells = int(land.valid.sum())
    return seconds_per_state(interface_nodes(land, every), cells) <= alone


def interface_nodes(land: Landscape, lines: Sequence[str]) -> int:
    """About how many nodes stay when the edges of some lines are left outside."""
    rows = [r for line in dict.fromkeys(lines) for r in land.barriers.rows_of(line) if land.chance_of[r] > 0]
    mine = np.isin(land.cuts.barrier, rows) & (land.cuts.direction < 4)
    cell, k = land.cuts.cell[mine], land.cuts.direction[mine]
    other, valid = cell + D_ROW[k] * land.grid.cols + D_COL[k], land.valid.ravel()
    inside = valid[cell] & valid[other]
    return len(np.union1d(cell[inside], other[inside]))


class _Worlds:
    """Landscapes made anew for drawn positions and habitat; the one there is when neither is drawn.

    The last few are kept: draws that share one come one after another.
    """

    KEPT = 4

    def __init__(
        self,
        land: Landscape,
        patches: Patches,
        sets: Sequence[Sequence[Intervention]],
        lines: Sequence[str],
        numbers: Sequence[Unknown],
        *,
        shared: bool,
    ) -> None:
        self.land, self.rest = land, (patches, sets, lines, shared)
        self.columns = tuple(c for u in numbers if u.kind in ANEW for c in u.columns)
        self.known: OrderedDict[tuple[float, ...], _World] = OrderedDict()
        self.lock, self.first = threading.Lock(), threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another machine: locks stay, and landscapes are made there when they are needed."""
        return {k: v for k, v in vars(self).items() if k not in ("known", "lock", "first")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, known=OrderedDict(), lock=threading.Lock(), first=threading.Lock())

    def of(self, quantiles: Mapping[str, float]) -> _World:
        """The landscape of a draw."""
        name = tuple(quantiles[c] for c in self.columns)
        with self.lock:  # made once, also when two threads ask for it
            if name not in self.known:
                made = remade(self.land, {c: quantiles[c] for c in self.columns})
                patches, sets, lines, shared = self.rest
                here = patches if made is self.land else patches.on(made)
                self.known[name] = _World(made, here, sets, lines, shared, self.first)
                if len(self.known) > self.KEPT:
                    self.known.popitem(last=False)
            return self.known[name]


def remade(land: Landscape, quantiles: Mapping[str, float]) -> Landscape:
    """The landscape with its lines elsewhere and its habitat otherwise.

    Parameters
    ----------
    land : Landscape
    quantiles : mapping
        ``map.<line>.east`` and ``map.<line>.north``, keys of the ground's factor rows.
    """
    made = land
    shifts = {
        line: tuple(float(ndtri(quantiles[f"map.{line}.{way}"])) * a / NORMAL_90 for way in ("east", "north"))
        for line, a in accuracies(land).items()
        if f"map.{line}.east" in quantiles
    }
    if shifts:
        barriers = displaced(land.barriers, shifts, land.grid, land.valid)  # type: ignore[arg-type]
        made = replace(
            made, barriers=barriers, cuts=cut_edges(barriers, land.grid, neighbours=land.neighbours)
        )
    if land.ground is not None and any(k in quantiles for k in land.ground.rows):
        made = replace(made, resistance=check_resistance(land.ground.resistance(quantiles), land.grid.shape))
    return made


def inputs_hash(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]],
    numbers: Sequence[Unknown],
) -> str:
    """Hash of everything that a draw depends on but its quantiles."""
    chances = [
        [(c.name, c.key, *(e and e.as_tuple() for e in (c.chance, c.trace_m, c.cost_m))) for c in row]
        for row in land.components
    ]
    steps = [[repr(i) for i in s] for s in sets]
    shapes = (
        b"".join(g.wkb for g in land.barriers.table.geometry)
        if any(u.kind == "map" for u in numbers)
        else b""
    )
    return content_hash(
        __version__, land.resistance, land.cuts.cell, land.cuts.direction, land.cuts.barrier, land.cuts.km,
        land.standing, repr(chances), repr(land.trace_length.as_tuple()), str(land.scenario), patches.labels,
        patches.table["weight"].to_numpy(float), repr(steps), repr(land.grid), land.chance_of, repr(land.fence_chances),
        [repr(u) for u in numbers], shapes,
    )  # fmt: skip


def draw_costs(
    land: Landscape,
    lines: Sequence[str],
    draws: int,
    *,
    vary: Sequence[str] = VARY,
    draws_anew: int | None = None,
) -> pd.DataFrame:
    """What the draws of a ranking will cost, before they are made.

    Parameters
    ----------
    land : Landscape
    lines : sequence of str
        Lines of the candidates.
    draws : int
    vary : sequence of str
        Kinds to draw.
    draws_anew : int, optional
        As for :func:`permeability.ranking.ranking.rank`.

    Returns
    -------
    DataFrame
        ``kind``, ``what``, ``count``, ``seconds`` on one core, and ``chosen``: whether ``vary`` asks for the kind.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> draw_costs(land, ["F"], 500, vary=("crossing", "map"), draws_anew=20)[["kind", "count", "chosen"]].values.tolist()
    [['crossing', 500, True], ['weights', 500, False], ['habitat', 20, False], ['map', 20, True]]
    """
    every = [str(x) for x in land.barriers.table["line"][land.chance_of > 0]]
    shared = interface_nodes(land, every) if worth_sharing(land, lines) else None
    if any(k in ANEW for k in vary) and not draws_anew:
        shared = None
    table = cost_of_draws(
        int(land.valid.sum()), interface_nodes(land, lines), draws, shared=shared, cuts=len(land.cuts), anew=draws_anew or 0
    )  # fmt: skip
    asked = {
        "crossing": VARY[:3] + ("unmapped",),
        "weights": ("weights", "cost"),
        "habitat": ("habitat",),
        "map": ("map",),
    }
    return table.assign(chosen=[any(v in asked[k] for v in vary) for k in table["kind"]])
