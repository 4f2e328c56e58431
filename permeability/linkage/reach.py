"""How far an animal gets: reachable range, detour, and the way along a barrier to its next gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.barriers.edge_cuts import cut_edges
from permeability.core.errors import BarrierError, OptionError, check_choice
from permeability.engines.leastcost.distance import cost_distance, cost_distances
from permeability.engines.leastcost.surface import CostSurface, Floats, cost_surface, source_cells
from permeability.landscape.landscape import Landscape


@dataclass(frozen=True, eq=False)
class Reach:
    """What can be reached from a place.

    Attributes
    ----------
    area_km2 : float
        Reachable range, the place included [km2].
    distance : array or DataArray, shape (rows, cols)
        [m of open ground]; inf beyond the budget.
    budget_m : float
        [m of open ground]

    Examples
    --------
    >>> reach = reachable_range([[1.0, 1.0, 1.0, 1.0]], [(0, 0)], budget_m=2000, cell_size=1000)
    >>> reach.area_km2  # the place and two cells
    3.0
    """

    area_km2: float
    distance: Any
    budget_m: float


def reachable_range(resistance: Any, sources: Any, *, budget_m: float | None = None, **options: Any) -> Reach:
    """Range within the movement budget of a place.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
    sources : boolean array (rows, cols) or sequence of (row, col)
    budget_m : float, optional
        Largest cost distance [m of open ground]; the species' own for a `Landscape`.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array; ``neighbours`` also for a `Landscape`, whose
        barriers are then cut into the further edges.

    Returns
    -------
    Reach
        Area and distances.

    Notes
    -----
    Steps go in a few directions only, so the ground reached on an even plain is a polygon within the circle, at any
    cell size: 0.637 of its area with 4 neighbours, 0.900 with 8, 0.972 with 16.  Use ``neighbours=16`` where the area
    itself is the answer; comparisons among states of one landscape hardly feel it.

    Raises
    ------
    OptionError
        D13 without a budget.

    Examples
    --------
    >>> reachable_range([[1.0, 1.0, 2.0]], [(0, 0)], budget_m=1000, cell_size=1000).area_km2
    2.0
    """
    budget = _budget(resistance, budget_m)
    surface = _surface(resistance, options)
    distance = cost_distance(surface, sources, limit=budget)
    cells = int(np.isfinite(np.asarray(distance)).sum())
    return Reach(cells * surface.cell_area / 1e6, distance, budget)


def _surface(resistance: Any, options: dict[str, Any]) -> CostSurface:
    """Cost surface; a landscape is cut anew where another number of neighbours is asked for."""
    asked = options.get("neighbours")
    if isinstance(resistance, Landscape) and asked not in (None, resistance.neighbours):
        check_choice("neighbours", asked, (4, 8, 16))
        cuts = cut_edges(resistance.barriers, resistance.grid, neighbours=asked)
        resistance = replace(resistance, neighbours=asked, cuts=cuts)
    return cost_surface(resistance, **options)


@dataclass(frozen=True, eq=False)
class ReachShare:
    """Share of a range that a random place in it can reach.

    Attributes
    ----------
    mean, standard_error : float
        Over the sampled places [0..1]; the error is 0 when every cell was taken.
    table : pandas.DataFrame
        One row per place: ``row``, ``col``, ``share`` [0..1], ``area_km2`` of the range reached.

    Examples
    --------
    >>> share_reachable([[1.0, 1.0]], budget_m=5000, cell_size=1000).mean  # all of it, from anywhere
    1.0
    """

    mean: float
    standard_error: float
    table: pd.DataFrame


def share_reachable(
    resistance: Any,
    area: NDArray[np.bool_] | None = None,
    *,
    budget_m: float | None = None,
    places: int = 200,
    rng: int | np.random.Generator = 1,
    workers: int = 1,
    **options: Any,
) -> ReachShare:
    """Share of a range within the budget of a random place in it.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
    area : boolean array (rows, cols), optional
        The range; every cell that can be entered if not given.
    budget_m : float, optional
        [m of open ground]; the species' own for a `Landscape`; ``inf`` = any way at all.
    places : int
        Random places; all cells when the range has no more.
    rng : int or numpy.random.Generator
    workers : int
        Threads.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array.

    Returns
    -------
    ReachShare
        Mean share with its standard error, and every place.

    Notes
    -----
    With ``budget_m = inf`` and all cells this is the degree of coherence of Jaeger 2000,
    doi:10.1023/A:1008129329289: the chance that two random places are connected.

    Examples
    --------
    >>> share_reachable([[1.0, 1.0, float("nan"), 1.0, 1.0]], budget_m=float("inf")).mean
    0.5
    """
    budget = _budget(resistance, budget_m)
    surface = _surface(resistance, options)
    inside = surface.passable() if area is None else np.asarray(area, bool) & surface.passable()
    cells = source_cells(surface, inside, layer="area")
    whole = len(cells) <= places
    chosen = cells if whole else np.sort(np.random.default_rng(rng).choice(cells, places, replace=False))
    limit = None if budget == np.inf else budget
    reached = np.empty(len(chosen))
    for first in range(0, len(chosen), max(workers, 1)):
        some = chosen[first : first + max(workers, 1)]
        sets = [[divmod(int(c), surface.shape[1])] for c in some]
        for k, field in enumerate(cost_distances(surface, sets, workers=workers, limit=limit)):
            reached[first + k] = np.isfinite(np.asarray(field).reshape(-1)[cells]).sum()
    share = reached / len(cells)
    row, col = np.divmod(chosen, surface.shape[1])
    table = pd.DataFrame(
        {"row": row, "col": col, "share": share, "area_km2": reached * surface.cell_area / 1e6}
    )
    error = 0.0 if whole or len(share) < 2 else float(share.std(ddof=1) / np.sqrt(len(share)))
    return ReachShare(float(share.mean()), error, table)


def detour_ratio(resistance: Any, sources: Any, **options: Any) -> Any:
    """How much dearer every cell has become by the barriers, seen from a place.

    Parameters
    ----------
    resistance : array (rows, cols), Landscape or CostSurface
        With barriers.
    sources : boolean array (rows, cols) or sequence of (row, col)
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array.

    Returns
    -------
    array or DataArray, shape (rows, cols)
        Cost distance with barriers / without [dimensionless], at least 1; 1 at the sources; inf where only the
        barriers cut the way off; NaN where there is no way without them either.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import EdgeBarriers
    >>> wall = EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), np.array([3.0]), np.array([3.0]))
    >>> detour_ratio([[1.0, 1.0]], [(0, 0)], barriers=wall).tolist()
    [[1.0, 4.0]]
    """
    surface = cost_surface(resistance, **options)
    with_barriers = np.asarray(cost_distance(surface, sources))
    without = np.asarray(cost_distance(surface.with_barriers(None), sources))
    ratio = np.full(surface.shape, np.nan)
    way = np.isfinite(without)
    ratio[way] = 1.0
    far = way & (without > 0)
    ratio[far] = with_barriers[far] / without[far]
    return surface.wrap(ratio, "detour_ratio", "1")


def distance_to_gap(km: ArrayLike, is_gap: ArrayLike, *, ends_are_gaps: bool = True) -> Floats:
    """Distance along a line from every place to the nearest gap.

    Parameters
    ----------
    km : array, shape (places,)
        Kilometre of each place [km], in any order.
    is_gap : boolean array, shape (places,)
    ends_are_gaps : bool
        Whether an animal can walk round the first and the last place.

    Returns
    -------
    array, shape (places,)
        [km]; inf without any gap.

    Examples
    --------
    >>> distance_to_gap([0, 1, 4, 9], [False, True, False, False], ends_are_gaps=False).tolist()
    [1.0, 0.0, 3.0, 8.0]
    """
    at, gap = np.asarray(km, np.float64), np.asarray(is_gap, bool)
    gaps = at[gap]
    if ends_are_gaps and len(at):
        gaps = np.concatenate([gaps, [at.min(), at.max()]])
    if not len(gaps):
        return np.full(at.shape, np.inf)
    gaps = np.sort(gaps)
    i = np.searchsorted(gaps, at)
    left, right = gaps[np.maximum(i - 1, 0)], gaps[np.minimum(i, len(gaps) - 1)]
    return np.asarray(np.minimum(np.abs(at - left), np.abs(right - at)))


def trace_to_gap(land: Any, line: str, *, gap_m: float, ends_are_gaps: bool = True) -> pd.DataFrame:
    """How far an animal has to walk along a line to its next gap, at every place where the grid meets it.

    Parameters
    ----------
    land : Landscape
    line : str
        Name of the line.
    gap_m : float
        A place counts as a gap when crossing all standing rows of the line there costs at most this
        [m of open ground].
    ends_are_gaps : bool
        Whether the ends of the line can be walked round.

    Returns
    -------
    pandas.DataFrame
        By rising kilometre: ``km`` [km], ``cost_m`` [m of open ground], ``gap``, ``to_gap_km`` [km].

    Raises
    ------
    BarrierError
        B06 for an unknown line; D14 when no standing part of it meets the grid.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> opened = land.with_scenario(pm.Scenario("gap").remove("F", km=(0, 1)))
    >>> table = trace_to_gap(opened, "F", gap_m=0, ends_are_gaps=False)
    >>> bool(table["to_gap_km"].iloc[-1] > 6)  # from km 8 back to the gap at km 1
    True
    """
    cuts = land.cuts
    use = np.isin(cuts.barrier, land.barriers.rows_of(line)) & land.standing[cuts.barrier]
    if not use.any():
        raise BarrierError(
            "D14", f"no standing part of {line!r} cuts an edge.", remedy="check year, scenario and extent"
        )
    places = pd.DataFrame(
        {
            "edge": (cuts.cell * 8 + cuts.direction)[use],
            "km": cuts.km[use],
            "cost_m": land.cut_costs.cost_m[use],
        }
    )
    # several rows of one line on one edge are crossed together
    table = places.groupby("edge").agg(km=("km", "mean"), cost_m=("cost_m", "sum"))
    table = table.sort_values("km", ignore_index=True)
    table["gap"] = table["cost_m"] <= gap_m
    table["to_gap_km"] = distance_to_gap(table["km"], table["gap"], ends_are_gaps=ends_are_gaps)
    return table


def _budget(resistance: Any, budget_m: float | None) -> float:
    """The budget asked for, or that of the landscape's species."""
    profile = getattr(resistance, "profile", None)
    if budget_m is None and profile is None:
        raise OptionError("D13", "there is no movement budget.", remedy="give budget_m [m of open ground]")
    budget = (
        float(profile.budget_m.best) if budget_m is None and profile is not None else float(budget_m or 0.0)
    )
    if not budget >= 0:
        raise OptionError("D13", f"budget_m = {budget_m!r} is not a distance.", remedy="give 0 or more [m]")
    return budget


__all__ = [
    "Reach", "ReachShare", "detour_ratio", "distance_to_gap", "reachable_range", "share_reachable",
    "trace_to_gap",
]  # fmt: skip
