"""The line that takes least from the movement between patches, within what an engineer allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from permeability.alignment.damage import DamageMap, damage_map, line_network
from permeability.alignment.line_limits import Limits, corner_heights, edge_distance, limits_of
from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.core.result_rows import Rows
from permeability.engines.alignment import CornerLine, Found, LineNetwork, move_costs, search_line
from permeability.engines.alignment.line_search import ground_price
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches

__all__ = ["Routes", "route", "trade_off"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NEVER_CROSSED = 2.0  # times the longer side of the grid: what a line that is never crossed counts as while it is searched for
HUGGING = 0.25  # share of a line along the edge of the study area from which it is refused
ALIKE = 0.7  # share of a line near another one from which the two are one alternative
Point: TypeAlias = "tuple[float, float] | shapely.Point"


@dataclass(frozen=True, eq=False)
class Routes(Rows):
    """Lines of small loss, best first.

    Attributes
    ----------
    damage : DamageMap
        Of the kind of line, on today's landscape.
    table : geopandas.GeoDataFrame
        One row per line: ``id``, ``length_km``, ``stretch`` (over the straight line), ``loss`` (exact, by inserting the line;
        share of today's summed resistance), ``loss_low`` and ``loss_high`` (bounds without solving), ``price``,
        ``largest_turn_deg``, ``steepest`` (rise over length), ``started`` (where the search set out), geometry.
    starts : pandas.DataFrame
        Where every start ended: ``started``, ``loss``, ``rounds``, so that one sees how far the local bests lie apart.
    refused : int
        Lines that were found but hug the edge of the study area.
    habitat_loss : float
        Loss of the usual practice under the same limits: the least-cost path on habitat; NaN where it is not allowed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.route(land.without_barriers(), patches, (6000, 0), (6000, 8000), "stock_fence", edge_cells=0)
    >>> found.table["id"].tolist(), bool(found.table["stretch"].iloc[0] <= 1.5)
    (['A'], True)
    """

    _face: ClassVar[str] = "routes"

    damage: DamageMap
    table: gpd.GeoDataFrame = field(repr=False)
    starts: pd.DataFrame = field(repr=False)
    refused: int
    habitat_loss: float

    @property
    def lines(self) -> dict[str, shapely.LineString]:
        """Geometry by id."""
        return dict(zip(self.table["id"], self.table.geometry))

    def __repr__(self) -> str:
        usual = f"; least-cost path on habitat: {_lost(self.habitat_loss)}" if not np.isnan(self.habitat_loss) else ""  # fmt: skip
        told = (f"  {r.id}: {r.length_km:,.1f} km ({r.stretch:.2f} x straight), {_lost(r.loss)}" for r in self.table.itertuples())  # fmt: skip
        return f"{len(self.table)} lines, {self.refused} refused along the edge{usual}\n" + "\n".join(told)


def _lost(loss: float) -> str:
    """A loss in words."""
    return f"loss {100 * loss:.1f} %" if np.isfinite(loss) else "parts patches from each other"


@takes_landscape
@long_job("route")
def route(
    land: Landscape,
    patches: Patches,
    start: Point,
    end: Point,
    kind: str | Mapping[str, Any] = "railway_fenced",
    *,
    corridor: Any = None,
    max_length: float = 1.5,
    price: Any = None,
    price_weight: float = 0.0,
    max_turn_deg: float | None = 90.0,
    max_gradient: float | None = None,
    elevation: Any = None,
    no_go: Any = None,
    via: Sequence[Point] = (),
    n_alternatives: int = 1,
    n_starts: int = 8,
    seed: int = 0,
    edge_cells: int | None = None,
    progress: Any = None,
) -> Routes:
    """Lines from one place to another that take least from the movement between patches.

    Parameters
    ----------
    land : Landscape
    patches : Patches
        No line runs through a patch.
    start, end : Point or (x, y)
        In map units; taken to the nearest corner of a cell.
    kind : str or mapping
        As for :func:`permeability.alignment.damage_map`.
    corridor : polygon, layer or mask, optional
        The line stays within it.
    max_length : float
        Greatest length, as a multiple of the straight line (through ``via``).
    price : array, shape (rows, cols), optional
        Price of a kilometre of line on every cell, in any currency.
    price_weight : float
        What a unit of price counts as in the search [share of loss]; 0 only reports it.
    max_turn_deg : float or None
        Greatest change of direction at any corner of the line [degrees], 27 or more; None for no limit.
    max_gradient : float, optional
        Greatest rise over length between two corners, as the ground lies (no earthworks): 0.012 for a heavy railway.
    elevation : array, shape (rows, cols), optional
        Heights [m], with ``max_gradient``.
    no_go : NoGo, polygons, layer or mask, optional
        The line touches no cell of it.
    via : sequence of Point
        Places to pass, in this order.
    n_alternatives : int
        Lines to give, each at least a third of its way apart from the others.
    n_starts : int
    seed : int
    edge_cells : int, optional
        How near to the edge of the study area counts as along it [cells]; 0 refuses nothing. About 2 % of the shorter side
        by default, 3 at most.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    Routes

    Raises
    ------
    OptionError
        U02 an unknown kind; U06 an end outside, or a limit out of range; U07 every line found hugs the edge of the study area;
        U08 no line keeps all limits: says which, loosened alone, lets one through.
    PatchError
        U01 when no two patches are joined.

    Notes
    -----
    The tangent of the exact loss and the cheapest line under it by turns (:mod:`permeability.engines.alignment`), from several
    starts, one of which is the least-cost path on habitat.  It finds a local least: ``starts`` shows how far they lie apart.
    A line that is never crossed counts in the search as one that costs twice the longer side of the grid; its ``loss`` is
    exact.  Existing lines are in series with the new one, so bundling pays as far as the model says and no further.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> route(land, patches, (6000, 0), (6000, 8000), max_length=0.5)
    Traceback (most recent call last):
    ...
    permeability.core.errors.PatchError: PatchError [U01]: ...
    """
    damage = damage_map(land, patches, kind)
    asked = possible(
        land, patches, start, end, corridor=corridor, max_length=max_length, max_turn_deg=max_turn_deg, max_gradient=max_gradient,
        elevation=elevation, no_go=no_go, via=via,
    )  # fmt: skip
    return _found(
        asked, damage, price=price, price_weight=price_weight, n_alternatives=n_alternatives, n_starts=n_starts,
        seed=seed, edge_cells=edge_cells, progress=progress,
    )  # fmt: skip


class Asked(NamedTuple):
    """A request that a line can meet: its ``limits``, the ``heights`` and the moves that are ``barred`` by patches."""

    limits: Limits
    heights: Floats | None
    barred: Bools


def possible(
    land: Landscape,
    patches: Patches,
    start: Point,
    end: Point,
    *,
    corridor: Any = None,
    max_length: float = 1.5,
    max_turn_deg: float | None = 90.0,
    max_gradient: float | None = None,
    elevation: Any = None,
    no_go: Any = None,
    via: Sequence[Point] = (),
) -> Asked:
    """The limits of :func:`route`; U06 and U08 where no line can keep them.  Nothing is solved."""
    stops = tuple(corner_of(p, land) for p in (start, *via, end))
    heights = None if elevation is None else np.asarray(elevation, float)
    limits = limits_of(
        land, stops, corridor=corridor, max_length=max_length, max_turn_deg=max_turn_deg, max_gradient=max_gradient,
        elevation=heights, no_go=no_go,
    )  # fmt: skip
    network = line_network(land, patches)
    inside = network.inside_patches.astype(float)
    barred = move_costs(inside, neighbours=network.neighbours, per_edge=True, dtype=np.float32) > 0
    feasible, _length = limits.space().cheapest(np.where(barred, np.float32(np.inf), np.float32(1.0)))
    if feasible is None:
        raise limits.refusal(land.grid.cell_size, barred)
    return Asked(limits, heights, barred)


def _found(
    asked: Asked,
    damage: DamageMap,
    *,
    price: Any,
    price_weight: float,
    n_alternatives: int,
    n_starts: int,
    seed: int,
    edge_cells: int | None,
    progress: Callable[[int, int], None] | None,
) -> Routes:
    """The lines that a request is answered with."""
    land, network, (limits, heights, barred) = damage.land, damage.network, asked
    space, stops, h = limits.space(), limits.stops, land.grid.cell_size
    crossing = (
        damage.crossing_m / h if np.isfinite(damage.crossing_m) else NEVER_CROSSED * max(land.grid.shape)
    )
    per_move = None if price is None else ground_price(np.asarray(price, float)) * (h / 1000.0)
    extra = None if per_move is None or not price_weight else price_weight * per_move
    habitat = ground_price(1.0 / land.resistance)
    how: dict[str, Any] = {"habitat": habitat, "extra": extra, "n_starts": n_starts, "seed": seed}
    found = search_line(network, space, crossing, progress=progress, **how)
    if not found:
        raise limits.refusal(h, barred)
    near = edge_distance(land.valid)
    reach = max(1, min(3, min(land.grid.shape) // 50)) if edge_cells is None else edge_cells
    kept = [f for f in found if not reach or _along_edge(f.line, near, reach, stops) <= HUGGING]
    if not kept:
        raise OptionError(
            "U07", "every line that takes little hugs the edge of the study area, where nothing is known of what lies beyond.",
            remedy="give a corridor that keeps off the edge, or widen the study area (edge_cells = 0 takes such lines all the same)",
        )  # fmt: skip
    chosen = _alternatives(network, limits, crossing, kept, n_alternatives, how, near, reach)
    habitat[barred] = np.inf
    usual, _ = space.cheapest(habitat)
    rows = [_row(damage, f, k, per_move, heights, stops) for k, f in enumerate(chosen)]
    table = gpd.GeoDataFrame(rows, crs=land.grid.crs)
    starts = pd.DataFrame(
        [{"started": f.started, "loss": f.loss, "rounds": len(f.history) - 1} for f in found]
    )
    lost = np.nan if usual is None else damage.exact(geometry_of(usual, land))
    return Routes(damage, table, starts, len(found) - len(kept), float(lost))


def corner_of(point: Point, land: Landscape) -> tuple[int, int]:
    """The corner nearest to a place; U06 for one outside the landscape."""
    x, y = (point.x, point.y) if isinstance(point, shapely.Point) else point
    x0, y0, x1, y1 = land.grid.bounds
    h = land.grid.cell_size
    if not (x0 - h / 2 <= x <= x1 + h / 2 and y0 - h / 2 <= y <= y1 + h / 2):
        raise OptionError(
            "U06", f"({x:,.0f}, {y:,.0f}) lies outside the landscape.", remedy="give places in its coordinate system, within its grid"
        )  # fmt: skip
    return round((y1 - y) / h), round((x - x0) / h)


def geometry_of(line: CornerLine, land: Landscape) -> shapely.LineString:
    """A line on the map."""
    x0, _, _, y1 = land.grid.bounds
    h = land.grid.cell_size
    return shapely.LineString(np.column_stack([x0 + h * line.corners[:, 1], y1 - h * line.corners[:, 0]]))


def _along_edge(line: CornerLine, near: Floats, reach: int, stops: Sequence[tuple[int, int]]) -> float:
    """Share of a line within so many cells of the edge, its surroundings of the stops left out."""
    r, c = line.corners.T
    away = np.min([np.hypot(r - a, c - b) for a, b in stops], axis=0) > 3 * reach
    return float((near[r, c] <= reach)[away].mean()) if away.any() else 0.0


def _alternatives(
    network: LineNetwork,
    limits: Limits,
    crossing: float,
    found: list[Found],
    n: int,
    how: Mapping[str, Any],
    near: Floats,
    reach: int,
) -> list[Found]:
    """The best line and others that run elsewhere; where the starts gave too few, with the middle of those closed."""
    chosen = [found[0]]

    def take(pool: Sequence[Found]) -> None:
        for f in pool:
            if len(chosen) < n and all(_alike(f.line, c.line, limits) < ALIKE for c in chosen):
                chosen.append(f)

    take(found[1:])
    while len(chosen) < n:
        before, space = len(chosen), limits.space()
        away = np.ones(space.allowed.shape, bool)
        for one in chosen:
            middle = one.line.corners[len(one.line.corners) // 3 : 2 * len(one.line.corners) // 3 + 1]
            away[tuple(middle.T)] = False
        open_ = space.allowed & (distance_transform_edt(away) > _apart(limits))
        more = search_line(
            network, replace(space, allowed=open_), crossing, **{**how, "n_starts": 3}, n_detours=0
        )
        take([f for f in more if not reach or _along_edge(f.line, near, reach, limits.stops) <= HUGGING])
        if len(chosen) == before:
            break
    return chosen


def _apart(limits: Limits) -> float:
    """How far two lines lie apart where they are not one [cells]."""
    return max(1.5, 0.04 * limits.space().straight)


def _alike(a: CornerLine, b: CornerLine, limits: Limits) -> float:
    """Share of line a that lies near line b."""
    away = np.ones((limits.shape[0] + 1, limits.shape[1] + 1), bool)
    away[tuple(b.corners.T)] = False
    return float((distance_transform_edt(away)[tuple(a.corners.T)] <= _apart(limits)).mean())


def _row(
    damage: DamageMap,
    found: Found,
    k: int,
    per_move: Floats | None,
    heights: Floats | None,
    stops: Sequence[tuple[int, int]],
) -> dict[str, Any]:
    """What the table says of a line: everything is measured on its geometry."""
    line, shape = found.line, geometry_of(found.line, damage.land)
    bounds = damage.along(shape)
    d = np.diff(np.asarray(stops, float), axis=0)
    straight = float(np.hypot(d[:, 0], d[:, 1]).sum()) * damage.land.grid.cell_size / 1000
    at = line.corners[:-1]
    steepest = np.nan
    if heights is not None:
        high = corner_heights(heights)[tuple(line.corners.T)]
        xy = shapely.get_coordinates(shape)
        steepest = float(np.nanmax(np.abs(np.diff(high)) / np.hypot(*np.diff(xy, axis=0).T)))
    return {
        "id": chr(ord("A") + k) if k < 26 else f"A{k}", "length_km": bounds.km, "stretch": bounds.km / straight,
        "loss": damage.exact(shape), "loss_low": bounds.low, "loss_high": bounds.high,
        "price": np.nan if per_move is None else float(per_move[line.moves, at[:, 0], at[:, 1]].sum()),
        "largest_turn_deg": turn_of(shape), "steepest": steepest, "started": found.started, "geometry": shape,
    }  # fmt: skip


def turn_of(line: shapely.LineString) -> float:
    """Largest change of direction at a vertex of a line [degrees]."""
    d = np.diff(shapely.get_coordinates(line), axis=0)
    angle = np.degrees(np.arctan2(d[:, 1], d[:, 0]))
    gap = np.abs(np.diff(angle)) % 360.0
    return float(np.minimum(gap, 360.0 - gap).max(initial=0.0))


@takes_landscape
@long_job("trade-off")
def trade_off(
    land: Landscape,
    patches: Patches,
    start: Point,
    end: Point,
    kind: str | Mapping[str, Any] = "railway_fenced",
    *,
    max_lengths: Sequence[float] = (1.1, 1.25, 1.5),
    price_weights: Sequence[float] = (0.0,),
    progress: Any = None,
    **limits: Any,
) -> gpd.GeoDataFrame:
    """Length, price and loss of the best line at each limit of length and each weight of the price.

    Parameters
    ----------
    land, patches, start, end, kind
        As for :func:`route`.
    max_lengths : sequence of float
        Multiples of the straight line.
    price_weights : sequence of float
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    **limits
        Further arguments of :func:`route`.

    Returns
    -------
    geopandas.GeoDataFrame
        ``max_length``, ``price_weight``, ``habitat_loss`` (the usual practice at that limit) and the columns of
        :attr:`Routes.table`; limits that no line keeps are left out.

    Raises
    ------
    OptionError
        U08 when no limit of length can be kept.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> curve = trade_off(land.without_barriers(), patches, (6000, 0), (6000, 8000), "stock_fence", max_lengths=(1.0, 1.5), edge_cells=0, n_starts=4)
    >>> bool(curve["loss"].is_monotonic_decreasing)
    True
    """
    damage = damage_map(land, patches, kind)  # what is solved for one limit holds for all
    rows, last = [], None
    kept: dict[str, Any] = {
        "price": None,
        "n_alternatives": 1,
        "n_starts": 8,
        "seed": 0,
        "edge_cells": None,
        "progress": progress,
    }
    kept |= {k: limits.pop(k) for k in list(kept) if k in limits}
    for most in max_lengths:
        for weight in price_weights:
            try:
                asked = possible(land, patches, start, end, max_length=most, **limits)
                found = _found(asked, damage, price_weight=weight, **kept)
            except OptionError as refused:
                if refused.code != "U08":
                    raise
                last = refused
                continue
            first = found.table.iloc[0].to_dict()
            rows.append(
                {"max_length": most, "price_weight": weight, "habitat_loss": found.habitat_loss, **first}
            )
    if not rows and last is not None:
        raise last
    return gpd.GeoDataFrame(rows, crs=land.grid.crs)
