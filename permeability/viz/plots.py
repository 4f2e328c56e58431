"""Maps of every result that has a face: the ones of :mod:`permeability.viz.maps` and those of engines and choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.locale.language import Words, words
from permeability.viz.maps import (
    Ground,
    Map,
    draw_map,
    ground_of,
    ground_of_array,
    ground_of_grid,
    plot_connectivity,
    plot_landscape,
    plot_ranking,
    species_name,
)
from permeability.viz.style import INK, PATCH, PICKED, scale_for

if TYPE_CHECKING:
    from permeability.engines.circuit import PairwiseResult
    from permeability.engines.leastcost.surface import CostSurface
    from permeability.engines.omnidirectional import OmnidirectionalResult
    from permeability.engines.omnidirectional.wall_to_wall import WallToWall
    from permeability.impact.comparison import Comparison
    from permeability.impact.line_by_line import Impact
    from permeability.landscape.patches import Patches
    from permeability.linkage.barrier_score import BarrierScore
    from permeability.linkage.corridors import Corridors
    from permeability.linkage.patch_network import PatchNetwork
    from permeability.linkage.paths import Paths
    from permeability.planning.budget_choice import Plan

__all__ = [
    "plot_comparison",
    "plot_connectivity",
    "plot_corridors",
    "plot_impact",
    "plot_landscape",
    "plot_network",
    "plot_omnidirectional",
    "plot_pairwise",
    "plot_patches",
    "plot_paths",
    "plot_plan",
    "plot_ranking",
    "plot_run",
    "plot_score",
    "plot_wall_to_wall",
]

Array = NDArray[np.float64]


# ---------------------------------------------------------------- results on a landscape
def plot_patches(patches: Patches, ax: Any = None, *, language: str = "en") -> Map:
    """The patches on their grid.

    Parameters
    ----------
    patches : Patches
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> print(plot_patches(patches).alt)
    Map of Patches.
    """
    tr = words(language)
    ground = ground_of_grid(patches.grid, np.ones(patches.grid.shape, bool), tr)
    return draw_map(
        ground, None, None, tr("Patches"), ax, tr, patches=patches.table, around=patches.table.total_bounds
    )


def plot_impact(impact: Impact, ax: Any = None, *, language: str = "en") -> Map:
    """The landscape whose barriers the impact is about, its connected parts apart in tone.

    Parameters
    ----------
    impact : Impact
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plot_impact(pm.barrier_impact(land, patches)).alt.startswith("Map of")
    True
    """
    tr, land = words(language), impact.land
    title = tr("{species}: connected parts", species=species_name(land, tr))
    parts = np.where(land.valid, land.parts.astype(float), np.nan)
    return draw_map(ground_of(land, tr), parts, scale_for("parts", parts), title, ax, tr)


def plot_comparison(comparison: Comparison, ax: Any = None, *, language: str = "en") -> Map:
    """The landscape after the interventions, the places where something is done marked.

    Parameters
    ----------
    comparison : Comparison
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    >>> plot_comparison(change).axes.get_title(loc="left").endswith("gap")
    True
    """
    tr, land = words(language), comparison.after
    title = tr("{species}: {scenario}", species=species_name(land, tr), scenario=land.scenario.name)
    shapes = [g for g in intervention_places(comparison)["geometry"] if not g.is_empty]
    handles = [_handle(tr("Place of an intervention"))] if shapes else []
    drawn = draw_map(ground_of(land, tr), None, None, title, ax, tr, extra=handles)
    _stripes(drawn.axes, shapes)
    return drawn


def intervention_places(comparison: Comparison) -> Any:
    """Where a scenario does what, as a table with ``what`` and geometry; structures as points.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    geopandas.GeoDataFrame

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    >>> float(intervention_places(change).length.sum())  # km 2 to 6 [m]
    4000.0
    """
    import geopandas as gpd

    land, rows = comparison.after, []
    for step in land.scenario.interventions:
        low, high = land.barriers.km_range(step.line)
        a, b = max(low, step.km_from), min(high, step.km_to)
        shape = land.barriers.stretch(step.line, a, b)
        if a == b:
            shape = land.barriers.stretch(step.line, a - 0.05, b + 0.05).centroid
        rows.append({"what": step.text(), "geometry": shape})
    return gpd.GeoDataFrame(rows, columns=["what", "geometry"], geometry="geometry", crs=land.grid.crs)


def plot_plan(plan: Plan, ax: Any = None, *, language: str = "en") -> Map:
    """The chosen sections among all barriers.

    Parameters
    ----------
    plan : Plan
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> plot_plan(pm.portfolio(sites, 3000)).axes.get_legend().get_texts()[-1].get_text()
    'Chosen section'
    """
    tr, land = words(language), plan.ranking.land
    title = tr("{species}: chosen sections", species=species_name(land, tr))
    around = plan.ranking.table.total_bounds
    handles = [_handle(tr("Chosen section"))]
    drawn = draw_map(ground_of(land, tr), None, None, title, ax, tr, around=around, extra=handles)
    _stripes(drawn.axes, list(plan.table.geometry))
    return drawn


def plot_run(run: Any, ax: Any = None, *, species: str | None = None, language: str = "en") -> Map:
    """The ranked sections of one species of a run, or its current where nothing was ranked.

    Parameters
    ----------
    run : Run
    ax : matplotlib.axes.Axes, optional
    species : str, optional
        The first one by default.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O01 for a species that the run does not have.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> "4 sections ranked" in plot_run(run).alt
    True
    """
    from permeability.core.errors import check_choice

    chosen = next(iter(run.species)) if species is None else species
    check_choice("species", chosen, list(run.species))
    found = run.species[chosen]
    if found.ranking is not None:
        return plot_ranking(found.ranking, ax, language=language)
    return plot_connectivity(found.connectivity, ax, language=language)


# ---------------------------------------------------------------- ways
def plot_paths(paths: Paths, ax: Any = None, *, language: str = "en") -> Map:
    """Least-cost paths.

    Parameters
    ----------
    paths : Paths
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> from permeability.linkage.paths import least_cost_paths
    >>> land, patches = pm.samples.tiny()
    >>> plot_paths(least_cost_paths(land.without_barriers(), patches)).alt
    'Map of Least-cost paths with 2 barriers.'
    """
    tr = words(language)
    handles = [_handle(tr("Least-cost path"))]
    around = paths.table.total_bounds if len(paths.table) else None
    title = tr("Least-cost paths")
    drawn = draw_map(ground_of(paths.land, tr), None, None, title, ax, tr, extra=handles, around=around)
    _stripes(drawn.axes, list(paths.table.geometry), width=2.2)
    return drawn


def plot_network(network: PatchNetwork, ax: Any = None, *, language: str = "en") -> Map:
    """Patches and the ways of the links between them.

    Parameters
    ----------
    network : PatchNetwork
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> net = pm.network.patch_network(land.without_barriers(), patches)
    >>> plot_network(net).alt
    'Map of Patch network.'
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tr = words(language)
    ground = _surface_ground(network.surface, tr)
    handles = [
        Patch(color=PATCH, label=tr("Patch that should stay connected")),
        Line2D([], [], color=PICKED, lw=2.2, label=tr("Link between patches")),
    ]
    lines = link_lines(network, ground)
    around = lines.total_bounds if len(lines) else None
    drawn = draw_map(ground, None, None, tr("Patch network"), ax, tr, extra=handles, around=around)
    west, south, east, north = ground.bounds
    shade = np.zeros((*network.labels.shape, 4))
    shade[network.labels > 0] = [0.0, 0.302, 0.251, 0.75]
    drawn.axes.imshow(shade, extent=(west, east, south, north), interpolation="nearest", zorder=5)
    _stripes(drawn.axes, list(lines.geometry), width=2.2)
    return drawn


