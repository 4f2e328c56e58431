"""Effective resistances and current maps among focal nodes: p - 1 solves, all pairs by superposition."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import plain_values, require_metres_between
from permeability.core.errors import OptionError, PatchError, ResistanceError, check_choice
from permeability.core.progress import long_job
from permeability.core.result_rows import Rows
from permeability.engines.circuit.pair_job import (
    CONDENSED_ONLY,
    FocalNodes,
    PairJob,
    choose_pairwise,
    field_planes,
)
from permeability.engines.circuit.possible import leaving, require_currents, require_resistances
from permeability.engines.circuit.solvers.flow import branch_currents
from permeability.engines.circuit.solvers.registry import (
    check_rtol,
)
from permeability.engines.circuit.solvers.solve_report import CircuitEstimate, SolveReport, merge_reports
from permeability.engines.graph import parts
from permeability.engines.kernels.edges import EdgeBarriers, GridLinks, grid_links
from permeability.engines.places import like_of, on_same_cells, placed, rows_and_cols

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CURRENTS = ("cumulative", "maximum", "pairs", None)
SHORTING = ("together", "apart")


@dataclass(frozen=True, repr=False)
class PairwiseResult(Rows):
    """Resistances and currents among focal nodes.

    Attributes
    ----------
    ids : array of int, shape (n,)
        Labels of the focal nodes, ascending (1..n for a list of cells).
    resistance : array, shape (n, n)
        Effective resistance [dimensionless]; 0 on the diagonal, ``inf`` where a pair is not connected.
    current : array, shape (rows, cols) or (pairs, rows, cols), or None
        The map that was asked for [A per A injected]: summed over the pairs, cell-wise largest, or one per
        pair.
    cumulative, maximum : array, shape (rows, cols), or None
        Both maps; one pass gives both.
    pairs : tuple of (int, int)
        Ids of the solved pairs, in the order of ``current`` with ``current="pairs"``.
    gradient : GridLinks or None
        Derivative of the summed resistance of all connected pairs by the conductance of every link.
    potentials : array, shape (n, rows, cols), or None
        ``potentials[i] - potentials[j]`` is the voltage map of 1 A from node i to node j of one component.
    report : SolveReport

    Examples
    --------
    >>> chain = pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)])
    >>> chain.resistance[0, 1].round(6).item()  # two links of 1
    2.0
    >>> chain.current.round(6).tolist()
    [[1.0, 1.0, 1.0]]
    """

    _face: ClassVar[str] = "pairwise"
    _asked: ClassVar[tuple[str, ...]] = ("a", "b")

    ids: NDArray[np.int64]
    resistance: Floats
    current: Floats | None
    cumulative: Floats | None
    maximum: Floats | None
    pairs: tuple[tuple[int, int], ...]
    gradient: GridLinks | None
    potentials: Floats | None
    links: GridLinks
    report: SolveReport

    def __repr__(self) -> str:
        n = len(self.ids)
        apart = int(np.isinf(np.triu(self.resistance)).sum())
        return (
            f"PairwiseResult({n} focal nodes, {len(self.pairs)} pairs solved, {apart} not connected, "
            f"solver {self.report.solver}, {self.report.seconds:.3g} s)"
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair: ``a``, ``b``, ``resistance`` [dimensionless]."""
        import pandas as pd

        i, j = np.triu_indices(len(self.ids), 1)
        return pd.DataFrame({"a": self.ids[i], "b": self.ids[j], "resistance": self.resistance[i, j]})

    def voltage(self, a: int, b: int) -> Floats:
        """Voltage map of 1 A that enters at node ``a`` and leaves at ``b``, which is at 0 [V for A].

        Raises
        ------
        OptionError, PatchError
            [C08] without kept potentials; [C09] unknown or unconnected ids.
        """
        if self.potentials is None:
            raise OptionError(
                "C08", "the potentials were not kept.", remedy="call pairwise(..., potentials=True)"
            )
        if not {a, b} <= set(self.ids.tolist()):
            raise PatchError("C09", f"{a} or {b} is not a focal node.", remedy="see .ids")
        i, j = (int(np.flatnonzero(self.ids == k)[0]) for k in (a, b))
        if not np.isfinite(self.resistance[i, j]):
            raise PatchError(
                "C09", f"{a} and {b} are not connected.", remedy="see .resistance for the finite pairs"
            )
        difference: Floats = self.potentials[i] - self.potentials[j]
        return difference

    def branch_currents(self, a: int, b: int) -> GridLinks:
        """Signed current of every link, from its first to its second cell, for 1 A from ``a`` to ``b``
        [A]."""
        return branch_currents(self.links, self.voltage(a, b))


