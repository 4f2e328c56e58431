"""Exact indices after interventions, draws and portfolios, against fresh landscapes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Intervention
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.core.tasks import RunOn
from permeability.impact.what_if import Evaluator
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.measured import indices
from permeability.ranking.rank_draws import draw_ranks
from permeability.species import species

CRS = "EPSG:32648"


def landscape(name="mongolian_gazelle", seed=0):
    """A railway fenced on both sides and a road across a hilly plain, three patches on either side."""
    grid = pm.Grid.from_bounds((0, 0, 60_000, 40_000), cell_size=1_000, crs=CRS)
    rng = np.random.default_rng(seed)
    resistance = np.exp(rng.normal(0.5, 0.5, grid.shape)).clip(1)
    x = 30_000 + np.array([0, 1_500, -900, 700, 0])
    rail = shapely.LineString(np.column_stack([x, np.linspace(-1_000, 41_000, 5)]))
    road = shapely.LineString([(24_000, -1_000), (36_500, 41_000)])
    table = gpd.GeoDataFrame(
        {
            "id": ["R", "H"],
            "kind": ["railway", "road"],
            "fenced": ["yes", "no"],
            "fence_class": ["rail_barbed_both_sides", None],
            "vehicles_per_day": [np.nan, 900.0],
        },
        geometry=[rail, road],
        crs=CRS,
    )
    land = build(grid, resistance, prepare(table), species(name))
    centres = [(8_000, 8_000), (8_000, 30_000), (18_000, 20_000), (50_000, 10_000), (52_000, 30_000)]
    spots = gpd.GeoDataFrame(
        {"id": list("abcde")}, geometry=[shapely.Point(c).buffer(2_500) for c in centres], crs=CRS
    )
    return land, place(spots, land)


@pytest.fixture(scope="module", params=["mongolian_gazelle", "khulan"])
def case(request):
    return landscape(request.param)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name


def test_singles_and_sets_equal_a_fresh_landscape(case):
    land, patches = case
    engine = Evaluator(land, patches, land.valid, ["R"])
    sets = [
        (Intervention("remove", "R", 10, 16),),
        (Intervention("remove", "R", 30, 36),),
        (Intervention("remove", "R", 10, 16), Intervention("remove", "R", 30, 36)),
        (Intervention("remove", "R", 10, 16, components=("fence left",)),),
        (Intervention("drop", "H"),),
    ]
    for steps, found in zip(sets, engine.singles(sets)):
        fresh = land.with_scenario(pm.Scenario("x", tuple(steps)))
        assert_same(found, indices(fresh, patches, land.valid).values)
        assert_same(engine.after(steps), found)


@pytest.mark.parametrize(
    "step",
    [
        Intervention("treat", "H", 0, 30, chance=Estimate(0.001, 0.002, 0.003)),
        Intervention("treat", "R", 0, 42, chance=Estimate(0.0, 0.0, 0.0)),
    ],
    ids=["a road that few pass", "fences that nobody passes"],
)
def test_interventions_that_close_are_evaluated_afresh(case, step):
    land, patches = case
    opened = land.with_scenario(pm.Scenario("open").remove("R", km=(32, 36)))
    engine = Evaluator(opened, patches, land.valid, ["R", "H"])
    assert engine.change([step]).rises
    found = engine.after([step])
    fresh = land.with_scenario(pm.Scenario("x", (*opened.scenario.interventions, step)))
    expected = indices(fresh, patches, land.valid).values
    assert_same(found, expected)
    assert found["mean_conductance"] < engine.today["mean_conductance"]
    pieces = engine.pieces_after([step])
    assert pieces == {k: pytest.approx(expected[k]) for k in pieces}


def test_the_connected_pieces_alone_agree(case):
    land, patches = case
    engine = Evaluator(land, patches, land.valid, ["R"])
    steps = (Intervention("remove", "R", 10, 16),)
    quick, whole = engine.pieces_after(steps), engine.after(steps)
    assert quick == {k: whole[k] for k in quick}


def test_draws_equal_landscapes_at_those_quantiles():
    land, patches = landscape()
    sites = pm.candidates(land, "R", length_m=8_000)
    steps = [s.interventions for s in sites]
    drawn = draw_ranks(land, patches, steps, ["R"], draws=3, rng=5, vary=("crossing", "trace", "traffic"))
    for d in range(3):
        there = land.at({str(k): float(v) for k, v in drawn.quantiles.iloc[d].items()})
        today = indices(there, patches, land.valid).values["mean_conductance"]
        for k, step in enumerate(steps):
            after = indices(there.with_scenario(pm.Scenario("x", step)), patches, land.valid)
            assert drawn.gains[d, k] == pytest.approx(
                after.values["mean_conductance"] - today, rel=1e-7, abs=1e-12
            )


def test_draws_repeat_with_their_seed_and_not_with_the_workers():
    land, patches = landscape()
    steps = [s.interventions for s in pm.candidates(land, "R", length_m=14_000)]
    one = draw_ranks(land, patches, steps, ["R"], draws=6, rng=3)
    two = draw_ranks(land, patches, steps, ["R"], draws=6, rng=3, on=RunOn(2))
    other = draw_ranks(land, patches, steps, ["R"], draws=6, rng=4)
    assert np.array_equal(one.gains, two.gains)
    assert not np.array_equal(one.gains, other.gains)


def test_rank_ranges_hold_the_median_and_the_best_number_matters():
    land, patches = landscape()
    ranking = pm.rank(land, patches, pm.candidates(land, "R", length_m=8_000), draws=12, rng=1, top=2)
    t = ranking.table
    assert (t["rank_low"] <= t["rank_median"]).all()
    assert (t["rank_median"] <= t["rank_high"]).all()
    assert t["share_in_top"].between(0, 1).all()
    assert t["share_in_top"].sum() >= 2 - 1e-9
    influence = ranking.draws.influence()
    assert set(influence["number"]) == {
        "crossing.rail_barbed_both_sides",
        "crossing.rail_unfenced",
        "origin",
        "road.gap_s",
        "road.p0",
        "trace_length",
    }
    assert influence["share"].is_monotonic_decreasing


def test_portfolio_is_the_best_of_all_sets():
    from itertools import combinations

    land, patches = landscape()
    sites = pm.candidates(land, "R", length_m=8_000)
    ranking = pm.rank(land, patches, sites)
    budget = 2.2 * sites[1].cost_usd.best
    plan = pm.portfolio(ranking, budget)
    best = -1.0
    for r in range(1, len(sites) + 1):
        for chosen in combinations(range(len(sites)), r):
            if sum(sites[k].cost_usd.best for k in chosen) <= budget:
                after = ranking.engine.after([i for k in chosen for i in sites[k].interventions])
                best = max(best, after["mean_conductance"] - ranking.today["mean_conductance"])
    assert plan.gain == pytest.approx(best, rel=1e-8)
    assert plan.cost_usd <= budget
    assert 0 <= plan.gap <= 1
    row = plan.indices.set_index("index").loc["mean_conductance"]
    assert row["gain"] == pytest.approx(plan.gain, rel=1e-8)


def test_portfolio_refuses_an_unknown_candidate():
    land, patches = landscape()
    ranking = pm.rank(land, patches, pm.candidates(land, "R", length_m=14_000))
    with pytest.raises(OptionError, match=r"O45.*is not a candidate[\s\S]*did you mean 'R km 0-14'"):
        pm.portfolio(ranking, 1e6, must=["R km 0-41"])


def test_an_index_that_does_not_move_says_which_barriers_hold_it():
    land, patches = landscape("khulan")
    whole = pm.candidates(land, "R", length_m=50_000)
    left = [
        pm.Candidate(
            "left only",
            "R",
            0,
            42,
            (Intervention("remove", "R", components=("fence left",)),),
            whole[0].cost_usd,
        )
    ]
    ranking = pm.rank(land, patches, left)
    assert any("fence left and R fence right hold it together" in note for note in ranking.notes)
    assert not any("hold it" in note for note in pm.rank(land, patches, whole).notes)


def test_lines_that_cut_nothing_leave_everything_as_it_is():
    land, patches = landscape()
    table = land.barriers.table
    off = table[table["id"] == "H"].assign(
        id="off", line="off", geometry=lambda t: t.translate(1e6).to_numpy()
    )
    both = gpd.GeoDataFrame(pd.concat([table, off], ignore_index=True), crs=CRS)
    wider = build(land.grid, land.resistance, prepare(both[list(off.columns)]), land.profile)
    engine = Evaluator(wider, patches, land.valid, ["off"])
    assert engine.view.position(np.array([0, 9])).tolist() == [-1, -1]
    assert_same(engine.after([Intervention("drop", "off")]), indices(land, patches, land.valid).values)
    (other,) = engine.singles([[Intervention("drop", "H")]])  # a line that was not asked for
    without = land.with_scenario(pm.Scenario("x", (Intervention("drop", "H"),)))
    assert_same(other, indices(without, patches, land.valid).values)
