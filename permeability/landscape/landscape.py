"""The landscape of a species: habitat in cells, barriers on edges.

A :class:`Landscape` is frozen; :meth:`Landscape.with_scenario` and :meth:`Landscape.at` give new ones that share the
grid, the resistance and the cut table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import (
    Component,
    components_of,
    fence_state,
    level_values,
    require_effect,
)
from permeability.barriers.cut_costs import CostModel, CutCosts, CutSites
from permeability.barriers.edge_cuts import CutTable, cut_edges, stands_for
from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import FACTS, Intervention, Scenario
from permeability.core.arrays import in_chunks
from permeability.core.display import Face
from permeability.core.errors import check_choice
from permeability.core.estimate import Estimate
from permeability.engines.kernels.edges import (
    EdgeBarriers,
    GridLinks,
    grid_links,
)
from permeability.landscape.connected_parts import connected_parts
from permeability.landscape.edge_series import EveryEdge, every_edge
from permeability.landscape.resistance_values import check_resistance
from permeability.layers.arrays_on_grid import on_grid, require_crs
from permeability.layers.grid import Grid
from permeability.species import SpeciesProfile

__all__ = ["Landscape", "as_dataarray", "build", "connected_parts"]


class Ground(Protocol):
    """Where a landscape's resistance comes from, so that it can be drawn again."""

    @property
    def rows(self) -> Mapping[str, Any]:
        """Uncertain factors by key."""

    def resistance(self, quantiles: Mapping[str, float]) -> NDArray[np.float64]:
        """Resistance at quantiles of the factors by key."""


EVEN = 0.5  # a barrier that is at least as likely there as not stands outside the draws


