"""Countries on the grid of a landscape, and every index split within, across and through them.

    within    both ends lie in one country and nothing else is needed
    across    the ends lie in two countries and no third is needed
    through   a country is needed in which neither end lies

Ends are patches for the indices of pairs, a patch and the ground that it reaches for the reachable range; a patch that lies over a border
counts for each side by its cells.  Pieces of the range are within where they lie in one country and across otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.leastcost.distance import cost_distance, cost_surface, trace_cells
from permeability.landscape.given import takes_landscape
from permeability.landscape.habitat import area_mask
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.grid import Grid
from permeability.linkage.measured import Measured

__all__ = ["NOWHERE", "Countries", "CountrySplit", "by_country", "country_map", "lines_by_country"]

Array = NDArray[np.float64]
NOWHERE = "no country"
BORDER_M = 5000.0


@dataclass(frozen=True, eq=False)
class Countries:
    """Countries on a grid.

    Attributes
    ----------
    names : tuple of str
        In the order of the alphabet; the last is :data:`NOWHERE`.
    labels : int array, shape (rows, cols)
        Position in ``names`` of the country in which the middle of each cell lies.
    shapes : tuple
        Polygon of every country but the last.
    grid : Grid

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 4000, 1000), cell_size=1000, crs="EPSG:32648")
    >>> lands = gpd.GeoDataFrame({"name": ["W", "E"]}, geometry=[shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 3000, 1000)], crs=grid.crs)
    >>> found = country_map(grid, lands)
    >>> found.names, found.labels.tolist()
    (('E', 'W', 'no country'), [[1, 0, 0, 2]])
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64] = field(repr=False)
    shapes: tuple[shapely.Geometry, ...] = field(repr=False)
    grid: Grid

    def shares(self, cells: NDArray[np.bool_]) -> Array:
        """Share of some cells that lies in each country, shape (countries,); adds up to 1."""
        count = np.bincount(self.labels[cells], minlength=len(self.names)).astype(np.float64)
        return np.asarray(count / count.sum())

    def of_patches(self, patches: Patches) -> Array:
        """Share of every patch in each country, shape (patches, countries)."""
        return np.array([self.shares(patches.mask(k + 1)) for k in range(len(patches))])

    def along(self, line: shapely.Geometry, border_m: float = BORDER_M) -> Array:
        """Length of a line in each country, shape (countries,) [m]; what is near a border counts for both sides in equal parts.

        Parameters
        ----------
        line : LineString or MultiLineString
        border_m : float
            What is no farther than this from a country lies at its border [m].

        Returns
        -------
        array

        Examples
        --------
        >>> grid = Grid.from_bounds((0, 0, 4000, 1000), cell_size=1000, crs="EPSG:32648")
        >>> lands = gpd.GeoDataFrame({"name": ["W", "E"]}, geometry=[shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 4000, 1000)], crs=grid.crs)
        >>> country_map(grid, lands).along(shapely.LineString([(0, 500), (2000, 500)]), border_m=100).tolist()  # E, W, nowhere
        [1000.0, 1000.0, 0.0]
        """
        total = np.zeros(len(self.names))
        wide = [shape.buffer(border_m) if border_m > 0 else shape for shape in self.shapes]
        for part in shapely.get_parts(line):
            cuts = [0.0, part.length]
            for shape in wide:
                met = shapely.intersection(part, shape.boundary)
                cuts += [
                    float(shapely.line_locate_point(part, shapely.Point(xy)))
                    for xy in shapely.get_coordinates(met)
                ]
            at = np.unique(cuts)
            middle = shapely.line_interpolate_point(part, (at[1:] + at[:-1]) / 2)
            there = np.array([shapely.intersects(shape, middle) for shape in wide], np.float64).reshape(
                len(wide), -1
            )
            many = there.sum(0)
            share = np.vstack([there / np.maximum(many, 1), many == 0])
            total += share @ np.diff(at)
        return total


def require_names(countries: gpd.GeoDataFrame, name: str = "name") -> None:
    """Refuse countries of which one has no name.

    Parameters
    ----------
    countries : GeoDataFrame
    name : str
        Column of names.

    Raises
    ------
    OptionError
        D22 no such column or a row without a name.
    """
    if (
        name not in countries.columns
        or countries[name].isna().any()
        or (countries[name].astype(str) == NOWHERE).any()
    ):
        raise OptionError(
            "D22", f"the countries have no {name!r} in every row.", remedy="name the column with name="
        )


