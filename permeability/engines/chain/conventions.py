"""Grids turned into chains as the peers do it: ConScape, samc, gdistance; so that their projects give their numbers.

ConScape of November 2024 (doi:10.1111/2041-210X.13850), samc 3 (doi:10.1111/ecog.04891; version 4 gives one number where
its ``visitation_net`` gave a vector, the vector is kept here), gdistance 1.6 (doi:10.18637/jss.v076.i13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from permeability.core.errors import ResistanceError, check_choice
from permeability.engines.chain.grid_chain import GridChain
from permeability.engines.chain.link_chain import LinkChain
from permeability.engines.chain.path_chain import PathChain, largest_part
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, N_DIRECTIONS, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Value = Callable[[Floats, Floats], Floats]

WEIGHTS = ("target", "average")


class GridStates(NamedTuple):
    """Chain of a grid, and which cell (flat index) each of its states is.

    Examples
    --------
    >>> samc_links(np.array([[1.0, np.nan, 1.0, 1.0]]), 0.1).cells.tolist()
    [0, 2, 3]
    """

    chain: Any
    cells: Ints


def grid_steps(live: NDArray[np.bool_], neighbours: int) -> tuple[Ints, Ints, Floats]:
    """Both ways of all links between live cells: from, to (flat indices), length [cells].

    >>> grid_steps(np.array([[True, True]]), 4)[:2]
    (array([0, 1]), array([1, 0]))
    """
    rows, cols = live.shape
    cell = np.arange(rows * cols).reshape(rows, cols)
    begin, end, length = [], [], []
    for k in range(N_DIRECTIONS[neighbours]):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        c0, c1 = max(0, -dc), cols - max(0, dc)
        a, b = np.s_[: rows - dr, c0:c1], np.s_[dr:, c0 + dc : c1 + dc]
        both = live[a] & live[b]
        begin += [cell[a][both], cell[b][both]]
        end += [cell[b][both], cell[a][both]]
        length += [np.full(2 * int(both.sum()), LENGTH[k])]
    return (
        np.concatenate(begin).astype(np.int64),
        np.concatenate(end).astype(np.int64),
        np.concatenate(length),
    )


def conscape_paths(
    affinities: ArrayLike,
    theta: float,
    *,
    costs: ArrayLike | None = None,
    neighbours: int = 8,
    weight: str = "target",
    targets: ArrayLike | None = None,
) -> GridStates:
    """Randomised shortest paths on a grid by the rules of ConScape.

    Parameters
    ----------
    affinities : array, shape (rows, cols)
        How readily a cell is entered; NaN or 0 = never.
    theta : float
        [1 / unit of cost]
    costs : array, shape (rows, cols), optional
        Cost of a step by the cell that is entered; minus ln of the link's affinity by default.
    neighbours : {8, 4}
    weight : {"target", "average"}
        Affinity of the cell that is entered, over the length of the step, or the harmonic mean of both cells.
    targets : array of int, optional
        Flat cells that distances lead to; those outside the largest part are left out.

    Returns
    -------
    GridStates
        A :class:`permeability.engines.chain.path_chain.PathChain` of the largest strongly connected part, its states in the
        order of ConScape (down the columns).

    Raises
    ------
    OptionError, ResistanceError
        [Q04], [Q05] as in the chain; [C04] an unknown weight.

    Examples
    --------
    >>> import numpy as np
    >>> found = conscape_paths(np.ones((2, 2)), 2.0, costs=np.ones((2, 2)), neighbours=4)
    >>> found.chain.free_energy().round(5)[0].tolist()
    [0.0, 1.34197, 1.34197, 2.34197]
    """
    check_choice("weight", weight, WEIGHTS, code="C04")
    a = np.nan_to_num(np.asarray(affinities, np.float64))
    flat = a.ravel()
    begin, end, length = grid_steps(a > 0, neighbours)
    with np.errstate(divide="ignore"):
        value = flat[end] if weight == "target" else 2.0 / (1.0 / flat[begin] + 1.0 / flat[end])
    value = value / length
    if costs is None:
        price = -np.log(value)
    else:
        c = np.asarray(costs, np.float64).ravel()
        price = (c[end] if weight == "target" else 0.5 * (c[begin] + c[end])) * length
    down = np.arange(a.size).reshape(a.shape).T.ravel()  # cells in the order of the states
    state = np.empty(a.size, np.int64)
    state[down] = np.arange(a.size)
    shape = (a.size, a.size)
    links = csr_array(coo_array((value, (state[begin], state[end])), shape=shape))
    prices = csr_array(coo_array((price, (state[begin], state[end])), shape=shape))
    part = largest_part(links)
    cells = down[part]
    chosen = None
    if targets is not None:
        wanted = np.asarray(targets, np.int64)
        place = np.full(a.size, -1, np.int64)
        place[cells] = np.arange(len(cells))
        chosen = place[wanted][place[wanted] >= 0]
    chain = PathChain(links[part][:, part], prices[part][:, part], theta, chosen)
    return GridStates(chain, cells)


def conscape_grid(affinities: ArrayLike, theta: float, *, neighbours: int = 8) -> GridChain:
    """The same as a leaky circuit (affinity of the entered cell, cost -ln), for grids of millions of cells.

    ``g = (a_i a_j / l)^(1 + theta)``, outflow ``a_i^(1 + theta) s_i`` with ``s_i = sum_j a_j / l``, and a leak that is what
    is left of it: multiplied by ``a_i^(1 + theta)`` the chain is symmetric (doi:10.1111/2041-210X.13850 for the graph).

    Parameters
    ----------
    affinities : array, shape (rows, cols)
        0 < affinity <= 1, NaN or 0 = never entered.
    theta : float
    neighbours : {8, 4}

    Returns
    -------
    GridChain

    Raises
    ------
    ResistanceError
        [Q05] an affinity above 1, whose cost would be negative.

    Examples
    --------
    >>> import numpy as np
    >>> grid = conscape_grid(np.array([[1.0, 0.5, 1.0]]), 1.0)
    >>> paths = conscape_paths(np.array([[1.0, 0.5, 1.0]]), 1.0).chain
    >>> bool(np.allclose(grid.fundamental([2])[0].ravel(), paths.fundamental[:, 2]))
    True
    """
    a = np.nan_to_num(np.asarray(affinities, np.float64))
    if float(a.max(initial=0.0)) > 1:
        raise ResistanceError(
            "Q05",
            "some links have a negative cost: their affinity is above 1.",
            details={"largest": float(a.max())},
            remedy="scale affinities so that none is above 1, or give the costs",
        )
    power, leak, outflow = a ** (1.0 + theta), np.zeros(a.shape), np.zeros(a.shape)
    planes = []
    for k in range(4):
        plane = np.zeros(a.shape)
        if k < N_DIRECTIONS[neighbours]:
            rows, cols = a.shape
            dr, dc = int(D_ROW[k]), int(D_COL[k])
            c0, c1 = max(0, -dc), cols - max(0, dc)
            i, j = np.s_[: rows - dr, c0:c1], np.s_[dr:, c0 + dc : c1 + dc]
            live = (a[i] > 0) & (a[j] > 0)
            scale = LENGTH[k] ** (1.0 + theta)
            plane[i] = power[i] * power[j] / scale
            for here, there in ((i, j), (j, i)):
                whole = np.where(live, power[here] * a[there] / LENGTH[k], 0.0)
                outflow[here] += whole
                with np.errstate(divide="ignore"):
                    lost = -np.expm1(theta * np.log(a[there] / LENGTH[k]))
                leak[here] += np.where(live, whole * lost, 0.0)
        planes.append(plane)
    return GridChain(GridLinks(*planes), outflow, leak)


def samc_links(
    values: ArrayLike,
    absorption: ArrayLike,
    fidelity: ArrayLike | float = 0.0,
    *,
    value: Value | None = None,
    neighbours: int = 8,
) -> GridStates:
    """An absorbing chain of a grid by the rules of samc, also one that is not the same both ways.

    Parameters
    ----------
    values : array, shape (rows, cols)
        Resistance, NaN = no state.
    absorption, fidelity : array, shape (rows, cols), or float
        Chance to be absorbed, and to stay, in a step.
    value : callable, optional
        Weight of a step from the values of the cell left and the cell entered; ``1 / mean`` by default.  It is divided by
        the length of the step.
    neighbours : {8, 4}

    Returns
    -------
    GridStates
        A :class:`permeability.engines.chain.link_chain.LinkChain`, states along the rows.

    Raises
    ------
    ResistanceError, MemoryLimitError
        [Q01], [Q02] as in the chain.

    Examples
    --------
    >>> import numpy as np
    >>> found = samc_links(np.ones((1, 2)), 0.1)
    >>> found.chain.time_to_end().round(9).tolist()
    [10.0, 10.0]
    """
    r = np.asarray(values, np.float64)
    live = np.isfinite(r)
    cells = np.flatnonzero(live.ravel()).astype(np.int64)
    ends = np.broadcast_to(np.asarray(absorption, np.float64), r.shape).ravel()[cells]
    stay = np.broadcast_to(np.asarray(fidelity, np.float64), r.shape).ravel()[cells]
    begin, end, length = grid_steps(live, neighbours)
    flat = r.ravel()
    weight = (value or _one_over_mean)(flat[begin], flat[end]) / length
    place = np.zeros(r.size, np.int64)
    place[cells] = np.arange(len(cells))
    total = np.bincount(place[begin], weight, len(cells))
    move = np.where(total > 0, 1.0 - stay - ends, 0.0)
    chance = weight / total[place[begin]] * move[place[begin]]
    diagonal = np.where(total > 0, stay, 1.0 - ends)  # a cell without neighbours stays where it is
    n, own = len(cells), np.arange(len(cells))
    step = coo_array(
        (np.concatenate([chance, diagonal]), (np.append(place[begin], own), np.append(place[end], own))),
        shape=(n, n),
    )
    return GridStates(LinkChain(csr_array(step), ends), cells)


def _one_over_mean(a: Floats, b: Floats) -> Floats:
    return 2.0 / (a + b)


def samc_grid(
    values: ArrayLike, absorption: ArrayLike, fidelity: ArrayLike | float = 0.0, *, neighbours: int = 8
) -> GridChain:
    """The same as a leaky circuit where steps are worth the same both ways (``1 / mean``), for millions of cells.

    With ``s`` the sum of a cell's links: outflow ``s / (1 - fidelity - absorption)``, leak ``outflow * absorption``.

    Parameters
    ----------
    values, absorption, fidelity, neighbours
        As for :func:`samc_links`.

    Returns
    -------
    GridChain

    Examples
    --------
    >>> import numpy as np
    >>> samc_grid(np.ones((1, 2)), np.full((1, 2), 0.1)).time_to_end().round(6).tolist()
    [[10.0, 10.0]]
    """
    from permeability.engines.kernels.edges import grid_links

    r = np.asarray(values, np.float64)
    links = grid_links(r, neighbours=neighbours)
    ends = np.broadcast_to(np.asarray(absorption, np.float64), r.shape)
    stay = np.broadcast_to(np.asarray(fidelity, np.float64), r.shape)
    with np.errstate(invalid="ignore"):
        outflow = np.nan_to_num(link_sums(links) / (1.0 - stay - ends))
    return GridChain(links, outflow, np.nan_to_num(outflow * ends))


def link_sums(links: GridLinks) -> Floats:
    """Sum of the links of every cell."""
    from permeability.engines.chain.grid_chain import degree

    return degree(links)


def coarse_targets(quality: ArrayLike, block: int) -> Floats:
    """Quality moved to the centre cell of blocks, NaN elsewhere; blocks cut by the rim are dropped.

    Parameters
    ----------
    quality : array, shape (rows, cols)
    block : int
        Cells along the side of a block, odd.

    Returns
    -------
    array, shape (rows, cols)

    Examples
    --------
    >>> coarse_targets(np.ones((3, 4)), 3)[1].tolist()
    [nan, 9.0, nan, nan]
    """
    q = np.nan_to_num(np.asarray(quality, np.float64))
    rows, cols = q.shape[0] // block, q.shape[1] // block
    sums = q[: rows * block, : cols * block].reshape(rows, block, cols, block).sum(axis=(1, 3))
    out = np.full(q.shape, np.nan)
    half = (block - 1) // 2
    out[half : half + rows * block : block, half : half + cols * block : block] = sums
    return out
