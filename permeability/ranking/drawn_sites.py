"""Sites that someone has drawn, snapped to the nearest standing line."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from permeability.barriers.crossing_costs import require_effect, width_of
from permeability.barriers.database import read_layer
from permeability.barriers.database.conforming import require_read
from permeability.barriers.scenario import Intervention
from permeability.barriers.treatments import treatment as treatment_named
from permeability.core.cells import is_empty
from permeability.core.errors import BarrierError, LayerError
from permeability.core.estimate import Estimate
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.layers.reprojection import reproject
from permeability.ranking.candidate_sites import TOLERANCE_M, Candidate, candidate, places_on

__all__ = ["drawn_candidates"]


@takes_landscape
def drawn_candidates(
    land: Landscape,
    table: gpd.GeoDataFrame,
    *,
    tolerance_m: float = TOLERANCE_M,
    treatment: str | None = "remove",
    length_m: float | None = None,
    layer: str = "sites",
) -> list[Candidate]:
    """Sites drawn by hand, snapped to the nearest standing line.

    Parameters
    ----------
    land : Landscape
    table : geopandas.GeoDataFrame
        Points (a structure there, or a stretch of ``length_m`` around it) and lines (the stretch beside them).
        Optional columns: ``id`` or ``name``, ``line`` (snap to this line only), ``treatment``, ``width_m``,
        ``p_low`` / ``p`` / ``p_high`` (crossing chance after the treatment), ``cost_usd_low`` / ``cost_usd`` /
        ``cost_usd_high``.
    tolerance_m : float
        Farthest that any part of a site may lie from its line [m].
    treatment : str or None
        For rows without one; None for treatments of your own with chance and cost in the columns.
    length_m : float, optional
        Length of the stretch that a point stands for, in metres of the line; needed for points whose treatment is
        no structure.
    layer : str
        Name used in messages.

    Returns
    -------
    list of Candidate
        One per row.

    Raises
    ------
    LayerError
        L02 without a CRS, L03 empty, L06 for geometries that are neither points nor lines, K03 to K07 for cells that
        cannot be read.
    BarrierError
        B41 naming every row that lies too far from any line, with its distance; B42 for points whose treatment
        needs a stretch.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> drawn = gpd.GeoDataFrame(geometry=[shapely.LineString([(6100, 1000), (6100, 3000)])], crs=land.grid.crs)
    >>> site = pm.drawn_candidates(land, drawn)[0]
    >>> site.line, site.km_from, site.km_to  # 100 m beside the fence
    ('F', 1.0, 3.0)
    """
    table = _in_crs(table, land, layer)
    read = read_layer(table, "sites", label=layer)
    require_read(read.findings)
    table = read.table
    names = _names(table)
    rows, near = table.to_dict("records"), _Near(land, tolerance_m)
    snapped = [near.snap(g, row.get("line")) for g, row in zip(table.geometry, rows)]
    missed = [
        f"{n} ({'no line' if s is None else f'{s[3]:,.0f} m from {s[0]}'})"
        for n, s in zip(names, snapped)
        if s is None or s[3] > tolerance_m
    ]
    if missed:
        raise BarrierError(
            "B41",
            f"{len(missed)} of {len(table)} drawn sites lie farther than {tolerance_m:,.0f} m from a standing line.",
            layer=layer,
            rows=missed,
            remedy="move them onto the line, or raise the tolerance if the line is drawn that coarsely",
        )
    found = []
    for name, row, place in zip(names, rows, snapped):
        assert place is not None
        found.append(_drawn(land, name, row, place, treatment, length_m, layer))
    return found


def _in_crs(table: gpd.GeoDataFrame, land: Landscape, layer: str) -> gpd.GeoDataFrame:
    if table.crs is None:
        raise LayerError("L02", "the layer has no coordinate system.", layer=layer, remedy="set its CRS")
    if not len(table):
        raise LayerError("L03", "the layer is empty.", layer=layer, remedy="draw at least one site")
    kinds = table.geometry.geom_type.str.removeprefix("Multi")
    bad = table.index[~kinds.isin(["Point", "LineString"])]
    if len(bad):
        raise LayerError(
            "L06", "sites are drawn as points or lines.", layer=layer, rows=[f"row {i}" for i in bad],
            remedy="draw points or lines on the barriers",
        )  # fmt: skip
    return reproject(table, land.grid.crs)


def _names(table: gpd.GeoDataFrame) -> list[str]:
    for column in ("id", "name"):
        if column in table.columns and table[column].notna().all():
            return [str(v) for v in table[column]]
    return [f"site {i}" for i in range(1, len(table) + 1)]


class _Near:
    """The standing lines, indexed by place."""

    def __init__(self, land: Landscape, tolerance_m: float) -> None:
        self.land, self.tolerance = land, tolerance_m
        self.rows = np.flatnonzero(land.standing)
        self.shapes = land.barriers.table.geometry.to_numpy()
        self.names = land.barriers.table["line"].to_numpy()
        self.tree = shapely.STRtree(self.shapes[self.rows])

    def snap(self, shape: shapely.Geometry, wanted: str | None) -> tuple[str, float, float, float] | None:
        """(line, km from, km to, largest distance [m]) of a drawn shape on its nearest line."""
        points = shapely.points(shapely.get_coordinates(shape))
        if shape.geom_type.endswith("LineString"):
            points = shapely.points(
                shapely.get_coordinates(shapely.segmentize(shape, self.land.grid.cell_size))
            )
        best = None
        for line in self._lines(shape, wanted):
            km, away = places_on(self.land, line, points)
            if best is None or away.max() < best[3]:
                best = (line, float(km.min()), float(km.max()), float(away.max()))
        return best

    def _lines(self, shape: shapely.Geometry, wanted: str | None) -> list[str]:
        """Lines that a shape may belong to: the one that is named, those within the tolerance, else the nearest."""
        if wanted is not None and not is_empty(wanted):
            self.land.barriers.rows_of(wanted)  # refuses a name that is not known
            return [wanted]
        found = np.sort(self.tree.query(shape, predicate="dwithin", distance=self.tolerance))
        if len(found) == 0:
            found = np.atleast_1d(self.tree.nearest(shape)) if len(self.rows) else found
        return list(dict.fromkeys(self.names[self.rows[found]]))


def _drawn(
    land: Landscape, name: str, row: dict[Any, Any], place: tuple[str, float, float, float], treatment: str | None,
    length_m: float | None, layer: str,
) -> Candidate:  # fmt: skip
    line, a, b, _ = place
    what = treatment if is_empty(row.get("treatment")) else str(row["treatment"])
    width, chance, cost = _number(row, "width_m"), _triple(row, "p"), _triple(row, "cost_usd")
    if b - a < 1e-6 and length_m is not None and width is None and not _is_structure(what):
        half = _km_per_m(land, line, a) * length_m / 2
        low, high = land.barriers.km_range(line)
        a, b = max(low, a - half), min(high, b + half)
    if what == "remove" and chance is None:
        step = Intervention("remove", line, a, b, treatment="remove")
    else:
        step = Intervention("treat", line, a, b, what, chance=chance, width_m=width)
    if a == b and width_of(step) is None:
        raise BarrierError(
            "B42", f"the site is a point, but {what!r} treats a stretch.", layer=layer, rows=[name],
            remedy="draw a line, give length_m, or name a structure such as 'gap' or 'underpass'",
        )  # fmt: skip
    require_effect(step, land.barriers, land.components, land.profile)
    return candidate(land, name, line, (a, b), (step,), cost)


def _is_structure(name: str | None) -> bool:
    return name not in (None, "remove") and treatment_named(str(name)).is_structure


def _km_per_m(land: Landscape, line: str, km: float) -> float:
    """Official kilometres per metre drawn, at a place."""
    for i in land.barriers.rows_of(line):
        chain = land.barriers.chainages[i]
        if chain.km_range[0] <= km <= chain.km_range[1]:
            at = float(chain.dist_at(km))
            return abs(float(chain.km_at(at + 1.0)) - float(chain.km_at(at)))
    return 1e-3


def _number(row: dict[Any, Any], key: str) -> float | None:
    value = row.get(key)
    return None if is_empty(value) else float(value)  # type: ignore[arg-type]


def _triple(row: dict[Any, Any], key: str) -> Estimate | None:
    """An estimate from the columns ``key_low``, ``key``, ``key_high``; None where all are empty."""
    low, best, high = (_number(row, k) for k in (f"{key}_low", key, f"{key}_high"))
    if best is None and (low is None or high is None):
        if low is None and high is None:
            return None
        raise LayerError(
            "K09", f"the site gives {key}_low or {key}_high alone.", layer="sites", rows=[str(row.get("id", ""))],
            remedy=f"give {key}, or both ends",
        )  # fmt: skip
    if best is None:
        assert low is not None
        assert high is not None
        best = (low * high) ** 0.5 if low > 0 else (low + high) / 2
    return Estimate(best if low is None else low, best, best if high is None else high, "USD" if "usd" in key else "",
                    source="layer of sites")  # fmt: skip
