"""Kilometres of a line do not depend on how a file stores it, and use everything that is known of them."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.barriers.chaining import chained
from permeability.barriers.lines import Barriers, prepare, prepare_layers
from permeability.core.errors import BarrierError

CRS = "EPSG:32648"


def rail(*shapes: shapely.Geometry, line: object = "R", **columns: object) -> gpd.GeoDataFrame:
    ids = [f"r{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(
        {"id": ids, "kind": "railway", "line": [line] * len(shapes), **columns},
        geometry=list(shapes),
        crs=CRS,
    )


def up(a: float, b: float, x: float = 0.0) -> shapely.LineString:
    """A piece of a line to the north, from one distance to another [m]."""
    return shapely.LineString([(x, a), (x, b)])


def posts(*places: tuple[float, float], line: object = "R") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"line": [line] * len(places), "km": [k for _, k in places]},
        geometry=[shapely.Point(30, y) for y, _ in places],
        crs=CRS,
    )


def where(barriers: Barriers, km: float, line: str = "R") -> float:
    """Distance to the north of a kilometre [m]."""
    return float(barriers.stretch(line, km - 0.001, km + 0.001).centroid.y)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(200, 5000), min_size=2, max_size=6), st.randoms(), st.data())
def test_neither_order_nor_direction_of_rows_counts(
    lengths: list[float], random: object, data: st.DataObject
) -> None:
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    pieces = [up(a, b) for a, b in pairwise(ends)]
    turned = [p.reverse() if data.draw(st.booleans()) else p for p in pieces]
    random.shuffle(turned)  # type: ignore[attr-defined]
    found = prepare(rail(*turned))
    assert found.km_range("R") == pytest.approx((0.0, ends[-1] / 1000))
    assert where(found, ends[-1] / 3000) == pytest.approx(ends[-1] / 3, abs=3)
    assert found.stretch("R", 0, ends[-1] / 1000).geom_type == "LineString"


def test_kilometres_of_a_chain_begin_in_the_south_or_in_the_west() -> None:
    assert prepare(rail(up(9000, 4000), up(4000, 0))).stretch("R", 0, 1).bounds[1] == 0
    east = prepare(
        rail(shapely.LineString([(9000, 0), (4000, 100)]), shapely.LineString([(0, 900), (4000, 100)]))
    )
    assert east.stretch("R", 0, 1).bounds[0] == 0
    alone = prepare(rail(up(9000, 0)))  # one row: the way it was drawn
    assert alone.stretch("R", 0, 1).bounds[3] == 9000


def test_parts_of_a_row_are_rows_too() -> None:
    whole = prepare(rail(shapely.MultiLineString([up(8000, 4200), up(0, 4000)])))
    assert whole.km_range("R") == pytest.approx((0.0, 8.0))  # with the gap
    assert where(whole, 2) == pytest.approx(2000, abs=3)
    assert where(whole, 6) == pytest.approx(6000, abs=3)
    assert "B16" in {f.code for f in whole.findings}


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("name", [5, "5", "5 ", 5.0])
def test_posts_count_on_a_line_with_a_gap(name: object, multi: bool) -> None:
    marks = posts((0, 100), (8000, 108), line=name)
    if multi:
        marks = marks.dissolve(["line", "km"], as_index=False)
        marks["geometry"] = [shapely.MultiPoint([p]) for p in marks.geometry]
    shape = [shapely.MultiLineString([up(4100, 8000), up(0, 3900)])]
    found = prepare(rail(*shape, line="5"), posts=marks)
    assert found.km_range("5") == pytest.approx((100.0, 108.0))
    assert where(found, 104.5, "5") == pytest.approx(4500, abs=3)
    assert found.posts_used == {"5": 2}


def test_posts_of_a_line_count_for_all_its_rows() -> None:
    """Posts at both ends of a line of four rows: every row gets its own part of the kilometres."""
    rows = [up(4000, 6000), up(2000, 0), up(8000, 6000), up(2000, 4000)]
    found = prepare(rail(*rows), posts=posts((0, 100), (8000, 116)))
    assert [c.km_range for c in found.chainages] == [
        pytest.approx(k) for k in ((108, 112), (100, 104), (112, 116), (104, 108))
    ]


def test_columns_of_kilometres_count_and_are_carried_on() -> None:
    rows = rail(up(0, 4000), up(8000, 4000), km_from=[20.0, np.nan], km_to=[24.0, np.nan])
    assert prepare(rows).km_range("R") == pytest.approx((20.0, 28.0))
    falling = rail(up(0, 4000), up(8000, 4000), km_from=["28,0", "24,0"], km_to=["24,0", "20,0"])
    found = prepare(falling)
    assert where(found, 21) == pytest.approx(7000, abs=3)


def test_posts_and_columns_that_contradict_each_other_are_told() -> None:
    rows = rail(up(0, 4000), up(4000, 8000), km_from=[0.0, 40.0], km_to=[4.0, 44.0])
    found = prepare(rows, posts=posts((0, 100), (8000, 108)))
    assert found.km_range("R") == pytest.approx((100.0, 108.0))
    (finding,) = [f for f in found.findings if f.code == "B17"]
    assert "contradict" in finding.text()


def test_branches_and_gaps_are_told() -> None:
    star = rail(up(0, 4000), up(4000, 8000), shapely.LineString([(0, 4000), (4000, 4000)]))
    assert "branches" in next(f for f in prepare(star).findings if f.code == "B15").text()
    scattered = rail(up(0, 1000), up(5000, 6000), up(2500, 3000))
    finding = next(f for f in prepare(scattered).findings if f.code == "B16")
    assert "2,000 m, 1,500 m" in finding.text()


def test_posts_that_no_line_has_are_an_error_and_say_so() -> None:
    with pytest.raises(BarrierError, match=r"(?s)B18.*no post is used"):
        prepare(rail(up(0, 8000)), posts=posts((0, 0), (8000, 8), line="Q"))
    both = prepare_layers({"a": rail(up(0, 8000)), "b": rail(up(0, 8000, 9e4), line="Q").assign(id="q")},
                          posts=gpd.GeoDataFrame(np.concatenate([posts((0, 0), (8000, 8)), posts((0, 7), (8000, 9), line="T")]), columns=["line", "km", "geometry"], geometry="geometry", crs=CRS))  # fmt: skip
    (finding,) = [f for f in both.findings if f.code == "B18"]
    assert "'T'" in finding.what


def test_canals_are_left_out_with_a_note() -> None:
    rows = rail(up(0, 8000), up(0, 8000, 500), line=None)
    rows["kind"] = ["Fence", "canal"]
    found = prepare(rows)
    assert len(found) == 1
    assert [(f.code, f.severity) for f in found.findings] == [("K13", "warning")]


def test_a_ring_of_rows_is_one_run() -> None:
    corners = [(0, 0), (3000, 0), (3000, 3000), (0, 3000)]
    sides = [shapely.LineString([corners[i], corners[(i + 1) % 4]]) for i in (2, 0, 3, 1)]
    chain = chained([s if i % 2 else s.reverse() for i, s in enumerate(sides)])
    assert chain.length_m == pytest.approx(12_000)
    assert chain.gaps_m == ()


def test_many_scattered_rows_are_chained_quickly() -> None:
    rng = np.random.default_rng(4)
    starts = rng.uniform(0, 1e5, (1500, 2))
    parts = [shapely.LineString([a, a + (300, 40)]) for a in starts]
    assert len(chained(parts).links) == 1500


def test_posts_too_far_from_a_line_of_several_rows_are_none() -> None:
    rows = rail(up(0, 4000), up(4000, 8000))
    marks = posts((0, 100), (8000, 108))
    astray = gpd.GeoDataFrame({"line": ["R"], "km": [50.0]}, geometry=[shapely.Point(20_000, 4000)], crs=CRS)
    found = prepare(rows, posts=gpd.GeoDataFrame(np.concatenate([marks, astray]), columns=marks.columns, geometry="geometry", crs=CRS))  # fmt: skip
    assert found.km_range("R") == pytest.approx((100.0, 108.0))
    assert found.posts_used == {"R": 2}
    with pytest.raises(BarrierError, match=r"(?s)B18.*no post is used"):
        prepare(rows, posts=astray)


def test_kilometres_of_posts_that_jump_back_along_several_rows_are_refused() -> None:
    marks = posts((0, 0), (3000, 9), (6000, 5), (8000, 12))
    with pytest.raises(BarrierError, match=r"(?s)B05.*'R'.*km 9 then km 5"):
        prepare(rail(up(0, 4000), up(4000, 8000)), posts=marks)


def test_posts_and_columns_that_agree_are_not_told() -> None:
    rows = rail(up(0, 4000), up(4000, 8000), km_from=[100.3, 104.0], km_to=[104.0, 108.0])
    found = prepare(rows, posts=posts((0, 100), (8000, 108)))
    assert found.km_range("R") == pytest.approx((100.0, 108.0))
    assert [f.code for f in found.findings] == []


def test_a_ring_of_rows_begins_in_the_south_and_runs_against_the_clock() -> None:
    corners = [(0, 0), (3000, -100), (3000, 3000), (0, 3000)]
    sides = [shapely.LineString([corners[i], corners[(i + 1) % 4]]) for i in range(4)]
    for parts in (sides, [s.reverse() for s in sides[::-1]]):
        chain = chained(parts)
        way = [parts[k.part].coords[-1 if k.flipped else 0] for k in chain.links]
        assert way == [(3000, -100), (3000, 3000), (0, 3000), (0, 0)]