@long_job("pairs")
def pairwise(
    resistance: Any,
    focal_nodes: ArrayLike | Sequence[tuple[int, int]],
    *,
    cell_size: float = 1.0,
    neighbours: int = 8,
    average: str = "resistance",
    solver: str = "auto",
    current: str | None = "cumulative",
    rtol: float = 1e-8,
    barriers: EdgeBarriers | None = None,
    shorting: str = "together",
    gradient: bool = False,
    potentials: bool = False,
    workers: int = 1,
    progress: Any = None,
) -> PairwiseResult:
    """Effective resistance between all pairs of focal nodes, and their current maps.

    Parameters
    ----------
    resistance : array, DataArray or Landscape, shape (rows, cols)
        Resistance of every cell [dimensionless], > 0; NaN = no node.  Masked cells and fill values are none.  Maps of a
        DataArray or a Landscape come back as DataArrays; a Landscape brings its barriers.
    focal_nodes : int array of the same shape, sequence of (row, col), Patches, or points in map units
        Points are a GeoDataFrame, a GeoSeries or pairs of float x, y, where the resistance has coordinates.  Labels (0 = none); all cells of one label are shorted into one node, those on NaN cells included.
    cell_size : float
        Plays no part in circuit resistances (open ground has resistance 1 whatever the cell size); checked
        only.
    neighbours : {8, 4}
    average : {"resistance", "conductance"}
        How a link averages its two cells (McRae et al. 2008, doi:10.1890/07-1861.1).
    solver : str
        See :func:`permeability.engines.circuit.solve_grid`.
    current : {"cumulative", "maximum", "pairs", None}
        Map to return; ``None`` = resistances only. The current of a cell is the larger of its inflow and
        outflow.
    rtol : float
        Relative residual of every solve.
    barriers : EdgeBarriers, optional
        Resistance in series on single links; ``inf`` removes a link.
    shorting : {"together", "apart"}
        ``together``: every focal label with several cells is one node in one common network, p - 1 solves.
        ``apart``: only the two labels of a pair are shorted while the others stay plain cells, as
        Circuitscape does;
        one solve per pair where a label has several cells.
    gradient : bool
        Also return the derivative of the summed resistance by every link's conductance.
    potentials : bool
        Keep the n potential maps, for ``.voltage(a, b)`` and ``.branch_currents(a, b)``.
    workers : int
        Threads among which multigrid spreads its solves; the result has the same bits for any number.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    PairwiseResult

    Raises
    ------
    ResistanceError
        [C01] wrong shape; [C10] zero, negative or infinite resistances.
    PatchError
        [C09] fewer than two focal nodes, nodes outside the grid, negative labels.
    OptionError, MemoryLimitError, SolverError
        See :func:`permeability.engines.circuit.solve_grid`.

    Examples
    --------
    >>> import numpy as np
    >>> result = pairwise(np.ones((1, 4)), [(0, 0), (0, 3)])
    >>> float(round(result.resistance[0, 1], 9))
    3.0
    """
    started = time.perf_counter()
    _check_options(cell_size, neighbours, average, current, shorting, rtol)
    like, land = like_of(resistance), resistance
    resistance, barriers, neighbours = parts(land, barriers, neighbours if neighbours != 8 else None)
    surface = check_resistance(resistance)
    focal = read_focal(_on_cells(focal_nodes, like), surface)
    links = grid_links(surface, neighbours=neighbours, average=average, barriers=barriers)
    job = PairJob(links, focal, surface, current, gradient, potentials, solver, rtol, workers, progress)
    del surface, links
    if shorting == "apart" and any(len(c) > 1 for c in focal.cells):
        job.solve_apart()
    else:
        job.solve_together()
    return _as_given(_result(job, started), like)


