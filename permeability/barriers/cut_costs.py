"""Crossing cost of every cut after interventions: each cut in the pieces of line that it stands for.

An intervention acts on a stretch of line.  A cut that the stretch covers in part is crossed at two costs side by side,
each over its share of the stretch that the cut stands for (:mod:`permeability.barriers.own_stretches`); so do rows of one
line that meet within it.  What is opened is as long as what is drawn, wherever the grid begins and however the line
is split into rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import COST, TRACE, Component, Values, level_values, width_of
from permeability.barriers.cut_links import CutLinks, distinct
from permeability.barriers.edge_cuts import CutTable
from permeability.barriers.line_chains import LineChains
from permeability.barriers.lines import Barriers
from permeability.barriers.passability import crossing_cost_m, treated_chances
from permeability.barriers.passability.structures import structure_rules
from permeability.barriers.passability.tracing import (
    REACH_TRACES,
    found_chance,
    traced_cost_m,
)
from permeability.barriers.scenario import FACTS, Intervention
from permeability.barriers.treatments import treatments
from permeability.core.estimate import Estimate
from permeability.species import SpeciesProfile

Treated = dict[tuple[int, tuple[object, ...]], tuple[tuple[Component, ...], dict[int, tuple[Estimate, str]]]]
THINNEST = 1e-8  # share of a cut below which a piece is rounding

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class CutParts(NamedTuple):
    """Cuts that are crossed at several costs side by side, one row a piece, sorted by cut.

    ``cut``: number of the cut; ``share`` of the stretch it stands for, the shares of a cut add up to 1; ``cost``: crossing
    cost there [m of open ground].
    """

    cut: Ints
    share: Array
    cost: Array


@dataclass(frozen=True)
class CutCosts:
    """Crossing cost of every cut in both views.

    Attributes
    ----------
    cost_m : array, shape (cuts,)
        Least-cost view: the most open piece counts, for an animal that knows the way [m of open ground]; ``inf`` =
        impassable.
    interface_m : array, shape (cuts,)
        Circuit view; of a cut in pieces the one cost that conducts as much as they do side by side [m of open
        ground].
    parts : CutParts
        The cuts in pieces.
    """

    cost_m: Array
    interface_m: Array
    parts: CutParts


class Act(NamedTuple):
    """One intervention on one chain: where it acts [m along the chain], and on which barrier rows.

    ``mouth``: from where to where an animal that traces the line meets the opening; None for what is not looked for.
    """

    chain: int
    low: float
    high: float
    step: Intervention
    rows: tuple[int, ...]
    mouth: tuple[float, float] | None = None


class CutSites(NamedTuple):
    """Where interventions act on a cut table, which hangs on no unknown number.

    ``pieces`` of the cuts that an act or the end of a row meets, the openings beside them, and the ``places`` where lines that
    link cuts are met.
    """

    acts: list[Act]
    pieces: Pieces
    mouths: list[Act]
    near: NearMouths
    places: Pieces


class CostModel:
    """Crossing costs of a barrier table for one choice of the uncertain numbers.

    Parameters
    ----------
    barriers, components
        The table and, for each of its rows, its components.
    trace_length : Estimate
        Mean trace length [m].
    values : callable, optional
        Which number of each estimate to use; best by default.
    profile : SpeciesProfile, optional
        Needed for treatments whose chance depends on the species.
    standing : bool array, shape (rows,), optional
        Rows that stand; the others cost nothing.  All by default.
    """

    def __init__(
        self,
        barriers: Barriers,
        components: Sequence[tuple[Component, ...]],
        *,
        trace_length: Estimate,
        values: Values | None = None,
        profile: SpeciesProfile | None = None,
        standing: NDArray[np.bool_] | None = None,
    ) -> None:
        self.barriers, self.components, self.profile = barriers, components, profile
        self.values = values or level_values()
        self._picked: dict[tuple[int, str], tuple[Estimate, float]] = {}  # many rows share their numbers
        self._worth: dict[tuple[float, float], float] = {}
        self.trace_m = self.pick(trace_length, TRACE)
        self.reach_m = REACH_TRACES * trace_length.best
        self.standing = np.ones(len(barriers), bool) if standing is None else standing
        self._changes: dict[tuple[int, tuple[object, ...]], dict[int, float]] = {}

    @cached_property
    def plain(self) -> Array:
        """Crossing cost of every component of every standing row [m of open ground], shape (rows, most components)."""
        widest = max((len(c) for c in self.components), default=0)
        out = np.zeros((len(self.components), max(widest, 1)))
        for i in map(int, np.flatnonzero(self.standing)):
            for k, c in enumerate(self.components[i]):
                out[i, k] = self.cost_of(c)
        return out

    def pick(self, estimate: Estimate, key: str) -> float:
        """Value of an estimate at this choice of the uncertain numbers."""
        name = id(estimate), key  # the estimate is kept, so that its id stays its own
        if name not in self._picked:
            self._picked[name] = estimate, self.values(estimate, key)
        return self._picked[name][1]

    def _cost(self, chance: float, trace_m: float) -> float:
        """Crossing cost at a chance and a trace length [m of open ground]."""
        name = chance, trace_m
        if name not in self._worth:
            self._worth[name] = float(crossing_cost_m(chance, trace_m))
        return self._worth[name]

    def cost_of(self, part: Component) -> float:
        """Crossing cost of a component as it stands [m of open ground]: as measured, else by its chance."""
        if part.cost_m is not None:
            return self.pick(part.cost_m, f"{COST}.{part.of_class}")
        return self._cost(self.pick(part.chance, part.key), self.trace_of(part))

    def trace_of(self, part: Component) -> float:
        """Trace length at a component [m]: of its class, else the species' own."""
        return self.trace_m if part.trace_m is None else self.pick(part.trace_m, f"{TRACE}.{part.of_class}")

    def row_trace_m(self, row: int) -> float:
        """Trace length at a barrier row as a whole [m]: that of its fence, which is what animals walk along."""
        parts = self.components[row]
        fence = next((c for c in parts if c.is_fence), parts[0] if parts else None)
        return self.trace_m if fence is None else self.trace_of(fence)

    def costs(self, cuts: CutTable, interventions: Sequence[Intervention] = ()) -> CutCosts:
        """Crossing cost of every cut after interventions.

        Parameters
        ----------
        cuts : CutTable
        interventions : sequence of Intervention
            In their order; of two on one component the later counts.

        Returns
        -------
        CutCosts
        """
        return self.costs_at(cuts, self.sites(cuts, interventions))

    def sites(self, cuts: CutTable, interventions: Sequence[Intervention] = ()) -> CutSites:
        """Where interventions act on the cuts, for :meth:`costs_at` at any choice of the uncertain numbers."""
        acts = acts_of(self.barriers, cuts.chains, interventions)
        pieces, mouths = pieces_of(cuts, acts, reach_m=self.reach_m), mouths_of(acts)
        near = nearest_mouths(pieces, mouths, self.reach_m)
        return CutSites(acts, pieces, mouths, near, places_met(cuts, cuts.links))

    def costs_at(self, cuts: CutTable, sites: CutSites) -> CutCosts:
        """Crossing cost of every cut after interventions, from where they act."""
        cost = self.plain.sum(axis=1)[cuts.barrier] if len(cuts) else np.zeros(0)
        acts, pieces, mouths, near, places = sites
        worth = self.traced(self.piece_costs(pieces, acts), pieces.row, near, mouths)
        gone = cuts.links.cancelled(
            self.piece_costs(places, acts) == 0
        )  # what was met there stands no longer
        return costs_of_pieces(cost, pieces, worth, gone)

    def piece_costs(self, pieces: Pieces, acts: Sequence[Act]) -> Array:
        """Crossing cost of pieces of line after some acts [m of open ground]."""
        cost = self.plain[pieces.row].copy()
        middle = 0.5 * (pieces.low + pieces.high)
        for act in acts:
            inside = (pieces.chain == act.chain) & (middle > act.low) & (middle < act.high)
            for row in np.unique(pieces.row[inside]):
                change = self.change(int(row), act.step) if row in act.rows else {}
                here = np.flatnonzero(inside & (pieces.row == row))
                cost[here] = apply_change(cost[here], change, act.step)
        return np.asarray(cost.sum(axis=1))

    def traced(self, cost: Array, row: Ints, near: NearMouths, mouths: Sequence[Act]) -> Array:
        """Costs of pieces where an animal may trace to an opening beside them [m of open ground]."""
        if not mouths or not (near.sides >= 0).any():
            return cost
        strength = np.array([[self.strength(int(r), a) for r in near.rows] for a in mouths])
        trace = np.array([self.row_trace_m(int(r)) for r in near.rows])
        place = np.searchsorted(near.rows, row)
        found = np.zeros(len(cost))
        for side, distance in zip(near.sides.T, near.distance_m.T):
            there = np.flatnonzero(side >= 0)
            at = place[there]
            found[there] += strength[side[there], at] * found_chance(distance[there], trace[at])
        return traced_cost_m(cost, found, trace[place])

    def strength(self, row: int, mouth: Act) -> float:
        """Chance that an animal that has traced to an opening goes through, 0..1; 0 where the line is as open beside it."""
        if row not in mouth.rows or not self.standing[row]:
            return 0.0
        plain = self.plain[[row]]
        opened = float(apply_change(plain, self.change(row, mouth.step), mouth.step).sum())
        m = self.row_trace_m(row)
        return m / (m + opened) if opened < plain.sum() else 0.0

    def change(
        self,
        row: int,
        step: Intervention,
        known: Treated | None = None,
        name: tuple[int, tuple[object, ...]] | None = None,
    ) -> dict[int, float]:
        """New crossing cost by component number (-1: the whole barrier) [m]; empty when nothing applies.

        ``known``: what treatments make of rows, shared by the models of many draws; ``name``: the row with the
        :func:`signature` of the step, where it is known.
        """
        name = (row, signature(step)) if name is None else name
        if name not in self._changes:
            self._changes[name] = self._change(row, step, {} if known is None else known, name)
        return self._changes[name]

    def _change(
        self, row: int, step: Intervention, known: Treated, name: tuple[int, tuple[object, ...]]
    ) -> dict[int, float]:
        parts = self.components[row]
        absent = step.components is not None and not {c.name for c in parts} & set(step.components)
        if not parts or absent or not self.standing[row]:
            return {}  # nothing there in this draw
        if step.action == "drop":
            return dict.fromkeys(range(len(parts)), 0.0)
        if step.action == "remove":
            names = step.components
            return {i: 0.0 for i, c in enumerate(parts) if (c.name in names if names else c.is_fence)}
        if name not in known or known[name][0] is not parts:  # other parts stand in another draw
            known[name] = parts, self.treated(row, step)
        new = known[name][1]
        trace = {i: self.trace_of(parts[i]) if i >= 0 else self.row_trace_m(row) for i in new}
        return {i: self._cost(self.pick(p, key), trace[i]) for i, (p, key) in new.items()}

    def treated(self, row: int, step: Intervention) -> dict[int, tuple[Estimate, str]]:
        """Chance and key of the components that a treatment gives a new crossing chance."""
        facts = self.barriers.table.iloc[row].to_dict()
        return treated_chances(step, facts, self.components[row], self.profile)