@dataclass(frozen=True, eq=False)
class Landscape(Face):
    """Resistance in cells and barriers on the edges between them.

    Attributes
    ----------
    grid : Grid
    resistance : array, shape (rows, cols)
        Cost of one metre relative to the best ground [dimensionless, > 0]; NaN = outside the landscape.
    barriers : Barriers
        Every barrier of the layer, also planned ones; ``standing`` says which count.
    components : tuple
        For each barrier row its components with their crossing chances.
    cuts : CutTable
    standing : array of bool, shape (barriers,)
        Which rows stand in this scenario and year.
    profile : SpeciesProfile
    scenario : Scenario
    level : str or mapping
        ``"best"``, ``"low"``, ``"high"`` or quantiles by key, see :func:`permeability.barriers.crossing_costs.level_values`.
    neighbours : {8, 4, 16}
    chances : array, shape (barriers,), or None
        Chance of every row to be there in a draw; None = those that stand.
    fenced_chance : float or None
        Chance that a railway of unknown fence state is fenced, where its row does not say.
    ground : Ground or None
        What the resistance was made from, for draws of the habitat.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> int(land.parts.max()), int(land.without_barriers().parts.max())
    (2, 1)
    >>> opened = land.with_scenario(pm.Scenario("gap").remove("F", km=(2, 4)))
    >>> int(opened.parts.max()), int(land.parts.max())  # the first one has not changed
    (1, 2)
    """

    _face: ClassVar[str] = "landscape"

    grid: Grid
    resistance: NDArray[np.float64] = field(repr=False)
    barriers: Barriers
    components: tuple[tuple[Component, ...], ...] = field(repr=False)
    cuts: CutTable = field(repr=False)
    standing: NDArray[np.bool_] = field(repr=False)
    profile: SpeciesProfile
    scenario: Scenario = field(default_factory=Scenario)
    level: str | Mapping[str, float] = "best"
    neighbours: int = 8
    context: Mapping[str, Any] = field(default_factory=dict)
    chances: NDArray[np.float64] | None = field(default=None, repr=False)
    fenced_chance: float | None = None
    ground: Ground | None = field(default=None, repr=False)

    @property
    def table(self) -> Any:
        """The barriers, with the column ``standing``."""
        return self.barriers.table.assign(standing=self.standing)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.grid.shape

    @property
    def crs(self) -> Any:
        """Coordinate system of the grid."""
        return self.grid.crs

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north [m]."""
        return self.grid.bounds

    @property
    def lines(self) -> list[str]:
        """Names of the lines."""
        return self.barriers.lines

    # ---------------------------------------------------------------- variants
    def with_scenario(self, scenario: Scenario) -> Landscape:
        """The same landscape after the interventions of a scenario, which come on top of those it has.

        Raises
        ------
        BarrierError
            B06 no such line, B08 no such place on it, B09 nothing to remove, B11 no such component, B12 no width;
            T01 to T06 for a treatment that is not known or does not go with the barrier.
        """
        both = Scenario(scenario.name, (*self.scenario.interventions, *scenario.interventions))
        standing, components, chances = self.standing.copy(), list(self.components), self.chance_of.copy()
        for step in both.interventions:
            if step.action == "add":
                rows = self.barriers.rows_of(step.line)
                standing[rows], chances[rows] = True, 1.0
        for i, facts in facts_set(self.barriers, both).items():
            components[i] = self._rebuilt(i, facts)
        for step in scenario.interventions:
            if step.action not in FACTS:
                require_effect(step, self.barriers, components, self.profile)
        return replace(self, scenario=both, standing=standing, components=tuple(components), chances=chances)

    def _rebuilt(self, row: int, facts: Mapping[str, Any]) -> tuple[Component, ...]:
        return components_of(
            {**self.barriers.table.iloc[row].to_dict(), **facts}, self.profile, **self.context
        )

    def without_barriers(self, *, keep: Sequence[str] = ()) -> Landscape:
        """The landscape with only the kept lines standing (none by default)."""
        return self.with_rows(self._rows(keep))

    def with_rows(self, rows: NDArray[np.int64]) -> Landscape:
        """The landscape with only some rows of the barrier table standing, as they do."""
        kept = np.zeros(len(self.barriers), bool)
        kept[rows] = True
        return self._only(kept)

    def without_rows(self, rows: NDArray[np.int64]) -> Landscape:
        """The landscape with some rows of the barrier table taken away."""
        kept = np.ones(len(self.barriers), bool)
        kept[rows] = False
        return self._only(kept)

    def _rows(self, lines: Sequence[str]) -> NDArray[np.int64]:
        """Rows of some lines."""
        found = [np.asarray(self.barriers.rows_of(line), np.int64) for line in lines]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _only(self, kept: NDArray[np.bool_]) -> Landscape:
        return replace(self, standing=self.standing & kept, chances=np.where(kept, self.chance_of, 0.0))

    def without_lines(self, lines: Sequence[str]) -> Landscape:
        """The landscape with some lines taken away entirely."""
        return self.without_rows(self._rows(lines))

    def at(self, level: str | Mapping[str, float]) -> Landscape:
        """The landscape with other values of the uncertain crossing numbers."""
        if isinstance(level, str):
            check_choice("level", level, ("low", "best", "high"))
        return replace(self, level=level)

    # ---------------------------------------------------------------- what may be there
    @property
    def chance_of(self) -> NDArray[np.float64]:
        """Chance of every barrier row to be there, shape (barriers,)."""
        return self.standing.astype(float) if self.chances is None else self.chances

    @cached_property
    def fence_chances(self) -> dict[int, float]:
        """Chance of a fence at every railway row that may be there and of which nobody knows; 0 < chance < 1."""
        found, facts = {}, facts_set(self.barriers, self.scenario)
        may = self.barriers.table["kind"].to_numpy() == "railway"
        may[[i for i, set_ in facts.items() if "kind" in set_]] = True
        for i in np.flatnonzero(may & (self.chance_of > 0)):
            row = self.barriers.table.iloc[i].to_dict() | facts.get(int(i), {})
            if row["kind"] != "railway" or fence_state(row) != "unknown":
                continue
            own = pd.to_numeric(row.get("fenced_chance"), errors="coerce")
            chance = self.fenced_chance if own is None or np.isnan(own) else float(own)
            if chance is not None and 0 < chance < 1:
                found[int(i)] = chance
        return found

    @cached_property
    def either_way(self) -> dict[int, tuple[tuple[Component, ...], ...]]:
        """Components without and with fences of the rows whose fence state is drawn."""
        facts = facts_set(self.barriers, self.scenario) if self.fence_chances else {}
        return {
            i: tuple(self._rebuilt(i, {**facts.get(i, {}), "fenced": state}) for state in ("no", "yes"))
            for i in self.fence_chances
        }

    def drawn(self, quantiles: Mapping[str, float]) -> Landscape:
        """The landscape of one draw of the unknown numbers.

        Parameters
        ----------
        quantiles : mapping
            Key -> quantile 0..1: keys of components and of what they come from, ``trace_length``,
            ``presence.<id>`` (there when below the row's chance) and ``fenced.<line>`` (fenced when below the
            chance).  Keys without a quantile stay as they are.
        """
        standing, components = self.standing.copy(), list(self.components)
        present, fenced = self._in_doubt
        for row, key, chance in present:
            if (u := quantiles.get(key)) is not None:
                standing[row] = u < chance
        for row, key, chance in fenced:
            if (u := quantiles.get(key)) is not None:
                components[row] = self.either_way[row][int(u < chance)]
        drawn = replace(self, level=quantiles, standing=standing, components=tuple(components))
        vars(drawn)["_like"] = self
        return drawn

    @cached_property
    def _in_doubt(self) -> tuple[list[tuple[int, str, float]], list[tuple[int, str, float]]]:
        """Rows that may be there, and rows that may be fenced, with the key of each and its chance."""
        ids, lines = (self.barriers.table[c].to_numpy() for c in ("id", "line"))
        may = np.flatnonzero((self.chance_of > 0) & (self.chance_of < 1)).tolist()
        return (
            [(i, f"presence.{ids[i]}", float(self.chance_of[i])) for i in may],
            [(i, f"fenced.{lines[i]}", chance) for i, chance in self.fence_chances.items()],
        )

    def drawn_elsewhere(self, barriers: Barriers, cuts: CutTable) -> Landscape:
        """The landscape with the same rows of the table in other places."""
        made = replace(self, barriers=barriers, cuts=cuts)
        vars(made).update({k: getattr(self, k) for k in ("fence_chances", "either_way", "_in_doubt")})
        return made

    # ---------------------------------------------------------------- costs on edges
    @property
    def weight(self) -> NDArray[np.float64]:
        """``(h / length) |v.n|`` of every cut: what it adds to the conductance of its line per 1 / C [m]."""
        return self.cuts.weight

    @cached_property
    def cut_costs(self) -> CutCosts:
        """Crossing cost of every cut; nothing where its barrier does not stand."""
        return self.cost_model.costs_at(self.cuts, self.cut_sites)

    def costs_after(self, interventions: Sequence[Intervention]) -> CutCosts:
        """Crossing cost of every cut after interventions, at this landscape's level."""
        return self.cost_model.costs(self.cuts, interventions)

    @cached_property
    def cut_sites(self) -> CutSites:
        """Where the scenario acts on the cuts; draws of a landscape share it."""
        like: Landscape | None = vars(self).get("_like")
        if like is not None:
            return like.cut_sites
        return self.cost_model.sites(self.cuts, self.scenario.interventions)

    @cached_property
    def cost_model(self) -> CostModel:
        """Crossing costs of the barrier table at this landscape's level."""
        return CostModel(
            self.barriers,
            self.components,
            trace_length=self.trace_length,
            values=level_values(self.level),
            profile=self.profile,
            standing=self.standing,
        )

    @cached_property
    def cut_length(self) -> NDArray[np.float64]:
        """Length of line that every cut stands for in the circuit view [m]; 0 for knight's moves, which are no links of it."""
        stands = stands_for(self.cuts.direction, self.cuts.normal_m, self.neighbours) > 0
        return np.where(stands, self.cuts.own_to - self.cuts.own_from, 0.0)

    @property
    def trace_length(self) -> Estimate:
        """Mean trace length of the species [m]."""
        return self.profile.trace_length_m

    def edge_barriers(self) -> EdgeBarriers:
        """What the standing barriers add to every edge they cut, one row per edge."""
        return self._edges

    @cached_property
    def _edges(self) -> EdgeBarriers:
        return self.every_edge.rows(self.cuts.edges[0])

    @cached_property
    def every_edge(self) -> EveryEdge:
        """What the standing barriers add to every edge that any row of the table cuts, in the order of ``cuts.edges``."""
        return every_edge(self.cuts.edges, self.cut_costs, self.weight, self.resistance)

    def links(self) -> GridLinks:
        """Conductances of the circuit view, barriers in series (DESIGN 3.4)."""
        return grid_links(self.resistance, neighbours=min(self.neighbours, 8), barriers=self.edge_barriers())

    # ---------------------------------------------------------------- parts
    @property
    def valid(self) -> NDArray[np.bool_]:
        """Cells of the landscape."""
        return np.isfinite(self.resistance)

    @cached_property
    def parts(self) -> NDArray[np.int32]:
        """Connected parts as labels 1..n by falling size, 0 outside, shape (rows, cols)."""
        return connected_parts(self.valid, self.edge_barriers(), self.neighbours)

    def to_xarray(
        self,
        values: NDArray[Any] | None = None,
        name: str = "resistance",
        *,
        chunks: Any = None,
        **attrs: Any,
    ) -> xr.DataArray:
        """Values on the grid as a DataArray with coordinates and CRS; the resistance where none are given.

        Parameters
        ----------
        values : array, optional
            Shape (rows, cols).
        name : str
        chunks : int, tuple, dict or "auto", optional
            Hand it out as a dask array, see :meth:`permeability.core.display.Face.to_xarray`.
        **attrs
            Kept with the array.

        Returns
        -------
        xarray.DataArray
        """
        shown = self.resistance if values is None else values
        array = as_dataarray(
            self.grid, shown, name, species=self.profile.id, scenario=self.scenario.name, **attrs
        )
        return in_chunks(array, chunks)

    def to_dataset(self) -> xr.Dataset:
        """Resistance [1], separate parts (numbers from 1; 0 = outside) and edges with a barrier per cell, with coordinates.

        Returns
        -------
        xarray.Dataset
        """
        edges = np.bincount(self.edge_barriers().cell, minlength=self.grid.size).reshape(self.grid.shape)
        layers: dict[str, NDArray[Any]] = {
            "resistance": self.resistance,
            "parts": self.parts,
            "barrier_edges": edges,
        }
        return xr.Dataset({k: self.to_xarray(v, k) for k, v in layers.items()})

    def __repr__(self) -> str:
        edges = self.edge_barriers()
        blocked = int(np.isinf(edges.cost).sum())
        return (
            f"Landscape of {self.profile.name()} ({self.profile.scientific}), scenario {self.scenario.name!r}\n"
            f"  {self.grid}\n"
            f"  {int(self.valid.sum()):,} cells, {self.valid.sum() * self.grid.cell_area_km2:,.0f} km2, "
            f"{self.neighbours} neighbours\n"
            f"  {int(self.standing.sum())} barriers standing, {len(edges.cell):,} edges cut, {blocked:,} impassable\n"
            f"  {int(self.parts.max())} connected parts"
        )


