"""Omnidirectional connectivity: the current of a window that moves over the landscape.

The centre of each window is grounded, the sources around it share out its strength, and the currents of all
windows are added up (McRae et al. 2016, doi:10.13140/RG.2.1.4158.6166; Landau et al. 2021,
doi:10.21105/joss.02829).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from permeability.core.arrays import in_chunks
from permeability.core.display import Face
from permeability.core.errors import OptionError, check_choice
from permeability.core.guesses import suggests_keywords
from permeability.core.progress import long_job
from permeability.core.tasks import Progress, run_tasks
from permeability.engines.circuit.possible import require_currents
from permeability.engines.graph import PlacedGraph, parts
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.omnidirectional.change import WindowDifference, difference
from permeability.engines.omnidirectional.effort import WindowEstimate, estimate_windows
from permeability.engines.omnidirectional.inputs import (
    Floats,
    cell_resistance,
    condition_values,
    ordered,
    reclassify,
    source_strength,
    target_blocks,
)
from permeability.engines.omnidirectional.options import (
    Condition,
    WindowOptions,
    check_condition,
    check_options,
)
from permeability.engines.omnidirectional.solving import solve_task
from permeability.engines.omnidirectional.tasks import LABEL, WindowProblem, WindowTasks
from permeability.engines.places import like_of, on_same_cells, placed

__all__ = [
    "Condition",
    "OmnidirectionalResult",
    "WindowDifference",
    "WindowEstimate",
    "WindowOptions",
    "estimate_windows",
    "omnidirectional",
    "omnidirectional_difference",
    "prepare",
    "reclassify",
    "solve_problem",
    "target_blocks",
]

COMPATIBILITY = (None, "omniscape")


@dataclass(frozen=True)
class OmnidirectionalResult(Face):
    """Maps of a moving-window run.

    Attributes
    ----------
    current : array, shape (rows, cols)
        Cumulative current [A, in units of the source strength]; NaN outside the landscape when masked.
    flow_potential : array or None
        The same on open ground: what the place of sources and targets alone would give.
    normalised : array or None
        ``current / flow_potential`` [dimensionless]: above 1 flow is channelled, below 1 it is impeded.
    windows : int
        Windows solved.
    lost : float
        Strength of sources that found no way to their target (islands), in all windows together.
    seconds : float
        Time of the run [s].
    options : WindowOptions
    deviation : ApproximationReport or None
        How far the shared domain is off, measured on a sample of exact windows.
    landscape : object or None
        The landscape that was passed in.
    left_out : float
        Strength given on cells without resistance, which is no source and no target.
    margin : int
        Cells along the rim that only serve as surroundings and are NaN in the maps.

    Examples
    --------
    >>> result = omnidirectional(np.ones((5, 5)), radius=2, normalised=True)
    >>> bool(np.allclose(result.normalised, 1.0))  # even ground neither hinders nor channels
    True
    """

    _face: ClassVar[str] = "omnidirectional"

    current: Floats = field(repr=False)
    flow_potential: Floats | None = field(repr=False)
    normalised: Floats | None = field(repr=False)
    windows: int
    lost: float
    seconds: float
    options: WindowOptions
    deviation: Any = None
    landscape: Any = field(default=None, repr=False)
    left_out: float = 0.0
    margin: int = 0

    @property
    def notes(self) -> list[str]:
        """What a reader of the maps must know: windows cut by the rim, strength that counts nowhere."""
        found, reach = [], 2 * self.options.reach
        shown = _rim_distance(self.current.shape) >= self.margin
        cut = shown & (_rim_distance(self.current.shape) < reach)
        if cut.any():
            found.append(
                f"{np.count_nonzero(cut) / np.count_nonzero(shown):.0%} of the cells lie within {reach} cells of the rim, where "
                "windows are cut: current and normalised current are off there, most at the rim; bring surroundings of so "
                f"many cells and pass margin={reach}"
            )
        if self.left_out > 0:
            found.append(
                f"a strength of {self.left_out:,.4g} lies on cells without resistance and counts nowhere"
            )
        return found

    def to_xarray(self, *, chunks: Any = None) -> Any:
        """The maps as an ``xarray.Dataset``, on the grid of the landscape where there is one.

        Parameters
        ----------
        chunks : int, tuple, dict or "auto", optional
            As dask arrays, see :meth:`permeability.core.display.Face.to_xarray`.

        Returns
        -------
        xarray.Dataset
        """
        maps = {
            "current": self.current,
            "flow_potential": self.flow_potential,
            "normalised_current": self.normalised,
        }
        have = {name: values for name, values in maps.items() if values is not None}
        if all(isinstance(values, xr.DataArray) for values in have.values()):
            found = xr.Dataset(have)
        elif self.landscape is not None:
            found = xr.Dataset(
                {name: self.landscape.to_xarray(values, name) for name, values in have.items()}
            )
        else:
            found = xr.Dataset({name: (("y", "x"), values) for name, values in have.items()})
        return in_chunks(found, chunks)

    def to_dataset(self) -> Any:
        """The same as :meth:`to_xarray`."""
        return self.to_xarray()


@suggests_keywords
@long_job("windows", "tasks")
def omnidirectional(
    landscape: Any,
    *,
    radius: int,
    strength: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    decay: float = np.inf,
    buffer: int = 0,
    margin: int = 0,
    block_size: int = 1,
    threshold: float = 0.0,
    cutoff: float = np.inf,
    conditions: Sequence[Condition] = (),
    reclass: Iterable[tuple[float, float | None]] | None = None,
    values: str = "resistance",
    neighbours: int | None = None,
    average: str | None = None,
    barriers: EdgeBarriers | None = None,
    flow_potential: bool = False,
    normalised: bool = False,
    correct_block_artefacts: bool = True,
    mask_nodata: bool = True,
    compatibility: str | None = None,
    domain: str = "exact",
    shared_targets: int = 8,
    solver: str = "auto",
    workers: int = 1,
    scheduler: Any = None,
    store: Any = None,
    progress: Any = None,
) -> OmnidirectionalResult:
    """Omnidirectional connectivity of a whole landscape by moving windows.

    Parameters
    ----------
    landscape : array, shape (rows, cols), DataArray or Landscape
        Resistance of the cells [dimensionless, > 0], NaN = outside (maps of a DataArray or a landscape come back as DataArrays); or a landscape with ``resistance``,
        ``neighbours`` and ``edge_barriers()``, whose barriers count on edges in every window.
    radius : int
        Sources lie within this distance of their target [cells].
    strength : array, shape (rows, cols), optional
        Source strength of the cells; NaN = none.  None: ``1 / resistance``.  What stands on cells without
        resistance counts nowhere (``result.left_out``).
    targets : array, shape (rows, cols), optional
        Strength of the cells as targets; NaN and 0 = none.  None: sources are the targets.  Each target draws as much from
        the sources around it as its strength says.
    decay : float
        A source d cells from its target counts ``exp(-d / decay)`` among the sources of its window [cells]; all alike by default.
    buffer : int
        The window reaches this far beyond the radius [cells].
    margin : int
        So many cells along the rim are surroundings only and become NaN in the maps [cells].  Windows near the rim
        are cut; with ``2 (radius + buffer)`` cells and more the maps are those of a larger landscape.
    block_size : int
        Odd; every block of so many cells squared has one target, its centre, with the summed strength of
        the block.
    threshold : float
        Strengths below count as 0 (not when the strength comes from the resistance).
    cutoff : float
        Resistance above which a cell is no source, when the strength comes from the resistance.
    conditions : sequence of Condition
        Which sources count for which targets.
    reclass : iterable of (old, new), optional
        Replacements in the grid before anything else; None = no value.
    values : {"resistance", "conductance"}
        What an array holds.
    neighbours : {8, 4}, optional
        Default 8, or that of the landscape (16 counts as 8).
    average : {"resistance", "conductance"}, optional
        How a link follows from its two cells; default ``"resistance"``, for Omniscape ``"conductance"``.
    barriers : EdgeBarriers, optional
        Series resistances of single edges of an array.
    flow_potential, normalised : bool
        Which further maps to compute.
    correct_block_artefacts : bool
        Undo, on average, that a block of targets was drawn together in one cell.
    mask_nodata : bool
        NaN in cells without resistance (otherwise 0).
    compatibility : {None, "omniscape"}
        ``"omniscape"`` repeats three peculiarities of that program: a window cut at the northern or western
        edge loses the sources of a block beside its target; its flow potential is taken on the
        whole rectangle, nodata and all; a window cut on both sides is corrected off centre.
    domain : {"exact", "shared"}
        ``"shared"`` solves neighbouring targets on the union of their windows: an approximation, whose
        deviation is measured on a sample of exact windows and reported.
    shared_targets : int
        Targets along the side of a shared domain.
    solver : {"auto", "dissection", "multigrid"}
        ``auto``: exact nested dissection up to a reach of 200 cells, multigrid beyond.
    workers, scheduler, store, progress
        See :func:`permeability.core.tasks.run_tasks`.

    Returns
    -------
    OmnidirectionalResult

    Raises
    ------
    OptionError
        O01, W10 to W14 for options, conditions or strengths that mean nothing.
    ResistanceError
        R01 to R03 for resistances that cannot be used.

    Examples
    --------
    >>> result = omnidirectional(np.ones((9, 9)), radius=3, flow_potential=True)
    >>> result.windows, bool(np.allclose(result.current, result.flow_potential))
    (81, True)
    >>> camp = np.zeros((9, 9))
    >>> camp[4, 4] = 1.0
    >>> omnidirectional(np.ones((9, 9)), radius=3, targets=camp, decay=2.0).windows
    1
    """
    problem = _problem(
        landscape, radius=radius, strength=strength, targets=targets, decay=decay, buffer=buffer, block_size=block_size, threshold=threshold,
        cutoff=cutoff, conditions=conditions, reclass=reclass, values=values, neighbours=neighbours,
        average=average, barriers=barriers, flow_potential=flow_potential or normalised,
        correct_block_artefacts=correct_block_artefacts, compatibility=compatibility, domain=domain,
        shared_targets=shared_targets, solver=solver,
    )  # fmt: skip
    _check_margin(margin, problem.resistance.shape)
    result = solve_problem(
        problem, mask_nodata=mask_nodata, normalised=normalised, workers=workers, scheduler=scheduler,
        store=store, progress=progress,
    )  # fmt: skip
    if margin:
        for layer in (result.current, result.flow_potential, result.normalised):
            if layer is not None:
                layer[_rim_distance(layer.shape) < margin] = np.nan
    like = like_of(landscape)
    units = "in units of the source strength"
    result = replace(
        result,
        current=placed(result.current, like, "current", units),
        flow_potential=placed(result.flow_potential, like, "flow_potential", units),
        normalised=placed(result.normalised, like, "normalised_current", "1"),
    )
    deviation = None
    if domain == "shared":
        from permeability.engines.omnidirectional.solving import measure_deviation

        deviation = measure_deviation(problem)
    return replace(
        result,
        deviation=deviation,
        landscape=landscape if isinstance(landscape, PlacedGraph) else None,
        margin=margin,
    )


def _rim_distance(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Cells between each cell and the outer rim of a map, 0 in the outermost."""
    row, col = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
    return np.minimum(row[:, None], col[None])