def signature(step: Intervention) -> tuple[object, ...]:
    """What a step does, wherever it does it."""
    return step.action, step.treatment, step.components, repr(step.options), step.width_m, repr(step.chance)


def apply_change(cost: Array, change: dict[int, float], step: Intervention) -> Array:
    """Cost by component, shape (pieces, components), after a change; a treatment of the catalogue never makes it dearer.

    >>> fence = Intervention("treat", "F", treatment="modify")
    >>> apply_change(np.array([[5.0, 2.0]]), {0: 9.0}, fence).tolist(), apply_change(np.array([[5.0, 2.0]]), {-1: 3.0}, fence).tolist()
    ([[5.0, 2.0]], [[3.0, 0.0]])
    """
    new = {i: np.full(len(cost), v) for i, v in change.items()}
    return apply_changes(cost, new, np.full(len(cost), is_forced(step)))


def is_forced(step: Intervention) -> bool:
    """Whether what a step makes of a barrier counts even where it is dearer: all but treatments of the catalogue may be."""
    return step.action == "treat" and step.treatment is None


def apply_changes(cost: Array, change: Mapping[int, Array], forced: NDArray[np.bool_]) -> Array:
    """:func:`apply_change` of many pieces, each with its own new costs; NaN leaves a piece as it is.

    Parameters
    ----------
    cost : array, shape (pieces, components)
        [m of open ground]
    change : mapping
        Number of a component (-1: the whole barrier) -> new cost of every piece.
    forced : bool array, shape (pieces,)
        Whether a dearer one counts, see :func:`is_forced`.

    Returns
    -------
    array, shape (pieces, components)

    Examples
    --------
    >>> two = np.array([[5.0, 2.0], [5.0, 2.0]])
    >>> apply_changes(two, {0: np.array([3.0, np.nan])}, np.zeros(2, bool)).tolist()
    [[3.0, 2.0], [5.0, 2.0]]
    """
    out = cost.copy()
    for i, new in change.items():
        if i >= 0:
            out[:, i] = np.where((new < out[:, i]) | (forced & ~np.isnan(new)), new, out[:, i])
        else:
            better = (new < out.sum(axis=1)) | (forced & ~np.isnan(new))
            out[better] = 0.0
            out[better, 0] = new[better]
    return out