def build(
    grid: Grid,
    resistance: NDArray[np.float64],
    barriers: Barriers,
    profile: SpeciesProfile,
    *,
    neighbours: int = 8,
    year: float | None = None,
    season: str | None = None,
    assume_fenced: str = "no",
    cuts: CutTable | None = None,
    fenced_chance: float | None = None,
    ground: Ground | None = None,
) -> Landscape:
    """Landscape of a species from its resistance and the barriers.

    Parameters
    ----------
    grid : Grid
    resistance : array, masked array or DataArray, shape (rows, cols)
        [dimensionless, > 0]; NaN = outside.  A DataArray is held against the grid by its coordinates.
    barriers : Barriers
        In the CRS of the grid.
    profile : SpeciesProfile
    neighbours : {8, 4, 16}
    year : float, optional
        What stands then; None = everything with status ``existing``.
    season : str, optional
    assume_fenced : {"no", "yes"}
        What a railway counts as whose fence state is unknown.
    cuts : CutTable, optional
        Of the same grid and barriers, when it is known already.
    fenced_chance : float, optional
        Chance that a railway of unknown fence state is fenced; None draws none (``assume_fenced`` holds).
    ground : Ground, optional
        What the resistance was made from, for draws of the habitat.

    Returns
    -------
    Landscape

    Raises
    ------
    ResistanceError
        R01 zero, negative or infinite resistances, R02 no valid cell, R03 another shape.
    GridMismatchError
        G02 a DataArray of another grid, A02 barriers in another coordinate system.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> again = build(land.grid, land.resistance, land.barriers, pm.species.species("khulan"))
    >>> len(again.edge_barriers().cell) == len(land.edge_barriers().cell)
    True
    """
    check_choice("assume_fenced", assume_fenced, ("no", "yes"))
    r = check_resistance(on_grid(resistance, grid, name="resistance"), grid.shape)
    require_crs(barriers.table.crs, grid, name="barriers")
    table = cuts if cuts is not None else cut_edges(barriers, grid, neighbours=neighbours)
    context = {"year": year, "season": season, "assume_fenced": assume_fenced}
    components = all_components(barriers, profile, **context)
    chances = np.where(_standing(barriers, year), presence(barriers), 0.0)
    return Landscape(
        grid, r, barriers, components, table, chances >= EVEN, profile, neighbours=neighbours, context=context,
        chances=chances, fenced_chance=fenced_chance, ground=ground,
    )  # fmt: skip