def country_map(grid: Grid, countries: gpd.GeoDataFrame, *, name: str = "name") -> Countries:
    """Countries on a grid.

    Parameters
    ----------
    grid : Grid
    countries : GeoDataFrame
        Polygons with a column of names; rows of one name are one country.
    name : str
        That column.

    Returns
    -------
    Countries

    Raises
    ------
    OptionError
        D22 no such column or a row without a name; D23 countries that lie over each other.

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 2000, 1000), cell_size=1000, crs="EPSG:32648")
    >>> country_map(grid, gpd.GeoDataFrame({"iso": ["MNG"]}, geometry=[shapely.box(0, 0, 2000, 1000)], crs=grid.crs), name="iso").names
    ('MNG', 'no country')
    """
    require_names(countries, name)
    there = countries.to_crs(grid.crs)
    names = sorted(set(there[name].astype(str)))
    labels, shapes = np.full(grid.shape, len(names), np.int64), []
    for k, country in enumerate(names):
        rows = there[there[name].astype(str) == country]
        cells = area_mask(rows, grid)
        twice = cells & (labels < len(names))
        if twice.any():
            other = sorted({names[i] for i in np.unique(labels[twice])})
            raise OptionError(
                "D23", f"{country} lies over {', '.join(other)} in {int(twice.sum())} cells.", remedy="mend the layer of countries so that every place lies in one"
            )  # fmt: skip
        labels[cells] = k
        shapes.append(shapely.union_all(rows.geometry.values))
    return Countries((*names, NOWHERE), labels, tuple(shapes), grid)


@dataclass(frozen=True, eq=False)
class CountrySplit(Face):
    """Every index split by country.

    Attributes
    ----------
    whole : dict
        Index -> value of the whole; ``efficiency`` is 1 / detour.
    table : pandas.DataFrame
        A row per part: ``index``, ``kind`` (within, across, through), ``country``, ``other`` (the other end; the same within), ``value``
        [unit of the index], ``share`` of the whole.  The values of an index add up to the whole.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lands = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[shapely.box(0, 0, 6000, 8000), shapely.box(6000, 0, 12_000, 8000)], crs=land.grid.crs)
    >>> split = by_country(land, patches, country_map(land.grid, lands))
    >>> split.table.query("index == 'pairs_apart'")[["kind", "country", "other", "value"]].values.tolist()
    [['across', 'A', 'B', 1.0]]
    """

    _face: ClassVar[str] = "country_split"

    whole: dict[str, float]
    table: pd.DataFrame

    def kinds(self) -> pd.DataFrame:
        """A row per index: ``within``, ``across``, ``through``, ``whole``."""
        wide = self.table.pivot_table(
            index="index", columns="kind", values="value", aggfunc="sum", sort=False
        )
        wide = wide.reindex(columns=["within", "across", "through"], index=list(self.whole)).fillna(0.0)
        return wide.assign(whole=list(self.whole.values())).rename_axis(columns=None)

    def __repr__(self) -> str:
        return self.kinds().to_string(float_format=lambda v: f"{v:,.6g}")