def link_lines(network: PatchNetwork, ground: Ground | None = None) -> Any:
    """The links of a patch network as lines from cell centre to cell centre.

    Parameters
    ----------
    network : PatchNetwork
    ground : Ground, optional
        Where the cells are; that of the network by default.

    Returns
    -------
    geopandas.GeoDataFrame
        ``from``, ``to``, ``cost_m`` [m of open ground], geometry.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> net = pm.network.patch_network(land.without_barriers(), patches)
    >>> link_lines(net)["cost_m"].tolist()
    [7000.0]
    """
    import geopandas as gpd

    where = _surface_ground(network.surface, words()) if ground is None else ground
    west, south, east, north = where.bounds
    rows, cols = network.labels.shape
    found = []
    for a, b, data in network.graph.edges(data=True):
        row, col = np.asarray(data["path"].cells, float).T
        xy = np.column_stack(
            [west + (col + 0.5) * (east - west) / cols, north - (row + 0.5) * (north - south) / rows]
        )
        shape = shapely.LineString(xy) if len(xy) > 1 else shapely.Point(xy[0])
        found.append({"from": a, "to": b, "cost_m": data["cost_m"], "geometry": shape})
    crs = getattr(network.surface.grid, "crs", None)
    return gpd.GeoDataFrame(found, columns=["from", "to", "cost_m", "geometry"], geometry="geometry", crs=crs)


def plot_corridors(corridors: Corridors, ax: Any = None, *, language: str = "en") -> Map:
    """Extra cost of the best way through every cell, over all pairs.

    Parameters
    ----------
    corridors : Corridors
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> from permeability.linkage.corridors import least_cost_corridors
    >>> plot_corridors(least_cost_corridors([[1.0, 1.0, 1.0]], {"a": [(0, 0)], "b": [(0, 2)]})).alt
    'Map of Least-cost corridors.'
    """
    tr = words(language)
    values = np.asarray(corridors.mosaic, float) / 1000.0
    return _values_map(corridors.surface, values, "corridor", tr("Least-cost corridors"), ax, tr)


