"""A raster as a circuit: cells, shorted regions, components, currents driven by voltages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import plain_values
from permeability.core.errors import PatchError, ResistanceError, check_choice
from permeability.engines.circuit.solvers.flow import branch_currents, node_currents
from permeability.engines.circuit.solvers.grid_system import GridSystem
from permeability.engines.circuit.solvers.registry import solve_grid
from permeability.engines.circuit.solvers.solve_report import SolveReport, merge_reports
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers, GridLinks, grid_links

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST_SHARE = 1e-8  # link currents below this share of the largest one count as zero


def cell_resistance(
    habitat: ArrayLike, *, habitat_is: str = "resistance", mask: ArrayLike | None = None
) -> Floats:
    """Resistance of every cell from a habitat raster.

    Parameters
    ----------
    habitat : array, shape (rows, cols)
        Resistance or conductance [dimensionless]; NaN, infinite resistance and conductance 0 = no node.
    habitat_is : {"resistance", "conductance"}
    mask : array, shape (rows, cols), optional
        Cells that are not above 0 (NaN included) are no nodes.

    Returns
    -------
    array, shape (rows, cols)
        Resistance [dimensionless], NaN = no node.

    Raises
    ------
    ResistanceError
        [C21] zero resistance, negative or infinite values; [C22] shapes that differ; [C26] no valid cell.

    Examples
    --------
    >>> cell_resistance([[2.0, 0.0]], habitat_is="conductance")
    array([[0.5, nan]])
    """
    check_choice("habitat_is", habitat_is, ("resistance", "conductance"), code="C20")
    values = np.array(plain_values(habitat, name="habitat"), dtype=np.float64, ndmin=2)
    _refuse_cells(values < 0, "a negative", habitat_is, "set cells that carry nothing to NaN (nodata)")
    if habitat_is == "conductance":
        _refuse_cells(np.isinf(values), "an infinite", habitat_is, "use a short-circuit region")
        values[values == 0] = np.nan
        values = 1.0 / values
    else:
        _refuse_cells(values == 0, "a zero", habitat_is, "use a short-circuit region for resistance 0")
    values[np.isinf(values)] = np.nan
    if mask is not None:
        with np.errstate(invalid="ignore"):
            values[~(same_shape(mask, values.shape, "mask") > 0)] = np.nan
    if np.isnan(values).all():
        raise ResistanceError(
            "C26", "the habitat has no valid cell.", remedy="check the nodata value and the mask"
        )
    return values


def _refuse_cells(bad: NDArray[np.bool_], kind: str, name: str, remedy: str) -> None:
    if bad.any():
        rows, cols = np.nonzero(bad)
        raise ResistanceError(
            "C21",
            f"{len(rows):,} cells have {kind} {name}.",
            rows=[(int(r), int(c)) for r, c in zip(rows[:10], cols[:10], strict=True)],
            remedy=remedy,
        )


def same_shape(values: ArrayLike, shape: tuple[int, ...], name: str) -> Floats:
    """A raster as float64, refused when it has not the shape of the habitat.

    Raises
    ------
    ResistanceError
        [C22].
    """
    array = np.asarray(plain_values(values, name=name), dtype=np.float64)
    if array.shape != shape:
        raise ResistanceError(
            "C22",
            f"{name} has shape {array.shape}, the habitat {shape}.",
            remedy="bring every raster to the grid of the habitat",
        )
    return array


def labels(values: ArrayLike, shape: tuple[int, ...], name: str) -> Ints:
    """Whole-number labels of a raster; NaN becomes 0.

    Raises
    ------
    PatchError
        [C24] values that are not whole numbers.
    ResistanceError
        [C22] another shape than the habitat.
    """
    array = np.nan_to_num(same_shape(values, shape, name), nan=0.0)
    _refuse_labels((array != np.round(array)) | (np.abs(array) > 2**53), array, name, "hold no whole numbers")
    return array.astype(np.int64)


def region_labels(values: ArrayLike | None, shape: tuple[int, ...]) -> Ints | None:
    """Labels of short-circuit regions; None without any raster.

    Raises
    ------
    PatchError
        [C24] values that are not whole numbers, or negative (a nodata value that was not declared).
    ResistanceError
        [C22] another shape than the habitat.
    """
    if values is None:
        return None
    name = "short-circuit regions"
    found = labels(values, shape, name)
    _refuse_labels(found < 0, found, name, "are negative")
    return found


def _refuse_labels(bad: NDArray[np.bool_], values: NDArray[np.float64] | Ints, name: str, what: str) -> None:
    if bad.any():
        raise PatchError(
            "C24",
            f"{int(bad.sum()):,} cells of {name} {what}.",
            rows=[float(v) for v in np.unique(values[bad])[:10]],
            remedy="number focal nodes and regions 1, 2, 3, ... and declare the nodata value",
        )


@dataclass(frozen=True, eq=False)
class FocalCells:
    """Focal numbers and their cells.

    Attributes
    ----------
    ids : list of int
        Ascending.
    cells : dict
        Number -> flat cell indices (row by row numbering) in order down the columns, first column first.
    """

    ids: list[int]
    cells: dict[int, Ints]

    @classmethod
    def of(cls, numbers: ArrayLike, row: ArrayLike, col: ArrayLike, shape: tuple[int, ...]) -> FocalCells:
        """From a list of cells: number, row and column (from 0), arrays of shape (n,); repeats count once.

        Raises
        ------
        PatchError
            [C24] numbers that are not whole and positive, or cells outside the grid; [C23] fewer than two
            different numbers.

        Examples
        --------
        >>> FocalCells.of([7, 2, 7], [0, 0, 1], [1, 1, 0], (2, 2)).cells
        {2: array([1]), 7: array([2, 1])}
        """
        name, rows, cols = "focal nodes", np.asarray(row, np.int64), np.asarray(col, np.int64)
        given = np.asarray(numbers, dtype=np.float64)
        _refuse_labels(~((given > 0) & (given == np.round(given))), given, name, "hold no positive numbers")
        outside = (rows < 0) | (cols < 0) | (rows >= shape[0]) | (cols >= shape[1])
        _refuse_labels(outside, given, name, "lie outside the grid")
        whole = given.astype(np.int64)
        table = np.unique(np.stack([whole, cols * shape[0] + rows], axis=1), axis=0)  # down the columns
        ids, start = np.unique(table[:, 0], return_index=True)
        require_two(ids.tolist())
        flat = (table[:, 1] % shape[0]) * shape[1] + table[:, 1] // shape[0]
        groups = np.split(flat, start[1:])
        return cls(ids.tolist(), dict(zip(ids.tolist(), groups, strict=True)))

    @property
    def are_points(self) -> bool:
        """Whether every number has one cell."""
        return all(len(c) == 1 for c in self.cells.values())

    def first(self, number: int) -> int:
        """Flat index of the first cell."""
        return int(self.cells[number][0])

    def only(self, ids: Sequence[int]) -> FocalCells:
        """The same without other numbers."""
        return FocalCells(list(ids), {i: self.cells[i] for i in ids})


def down_the_columns(where: NDArray[np.bool_]) -> Ints:
    """Flat indices (row by row numbering) of marked cells in order down the columns, first column first.

    >>> down_the_columns(np.array([[True, True], [True, False]])).tolist()
    [0, 2, 1]
    """
    rows, cols = where.shape
    at = np.flatnonzero(where.T.reshape(-1))
    return (at % rows) * cols + at // rows


def focal_cells(focal: ArrayLike | FocalCells, shape: tuple[int, ...]) -> FocalCells:
    """Cells of every positive number of a focal raster; other values and NaN mean none.

    :class:`FocalCells` are taken as they are: they can say what a raster cannot, two numbers in one cell.

    Raises
    ------
    PatchError
        [C24] values that are not whole numbers; [C23] fewer than two different numbers.
    """
    if isinstance(focal, FocalCells):
        require_two(focal.ids)
        return focal
    plane = labels(focal, shape, "focal nodes")
    flat = down_the_columns(plane > 0)
    numbers = plane.reshape(-1)[flat]
    order = np.argsort(numbers, kind="stable")
    ids, start = np.unique(numbers[order], return_index=True)
    groups = np.split(flat[order], start)[1:]  # before the first number lies nothing
    found = FocalCells([int(i) for i in ids], {int(i): g for i, g in zip(ids, groups, strict=True)})
    require_two(found.ids)
    return found


def require_two(ids: Sequence[int]) -> None:
    """Refuse fewer than two focal numbers.

    Raises
    ------
    PatchError
        [C23].
    """
    if len(ids) < 2:
        raise PatchError(
            "C23",
            f"{len(ids)} focal node(s) remain; at least two different numbers are needed.",
            rows=list(ids),
            remedy="number the focal nodes 1, 2, 3, ... and check the list of pairs",
        )


class RasterCircuit:
    """Cells joined to their neighbours, regions shorted.

    Parameters
    ----------
    links : GridLinks
    resistance : array, shape (rows, cols)
        NaN = no node of its own.
    regions : int array, shape (rows, cols), optional
        Cells of one number other than 0 are one node, touching or not.  A region without any valid cell is
        ignored; the invalid cells of another one belong to its node, without links of their own.
    """

    def __init__(self, links: GridLinks, resistance: Floats, regions: Ints | None = None) -> None:
        self.links, self.shape = links, links.shape
        self.valid = ~np.isnan(resistance)
        self.regions = _live_regions(regions, self.valid)

    @classmethod
    def of(
        cls,
        resistance: Floats,
        *,
        neighbours: int = 8,
        average: str = "resistance",
        regions: Ints | None = None,
        barriers: EdgeBarriers | None = None,
    ) -> RasterCircuit:
        """From cell resistances (see :func:`permeability.engines.kernels.edges.grid_links`)."""
        check_choice("neighbours", neighbours, (4, 8), code="C20")
        check_choice("average", average, ("resistance", "conductance"), code="C20")
        links = grid_links(resistance, neighbours=neighbours, average=average, barriers=barriers)
        return cls(links, resistance, regions)

    def shorted(self, regions: Ints | None) -> RasterCircuit:
        """The same cells with other regions."""
        other = RasterCircuit.__new__(RasterCircuit)
        other.links, other.shape, other.valid = self.links, self.shape, self.valid
        other.regions = _live_regions(regions, self.valid)
        return other

    @cached_property
    def owner(self) -> Ints:
        """Flat index of the cell that stands for the node of every cell; -1 = no node."""
        own = np.where(self.valid, np.arange(self.valid.size).reshape(self.shape), -1)
        if self.regions is not None:
            cells = np.flatnonzero(self.regions)
            label = self.regions.reshape(-1)[cells]
            first = cells[np.unique(label, return_index=True)[1]]
            own.reshape(-1)[cells] = first[label - 1]
        return own

    @cached_property
    def component(self) -> Ints:
        """A name of the component of every cell; -1 = no node."""
        system = GridSystem(self.links, regions=self.regions)
        return np.where(self.owner >= 0, system.roots.reshape(self.shape), -1).astype(np.int64)

    def node_of(self, cell: int) -> int:
        """Node (its owner) of a flat cell, -1 = none."""
        return int(self.owner.reshape(-1)[cell])

    def component_of(self, cell: int) -> int:
        """Component of a flat cell, -1 = no node."""
        return int(self.component.reshape(-1)[cell])

    def solve(
        self,
        sources: Floats,
        *,
        ground: NDArray[np.bool_] | None = None,
        leak: Floats | None = None,
        solver: str = "auto",
        rtol: float = 1e-10,
    ) -> tuple[Floats, SolveReport]:
        """Voltages of one or many source rasters (k, rows, cols); cells without node 0."""
        solution = solve_grid(
            self.links, sources, leak=leak, ground=ground, regions=self.regions, solver=solver, rtol=rtol
        )
        return solution.voltage, merge_reports(solution.reports)

    def spread(self, plane: Floats) -> Floats:
        """A value per node, given at its owner, on all its cells; 0 without node."""
        flat = plane.reshape(-1)
        return np.where(self.owner >= 0, flat[np.maximum(self.owner, 0)], 0.0)

    def current(self, voltage: Floats, leak: Floats | None = None) -> Floats:
        """Current through the node of every cell: the larger of its inflow and its outflow [A].

        Parameters
        ----------
        voltage : array, shape (rows, cols)
        leak : array, shape (rows, cols), optional
            Conductance to ground, given at the owner of a node.
        """
        return node_currents(self.links, voltage, leak=leak, regions=self.regions)

    def clear_current(self, voltage: Floats) -> Floats:
        """The same with link currents below 1e-8 of the largest one taken as zero, as in Circuitscape.

        Without effect at 1e-6, but dead ends stay at exactly 0, which logarithms need.
        """
        into, out = np.zeros(self.shape), np.zeros(self.shape)
        flows = branch_currents(self.links, voltage)
        largest = max(float(np.abs(f).max()) for f in flows)
        for k, flow in enumerate(flows):
            flow[np.abs(flow) < SMALLEST_SHARE * largest] = 0.0
            first, second = pair_views(into, k)
            first -= np.minimum(pair_views(flow, k)[0], 0.0)
            second += np.maximum(pair_views(flow, k)[0], 0.0)
            first, second = pair_views(out, k)
            first += np.maximum(pair_views(flow, k)[0], 0.0)
            second -= np.minimum(pair_views(flow, k)[0], 0.0)
        return self._per_node(into, out)

    def _per_node(self, into: Floats, out: Floats) -> Floats:
        if self.regions is not None:
            cells = np.flatnonzero(self.regions)
            label = self.regions.reshape(-1)[cells]
            for plane in (into, out):
                flat = plane.reshape(-1)
                flat[cells] = np.bincount(label, flat[cells])[label]
        return np.maximum(into, out)


def pair_views(plane: Floats, k: int) -> tuple[Floats, Floats]:
    """Views of the first and the second cells of all links of direction ``k``."""
    rows, cols = plane.shape
    dr, dc = int(D_ROW[k]), int(D_COL[k])
    left, right = max(0, -dc), cols - max(0, dc)
    return plane[: rows - dr, left:right], plane[dr:, left + dc : right + dc]


def _live_regions(regions: Ints | None, valid: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """Regions with at least one valid cell, numbered 1..k; None without any."""
    if regions is None:
        return None
    live = np.unique(regions[valid & (regions != 0)])
    if not len(live):
        return None
    out = np.zeros(regions.shape, np.int32)
    member = np.isin(regions, live) & (regions != 0)
    out[member] = np.searchsorted(live, regions[member]) + 1
    return out