@takes_landscape
def by_country(
    land: Landscape,
    patches: Patches,
    countries: Countries,
    inside: NDArray[np.bool_] | None = None,
    *,
    measured: Measured | None = None,
) -> CountrySplit:
    """Every index of a landscape split within, across and through countries.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    countries : Countries
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    measured : Measured, optional
        The same landscape, where something of it is known already.

    Returns
    -------
    CountrySplit

    Raises
    ------
    OptionError
        D24 countries on another grid.

    Notes
    -----
    Which countries a pair needs is read off its least-cost way, for both views; a pair without a way is split by its ends.  Ground that
    is reached is within or across where it is reached within the budget on the ground of the countries of the two ends alone (and of the
    patch itself).  The equivalent connected area is a root of a sum over pairs: each part is its share of the sum times the area.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lands = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(0, 0, 12_000, 8000)], crs=land.grid.crs)
    >>> by_country(land, patches, country_map(land.grid, lands)).kinds().loc["reachable_km2"].tolist()
    [48.0, 0.0, 0.0, 48.0]
    """
    if countries.grid != land.grid:
        raise OptionError(
            "D24", "the countries were laid on another grid.", remedy="country_map(land.grid, ...)"
        )
    measured = (
        Measured(land, patches, land.valid if inside is None else inside, keep_fields=True)
        if measured is None
        else measured
    )
    values = dict(measured.indices.values)
    values["efficiency"] = 1 / values.pop("detour")
    parts = [
        *_pairs(measured, countries),
        *_apart(measured, countries),
        *_reach(measured, countries),
        *_range(measured, countries),
    ]
    table = pd.DataFrame(parts, columns=["index", "kind", "country", "other", "value"])
    table = table.groupby(["index", "kind", "country", "other"], as_index=False, sort=True)["value"].sum()
    table = table[table["value"] != 0].copy()
    whole = table["index"].map(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        table["share"] = table["value"] / whole
    order = {name: k for k, name in enumerate(values)}
    table = table.sort_values("index", key=lambda c: c.map(order), kind="stable").reset_index(drop=True)
    return CountrySplit(values, table)


Part = tuple[str, str, str, str, float]


def _kind(a: int, b: int, passed: set[int]) -> str:
    if passed - {a, b}:
        return "through"
    return "within" if a == b else "across"


def _ends(
    index: str, value: float, first: Array, second: Array, passed: set[int], names: tuple[str, ...]
) -> list[Part]:
    """A value of two ends by the countries in which they lie."""
    parts = []
    for a in np.flatnonzero(first).tolist():
        for b in np.flatnonzero(second).tolist():
            one, other = sorted((a, b))
            parts.append((index, _kind(a, b, passed), names[one], names[other], value * first[a] * second[b]))
    return parts


def _pairs(measured: Measured, countries: Countries) -> list[Part]:
    """Conductance, resistance, efficiency and equivalent connected area."""
    land, patches = measured.land, measured.patches
    where, names, n = countries.of_patches(patches), countries.names, len(patches)
    weight, counted = patches.pair_weights(), patches.pair_weights().sum() / 2
    cost, free, resistance = measured.cost, measured.bare.cost, measured.resistance
    area = patches.table["area_km2"].to_numpy(float)
    kernel = np.exp(-cost / land.profile.dispersal_m.best)
    eca = measured.indices.values["eca_km2"]
    i, j = patches.pairs()
    different = np.zeros((n, n), bool)
    different[i, j] = True
    surface, parts = cost_surface(land), []
    for a in range(n):
        parts += _ends("eca_km2", area[a] ** 2 / eca, where[a], where[a], set(), names)
        for b in range(a + 1, n):
            passed = _passed(measured, surface, a, b, countries)
            parts += _ends(
                "eca_km2", 2 * area[a] * area[b] * kernel[a, b] / eca, where[a], where[b], passed, names
            )
            if not different[a, b] or weight[a, b] == 0:
                continue
            share = weight[a, b] / counted
            efficiency = float(free[a, b] / cost[a, b]) if cost[a, b] > 0 else 1.0
            conductance = float(pair_conductance(resistance[a : a + 1, b])[0])
            for index, value in (
                ("efficiency", efficiency),
                ("mean_resistance", float(resistance[a, b])),
                ("mean_conductance", conductance),
            ):
                parts += _ends(index, value * share, where[a], where[b], passed, names)
    return parts


def _passed(measured: Measured, surface: object, a: int, b: int, countries: Countries) -> set[int]:
    """Countries that the least-cost way between two patches passes outside both."""
    masks = measured.masks
    dist = measured.fields[a]
    ends = np.flatnonzero(masks[b].ravel())
    end = int(ends[np.argmin(dist.ravel()[ends])])
    if not np.isfinite(dist.ravel()[end]):
        return set()
    cells = trace_cells(surface, dist, np.flatnonzero(masks[a].ravel()), end).cells  # type: ignore[arg-type]
    between = ~(masks[a] | masks[b])[cells[:, 0], cells[:, 1]]
    return {int(k) for k in np.unique(countries.labels[cells[between, 0], cells[between, 1]])}


def _apart(measured: Measured, countries: Countries) -> list[Part]:
    """Pairs of patches as drawn without a way, by their ends."""
    patches = measured.patches
    drawn, ids = pd.factorize(np.array(patches.drawn))
    masks = [np.isin(patches.labels, np.flatnonzero(drawn == k) + 1) for k in range(len(ids))]
    where, parts = [countries.shares(m) for m in masks], []
    joined = np.isfinite(measured.cost)
    for a in range(len(ids)):
        for b in range(a + 1, len(ids)):
            if not joined[np.ix_(drawn == a, drawn == b)].any():
                parts += _ends("pairs_apart", 1.0, where[a], where[b], set(), countries.names)
    return parts


def _reach(measured: Measured, countries: Countries) -> list[Part]:
    """Ground within the budget of every patch, by home and by where it lies."""
    land, patches, names = measured.land, measured.patches, countries.names
    weight, where = patches.table["weight"].to_numpy(float), countries.of_patches(patches)
    budget, parts = land.profile.budget_m.best, []
    for k, (field_, mask) in enumerate(zip(measured.fields, measured.masks)):
        near = field_ <= budget
        met = set(np.unique(countries.labels[near]).tolist())
        for home in np.flatnonzero(where[k]).tolist():
            for other in sorted(met):
                there = near & (countries.labels == other)
                alone = there
                if met - {home, other}:  # something else may have been needed
                    allowed = np.isin(countries.labels, (home, other)) | mask
                    ground = np.where(allowed, land.resistance, np.nan)
                    found = cost_distance(ground, mask, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=land.edge_barriers(), limit=budget)  # fmt: skip
                    alone = there & (np.asarray(found) <= budget)
                scale = weight[k] / weight.sum() * where[k, home] * land.grid.cell_area_km2
                kind = "within" if home == other else "across"
                one, two = names[home], names[other]
                parts.append(("reachable_km2", kind, one, two, float(alone.sum() * scale)))
                parts.append(("reachable_km2", "through", one, two, float((there & ~alone).sum() * scale)))
    return parts


def _range(measured: Measured, countries: Countries) -> list[Part]:
    """Pieces of the range, and what of it is cut off."""
    parts_of, inside = measured.land.parts, measured.inside
    held = inside & (parts_of > 0)
    table = np.zeros((int(parts_of.max()) + 1, len(countries.names)))
    np.add.at(table, (parts_of[held], countries.labels[held]), 1.0)
    table = table[table.sum(1) > 0]
    parts: list[Part] = []
    if not len(table):
        return parts
    largest = int(np.argmax(table.sum(1)))
    for k, cells in enumerate(table):
        kind = "within" if np.count_nonzero(cells) == 1 else "across"
        for c in np.flatnonzero(cells).tolist():
            name = countries.names[c]
            parts.append(("range_pieces", kind, name, name, float(cells[c] / cells.sum())))
            if k != largest:
                area = float(cells[c] * measured.land.grid.cell_area_km2)
                parts.append(("range_cut_off_km2", kind, name, name, area))
    return parts


def lines_by_country(
    lines: gpd.GeoDataFrame, countries: Countries, *, border_m: float = BORDER_M
) -> pd.DataFrame:
    """Kilometres of barrier lines in every country, with what stands at a border counted once.

    Parameters
    ----------
    lines : GeoDataFrame
        Lines; ``line`` (or ``id``) and ``kind`` are kept where they are there.
    countries : Countries
    border_m : float
        What is no farther from a country than this stands at its border [m], and counts for the countries there in equal parts.

    Returns
    -------
    DataFrame
        ``line``, ``kind``, ``country``, ``km``; the kilometres of a line add up to its length.

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> lands = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[shapely.box(0, 0, 6000, 8000), shapely.box(6000, 0, 12_000, 8000)], crs=land.grid.crs)
    >>> lines_by_country(land.barriers.table, country_map(land.grid, lands)).groupby("country")["km"].sum().round(3).tolist()
    [5.0, 5.0]
    """
    shapes = lines.to_crs(countries.grid.crs).geometry
    named = "line" if "line" in lines.columns else "id"
    rows = []
    for at, shape in enumerate(shapes):
        length = countries.along(shape, border_m)
        for c in np.flatnonzero(length).tolist():
            facts = {"line": str(lines[named].iloc[at]) if named in lines.columns else str(at), "kind": lines["kind"].iloc[at] if "kind" in lines.columns else ""}  # fmt: skip
            rows.append({**facts, "country": countries.names[c], "km": float(length[c]) / 1000})
    table = pd.DataFrame(rows, columns=["line", "kind", "country", "km"])
    return table.groupby(["line", "kind", "country"], as_index=False, dropna=False)["km"].sum()
