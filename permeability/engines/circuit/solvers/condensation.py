"""Condensation: the landscape seen from a few of its nodes, exactly, in about a second per million cells.

The links of a grid are eliminated onto the *kept* nodes (focal cells or regions, both end cells of every
edge that is left out) by nested dissection (:mod:`permeability.engines.kernels.dissection`).  What remains is a small
dense network with the same currents, voltages and effective resistances among the kept nodes.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core import memory
from permeability.core.errors import MemoryLimitError, PatchError, SolverError
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAF = 32  # elements in the smallest boxes
CHUNK_WORK = 5e9  # multiply-adds between two looks at Ctrl-C
CHECK_TOLERANCE = 1e-9  # largest relative residual of the sampled check that passes
BALANCE_TOLERANCE = 1e-9  # largest relative imbalance of the currents put into one component
KEPT_PLANS = 8  # orders of elimination that are kept
KEPT_PLAN_BYTES = 4_000_000  # and the list of nodes of the largest of them
SMALL = 24  # nodes up to which all effective resistances are taken one ground after the other

_plans_lock = threading.Lock()


@dataclass(frozen=True)
class CondenseReport:
    """What a condensation did and what it took.

    ``cells`` with a node, ``kept`` nodes T, ``fronts``, the largest front, multiply-adds ``work``,
    ``seconds``, ``peak_bytes`` beyond the links, ``factor_bytes`` kept, and the relative ``residual`` of the
    sampled check: a pseudo-random potential is carried through the whole elimination as a right-hand side and
    must satisfy the condensed equations.
    """

    cells: int
    kept: int
    fronts: int
    largest_front: int
    work: float
    seconds: float
    peak_bytes: int
    factor_bytes: int
    residual: float


@dataclass(frozen=True)
class _Plan:
    """Fronts in postorder: see :func:`permeability.engines.kernels.dissection.plan`."""

    bounds: NDArray[np.int32]
    child: NDArray[np.int32]
    ids: NDArray[np.int32]
    start: Ints
    size: Ints
    n_out: Ints
    offset: Ints
    stack: int
    rows_max: int
    rest_max: int
    factor: int
    work: Floats

    @property
    def factor_start(self) -> Ints:
        """Where the pivot rows of every front begin in the kept factor."""
        return np.concatenate(([0], np.cumsum(self.n_out * self.size)))

    def peak_bytes(self, n_cells: int, n_kept: int, *, keep_factor: bool, leak: bool) -> int:
        """Bytes beyond the links, exact but for small change."""
        per_node = 4 + 4 + 16 + (8 if leak else 0)  # node number, position, check and leak
        dense = self.stack + self.rest_max + 3 * n_kept**2 + (self.factor if keep_factor else self.rows_max)
        tiles = 2 * self.rows_max  # contiguous copies for the matrix products
        return int(
            per_node * (n_cells + n_kept) + 8 * (dense + tiles) + self.ids.nbytes + 80 * len(self.size)
        )


_plans: OrderedDict[bytes, _Plan] = OrderedDict()


@dataclass(frozen=True)
class _Factor:
    plan: _Plan
    rows: Floats
    dense: Floats  # factor of the kept nodes themselves


@dataclass(frozen=True)
class Condensed:
    """A landscape condensed onto its kept nodes.

    Attributes
    ----------
    nodes : array of int, shape (T,)
        Flat cell index of every kept node (of a region: its first cell); regions first, in the order of their
        labels, then single cells in the order given, then the end cells of left-out edges.
    regions : array of int, shape (n_regions,)
        Labels of the regions, in the order of the nodes.
    conductance : array, shape (T, T)
        Conductances of the condensed network [dimensionless]; symmetric, zero diagonal, 0 = no connection.
    leak : array, shape (T,)
        Conductances to ground [dimensionless].
    components : array of int, shape (T,)
        Label of the connected component of each node, without left-out edges.
    report : CondenseReport
    """

    nodes: Ints
    regions: Ints
    conductance: Floats
    leak: Floats
    components: Ints
    report: CondenseReport
    shape: tuple[int, int]
    _node: NDArray[np.int32] = field(repr=False)
    _factor: _Factor | None = field(repr=False, default=None)

    @property
    def laplacian(self) -> Floats:
        """The dense T x T Schur complement of the Laplacian on the kept nodes [dimensionless]."""
        out = -self.conductance
        np.fill_diagonal(out, self.conductance.sum(axis=1) + self.leak)
        return out

    def index_of(self, cells: ArrayLike) -> Ints:
        """Numbers (0..T-1) of the kept nodes that hold the given flat cells; -1 where a cell was not kept."""
        node = self._node[np.asarray(cells, dtype=np.int64)].astype(np.int64) - self._node.size
        return np.where(node >= 0, node, -1)

    def potentials(self, currents: ArrayLike) -> Floats:
        """Voltages on the whole grid for any number of right-hand sides.

        Parameters
        ----------
        currents : array, shape (T,) or (m, T), or (rows, cols) or (m, rows, cols)
            Current put into the kept nodes, or into every cell [unit current]; in every component without a
            leak it must sum to zero.

        Returns
        -------
        array, shape (m, rows, cols) or (rows, cols)
            Voltages; NaN where the grid has no node.  In a component without a leak one node has zero.

        Raises
        ------
        SolverError
            When the factor was not kept (S21), or the currents of a component do not balance (S22).
        """
        from permeability.engines.kernels.dissection import backward, forward

        if self._factor is None:
            raise SolverError(
                "S21",
                "this condensation kept no factor, so there are no voltages on the grid.",
                remedy="call condense(..., keep_factor=True)",
            )
        given: NDArray[Any] = np.asarray(currents, dtype=np.float64)
        on_grid = given.shape[-2:] == self.shape
        single = given.ndim == (2 if on_grid else 1)
        given = given.reshape(1, *given.shape) if single else given
        plan, rows = self._factor.plan, self._factor.rows
        tree = (plan.ids, plan.start, plan.size, plan.n_out, rows, plan.factor_start)
        n_cells, n_fronts = self._node.size, len(plan.size)
        out = np.full((len(given), n_cells), np.nan)
        present = self._node >= 0
        for m0 in range(0, len(given), 8):
            block = given[m0 : m0 + 8]
            x = np.zeros((len(block), n_cells + len(self.nodes)))
            lost = np.zeros(len(block))
            if on_grid:
                flat = block.reshape(len(block), -1)
                _add_currents(x, self._node, flat)
                lost = forward(0, n_fronts, *tree, x)
            else:
                x[:, n_cells:] = block
            lost = lost + self._solve_kept(x[:, n_cells:])
            self._refuse_unbalanced(lost, np.abs(block).reshape(len(block), -1).sum(axis=1))
            backward(0, n_fronts, *tree, x)
            out[m0 : m0 + 8, present] = x[:, self._node[present]]
        grids: Floats = out.reshape(len(given), *self.shape)
        return grids[0] if single else grids

    def _solve_kept(self, x: Floats) -> Floats:
        """Replace currents by voltages at the kept nodes, in place; returns the current left over."""
        from permeability.engines.kernels.dissection import backward, forward

        assert self._factor is not None
        t = len(self.nodes)
        one = np.array([t], dtype=np.int64)
        zero = np.zeros(2, dtype=np.int64)
        tree = (np.arange(t, dtype=np.int32), zero, one, one, self._factor.dense, zero)
        local = np.ascontiguousarray(x)
        lost: Floats = forward(0, 1, *tree, local)
        backward(0, 1, *tree, local)
        x[:] = local
        return lost

    @staticmethod
    def _refuse_unbalanced(lost: Floats, total: Floats) -> None:
        bad = np.flatnonzero(lost > BALANCE_TOLERANCE * total)
        if len(bad):
            raise SolverError(
                "S22",
                "the currents put into a component without ground do not sum to zero.",
                rows=bad.tolist(),
                remedy="inject what is withdrawn within every connected component, or ground it with leak=",
            )


def condense(
    links: GridLinks,
    kept: ArrayLike = (),
    *,
    left_out: tuple[ArrayLike, ArrayLike] | None = None,
    leak: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    keep_factor: bool = False,
    memory_limit: int | None = None,
) -> Condensed:
    """Condense the links of a grid onto kept nodes (Schur complement, exact).

    Parameters
    ----------
    links : GridLinks
        Four (rows, cols) planes of conductances [dimensionless]; 0 = no link.
    kept : array of int
        Flat indices of cells that are never eliminated.
    left_out : (cells, directions), optional
        Edges that stay outside the condensed network, named as in :mod:`permeability.engines.kernels.edges`; their
        end cells are kept.
    leak : array, shape (rows, cols), optional
        Conductance of each cell to ground [dimensionless].
    regions : array of int, shape (rows, cols), optional
        Cells of equal label > 0 are one node (short-circuited), which is kept.
    keep_factor : bool
        Keep the pivot rows (about 0.6 kB per cell), so that :meth:`Condensed.potentials` works.
    memory_limit : int, optional
        Bytes the work may take beyond the links; default: what is free for this process.

    Returns
    -------
    Condensed

    Raises
    ------
    MemoryLimitError
        When the estimate exceeds the limit (M11).
    PatchError
        A kept cell outside the grid (P21).
    SolverError
        When the sampled check fails (S23).

    Notes
    -----
    Pivots are sums of conductances, never differences (Grassmann, Taksar & Heyman 1985,
    doi:10.1287/opre.33.5.1107), so barriers may be as tight as they like.  Time grows as cells**1.5,
    memory as cells; interfaces beyond some 6,000 nodes cost T**3 time and T**2 memory
    (:mod:`permeability.engines.circuit.interface.layered` does not).

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> land = condense(grid_links(np.ones((1, 5))), [0, 4])
    >>> land.conductance.round(6).tolist()
    [[0.0, 0.25], [0.25, 0.0]]
    """
    from permeability.engines.kernels import dissection, gains, pivots

    nd: Any = dissection  # numba functions
    label_components: Any = gains.dense_components
    begun = time.perf_counter()
    planes = [np.ascontiguousarray(p, dtype=np.float64) for p in links]
    rows, cols = planes[0].shape
    ground = np.zeros((0, 0)) if leak is None else np.ascontiguousarray(leak, dtype=np.float64)
    nodes, region_labels, node, keys = kept_nodes((rows, cols), kept, left_out, regions)
    t, n_cells = len(nodes), rows * cols
    nd.number_nodes(*planes, ground, node)
    plan = make_plan(rows, cols, node)
    needed = plan.peak_bytes(n_cells, t, keep_factor=keep_factor, leak=leak is not None)
    refuse_memory(needed, memory_limit, t, n_cells, keep_factor)
    check, bulk, per_node_leak = np.zeros(n_cells + t), np.zeros(n_cells + t), np.zeros(0)
    if leak is not None:
        per_node_leak = np.zeros(n_cells + t)
        _add_currents(per_node_leak[None], node, ground.reshape(1, -1))
        check += per_node_leak * nd.probe_all(n_cells + t)
        bulk += np.abs(check)
    conductance, factor_rows = _run(planes, node, keys, per_node_leak, check, bulk, plan, keep_factor, t)
    kept_leak = per_node_leak[n_cells:].copy() if leak is not None else np.zeros(t)
    probe = nd.probe_all(n_cells + t)[n_cells:]
    residual = _sampled_residual(conductance, kept_leak, check[n_cells:], bulk[n_cells:], probe)
    if not residual <= CHECK_TOLERANCE:
        raise SolverError(
            "S23",
            f"the condensed network misses its sampled check (relative residual {residual:.1e}).",
            remedy="report this with the input; meanwhile use solver='multigrid'",
        )
    factor = None
    if keep_factor:
        dense, none = conductance.copy(), np.zeros(0)
        grounded = kept_leak.copy() if kept_leak.any() else none
        reduce: Any = pivots.reduce_front
        reduce(dense, np.zeros((0, 0)), grounded, none, none)
        factor = _Factor(plan, factor_rows, dense.ravel())
    report = CondenseReport(
        cells=int((node >= 0).sum()),
        kept=t,
        fronts=len(plan.size),
        largest_front=int(plan.size.max()),
        work=float(plan.work.sum()),
        seconds=time.perf_counter() - begun,
        peak_bytes=needed,
        factor_bytes=factor_rows.nbytes if keep_factor else 0,
        residual=residual,
    )
    labels: Ints = label_components(conductance)
    return Condensed(nodes, region_labels, conductance, kept_leak, labels, report, (rows, cols), node, factor)


def effective_resistances(
    links: GridLinks,
    focal: ArrayLike = (),
    *,
    regions: ArrayLike | None = None,
    leak: ArrayLike | None = None,
    memory_limit: int | None = None,
) -> Floats:
    """Effective resistances among focal cells or regions.

    Parameters
    ----------
    links : GridLinks
    focal : array of int
        Flat cell indices (repeated cells allowed).
    regions : array of int, shape (rows, cols), optional
        Focal regions, one node per label > 0; they come first in the result, in the order of their labels.
    leak, memory_limit
        As for :func:`condense`.

    Returns
    -------
    array, shape (n, n)
        Effective resistance [dimensionless], ``inf`` between components, 0 on the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.kernels.edges import grid_links
    >>> effective_resistances(grid_links(np.ones((1, 5))), [0, 2, 4]).round(9).tolist()
    [[0.0, 2.0, 4.0], [2.0, 0.0, 2.0], [4.0, 2.0, 0.0]]
    """
    land = condense(links, focal, regions=regions, leak=leak, memory_limit=memory_limit)
    cells = np.concatenate((land.nodes[: len(land.regions)], np.asarray(focal, dtype=np.int64).ravel()))
    index = land.index_of(cells)
    return network_resistances(land.conductance, land.leak)[np.ix_(index, index)]


def network_resistances(conductance: Floats, leak: Floats | None = None) -> Floats:
    """All pairwise effective resistances of a dense network, each to nearly full relative accuracy.

    Large networks are cut into four groups; every two groups are condensed by eliminating the others, so no
    resistance is ever the difference of two larger numbers; O(n^3).

    Parameters
    ----------
    conductance : array, shape (n, n)
        Symmetric, >= 0 [dimensionless].
    leak : array, shape (n,), optional
        Conductance to a common ground [dimensionless].

    Examples
    --------
    >>> import numpy as np
    >>> network_resistances(np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])).round(6)[0].tolist()
    [0.0, 0.666667, 0.666667]
    """
    g = np.ascontiguousarray(conductance, dtype=np.float64)
    n = len(g)
    if leak is not None and np.any(leak > 0):
        bigger = np.zeros((n + 1, n + 1))
        bigger[:n, :n] = g
        bigger[:n, n] = bigger[n, :n] = leak
        return network_resistances(bigger)[:n, :n]
    out = np.zeros((n, n))
    if n > 1:
        _resistances_into(g, np.arange(n), out)
    return out


def _resistances_into(g: Floats, names: Ints, out: Floats) -> None:
    from permeability.engines.kernels.gains import reduce_onto, small_resistances

    if len(g) <= SMALL:
        out[np.ix_(names, names)] = small_resistances(g)
        return
    groups = np.array_split(np.arange(len(g)), 4)
    for a in range(4):
        for b in range(a + 1, 4):
            keep = np.concatenate((groups[a], groups[b]))
            drop = np.concatenate([groups[c] for c in range(4) if c not in (a, b)])
            _resistances_into(reduce_onto(g, drop, keep), names[keep], out)


def kept_nodes(
    shape: tuple[int, int],
    kept: ArrayLike,
    left_out: tuple[ArrayLike, ArrayLike] | None,
    regions: ArrayLike | None,
) -> tuple[Ints, Ints, NDArray[np.int32], Ints]:
    """Kept nodes, region labels, node of every cell (-1 = none yet), sorted keys of the left-out edges."""
    rows, cols = shape
    n_cells = rows * cols
    node = np.full(n_cells, -1, dtype=np.int32)
    labels = np.zeros(0, dtype=np.int64)
    first = np.zeros(0, dtype=np.int64)
    if regions is not None:
        flat = np.asarray(regions).ravel()
        at = np.flatnonzero(flat > 0)
        labels, where, inverse = np.unique(flat[at], return_index=True, return_inverse=True)
        labels, first = labels.astype(np.int64), at[where].astype(np.int64)
        node[at] = n_cells + inverse
    single = np.asarray(kept, dtype=np.int64).ravel()
    keys = np.zeros(0, dtype=np.int64)
    if left_out is not None:
        cell = np.asarray(left_out[0], dtype=np.int64).ravel()
        direction = np.asarray(left_out[1], dtype=np.int64).ravel()
        keys = np.unique(4 * cell + direction)
        single = np.concatenate((single, cell, cell + D_ROW[direction] * cols + D_COL[direction]))
    outside = np.flatnonzero((single < 0) | (single >= n_cells))
    if len(outside):
        raise PatchError(
            "P21",
            "kept cells lie outside the grid.",
            rows=single[outside].tolist(),
            details={"grid": f"{rows} x {cols} cells"},
            remedy="give flat indices row * columns + column",
        )
    single = single[node[single] < 0]
    _, order = np.unique(single, return_index=True)
    single = single[np.sort(order)]
    node[single] = n_cells + len(labels) + np.arange(len(single))
    return np.concatenate((first, single)), labels, node, keys


def make_plan(rows: int, cols: int, node: NDArray[np.int32]) -> _Plan:
    """Order of elimination for numbered nodes; the last small ones are kept by what they hang on, for it takes a third of the work."""
    key = hashlib.blake2b(node.tobytes(), digest_size=32).digest() + f"{rows} {cols}".encode()
    with _plans_lock:
        if (known := _plans.get(key)) is not None:
            _plans.move_to_end(key)
            return known
    made = _new_plan(rows, cols, node)
    if made.ids.nbytes <= KEPT_PLAN_BYTES:
        with _plans_lock:
            _plans[key] = made
            if len(_plans) > KEPT_PLANS:
                _plans.popitem(last=False)
    return made


def _new_plan(rows: int, cols: int, node: NDArray[np.int32]) -> _Plan:
    from permeability.engines.kernels import dissection as nd
    from permeability.engines.kernels.box_cuts import box_tree

    bounds, child = box_tree(node.reshape(rows, cols), np.zeros((0, 0), dtype=bool), LEAF)
    box = nd.elimination_box(rows, cols, bounds, child, node)
    ids, start, size, n_out = nd.plan(rows, cols, bounds, child, node, box)
    offset, stack, rows_max, rest_max, factor, work = nd.plan_cost(child, size, n_out)
    return _Plan(bounds, child, ids, start, size, n_out, offset, stack, rows_max, rest_max, factor, work)


def _run(
    planes: list[Floats],
    node: NDArray[np.int32],
    keys: Ints,
    leak: Floats,
    check: Floats,
    bulk: Floats,
    plan: _Plan,
    keep_factor: bool,
    n_kept: int,
) -> tuple[Floats, Floats]:
    """The numeric work, in pieces so that Ctrl-C is heard; returns the network and the kept factor."""
    from permeability.engines.kernels import dissection

    eliminate: Any = dissection.eliminate
    stack = np.empty(plan.stack)
    pos = np.empty(len(check), dtype=np.int32)
    rows_buffer = np.empty(0 if keep_factor else plan.rows_max)
    rest_buffer = np.empty(plan.rest_max)
    factor = np.empty(plan.factor if keep_factor else 0)
    ends: NDArray[Any] = np.searchsorted(
        np.cumsum(plan.work), np.arange(CHUNK_WORK, plan.work.sum(), CHUNK_WORK)
    )
    stops = np.unique(np.concatenate(([0], ends, [len(plan.size)])))
    for begin, end in pairwise(stops):
        eliminate(
            begin, end, plan.bounds, plan.child, plan.ids, plan.start, plan.size, plan.n_out, plan.offset,
            *planes, node, keys, leak, check, bulk, stack, pos, rows_buffer, rest_buffer, factor, plan.factor_start,
        )  # fmt: skip
    root = plan.ids[plan.start[-2] + plan.n_out[-1] :].astype(np.int64) - len(node)
    upper = np.triu(rest_buffer[: len(root) ** 2].reshape(len(root), len(root)), 1)
    conductance = np.zeros((n_kept, n_kept))
    conductance[np.ix_(root, root)] = upper + upper.T
    return conductance, factor


def _sampled_residual(conductance: Floats, leak: Floats, carried: Floats, bulk: Floats, x: Floats) -> float:
    """Residual of ``L x = b`` on the kept nodes, relative to the magnitudes that went into ``b``."""
    worst = 0.0
    for k in range(len(x)):  # differences of potentials, row by row: no second T x T table
        flow = conductance[k] * (x[k] - x)
        scale = max(float(bulk[k]), float(np.abs(flow).sum() + leak[k] * abs(x[k])))
        if scale > 0:
            worst = max(worst, abs(float(flow.sum() + leak[k] * x[k] - carried[k])) / scale)
    return worst


def _add_currents(x: Floats, node: NDArray[np.int32], flat: Floats) -> None:
    present = node >= 0
    for row, values in zip(x, flat):
        row += np.bincount(node[present], weights=values[present], minlength=len(row))


def refuse_memory(
    needed: int, limit: int | None, n_kept: int, n_cells: int, keep_factor: bool = False
) -> None:
    """Refuse work that would not fit (M11)."""
    available = memory.available() if limit is None else limit
    if needed <= available:
        return
    remedy = "keep fewer nodes (fewer sections per group), or use solver='multigrid'"
    if keep_factor:
        remedy = "ask for resistances only (keep_factor=False), or use solver='multigrid'"
    raise MemoryLimitError(
        "M11",
        f"condensing {n_cells:,} cells onto {n_kept:,} nodes needs {needed / 1e9:.2f} GB.",
        details={"allowed": f"{available / 1e9:.2f} GB", "memory": memory.told()},
        remedy=remedy,
    )