def presence(barriers: Barriers) -> NDArray[np.float64]:
    """Stated chance of every row to be there; 1 where none is stated."""
    if "presence" not in barriers.table.columns:
        return np.ones(len(barriers))
    return pd.to_numeric(barriers.table["presence"], errors="coerce").fillna(1.0).to_numpy(float)


def facts_set(barriers: Barriers, scenario: Scenario) -> dict[int, dict[str, Any]]:
    """Barrier row -> the facts that a scenario sets for it, the later ones counting; rows without any are left out."""
    found: dict[int, dict[str, Any]] = {}
    for step in scenario.interventions:
        if step.action in FACTS:
            for row in map(int, barriers.rows_of(step.line)):
                found.setdefault(row, {}).update(step.options)
    return found


def all_components(
    barriers: Barriers, profile: SpeciesProfile, **context: Any
) -> tuple[tuple[Component, ...], ...]:
    """Components of every barrier row for a species; ``context`` as for :func:`build`."""
    return tuple(components_of(row, profile, **context) for row in barriers.table.to_dict("records"))


def _standing(barriers: Barriers, year: float | None) -> NDArray[np.bool_]:
    return barriers.table["id"].isin(barriers.standing(year).table["id"]).to_numpy()


def as_dataarray(grid: Grid, values: NDArray[Any], name: str, **attrs: Any) -> xr.DataArray:
    """Values on a grid as an xarray.DataArray with cell-centre coordinates and a CF grid mapping.

    Parameters
    ----------
    grid : Grid
    values : array
        Shape (rows, cols).
    name : str
        Name of the array.
    **attrs

    Returns
    -------
    xr.DataArray

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> as_dataarray(land.grid, land.resistance, "resistance").sizes["x"]
    12
    """
    spatial = xr.DataArray(
        0, attrs={"crs_wkt": grid.crs.to_wkt(), "GeoTransform": " ".join(map(str, grid.transform.to_gdal()))}
    )
    array = xr.DataArray(
        values, dims=("y", "x"), coords={"y": grid.y, "x": grid.x, "spatial_ref": spatial}, name=name
    )
    array.attrs = {"grid_mapping": "spatial_ref", **attrs}
    return array
