"""Indices by country: sums, hand-made cases, and what a split must not hang on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.core.errors import OptionError
from permeability.linkage.countries import NOWHERE, Countries, by_country, country_map, lines_by_country

CRS = "EPSG:32648"


def bands(*edges: float, names: str = "ABCDEF") -> gpd.GeoDataFrame:
    """Countries from west to east."""
    shapes = [shapely.box(a, -1000, b, 9000) for a, b in pairwise(edges)]
    return gpd.GeoDataFrame({"name": list(names[: len(shapes)])}, geometry=shapes, crs=CRS)


@pytest.fixture(scope="module")
def tiny() -> Any:
    return pm.samples.tiny()


def sums(split: Any) -> None:
    for index, whole in split.whole.items():
        parts = split.table.loc[split.table["index"] == index, "value"]
        assert parts.sum() == pytest.approx(whole, rel=1e-12, abs=1e-12), index


@pytest.mark.parametrize(
    "edges", [(0, 12_000), (0, 6000, 12_000), (0, 4000, 8000, 12_000), (0, 2000, 3000, 7000), (3000, 5000)]
)
@pytest.mark.parametrize("barriers", [True, False])
def test_parts_add_up_to_the_whole(tiny: Any, edges: tuple[float, ...], barriers: bool) -> None:
    land, patches = tiny
    land = land if barriers else land.without_barriers()
    sums(by_country(land, patches.on(land), country_map(land.grid, bands(*edges))))


def test_random_grounds_and_borders_add_up() -> None:
    rng = np.random.default_rng(2)
    land = pm.samples.tiny()[0].without_barriers()
    for _ in range(4):
        ground = land.grid
        lines = gpd.GeoDataFrame(
            {"id": ["x"], "kind": ["fence"], "fence_class": ["stock"]},
            geometry=[shapely.LineString([(5500, 0), (6500, 7500)])],
            crs=CRS,
        )
        some = pm.build_landscape(rng.uniform(1, 5, ground.shape), lines, "khulan", grid=ground)
        drawn = [shapely.Point(x, y).buffer(1200) for x, y in ((2000, 2000), (9000, 2500), (6000, 6500))]
        places = pm.place_patches(gpd.GeoDataFrame({"id": list("pqr")}, geometry=drawn, crs=CRS), some)
        cut = np.sort(rng.uniform(0, 12_000, 3))
        sums(by_country(some, places, country_map(ground, bands(0, *cut, 12_000))))


def test_a_country_between_is_passed_through(tiny: Any) -> None:
    """W lies in A, E in C; the way leads over B, and nothing else joins them."""
    land, patches = tiny
    split = by_country(land.without_barriers(), patches, country_map(land.grid, bands(0, 4000, 8000, 12_000)))
    pairs = split.table[split.table["index"] == "mean_conductance"]
    assert pairs[["kind", "country", "other", "share"]].to_numpy().tolist() == [
        ["through", "A", "C", pytest.approx(1)]
    ]
    reach = split.table[(split.table["index"] == "reachable_km2") & (split.table["kind"] == "through")]
    assert set(map(tuple, reach[["country", "other"]].to_numpy())) == {("A", "C"), ("C", "A")}
    # each reaches the 4 x 8 km of the far country, half a weight each
    assert reach["value"].tolist() == pytest.approx([16.0, 16.0])


def test_a_fence_parts_them_across(tiny: Any) -> None:
    land, patches = tiny
    split = by_country(land, patches, country_map(land.grid, bands(0, 6000, 12_000)))
    assert split.kinds().loc["pairs_apart"].tolist() == [0, 1, 0, 1]


def test_a_patch_over_the_border_counts_on_both_sides(tiny: Any) -> None:
    land, patches = tiny
    open_ = land.without_barriers()
    cells = np.argwhere(patches.mask(1))
    middle = float(open_.grid.x[cells[:, 1]].mean())
    split = by_country(open_, patches, country_map(land.grid, bands(0, middle, 12_000)))
    own = split.table[split.table["index"] == "mean_conductance"].set_index(["kind", "country", "other"])[
        "share"
    ]
    assert own.to_dict() == {
        ("across", "A", "B"): pytest.approx(0.5),
        ("within", "B", "B"): pytest.approx(0.5),
    }


def test_rows_order_and_splitting_of_the_layer_play_no_part(tiny: Any) -> None:
    land, patches = tiny
    lands = bands(0, 5000, 12_000)
    plain = by_country(land, patches, country_map(land.grid, lands)).table
    turned = by_country(land, patches, country_map(land.grid, lands.iloc[::-1])).table
    split_rows = pd.concat([lands, bands(5000, 7000, 12_000, names="BB")]).iloc[[0, 2, 3]]
    in_rows = by_country(land, patches, country_map(land.grid, split_rows)).table
    other_crs = by_country(land, patches, country_map(land.grid, lands.to_crs(4326))).table
    for other in (turned, in_rows, other_crs):
        pd.testing.assert_frame_equal(plain, other)


def test_border_fence_counts_once_for_both() -> None:
    grid = pm.Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
    countries = country_map(grid, bands(0, 6000, 12_000))
    fence = shapely.LineString([(6200, 0), (6200, 8000)])
    assert countries.along(fence, 500).tolist() == pytest.approx([4000, 4000, 0])
    assert countries.along(fence, 100).tolist() == pytest.approx([0, 8000, 0])
    assert countries.along(shapely.reverse(fence), 500).tolist() == pytest.approx([4000, 4000, 0])


@pytest.mark.parametrize("seed", range(5))
def test_kilometres_add_up_however_a_line_is_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = pm.Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs=CRS)
    countries: Countries = country_map(grid, bands(0, 4000, 7000, 11_000))
    xy = rng.uniform(0, 12_000, (7, 2))
    line = shapely.LineString(xy)
    whole = countries.along(line, 800)
    assert whole.sum() == pytest.approx(line.length, rel=1e-12)
    parts = sum(countries.along(shapely.LineString(p), 800) for p in (xy[:4], xy[3:]))
    assert whole == pytest.approx(parts, rel=1e-9, abs=1e-6)
    table = lines_by_country(gpd.GeoDataFrame({"id": ["a"]}, geometry=[line], crs=CRS), countries)
    assert table["km"].sum() == pytest.approx(line.length / 1000, rel=1e-12)


def test_ground_outside_all_countries_is_told(tiny: Any) -> None:
    land, patches = tiny
    split = by_country(land, patches, country_map(land.grid, bands(3000, 5000)))
    assert NOWHERE in set(split.table["country"])


def test_refusals(tiny: Any) -> None:
    land, patches = tiny
    with pytest.raises(OptionError, match="D22"):
        country_map(land.grid, bands(0, 1000).rename(columns={"name": "iso"}))
    with pytest.raises(OptionError, match="D23"):
        country_map(land.grid, pd.concat([bands(0, 6000), bands(4000, 12_000, names="Z")]))
    other = country_map(pm.Grid.from_bounds((0, 0, 1000, 1000), cell_size=1000, crs=CRS), bands(0, 1000))
    with pytest.raises(OptionError, match="D24"):
        by_country(land, patches, other)


def test_a_range_without_ground_has_no_pieces(tiny: Any) -> None:
    land, patches = tiny
    lands = country_map(land.grid, bands(0, 6000, 12_000))
    nowhere = by_country(land, patches, lands, inside=np.zeros(land.grid.shape, bool))
    everywhere = by_country(land, patches, lands)
    assert not set(nowhere.table["index"]) & {"range_pieces", "range_cut_off_km2"}
    assert {"range_pieces", "range_cut_off_km2"} <= set(everywhere.table["index"])
    sums(nowhere)
    kept = ~everywhere.table["index"].str.startswith("range_")
    same = nowhere.table.merge(everywhere.table[kept], on=["index", "kind", "country", "other"])
    assert len(same) == kept.sum()
    assert same["value_x"].tolist() == pytest.approx(same["value_y"].tolist())
