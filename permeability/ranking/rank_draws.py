"""How sure is the ranking?  The unknown numbers drawn again and again, every candidate exact in every draw."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from permeability.barriers.drawn_values import DrawnValues
from permeability.barriers.scenario import Intervention
from permeability.core.estimate import Estimate
from permeability.core.own_code import own_code
from permeability.core.tasks import HERE, RunOn, content_hash
from permeability.engines.circuit.interface.compressed_singles import MANY
from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.impact.what_if import CircuitView, OpenedEdges
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.landscape.resistance_values import check_resistance
from permeability.linkage.landscape_indices import pair_mean
from permeability.ranking import drawing, rank_statistics
from permeability.ranking.draw_effort import worth_sharing
from permeability.ranking.drawn_pieces import DrawnPieces
from permeability.ranking.drawn_reach import BUDGET, DISPERSAL, STATES, drawn_limit, reach_and_area
from permeability.ranking.line_positions import LinesElsewhere
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.unknown_numbers import (
    ANEW,
    LANDSCAPES,
    NORMAL_90,
    VARY,
    Unknown,
    accuracies,
    unknowns,
    weight_estimates,
)

__all__ = ["draw_ranks"]

Array = NDArray[np.float64]
BESIDE = 2  # landscapes whose draws take turns
GAINS = ("mean_conductance", "pairs_apart", "range_cut_off_km2", "reachable_km2", "eca_km2")
"""Indices that are drawn."""


def draw_ranks(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]],
    lines: Sequence[str],
    *,
    draws: int,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int = LANDSCAPES,
    inside: NDArray[np.bool_] | None = None,
    costs: Sequence[tuple[str, Estimate]] = (),
    together: Sequence[Sequence[Intervention]] = (),
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
    draws_anew : int
        How many landscapes are made anew for ``"map"``, ``"origin"`` and ``"habitat"``; the draws take turns on them.
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    costs : sequence of (treatment, Estimate), optional
        Of every candidate [USD].
    together : sequence of sequences of Intervention
        What sets of these candidates do, each opened as a whole in the same draws; they take no rank.
    on : RunOn
        Workers, a folder in which finished draws are kept (a later call with the same inputs takes them from there),
        and whom to tell; the results do not depend on it.

    Returns
    -------
    RankDraws

    Notes
    -----
    Components that share a key (all fences of one class) are drawn together: one unknown number, not many.  Where 24 draws or more share a
    landscape with many barrier edges, gains come from a compressed network (1e-7 of themselves; see
    :meth:`permeability.engines.circuit.interface.interface.Interface.singles`).

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sets = [s.interventions for s in pm.candidates(land, "F", length_m=4000)]
    >>> draw_ranks(land, patches, sets, ["F"], draws=5).ranks.shape
    (5, 2)
    """
    numbers = unknowns(land, patches, sets, dict(costs), vary)
    quantiles = draw_quantiles(numbers, draws, rng, draws_anew)
    inside = land.valid if inside is None else inside
    anew = any(u.kind in ANEW for u in numbers)
    asked, single = [*sets, *together], len(sets)
    shared, many = not anew or draws >= 2 * draws_anew, draws >= MANY * (draws_anew if anew else 1)
    worlds = _Worlds(land, patches, asked, lines, numbers, inside, shared=shared, many=many)
    weights = drawn_weights(patches, quantiles)
    limits = [
        1000 * drawn_limit(land.profile.estimates()[k], quantiles.get(k), draws) for k in (BUDGET, DISPERSAL)
    ]
    states = min(STATES, draws)
    values = DrawnValues(list(quantiles.columns), quantiles.to_numpy(float))

    def one(task: tuple[str, int]) -> Array:
        what, d = task
        here = values.draw(d)
        world = worlds.of(here)
        drawn = world.land.drawn(here)
        if what == "fields":
            mine = slice(d, draws, states)
            weight = weights[mine][:, world.of_drawn] * world.patches.share
            return reach_and_area(
                drawn, world.patches, world.effects, limits[0][mine], limits[1][mine], weight, single
            )
        opened = world.effects.after(drawn)
        today, after = world.resistances(drawn, opened[1])
        weight = weights[d][world.of_drawn] * world.patches.share
        apart = world.patches.pairs_apart(np.isfinite(np.concatenate([today[None], after])))
        return np.stack([
            conductance_gain(today, after, weight, world.patches.pairs(), with_today=True), apart.astype(float),
            world.pieces.cut_off(drawn, opened[0]),
        ])  # fmt: skip

    same = "" if on.store is None else inputs_hash(land, patches, asked, numbers, inside)
    columns = content_hash(values.names)

    def key(task: tuple[str, int]) -> str:
        what, d = task
        of = slice(d, draws, states) if what == "fields" else slice(d, d + 1)
        way = (what, single) if what == "fields" else (what, "compressed") if many else (what,)
        return content_hash(*way, same, columns, values.quantiles[of])

    turns = [(d % draws_anew if anew else 0, d, "state") for d in range(draws)]
    turns += [(d % draws_anew if anew else 0, d, "fields") for d in range(states)]
    # draws of two landscapes take turns, so that two threads make two at once and neither waits for the other
    turns.sort(key=lambda turn: (turn[0] // BESIDE, turn[1] // draws_anew, turn[2], turn[1]))
    tasks = [(what, d) for _, d, what in turns]
    found = np.full((draws, len(GAINS), 1 + len(asked)), np.nan)
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # small dense blocks: more threads only wait for each other
        for i, result in on.tasks(one, tasks, label="draws", key=key):
            what, d = tasks[i]
            if what == "fields":
                found[d::states, 3:, : 1 + single] = result  # of sets, only the conductance is asked for
            else:
                found[d, :3] = result
    today = pd.DataFrame(found[:, :, 0], columns=list(GAINS))
    gains = {index: np.ascontiguousarray(found[:, i, 1:]) for i, index in enumerate(GAINS)}
    for index in ("pairs_apart", "range_cut_off_km2"):  # less is better
        gains[index] = today[index].to_numpy()[:, None] - gains[index]
    every = gains.pop("mean_conductance")
    best, joint = np.ascontiguousarray(every[:, :single]), every[:, single:]
    gains = {index: np.ascontiguousarray(g[:, :single]) for index, g in gains.items()}
    ranks = rank_statistics.ranks(best)
    return RankDraws(quantiles, best, ranks, numbers, _costs(costs, quantiles), gains, today, joint)


def draw_quantiles(
    numbers: Sequence[Unknown], draws: int, rng: int | np.random.Generator, draws_anew: int | None = None
) -> pd.DataFrame:
    """Quantiles of all unknown numbers; those that need the landscape anew repeat after ``draws_anew`` draws."""
    table = drawing.quantiles([c for u in numbers for c in u.columns], draws, rng)
    if draws_anew:
        anew = [c for u in numbers if u.kind in ANEW for c in u.columns]
        table[anew] = table[anew].to_numpy()[np.arange(draws) % draws_anew]
    return table


def conductance_gain(
    today: Array,
    after: Array,
    weight: Array,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    *,
    with_today: bool = False,
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
    with_today : bool
        Put today's mean conductance in front.

    Examples
    --------
    >>> today, opened = np.array([[0.0, 4.0], [4.0, 0.0]]), np.array([[[0.0, 2.0], [2.0, 0.0]]])
    >>> conductance_gain(today, opened, np.ones(2), with_today=True).tolist()
    [0.25, 0.25]
    """
    i, j = np.triu_indices(len(weight), 1) if pairs is None else pairs
    pair = weight[i] * weight[j]
    before = pair_conductance(today[i, j])
    gains = pair_mean(pair_conductance(after[:, i, j]) - before, pair)
    return np.concatenate([[float(pair_mean(before, pair))], gains]) if with_today else gains


def drawn_weights(patches: Patches, quantiles: pd.DataFrame) -> Array:
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


def at_draw(
    land: Landscape, patches: Patches, drawn: RankDraws, draw: int
) -> tuple[Landscape, Landscape, Patches, Array]:
    """The landscape of one draw once more, as the ranking had it.

    Parameters
    ----------
    land : Landscape
        The ranking's own.
    patches : Patches
    drawn : RankDraws
    draw : int

    Returns
    -------
    (Landscape, Landscape, Patches, array)
        With lines and habitat as drawn; the same with its crossing numbers too; patches on it; weight of every pair of them.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=8).draws
    >>> _, there, here, weights = at_draw(land, patches, drawn, 3)
    >>> there.grid == land.grid, here.ids, weights.shape
    (True, ['W', 'E'], (2, 2))
    """
    numbers = {str(k): float(v) for k, v in drawn.quantiles.iloc[draw].items()}
    made = remade(land, {c: numbers[c] for u in drawn.unknowns if u.kind in ANEW for c in u.columns})
    mine = patches if made is land else patches.on(made)
    of_drawn = [(patches.whole or patches).ids.index(i) for i in mine.drawn]
    weight = drawn_weights(patches, drawn.quantiles)[draw][of_drawn] * mine.share
    pairs = np.zeros((len(weight),) * 2)
    i, j = mine.pairs()
    pairs[i, j] = pairs[j, i] = weight[i] * weight[j]
    return made, made.drawn(numbers), mine, pairs


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
        inside: NDArray[np.bool_],
        shared: bool,
        many: bool,
        first: threading.Lock,
        ground: SharedGround | None = None,
    ) -> None:
        self.first = first  # taken by the first condensation of all worlds, never released
        self.land, self.patches, self.lines, self.effects = land, patches, lines, EdgeEffects(land, sets)
        self.pieces = DrawnPieces(land, inside, self.effects)
        self.of_drawn = [(patches.whole or patches).ids.index(i) for i in patches.drawn]
        self.view: CircuitView | None = None
        if shared and worth_sharing(land, lines):
            may_stand = replace(land, standing=land.chance_of > 0)
            standing = list(dict.fromkeys(land.barriers.table["line"][may_stand.standing]))
            self.view = CircuitView(
                may_stand, patches, standing, check=first.acquire(blocking=False), ground=ground
            )
            self.outside = np.searchsorted(land.cuts.edges[0], self.view.keys)
            self.opened = OpenedEdges(self.view.position(self.effects.keys), self.effects.start)
            opened = self.opened.candidates(self.effects.after(may_stand)[1])
            self.singles = self.view.face.singles(opened, many=many)

    def resistances(self, drawn: Landscape, opened: Array) -> tuple[Array, Array]:
        """Effective resistances in one draw, without any candidate (P, P) and with each of them (K, P, P).

        ``opened``: series resistance of the edges that the candidates touch, of :meth:`EdgeEffects.after`.
        """
        if self.view is None:
            view = CircuitView(drawn, self.patches, self.lines, check=self.first.acquire(blocking=False))
            mine = view.candidates(self.effects.start, self.effects.keys, opened)
            after, today = view.face.singles_and_today(mine)
            return today, after
        series = drawn.every_edge.resistance[self.outside]
        after, today = self.view.face.singles_and_today(
            self.opened.candidates(opened), series, prepared=self.singles
        )
        return today, after


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
        inside: NDArray[np.bool_],
        *,
        shared: bool,
        many: bool,
    ) -> None:
        self.land, self.rest = land, (patches, sets, lines, inside, shared, many)
        self.columns = tuple(c for u in numbers if u.kind in ANEW for c in u.columns)
        self.known: OrderedDict[tuple[float, ...], _Place] = OrderedDict()
        self.lock, self.first = threading.Lock(), threading.Lock()
        self.ground = _shared_ground(land) if self.columns else None
        self.accuracy = accuracies(land)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another machine: locks stay, and landscapes are made there when they are needed."""
        return {k: v for k, v in vars(self).items() if k not in ("known", "lock", "first", "ground")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        locks = {"lock": threading.Lock(), "first": threading.Lock()}
        vars(self).update(state, known=OrderedDict(), **locks)
        self.ground = _shared_ground(self.land) if self.columns else None

    def of(self, quantiles: Mapping[str, float]) -> _World:
        """The landscape of a draw."""
        name = tuple(quantiles[c] for c in self.columns)
        with self.lock:
            place = self.known.setdefault(name, _Place())
            if len(self.known) > self.KEPT:
                self.known.popitem(last=False)
        with place.lock:  # made once, also when two threads ask for it; who asks for another does not wait
            if place.world is None:
                place.world = self._made({c: quantiles[c] for c in self.columns})
            return place.world

    def _made(self, quantiles: Mapping[str, float]) -> _World:
        made = remade(self.land, quantiles, self.accuracy)
        patches, sets, lines, inside, shared, many = self.rest
        here = patches if made is self.land else patches.on(made, shapes=False)
        return _World(made, here, sets, lines, inside, shared, many, self.first, self.ground)


def _shared_ground(land: Landscape) -> SharedGround:
    """What landscapes share that are made of this one with its lines elsewhere."""
    cuts, barred = land.cuts, np.zeros(land.grid.shape, bool)
    links = (cuts.direction < 4) & (land.chance_of > 0)[cuts.barrier]
    cell, k = cuts.cell[links], cuts.direction[links]
    barred.ravel()[np.concatenate([cell, cell + D_ROW[k] * land.grid.cols + D_COL[k]])] = True
    return SharedGround(barred & land.valid)


class _Place:
    """Where a landscape is, or will be once somebody has made it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.world: _World | None = None


def remade(
    land: Landscape, quantiles: Mapping[str, float], accuracy: Mapping[str, float] | None = None
) -> Landscape:
    """The landscape with its lines elsewhere and its habitat otherwise.

    Parameters
    ----------
    land : Landscape
    quantiles : mapping
        ``map.<line>.east`` and ``map.<line>.north``, ``origin.east`` and ``origin.north`` (all lines by one vector,
        uniform over a cell), keys of the ground's factor rows.
    accuracy : mapping, optional
        Of this landscape (:func:`permeability.ranking.unknown_numbers.accuracies`), where it is remade again and again.
    """
    made = land
    moves = any(k.startswith(("map.", "origin.")) for k in quantiles)
    if accuracy is None:
        accuracy = accuracies(land) if moves else {}
    shifts: dict[str, tuple[float, float]] = {}
    for line, a in accuracy.items():
        if f"map.{line}.east" in quantiles:
            x, y = (float(ndtri(quantiles[f"map.{line}.{way}"])) * a / NORMAL_90 for way in ("east", "north"))
            shifts[line] = x, y
    if "origin.east" in quantiles:
        east, north = ((quantiles[f"origin.{w}"] - 0.5) * land.grid.cell_size for w in ("east", "north"))
        own = {str(line): shifts.get(str(line), (0.0, 0.0)) for line in land.barriers.table["line"]}
        shifts = {line: (x + east, y + north) for line, (x, y) in own.items()}
    if shifts:
        kept = LinesElsewhere.of(land.barriers)
        made = made.drawn_elsewhere(*kept.at(shifts, land.barriers, land.grid, land.valid, land.neighbours))
    if land.ground is not None and any(k in quantiles for k in land.ground.rows):
        made = replace(made, resistance=check_resistance(land.ground.resistance(quantiles), land.grid.shape))
    return made


def inputs_hash(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]],
    numbers: Sequence[Unknown],
    inside: NDArray[np.bool_] | None = None,
) -> str:
    """Hash of everything that a draw depends on but its quantiles; of barriers only those that may stand count."""
    may = land.standing | (land.chance_of > 0)
    told = {
        int(i): [
            [(c.name, c.key, c.of_class, c.is_fence, *(e and e.as_tuple() for e in (c.chance, c.trace_m, c.cost_m))) for c in parts]
            for parts in (land.components[i], *land.either_way.get(int(i), ()))
        ]
        for i in np.flatnonzero(may)
    }  # fmt: skip
    facts = land.barriers.table.drop(columns="geometry")[may].to_csv(index=False)
    steps = [[repr(i) for i in s] for s in sets]
    shapes = (
        b"".join(g.wkb for g in land.barriers.table.geometry[may])
        if any(u.kind in ("map", "origin") for u in numbers)
        else b""
    )
    return content_hash(
        own_code(), land.resistance, land.cuts.cell, land.cuts.direction, land.cuts.barrier, land.cuts.km, land.cuts.normal_m, land.cuts.own_from,
        land.cuts.own_to, land.neighbours, land.standing, repr(told), facts, repr(land.profile), repr(land.profile.data), patches.drawn, patches.share,
        repr(land.trace_length.as_tuple()), str(land.scenario), patches.labels,
        patches.table["weight"].to_numpy(float), repr(steps), repr(land.grid), land.chance_of, repr(land.fence_chances),
        [repr(u) for u in numbers], shapes, b"" if inside is None else np.packbits(inside).tobytes(),
        repr([land.profile.estimates()[k].as_tuple() for k in (BUDGET, DISPERSAL)]),
    )  # fmt: skip
