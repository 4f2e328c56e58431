"""Square grids of one CRS, lines given in their cells, and the cut table of plain fences."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from permeability.barriers.edge_cuts import CutTable, cut_edges
from permeability.barriers.lines import prepare
from permeability.layers.grid import Grid

CRS = "EPSG:32648"


def square_grid(cells: int, cell_size: float = 1000.0) -> Grid:
    return Grid.from_bounds((0, 0, cells * cell_size, cells * cell_size), cell_size=cell_size, crs=CRS)


def cut(lines: Sequence[shapely.Geometry], grid: Grid, neighbours: int = 8) -> CutTable:
    table = gpd.GeoDataFrame(
        {"id": [f"f{i}" for i in range(len(lines))], "kind": "fence"}, geometry=list(lines), crs=grid.crs
    )
    return cut_edges(prepare(table), grid, neighbours=neighbours)


def cells(lines: Sequence[Sequence[tuple[float, float]]], grid: Grid) -> list[shapely.LineString]:
    """Lines given in cells from the south-west corner."""
    west, south, _, _ = grid.bounds
    return [shapely.LineString(np.asarray(xy) * grid.cell_size + [west, south]) for xy in lines]
