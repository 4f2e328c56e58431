"""Trace length and measured crossing cost by class of barriers, from the profile to costs, gains and draws."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely import LineString, box

from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Scenario
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.ranking.rank_draws import draw_ranks
from permeability.ranking.unknown_numbers import unknowns
from permeability.species import SpeciesProfile, profile_from_dict, species

CRS = "EPSG:32648"
KHULAN, GAZELLE = species("khulan"), species("mongolian_gazelle")
MEASURED = {"crossing_cost_km.stock": {"low": 0.02, "best": 0.2, "high": 0.8}}
RAIL = {"kind": "railway", "fenced": "yes", "fence_class": "rail_barbed_both_sides"}


def land_of(profile: SpeciesProfile, **row: object) -> Landscape:
    """Open ground with one line across."""
    grid = Grid.from_bounds((0, 0, 20_000, 12_000), cell_size=1000, crs=CRS)
    columns = {"id": ["F"], **{k: [v] for k, v in ({"kind": "fence", "fence_class": "stock"} | row).items()}}
    line = gpd.GeoDataFrame(columns, geometry=[LineString([(10_050, -500), (10_050, 12_500)])], crs=CRS)
    return build(grid, np.ones(grid.shape), prepare(line), profile)


def cost_km(land: Landscape) -> float:
    return float(land.cost_model.plain[0].sum()) / 1000


def by_hand(p: float, trace_km: float) -> float:
    return trace_km * (1 - p) / p


def test_a_stock_fence_costs_by_its_own_trace_length() -> None:
    assert cost_km(land_of(KHULAN)) == pytest.approx(by_hand(0.02, 0.6))
    assert cost_km(land_of(GAZELLE)) == pytest.approx(
        by_hand(0.3, 0.6)
    )  # 37 km with the trace of a border fence
    assert cost_km(land_of(GAZELLE, **RAIL)) == pytest.approx(by_hand(0.01, 16), rel=1e-9)  # as before
    for factor in (0.5, 2.0):
        other = GAZELLE.override({"trace_km.stock.best": 0.6 * factor})
        assert cost_km(land_of(other)) == pytest.approx(factor * by_hand(0.3, 0.6))
        further = GAZELLE.override({"movement.trace_km": {"low": 5, "best": 16 * factor, "high": 60}})
        assert cost_km(land_of(further)) == pytest.approx(by_hand(0.3, 0.6))
    road = GAZELLE.override({"trace_km.road": 1.0})
    busy = {"kind": "road", "fence_class": None, "vehicles_per_day": 800.0}
    assert cost_km(land_of(road, **busy)) == pytest.approx(cost_km(land_of(GAZELLE, **busy)) / 16)


def test_a_profile_without_classes_means_what_it_meant() -> None:
    data = GAZELLE.to_dict()
    del data["trace_km"]
    assert cost_km(land_of(profile_from_dict(data))) == pytest.approx(by_hand(0.3, 16))


def test_a_measured_cost_goes_first_and_holds_for_the_fence_as_it_stands() -> None:
    mine = GAZELLE.override(MEASURED)
    land = land_of(mine)
    for level, km in (("low", 0.02), ("best", 0.2), ("high", 0.8)):
        assert cost_km(land.at(level)) == pytest.approx(km)
    other = mine.override({"crossing.stock": 0.05, "trace_km.stock": 9.0})
    assert cost_km(land_of(other)) == pytest.approx(0.2)  # neither chance nor trace length plays a part
    wires = {"bottom_wire_m": 0.2, "top_wire_m": 1.2, "wires": 5}
    assert cost_km(land_of(mine, **wires)) == pytest.approx(
        cost_km(land_of(GAZELLE, **wires))
    )  # another fence


def test_a_measured_fenced_railway_costs_what_was_measured_in_all() -> None:
    mine = GAZELLE.override(
        {"crossing_cost_km.rail_barbed_both_sides": {"low": 100, "best": 300, "high": 900}}
    )
    land = land_of(mine, **RAIL)
    assert cost_km(land) == pytest.approx(300)
    bare = land.with_scenario(Scenario("o").remove("F", km=(0, 13)))
    assert bare.edge_barriers().cost.max() / 1000 == pytest.approx(by_hand(0.8, 16))  # the track stays


def test_draws_take_the_class_by_its_own_key() -> None:
    land = land_of(GAZELLE)
    patches = place(
        gpd.GeoDataFrame({"id": ["w", "e"]}, geometry=[box(0, 0, 3e3, 3e3), box(17e3, 9e3, 20e3, 12e3)], crs=CRS), land
    )  # fmt: skip
    found = {u.key: u for u in unknowns(land, patches)}
    assert {"crossing.stock", "trace_length", "trace_length.stock"} <= set(found)
    own = found["trace_length.stock"]
    assert (own.low, own.best, own.high, own.unit, own.kind) == (200.0, 600.0, 2000.0, "m", "trace")
    assert own.words == "way along a stock fence before giving up"
    assert "trace_length.stock" not in {u.key for u in unknowns(land_of(GAZELLE, **RAIL), patches)}
    assert cost_km(land.at({"trace_length.stock": 0.0})) == pytest.approx(by_hand(0.3, 0.2))
    assert cost_km(land.at({"trace_length": 0.0})) == pytest.approx(by_hand(0.3, 0.6))
    steps = [Scenario("o").remove("F", km=km).interventions for km in ((2, 5), (6, 9))]
    drawn = draw_ranks(land, patches, steps, ["F"], draws=40, vary=("trace",))
    gain = drawn.gains[:, 0]
    trace = drawn.quantiles["trace_length.stock"].to_numpy()
    assert np.corrcoef(np.argsort(np.argsort(trace)), np.argsort(np.argsort(gain)))[0, 1] > 0.99
    measured = land_of(GAZELLE.override(MEASURED))
    keys = {u.key: u for u in unknowns(measured, patches)}
    assert keys["crossing_cost.stock"].words == "crossing cost of a stock fence"
    assert cost_km(measured.at({"crossing_cost.stock": 1.0})) == pytest.approx(0.8)


@pytest.mark.parametrize("treatment", ["modify", "gap"])
def test_treatments_of_a_stock_fence_never_make_it_dearer(treatment: str) -> None:
    for profile in (KHULAN, GAZELLE, GAZELLE.override(MEASURED)):
        land = land_of(profile)
        after = land.with_scenario(Scenario("o").treat("F", treatment=treatment, km=(2, 10)))
        assert (after.cut_costs.interface_m <= land.cut_costs.interface_m * (1 + 1e-12)).all()
    land = land_of(GAZELLE)
    whole = land.with_scenario(Scenario("o").treat("F", treatment="modify", km=(0, 13)))
    assert whole.cut_costs.cost_m.min() / 1000 == pytest.approx(
        by_hand(0.5, 0.6)
    )  # the trace length of the place