def _on_cells(focal_nodes: Any, like: xr.DataArray | None) -> Any:
    """Focal nodes as labels or cells, whatever they were given as."""
    if isinstance(focal_nodes, xr.DataArray):
        return on_same_cells(focal_nodes, like, name="focal nodes")
    return rows_and_cols(like, focal_nodes, "focal nodes")


def estimate_pairwise(
    shape: tuple[int, int],
    n_focal: int,
    *,
    current: str | None = "cumulative",
    gradient: bool = False,
    potentials: bool = False,
    solver: str = "auto",
    available: int | None = None,
    workers: int = 1,
) -> CircuitEstimate:
    """Cells, solves, bytes and expected seconds of :func:`pairwise`, before running it.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    n_focal : int
        Focal nodes in one component.
    current, gradient, potentials, solver
        As for :func:`pairwise`.
    available : int, optional
        Free memory [bytes]; what the machine has by default.
    workers : int
        Threads.

    Returns
    -------
    CircuitEstimate
        Cells, solves, bytes and seconds.

    Examples
    --------
    >>> estimate_pairwise((1000, 1000), 20, available=8 * 10**9).solves
    19
    """
    check_choice("current", current, CURRENTS, code="C04")
    cells = shape[0] * shape[1]
    estimate = choose_pairwise(
        cells,
        n_focal,
        solver=solver,
        fields=current is not None or gradient or potentials,
        result_bytes=8 * cells * field_planes(n_focal, current, gradient=gradient, potentials=potentials),
        available=available,
        workers=workers,
    )
    return replace(estimate, solver="condensation") if estimate.solver == CONDENSED_ONLY else estimate


def _require_possible(job: PairJob) -> None:
    """Refuse resistances and currents that cannot be: a sparse factorisation loses contrasts beyond 1e16 to rounding."""
    least = float(job.links.e[job.links.e > 0].min(initial=np.inf))
    require_resistances(
        job.resistance, job.focal.ids, one_network=job.one_network, leaving=leaving(job.links, job.focal.cells),
        details={"smallest conductance of a link": f"{least:.3g}"},
    )  # fmt: skip
    for values, most in ((job.cumulative, None), (job.maximum, 1.0)):
        require_currents(values, "map of current", most=most)


def _result(job: PairJob, started: float) -> PairwiseResult:
    """The frozen result, with its report."""
    _require_possible(job)
    ids = job.focal.ids
    n = len(ids)
    upper = [(i, j) for i in range(n) for j in range(i + 1, n)]
    apart = [(int(ids[i]), int(ids[j])) for i, j in upper if not np.isfinite(job.resistance[i, j])]
    if apart:
        named = ", ".join(f"{a}-{b}" for a, b in apart[:10]) + (" ..." if len(apart) > 10 else "")
        job.notes.append(f"{len(apart)} of {len(upper)} pairs are not connected (resistance inf): {named}")
    report = merge_reports(tuple(job.reports), tuple(job.notes))
    current: Floats | None = {"cumulative": job.cumulative, "maximum": job.maximum}.get(job.current or "")
    pairs = [(i, j) for i, j in upper if 0.0 < job.resistance[i, j] < np.inf]
    if job.current == "pairs":
        current = np.array([job.pair_maps[p] for p in pairs]).reshape(-1, *job.links.shape)
    return PairwiseResult(
        ids,
        job.resistance,
        current,
        job.cumulative,
        job.maximum,
        tuple((int(ids[i]), int(ids[j])) for i, j in pairs),
        job.gradient,
        job.potentials,
        job.links,
        replace(report, seconds=time.perf_counter() - started),
    )


