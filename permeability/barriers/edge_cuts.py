"""The cut table: which edges of the movement graph a barrier cuts, at which kilometre, at what slope.

Computed once for a grid and a barrier layer, reused by every species, scenario and draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.cut_links import Breaks, CutLinks, linked_cuts
from permeability.barriers.line_chains import LineChains
from permeability.barriers.lines import Barriers
from permeability.barriers.own_stretches import own_stretches
from permeability.core.errors import check_choice
from permeability.engines.kernels.edges import LENGTH, N_DIRECTIONS
from permeability.layers.grid import Grid

INSIDE_M = 1e-6  # a place at the end of a line counts as this far inside [m]
TOUCH_CELLS = 2.0**-16  # lines whose ends come this near touch
STRAIGHT_CELLS = (
    2.0**-21
)  # a vertex where rows meet that lies this near to a straight line is none: half a lattice step
WIGGLE_CELLS = 4.0  # two crossings of one edge by one stretch of line nearer than this are a wiggle


@dataclass(frozen=True)
class CutTable:
    """One row per cut of an edge by a barrier, sorted by (cell, direction, barrier, km).

    Attributes
    ----------
    cell : int64 array
        Flat index of the first cell of the edge.
    direction : uint8 array
        Direction of the edge, see :mod:`permeability.engines.kernels.edges`.
    barrier : int32 array
        Row of the barrier table.
    km : float array
        Kilometre of the cut on its line [km].
    normal_m : float array
        ``|v.n|``: the edge projected on the normal of the line [m].
    own_from, own_to : float array
        The stretch of the chain that the cut stands for (:mod:`permeability.barriers.own_stretches`) [m].
    chains : LineChains
        Rows of one line laid end to end, in which these distances are measured.
    links : CutLinks
        Cuts that cancel where another line no longer stands.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> cuts = land.cuts.to_frame()
    >>> straight = cuts[cuts["normal_m"] == 1000.0]  # edges across the fences, straight or diagonal
    >>> bool((land.cuts.km >= 0).all()), len(straight) == len(cuts)
    (True, True)
    """

    cell: NDArray[np.int64]
    direction: NDArray[np.uint8]
    barrier: NDArray[np.int32]
    km: NDArray[np.float64]
    normal_m: NDArray[np.float64]
    own_from: NDArray[np.float64]
    own_to: NDArray[np.float64]
    chains: LineChains
    neighbours: int
    shape: tuple[int, int]
    links: CutLinks = field(default_factory=CutLinks.none)

    def __len__(self) -> int:
        return len(self.cell)

    @cached_property
    def edge_keys(self) -> NDArray[np.int64]:
        """Name of the edge of every cut, cell * 8 + direction; ascending."""
        return self.cell * 8 + self.direction

    @cached_property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Name of every edge that is cut, ascending, and the number of the edge of every cut."""
        return numbered_edges(self.edge_keys)

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """``(h / length) |v.n|`` of every cut: what it adds to the conductance of its line per 1 / C [m]."""
        return self.normal_m / LENGTH[self.direction]

    def on_edges(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cuts of all lines on some edges (ascending keys)."""
        low = np.searchsorted(self.edge_keys, keys, side="left")
        count = np.searchsorted(self.edge_keys, keys, side="right") - low
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(low, count) + within

    @cached_property
    def _in_order(self) -> tuple[NDArray[np.int64], NDArray[np.complex128], float]:
        """Cuts by chain and place, the beginnings of their stretches in that order, and the longest stretch [m]."""
        chain = self.chains.chain[self.barrier]
        order = np.lexsort((self.own_from, chain))
        longest = float((self.own_to - self.own_from).max(initial=0.0))
        return order, (chain + 1j * self.own_from)[order], longest

    def met_by(self, chain: int, low: float, high: float) -> NDArray[np.int64]:
        """Cuts whose stretch a part of a chain meets [m along the chain]."""
        order, begin, longest = self._in_order
        a = np.searchsorted(begin, complex(chain, low - longest), side="left")
        b = np.searchsorted(begin, complex(chain, high), side="left")
        found = order[a:b]
        return np.sort(found[self.own_to[found] > low])

    @cached_property
    def row_ends(self) -> NDArray[np.complex128]:
        """Where one row of a chain goes over into the next: chain + i x distance along it [m]."""
        ends = [complex(k, self.chains.start[i]) for k, rows in self._long_chains.items() for i in rows[1:]]
        return np.array(ends, np.complex128)

    @cached_property
    def at_row_ends(self) -> NDArray[np.int64]:
        """Cuts whose stretch lies on more than one row."""
        met = [self.met_by(int(e.real), e.imag, e.imag) for e in self.row_ends]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *met]))

    def row_at(
        self, chain: NDArray[np.int64], along: NDArray[np.float64], otherwise: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Barrier row at places on chains; ``otherwise`` on chains of one row."""
        out = otherwise.astype(np.int64)
        for number, rows in self._long_chains.items():
            here = np.flatnonzero(chain == number)
            if len(here):
                at = np.searchsorted(self.chains.start[rows], along[here], side="right") - 1
                out[here] = rows[np.clip(at, 0, None)]
        return out

    @cached_property
    def first_row(self) -> NDArray[np.int32]:
        """First row of every chain."""
        return np.array([rows[0] for rows in self.chains.rows_in_order()], np.int32)

    @cached_property
    def _long_chains(self) -> dict[int, NDArray[np.int64]]:
        """Rows of the chains of more than one row."""
        return {k: rows for k, rows in enumerate(self.chains.rows_in_order()) if len(rows) > 1}

    def to_frame(self) -> pd.DataFrame:
        """The cuts as a table, one row each."""
        return pd.DataFrame(
            {
                "cell": self.cell,
                "direction": self.direction,
                "barrier": self.barrier,
                "km": self.km,
                "normal_m": self.normal_m,
                "own_from": self.own_from,
                "own_to": self.own_to,
            }
        )


def numbered_edges(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Names of the edges of cuts once each, and the number of the edge of every cut.

    Parameters
    ----------
    keys : int array, shape (cuts,)
        Ascending.

    Returns
    -------
    (int array, int array)

    Examples
    --------
    >>> [a.tolist() for a in numbered_edges(np.array([8, 8, 11]))]
    [[8, 11], [0, 0, 1]]
    """
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first], np.cumsum(first) - 1


def cut_edges(barriers: Barriers, grid: Grid, *, neighbours: int = 8) -> CutTable:
    """Cut the edges of a grid's movement graph with barrier lines.

    Parameters
    ----------
    barriers : Barriers
        In the CRS of the grid.
    grid : Grid
    neighbours : {4, 8, 16}

    Returns
    -------
    CutTable

    Notes
    -----
    A line cuts an edge when it crosses the straight segment between the two cell centres.  Lines are broken where
    they touch or cross another line or themselves; on each simple stretch, crossings of one edge cancel in
    pairs when they lie within ``WIGGLE_CELLS`` along the line, since such a wiggle does not separate the two
    cells.  A closed ring therefore separates inside from outside whatever the cell size and the offset.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> fence = land.barriers.subset([True, False])
    >>> len(cut_edges(fence, land.grid, neighbours=4).cell)  # one edge in each of 8 rows
    8
    >>> len(cut_edges(fence, land.grid).cell)  # and two diagonals between each two of them
    22
    """
    check_choice("neighbours", neighbours, (4, 8, 16))
    from permeability.engines.kernels import cuts as kernel

    chains = LineChains.of(barriers)
    pieces = _Pieces(barriers, grid, chains)
    found = kernel.crossings(
        pieces.x, pieces.y, pieces.segment, pieces.arc, pieces.start, pieces.end, pieces.normal,
        grid.shape, N_DIRECTIONS[neighbours],
    )  # fmt: skip
    found = _rows(found, np.lexsort((found[3], found[2], found[1], found[0])))
    keep = kernel.cancel_wiggles(found[0], found[1], found[2], found[3], WIGGLE_CELLS)
    group = _wiggles(found, pieces.line_of_arc)[keep]
    cell, direction, arc, at, normal = _rows(found, np.flatnonzero(keep))
    chain, along = pieces.chain_of_arc[arc], at * grid.cell_size
    _, km = _rows_and_km(barriers, chains, chain, along)
    normal = normal * grid.cell_size
    low, high = own_stretches(
        chain, along, stands_for(direction, normal, neighbours), chains.lengths, grid.cell_size
    )
    barrier, _ = _rows_and_km(barriers, chains, chain, 0.5 * (low + high))  # of the stretch it stands for
    order = np.lexsort((km, barrier, direction, cell))
    return CutTable(
        cell[order], direction[order], barrier[order], km[order], normal[order], low[order], high[order], chains,
        neighbours, grid.shape, _links(group, arc, pieces, order, grid.cell_size, chains.lengths),
    )  # fmt: skip


def _wiggles(found: _Found, line_of_arc: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the wiggle of every crossing: of one edge by one line, one after the other within ``WIGGLE_CELLS``, breaks or not."""
    cell, direction, arc, at, _ = found
    line = line_of_arc[arc]
    new = (
        (np.diff(cell) != 0) | (np.diff(direction) != 0) | (np.diff(line) != 0) | (np.diff(at) > WIGGLE_CELLS)
    )
    return np.concatenate([np.zeros(min(len(cell), 1), np.int64), np.cumsum(new)])


def _links(
    group: NDArray[np.int64],
    arc: NDArray[np.int64],
    pieces: _Pieces,
    order: NDArray[np.int64],
    cell_size: float,
    chain_length: NDArray[np.float64],
) -> CutLinks:
    """Cuts that only a line that is met keeps apart, by their number in the table."""
    first, second, met = linked_cuts(group, arc, pieces.breaks, touch_cells=4 * TOUCH_CELLS)
    if not met:
        return CutLinks.none()
    number, places = np.argsort(order), np.concatenate(met)
    start = np.concatenate([[0], np.cumsum([len(m) for m in met])])
    chain, along = pieces.breaks.chain[places], pieces.breaks.at[places] * cell_size
    along = np.clip(along, INSIDE_M, chain_length[chain] - INSIDE_M)  # an end lies on what it ends
    return CutLinks(number[first], number[second], start, chain, along)


def stands_for(
    direction: NDArray[np.uint8], normal_m: NDArray[np.float64], neighbours: int
) -> NDArray[np.float64]:
    """Length of line that every cut stands for in the circuit view [m].

    ``(h / length) |v.n|`` over the conductivity of the sheet, 1 + sqrt 2 with diagonal links and 1 without (DESIGN 3.4);
    the knight's moves of 16 neighbours are no links of the circuit and stand for none.

    Parameters
    ----------
    direction : uint8 array, shape (cuts,)
    normal_m : array, shape (cuts,)
        ``|v.n|`` [m].
    neighbours : {4, 8, 16}

    Returns
    -------
    array, shape (cuts,)

    Examples
    --------
    A straight edge and two diagonals stand for one cell of a line across them:

    >>> edges, across = np.array([0, 2, 3], np.uint8), np.full(3, 1000.0)
    >>> round(float(stands_for(edges, across, 8).sum()), 9)
    1000.0
    """
    sheet = 1.0 if neighbours == 4 else 1.0 + np.sqrt(2.0)
    return np.where(direction < 4, normal_m / LENGTH[direction] / sheet, 0.0)


def _rows_and_km(
    barriers: Barriers, chains: LineChains, chain: NDArray[np.int64], along: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Barrier row and kilometre of places on chains."""
    barrier, km = np.zeros(len(chain), np.int32), np.zeros(len(chain))
    for number, rows in enumerate(chains.rows_in_order()):
        here = np.flatnonzero(chain == number)
        if not len(here):
            continue
        row = rows[np.clip(np.searchsorted(chains.start[rows], along[here], side="right") - 1, 0, None)]
        barrier[here] = row
        for i in np.unique(row):
            mine = here[row == i]
            dist = along[mine] - chains.start[i]
            km[mine] = barriers.chainages[i].km_at(dist if chains.forward[i] else chains.length[i] - dist)
    return barrier, km


_Found = tuple[
    NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]
]


def _rows(found: _Found, which: NDArray[np.int64]) -> _Found:
    """The chosen rows of the five columns of crossings."""
    return found[0][which], found[1][which], found[2][which], found[3][which], found[4][which]


class _Pieces:
    """Barrier lines as short pieces on the integer lattice of a grid, broken where lines meet."""

    def __init__(self, barriers: Barriers, grid: Grid, chains: LineChains) -> None:
        lines, owner, offset = _lines_in_cells(barriers, grid, chains)
        vertices = _break_lines(lines)
        lattice = float(1 << 20)
        xs, ys, segment, arc, start, end, normals, owners = [], [], [], [], [], [], [], []
        line_of, begun = [], []
        n_arcs = n_segments = 0
        for i, (xy, breaks) in enumerate(vertices):
            d = np.diff(xy, axis=0)
            length = np.hypot(d[:, 0], d[:, 1])
            along = offset[i] + np.concatenate([[0.0], np.cumsum(length)])
            normals.append(np.column_stack([-d[:, 1], d[:, 0]]) / np.where(length > 0, length, 1.0)[:, None])
            arcs = n_arcs + np.cumsum(breaks[:-1]) - breaks[0]
            use = _unrepeated(xy, lattice) & _near(xy, grid.shape)
            k = np.where(use, np.ceil(length / 4.0).astype(int), 0)
            k = np.where(use & (k == 0), 1, k)
            seg = np.repeat(np.arange(len(d)), k)
            first = np.concatenate([[0], np.cumsum(k)[:-1]]) if len(k) else np.zeros(0, int)
            j = np.arange(len(seg)) - first[seg]
            t0, t1 = j / k[seg], (j + 1) / k[seg]
            p0 = np.rint((xy[seg] + d[seg] * t0[:, None]) * lattice).astype(np.int64)
            last = (j + 1 == k[seg])[:, None]
            p1 = np.rint(np.where(last, xy[seg + 1], xy[seg] + d[seg] * t1[:, None]) * lattice).astype(
                np.int64
            )
            xs.append(np.column_stack([p0[:, 0], p1[:, 0]]))
            ys.append(np.column_stack([p0[:, 1], p1[:, 1]]))
            segment.append(n_segments + seg)
            arc.append(arcs[seg])
            start.append(along[seg] + length[seg] * t0)
            end.append(along[seg] + length[seg] * t1)
            new = int(arcs[-1]) + 1 - n_arcs if len(arcs) else 0
            owners.append(np.full(new, owner[i]))
            line_of.append(np.full(new, i))
            begun.append(_begun((i, owner[i]), xy, breaks, along, arcs))
            n_arcs, n_segments = n_arcs + new, n_segments + len(d)
        self.x, self.y = _stack(xs, (0, 2), np.int64), _stack(ys, (0, 2), np.int64)
        self.segment, self.arc = _stack(segment, (0,), np.int64), _stack(arc, (0,), np.int64)
        self.start, self.end = _stack(start, (0,), np.float64), _stack(end, (0,), np.float64)
        self.normal = _stack(normals, (0, 2), np.float64)
        self.chain_of_arc, self.line_of_arc = _stack(owners, (0,), np.int64), _stack(line_of, (0,), np.int64)
        broken = _stack(begun, (0, 6), np.float64)
        line, chain = broken[:, 1].astype(np.int64), broken[:, 2].astype(np.int64)
        self.breaks = Breaks(broken[:, 0], line, chain, broken[:, 3], broken[:, 4:])


def _begun(
    line_chain: tuple[int, int],
    xy: NDArray[np.float64],
    breaks: NDArray[np.bool_],
    along: NDArray[np.float64],
    arcs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Every break of a line: the arc that begins there, line, chain, place along it, x, y; at the end of the line none begins."""
    at = np.flatnonzero(breaks)
    arc = np.where(at < len(arcs), np.append(arcs, 0)[np.minimum(at, len(arcs))], arcs[-1] + 0.5)
    about = np.tile(line_chain, (len(at), 1))
    return np.column_stack([arc, about, along[at], xy[at]])


def _stack(parts: list[NDArray[Any]], empty: tuple[int, ...], dtype: type) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(empty, dtype)


def _lines_in_cells(
    barriers: Barriers, grid: Grid, chains: LineChains
) -> tuple[list[shapely.LineString], list[int], list[float]]:
    """Unbroken lines in (column, row) units, their chain and their distance along it [cells].

    Rows of a chain that meet are one line, so that nothing hangs on how the line is split.
    """
    lines: list[shapely.LineString] = []
    owner: list[int] = []
    offset: list[float] = []
    shapes = barriers.table.geometry.to_numpy()
    for number, rows in enumerate(chains.rows_in_order()):
        run: list[NDArray[np.float64]] = []
        begun = 0.0
        for part, start in (p for i in rows for p in _parts(shapes[i], chains, int(i))):
            cells = np.column_stack([(part[:, 0] - grid.west), (grid.north - part[:, 1])]) / grid.cell_size
            if run and np.hypot(*(cells[0] - run[-1][-1])) > TOUCH_CELLS:
                _put(run, begun, number, lines, owner, offset)
                run = []
            begun = begun if run else start / grid.cell_size
            run.append(cells)
        _put(run, begun, number, lines, owner, offset)
    return lines, owner, offset


def _parts(shape: shapely.Geometry, chains: LineChains, row: int) -> list[tuple[NDArray[np.float64], float]]:
    """Coordinates of the single lines of a row in the direction of its chain, and where each begins on it [m]."""
    out, done = [], 0.0
    for part in shapely.get_parts(shape):
        xy = shapely.get_coordinates(part)
        a, b = (float(chains.along(row, np.array(d))) for d in (done, done + part.length))
        out.append((xy if chains.forward[row] else xy[::-1], min(a, b)))
        done += part.length
    return out if chains.forward[row] else out[::-1]


def _put(
    run: list[NDArray[np.float64]],
    begun: float,
    chain: int,
    lines: list[shapely.LineString],
    owner: list[int],
    offset: list[float],
) -> None:
    """One unbroken line of a chain, with no vertex where it was only split into rows."""
    cells = _unsplit(run)
    if len(cells) > 1:
        lines.append(shapely.LineString(cells))
        owner.append(chain)
        offset.append(begun)


def _unsplit(run: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Vertices of parts laid end to end, without repeated ones and without those that lie on a straight line between parts.

    A line that is split into rows and left as it is otherwise is cut where the whole line is, to the last lattice point.
    """
    cells = np.concatenate(run)
    keep = np.concatenate([[True], np.any(np.diff(cells, axis=0) != 0, axis=1)])
    for joint in np.cumsum([len(part) for part in run[:-1]]).tolist():
        last = joint - 1
        while last > 0 and not keep[last]:
            last -= 1
        if np.abs(cells[joint] - cells[last]).max() > STRAIGHT_CELLS:
            continue
        keep[joint] = False
        before, ahead = last - 1, joint + 1
        while before >= 0 and not keep[before]:
            before -= 1
        while ahead < len(cells) and not keep[ahead]:
            ahead += 1
        if before >= 0 and ahead < len(cells) and _between(cells[last], cells[before], cells[ahead]):
            keep[last] = False
    return cells[keep]


def _between(p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether a point lies on the straight line from a to b, within ``STRAIGHT_CELLS``."""
    d, rel = b - a, p - a
    length = float(np.hypot(*d))
    inside = 0.0 < float(rel @ d) < length**2
    return inside and abs(float(d[0] * rel[1] - d[1] * rel[0])) <= STRAIGHT_CELLS * length


def _break_lines(lines: list[shapely.LineString]) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Vertices of every line with the places where lines meet inserted, and which vertices are such places."""
    meets: list[list[NDArray[np.float64]]] = [[] for _ in lines]
    geoms = np.array(lines, dtype=object)
    if len(geoms) > 1:
        tree = shapely.STRtree(geoms)
        a, b = tree.query(geoms, predicate="dwithin", distance=TOUCH_CELLS)
        one, other = a[a < b], b[a < b]
        for i, j, points in zip(one, other, _meeting_points(geoms, one, other)):
            meets[i].append(points)
            meets[j].append(points)
    out = []
    for i, line in enumerate(lines):
        if not line.is_simple:
            pieces = shapely.get_parts(shapely.unary_union(line))
            ends = np.concatenate([shapely.get_coordinates(p)[[0, -1]] for p in pieces])
            meets[i].append(np.unique(ends, axis=0))
        points = np.concatenate(meets[i]) if meets[i] else np.zeros((0, 2))
        out.append(_insert(shapely.get_coordinates(line), points))
    return out


def _meeting_points(
    lines: NDArray[np.object_], one: NDArray[np.int64], other: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Where two lines cross, touch, or begin and end to overlap, for pairs of lines by number."""
    ends = np.array([shapely.get_coordinates(line)[[0, -1]] for line in lines])
    places = shapely.points(ends)
    near = [
        shapely.distance(places[i], lines[j][:, None]) <= TOUCH_CELLS for i, j in ((one, other), (other, one))
    ]
    found = []
    for k, common in enumerate(shapely.intersection(lines[one], lines[other])):
        points = [shapely.get_coordinates(p)[[0, -1]] for p in shapely.get_parts(common) if not p.is_empty]
        points += [ends[one[k]][near[0][k]], ends[other[k]][near[1][k]]]
        found.append(np.concatenate(points))
    return found


def _insert(
    xy: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Vertices with meeting points put in on every segment they lie on (within ``TOUCH_CELLS``)."""
    if len(points) == 0:
        return xy, np.zeros(len(xy), bool)
    (ax, ay), (dx, dy) = xy[:-1].T, np.diff(xy, axis=0).T
    x, y = points[:, :1] - ax, points[:, 1:] - ay
    t = np.clip((x * dx + y * dy) / (dx**2 + dy**2), 0.0, 1.0)
    gap = np.hypot(x - t * dx, y - t * dy)
    which, seg = np.nonzero(gap <= 2 * TOUCH_CELLS)
    position = np.concatenate([np.arange(len(xy), dtype=float), seg + t[which, seg]])
    coords = np.concatenate([xy, points[which]])
    is_break = np.concatenate([np.zeros(len(xy), bool), np.ones(len(which), bool)])
    order = np.lexsort((is_break, position))
    return coords[order], is_break[order]


def _unrepeated(xy: NDArray[np.float64], lattice: float) -> NDArray[np.bool_]:
    """Which segments are not a repetition (or the way back) of an earlier one of the same line."""
    p = np.rint(xy * lattice).astype(np.int64)
    a, b = p[:-1], p[1:]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    key = np.where(swap[:, None], np.hstack([b, a]), np.hstack([a, b]))
    order = np.lexsort(key.T)  # the same one behind the other, the earlier first
    keep = np.ones(len(a), bool)
    keep[order[1:]] = np.any(key[order[1:]] != key[order[:-1]], axis=1)
    return keep & np.any(a != b, axis=1)


def _near(xy: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which segments come near the grid."""
    low, high = np.minimum(xy[:-1], xy[1:]), np.maximum(xy[:-1], xy[1:])
    return (high[:, 0] >= -3) & (low[:, 0] <= shape[1] + 3) & (high[:, 1] >= -3) & (low[:, 1] <= shape[0] + 3)
