"""Ends that miss each other: which are joined, which are no ends, and how the joined rows run."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from permeability.barriers.doubles import missed_joins, snapped
from permeability.barriers.lines import prepare_layers

SOUTH = shapely.LineString([(0, 0), (0, 5000)])
NORTH = shapely.LineString([(0, 5030), (0, 9000)])
RING = shapely.LineString([(0, 5010), (500, 5500), (-500, 5500), (0, 5010)])


def rows(*shapes: shapely.Geometry, kind: object = "fence") -> gpd.GeoDataFrame:
    ids = [chr(ord("a") + i) for i in range(len(shapes))]
    return gpd.GeoDataFrame({"id": ids, "kind": kind}, geometry=list(shapes), crs=32648)


@pytest.mark.parametrize(
    "table",
    [
        rows(SOUTH, NORTH, kind=["fence", "road"]),
        rows(SOUTH, shapely.LineString([(0, 5080), (0, 9000)])),
        rows(SOUTH, shapely.LineString([(-30, 5000), (400, 5000)])),  # it ends on the other line
        rows(shapely.LineString([(0, 0), (0, 900), (900, 900), (40, 0)])),  # both ends of one row
        rows(SOUTH, RING),  # a ring has no end
        rows(RING),
    ],
    ids=["two kinds", "too far", "a junction", "one row", "a ring", "a ring alone"],
)
def test_ends_that_miss_nothing(table: gpd.GeoDataFrame) -> None:
    assert missed_joins(table, 50) == []
    made, told = snapped(table, 50)
    assert told == []
    assert made.geometry.geom_equals(table.geometry).all()


def test_an_end_is_joined_once_and_to_the_nearest() -> None:
    near = shapely.LineString([(0, 5020), (3000, 5020)])
    assert missed_joins(rows(SOUTH, NORTH, near), 50) == [(1, 0, 2, 0, 10.0)]


@pytest.mark.parametrize("turned", [False, True])
def test_a_row_is_prolonged_at_the_end_that_misses(turned: bool) -> None:
    first = NORTH.reverse() if turned else NORTH
    made, told = snapped(rows(first, SOUTH), 50)
    assert told == ["a - b (30 m)"]
    assert made.geometry[0].length == pytest.approx(4000)
    assert list(made.geometry[0].coords)[-1 if turned else 0] == (0, 5000)
    assert made.geometry[1].equals(SOUTH)


def test_joins_are_told_only_where_there_are_any() -> None:
    told = {f.code for f in prepare_layers({"a": rows(SOUTH, NORTH)}, snap_m=50).findings}
    none = {f.code for f in prepare_layers({"a": rows(SOUTH, NORTH)}, snap_m=20).findings}
    assert ("B24" in told, "B24" in none) == (True, False)
