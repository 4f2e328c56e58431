"""Protected areas as drawn to nodes and links of a network, and ProtConn of every country.

Land is taken as it lies: what several areas cover counts once, areas that touch hang together, an area in several pieces is several
nodes, and what reaches over the border of the region is cut there; the part beyond can be passed and counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, check_choice
from permeability.linkage.network_metrics import MovementKernel
from permeability.linkage.protected_network import BELOW, PARTS, ProtConn, network_protconn

__all__ = ["CountryProtConn", "protconn", "protconn_by_country"]

FEW = 4  # points that a triangulation needs


@dataclass(frozen=True, eq=False)
class CountryProtConn(Face):
    """ProtConn of every country.

    Attributes
    ----------
    found : dict
        Country -> :class:`permeability.linkage.protected_network.ProtConn`.
    table : pandas.DataFrame
        A row per country: ``country``, ``region_km2``, ``protected_km2``, each part [% of the country], ``error_pct``.

    Examples
    --------
    >>> areas = gpd.GeoSeries([shapely.box(0, 0, 9000, 9000)], crs="EPSG:32648")
    >>> lands = gpd.GeoDataFrame({"name": ["W", "E"]}, geometry=[shapely.box(-1e4, -1e4, 0, 1e4), shapely.box(0, -1e4, 1e4, 1e4)], crs=32648)
    >>> protconn_by_country(areas, MovementKernel(1000), lands).table[["country", "ProtConn"]].values.tolist()
    [['W', 0.0], ['E', 40.5]]
    """

    _face: ClassVar[str] = "protconn_by_country"

    found: dict[str, ProtConn] = field(repr=False)
    table: pd.DataFrame

    def __repr__(self) -> str:
        return self.table.to_string(index=False, float_format=lambda v: f"{v:.4g}")


def protconn(
    areas: Any,
    kernel: MovementKernel,
    region: Any,
    *,
    links: str = "all",
    outside_m: float | None = None,
    touching_m: float = 0.0,
    below: float = BELOW,
) -> ProtConn:
    """ProtConn and its parts of protected areas in a region, with straight links from edge to edge.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
        Polygons in a projected system with metres; an equal-area one where the region is large.
    kernel : MovementKernel
        :meth:`MovementKernel.from_probability` ``(median_m, 0.5)`` gives the published one of a median dispersal distance.
    region : GeoDataFrame, GeoSeries or polygon
        In the same system.
    links : {"all", "planar"}
        ``all``: every two nodes whose direct chance is at least ``below`` (the published indicator).  ``planar``: neighbours of a Delaunay
        triangulation only, for networks of which ``all`` would be too many; chances are then never higher.
    outside_m : float, optional
        How far from the region areas outside it are stepping stones [m]; all that are given by default, 0 for none.
    touching_m : float
        Areas so near each other hang together [m]: gaps of drawing.
    below : float
        Pairs of a chance below this are left out.

    Returns
    -------
    ProtConn

    Raises
    ------
    OptionError
        D22 areas or a region that are no polygons of one projected system.

    Examples
    --------
    >>> areas = gpd.GeoSeries([shapely.box(0, 0, 3000, 1000), shapely.box(2000, 0, 4000, 1000), shapely.box(9000, 0, 10000, 1000)], crs=32648)
    >>> found = protconn(areas, MovementKernel.from_probability(5000, 0.5), shapely.box(0, 0, 10_000, 10_000))
    >>> found.nodes, found.percent["Prot"], round(found.percent["ProtConn[Contig]"], 3), round(found.percent["ProtConn"], 3)
    (2, 5.0, 0.707, 4.583)
    """
    check_choice("links", links, ("all", "planar"))
    shapes, within = _polygons(areas, region)
    inside = _pieces(shapely.intersection(shapes, within))
    beyond = _pieces(shapely.difference(shapes, within)) if outside_m is None or outside_m > 0 else inside[:0]
    if outside_m is not None and len(beyond):
        beyond = beyond[shapely.dwithin(beyond, within, outside_m)]
    nodes, away = _pieces(shapely.union_all(inside)), _pieces(shapely.union_all(beyond))
    if not len(nodes):
        return ProtConn(
            shapely.area(within) / 1e6, 0.0, 0.0, dict.fromkeys(PARTS, 0.0), 0.0, 0.0, below, 0, 0
        )
    every = np.concatenate([nodes, away])
    reach = -kernel.mean_m * np.log(below) if below > 0 else np.inf
    cut = below if links == "all" else 0.0
    return network_protconn(
        np.concatenate([shapely.area(nodes), np.zeros(len(away))]) / 1e6,
        _links(every, links, reach, touching_m),
        kernel,
        float(shapely.area(within)) / 1e6,
        outside=np.arange(len(every)) >= len(nodes),
        drawn_km2=shapely.area(inside) / 1e6,
        contiguous_m=touching_m,
        below=below,
        left_out=cut,
    )


def protconn_by_country(
    areas: Any, kernel: MovementKernel, countries: gpd.GeoDataFrame, *, name: str = "name", **options: Any
) -> CountryProtConn:
    """ProtConn of every country, with the protected areas of the others as stepping stones.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
    kernel : MovementKernel
    countries : GeoDataFrame
        Polygons; rows of one name are one country.
    name : str
        Column of the names.
    **options
        As for :func:`protconn`.

    Returns
    -------
    CountryProtConn

    Raises
    ------
    OptionError
        D22 a layer of countries without that column or with gaps in it.

    Notes
    -----
    What is not in it: ProtConn[Bound] of Saura et al. 2018, which takes off the isolation by sea and by foreign land.

    Examples
    --------
    >>> areas = gpd.GeoSeries([shapely.box(-2000, 0, 2000, 1000)], crs=32648)
    >>> lands = gpd.GeoDataFrame({"name": ["W", "E"]}, geometry=[shapely.box(-1e4, -1e4, 0, 1e4), shapely.box(0, -1e4, 1e4, 1e4)], crs=32648)
    >>> protconn_by_country(areas, MovementKernel(1000), lands).table["protected_km2"].tolist()  # cut at the border
    [2.0, 2.0]
    """
    if name not in countries.columns or countries[name].isna().any():
        raise OptionError(
            "D22", f"the countries have no {name!r} in every row.", remedy="name the column with name="
        )
    found: dict[str, ProtConn] = {}
    for country in dict.fromkeys(countries[name]):
        found[str(country)] = protconn(areas, kernel, countries[countries[name] == country], **options)
    rows = [{"country": k, "region_km2": v.region_km2, "protected_km2": v.protected_km2, **v.percent, "error_pct": v.error_pct} for k, v in found.items()]  # fmt: skip
    return CountryProtConn(found, pd.DataFrame(rows))


def _polygons(areas: Any, region: Any) -> tuple[NDArray[Any], Any]:
    """Valid polygons and the region, both in one projected system."""
    crs = getattr(areas, "crs", None)
    if crs is None or not crs.is_projected:
        raise OptionError("D22", "the protected areas are in no projected coordinate system.", remedy="reproject them (of the command: --crs), for a large region to one of equal areas")  # fmt: skip
    if getattr(region, "crs", None) is not None:
        region = region.to_crs(crs)
    shapes = np.asarray(areas.geometry.values, object)
    bounds = np.asarray(region.geometry.values if hasattr(region, "geometry") else [region], object)
    bounds = bounds if bounds.ndim else bounds[None]
    for what, some in (("protected areas", shapes), ("region", bounds)):
        wrong = np.flatnonzero(~np.isin(shapely.get_type_id(some), (3, 6)) | shapely.is_empty(some) | ~shapely.is_valid(some))  # fmt: skip
        if len(wrong) or not len(some):
            raise OptionError("D22", f"{what} that are no valid polygons.", rows=wrong.tolist(), remedy="mend or drop these rows")  # fmt: skip
    return shapes, shapely.union_all(bounds)


def _pieces(shapes: Any) -> NDArray[Any]:
    """Single polygons with some area, in an order that does not hang on the rows."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(shapes)))
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0)]
    return np.asarray(parts[np.lexsort(np.column_stack([shapely.bounds(parts), shapely.area(parts)]).T)] if len(parts) else parts)  # fmt: skip


def _links(nodes: NDArray[Any], links: str, reach: float, touching_m: float) -> tuple[Any, Any, Any]:
    """Pairs of nodes with the distance between their edges."""
    if links == "planar" and len(nodes) >= FEW:
        from scipy.spatial import Delaunay

        corners = Delaunay(
            shapely.get_coordinates(shapely.point_on_surface(nodes)), qhull_options="QJ Pp"
        ).simplices
        sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
        near = shapely.STRtree(nodes).query(nodes, predicate="dwithin", distance=touching_m).T
        pairs = np.unique(np.sort(np.concatenate([sides, near]), axis=1), axis=0)
    elif np.isinf(reach):
        pairs = np.column_stack(np.triu_indices(len(nodes), 1))
    else:
        pairs = shapely.STRtree(nodes).query(nodes, predicate="dwithin", distance=reach).T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    i, j = pairs[:, 0], pairs[:, 1]
    return i, j, shapely.distance(nodes[i], nodes[j])