def _as_given(result: PairwiseResult, like: xr.DataArray | None) -> PairwiseResult:
    """Maps with coordinates and coordinate system where the resistance came with them."""
    current, cumulative, maximum = (
        placed(values, like, "current", "A") for values in (result.current, result.cumulative, result.maximum)
    )
    return replace(result, current=current, cumulative=cumulative, maximum=maximum)


def check_resistance(resistance: ArrayLike) -> Floats:
    """The surface as float64, refused when a value cannot be a resistance.

    Raises
    ------
    ResistanceError
        [C01] not two-dimensional or empty; [C10] zero, negative or infinite cells.
    """
    if isinstance(resistance, xr.DataArray):
        require_metres_between(resistance, name="resistance")
    surface = np.ascontiguousarray(plain_values(resistance, name="resistance"), dtype=np.float64)
    if surface.ndim != 2 or surface.size == 0:
        raise ResistanceError(
            "C01",
            f"resistance has shape {surface.shape}.",
            remedy="give a (rows, cols) array with at least one cell",
        )
    bad = (surface <= 0) | np.isinf(surface)
    if bad.any():
        raise ResistanceError(
            "C10",
            f"{int(bad.sum()):,} cells have a zero, negative or infinite resistance.",
            rows=[(int(r), int(c)) for r, c in np.argwhere(bad)[:11]],
            remedy="use NaN for cells that cannot be entered, and a positive number elsewhere",
        )
    return surface


def read_focal(focal_nodes: ArrayLike | Sequence[tuple[int, int]], surface: Floats) -> FocalNodes:
    """Focal nodes from a label raster or from cells.

    Raises
    ------
    PatchError
        [C09] fewer than two nodes, cells outside the grid, negative or fractional labels.
    """
    array = plain_values(focal_nodes, name="set of focal nodes")
    if array.shape == surface.shape and not (array.ndim == 2 and isinstance(focal_nodes, list | tuple)):
        labels = np.where(np.isfinite(array), array, 0)
        if (labels < 0).any() or (labels != np.floor(labels)).any():
            raise PatchError(
                "C09", "focal labels must be whole numbers, 0 = none.", remedy="use positive integer labels"
            )
        flat = labels.reshape(-1).astype(np.int64)
        at = np.flatnonzero(flat)
        ids = np.unique(flat[at])
        cells = [at[flat[at] == k] for k in ids]
    elif array.ndim == 2 and array.shape[1] == 2 and np.issubdtype(array.dtype, np.integer):
        outside = (array < 0).any(axis=1) | (array >= np.array(surface.shape)).any(axis=1)
        if outside.any():
            raise PatchError(
                "C09",
                f"{int(outside.sum())} focal node(s) lie outside the grid of {surface.shape}.",
                rows=[tuple(int(i) for i in rc) for rc in array[outside]],
                remedy="give (row, col) with row 0 in the north",
            )
        ids = np.arange(1, len(array) + 1)
        cells = [np.array([r * surface.shape[1] + c]) for r, c in array.tolist()]
    else:
        raise PatchError(
            "C09",
            f"focal nodes of shape {array.shape} do not fit a grid of {surface.shape}.",
            remedy="give an integer label array of the grid's shape, or a list of (row, col)",
        )
    if len(ids) < 2:
        raise PatchError("C09", f"{len(ids)} focal node(s) given.", remedy="give at least two different ones")
    return FocalNodes(ids, cells)


def _check_options(
    cell_size: float, neighbours: int, average: str, current: str | None, shorting: str, rtol: float
) -> None:
    check_choice("neighbours", neighbours, (8, 4), code="C04")
    check_choice("average", average, ("resistance", "conductance"), code="C04")
    check_choice("current", current, CURRENTS, code="C04")
    check_choice("shorting", shorting, SHORTING, code="C04")
    check_rtol(rtol)
    if not (np.isfinite(cell_size) and cell_size > 0):
        raise OptionError("C04", f"cell_size = {cell_size!r}.", remedy="give the cell size in metres")