# ---------------------------------------------------------------- where interventions act
def acts_of(barriers: Barriers, chains: LineChains, interventions: Sequence[Intervention]) -> list[Act]:
    """Where interventions act, in their order.

    A stretch acts on the drawn line between its two kilometres; a structure or gap over its own width about its place,
    across the ends of rows.

    Parameters
    ----------
    barriers : Barriers
    chains : LineChains
    interventions : sequence of Intervention

    Returns
    -------
    list of Act

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> act, = acts_of(land.barriers, land.cuts.chains, [Intervention("treat", "F", 4, 4, "gap", width_m=500.0)])
    >>> act.low, act.high
    (3750.0, 4250.0)
    """
    out = []
    for step in interventions:
        if step.action in FACTS:
            continue
        by_chain: dict[int, list[int]] = {}
        for i in map(int, barriers.rows_of(step.line)):
            by_chain.setdefault(int(chains.chain[i]), []).append(i)
        for chain, rows in by_chain.items():
            spans = [s for s in (_span(barriers, chains, i, step) for i in rows) if s is not None]
            width = width_of(step)
            if spans and width is not None:
                low, high = min(s[0] for s in spans), max(s[1] for s in spans)
                end = max(chains.start[i] + chains.length[i] for i in rows)
                begin = min(chains.start[i] for i in rows)
                middle = 0.5 * (low + high)
                low, high = max(begin, middle - width / 2), min(end, middle + width / 2)
                out += _opening(Act(chain, low, high, step, tuple(rows), (low, high))) if high > low else []
                continue
            out += [Act(chain, a, b, step, tuple(rows)) for a, b in _joined(spans) if b > a]
    return out


