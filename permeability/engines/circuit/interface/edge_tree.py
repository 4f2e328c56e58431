"""Barrier edges in a tree of halves, with the few modes by which each half is felt by all others.

With nothing standing in the edges of barriers (conductance 0) the landscape has a generalised inverse; ``M`` is what it is among the edges, ``b``
what unit currents into patches, and the potentials of its components, do to them.  One state of the barriers, ``D``, asks for
``b'(D^-1 + M)^-1 b`` (Woodbury: Hager 1989, doi:10.1137/1031049).  Far halves feel each other smoothly, so off-diagonal blocks are
of low rank; the bases are nested as in hierarchically semi-separable matrices (Chandrasekaran, Gu & Pals 2006, doi:10.1137/S0895479803436652).
Modes are told apart on the scale of the network in which every edge stands open, the strongest that there is: what a half answers to unit forces is
at most 1 there in every state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAF_EDGES = 64
MIDDLE = 0.3  # share of the edges that either half has at least


class NotPositiveError(ValueError):
    """What is left of the network after rounding is no network any more: the tree is of no use."""


@dataclass(frozen=True, eq=False)
class EdgeTree:
    """The tree as flat arrays, children before their parents.

    Attributes
    ----------
    order : int array, shape (E,)
        The edges as the leaves have them.
    child : int array, shape (N, 2)
        -1 for leaves.
    size, rank : int array, shape (N,)
        Unknowns of a node (edges of a leaf, else modes of both children), and modes by which others feel it.
    first_edge : int array, shape (N,)
        Where a leaf's edges begin in ``order``.
    inner, basis : array
        ``M`` of every leaf and the coupling of the children of other nodes, and how modes act on what is below; one after the other.
    inner_at, basis_at, factor_at : int array, shape (N + 1,)
    right : array, shape (size of the root, P + components)
        ``b`` in the unknowns of the root [dimensionless].
    """

    order: Ints
    child: Ints
    size: Ints
    rank: Ints
    first_edge: Ints
    inner: Floats
    inner_at: Ints
    basis: Floats
    basis_at: Ints
    factor_at: Ints
    right: Floats

    @property
    def modes(self) -> int:
        """Modes of all leaves."""
        return int(self.rank[self.child[:, 0] < 0].sum())

    def work(self, met: Ints, touched: Ints) -> float:
        """Multiply-adds of one state, with candidates met at some nodes and others that they change on the way, about."""
        m, r, wide = self.size.astype(float), self.rank.astype(float), float(self.right.shape[1])
        leaf = self.child[:, 0] < 0
        system = np.where(leaf, m**2, 2 * m**3)
        up = system + m**3 / 6 + m**2 * r * np.where(leaf, 0.5, 1.5) + m * r**2 / 2 + r**3
        answer = system + m**3 / 6 + m**2 * wide * np.where(leaf, 0.5, 1.5) + m * wide**2 / 2
        down = m * r**2 + m**2 * r + m * r * wide
        below = np.where(leaf, 0.0, m**3 + m**2 * wide)  # two children, each without the other
        return float((up + down + below).sum() + answer[met].sum() + up[touched].sum())


def halves(place: Floats, sets: Sequence[Ints], most: int) -> tuple[Ints, Ints, list[Ints]]:
    """A tree of edges by their place, cut where few sets are cut in two.

    Parameters
    ----------
    place : array, shape (E, 2)
    sets : sequence of int arrays
        Edges of each candidate.
    most : int
        Edges of a leaf.

    Returns
    -------
    (array, array, list)
        Children of every node, (N, 2), -1 for leaves; leaf of every edge, (E,); edges of every leaf (empty for other nodes).

    Examples
    --------
    >>> child, leaf, _ = halves(np.array([[0.0, k] for k in range(10)]), [np.arange(3)], 6)
    >>> child.tolist(), leaf.tolist()
    ([[-1, -1], [-1, -1], [0, 1]], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    """
    child: list[tuple[int, int]] = []
    edges: list[Ints] = []
    leaf = np.empty(len(place), dtype=np.int64)
    owner = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    member = np.concatenate([np.zeros(0, np.int64), *sets])

    def grow(mine: Ints, owners: Ints, members: Ints) -> int:
        if len(mine) <= most:
            leaf[mine] = len(child)
            child.append((-1, -1))
            edges.append(mine)
            return len(child) - 1
        axis = int(np.argmax(np.ptp(place[mine], axis=0)))
        ordered = mine[np.argsort(place[mine, axis], kind="stable")]
        at = np.empty(len(place), dtype=np.int64)
        at[ordered] = np.arange(len(ordered))
        n = len(ordered)
        cut = np.zeros(n + 1, dtype=np.int64)  # sets that a cut before the n-th edge parts
        if len(members):
            names, of = np.unique(owners, return_inverse=True)
            low, high = np.full(len(names), n), np.zeros(len(names), dtype=np.int64)
            np.minimum.at(low, of, at[members])
            np.maximum.at(high, of, at[members])
            np.add.at(cut, low + 1, 1)
            np.add.at(cut, high + 1, -1)
            cut = np.cumsum(cut)
        some = np.arange(max(1, int(MIDDLE * n)), min(n - 1, int((1 - MIDDLE) * n)) + 1)
        split = int(some[np.lexsort((np.abs(some - n / 2), cut[some]))[0]])
        first = at[members] < split
        a = grow(ordered[:split], owners[first], members[first])
        b = grow(ordered[split:], owners[~first], members[~first])
        child.append((a, b))
        edges.append(mine[:0])
        return len(child) - 1

    grow(np.arange(len(place)), owner, member)
    return np.array(child, dtype=np.int64).reshape(-1, 2), leaf, edges


def edge_tree(matrix: Floats, n_focal: int, ends: Floats, base: Floats, cut: float, own: float,
              child: Ints, edges: Sequence[Ints]) -> EdgeTree:  # fmt: skip
    """The tree with its modes.

    Parameters
    ----------
    matrix : array, shape (E + P, E + P)
        The generalised inverse seen from the edges and the patches.
    n_focal : int
        P.
    ends : array, shape (E, C)
        +1 and -1 for the components that an edge lies between.
    base : array, shape (E,)
        Conductance of the open edges.
    cut : float
        Singular value of the largest mode that is let go.
    own : float
        How many times more a half's own effect on patches and components counts.
    child : int array, shape (N, 2)
    edges : sequence of int arrays
        As :func:`halves` gives them.

    Returns
    -------
    EdgeTree

    Raises
    ------
    NotPositiveError
        When rounding leaves no positive network.
    """
    n_nodes, n_edges = len(child), len(base)
    drops = matrix[:n_edges, n_edges:]
    if ends.shape[1] == 1:
        drops = drops - drops.mean(axis=1, keepdims=True)  # only differences between patches count
    leaves = [t for t in range(n_nodes) if child[t, 0] < 0]
    order = np.concatenate([np.zeros(0, np.int64), *(edges[t] for t in leaves)])
    size, rank, first = (np.zeros(n_nodes, dtype=np.int64) for _ in range(3))
    inner: list[Floats] = [np.zeros((0, 0))] * n_nodes
    basis: list[Floats] = [np.zeros((0, 0))] * n_nodes
    frontier = leaves
    roots: list[Floats | None] = []
    at = 0
    for t in leaves:
        mine, h = edges[t], np.sqrt(base[edges[t]])
        size[t], first[t], inner[t] = len(mine), at, matrix[np.ix_(mine, mine)]
        at += len(mine)
        roots.append(_root(np.eye(len(mine)) + h[:, None] * inner[t] * h) / h[:, None])
    coupling, right = matrix[np.ix_(order, order)], np.hstack((drops, ends))[order]
    whole = [np.arange(first[t], first[t] + size[t]) for t in leaves]
    while len(frontier) > 1:
        coupling, right, whole = _kept(
            frontier, coupling, right, n_focal, whole, roots, basis, rank, cut, own
        )
        frontier, whole, roots = _paired(frontier, whole, child, coupling, size, inner)
    starts = [
        np.concatenate(([0], np.cumsum(n))).astype(np.int64) for n in (size * size, size * rank, rank * rank)
    ]
    flat = [np.concatenate([np.zeros(0), *(x.ravel() for x in parts)]) for parts in (inner, basis)]
    return EdgeTree(
        order, child, size, rank, first, flat[0], starts[0], flat[1], starts[1], starts[2], np.ascontiguousarray(right[whole[0]])
    )  # fmt: skip


def _root(system: Floats) -> Floats:
    """``L`` with ``LL'`` the system: on its scale a force is ``L`` times one of the scaled system."""
    try:
        return np.asarray(np.linalg.cholesky(system), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise NotPositiveError from error


def _kept(
    frontier: list[int], coupling: Floats, right: Floats, n_focal: int, whole: list[Ints], roots: list[Floats | None],
    basis: list[Floats], rank: Ints, cut: float, own: float,
) -> tuple[Floats, Floats, list[Ints]]:  # fmt: skip
    """Choose the modes of all nodes of a level; coupling and right-hand sides in modes."""
    scaled = coupling.copy()
    sides = right.copy()
    for at, root in zip(whole, roots):
        if root is not None:
            scaled[at], sides[at] = np.linalg.solve(root, scaled[at]), np.linalg.solve(root, sides[at])
    for at, root in zip(whole, roots):
        if root is not None:
            scaled[:, at] = np.linalg.solve(root, scaled[:, at].T).T
    scale = float(np.linalg.norm(sides[:, :n_focal])) or 1.0
    modes: list[Floats] = []
    for at, root in zip(whole, roots):
        if root is None:
            modes.append(np.eye(len(at)))
            continue
        rows = scaled[at]
        rows[:, at] = 0.0
        drops, ends = sides[at, :n_focal], sides[at, n_focal:]
        seen = np.hstack((rows, drops / scale, _unit(drops) * own, _unit(ends) * own))
        short: Any = np.linalg.qr(seen.T, mode="r")  # what all of it spans, in a square
        u, s, _ = np.linalg.svd(short.T, full_matrices=False)
        modes.append(np.asarray(u[:, s > cut]))
    first = 0
    new = []
    for t, root, mine in zip(frontier, roots, modes):
        if root is not None:
            basis[t], rank[t] = root @ mine, mine.shape[1]
        new.append(np.arange(first, first + mine.shape[1]))
        first += mine.shape[1]
    down = np.zeros((len(coupling), first))
    for old, now, mine in zip(whole, new, modes):
        down[np.ix_(old, now)] = mine
    found = down.T @ scaled @ down
    for now in new:
        found[np.ix_(now, now)] = 0.0
    return 0.5 * (found + found.T), down.T @ sides, new


def _paired(
    frontier: list[int], whole: list[Ints], child: Ints, coupling: Floats, size: Ints, inner: list[Floats]
) -> tuple[list[int], list[Ints], list[Floats | None]]:
    """Children whose parents can be made become their parents; others wait, without a root."""
    place = {t: k for k, t in enumerate(frontier)}
    ready = [t for t in range(len(child)) if child[t, 0] in place and child[t, 1] in place]
    taken = set(child[ready].ravel().tolist())
    above: list[int] = []
    spans: list[Ints] = []
    roots: list[Floats | None] = []
    for t in sorted([*ready, *(t for t in frontier if t not in taken)]):
        above.append(t)
        if t in place:
            spans.append(whole[place[t]])
            roots.append(None)
            continue
        at = np.concatenate([whole[place[int(c)]] for c in child[t]])
        size[t], inner[t] = len(at), coupling[np.ix_(at, at)]
        spans.append(at)
        roots.append(_root(np.eye(len(at)) + inner[t]))
    return above, spans, roots


def _unit(x: Floats) -> Floats:
    """A table of norm 1, or of zeros."""
    return x / max(float(np.linalg.norm(x)), 1e-300)