def _check_margin(margin: int, shape: tuple[int, ...]) -> None:
    """Refuse a margin that is no number of cells or leaves nothing."""
    if margin < 0 or 2 * margin >= min(shape):
        raise OptionError(
            "W19", f"a margin of {margin} cells leaves nothing of {shape[0]} x {shape[1]} cells.",
            remedy="give a margin of 0 or more, below half the smaller side",
        )  # fmt: skip


def omnidirectional_difference(
    before: Any, after: Any, *, workers: int = 1, scheduler: Any = None, store: Any = None, **options: Any
) -> WindowDifference:
    """How the omnidirectional current changes from one landscape to another, such as with a barrier opened.

    Only windows that see the change are solved, before and after; in all others the difference is 0 by
    definition.

    Parameters
    ----------
    before, after : array or Landscape
        As ``landscape`` of :func:`omnidirectional`; ``barriers_before`` and ``barriers_after`` may give the
        barriers of arrays.
    **options
        Every option of :func:`omnidirectional` that shapes the windows, the same for both.
    workers, scheduler, store
        See :func:`permeability.core.tasks.run_tasks`.

    Returns
    -------
    WindowDifference
        After minus before, from the windows that see the change.

    Raises
    ------
    OptionError
        W15 for landscapes of different shape; see also :func:`omnidirectional`.

    Examples
    --------
    >>> opened = np.ones((30, 30))
    >>> closed = opened.copy()
    >>> closed[3, 3] = 50
    >>> change = omnidirectional_difference(closed, opened, radius=4, strength=opened)
    >>> change.windows, change.targets, bool(change.current[3, 3] > 0)
    (47, 900, True)
    """
    like = like_of(before)
    if isinstance(after, xr.DataArray):
        after = on_same_cells(after, like, name="after")
    sides = [options.pop(f"barriers_{side}", None) for side in ("before", "after")]
    first, second = (
        _problem(landscape, barriers=edges, **options) for landscape, edges in zip((before, after), sides)
    )
    found = difference(first, second, workers=workers, scheduler=scheduler, store=store)
    return replace(found, current=placed(found.current, like, "change", "in units of the source strength"))