def _opening(act: Act) -> list[Act]:
    """A structure or gap; a gap wider than the catalogue's widest is that gap with the fences down between its halves."""
    step, wide = act.step, float(structure_rules()["types"]["gap_500m"]["min_width_m"])
    known = treatments().get(str(step.treatment))
    gap = (
        known is not None
        and known.is_structure
        and known.effect["structure"] == "gap"
        and step.chance is None
    )
    if not gap or act.high - act.low <= wide:
        return [act]
    left = act._replace(high=act.low + wide / 2)
    right = act._replace(low=act.high - wide / 2, mouth=None)
    return [left, right, act._replace(low=left.high, high=right.low, step=_freed(step), mouth=None)]


def _freed(step: Intervention) -> Intervention:
    """The fences of a step's place taken down."""
    return Intervention("remove", step.line, step.km_from, step.km_to, components=step.components)


def mouths_of(acts: Sequence[Act]) -> list[Act]:
    """The acts that animals look for along a line, by chain and place."""
    found = [a for a in acts if a.mouth is not None]
    return sorted(found, key=lambda a: (a.chain, a.mouth or (0.0, 0.0)))


def _span(barriers: Barriers, chains: LineChains, row: int, step: Intervention) -> tuple[float, float] | None:
    """Stretch of a chain between the kilometres of a step on one row [m]."""
    low, high = barriers.chainages[row].km_range
    a, b = max(step.km_from, low), min(step.km_to, high)
    if a > b:
        return None
    ends = [_place(barriers, chains, row, k) for k in (a, b)]
    return min(ends), max(ends)


