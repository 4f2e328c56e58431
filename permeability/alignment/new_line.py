"""A line that is not there yet, put into a landscape as if it were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from permeability.barriers.crossing_costs import components_of
from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.lines import concat, prepare
from permeability.core.errors import BarrierError, check_choice
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape

__all__ = ["LINE_KINDS", "crossing_cost_m", "line_facts", "with_new_line"]

#: Kinds of new lines by name: columns of the barrier schema.
LINE_KINDS: dict[str, dict[str, Any]] = {
    "railway_fenced": {"kind": "railway", "fenced": "yes"},
    "railway": {"kind": "railway", "fenced": "no"},
    "road": {"kind": "road"},
    "border_fence": {"kind": "fence", "fence_class": "border"},
    "stock_fence": {"kind": "fence", "fence_class": "stock"},
}


def line_facts(kind: str | Mapping[str, Any]) -> dict[str, Any]:
    """What a kind of new line says in the columns of the barrier schema.

    Parameters
    ----------
    kind : str or mapping
        A name of :data:`LINE_KINDS`, or columns of the schema: ``{"kind": "road", "vehicles_per_day": 800}``.

    Returns
    -------
    dict

    Raises
    ------
    OptionError
        U02 for a name that is not known.

    Examples
    --------
    >>> line_facts("railway_fenced")
    {'kind': 'railway', 'fenced': 'yes'}
    """
    if isinstance(kind, str):
        check_choice("kind", kind, tuple(LINE_KINDS), code="U02")
        return dict(LINE_KINDS[kind])
    return dict(kind)


@takes_landscape
def with_new_line(
    land: Landscape, geometry: shapely.Geometry, kind: str | Mapping[str, Any], *, name: str = "new line"
) -> Landscape:
    """The landscape with a further line across it.

    Parameters
    ----------
    land : Landscape
    geometry : LineString or MultiLineString
        In the coordinate system of the landscape.
    kind : str or mapping
        See :func:`line_facts`.
    name : str
        Id and line of the new row.

    Returns
    -------
    Landscape
        Everything else as it was, in its scenario and at its level.

    Raises
    ------
    OptionError
        U02 for a kind that is not known.
    BarrierError
        U03 for a geometry that is no line on the landscape.
    LayerError
        L05 when there is a row of this name.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> new = with_new_line(land.without_barriers(), shapely.LineString([(6000, 0), (6000, 8000)]), "border_fence")
    >>> int(new.parts.max()), new.barriers.lines
    (2, ['F', 'S', 'new line'])
    """
    if geometry.geom_type not in ("LineString", "MultiLineString") or not geometry.intersects(
        shapely.box(*land.grid.bounds)
    ):
        raise BarrierError(
            "U03", f"a {geometry.geom_type} that is no line on the landscape cannot be put there.", layer=name,
            remedy="give a LineString in the coordinate system of the landscape",
        )  # fmt: skip
    facts = {"id": name, "line": name, **line_facts(kind)}
    row = prepare(gpd.GeoDataFrame([facts], geometry=[geometry], crs=land.barriers.table.crs), layer=name)
    barriers = concat([land.barriers, row]) if len(land.barriers) else row
    new = components_of(barriers.table.iloc[-1].to_dict(), land.profile, **land.context)
    chances = None if land.chances is None else np.append(land.chances, 1.0)
    return replace(
        land, barriers=barriers, components=(*land.components, new), standing=np.append(land.standing, True),
        cuts=cut_edges(barriers, land.grid, neighbours=land.neighbours), chances=chances,
    )  # fmt: skip


@takes_landscape
def crossing_cost_m(land: Landscape, kind: str | Mapping[str, Any]) -> float:
    """What the species of a landscape pays to cross a new line of a kind [m of open ground]; inf where it never does.

    Parameters
    ----------
    land : Landscape
    kind : str or mapping
        See :func:`line_facts`.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        U02 for a kind that is not known.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> crossing_cost_m(land, "border_fence")  # khulan do not cross one
    inf
    """
    x0, y0, x1, y1 = land.grid.bounds
    middle = shapely.LineString([(x0, 0.5 * (y0 + y1)), (x1, 0.5 * (y0 + y1))])
    new = with_new_line(land, middle, kind, name="a line to know its cost")
    return float(new.cost_model.plain[-1].sum())
