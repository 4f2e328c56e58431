"""Why no candidate moves an index that could be better: the pair of barriers that holds it, or that there is no such pair."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.ranking.ranking_notes import holding_pair
from permeability.species import species

CRS = "EPSG:32648"


def fences(n: int) -> tuple[pm.Landscape, pm.Patches]:
    """Border fences side by side between two patches; no khulan crosses one."""
    grid = pm.Grid.from_bounds((0, 0, 14_000, 6_000), cell_size=1_000, crs=CRS)
    lines = [shapely.LineString([(x, -500), (x, 6_500)]) for x in 4_000 + 2_500 * np.arange(n)]
    table = gpd.GeoDataFrame(
        {"id": list("FGH"[:n]), "kind": "fence", "fence_class": "border"}, geometry=lines, crs=CRS
    )
    land = build(grid, np.ones(grid.shape), prepare(table), species("khulan"))
    homes = [shapely.box(x, 2_000, x + 2_000, 4_000) for x in (500, 11_500)]
    return land, place(gpd.GeoDataFrame({"id": ["W", "E"]}, geometry=homes, crs=CRS), land)


@pytest.mark.parametrize(("n", "pair"), [(2, ("F", "G")), (3, None)])
def test_two_barriers_that_hold_an_index_are_named_and_three_are_not(
    n: int, pair: tuple[str, str] | None
) -> None:
    land, patches = fences(n)
    ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=3_000))
    assert holding_pair(ranking.engine, ranking.sites, "pairs_apart") == pair
    notes = [n for n in ranking.notes if "patches" in n]
    assert notes
    assert any("F" in note and "G" in note for note in notes) == (pair is not None)
