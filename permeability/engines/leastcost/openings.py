"""What openings are worth in the least-cost view, exactly and without running the field again.

Two old fields, from the source and to the target, give the new path cost of any single candidate or set of
opened edges (:func:`opened_costs`).  For many sets of the same candidates, the costs among all their ends are
computed once (:class:`PortalNetwork`); every set is then a shortest path in a small graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import BarrierError, OptionError
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.engines.kernels.shortest_update import dense_dijkstra, opened_arcs
from permeability.engines.kernels.shortest_update import opened_costs as _opened_costs
from permeability.engines.leastcost.distance import cost_matrix
from permeability.engines.leastcost.surface import Cells, CostSurface, Floats, source_cells

__all__ = ["Openings", "PortalNetwork", "check_openings", "opened_costs"]


class Openings(NamedTuple):
    """Candidates, each a set of edges with the barrier cost they would have once opened.

    Candidate ``i`` holds the rows ``start[i]:start[i + 1]`` of ``cell`` (first cell, flat), ``direction`` and
    ``cost`` [m of open ground], the *whole* barrier cost left on the edge: 0 = barrier gone.

    Examples
    --------
    >>> both = Openings.of([([1], [0], 0.0), ([2], [0], 0.0)])
    >>> len(both), len(both.union([0, 1]))
    (2, 1)
    """

    start: NDArray[np.int64]
    cell: NDArray[np.int64]
    direction: NDArray[np.uint8]
    cost: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.start) - 1

    @classmethod
    def of(cls, candidates: Iterable[tuple[ArrayLike, ArrayLike, ArrayLike]]) -> Openings:
        """From one (cells, directions, new costs) triple for each candidate; a cost may be one number for all.

        Examples
        --------
        >>> Openings.of([([3, 4], [0, 0], 0.0), ([7], [1], 250.0)]).start.tolist()
        [0, 2, 3]
        """
        cells, directions, costs = [np.zeros(0, np.int64)], [np.zeros(0, np.uint8)], [np.zeros(0)]
        for cell, direction, cost in candidates:
            cells.append(np.asarray(cell, np.int64).reshape(-1))
            directions.append(np.asarray(direction, np.uint8).reshape(-1))
            costs.append(np.broadcast_to(np.asarray(cost, np.float64), cells[-1].shape))
        start = np.cumsum([0, *(len(c) for c in cells[1:])])
        return cls(start, np.concatenate(cells), np.concatenate(directions), np.concatenate(costs))

    def union(self, which: Sequence[int]) -> Openings:
        """One candidate that opens several of these at once; an edge opened twice keeps its lowest cost."""
        rows = np.concatenate([np.arange(self.start[i], self.start[i + 1]) for i in which]).astype(np.int64)
        order = rows[np.lexsort((self.cost[rows], self.direction[rows], self.cell[rows]))]
        name = self.cell[order] * len(D_ROW) + self.direction[order]
        keep = order[np.concatenate([[True], np.diff(name) > 0])] if len(order) else order
        return Openings(np.array([0, len(keep)]), self.cell[keep], self.direction[keep], self.cost[keep])


def opened_costs(
    surface: CostSurface,
    from_source: Any,
    to_target: Any,
    openings: Openings,
    *,
    base: float | None = None,
) -> Floats:
    """New least cost between source and target for every candidate, all else equal.

    Parameters
    ----------
    surface : CostSurface
        The landscape before any opening.
    from_source, to_target : array or DataArray, shape (rows, cols)
        Its fields: `cost_distance(surface, source)` and `cost_distance(surface, target, reverse=True)`, without
        limit and without targets [m of open ground].
    openings : Openings
        Candidates; costs may only fall.
    base : float, optional
        Least cost before; taken from the fields if not given.

    Returns
    -------
    array, shape (candidates,)
        Least cost after each opening [m of open ground]; gain = base - this.

    Raises
    ------
    BarrierError
        D11 when an opening is no edge of the grid or makes an edge dearer: that needs a new run.
    OptionError
        D08 for fields of another surface.

    Notes
    -----
    Exact for any set of edges, also when the best path uses several opened edges, or the same section more
    than once: the fall of the first field is followed as far as a further opened edge could pay.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import EdgeBarriers
    >>> from permeability.engines.leastcost.distance import cost_distance, cost_surface
    >>> wall = EdgeBarriers(np.array([1]), np.zeros(1, np.uint8), np.array([900.0]), np.array([900.0]))
    >>> land = cost_surface([[1.0, 1.0, 1.0]], barriers=wall, cell_size=10)
    >>> a, b = cost_distance(land, [(0, 0)]), cost_distance(land, [(0, 2)])
    >>> opened_costs(land, a, b, Openings.of([([1], [0], 0.0), ([1], [0], 100.0)])).tolist()
    [20.0, 120.0]
    """
    check_openings(surface, openings)
    ds = np.ascontiguousarray(from_source, np.float64)
    dt = np.ascontiguousarray(to_target, np.float64)
    if ds.shape != surface.shape or dt.shape != surface.shape:
        raise OptionError(
            "D08", "the fields are not on the surface.", remedy="compute them from the same surface"
        )
    out, settled = np.empty(len(openings)), np.empty(len(openings), np.int64)
    before = _least(ds, dt) if base is None else float(base)
    _opened_costs(surface.edges, ds, dt, before, *openings, False, out, settled)
    return out


def _least(ds: Floats, dt: Floats) -> float:
    """Least cost between the two ends of two fields."""
    ends = dt == 0
    return float(ds[ends].min() if ends.any() else (ds + dt).min())


def check_openings(surface: CostSurface, openings: Openings) -> None:
    """Refuse openings (D11) that are no edges or raise the barrier cost of one.

    Parameters
    ----------
    surface : CostSurface
    openings : Openings

    Raises
    ------
    BarrierError
        D11 when an opening is no edge of the grid or makes an edge dearer.

    Examples
    --------
    >>> from permeability.engines.leastcost.distance import cost_surface
    >>> check_openings(cost_surface([[1.0, 1.0]]), Openings.of([([5], [0], 0.0)]))
    Traceback (most recent call last):
    ...
    permeability.core.errors.BarrierError: BarrierError [D11]: ...
    """
    rows, cols = surface.shape
    k = openings.direction.astype(np.int64)
    known = (openings.cell >= 0) & (openings.cell < rows * cols) & (k < 2 * len(D_ROW))
    kk = np.where(k < surface.edges.n, k, 0)
    r, c = openings.cell // cols + D_ROW[kk], openings.cell % cols + D_COL[kk]
    bad = ~known | (k >= surface.edges.n) | (r >= rows) | (c < 0) | (c >= cols) | ~(openings.cost >= 0)
    today = np.zeros(len(k))
    b = surface.barriers
    if b is not None and not bad.any():
        name, names = openings.cell * len(D_ROW) + k, b.cell * len(D_ROW) + b.direction
        at = np.minimum(np.searchsorted(names, name), len(names) - 1)
        today = np.where(names[at] == name, b.cost[at], 0.0)
    bad |= openings.cost > today
    if bad.any():
        raise BarrierError(
            "D11",
            f"{int(bad.sum()):,} of {len(k):,} opened edges are not on the grid, or become dearer than today.",
            rows=[int(i) for i in np.flatnonzero(bad)[:20]],
            remedy="an opening lowers barrier costs; for closures run the field again",
        )


@dataclass(frozen=True, eq=False)
class PortalNetwork:
    """Costs among places and the ends of all candidate edges, for any set of openings.

    Attributes
    ----------
    cost : array, shape (places + portals, places + portals)
        Least cost today [m of open ground].
    places : int
        The first rows are the places.
    node : array
        Row of each flat portal cell, in the order of ``cells``.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import EdgeBarriers
    >>> from permeability.engines.leastcost.distance import cost_surface
    >>> wall = EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), np.array([np.inf]), np.array([np.inf]))
    >>> land = cost_surface([[1.0, 1.0]], barriers=wall)
    >>> net = PortalNetwork.build(land, [[(0, 0)], [(0, 1)]], Openings.of([([0], [0], 0.0)]))
    >>> net.costs_with([], 0).tolist(), net.costs_with([0], 0).tolist()
    ([0.0, inf], [0.0, 1.0])
    """

    surface: CostSurface
    openings: Openings
    cost: Floats
    places: int
    cells: Cells

    @classmethod
    def build(
        cls, surface: CostSurface, places: Sequence[Any], openings: Openings, *, workers: int = 1
    ) -> PortalNetwork:
        """Run one field for each place and each distinct end of a candidate edge.

        Parameters
        ----------
        surface : CostSurface
        places : sequence of boolean arrays or sequences of (row, col)
        openings : Openings
        workers : int
            Threads.  Memory: one float64 grid each.
        """
        check_openings(surface, openings)
        cols = surface.shape[1]
        tail, _, _ = opened_arcs(surface.edges, openings.cell, openings.direction, openings.cost, False)
        cells = np.unique(tail)
        cells = cells[surface.passable().reshape(-1)[cells]]
        sets = [*places, *([divmod(int(c), cols)] for c in cells)]
        for i, place in enumerate(places):
            source_cells(surface, place, layer=f"place {i}")
        cost = cost_matrix(surface, sets, workers=workers)
        return cls(surface, openings, cost, len(places), cells)

    def costs_with(self, which: Sequence[int], place: int) -> Floats:
        """Least cost from one place to all places when a set of candidates is opened, shape (places,).

        Examples
        --------
        >>> from permeability.engines.kernels.edges import EdgeBarriers
        >>> from permeability.engines.leastcost.distance import cost_surface
        >>> edge, inf = np.zeros(2, np.uint8), np.full(2, np.inf)
        >>> land = cost_surface([[1.0, 1.0, 1.0]], barriers=EdgeBarriers(np.array([0, 1]), edge, inf, inf))
        >>> net = PortalNetwork.build(land, [[(0, 0)], [(0, 2)]], Openings.of([([0], [0], 5), ([1], [0], 7)]))
        >>> net.costs_with([0], 0).tolist(), net.costs_with([0, 1], 0).tolist()
        ([0.0, inf], [0.0, 14.0])
        """
        chosen = self.openings.union(which) if len(which) else Openings.of([])
        tail, head, arc = opened_arcs(self.surface.edges, chosen.cell, chosen.direction, chosen.cost, False)
        use = np.isfinite(arc)
        tail, head, arc = tail[use], head[use], arc[use]
        portals = np.unique(np.concatenate([tail, head]))
        rows = np.concatenate([np.arange(self.places), self.places + np.searchsorted(self.cells, portals)])
        local = self.places + np.searchsorted(portals, tail), self.places + np.searchsorted(portals, head)
        dense = np.ascontiguousarray(self.cost[np.ix_(rows, rows)])
        return np.asarray(dense_dijkstra(dense, place, *local, arc)[: self.places])