def _problem(
    landscape: Any,
    *,
    radius: int,
    strength: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    threshold: float = 0.0,
    cutoff: float = np.inf,
    conditions: Sequence[Condition] = (),
    reclass: Iterable[tuple[float, float | None]] | None = None,
    values: str = "resistance",
    neighbours: int | None = None,
    average: str | None = None,
    barriers: EdgeBarriers | None = None,
    compatibility: str | None = None,
    **options: Any,
) -> WindowProblem:
    """The prepared run that the options of :func:`omnidirectional` ask for."""
    check_choice("compatibility", compatibility, COMPATIBILITY)
    check_choice("values", values, ("resistance", "conductance"))
    omniscape = compatibility == "omniscape"
    grid, edges, joined = parts(landscape, barriers, neighbours)
    if isinstance(strength, xr.DataArray):
        strength = on_same_cells(strength, like_of(landscape), name="strength")
    if isinstance(targets, xr.DataArray):
        targets = on_same_cells(targets, like_of(landscape), name="targets")
    chosen = WindowOptions(
        radius=radius,
        neighbours=joined,
        average=average or ("conductance" if omniscape else "resistance"),
        omniscape=omniscape,
        **options,
    )
    return prepare(
        grid, chosen, strength=strength, targets=targets, threshold=threshold, cutoff=cutoff, conditions=conditions,
        reclass=reclass, values=values, barriers=edges,
    )  # fmt: skip


