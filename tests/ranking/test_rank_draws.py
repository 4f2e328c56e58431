"""Draws of every kind of unknown number, against landscapes built afresh with the drawn values."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

import permeability as pm
from permeability.barriers.crossing_costs import level_values
from permeability.barriers.lines import prepare
from permeability.core.errors import LayerError, OptionError, PatchError
from permeability.core.tasks import RunOn
from permeability.landscape.habitat import FactorGround
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.measured import indices
from permeability.ranking import unknown_numbers
from permeability.ranking.line_positions import displaced
from permeability.ranking.opening_use import _used, use_in_draws
from permeability.ranking.rank_draws import draw_quantiles, draw_ranks, remade
from permeability.ranking.unknown_numbers import KINDS, unknowns
from permeability.species import species

CRS = "EPSG:32648"
CROSSING = (
    "crossing.rail_barbed_both_sides",
    "crossing.rail_unfenced",
    "crossing.stock",
    "road.p0",
    "road.gap_s",
)


def barrier_rows(**changes):
    """A fenced railway, a railway of which nobody knows, a road, and a fence that may not be there."""
    rows = [
        {"id": "R", "kind": "railway", "fenced": "yes", "accuracy_m": 900.0, "x": (15_000, 15_700, 15_000)},
        {"id": "Q", "kind": "railway", "fenced": "unknown", "fenced_chance": 0.4, "x": (20_000, 19_600, 20_300)},
        {"id": "H", "kind": "road", "vehicles_per_day_low": 200.0, "vehicles_per_day": 900.0, "vehicles_per_day_high": 3000.0, "x": (9_000, 10_500, 9_300)},
        {"id": "F", "kind": "fence", "fence_class": "stock", "presence": 0.6, "x": (25_000, 25_200, 25_000)},
    ]  # fmt: skip
    table = pd.DataFrame([{**r, **changes.get(r["id"], {})} for r in rows])
    lines = [shapely.LineString(np.column_stack([x, (-1_000, 10_000, 21_000)])) for x in table.pop("x")]
    return gpd.GeoDataFrame(table, geometry=lines, crs=CRS)


def landscape(table=None, profile=None, **options):
    grid = pm.Grid.from_bounds((0, 0, 30_000, 20_000), cell_size=1_000, crs=CRS)
    resistance = np.exp(np.random.default_rng(4).normal(0.5, 0.5, grid.shape)).clip(1)
    table = barrier_rows() if table is None else table
    profile = species("mongolian_gazelle") if profile is None else profile
    return build(grid, resistance, prepare(table), profile, **options)


def patches_on(land, weight=(1.0, 2.0, 1.0)):
    spots = [(4_000, 5_000), (12_500, 15_000), (28_000, 9_000)]
    frame = gpd.GeoDataFrame(
        {"id": list("abc"), "weight": weight, "weight_low": [1.0, 0.5, 1.0], "weight_high": [1.0, 4.0, 1.0]},
        geometry=[shapely.Point(p).buffer(1_600) for p in spots], crs=CRS,
    )  # fmt: skip
    return place(frame, land)


@pytest.fixture(scope="module")
def case():
    land = landscape()
    sites = pm.candidates(land, "R", length_m=7_000)
    return land, patches_on(land), sites


def steps_of(sites):
    return [s.interventions for s in sites]


def test_every_kind_of_number_is_found_and_named(case):
    land, patches, sites = case
    ground = FactorGround(land.profile, {"slope_deg": np.zeros(land.grid.shape)}, land.valid)
    land = landscape(ground=ground)
    found = unknowns(land, patches, steps_of(sites), {"remove": sites[0].cost_usd}, KINDS)
    assert [k for k in KINDS if any(u.kind == k for u in found)] == list(KINDS)
    words = {u.key: u.words for u in found}
    assert words["presence.F"] == "whether F is there"
    assert words["fenced.Q"] == "whether Q is fenced"
    assert words["traffic.H"] == "traffic on H"
    assert (
        words["crossing.rail_barbed_both_sides"] == "chance to cross a railway with barbed wire on both sides"
    )
    assert "weight.a" not in words  # no range, not drawn
    assert all(u.low < u.high for u in found)
    assert {u.kind for u in unknowns(land, patches, steps_of(sites))} == set(KINDS) - {"cost", "habitat"}


def test_draws_equal_landscapes_built_with_the_drawn_values(case):
    """Every number set by hand: profile, traffic, weights, rows left out, fences stated."""
    land, patches, sites = case
    drawn = draw_ranks(land, patches, steps_of(sites), ["R"], draws=6, rng=2, vary=KINDS[:6])
    states = set()
    for d in range(6):
        u = drawn.quantiles.iloc[d]
        base, estimates = land.profile, land.profile.estimates()
        exact = {k: float(estimates[k].draw(u[k])) for k in ("road.p0", "road.gap_s")}
        profile = base.override(exact)
        there, fenced = u["presence.F"] < 0.6, u["fenced.Q"] < 0.4
        states.add((there, fenced))
        traffic = float(unknown_numbers.Estimate(200.0, 900.0, 3000.0).draw(u["traffic.H"]))
        same = dict.fromkeys(("vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high"), traffic)
        table = barrier_rows(H=same, Q={"fenced": "yes" if fenced else "no"}, F={"presence": 1.0})
        if not there:
            table = table[table["id"] != "F"]
        fresh = landscape(table, profile).at(
            {k: u[k] for k in drawn.quantiles if k.startswith(("crossing", "trace"))}
        )
        weight = [1.0, float(unknown_numbers.Estimate(0.5, 2.0, 4.0).draw(u["weight.b"])), 1.0]
        spots = patches_on(fresh, weight)
        today = indices(fresh, spots, fresh.valid).values["mean_conductance"]
        for k, step in enumerate(steps_of(sites)):
            after = indices(fresh.with_scenario(pm.Scenario("x", step)), spots, fresh.valid)
            gain = after.values["mean_conductance"] - today
            assert drawn.gains[d, k] == pytest.approx(gain, rel=1e-7, abs=1e-12)
    assert len(states) > 1


def test_the_use_of_openings_in_all_draws_is_that_of_every_draw_by_itself(case):
    """Rows that are there in some draws, a railway that is fenced in some; numbers drawn one by one as plain mappings."""
    land, patches, _ = case
    some = unknown_numbers.Estimate(0.1, 0.3, 0.8)
    sets = [
        [pm.Intervention("treat", "R", 2, 9, chance=some)],
        [pm.Intervention("remove", "Q", 0, 9), pm.Intervention("treat", "H", 0, 9, chance=some)],
        [pm.Intervention("treat", "F", 1, 3, chance=some), pm.Intervention("remove", "R", 0, 30)],
    ]
    quantiles = draw_quantiles(unknowns(land, patches, sets), 20, 3)
    found, standing = use_in_draws(land, sets, quantiles), set()
    for d, row in enumerate(quantiles.to_dict("records")):
        there = land.drawn({str(k): float(v) for k, v in row.items()})
        standing.add(tuple(there.standing))
        plain = level_values({str(k): float(v) for k, v in row.items()})
        assert found[d].tolist() == [_used(there, steps, plain, there.standing) for steps in sets]
    assert len(standing) > 1
    assert (np.ptp(found, axis=0) > 0).all()


def test_a_kind_that_is_left_out_stays_at_its_best(case):
    land, patches, sites = case
    drawn = draw_ranks(land, patches, steps_of(sites), ["R"], draws=3, vary=("unmapped",))
    assert set(drawn.quantiles) == {"presence.F", "fenced.Q"}
    with pytest.raises(OptionError, match=r"O01[\s\S]*did you mean 'traffic'"):
        draw_ranks(land, patches, steps_of(sites), ["R"], draws=1, vary=("trafic",))
    with pytest.raises(OptionError, match=r"O52.*no habitat factors to draw"):
        draw_ranks(land, patches, steps_of(sites), ["R"], draws=1, vary=("habitat",))


def test_a_doubtful_line_of_candidates_gains_nothing_where_it_is_not():
    land = landscape(barrier_rows(R={"presence": 0.5}))
    sites = pm.candidates(land, "R", length_m=7_000)
    drawn = draw_ranks(land, patches_on(land), steps_of(sites), ["R"], draws=8, vary=("unmapped",))
    absent = drawn.quantiles["presence.R"].to_numpy() >= 0.5
    assert 0 < absent.sum() < 8
    assert np.all(drawn.gains[absent] == 0)
    assert np.all(drawn.gains[~absent][:, :3] > 0)  # the last stretch is off the grid


def test_presence_below_one_half_does_not_stand_outside_the_draws():
    assert landscape(barrier_rows(F={"presence": 0.4})).standing.tolist() == [True, True, True, False]
    assert landscape(barrier_rows(F={"presence": np.nan})).chance_of.tolist() == [1, 1, 1, 1]
    with pytest.raises(LayerError, match=r"K05[\s\S]*presence: outside 0 to 1"):
        landscape(barrier_rows(F={"presence": 60.0}))


def test_weights_out_of_order_are_refused():
    with pytest.raises(PatchError, match=r"P08[\s\S]*weight_low <= weight"):
        patches_on(landscape(), weight=(1.0, 5.0, 1.0))


def test_costs_are_drawn_together_and_reach_the_shares(case):
    land, patches, sites = case
    ranking = pm.rank(
        land, patches, sites, draws=16, budget_usd=sites[0].cost_usd.best, worth_usd_per_gain=1e7
    )
    costs, t = ranking.draws.costs, ranking.table
    assert np.allclose(costs[:, 0], costs[:, 1])  # one unknown price
    assert len(np.unique(costs[:, 0])) == 16
    worth = (ranking.draws.gains * 1e7 >= costs).mean(axis=0)
    by_id = t.set_index("id").loc[[s.id for s in sites]]
    assert by_id["share_worth_it"].tolist() == worth.tolist()
    cheap = (costs[:, 0] <= sites[0].cost_usd.best).mean()
    assert t["share_in_budget"].sum() >= cheap > 0
    assert t["share_in_budget"].between(0, 1).all()


def test_knowledge_gaps_name_numbers_and_candidates(case):
    land, patches, sites = case
    ranking = pm.rank(land, patches, sites, draws=24)
    gaps = ranking.knowledge_gaps
    assert gaps["share"].is_monotonic_decreasing
    assert set(gaps["most_moved"]) <= {s.id for s in sites} | {""}
    drawn = {u.key for u in ranking.draws.unknowns}
    assert {"cost.remove", "movement.budget_km", "movement.dispersal_km", "origin"} <= drawn
    assert set(gaps["number"]) == drawn - {
        "cost.remove",
        "movement.budget_km",
        "movement.dispersal_km",
    }  # no rank knows them
    assert ranking.table["alike"].min() == 1
    assert pm.rank(land, patches, sites).knowledge_gaps is None


# ---------------------------------------------------------------- positions and habitat
def shifts(n, accuracy, seed=0):
    rng = np.random.default_rng(seed)
    return stats.norm.ppf(rng.random((n, 2))) * accuracy / unknown_numbers.NORMAL_90


def test_nine_shifts_in_ten_stay_within_the_accuracy(case):
    land, patches, _ = case
    found = unknowns(land, patches, vary=("map",))
    assert [(u.key, u.high, u.columns) for u in found] == [("map.R", 900.0, ("map.R.east", "map.R.north"))]
    u = np.random.default_rng(1).random((40, 2))
    was = land.barriers.stretch("R", 11, 11.01).coords[0]
    moved = [
        np.subtract(
            remade(land, {"map.R.east": e, "map.R.north": n}).barriers.stretch("R", 11, 11.01).coords[0], was
        )
        for e, n in u
    ]
    expected = stats.norm.ppf(u) * 900.0 / unknown_numbers.NORMAL_90
    np.testing.assert_allclose(moved, expected, atol=2.0)
    assert np.mean(np.hypot(*shifts(20_000, 900.0).T) <= 900.0) == pytest.approx(0.9, abs=0.01)


def test_shifts_open_no_way_round():
    """A fence across the land with a branch that closes a corner: shut at every shift, at both joints."""
    grid = pm.Grid.from_bounds((0, 0, 30_000, 20_000), cell_size=1_000, crs=CRS)
    main = shapely.LineString([(15_000, -500), (15_300, 9_000), (15_000, 20_500)])
    branch = shapely.LineString([(15_300, 9_000), (22_000, 9_500), (30_500, 9_000)])
    table = gpd.GeoDataFrame(
        {"id": ["M", "B"], "kind": "fence", "fence_class": "border"}, geometry=[main, branch], crs=CRS
    )
    profile = species("khulan").override({"crossing.border": 0.0})
    land = build(grid, np.ones(grid.shape), prepare(table), profile)
    cells = np.array([[10, 5], [3, 25], [17, 25]])
    assert len({land.parts[r, c] for r, c in cells}) == 3
    for (me, mn), (be, bn) in zip(shifts(25, 2_500.0, 1), shifts(25, 2_500.0, 2)):
        moved = displaced(land.barriers, {"M": (me, mn), "B": (be, bn)}, grid, land.valid)
        there = build(grid, np.ones(grid.shape), moved, profile)
        assert len({there.parts[r, c] for r, c in cells}) == 3
        for old, new in zip(land.barriers.chainages, moved.chainages):
            assert new.km_range == pytest.approx(old.km_range)


def test_kilometres_stay_with_the_ground():
    land = landscape()
    moved = displaced(land.barriers, {"R": (800.0, 0.0)}, land.grid, land.valid)
    for km in (6.0, 10.0, 15.0):  # away from the held ends
        was, now = (b.stretch("R", km, km + 0.01).coords[0] for b in (land.barriers, moved))
        assert np.subtract(now, was) == pytest.approx((800.0, 0.0), abs=1.0)
    assert moved.table.geometry.iloc[1].equals(land.barriers.table.geometry.iloc[1])


def test_draws_anew_equal_landscapes_made_by_hand(case):
    _, _, sites = case
    slope = np.linspace(0, 30, 600).reshape(20, 30)
    ground = FactorGround(species("mongolian_gazelle"), {"slope_deg": slope}, np.ones((20, 30), bool))
    land = build(landscape().grid, ground.resistance({}), landscape().barriers, ground.profile, ground=ground)
    patches = patches_on(land)
    drawn = draw_ranks(land, patches, steps_of(sites), ["R"], draws=4, vary=("map", "habitat"), draws_anew=2)
    assert set(drawn.quantiles) == {"map.R.east", "map.R.north", "habitat.slope_deg"}
    assert np.array_equal(drawn.quantiles.iloc[0], drawn.quantiles.iloc[2])  # two landscapes by turns
    assert np.array_equal(drawn.gains[1], drawn.gains[3])
    assert min(drawn.least_shares().values()) > 1  # two landscapes say nothing of what matters
    u = drawn.quantiles.iloc[0]
    east, north = (
        stats.norm.ppf(u[["map.R.east", "map.R.north"]].to_numpy()) * 900.0 / unknown_numbers.NORMAL_90
    )
    barriers = displaced(land.barriers, {"R": (east, north)}, land.grid, land.valid)
    row = ground.rows["habitat.slope_deg"]
    fresh = build(land.grid, row.multiplier(slope, float(u["habitat.slope_deg"])), barriers, ground.profile)
    today = indices(fresh, patches, fresh.valid).values["mean_conductance"]
    after = indices(fresh.with_scenario(pm.Scenario("x", sites[1].interventions)), patches, fresh.valid)
    assert drawn.gains[0, 1] == pytest.approx(after.values["mean_conductance"] - today, rel=1e-7)


# ---------------------------------------------------------------- repeatable
def test_seeds_workers_and_resume(case, tmp_path):
    land, patches, sites = case
    one = draw_ranks(land, patches, steps_of(sites), ["R"], draws=6, rng=3, on=RunOn(store=tmp_path))
    kept = set(tmp_path.iterdir())
    assert len(kept) == 12  # every draw, and the least-cost fields of the first six
    two = draw_ranks(land, patches, steps_of(sites), ["R"], draws=8, rng=3, on=RunOn(2, store=tmp_path))
    assert np.array_equal(one.gains, two.gains[:6])  # more draws keep the first
    assert len(set(tmp_path.iterdir()) - kept) == 4  # the new ones, and the fields that they share
    draw_ranks(
        land, patches, steps_of(sites), ["R"], draws=6, rng=3, vary=("crossing",), on=RunOn(store=tmp_path)
    )
    assert len(set(tmp_path.iterdir()) - kept) == 16  # other numbers, other draws
    other = landscape(barrier_rows(F={"presence": 0.7}))
    draw_ranks(other, patches, steps_of(sites), ["R"], draws=6, rng=3, on=RunOn(store=tmp_path))
    assert len(set(tmp_path.iterdir()) - kept) == 28


def test_one_condensation_for_all_draws_or_one_for_each(case, monkeypatch):
    land, patches, sites = case
    together = draw_ranks(land, patches, steps_of(sites), ["R"], draws=6, vary=KINDS[:6])
    monkeypatch.setattr("permeability.ranking.rank_draws.worth_sharing", lambda *_: False)
    apart = draw_ranks(land, patches, steps_of(sites), ["R"], draws=6, vary=KINDS[:6])
    np.testing.assert_allclose(together.gains, apart.gains, rtol=1e-9, atol=1e-13)


def test_many_draws_on_few_landscapes_do_not_count_as_many():
    """With four landscapes, all of their numbers see the same four values: each alone explains no more than its own."""
    from permeability.ranking.influence import first_order

    rng = np.random.default_rng(0)
    world = np.arange(400) % 4
    numbers = rng.random((4, 6))  # six numbers that differ between the landscapes
    noise = rng.normal(size=400)
    shares = [first_order(numbers[world, i], 3 * numbers[world, 0] + noise) for i in range(6)]
    assert max(shares[1:]) < 0.8
    assert first_order(numbers[world, 1], noise) < 0.05
