"""Directed costs of single steps, from a rule for one step or from relief."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import plain_values
from permeability.core.errors import OptionError, check_choice
from permeability.engines.kernels.edges import BETWEEN_COL, BETWEEN_ROW, D_COL, D_ROW, N_DIRECTIONS

Floats = NDArray[np.float64]
KNIGHTS_MOVES = ("through", "over")


def step_lengths(cell_size: float | tuple[float, float]) -> Floats:
    """Length of a step in each edge direction [m], shape (8,).

    Parameters
    ----------
    cell_size : float or (height, width)
        [m]

    Raises
    ------
    OptionError
        D07 for what is no length.

    Examples
    --------
    >>> step_lengths(3.0)[:2].tolist()
    [3.0, 3.0]
    """
    high, wide = cell_size if isinstance(cell_size, tuple) else (cell_size, cell_size)
    if not (0 < high < np.inf and 0 < wide < np.inf):
        raise OptionError(
            "D07", f"cell_size = {cell_size!r} is not a positive length.", remedy="give it in metres"
        )
    return np.asarray(np.sqrt((D_ROW * float(high)) ** 2 + (D_COL * float(wide)) ** 2))


def step_costs(
    cost: Callable[..., ArrayLike],
    *layers: ArrayLike,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
    symmetric: bool = False,
    knights_move: str = "through",
) -> Floats:
    """Directed costs of all steps from a rule for one step.

    Parameters
    ----------
    cost : callable
        ``cost(length, a1, b1, a2, b2, ...)`` -> cost of a step of ``length`` [m] from cell a to cell b,
        with the values of each layer in both; called with arrays.  inf or NaN = no passage.
    *layers : arrays, shape (rows, cols)
        Resistance, elevation, ...
    cell_size : float or (height, width)
        Distance between neighbouring rows and columns [m].
    neighbours : {4, 8, 16}
    symmetric : bool
        Evaluate each edge once, from the cell with the lower row (then column) number, for both ways.
    knights_move : {"through", "over"}
        ``through``: a move that 16 neighbours add is two steps of half its length, which meet at the mean of the two
        cells that it passes; NaN in one of them closes it.  ``over``: one step, from end to end (gdistance).

    Returns
    -------
    array, shape (2 n, rows, cols)
        Plane ``k`` leads from the first cell of edge direction ``k`` to the second, plane ``n + k`` back;
        both are indexed by the first cell (`permeability.engines.kernels.edges`).  Memory: 8 (2 n) bytes per cell.

    Examples
    --------
    Cost of the cell entered only:

    >>> planes = step_costs(lambda length, a, b: b, [[1.0, 5.0]], neighbours=4)
    >>> float(planes[0, 0, 0]), float(planes[2, 0, 0])
    (5.0, 1.0)
    """
    check_choice("neighbours", neighbours, tuple(N_DIRECTIONS))
    check_choice("knights_move", knights_move, KNIGHTS_MOVES)
    over = knights_move == "over"
    arrays = [np.asarray(plain_values(layer, name="layer"), np.float64) for layer in layers]
    n, (rows, cols) = N_DIRECTIONS[neighbours], arrays[0].shape
    planes = np.full((2 * n, rows, cols), np.inf)
    lengths = step_lengths(cell_size)
    for k in range(n):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        if dr >= rows or abs(dc) >= cols:
            continue
        first = (slice(0, rows - dr), slice(max(0, -dc), cols - max(0, dc)))
        second = (slice(dr, rows), slice(max(0, dc), cols - max(0, -dc)))
        way = [first, second] if k < 4 or over else [first, None, second]
        planes[k][first] = _way_cost(cost, arrays, way, k, float(lengths[k]))
        planes[n + k][first] = (
            planes[k][first] if symmetric else _way_cost(cost, arrays, way[::-1], k, float(lengths[k]))
        )
    planes[np.isnan(planes)] = np.inf
    return planes


def _way_cost(
    cost: Callable[..., ArrayLike], arrays: list[Floats], way: list[Any], k: int, length: float
) -> Any:
    """Cost of a way of one step, or of two half ones that meet (None) between the cells that it passes."""
    first = min((part for part in way if part is not None), key=lambda part: part[0].start)

    def values(array: Floats, part: Any) -> Floats:
        if part is not None:
            return array[part]
        passed = [array[_moved(first, int(BETWEEN_ROW[k, i]), int(BETWEEN_COL[k, i]))] for i in (0, 1)]
        return 0.5 * (passed[0] + passed[1])

    steps = len(way) - 1
    total: Any = 0.0
    for a, b in itertools.pairwise(way):
        total = total + np.asarray(
            cost(length / steps, *(values(x, part) for x in arrays for part in (a, b)))
        )
    return total


def _moved(part: tuple[slice, slice], rows: int, cols: int) -> tuple[slice, slice]:
    """A window moved by rows and columns."""
    return (
        slice(part[0].start + rows, part[0].stop + rows),
        slice(part[1].start + cols, part[1].stop + cols),
    )


def slope_costs(
    resistance: ArrayLike,
    elevation: ArrayLike,
    *,
    uphill: float = 0.0,
    downhill: float = 0.0,
    cell_size: float | tuple[float, float] = 1.0,
    neighbours: int = 8,
) -> Floats:
    """Directed step costs on relief: ``length x mean R x (1 + uphill x rise + downhill x fall)``.

    Parameters
    ----------
    resistance : array, shape (rows, cols)
        [dimensionless]
    elevation : array, shape (rows, cols)
        [m]
    uphill, downhill : float
        Extra cost per metre climbed or descended on one metre of way [dimensionless], >= 0.
    cell_size : float or (height, width)
        Distance between neighbouring rows and columns [m].
    neighbours : {4, 8, 16}

    Returns
    -------
    array, shape (2 n, rows, cols)
        For ``step_costs=`` of :func:`cost_surface`.

    Raises
    ------
    OptionError
        D07 for factors below 0.

    Examples
    --------
    >>> planes = slope_costs([[1.0, 1.0]], [[0.0, 10.0]], uphill=5, cell_size=100, neighbours=4)
    >>> float(planes[0, 0, 0]), float(planes[2, 0, 0])
    (150.0, 100.0)
    """
    if min(uphill, downhill) < 0:
        raise OptionError(
            "D07", "slope factors below 0 would make steps free.", remedy="give uphill, downhill >= 0"
        )

    def cost(length: float, ra: Floats, rb: Floats, za: Floats, zb: Floats) -> Floats:
        rise = (zb - za) / length
        factor = 1.0 + uphill * np.maximum(rise, 0.0) + downhill * np.maximum(-rise, 0.0)
        return length * 0.5 * (ra + rb) * factor

    return step_costs(cost, resistance, elevation, cell_size=cell_size, neighbours=neighbours)