def prepare(
    grid: ArrayLike,
    options: WindowOptions,
    *,
    strength: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    threshold: float = 0.0,
    cutoff: float = np.inf,
    conditions: Sequence[Condition] = (),
    reclass: Iterable[tuple[float, float | None]] | None = None,
    values: str = "resistance",
    barriers: EdgeBarriers | None = None,
) -> WindowProblem:
    """Check and prepare a run; see :func:`omnidirectional` for the parameters and errors.

    Parameters
    ----------
    grid : array, shape (rows, cols)
    options : WindowOptions
    strength, targets : array, optional
        Shape (rows, cols).
    threshold : float
    cutoff : float
    conditions : sequence of Condition
    reclass : iterable of tuple[float, float | None], optional
    values : str
    barriers : EdgeBarriers, optional

    Returns
    -------
    WindowProblem
        Checked, ready for :func:`solve_problem`.

    Examples
    --------
    >>> prepare(np.ones((9, 9)), WindowOptions(radius=3)).options.reach
    3
    """
    check_options(options)
    changed = reclassify(grid, reclass) if reclass is not None else grid
    resistance = cell_resistance(changed, values)
    for number, condition in enumerate(conditions, 1):
        check_condition(number, condition, (resistance.shape[0], resistance.shape[1]))
    negative = "zero" if options.omniscape else "refuse"
    source = source_strength(resistance, strength, threshold, cutoff, negative)
    goal = source if targets is None else source_strength(resistance, targets, 0.0, np.inf, negative)
    row, col, blocks = target_blocks(goal, options.block_size)
    wanted = condition_values(conditions, row, col, options.block_size)
    edges = ordered(barriers if barriers is not None else EdgeBarriers.empty(), resistance.size)
    lost = 0.0
    if strength is not None and not options.omniscape:
        given = np.asarray(strength, dtype=np.float64)
        lost = float(given[np.isnan(resistance) & (given >= max(threshold, 0.0))].sum())
    return WindowProblem(
        options, resistance, edges, source, tuple(conditions), row, col, blocks, wanted, lost
    )  # fmt: skip


