"""Who owns and who gains: gains add up to those of the ranking."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.countries import country_map
from permeability.ranking.owners import country_gains


def lands(*edges: float) -> gpd.GeoDataFrame:
    shapes = [shapely.box(a, 0, b, 8000) for a, b in pairwise(edges)]
    return gpd.GeoDataFrame({"name": list("ABC"[: len(shapes)])}, geometry=shapes, crs="EPSG:32648")


@pytest.fixture(scope="module")
def sites() -> Any:
    land, patches = pm.samples.tiny()
    return pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))


@pytest.mark.parametrize("index", ["mean_conductance", "eca_km2", "reachable_km2"])
@pytest.mark.parametrize("edges", [(0, 12_000), (0, 6000, 12_000), (0, 3000, 7000, 12_000)])
def test_gains_add_up_to_the_ranking(sites: Any, index: str, edges: tuple[float, ...]) -> None:
    found = country_gains(sites, country_map(sites.land.grid, lands(*edges)), index)
    mine = found.table.groupby("id")["gain"].sum()
    wanted = sites.table.set_index("id")[f"gain_{index}"]
    for name, gain in wanted.items():
        assert mine.get(name, 0.0) == pytest.approx(gain, rel=1e-9, abs=1e-9)
    assert found.matrix.to_numpy().sum() == pytest.approx(wanted.sum(), rel=1e-9)


def test_a_fence_at_the_border_belongs_to_both_and_both_gain(sites: Any) -> None:
    found = country_gains(sites, country_map(sites.land.grid, lands(0, 6000, 12_000)), border_m=2000)
    assert set(found.table["owner_share"].round(9)) == {0.5}
    assert found.matrix.to_numpy() == pytest.approx(found.matrix.to_numpy().mean())


def test_a_fence_of_one_side_and_a_chosen_site(sites: Any) -> None:
    best = sites.best["id"]
    found = country_gains(
        sites, country_map(sites.land.grid, lands(0, 9000, 12_000)), sites=[best], border_m=100
    )
    assert set(found.table["id"]) == {best}
    assert set(found.table["owner"]) == {"A"}
    assert set(found.table["gainer"]) == {"A", "B"}


@pytest.mark.parametrize("index", ["mean_conductance", "eca_km2", "reachable_km2"])
def test_what_does_not_become_nearer_gains_nothing(index: str) -> None:
    # two strips of ground that never meet; only the southern one has a fence
    grid = pm.Grid.from_bounds((0, 0, 12_000, 8_000), cell_size=1_000, crs="EPSG:32648")
    ground = [[float("nan") if row == 4 else 1.0] * 12 for row in range(8)]
    fence = gpd.GeoDataFrame({"id": ["F"], "kind": ["fence"], "fence_class": ["border"]}, geometry=[shapely.LineString([(6_000, -500), (6_000, 3_600)])], crs=grid.crs)  # fmt: skip
    homes = [
        shapely.box(x, y, x + 2_000, y + 2_000) for x, y in ((0, 0), (10_000, 0), (0, 5_000), (10_000, 5_000))
    ]
    land = build(grid, np.array(ground), prepare(fence), pm.species("khulan"))
    patches = place(gpd.GeoDataFrame({"id": list("WENM")}, geometry=homes, crs=grid.crs), land)
    ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=3_000))
    countries = gpd.GeoDataFrame({"name": ["south-west", "south-east", "north"]}, geometry=[shapely.box(0, 0, 6_000, 4_000), shapely.box(6_000, 0, 12_000, 4_000), shapely.box(0, 4_000, 12_000, 8_000)], crs=grid.crs)  # fmt: skip
    found = country_gains(ranking, country_map(grid, countries), index, border_m=1_500)
    gained = found.table.groupby("gainer")["gain"].sum()
    assert set(gained.index) == {"south-west", "south-east"}
    assert gained["south-west"] == pytest.approx(gained["south-east"], rel=1e-9)
    assert gained.sum() == pytest.approx(ranking.table[f"gain_{index}"].sum(), rel=1e-9)
