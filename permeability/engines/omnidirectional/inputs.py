"""From layers to what a window needs: cells, sources, targets, the correction of block artefacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import plain_values, require_metres_between
from permeability.core.errors import OptionError, ResistanceError
from permeability.engines.kernels.edges import EdgeBarriers, grid_links
from permeability.engines.omnidirectional.options import Condition

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def reclassify(values: ArrayLike, table: Iterable[tuple[float, float | None]]) -> Floats:
    """Replace single values of a grid, all at once; ``None`` and NaN stand for "no value".

    Parameters
    ----------
    values : array
    table : iterable of (old, new)
        Values that are not named stay as they are.

    Returns
    -------
    array
        The values after replacement; NaN for None.

    Raises
    ------
    OptionError
        W13 when a value is replaced twice.

    Examples
    --------
    >>> reclassify([[1.0, 2.0, 5.0]], [(1, 2), (2, 1), (5, None)])
    array([[ 2.,  1., nan]])
    """
    grid = np.asarray(plain_values(values), dtype=np.float64)
    new = grid.copy()
    seen: dict[float, float | None] = {}
    for old, value in table:
        if old in seen and seen[old] != value:
            raise OptionError(
                "W13",
                f"the reclass table replaces {old:g} by {seen[old]} and by {value}.",
                remedy="keep one of the two lines",
            )
        seen[old] = value
        new[grid == old] = np.nan if value is None else value
    return new


def cell_resistance(values: ArrayLike, kind: str = "resistance", layer: str | None = None) -> Floats:
    """Resistance of the cells from a resistance or conductance grid; NaN = no value.

    Raises
    ------
    ResistanceError
        R01 for zero, negative or infinite cells, R02 without any valid cell, R03 when it is not a grid.
    """
    if isinstance(values, xr.DataArray):
        require_metres_between(values, name=layer or "resistance")
    grid = np.array(plain_values(values, name=layer or "resistance"), dtype=np.float64)
    if grid.ndim != 2:
        raise ResistanceError(
            "R03", f"the {kind} has {grid.ndim} dimensions.", remedy="pass a grid", layer=layer
        )
    refuse_cells(count_cells(grid), kind, layer)
    return as_resistance(grid, kind)


def as_resistance(grid: Floats, kind: str) -> Floats:
    """Resistance of cells that hold resistance or conductance, all of them known to be fit for it."""
    return grid if kind == "resistance" else 1.0 / grid


def count_cells(grid: Floats) -> Ints:
    """Numbers of zero, negative, infinite and usable cells."""
    usable = np.isfinite(grid) & (grid > 0)
    return np.array([(grid == 0).sum(), (grid < 0).sum(), np.isinf(grid).sum(), usable.sum()])


def refuse_cells(counts: Ints, kind: str, layer: str | None = None) -> None:
    """Refuse a grid by the counts of its cells, see :func:`cell_resistance`."""
    zero, negative, infinite, usable = counts.tolist()
    if zero or negative or infinite:
        raise ResistanceError(
            "R01",
            f"{kind} must be positive and finite.",
            details={
                "zero": f"{zero:,} cells",
                "negative": f"{negative:,} cells",
                "infinite": f"{infinite:,} cells",
            },
            remedy="use NaN (no value) for cells that cannot be entered, and values above 0 elsewhere",
            layer=layer,
        )
    if not usable:
        raise ResistanceError("R02", f"the {kind} has no valid cell.", remedy="check the mask", layer=layer)


def source_strength(
    resistance: Floats,
    strength: ArrayLike | None,
    threshold: float,
    cutoff: float,
    negative: str = "refuse",
) -> Floats:
    """Strength of every cell as a source, 0 = none.

    Parameters
    ----------
    resistance : array, shape (rows, cols)
    strength : array, shape (rows, cols), optional
        NaN and values below ``threshold`` become 0, and so does what stands on cells without resistance (unless
        Omniscape is repeated, which scales by it and loses it).  None: ``1 / resistance``, 0 where the resistance
        is above ``cutoff``; the threshold is not used then.
    threshold : float
    cutoff : float
        Resistance [dimensionless].
    negative : {"refuse", "zero"}
        What becomes of negative strengths; Omniscape takes them for values below the threshold.

    Raises
    ------
    OptionError
        W14 another shape, negative or infinite strengths, no source at all.
    """
    given = (
        None if strength is None else np.asarray(plain_values(strength, name="strength"), dtype=np.float64)
    )
    if given is not None and given.shape != resistance.shape:
        raise OptionError(
            "W14",
            f"the strength has shape {given.shape}, the resistance {resistance.shape}.",
            remedy="align it with the resistance",
        )
    source, bad = sources_of(resistance, given, threshold, cutoff, negative)
    refuse_sources(bad, bool(source.any()))
    return source


def sources_of(
    resistance: Floats, strength: Floats | None, threshold: float, cutoff: float, negative: str
) -> tuple[Floats, int]:
    """Strength of every cell as a source, and how many of those given cannot be used."""
    if strength is None:
        conductance = np.where(np.isfinite(resistance), 1.0 / resistance, 0.0)
        least = 1.0 / cutoff if cutoff > 0 else np.inf
        return np.where(conductance < least, 0.0, conductance), 0
    source = np.where(np.isnan(strength), 0.0, strength)
    if negative == "refuse":  # nothing starts or ends where nothing can walk
        source = np.where(np.isnan(resistance) & np.isfinite(source) & (source > 0), 0.0, source)
    bad = np.isinf(source) | ((source < 0) & (negative == "refuse"))
    return np.where((source < threshold) | (source < 0), 0.0, source), int(bad.sum())


def refuse_sources(bad: int, some: bool) -> None:
    """Refuse strengths that cannot be used, or a landscape without a source."""
    if bad:
        raise OptionError(
            "W14",
            f"{bad:,} source strengths are negative or infinite.",
            remedy="strengths are 0 or more; use NaN for no value",
        )
    if not some:
        raise OptionError("W14", "no cell is a source.", remedy="lower the threshold or raise the cut-off")


def ordered(barriers: EdgeBarriers, cells: int) -> EdgeBarriers:
    """The same barriers by rising cell, as tasks look them up.

    Raises
    ------
    OptionError
        W18 for cells that are not on the grid.
    """
    if not len(barriers.cell):
        return barriers
    if barriers.cell.min() < 0 or barriers.cell.max() >= cells:
        raise OptionError("W18", "barriers name cells outside the grid.", remedy="cut them with this grid")
    if np.all(np.diff(barriers.cell) >= 0):
        return barriers
    order = np.argsort(barriers.cell, kind="stable")
    return EdgeBarriers(
        barriers.cell[order], barriers.direction[order], barriers.cost[order], barriers.resistance[order]
    )


def target_blocks(source: ArrayLike, block_size: int) -> tuple[Ints, Ints, Floats]:
    """Centres (row, column) and summed strength of all blocks that hold a source.

    Blocks start in the north-western corner; a block that does not fit whole is left out.

    Parameters
    ----------
    source : array, shape (rows, cols)
    block_size : int
        Odd.

    Returns
    -------
    tuple[array, array, array]
        Row and column of every target, and its strength.

    Examples
    --------
    >>> row, col, strength = target_blocks(np.ones((4, 7)), 3)
    >>> row.tolist(), col.tolist(), strength.tolist()
    ([1, 1], [1, 4], [9.0, 9.0])
    """
    grid = np.asarray(plain_values(source), dtype=np.float64)
    blocks = blocks_of(grid, block_size)
    strength = blocks.sum(axis=2)
    i, j = np.nonzero(strength > 0)
    half = (block_size - 1) // 2
    return i * block_size + half, j * block_size + half, strength[i, j]


def blocks_of(grid: NDArray[np.float64], block_size: int) -> Floats:
    """Cells of all whole blocks, shape (block rows, block columns, cells), each down its columns."""
    b = block_size
    rows, cols = grid.shape[0] // b, grid.shape[1] // b
    cut = grid[: rows * b, : cols * b].reshape(rows, b, cols, b)
    return cut.transpose(0, 2, 3, 1).reshape(rows, cols, b * b)


def condition_values(conditions: Sequence[Condition], row: Ints, col: Ints, block_size: int) -> Floats:
    """Value of each condition for each target, shape (targets, conditions): median or mode of its block."""
    values = np.full((len(row), len(conditions)), np.nan)
    for k, condition in enumerate(conditions):
        grid = np.asarray(
            plain_values(condition.present if condition.future is None else condition.future),
            dtype=np.float64,
        )
        blocks = blocks_of(grid, block_size)[row // block_size, col // block_size]
        if condition.comparison == "within" or block_size == 1:
            values[:, k] = row_medians(blocks)
        else:
            for t, block in enumerate(blocks):
                known = block[~np.isnan(block)]
                if len(known):
                    values[t, k] = first_mode(known)
    return values


def row_medians(values: Floats) -> Floats:
    """Median of each row without its NaN; NaN where nothing else is there."""
    ordered = np.sort(values, axis=1)  # NaN come last
    known = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.arange(len(values))
    return np.asarray((ordered[rows, np.maximum(known - 1, 0) // 2] + ordered[rows, known // 2]) / 2)


def first_mode(values: Floats) -> float:
    """The most frequent value; of several the one that reaches the highest count first.

    Examples
    --------
    >>> first_mode(np.array([2.0, 1.0, 1.0, 2.0]))
    1.0
    """
    counts: dict[float, int] = {}
    best, most = float(values[0]), 0
    for value in values.tolist():
        counts[value] = counts.get(value, 0) + 1
        if counts[value] > most:
            best, most = value, counts[value]
    return best


@lru_cache(maxsize=8)
def block_correction(radius: int, buffer: int, block_size: int, neighbours: int) -> Floats:
    """Factor by which the current of a window with blocks is multiplied, shape (2D+1, 2D+1).

    On open ground within the window: the current with every cell of the block as its own target, over the
    current with the block as one target.  Cells without the one get 1, cells without the other 1 over it.
    """
    from permeability.engines.kernels.windows_current import Targets, WindowRules, memory_for, window_currents
    from permeability.engines.kernels.windows_structure import disc_mask, window_structure

    reach, half = radius + buffer, (block_size - 1) // 2
    size = 2 * reach + 1
    structure = window_structure(size, float(reach))
    planes = np.array(grid_links(np.where(disc_mask(size, reach), 1.0, np.nan), neighbours=neighbours))
    ones, nothing = np.ones((size, size)), np.zeros((0, size, size))
    centre = np.array([reach])
    maps = []
    for side, strength in ((half, float(block_size**2)), (0, 1.0)):
        rules = WindowRules(
            reach, radius, side, False, 0.0, False, np.zeros(0, bool), np.zeros(0), np.zeros(0), 0.0
        )
        target = Targets(centre, centre, np.array([strength]), np.zeros((1, 0)))
        flow = np.zeros((size, size))
        window_currents(structure, rules, planes, ones, nothing, target, ones, memory_for(structure), flow)
        maps.append(flow)
    blocked, single = maps
    shifted = np.zeros((size, size))
    for down in range(-half, half + 1):
        for right in range(-half, half + 1):
            to = tuple(slice(max(0, d), size + min(0, d)) for d in (down, right))
            of = tuple(slice(max(0, -d), size + min(0, -d)) for d in (down, right))
            shifted[to] += single[of]
    shifted[shifted == 0] = 1.0
    factor = np.ones((size, size))
    np.divide(shifted, blocked, out=factor, where=blocked > 0)
    factor.setflags(write=False)
    return factor
