"""What sets of a ranking's candidates are worth together: exact in the circuit view and in the least-cost view.

Candidates may share fences: two wires of one railway, two treatments of one stretch.  What such candidates do
together is asked from the landscape, not added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import width_of
from permeability.barriers.scenario import Intervention
from permeability.core.errors import OptionError
from permeability.core.renamed import renamed
from permeability.engines.circuit.interface.compressed import CompressedInterface
from permeability.engines.circuit.interface.interface import Candidates
from permeability.engines.circuit.interface.relaxation import RelaxedGain
from permeability.engines.circuit.interface.set_value import SetValue
from permeability.engines.leastcost.opening_sets import OpenedWays, way_sets
from permeability.engines.leastcost.openings import Openings, PortalNetwork
from permeability.engines.leastcost.surface import cost_surface
from permeability.impact.what_if import Change
from permeability.landscape.edge_effects import EdgeEffects
from permeability.planning.gain_bounds import Columns
from permeability.planning.set_gains import SetGains
from permeability.planning.set_rules import Members
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import Ranking

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_SHARING = 8  # candidates on one edge of which every set is looked at

__getattr__ = renamed(__name__, {"alternatives": "exclusive_pairs"})


class Gains(SetGains, Protocol):
    """Joint gains of a ranking's candidates in one view."""

    monotone: bool


class CircuitGains(SetValue):
    """Gain in mean conductance of any set of a ranking's candidates [1].

    Parameters
    ----------
    ranking : Ranking
    apart : sequence of (int, int)
        Candidates that are never built together.
    """

    def __init__(self, ranking: Ranking, apart: Sequence[tuple[int, int]] = ()) -> None:
        self.engine, self.sites, self.apart = ranking.engine, ranking.sites, apart
        self._meeting: dict[Members, tuple[Ints, Floats]] = {}  # of candidates that meet on an edge
        face = self.engine.view.face
        candidates = self._effects([s.interventions for s in self.sites])
        self.monotone = not bool((candidates.after > face.crossing[candidates.cut] * (1 + 1e-12)).any())
        scale = 1.0 / float(face.weights[np.triu_indices_from(face.weights, 1)].sum())
        super().__init__(face, candidates, "conductance", self._joint_effects, scale)

    def _effects(self, sets: Sequence[Iterable[Intervention]]) -> Candidates:
        """Edges of the view that sets of interventions touch, and their series resistance afterwards."""
        effects = EdgeEffects(self.engine.land, sets)
        return self.engine.view.candidates(effects.start, effects.keys, effects.after(self.engine.land)[1])

    def _joint_effects(self, members: Members) -> tuple[Ints, Floats]:
        """Edges that some candidates touch and their series resistance with all of them built.

        An edge sees those candidates only that touch it, so each few that meet on an edge are asked for once.
        """
        c, rows = self.candidates, self.candidates.rows(members)
        owner = np.repeat(members, np.diff(c.start)[list(members)])
        order = np.lexsort((owner, c.cut[rows]))
        cut, owner, after = c.cut[rows][order], owner[order], c.after[rows][order]
        first = (
            np.flatnonzero(np.concatenate([[True], np.diff(cut) != 0])) if len(cut) else np.zeros(0, np.int64)
        )
        cut, after = cut[first], after[first]
        count = np.diff(np.append(first, len(owner)))
        shared = np.flatnonzero(count > 1)
        groups = [tuple(owner[first[e] : first[e] + count[e]].tolist()) for e in shared]
        new = [few for few in dict.fromkeys(groups) if few not in self._meeting]
        if new:
            self._meeting.update(zip(new, self._each_joint(new)))
        for e, few in zip(shared, groups):
            there, series = self._meeting[few]
            after[e] = series[np.searchsorted(there, cut[e])]
        return cut, after

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of a built set with each of some candidates."""
        if self.monotone:
            return super().with_each(built, which)
        done = tuple(built)  # a fence that gets tighter can cut what was joined: set by set
        return np.array([self((*done, k)) for k in which])

    def without_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of a built set without each of some of its candidates."""
        if self.monotone:
            return super().without_each(built, which)
        done = tuple(built)
        return np.array([self([j for j in done if j != k]) for k in which])

    def compress(self, tolerance: float = 1e-6, *, single: bool = False) -> CompressedInterface:
        """The same gains from a small equivalent of the network: any set in milliseconds, within a checked tolerance.

        Parameters
        ----------
        tolerance : float
            Largest relative error of the gain of any set that is worked out both ways.
        single : bool
            Round to single precision where the tolerance is met with that.

        Returns
        -------
        CompressedInterface
            Its gains are weighted sums over pairs; times ``scale`` they are those of this object.

        Raises
        ------
        OptionError
            O70 when a candidate makes a barrier tighter, O71 when too many meet on one edge.

        Examples
        --------
        >>> import permeability as pm
        >>> land, patches = pm.samples.tiny()
        >>> gains = CircuitGains(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000)))
        >>> small = gains.compress(1e-4)
        >>> bool(np.isclose(small.gain([0, 2]) * gains.scale, gains([0, 2]), rtol=1e-4))
        True
        """
        return self.face.compress(
            self.candidates, tolerance, joint=self._each_joint, apart=self.apart, single=single
        )

    def _each_joint(self, sets: Sequence[Members]) -> list[tuple[Ints, Floats]]:
        """Of several sets: edges that they touch and their series resistance with all of each built."""
        together = self._effects(
            [[i for k in members for i in self.sites[k].interventions] for members in sets]
        )
        spans = [slice(a, b) for a, b in zip(together.start, together.start[1:])]
        return [(together.cut[s], together.after[s]) for s in spans]

    @cached_property
    def relaxed(self) -> RelaxedGain:
        """The concave relaxation, unscaled."""
        return RelaxedGain(self.face, self.candidates, "conductance", self.joint, self.apart)


