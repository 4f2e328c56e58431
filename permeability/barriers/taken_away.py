"""What of the lines is still there to be drawn after a scenario has taken stretches away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import Scenario

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["lines_left"]

WIDE: Final = 1.0  # half width of what is cut out of a line [m]


def lines_left(barriers: Barriers, scenario: Scenario, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows of a table of the barriers without stretches that ``drop`` takes away; rows without any line left are not among them.

    Parameters
    ----------
    barriers : Barriers
        Lines with their kilometres.
    scenario : Scenario
    table : GeoDataFrame
        One row per barrier, with any columns.

    Returns
    -------
    GeoDataFrame

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> barriers = land.barriers
    >>> lines_left(barriers, pm.Scenario("a").drop("S"), barriers.table)["id"].tolist()
    ['F']
    >>> part = lines_left(barriers, pm.Scenario("b").drop("F", km=(2, 5)), barriers.table)
    >>> round(float(part.geometry.iloc[0].length))  # of 8 km
    5000
    """
    steps = [s for s in scenario.interventions if s.action == "drop"]
    if not steps:
        return table
    shapes = np.array(table.geometry, dtype=object)
    for step in steps:
        rows = barriers.rows_of(step.line)
        if np.isinf(step.km_from) and np.isinf(step.km_to):
            shapes[rows] = shapely.LineString()
            continue
        gone = barriers.stretch(step.line, step.km_from, step.km_to)
        shapes[rows] = shapely.difference(shapes[rows], gone.buffer(WIDE, cap_style="flat"))
    left = table.set_geometry(shapes, crs=table.crs)
    return left[~left.geometry.is_empty]
