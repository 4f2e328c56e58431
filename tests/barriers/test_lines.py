"""The line layer: checks, kilometres between posts, stretches, what stands when."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from permeability.barriers.chainage import from_length, from_posts
from permeability.barriers.lines import (
    Barriers,
    concat,
    prepare,
    prepare_layers,
    substring,
    traffic_class,
)
from permeability.core.errors import BarrierError, GridError, LayerError, PermeabilityError

CRS = "EPSG:32648"


def table(n: int = 2, **columns: object) -> gpd.GeoDataFrame:
    geometry = [shapely.LineString([(0, 1000 * i), (10_000, 1000 * i)]) for i in range(n)]
    return gpd.GeoDataFrame(
        {"id": [f"b{i}" for i in range(n)], "kind": "fence", **columns}, geometry=geometry, crs=CRS
    )


def two_rows() -> gpd.GeoDataFrame:
    """A line of two rows, the second behind the first."""
    rows = table(2, line=["R", "R"])
    return rows.set_geometry([rows.geometry[0], shapely.LineString([(10_000, 0), (20_000, 0)])], crs=CRS)


def posts(line: str, *places: tuple[float, float, float]) -> gpd.GeoDataFrame:
    """Posts as (x, y, km)."""
    return gpd.GeoDataFrame({"line": line, "km": [p[2] for p in places]}, geometry=[shapely.Point(p[:2]) for p in places], crs=CRS)  # fmt: skip


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("broken", "code", "rows"),
    [
        (table().set_crs(None, allow_override=True), "K11", []),
        (table().iloc[:0], "K15", []),
        (table().drop(columns="kind"), "K01", ["all 2"]),
        (table(id=["x", "x"]), "K08", ["1 (x)", "2 (x)"]),
        (table(id=["x", None]), "K02", ["2"]),
        (
            table().set_geometry([shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])], crs=CRS),
            "K10",
            ["1 (b0)"],
        ),
        (table().set_geometry([None, shapely.LineString()], crs=CRS), "K10", ["1 (b0)", "2 (b1)"]),
        (table(kind=["fence", "fense"]), "K06", ["2 (b1)"]),
        (table(status=["existing", "plannd"]), "K06", ["2 (b1)"]),
    ],
)
def test_line_layers_that_are_refused(broken: gpd.GeoDataFrame, code: str, rows: list[str]) -> None:
    with pytest.raises(LayerError, match=rf"\[{code}\]") as caught:
        prepare(broken, layer="fences")
    assert caught.value.layer == "fences"
    assert caught.value.rows == rows
    assert caught.value.remedy


def test_degrees_are_refused() -> None:
    with pytest.raises(GridError, match="G01"):
        prepare(table().to_crs("EPSG:4326"))


def test_ids_must_differ_between_layers() -> None:
    with pytest.raises(LayerError, match="L05"):
        concat([prepare(table()), prepare(table())])
    both = concat([prepare(table()), prepare(table(id=["c0", "c1"]))])
    assert len(both) == 4
    assert len(both.chainages) == 4


def test_numbers_as_ids_become_names() -> None:
    barriers = prepare(table(id=[7, 8]))
    assert barriers.lines == ["7", "8"]
    assert barriers.rows_of("8").tolist() == [1]


def test_an_unknown_line_names_the_nearest() -> None:
    with pytest.raises(BarrierError, match=r"(?s)B06.*did you mean 'TMR'"):
        prepare(table(line=["TMR", "SZB"])).rows_of("TRM")


# ---------------------------------------------------------------- kilometres
def test_kilometres_are_interpolated_between_posts() -> None:
    """Drawn 10 km for 16 km of track: a place half way between two posts has their mean kilometre."""
    found = prepare(table(1, line=["R"]), posts=posts("R", (0, 0, 100), (4000, 500, 110), (10_000, 0, 116)))
    chain = found.chainages[0]
    assert chain.source == "posts"
    assert found.km_range("R") == (100.0, 116.0)
    assert chain.km_at(2000.0) == pytest.approx(105.0)
    assert chain.km_at(7000.0) == pytest.approx(113.0)
    assert chain.dist_at(113.0) == pytest.approx(7000.0)


def test_kilometres_go_on_to_the_ends_of_the_line() -> None:
    found = prepare(table(1, line=["R"]), posts=posts("R", (2000, 0, 52), (8000, 0, 46)))
    assert found.km_range("R") == (44.0, 54.0)  # falling along the line
    assert found.chainages[0].dist_at(54.0) == pytest.approx(0.0)
    assert found.stretch("R", 44, 54).length == pytest.approx(10_000)


def test_posts_of_the_next_row_do_not_count() -> None:
    """Two rows of one line: a post within reach of both belongs where it stands."""
    rows = gpd.GeoDataFrame(
        {"id": ["r1", "r2"], "kind": "railway", "line": "R"}, crs=CRS,
        geometry=[shapely.LineString([(0, 0), (50_000, 0)]), shapely.LineString([(50_000, 0), (90_000, 0)])],
    )  # fmt: skip
    marks = posts("R", (0, 0, 0), (45_000, 0, 49), (50_000, 0, 55), (58_000, 0, 63), (90_000, 0, 100))
    found = prepare(rows, posts=marks)
    assert found.chainages[0].km_range == (0.0, 55.0)
    assert found.chainages[1].km_range == (55.0, 100.0)
    assert found.km_range("R") == (0.0, 100.0)
    assert found.chainages[1].km_at(8000.0) == pytest.approx(63.0)


def test_kilometres_that_jump_back_are_refused() -> None:
    marks = posts("R", (0, 0, 0), (3000, 0, 9), (6000, 0, 5), (10_000, 0, 12))
    with pytest.raises(BarrierError, match=r"(?s)B05.*km 9 then km 5"):
        prepare(table(1, line=["R"]), posts=marks)


def test_posts_without_kilometres_are_refused() -> None:
    with pytest.raises(LayerError, match=r"(?s)K01.*'km'"):
        prepare(table(1), posts=posts("b0", (0, 0, 0)).drop(columns="km"))


def test_lines_without_posts_use_their_published_or_drawn_length() -> None:
    found = prepare(table(2, length_km_published=[16.0, np.nan]))
    assert [c.source for c in found.chainages] == ["published length", "drawn length"]
    assert found.km_range("b0") == (0.0, 16.0)
    assert found.km_range("b1") == (0.0, 10.0)
    assert prepare(two_rows()).km_range("R") == (0.0, 20.0)  # one after the other


def test_too_few_or_far_posts_are_none() -> None:
    line = shapely.LineString([(0, 0), (10_000, 0)])
    far = np.array([shapely.Point(0, 90_000), shapely.Point(10_000, 0)])
    assert from_posts(line, far, np.array([0.0, 10.0]), line_id="x") is None
    near = np.array([shapely.Point(-500, 0), shapely.Point(-900, 0)])  # both fall on the end of the line
    assert from_posts(line, near, np.array([0.0, 10.0]), line_id="x") is None


@given(st.lists(st.floats(0.5, 50), min_size=2, max_size=8), st.booleans(), st.floats(0, 1))
def test_kilometre_and_distance_are_inverse(steps: list[float], falling: bool, share: float) -> None:
    dist = np.concatenate([[0.0], np.cumsum(steps)]) * 1000.0
    km = np.concatenate([[3.0], 3.0 + np.cumsum(steps[::-1])])
    km = km[::-1] if falling else km
    line = shapely.LineString([(0, 0), (float(dist[-1]), 0)])
    chain = from_posts(line, shapely.points(dist, 0.0), km, line_id="x")
    assert chain is not None
    place = share * dist[-1]
    assert chain.dist_at(chain.km_at(place)) == pytest.approx(place, abs=1e-3)
    assert from_length(5000.0, published_km=8.0).km_at(2500.0) == 4.0


# ---------------------------------------------------------------- stretches, years
def test_a_stretch_is_cut_between_two_kilometres() -> None:
    barriers = prepare(two_rows())
    piece = barriers.stretch("R", 8, 13)  # the end of the first row and the start of the second
    assert piece.length == pytest.approx(5000)
    assert barriers.stretch("R", 30, 40).is_empty
    parts = shapely.MultiLineString([[(0, 0), (1000, 0)], [(5000, 0), (6000, 0)]])
    assert substring(parts, 500, 1500).length == pytest.approx(1000)
    assert shapely.get_num_geometries(substring(parts, 500, 1500)) == 2


def test_what_stands_in_a_year() -> None:
    barriers = prepare(table(4, status=["existing", "existing", "planned", None], opened=[1956, 2022, np.nan, np.nan], closed=[np.nan, np.nan, np.nan, 2010]))  # fmt: skip
    assert barriers.standing(None).table["id"].tolist() == ["b0", "b1", "b3"]
    assert barriers.standing(2000).table["id"].tolist() == ["b0", "b3"]
    assert barriers.standing(2022).table["id"].tolist() == ["b0", "b1"]
    assert barriers.standing(2022, ("existing", "planned")).table["id"].tolist() == ["b0", "b1", "b2"]


def test_barriers_print_themselves() -> None:
    assert repr(prepare(table())) == "Barriers(2 rows: 2 fence; 20 km drawn; EPSG:32648)"
    assert isinstance(prepare(table()), Barriers)


def test_traffic_classes_split_at_a_thousand() -> None:
    assert traffic_class(1000.0) == "up to 1,000 vehicles/day"
    assert traffic_class(1001.0) == "over 1,000 vehicles/day"


def test_errors_carry_their_facts_through_pickle() -> None:
    import pickle

    with pytest.raises(PermeabilityError) as caught:
        prepare(table(kind=["fence", "fense"]), layer="lines")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert type(again) is LayerError


def test_as_one_names_what_is_there() -> None:
    with pytest.raises(BarrierError, match=r"(?s)B06.*'b2'.*did you mean 'b[01]'"):
        prepare_layers({"fences": table()}, as_one=[["b0", "b2"]])
    with pytest.raises(BarrierError, match=r"(?s)B06.*'Xinjiang'.*name ids or lines"):
        prepare_layers({"fences": table()}, as_one=[["Xinjiang", "b0"]])
    assert [f.code for f in prepare_layers({"fences": table()}, as_one=[["b0", "b1"]]).findings] == ["B23"]


def test_a_layer_of_canals_alone_holds_no_barrier() -> None:
    found = prepare(table(kind="canal"))
    assert len(found) == 0
    assert [(f.code, f.rows) for f in found.findings] == [("K13", ("b0", "b1"))]


def test_what_one_of_several_layers_is_told_of_stays() -> None:
    layers = {"a": table(kind=["fence", "canal"]), "b": table(1).assign(id="c")}
    assert [(f.code, f.layer) for f in prepare_layers(layers, count_both=True).findings] == [("K13", "a")]


def test_rings_are_closed_lines() -> None:
    ring = shapely.LinearRing([(0, 0), (3000, 0), (3000, 3000)])
    found = prepare(table(1).set_geometry([ring], crs=CRS))
    assert found.table.geometry[0].geom_type == "LineString"
    assert found.km_range("b0")[1] == pytest.approx(ring.length / 1000)
