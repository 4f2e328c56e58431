"""A landscape for tests of the board: a complete border fence, a fenced railway beside it, patches on either side, two species."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from shapely import LineString, box

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.species import species


def rankings(
    draws=0,
    names=("B", "T", "West", "East"),
    length_m=3_000,
    species_ids=("khulan", "mongolian_gazelle"),
    season=None,
    rough=0.4,
):
    """Species -> ranking; candidates of the border fence, and of the railway in two treatments that exclude each other."""
    grid = pm.Grid.from_bounds((0, 0, 40_000, 27_000), cell_size=1_000, crs="EPSG:32648")
    rng = np.random.default_rng(8)
    ground = np.exp(rough * rng.normal(size=grid.shape))
    lines = [LineString([(14_300, 0), (14_300, 27_000)]), LineString([(24_600, 0), (24_600, 27_000)])]
    rows = {
        "id": names[:2], "name": names[:2], "kind": ["fence", "railway"], "fence_class": ["border", "rail_barbed_both_sides"], "fenced": ["yes", "yes"],
        "vehicles_per_day": [np.nan, 30.0], "accuracy_m": [np.nan, 800.0],
    }  # fmt: skip
    layer = gpd.GeoDataFrame(rows, geometry=lines, crs=grid.crs)
    spots = [
        box(1_000, 2_000, 4_000, 6_000),
        box(17_000, 11_000, 20_000, 15_000),
        box(36_000, 3_000, 39_000, 7_000),
        box(35_000, 20_000, 38_000, 24_000),
    ]
    patches = gpd.GeoDataFrame(
        {"id": [names[2], "middle", names[3], "north"], "weight": [1.0, 2.0, 1.0, 1.5]},
        geometry=spots,
        crs=grid.crs,
    )
    found = {}
    for name in species_ids:
        land = build(grid, ground, prepare(layer), species(name), season=season)
        here = place(patches, land)
        sites = [
            *pm.candidates(land, names[0], length_m=length_m),
            *pm.candidates(land, names[1], length_m=length_m),
            *pm.candidates(land, names[1], length_m=2 * length_m, treatment="modify"),
        ]
        found[name] = pm.rank(land, here, sites, draws=draws, draws_anew=2)
    return found
