"""The elimination tree of a moving window: found once per shape, used for every window of that shape.

A window is a square of ``size x size`` cells of which a *mask* (usually a disc) takes part.  The square is
cut in halves along lines of cells down to boxes of ``leaf x leaf`` squares between cells; two neighbouring
boxes share the cells of the cut.  A cell is eliminated in the first box that holds all its links (nested
dissection, George 1973, doi:10.1137/0710032, in the multifrontal form of Duff & Reid 1983,
doi:10.1145/356044.356047).  The centre is never eliminated: it is the grounded target.

Cells of a front are kept in the order of their elimination, so that the cells eliminated in a box come
first and the place of a child's rim in its parent's front is an increasing map.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]

LEAF = 6  # squares per side of the smallest box [measured: 4 to 7 alike for radius 25 to 100]


class WindowStructure(NamedTuple):
    """Elimination tree of one window shape; fronts in the order in which they are worked off.

    ``table`` has one row per front: cells eliminated, cells on the rim, first entry in ``cells``, offset
    of the factor, offset of the rim matrix in the workspace, first child, second child (-1 = none), first
    entry in ``place``, first link, first link of the next front.  Columns are padded to multiples of eight
    rows and fronts to multiples of four columns, so that vector loops have no rest.
    """

    size: int  # cells per side of the square
    centre: int  # cell of the grounded target
    width: Int  # (size,): columns of the mask to either side of the centre column, -1 = none
    table: Int  # (fronts, 10)
    cells: NDArray[np.int32]  # window cells of all fronts
    place: NDArray[np.int32]  # rows of the parent's front that a rim is added to
    links: NDArray[np.int32]  # (links, 3): row and column in the front, plane * size**2 + cell
    factor_size: int  # entries of the factor
    work_size: int  # entries of the workspace
    highest: int  # cells of the largest front


def disc_mask(size: int, radius: float) -> NDArray[np.bool_]:
    """Cells of a square whose centre is within ``radius`` cells of the centre of the square."""
    half = size // 2
    away = np.arange(size) - half
    return np.asarray(away[:, None] ** 2 + away[None, :] ** 2 <= radius * radius)


@lru_cache(maxsize=16)
def window_structure(size: int, radius: float | None, leaf: int = LEAF) -> WindowStructure:
    """Structure of a square window, cut to the disc of ``radius`` cells (None: the whole square)."""
    mask = disc_mask(size, radius) if radius is not None else np.ones((size, size), dtype=bool)
    return _build(mask, leaf)


def padded(rows: int, lanes: int) -> int:
    """The next multiple of ``lanes``."""
    return -(-rows // lanes) * lanes


def _build(mask: NDArray[np.bool_], leaf: int) -> WindowStructure:
    size = mask.shape[0]
    centre = (size // 2) * size + size // 2
    first, second, plane_cell, element = _links(mask)
    child, parent, leaf_of = _boxes(size - 1, leaf)
    box = leaf_of[element]
    home = _home(size * size, first, second, box, parent)
    home[centre] = len(parent)  # beyond the root: never eliminated
    order = np.lexsort((np.arange(size * size), home))
    order = order[home[order] >= 0]
    rank = np.full(size * size, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    width = np.where(mask.any(axis=1), (mask.sum(axis=1) - 1) // 2, -1).astype(np.int64)
    return _assemble(size, centre, width, (first, second, plane_cell, box), child, home, rank)


def _links(mask: NDArray[np.bool_]) -> tuple[Int, Int, Int, Int]:
    """Both cells, plane and cell name, and square between cells, of all links inside the mask."""
    size = mask.shape[0]
    number = np.arange(size * size).reshape(size, size)
    last = size - 2
    parts: list[tuple[Int, Int, Int, Int]] = []
    for plane, (dr, dc) in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
        c0, c1 = max(0, -dc), size - max(0, dc)
        a, b = number[: size - dr, c0:c1], number[dr:, c0 + dc : c1 + dc]
        both = mask.ravel()[a] & mask.ravel()[b]
        a, b = a[both], b[both]
        row = np.minimum(a // size, last)
        col = np.minimum(np.minimum(a % size, b % size), last)
        parts.append((a, b, plane * size * size + a, row * (size - 1) + col))
    first, second, name, element = (np.concatenate([p[k] for p in parts]) for k in range(4))
    return first, second, name, element


def _boxes(squares: int, leaf: int) -> tuple[Int, Int, Int]:
    """Binary tree of boxes in postorder: children, parent, and the leaf box of every square."""
    children: list[tuple[int, int]] = []
    leaf_of = np.zeros((squares, squares), dtype=np.int64)

    def split(r0: int, r1: int, c0: int, c1: int) -> int:
        height, width = r1 - r0, c1 - c0
        if max(height, width) <= leaf:
            children.append((-1, -1))
            leaf_of[r0:r1, c0:c1] = len(children) - 1
            return len(children) - 1
        if width >= height:
            middle = (c0 + c1) // 2
            pair = split(r0, r1, c0, middle), split(r0, r1, middle, c1)
        else:
            middle = (r0 + r1) // 2
            pair = split(r0, middle, c0, c1), split(middle, r1, c0, c1)
        children.append(pair)
        return len(children) - 1

    split(0, squares, 0, squares)
    child = np.array(children, dtype=np.int64)
    parent = np.full(len(child), -1, dtype=np.int64)
    for side in (0, 1):
        has = child[:, side] >= 0
        parent[child[has, side]] = np.flatnonzero(has)
    return child, parent, leaf_of.ravel()


def _home(cells: int, first: Int, second: Int, box: Int, parent: Int) -> Int:
    """The first box that holds all links of a cell (-1: a cell without links)."""
    home = np.full(cells, -1, dtype=np.int64)
    cell = np.concatenate([first, second])
    boxes = np.concatenate([box, box])
    order = np.argsort(cell, kind="stable")
    cell, boxes = cell[order], boxes[order]
    start = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
    low, high = np.minimum.reduceat(boxes, start), np.maximum.reduceat(boxes, start)
    # In postorder a box holds a whole range of numbers: climb until the range covers lowest and highest.
    begin = np.arange(len(parent))
    for k in range(len(parent)):
        if parent[k] >= 0:
            begin[parent[k]] = min(begin[parent[k]], begin[k])
    at = high.copy()
    while True:
        climb = begin[at] > low
        if not climb.any():
            break
        at[climb] = parent[at[climb]]
    home[cell[start]] = at
    return home


def _assemble(
    size: int,
    centre: int,
    width: Int,
    links: tuple[Int, Int, Int, Int],
    child: Int,
    home: Int,
    rank: Int,
) -> WindowStructure:
    first, second, name, box = links
    by_box = np.argsort(box, kind="stable")
    bounds = np.searchsorted(box[by_box], np.arange(len(child) + 1))
    fronts: list[Int] = []
    rims: list[Int] = []
    table = np.zeros((len(child), 10), dtype=np.int64)
    places: list[Int] = []
    link_rows: list[Int] = []
    memory = _Memory()
    cells_at = place_at = link_at = factor_at = 0
    for k in range(len(child)):
        mine = by_box[bounds[k] : bounds[k + 1]]
        if child[k, 0] < 0:
            members = np.unique(np.concatenate([first[mine], second[mine]]))
        else:
            members = np.union1d(rims[child[k, 0]], rims[child[k, 1]])
        members = members[np.argsort(rank[members])]
        out = home[members] == k
        eliminated, rim = int(out.sum()), members[~out]
        fronts.append(members)
        rims.append(rim)
        ranks = rank[members]
        for side in child[k]:
            if side >= 0:
                places.append(np.searchsorted(ranks, rank[rims[side]]))
                table[side, 7] = place_at
                place_at += len(places[-1])
        i, j = np.searchsorted(ranks, rank[first[mine]]), np.searchsorted(ranks, rank[second[mine]])
        link_rows.append(np.column_stack([np.maximum(i, j), np.minimum(i, j), name[mine]]))
        room = padded(len(rim), 8) * padded(len(rim), 4)
        table[k, :7] = eliminated, len(rim), cells_at, factor_at, memory.take(room), *child[k]
        table[k, 8:] = link_at, link_at + len(mine)
        for side in child[k]:
            if side >= 0:
                memory.give(int(table[side, 4]), padded(len(rims[side]), 8) * padded(len(rims[side]), 4))
        cells_at += len(members)
        link_at += len(mine)
        factor_at += padded(eliminated, 4) * padded(len(members), 8)
    return WindowStructure(
        size,
        centre,
        width,
        table,
        np.concatenate(fronts).astype(np.int32),
        np.concatenate([*places, np.zeros(0, np.int64)]).astype(np.int32),
        np.concatenate(link_rows).astype(np.int32),
        factor_at + 8,
        memory.top + 8,
        int((table[:, 0] + table[:, 1]).max()),
    )


class _Memory:
    """Offsets in one workspace: first fit over the gaps that finished fronts leave behind."""

    def __init__(self) -> None:
        self.top = 0
        self.gaps: list[tuple[int, int]] = []  # (start, length), sorted and merged

    def take(self, length: int) -> int:
        for at, (start, free) in enumerate(self.gaps):
            if free >= length:
                if free == length:
                    del self.gaps[at]
                else:
                    self.gaps[at] = (start + length, free - length)
                return start
        if self.gaps and sum(self.gaps[-1]) == self.top:
            start = self.gaps.pop()[0]
        else:
            start = self.top
        self.top = start + length
        return start

    def give(self, start: int, length: int) -> None:
        if length == 0:
            return
        merged: list[tuple[int, int]] = []
        for gap in sorted([*self.gaps, (start, length)]):
            if merged and sum(merged[-1]) == gap[0]:
                merged[-1] = (merged[-1][0], merged[-1][1] + gap[1])
            else:
                merged.append(gap)
        self.gaps = merged