def _place(barriers: Barriers, chains: LineChains, row: int, km: float) -> float:
    """Distance along its chain of a kilometre of a row; the ends of the row exactly [m]."""
    chain, length = barriers.chainages[row], float(chains.length[row])
    low, high = chain.km_range
    rising = bool(chain.km[-1] >= chain.km[0])
    if km <= low or km >= high:
        dist = 0.0 if (km <= low) == rising else length
    else:
        dist = float(chain.dist_at(km))
    return float(chains.along(row, np.array(dist)))


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that touch as one."""
    out: list[tuple[float, float]] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1] + 1e-6:
            out[-1] = out[-1][0], max(out[-1][1], b)
        else:
            out.append((a, b))
    return out


# ---------------------------------------------------------------- pieces
class Pieces(NamedTuple):
    """Pieces of line of the cuts that acts or the ends of rows meet, sorted by cut."""

    cut: Ints
    chain: Ints
    row: Ints
    low: Array
    high: Array
    share: Array


class NearMouths(NamedTuple):
    """The next opening on both sides of every piece.

    ``sides``: its number, shape (pieces, 2), -1 where there is none within reach; ``distance_m``: the way along the line to it;
    ``rows``: the barrier rows among the pieces.
    """

    sides: Ints
    distance_m: Array
    rows: Ints


def nearest_mouths(pieces: Pieces, mouths: Sequence[Act], reach_m: float) -> NearMouths:
    """The next openings along the line on both sides of pieces; none for a piece inside one.

    Parameters
    ----------
    pieces : Pieces
    mouths : sequence of Act
        As :func:`mouths_of` gives them.
    reach_m : float
        Beyond it none is looked for [m].

    Returns
    -------
    NearMouths
        Without openings it names no rows.
    """
    n, middle = len(pieces.cut), 0.5 * (pieces.low + pieces.high)
    sides, distance = np.full((n, 2), -1, np.int64), np.zeros((n, 2))
    if mouths and n:
        low = np.array([complex(a.chain, (a.mouth or (0, 0))[0]) for a in mouths])
        high = np.array([complex(a.chain, (a.mouth or (0, 0))[1]) for a in mouths])
        here = pieces.chain + 1j * middle
        before, after = np.searchsorted(low, here, side="right") - 1, np.searchsorted(low, here, side="left")
        b, a = np.clip(before, 0, None), np.minimum(after, len(mouths) - 1)
        to_b, to_a = middle - high[b].imag, low[a].imag - middle
        ok_b = (before >= 0) & (high[b].real == pieces.chain)
        inside = ok_b & (to_b < 0)
        ok_b &= ~inside & (to_b <= reach_m)
        ok_a = (after < len(mouths)) & (low[a].real == pieces.chain) & ~inside & (to_a <= reach_m)
        sides[:, 0], sides[:, 1] = np.where(ok_b, b, -1), np.where(ok_a, a, -1)
        distance[:, 0], distance[:, 1] = np.where(ok_b, to_b, 0.0), np.where(ok_a, to_a, 0.0)
    return NearMouths(sides, distance, distinct(pieces.row) if mouths else np.zeros(0, np.int64))


def pieces_of(
    cuts: CutTable, acts: Sequence[Act], which: Ints | None = None, *, reach_m: float = 0.0
) -> Pieces:
    """The stretches of cuts broken where acts begin and end and where rows of a line meet.

    Parameters
    ----------
    cuts : CutTable
    acts : sequence of Act
    which : int array, optional
        Cuts to look at; by default those that an act or the end of a row meets.
    reach_m : float
        How far beside an opening cuts are looked at as well [m].

    Returns
    -------
    Pieces
    """
    ends = [complex(a.chain, x) for a in acts for x in (a.low, a.high)]
    breaks = np.unique(np.concatenate([np.array(ends, complex), cuts.row_ends]))
    if which is None:
        which = np.unique(np.concatenate([cuts.at_row_ends, met_by_acts(cuts, acts, reach_m)]))
    chain = cuts.chains.chain[cuts.barrier[which]] if len(which) else np.zeros(0, np.int64)
    low, high = cuts.own_from[which], cuts.own_to[which]
    thin = THINNEST * (high - low)  # a break at the very end of a stretch is none: rounding opens no edge
    first = np.searchsorted(breaks, chain + 1j * (low + thin), side="right")
    inner = np.maximum(np.searchsorted(breaks, chain + 1j * (high - thin), side="left") - first, 0)
    of = np.repeat(np.arange(len(which)), inner + 1)
    number = np.arange(len(of)) - np.repeat(np.cumsum(inner + 1) - (inner + 1), inner + 1)
    padded = np.append(breaks.imag, 0.0)
    begin = np.where(number == 0, low[of], padded[np.minimum(first[of] + number - 1, len(breaks))])
    end = np.where(number == inner[of], high[of], padded[np.minimum(first[of] + number, len(breaks))])
    share = (end - begin) / (high - low)[of]
    row = cuts.row_at(chain[of], 0.5 * (begin + end), cuts.barrier[which][of])
    return Pieces(which[of], chain[of], row, begin, end, share)


def met_by_acts(cuts: CutTable, acts: Sequence[Act], reach_m: float) -> Ints:
    """Cuts that acts meet, and those from which an animal may trace to an opening."""
    found = [np.zeros(0, np.int64)]
    for a in acts:
        more = reach_m if a.mouth is not None else 0.0
        found.append(cuts.met_by(a.chain, a.low - more, a.high + more))
    return distinct(np.concatenate(found))


def linked_by(cuts: CutTable, acts: Sequence[Act]) -> Ints:
    """Cuts of other lines that may cancel once acts have opened what is met between them."""
    found = [cuts.links.met(a.chain, a.low, a.high) for a in acts] if len(cuts.links) else []
    return cuts.links.first[distinct(np.concatenate([np.zeros(0, np.int64), *found]))]


def places_met(cuts: CutTable, links: CutLinks) -> Pieces:
    """The places where lines that link cuts are met, as pieces without length."""
    row = cuts.row_at(links.chain, links.along, cuts.first_row[links.chain]) if len(links) else links.chain
    return Pieces(links.of_place, links.chain, row, links.along, links.along, np.zeros(len(row)))


def costs_of_pieces(cost: Array, pieces: Pieces, worth: Array, gone: Ints) -> CutCosts:
    """Costs of all cuts from those of the cuts in pieces; cuts that are gone cost nothing."""
    cost[gone] = 0.0
    least, circuit = cost, cost.copy()
    if not len(pieces.cut):
        none = np.zeros(0)
        return CutCosts(least, circuit, CutParts(np.zeros(0, np.int64), none, none))
    worth = np.where(np.isin(pieces.cut, gone), 0.0, worth)
    least = cost.copy()
    start = np.flatnonzero(np.concatenate([[True], np.diff(pieces.cut) != 0]))
    cut = pieces.cut[start]
    low, high = np.minimum.reduceat(worth, start), np.maximum.reduceat(worth, start)
    least[cut] = low
    with np.errstate(divide="ignore"):
        conductance = np.add.reduceat(pieces.share / worth, start)
        circuit[cut] = np.where(low == high, low, 1.0 / conductance)
    several = np.repeat(low != high, np.diff(np.append(start, len(worth))))
    return CutCosts(least, circuit, CutParts(pieces.cut[several], pieces.share[several], worth[several]))