class LeastCostGains:
    """Gain in mean efficiency of the ways between patches (the inverse of the index ``detour``) [1].

    Parameters
    ----------
    ranking : Ranking
    apart : sequence of (int, int)
    workers : int
        Threads for the fields from the ends of all openable edges.

    Raises
    ------
    OptionError
        O63 when a candidate makes a barrier tighter, O64 when too many meet on one edge.
    """

    monotone = True

    def __init__(self, ranking: Ranking, apart: Sequence[tuple[int, int]] = (), *, workers: int = 1) -> None:
        self.engine, self.sites, self.apart = ranking.engine, ranking.sites, apart
        land, patches = self.engine.land, self.engine.patches
        changes = self.engine.changes([s.interventions for s in self.sites])
        tighter = [s.id for s, c in zip(self.sites, changes) if c.rises]
        if tighter:
            raise OptionError(
                "O63", "the least-cost view of a choice takes openings only.", rows=tighter,
                remedy="leave out candidates that make a barrier tighter, or use view='circuit'",
            )  # fmt: skip
        groups, openings = self._groups(changes)
        surface = cost_surface(
            land.resistance,
            cell_size=land.grid.cell_size,
            neighbours=land.neighbours,
            barriers=self.engine.edges,
        )
        network = PortalNetwork.build(surface, self.engine.masks, Openings.of(openings), workers=workers)
        self.ways = OpenedWays(network, tuple(groups))
        weight = patches.table["weight"].to_numpy(float)
        i, j = patches.pairs()
        self.pairs, self.open_cost = (i, j), self.engine.open_cost[i, j]
        self.weight = weight[i] * weight[j] / float((weight[i] * weight[j]).sum())
        self.today = self._efficiency(self.ways.costs(()))

    def _groups(self, changes: Sequence[Change]) -> tuple[list[frozenset[int]], list[Any]]:
        """Sites that open edges, alone and together where they meet on an edge, each with its edges and costs."""
        groups, openings = [], []
        owners: dict[int, list[int]] = {}
        alone: list[dict[int, float]] = []
        for k, change in enumerate(changes):
            keys, cost = change.keys, change.cost
            alone.append(dict(zip(keys.tolist(), cost.tolist())))
            for key in keys.tolist():
                owners.setdefault(key, []).append(k)
            better = cost < self.engine.edges.at(keys)[0]
            groups.append(frozenset([k]))
            openings.append((keys[better] // 8, keys[better] % 8, cost[better]))
        for sharing in {tuple(o) for o in owners.values() if len(o) > 1}:
            keys = np.array([key for key, o in owners.items() if tuple(o) == sharing])
            for group in self._sets_of(sharing):
                joint = self.engine.change([i for k in group for i in self.sites[k].interventions])
                cost = joint.edges.at(keys)[0]
                least = np.array([min(alone[k][key] for k in group) for key in keys.tolist()])
                better = cost < least
                if better.any():
                    groups.append(frozenset(group))
                    openings.append((keys[better] // 8, keys[better] % 8, cost[better]))
        return groups, openings

    def _sets_of(self, sharing: tuple[int, ...]) -> list[tuple[int, ...]]:
        if len(sharing) > MOST_SHARING:
            raise OptionError(
                "O64", f"{len(sharing)} candidates meet on one edge; the least-cost view takes {MOST_SHARING}.",
                rows=[self.sites[k].id for k in sharing], remedy="leave some of them out, or use smaller cells",
            )  # fmt: skip
        never = {frozenset(p) for p in self.apart}
        sets = [s for n in range(2, len(sharing) + 1) for s in combinations(sharing, n)]
        return [s for s in sets if not any(frozenset(p) in never for p in combinations(s, 2))]

    def _efficiency(self, cost: Floats) -> float:
        return float(self._each(cost[self.pairs]) @ self.weight)

    def _each(self, cost: Floats) -> Floats:
        """Efficiency of pairs at given costs: way without barriers over way with them, 0 when apart."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(cost > 0, self.open_cost / cost, 1.0)

    def __call__(self, members: Iterable[int]) -> float:
        return self._efficiency(self.ways.costs(tuple(members))) - self.today

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of a built set with each of some candidates."""
        done = tuple(built)
        return np.array([self((*done, k)) for k in which])

    @cached_property
    def columns(self) -> tuple[Columns, bool]:
        """What sets of sites are worth to pairs, and whether all of them are listed."""
        found = way_sets(self.ways, apart=self.apart)
        number = {(int(a), int(b)): n for n, (a, b) in enumerate(zip(*self.pairs))}
        pair = np.array([number[a, b] for a, b in zip(found.first.tolist(), found.second.tolist())], np.int64)
        before = self._each(self.ways.costs(())[self.pairs])
        with np.errstate(divide="ignore", invalid="ignore"):
            after = np.where(found.cost > 0, self.open_cost[pair] / found.cost, 1.0)
        gain = (after - before[pair]) * self.weight[pair]
        keep = np.flatnonzero(gain > 0)
        return Columns(
            pair[keep].tolist(), [found.sites[i] for i in keep], gain[keep].tolist()
        ), found.complete


# ---------------------------------------------------------------- candidates that exclude each other
def exclusive_pairs(sites: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Pairs of candidates that cannot both be built: two treatments of one place, or a part and its whole.

    >>> from permeability.core.estimate import Estimate
    >>> def site(name, *steps):
    ...     return Candidate(name, "R", 0, 5, steps, Estimate.exact(1.0, "USD"))
    >>> down, wire = Intervention("remove", "R", 0, 5), Intervention("treat", "R", 0, 5, "modify")
    >>> exclusive_pairs([site("a", down), site("b", wire), site("c", Intervention("remove", "R", 5, 9))])
    [(0, 1)]
    """
    by_line: dict[str, list[tuple[int, Intervention]]] = {}
    for k, site in enumerate(sites):
        for step in site.interventions:
            by_line.setdefault(step.line, []).append((k, step))
    found = set()
    for steps in by_line.values():
        steps.sort(key=lambda s: s[1].km_from)
        for n, (j, first) in enumerate(steps):
            for k, second in steps[n + 1 :]:
                if second.km_from > first.km_to + 1.0:  # no structure is wider than a kilometre
                    break
                if j != k and _exclude(sites[j], first, sites[k], second):
                    found.add((min(j, k), max(j, k)))
    return sorted(found)


def _exclude(one: Candidate, first: Intervention, two: Candidate, second: Intervention) -> bool:
    mine, theirs = set(map(repr, one.interventions)), set(map(repr, two.interventions))
    if mine <= theirs or theirs <= mine:
        return True
    if first.components and second.components and not set(first.components) & set(second.components):
        return False
    widths = width_of(first), width_of(second)
    if widths[0] is not None and widths[1] is not None:
        return abs(first.km_from - second.km_from) * 2000 < widths[0] + widths[1]
    if widths != (None, None):
        return False  # a structure beside a treated stretch
    overlap = min(first.km_to, second.km_to) - max(first.km_from, second.km_from)
    return overlap > 1e-9 and _what(first) != _what(second)


def _what(step: Intervention) -> tuple[str, ...]:
    treated = step.treatment or step.action
    return treated, repr(sorted(step.options.items())), repr(step.chance), repr(step.components)
