"""The networks of the board: any set as exact as the ranking has it, at best values and in two of its draws."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from board_case import rankings

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.planning.joint_gains import CircuitGains, exclusive_pairs
from permeability.planning.set_networks import set_networks


@pytest.fixture(scope="module")
def ranking():
    return rankings(draws=8, species_ids=("khulan",))["khulan"]


@pytest.fixture(scope="module")
def networks(ranking):
    return set_networks(ranking, tolerance=1e-6)


def members(ranking, seed):
    rng, never = np.random.default_rng(seed), [set(p) for p in exclusive_pairs(ranking.sites)]
    chosen: list[int] = []
    for k in rng.permutation(len(ranking.sites))[: rng.integers(0, 12)].tolist():
        if not any({k, j} in never for j in chosen):
            chosen.append(k)
    return sorted(chosen)


@pytest.mark.parametrize("seed", range(12))
def test_sets_are_those_of_the_landscape(ranking, networks, seed):
    chosen = members(ranking, seed)
    steps = [i for k in chosen for i in ranking.sites[k].interventions]
    best, exact = networks["best"], CircuitGains(ranking, exclusive_pairs(ranking.sites))
    gain = best.mean_conductance(chosen) - best.mean_conductance([])
    assert gain == pytest.approx(exact(chosen), rel=2e-6, abs=1e-12)
    after = ranking.engine.pieces_after(steps)
    assert best.pieces.cut_off_km2(chosen) == pytest.approx(after["range_cut_off_km2"])
    assert best.pieces.pairs_apart(chosen) == after["pairs_apart"]


@pytest.mark.parametrize("level", ["low", "high"])
def test_a_draw_is_the_draw_of_the_ranking(ranking, networks, level):
    mine, drawn = networks[level], ranking.draws
    today = mine.mean_conductance([])
    assert today == pytest.approx(drawn.today["mean_conductance"][mine.draw], rel=1e-9)
    assert mine.pieces.cut_off_km2([]) == pytest.approx(drawn.today["range_cut_off_km2"][mine.draw])
    for k in range(len(ranking.sites)):
        assert mine.mean_conductance([k]) - today == pytest.approx(
            drawn.gains[mine.draw, k], rel=2e-6, abs=1e-12
        )
        cut = (
            drawn.today["range_cut_off_km2"][mine.draw] - drawn.index_gains["range_cut_off_km2"][mine.draw, k]
        )
        assert mine.pieces.cut_off_km2([k]) == pytest.approx(cut)
        apart = drawn.today["pairs_apart"][mine.draw] - drawn.index_gains["pairs_apart"][mine.draw, k]
        assert mine.pieces.pairs_apart([k]) == apart


def test_low_and_high_are_the_ends_of_the_mean_gain(ranking, networks):
    mean = ranking.draws.gains.mean(axis=1)
    assert (
        mean[networks["low"].draw]
        <= np.quantile(mean, 0.2)
        < np.quantile(mean, 0.8)
        <= mean[networks["high"].draw]
    )


def test_one_of_two_fences_joins_nothing_and_both_join_what_they_part():
    """Complete fences on both sides of a railway: pieces are joined where both are open."""
    grid = pm.Grid.from_bounds((0, 0, 12_000, 8_000), cell_size=1_000, crs="EPSG:32648")
    table = gpd.GeoDataFrame(
        {"id": ["R"], "kind": ["railway"], "fenced": ["yes"], "fence_class": ["rail_barbed_both_sides"]},
        geometry=[shapely.LineString([(6_100, -500), (6_100, 8_500)])], crs="EPSG:32648",
    )  # fmt: skip
    land = build(grid, np.ones(grid.shape), prepare(table), pm.species.species("khulan"))
    homes = gpd.GeoDataFrame({"id": ["W", "E"]}, geometry=[shapely.box(x, 2_000, x + 2_000, 4_000) for x in (1_000, 9_000)], crs="EPSG:32648")  # fmt: skip
    patches = place(homes, land)
    sites = pm.candidates(land, "R", length_m=9_000, each_side=True)
    left = set_networks(pm.rank(land, patches, sites[:1]))["best"].pieces
    assert left.joins == ()
    assert left.pairs_apart([0]) == left.pairs_apart([]) == 1
    assert left.cut_off_km2([0]) == left.cut_off_km2([]) > 0
    both = set_networks(pm.rank(land, patches, sites))["best"].pieces
    assert [both.pairs_apart(s) for s in ([], [0], [1], [0, 1])] == [1, 1, 1, 0]
    assert both.cut_off_km2([0, 1]) == 0
