"""Which pieces of land a set of openings joins: range cut off and pairs without a path, exact for any set, by union alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.engines.circuit.interface.meeting import Members, Ways, meeting_ways
from permeability.engines.kernels.edges import D_COL, D_ROW, ground_along
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches

__all__ = ["JoinedPieces", "Joins"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
JointCosts = Callable[[Sequence[Members]], tuple[EdgeEffects, Floats]]


@dataclass(frozen=True, eq=False)
class Joins:
    """What candidates that meet do to pieces: for every set of them the pairs of pieces that it joins."""

    ways: Ways
    pairs: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, eq=False)
class JoinedPieces:
    """Pieces of land that candidates may join.

    Attributes
    ----------
    area_km2 : array, shape (pieces,)
        Range in each piece [km2]; only pieces that hold a patch or that a candidate joins to something.
    others_km2, largest_other_km2 : float
        Range in all further pieces, and in the largest of them [km2].
    home : int array, shape (patches,)
        Piece of every row of the patches; -1 for none.
    drawn : int array, shape (patches,)
        Number of the patch as drawn.
    joins : tuple of Joins
    """

    area_km2: Floats
    others_km2: float
    largest_other_km2: float
    home: Ints
    drawn: Ints
    joins: tuple[Joins, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        land: Landscape,
        patches: Patches,
        inside: NDArray[np.bool_],
        alone: tuple[EdgeEffects, Floats],
        together: JointCosts,
        never: Iterable[tuple[int, int]] = (),
    ) -> JoinedPieces:
        """Pieces of a landscape.

        Parameters
        ----------
        land : Landscape
            In the state of its unknown numbers that is asked about.
        patches : Patches
        inside : bool array, shape (rows, cols)
            The range.
        alone : (EdgeEffects, array)
            Every candidate by itself, and what barriers then add to the edges [m of open ground].
        together : callable
            The same of sets of candidates.
        never : sequence of (int, int)
            Candidates that are never built together.
        """
        parts = land.parts
        found = _joins(land, parts, alone, together, {frozenset(p) for p in never})
        home = np.array([int(parts[patches.mask(i + 1)].max()) for i in range(len(patches))], np.int64)
        named = {p for j in found for state in j.pairs for pair in state for p in pair} | {
            int(h) for h in home if h > 0
        }
        names = np.array(sorted(named), np.int64)
        counts = np.bincount(parts[inside & (parts > 0)], minlength=int(parts.max(initial=0)) + 1)
        area = counts * land.grid.cell_area_km2
        rest = np.delete(area, names) if len(names) else area
        number = {int(p): i for i, p in enumerate(names)}
        joins = tuple(
            Joins(
                j.ways,
                tuple(tuple((number[a], number[b]) for a, b in state) for state in j.pairs),
            )
            for j in found
        )
        drawn = pd.factorize(np.array(patches.drawn))[0].astype(np.int64)
        at = np.array([number.get(int(h), -1) for h in home], np.int64)
        return cls(
            np.asarray(area[names], np.float64),
            float(rest.sum()),
            float(rest.max(initial=0.0)),
            at,
            drawn,
            joins,
        )

    def whole(self, members: Iterable[int]) -> Ints:
        """Lowest piece that each piece hangs together with once a set is built."""
        chosen = set(members)
        root = np.arange(len(self.area_km2))
        for join in self.joins:
            state = join.ways.at(chosen)
            for a, b in () if state is None else join.pairs[state]:
                low, high = sorted((root[a], root[b]))
                root[root == high] = low
        return root

    def cut_off_km2(self, members: Iterable[int]) -> float:
        """Range without a path to the largest connected piece of the range [km2]."""
        sums = np.bincount(self.whole(members), weights=self.area_km2, minlength=1)
        total = float(self.area_km2.sum()) + self.others_km2
        return total - max(float(sums.max(initial=0.0)), self.largest_other_km2)

    def pairs_apart(self, members: Iterable[int]) -> int:
        """Pairs of patches without any path."""
        root = self.whole(members)
        of = np.where(self.home >= 0, root[self.home] if len(root) else -1, -1)
        met = {
            (int(a), int(b))
            for i, a in enumerate(self.drawn)
            for j, b in enumerate(self.drawn)
            if a < b and of[i] >= 0 and of[i] == of[j]
        }
        n = int(self.drawn.max(initial=-1)) + 1
        return n * (n - 1) // 2 - len(met)


def _joins(
    land: Landscape,
    parts: NDArray[np.int32],
    alone: tuple[EdgeEffects, Floats],
    together: JointCosts,
    never: set[frozenset[int]],
) -> list[Joins]:
    """What opened edges join, by the candidates that open them."""
    effects, cost = alone
    owners_of: dict[int, list[int]] = {}
    ends = _ends(land, parts, effects.keys)
    owner = np.repeat(np.arange(len(effects.start) - 1), np.diff(effects.start))
    here = np.flatnonzero((ends[:, 0] > 0) & (ends[:, 1] > 0) & (ends[:, 0] != ends[:, 1]))
    opened: dict[tuple[int, int], bool] = {}
    pair_of: dict[int, tuple[int, int]] = {}
    for i in here.tolist():
        key, k = int(effects.keys[i]), int(owner[i])
        owners_of.setdefault(key, []).append(k)
        opened[key, k] = bool(np.isfinite(cost[i]))
        pair_of[key] = (int(ends[i].min()), int(ends[i].max()))
    gathered: dict[Members, list[int]] = {}
    for key, owners in owners_of.items():
        gathered.setdefault(tuple(sorted(owners)), []).append(key)
    finite: dict[Members, set[int]] = {}

    def know(sets: Sequence[Members]) -> None:
        finite.update(_together([x for x in dict.fromkeys(sets) if len(x) > 1 and x not in finite], together))

    def joined(members: Members, state: Members) -> tuple[tuple[int, int], ...]:
        return tuple(sorted({pair_of[k] for k in gathered[members] if _passes(k, state, opened, finite)}))

    def same(members: Members, one: Members, other: Members) -> bool:
        return joined(members, one) == joined(members, other)

    out = []
    for ways in meeting_ways(sorted(gathered), never, know, same):
        pairs = tuple(joined(ways.owners, state) for state in ways.states)
        if any(pairs):
            out.append(Joins(ways, pairs))
    return out


def _passes(
    key: int, state: Members, opened: dict[tuple[int, int], bool], finite: dict[Members, set[int]]
) -> bool:
    return opened[key, state[0]] if len(state) == 1 else key in finite[state]


def _together(sets: Sequence[Members], joint: JointCosts) -> dict[Members, set[int]]:
    """Edges that are passable once each set is built."""
    if not sets:
        return {}
    effects, cost = joint(sets)
    spans = zip(sets, effects.start, effects.start[1:])
    return {s: set(effects.keys[a:b][np.isfinite(cost[a:b])].tolist()) for s, a, b in spans}


def _ends(land: Landscape, parts: NDArray[np.int32], keys: Ints) -> Ints:
    """Parts at both ends of edges, 0 for an edge that leads out of the landscape, shape (edges, 2)."""
    a, k = keys // 8, keys % 8
    ok = np.isfinite(ground_along(land.resistance, a, k))
    b = np.where(ok, a + D_ROW[k] * land.grid.cols + D_COL[k], a)
    flat = parts.ravel()
    return np.where(ok[:, None], np.stack((flat[a], flat[b]), axis=1), 0).astype(np.int64)
