"""Candidates: stretches, structures, corridors and drawn sites, snapped as shapely says."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.parallel_lines import infrastructure_corridors
from permeability.barriers.treatments import treatment
from permeability.core.errors import BarrierError, LayerError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.ranking.candidate_sites import _beside, merged
from permeability.species import species

CRS = "EPSG:32648"
LINES = {
    "R": shapely.LineString([(20_000, -500), (21_000, 18_000), (20_500, 40_500)]),
    "F": shapely.LineString([(24_000, 5_000), (24_500, 40_500)]),
    "H": shapely.LineString([(-500, 30_000), (60_500, 33_000)]),
}


@pytest.fixture(scope="module")
def land():
    grid = pm.Grid.from_bounds((0, 0, 60_000, 40_000), cell_size=1_000, crs=CRS)
    table = gpd.GeoDataFrame(
        {
            "id": list(LINES),
            "kind": ["railway", "fence", "road"],
            "fenced": ["yes", None, None],
            "fence_class": ["rail_barbed_both_sides", "stock", None],
            "vehicles_per_day": [np.nan, np.nan, 700.0],
        },
        geometry=list(LINES.values()),
        crs=CRS,
    )
    return build(grid, np.full(grid.shape, 1.5), prepare(table), species("mongolian_gazelle"))


@pytest.fixture(scope="module")
def patches(land):
    centres = [(6_000, 10_000), (8_000, 24_000), (50_000, 12_000), (50_000, 25_000)]
    spots = gpd.GeoDataFrame(
        {"id": list("abcd")}, geometry=[shapely.Point(c).buffer(2_000) for c in centres], crs=CRS
    )
    return place(spots, land)


def test_both_sides_are_one_candidate_unless_each_is_asked_for(land):
    both = pm.candidates(land, "R", length_m=10_000)
    each = pm.candidates(land, "R", length_m=10_000, each_side=True)
    assert len(each) == 2 * len(both)
    assert {s.interventions[0].components for s in each} == {("fence left",), ("fence right",)}
    assert both[0].cost_usd.best == pytest.approx(each[0].cost_usd.best + each[1].cost_usd.best)
    several = pm.candidates(land, ["R", "F"], length_m=10_000)
    assert [s.line for s in several] == ["R"] * len(both) + ["F"] * (len(several) - len(both))


def test_a_treatment_of_ones_own_needs_chance_and_cost(land, patches):
    chance = pm.Estimate(0.6, 0.8, 0.9)
    own = pm.candidates(land, "R", length_m=10_000, treatment=None, chance=chance, cost_usd=1234.0)
    assert all(s.cost_usd.best == 1234.0 for s in own)
    with pytest.raises(BarrierError, match="B40"):
        pm.candidates(land, "R", treatment=None, chance=chance)
    gain = pm.rank(land, patches, own).table["gain_mean_conductance"]
    better = pm.candidates(
        land, "R", length_m=10_000, treatment=None, chance=pm.Estimate(0.9, 0.95, 1.0), cost_usd=1.0
    )
    assert pm.rank(land, patches, better).table["gain_mean_conductance"].max() > gain.max() > 0


def test_structures_stand_at_their_kilometres(land, patches):
    sites = pm.structure_candidates(land, "R", [7.5, 22], treatment="gap", width_m=800)
    assert [s.id for s in sites] == ["R km 7.5 gap", "R km 22 gap"]
    assert sites[0].cost_usd.best == treatment("gap").cost_usd(width_m=800).best
    table = pm.rank(land, patches, sites).table.set_index("id")
    assert (table["gain_mean_conductance"] > 0).all()
    for site, metres in zip(sites, (7_500, 22_000)):
        spot = table.geometry[site.id]
        assert spot.length == pytest.approx(800, rel=1e-6)
        assert LINES["R"].project(spot.interpolate(0.5, normalized=True)) == pytest.approx(metres, abs=1)
    with pytest.raises(BarrierError, match="B08"):
        pm.structure_candidates(land, "R", [400.0])


def test_a_corridor_is_opened_as_one(land, patches):
    plain = pm.candidates(land, "R", length_m=10_000)
    bundles = pm.corridor_candidates(land, "R", length_m=10_000, distance_m=6_000)
    assert [s.km_from for s in bundles] == [s.km_from for s in plain]
    assert bundles[0].lines == ("R", "F")  # the fence begins at 5 km, the road cannot be opened
    assert bundles[1].lines == ("R", "F")
    for one, more in zip(plain, bundles):
        for step in more.interventions[1:]:
            ends = land.barriers.stretch("F", step.km_from, step.km_to).boundary
            here = land.barriers.stretch("R", one.km_from, one.km_to)
            assert all(here.distance(p) < 5_000 for p in ends.geoms)
    alone = pm.rank(land, patches, plain).table.set_index("km_from")["gain_mean_conductance"]
    both = pm.rank(land, patches, bundles).table.set_index("km_from")["gain_mean_conductance"]
    assert (both.sort_index() > alone.sort_index()).all()
    far = pm.corridor_candidates(land, "R", length_m=10_000, distance_m=500)
    assert [s.id for s in far] == [s.id for s in plain]


def test_merged_candidates_do_what_their_parts_do(land):
    one, two = pm.candidates(land, "R", length_m=10_000)[:2]
    both = merged([one, two])
    assert both.interventions == (*one.interventions, *two.interventions)
    assert both.cost_usd.as_tuple() == tuple(
        a + b for a, b in zip(one.cost_usd.as_tuple(), two.cost_usd.as_tuple())
    )
    assert (both.km_from, both.km_to) == (0.0, 20.0)


def test_drawn_sites_snap_where_shapely_says(land):
    rng = np.random.default_rng(4)
    shapes, expected = [], []
    for _ in range(40):
        name = rng.choice(list(LINES))
        true = LINES[name]
        a, b = np.sort(rng.uniform(0.1, 0.9, 2)) * true.length
        near = [true.interpolate(d) for d in np.linspace(a, b, 9)]
        shapes.append(
            shapely.LineString([(p.x + rng.uniform(-300, 300), p.y + rng.uniform(-300, 300)) for p in near])
        )
        ends = [min(LINES.values(), key=lambda g, q=q: g.distance(q)) for q in near]
        expected.append(name if all(e is true for e in ends) else None)
    table = gpd.GeoDataFrame({"id": [f"s{i}" for i in range(40)]}, geometry=shapes, crs=CRS)
    table["p"], table["cost_usd"] = 0.7, 5_000.0
    found = pm.drawn_candidates(land, table, tolerance_m=900, treatment=None)
    for site, shape, name in zip(found, shapes, expected):
        if name is not None:
            assert site.line == name
        true = LINES[site.line]
        spots = [
            true.project(p) for p in shapely.points(shapely.get_coordinates(shapely.segmentize(shape, 1_000)))
        ]
        length = (
            true.length / 1000 / (land.barriers.km_range(site.line)[1] - land.barriers.km_range(site.line)[0])
        )
        assert length == pytest.approx(1.0)  # drawn length is the chainage here
        assert site.km_from == pytest.approx(min(spots) / 1000, abs=1e-9)
        assert site.km_to == pytest.approx(max(spots) / 1000, abs=1e-9)
        assert site.cost_usd.best == 5_000.0
        assert site.interventions[0].chance.best == 0.7


def test_drawn_points_become_structures_or_stretches(land):
    points = gpd.GeoDataFrame(
        {"name": ["culvert", "break"], "treatment": ["underpass", "remove"], "width_m": [15.0, np.nan]},
        geometry=[shapely.Point(20_300, 8_000), shapely.Point(24_200, 20_000)], crs=CRS,
    )  # fmt: skip
    one, two = pm.drawn_candidates(land, points.to_crs("EPSG:4326"), length_m=3_000)
    assert one.line == "R"
    assert one.interventions[0].width_m == 15.0
    assert one.km_from == one.km_to == pytest.approx(LINES["R"].project(points.geometry[0]) / 1000, abs=1e-6)
    assert two.line == "F"
    assert two.km_to - two.km_from == pytest.approx(3.0)
    with pytest.raises(BarrierError, match=r"B42[\s\S]*break"):
        pm.drawn_candidates(land, points)


def test_sites_that_miss_every_line_are_named(land):
    table = gpd.GeoDataFrame(
        {"id": ["good", "far", "farther"]},
        geometry=[shapely.LineString([(20_100, 5_000), (20_300, 9_000)]), shapely.Point(30_000, 10_000), shapely.Point(2_000, 2_000)],
        crs=CRS,
    )  # fmt: skip
    away = min(g.distance(table.geometry[1]) for g in LINES.values())
    with pytest.raises(
        BarrierError, match=rf"B41.*2 of 3[\s\S]*far \({away:,.0f} m from F\)[\s\S]*farther"
    ) as error:
        pm.drawn_candidates(land, table, layer="my_sites")
    assert error.value.layer == "my_sites"
    assert len(error.value.rows) == 2
    with pytest.raises(LayerError, match="L02"):
        pm.drawn_candidates(land, table.set_crs(None, allow_override=True))
    with pytest.raises(LayerError, match="L06"):
        pm.drawn_candidates(land, table.set_geometry(table.geometry.buffer(10)))
    with pytest.raises(LayerError, match="L03"):
        pm.drawn_candidates(land, table.iloc[:0])
    with pytest.raises(BarrierError, match="B06"):
        pm.drawn_candidates(land, table.assign(line="Q"))


def test_what_runs_beside_and_cannot_be_treated_is_left_as_it_is():
    """A road without a fence beside a fenced railway: nothing of it can be taken away."""
    grid = pm.Grid.from_bounds((0, 0, 20_000, 20_000), cell_size=1_000, crs=CRS)
    table = gpd.GeoDataFrame(
        {"id": ["R", "H"], "kind": ["railway", "road"], "fenced": ["yes", None], "vehicles_per_day": [np.nan, 700.0]},
        geometry=[shapely.LineString([(x, -500), (x, 20_500)]) for x in (8_000, 11_000)], crs=CRS,
    )  # fmt: skip
    land = build(grid, np.ones(grid.shape), prepare(table), species("mongolian_gazelle"))
    assert infrastructure_corridors(land.barriers)["beside"].tolist() == ["H", "R"]
    bundles = pm.corridor_candidates(land, "R", length_m=10_000)
    assert [s.lines for s in bundles] == [("R",)] * len(bundles)


def test_a_stretch_beyond_the_end_of_another_line_has_nothing_beside_it():
    land, _ = pm.samples.tiny()  # S stands beside the last two of the eight kilometres of F
    assert _beside(land, "F", (0.0, 2.0), "S", "remove") == []
    (beside,) = _beside(land, "F", (6.0, 8.0), "S", "remove")
    assert beside.km_to - beside.km_from == pytest.approx(2.0)


def test_a_site_on_a_later_row_of_a_line_is_as_long_as_that_row_says():
    """Two rows of one line; of the second a drawn metre is half an official one."""
    grid = pm.Grid.from_bounds((0, 0, 12_000, 20_000), cell_size=1_000, crs=CRS)
    table = gpd.GeoDataFrame(
        {"id": ["a", "b"], "line": "F", "kind": "fence", "fence_class": "stock", "km_from": [0.0, 8.0], "km_to": [8.0, 14.0]},
        geometry=[shapely.LineString([(6_000, 0), (6_000, 8_000)]), shapely.LineString([(6_000, 8_000), (6_000, 20_000)])],
        crs=CRS,
    )  # fmt: skip
    land = build(grid, np.ones(grid.shape), prepare(table), species("khulan"))
    spots = gpd.GeoDataFrame(geometry=[shapely.Point(6_000, 4_000), shapely.Point(6_000, 14_000)], crs=CRS)
    first, second = pm.drawn_candidates(land, spots, length_m=2_000)
    assert (first.km_from, first.km_to) == pytest.approx((3.0, 5.0))
    assert (second.km_from, second.km_to) == pytest.approx((10.5, 11.5))


@pytest.mark.parametrize(("low", "high", "best"), [(100.0, 400.0, 200.0), (0.0, 400.0, 200.0)])
def test_a_price_range_without_a_best_value_has_its_middle(low, high, best):
    land, _ = pm.samples.tiny()
    drawn = gpd.GeoDataFrame(
        {"cost_usd_low": [low], "cost_usd_high": [high]},
        geometry=[shapely.LineString([(6_100, 1_000), (6_100, 3_000)])], crs=land.grid.crs,
    )  # fmt: skip
    (site,) = pm.drawn_candidates(land, drawn)
    assert site.cost_usd.as_tuple() == (low, best, high)


def test_beside_a_line_only_what_cannot_be_treated_is_passed_over():
    land, _ = pm.samples.tiny()
    with pytest.raises(BarrierError, match=r"T01.*gaap"):
        _beside(land, "F", (6.0, 8.0), "S", "gaap")
