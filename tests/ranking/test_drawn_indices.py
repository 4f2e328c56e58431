"""All drawn indices of every candidate against landscapes built afresh with the drawn values."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy import stats

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import BarrierError, OptionError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.measured import indices
from permeability.ranking.held_draws import held
from permeability.ranking.line_positions import displaced
from permeability.ranking.opening_use import opening_use
from permeability.ranking.rank_draws import GAINS, draw_ranks, remade
from permeability.ranking.unknown_numbers import NORMAL_90, unknowns
from permeability.species import species

CRS = "EPSG:32648"
VARY = ("crossing", "budget", "dispersal", "map", "origin")


@pytest.fixture(scope="module")
def case():
    """A border fence with a branch, closed for khulan in some draws and not in others; the range in three pieces then."""
    grid = pm.Grid.from_bounds((0, 0, 30_000, 20_000), cell_size=1_000, crs=CRS)
    main = shapely.LineString([(15_000, -500), (15_300, 9_000), (15_000, 20_500)])
    branch = shapely.LineString([(15_300, 9_000), (22_000, 9_500), (30_500, 9_000)])
    table = gpd.GeoDataFrame(
        {"id": ["M", "B"], "kind": "fence", "fence_class": "border", "accuracy_m": [700.0, np.nan]},
        geometry=[main, branch], crs=CRS,
    )  # fmt: skip
    profile = species("khulan").override({
        "crossing.border": {"low": 0.0, "best": 0.0008, "high": 0.05},
        "movement.budget_km": {"low": 6.0, "best": 12.0, "high": 40.0},
        "movement.dispersal_km": {"low": 4.0, "best": 10.0, "high": 30.0},
    })  # fmt: skip
    resistance = np.exp(np.random.default_rng(4).normal(0.5, 0.5, grid.shape)).clip(1)
    land = build(grid, resistance, prepare(table), profile)
    spots = [(4_000, 5_000), (9_000, 15_000), (25_000, 3_000), (26_000, 15_000)]
    frame = gpd.GeoDataFrame(
        {"id": list("abcd"), "weight": [1.0, 2.0, 1.0, 1.5]},
        geometry=[shapely.Point(p).buffer(1_600) for p in spots], crs=CRS,
    )  # fmt: skip
    inside = np.zeros(grid.shape, bool)
    inside[2:18, 3:28] = True
    return land, place(frame, land), pm.candidates(land, ["M", "B"], length_m=5_000), inside


def test_every_drawn_index_equals_a_landscape_built_by_hand(case):
    land, patches, sites, inside = case
    steps = [s.interventions for s in sites]
    drawn = draw_ranks(land, patches, steps, ["M", "B"], draws=6, rng=5, vary=VARY, inside=inside)
    closed = []
    for d in range(6):
        u = drawn.quantiles.iloc[d]
        e = land.profile.estimates()
        keys = ("crossing.border", "movement.budget_km", "movement.dispersal_km")
        profile = land.profile.override({k: float(e[k].draw(u[k])) for k in keys})
        east, north = ((u[f"origin.{w}"] - 0.5) * 1_000.0 for w in ("east", "north"))
        own = stats.norm.ppf([u["map.M.east"], u["map.M.north"]]) * 700.0 / NORMAL_90
        shifts = {"M": (own[0] + east, own[1] + north), "B": (east, north)}
        barriers = displaced(land.barriers, shifts, land.grid, land.valid)
        fresh = build(land.grid, land.resistance, barriers, profile)
        today = indices(fresh, patches, inside).values
        closed.append(today["pairs_apart"] > 0)
        for index in GAINS:
            assert drawn.today[index].iloc[d] == pytest.approx(today[index], rel=1e-9, abs=1e-9), (d, index)
        for k, step in enumerate(steps):
            after = indices(fresh.with_scenario(pm.Scenario("x", step)), patches, inside).values
            for index in GAINS:
                gain = after[index] - today[index]
                if index in ("pairs_apart", "range_cut_off_km2"):
                    gain = -gain
                got = drawn.gains[d, k] if index == "mean_conductance" else drawn.index_gains[index][d, k]
                assert got == pytest.approx(gain, rel=1e-7, abs=1e-7), (d, k, index)
    assert 0 < sum(closed) < 6  # both cases were met


def test_the_origin_is_one_common_shift_of_less_than_a_cell(case):
    land = case[0]
    moved = remade(land, {"origin.east": 0.9, "origin.north": 0.2})
    for line in ("M", "B"):
        was, now = (x.barriers.stretch(line, 4.0, 4.01).coords[0] for x in (land, moved))
        assert np.subtract(now, was) == pytest.approx((400.0, -300.0), abs=1.0)
    assert np.shares_memory(moved.resistance, land.resistance)
    same = remade(land, {"origin.east": 0.5, "origin.north": 0.5})
    assert np.array_equal(same.cuts.cell, land.cuts.cell)


def test_budget_and_dispersal_move_reach_and_area_and_nothing_else(case):
    land, patches, sites, inside = case
    steps = [s.interventions for s in sites]
    one = draw_ranks(land, patches, steps, ["M", "B"], draws=40, vary=("budget", "dispersal"), inside=inside)
    assert np.ptp(one.gains, axis=0).max() == 0
    assert set(one.quantiles) == {"movement.budget_km", "movement.dispersal_km"}
    order = np.argsort(one.quantiles["movement.budget_km"].to_numpy())
    reach = one.today["reachable_km2"].to_numpy()[order]
    assert (np.diff(reach) >= 0).all()  # farther animals reach more
    assert reach[-1] > reach[0]
    area = one.today["eca_km2"].to_numpy()[np.argsort(one.quantiles["movement.dispersal_km"].to_numpy())]
    assert (np.diff(area) >= -1e-9).all()


def test_a_candidate_that_makes_a_crossing_dearer_is_solved_afresh(case):
    land, patches, _, inside = case
    dear = pm.Estimate(0.0, 0.0, 0.0)
    worse = pm.candidates(land, "M", length_m=6_000, treatment=None, chance=dear, cost_usd=1.0)
    land = replace(land, profile=land.profile.override({"crossing.border": 0.02}))
    land = build(land.grid, land.resistance, land.barriers, land.profile)
    steps = [s.interventions for s in worse]
    drawn = draw_ranks(land, patches, steps, ["M"], draws=3, vary=("budget",), inside=inside)
    for d, q in enumerate(drawn.quantiles["movement.budget_km"]):
        far = land.profile.override(
            {"movement.budget_km": float(land.profile.estimates()["movement.budget_km"].draw(q))}
        )
        fresh = build(land.grid, land.resistance, land.barriers, far)
        today = indices(fresh, patches, inside).values["reachable_km2"]
        for k, step in enumerate(steps):
            after = indices(fresh.with_scenario(pm.Scenario("x", step)), patches, inside)
            assert drawn.index_gains["reachable_km2"][d, k] == pytest.approx(
                after.values["reachable_km2"] - today, abs=1e-9
            )


def test_use_of_an_opening_is_the_chance_of_what_is_left():
    land, _ = pm.samples.tiny()
    whole = pm.Estimate(0.2, 0.4, 0.9)
    mine = pm.candidates(land, "F", length_m=2000, treatment=None, chance=whole, cost_usd=1.0)[0]
    assert opening_use(land, mine.interventions) == (0.2, 0.4, 0.9)
    assert opening_use(land, ()) == (1.0, 1.0, 1.0)


def test_numbers_that_no_gain_in_conductance_depends_on_move_nothing(case):
    land, patches, sites, inside = case
    steps = [s.interventions for s in sites[:2]]
    drawn = draw_ranks(land, patches, steps, ["M", "B"], draws=8, vary=("budget", "dispersal"), inside=inside)
    assert drawn.groups == {}
    assert drawn.moved_by() == ["", ""]


def test_a_number_without_a_range_is_not_drawn(case):
    land, patches, sites, _ = case
    steps = [s.interventions for s in sites]
    sure = replace(land, profile=land.profile.override({"movement.budget_km": 12.0}))
    kinds = [{u.kind for u in unknowns(x, patches, steps)} for x in (land, sure)]
    assert kinds[0] - kinds[1] == {"budget"}
    assert "dispersal" in kinds[1]


def test_a_row_that_is_certainly_not_there_adds_no_unknown_number():
    """A fence that is planned beyond the end of one that stands, of a class of its own."""
    grid = pm.Grid.from_bounds((0, 0, 12_000, 16_000), cell_size=1_000, crs=CRS)
    table = gpd.GeoDataFrame(
        {"id": ["a", "b"], "line": "F", "kind": "fence", "fence_class": ["stock", "border"], "status": ["existing", "planned"]},
        geometry=[shapely.LineString([(6_000, 0), (6_000, 8_000)]), shapely.LineString([(6_000, 8_000), (6_000, 16_000)])],
        crs=CRS,
    )  # fmt: skip
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[shapely.box(0, 0, 2e3, 2e3), shapely.box(1e4, 0, 12e3, 2e3)], crs=CRS)  # fmt: skip
    steps = [[pm.Intervention("treat", "F", 0, 16, "gap")], [pm.Intervention("treat", "F", 0, 16, "modify")]]
    found = []
    for rows in (table, table.iloc[:1]):
        land = build(grid, np.ones(grid.shape), prepare(rows), species("khulan"))
        found.append({u.key for u in unknowns(land, place(frame, land), steps)})
    assert found[0] == found[1]
    assert not any("border" in key for key in found[0])


def test_a_barrier_that_is_dropped_is_crossed_by_all(case):
    land = case[0]
    assert opening_use(land, [pm.Intervention("drop", "M")]) == (1.0, 1.0, 1.0)
    closed = pm.Intervention("treat", "B", chance=pm.Estimate(0.1, 0.2, 0.3))
    assert opening_use(land, [pm.Intervention("drop", "M"), closed]) == (0.1, 0.2, 0.3)  # the hardest counts


def test_a_ranking_without_draws_or_read_back_says_what_it_cannot_do():
    land, patches = pm.samples.tiny()
    plain = pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))
    with pytest.raises(OptionError, match=r"U23.*no draws"):
        held(plain)
    with pytest.raises(BarrierError, match=r"B13.*read back"):
        _ = replace(plain, _engine=None).engine


def test_a_held_ranking_knows_the_values_of_what_was_drawn_and_nothing_else():
    land, patches = pm.samples.tiny()
    sites = pm.candidates(land, "F", length_m=4000, chance=pm.Estimate(0.1, 0.4, 0.9))
    kept = held(pm.rank(land, patches, sites, draws=20))
    values = kept.values("treatment.remove")
    assert 0.1 <= values.min() < 0.4 < values.max() <= 0.9
    order = np.argsort(kept.draws.quantiles["treatment.remove"].to_numpy())
    assert (np.diff(values[order]) >= 0).all()
    assert kept.values("crossing.no_such_class") is None
    assert kept.values("origin.east") is None  # a part of a number is none of its own