def solve_problem(
    problem: WindowProblem,
    *,
    mask_nodata: bool = True,
    normalised: bool = False,
    workers: int = 1,
    scheduler: Any = None,
    store: Any = None,
    progress: Callable[[Progress], None] | None = None,
) -> OmnidirectionalResult:
    """Run a prepared problem and add up its windows.

    Parameters
    ----------
    problem : WindowProblem
    mask_nodata : bool
        NaN in cells without resistance.
    normalised : bool
        Also current by flow potential.
    workers : int
        See :func:`permeability.core.tasks.run_tasks`, as for the rest.
    scheduler : object
    store : object
    progress : callable, optional

    Returns
    -------
    OmnidirectionalResult

    Examples
    --------
    >>> solve_problem(prepare(np.ones((9, 9)), WindowOptions(radius=3))).windows
    81
    """
    begun = time.perf_counter()
    current = np.zeros(problem.resistance.shape)
    potential = np.zeros(problem.resistance.shape) if problem.options.flow_potential else None
    windows, lost = 0, 0.0
    tasks = WindowTasks(problem)
    for _, part in run_tasks(
        solve_task, tasks, workers=workers, scheduler=scheduler, store=store, label=LABEL,
        weights=tasks.weights, progress=progress,
    ):  # fmt: skip
        rows, cols = part.current.shape
        place = np.s_[part.top : part.top + rows, part.left : part.left + cols]
        current[place] += part.current
        if potential is not None and part.potential is not None:
            potential[place] += part.potential
        windows += part.windows
        lost += part.lost
    require_currents(current, "map of current")
    require_currents(potential, "flow potential")
    ratio = None
    if normalised and potential is not None:
        ratio = np.divide(current, potential, out=np.zeros_like(current), where=potential > 0)
    if mask_nodata:
        outside = ~np.isfinite(problem.resistance)
        for values in (current, potential, ratio):
            if values is not None:
                values[outside] = np.nan
    return OmnidirectionalResult(
        current, potential, ratio, windows, lost, time.perf_counter() - begun, problem.options,
        left_out=problem.left_out,
    )  # fmt: skip


class _Room(ModuleType):
    """The room does its main job when it is called: ``pm.omnidirectional(land, radius=...)``."""

    def __call__(self, *args: Any, **options: Any) -> OmnidirectionalResult:
        return omnidirectional(*args, **options)


sys.modules[__name__].__class__ = _Room