def plot_score(score: BarrierScore, ax: Any = None, *, language: str = "en") -> Map:
    """Barrier score of every cell.

    Parameters
    ----------
    score : BarrierScore
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> from permeability.linkage.barrier_score import barrier_score
    >>> ground = [[1.0, 1.0, 9.0, 1.0, 1.0]] * 3
    >>> plot_score(barrier_score(ground, {"a": [(1, 0)], "b": [(1, 4)]}, 1.0)).alt
    'Map of Barrier score.'
    """
    tr = words(language)
    return _values_map(score.surface, np.asarray(score.score, float), "score", tr("Barrier score"), ax, tr)


# ---------------------------------------------------------------- currents
def plot_omnidirectional(
    result: OmnidirectionalResult, ax: Any = None, *, show: str = "current", language: str = "en"
) -> Map:
    """A map of a moving-window run.

    Parameters
    ----------
    result : OmnidirectionalResult
    ax : matplotlib.axes.Axes, optional
    show : {"current", "flow_potential", "normalised"}
        One that the run has made.
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O01 for a map that is not known or was not made.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import omnidirectional
    >>> plot_omnidirectional(omnidirectional(np.ones((9, 9)), radius=3)).alt
    'Map of Omnidirectional current.'
    """
    from permeability.core.errors import check_choice

    have = [n for n in ("current", "flow_potential", "normalised") if getattr(result, n) is not None]
    check_choice("show", show, have)
    tr = words(language)
    values = np.asarray(getattr(result, show), float)
    kind = "normalised" if show == "normalised" else "window"
    return _values_map(result.landscape, values, kind, tr("Omnidirectional current"), ax, tr)


def plot_wall_to_wall(result: WallToWall, ax: Any = None, *, language: str = "en") -> Map:
    """Current from side to side, mean over the directions.

    Parameters
    ----------
    result : WallToWall
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
    >>> plot_wall_to_wall(wall_to_wall(np.ones((6, 6)))).alt
    'Map of Current from side to side.'
    """
    tr = words(language)
    return _values_map(None, np.asarray(result.current), "current", tr("Current from side to side"), ax, tr)


def plot_pairwise(result: PairwiseResult, ax: Any = None, *, language: str = "en") -> Map:
    """Summed (or largest) current between focal nodes.

    Parameters
    ----------
    result : PairwiseResult
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Raises
    ------
    OptionError
        O06 when only resistances were asked for.

    Examples
    --------
    >>> from permeability.engines.circuit import pairwise
    >>> plot_pairwise(pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)])).alt
    'Map of Current between focal nodes.'
    """
    from permeability.core.errors import OptionError

    tr = words(language)
    values = next((m for m in (result.cumulative, result.maximum, result.current) if m is not None), None)
    if values is None:
        raise OptionError(
            "O06", "this result holds no map.", remedy='compute it with current="cumulative" or "maximum"'
        )
    flat = values.sum(axis=0) if values.ndim == 3 else values
    return _values_map(None, flat, "current", tr("Current between focal nodes"), ax, tr)


# ---------------------------------------------------------------- pieces
def _values_map(place: Any, values: Array, kind: str, title: str, ax: Any, tr: Words) -> Map:
    """A raster of an engine, on its landscape or grid where it has one."""
    shown = np.where(np.isfinite(values), values, np.nan)
    grid = getattr(place, "grid", None)
    if hasattr(place, "barriers") and hasattr(place, "scenario"):
        ground = ground_of(place, tr)
    elif grid is not None:
        ground = ground_of_grid(grid, place.passable(), tr)
    else:
        ground = ground_of_array(place.passable() if hasattr(place, "passable") else np.isfinite(values), tr)
    return draw_map(ground, shown, scale_for(kind, shown), title, ax, tr)


def _surface_ground(surface: CostSurface, tr: Words) -> Ground:
    if surface.grid is None:
        return ground_of_array(surface.passable(), tr)
    return ground_of_grid(surface.grid, surface.passable(), tr)


def _handle(label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=PICKED, lw=4, label=label)


def _stripes(ax: Any, shapes: Sequence[shapely.Geometry], width: float = 4.2) -> None:
    """Picked places over everything else: lines as stripes, points as triangles."""
    for shape in shapes:
        for part in shapely.get_parts(shape):
            xy = shapely.get_coordinates(part)
            if len(xy) == 1:
                ax.plot(*xy[0], marker="v", ms=8, color=PICKED, mec=INK, zorder=8)
                continue
            ax.plot(xy[:, 0], xy[:, 1], color=INK, lw=width + 1.6, solid_capstyle="butt", zorder=7)
            ax.plot(xy[:, 0], xy[:, 1], color=PICKED, lw=width, solid_capstyle="butt", zorder=8)
