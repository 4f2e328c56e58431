"""Openings on winding lines equal the layer edited by hand, everything anew: singles, sets, draws, both views.

``python -m pytest -m slow tests/ranking/test_edited_layer.py`` takes 300 landscapes.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from edited_layers import Winding

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.estimate import Estimate
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape, build
from permeability.linkage.index_table import INDEX, INDICES
from permeability.linkage.measured import indices
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import rank
from permeability.species import species


def assert_edges_equal(seed: int, neighbours: int = 8) -> None:
    """Both views of every edge, at best values and in one draw."""
    case = Winding.of(seed)
    today = case.landscape([], neighbours)
    effects = EdgeEffects(today, [[case.openings[i].step for i in s] for s in case.sets])
    edited = [case.landscape(s, neighbours) for s in case.sets]
    for level in ("best", case.level(today)):
        now = today.at(level)
        cost, series = effects.after(now)
        for k, other in enumerate(edited):
            here = slice(effects.start[k], effects.start[k + 1])
            built = now.edge_barriers().replaced(effects.keys[here], cost[here], series[here])
            oracle = other.at(level).edge_barriers()
            keys = np.union1d(built.keys, oracle.keys)
            (cost_a, series_a), (cost_b, series_b) = built.at(keys), oracle.at(keys)
            np.testing.assert_allclose(cost_a, cost_b, rtol=1e-9, atol=1e-9, err_msg=f"{seed} {case.sets[k]}")
            assert np.array_equal(np.isinf(series_a), np.isinf(series_b)), (seed, case.sets[k])
            np.testing.assert_allclose(1 / (1 + series_a), 1 / (1 + series_b), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_edges_equal_the_edited_layer(neighbours: int) -> None:
    for seed in range(4 * neighbours, 4 * neighbours + 4):
        assert_edges_equal(seed, neighbours)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_edges_equal_the_edited_layer_on_three_hundred(block: int) -> None:
    for seed in range(1000 + 30 * block, 1030 + 30 * block):
        assert_edges_equal(seed)


def spiked(*lines: str) -> Landscape:
    """A complete fence F with a spike over the edge from (2.5, 3.5) to (3.5, 3.5) cells, and G from its tip to the rim."""
    shapes = {
        "F": shapely.LineString([(0, 2_100), (2_900, 2_100), (3_100, 2_800), (3_300, 2_100), (6_000, 2_100)]),
        "G": shapely.LineString([(3_100, 2_800), (3_100, 6_000)]),
    }
    grid = pm.Grid.from_bounds((0, 0, 6_000, 6_000), cell_size=1_000, crs="EPSG:32648")
    rows = {"id": list(lines), "kind": "fence", "fence_class": "border"}
    table = gpd.GeoDataFrame(rows, geometry=[shapes[k] for k in lines], crs=grid.crs)
    return build(grid, np.ones(grid.shape), prepare(table), species("khulan"), neighbours=4)


def test_a_line_taken_away_lets_the_wiggles_of_others_cancel() -> None:
    land, alone, key = spiked("F", "G"), spiked("F").edge_barriers(), np.array([(3 * 6 + 2) * 8])
    assert np.isinf(land.edge_barriers().at(key)[0])
    assert alone.at(key)[0] == 0
    effects = EdgeEffects(land, [pm.Scenario("x").drop("G").interventions])
    cost, series = effects.after(land)
    built = land.edge_barriers().replaced(effects.keys, cost, series)
    for after in (land.with_scenario(pm.Scenario("x").drop("G")), land.without_lines(["G"])):
        for edges in (built, after.edge_barriers()):
            every = np.union1d(edges.keys, alone.keys)
            np.testing.assert_array_equal(edges.at(every)[0], alone.at(every)[0])
            np.testing.assert_array_equal(edges.at(every)[1], alone.at(every)[1])


def assert_gains_equal(seed: int) -> None:
    """All indices of all singles and sets, at best values and the first draws of the ranking."""
    case = Winding.of(seed)
    land = case.landscape([])
    patches, everywhere = case.patches(land), np.ones(land.grid.shape, bool)
    sites = [
        Candidate(str(k), "L0", 0, 1, tuple(case.openings[i].step for i in s), Estimate(1.0, 1.0, 1.0, "USD"))
        for k, s in enumerate(case.sets)
    ]
    found = rank(land, patches, sites, draws=2, vary=["crossing", "trace"], rng=seed)
    table = found.table.set_index("id")
    today = indices(land, patches, everywhere).values
    drawn = [dict(row) for _, row in found.draws.quantiles.iterrows()]
    before = [indices(land.drawn(q), patches, everywhere).values["mean_conductance"] for q in drawn]
    for k, s in enumerate(case.sets):
        edited = case.landscape(s)
        after = indices(edited, case.patches(edited), everywhere).values
        for name in INDICES:
            gain = after[name] - today[name] if after[name] != today[name] else 0.0
            gain = -gain if INDEX[name].lower_is_better and gain else gain
            assert table.at[str(k), f"gain_{name}"] == pytest.approx(gain, rel=1e-9, abs=1e-9), (
                seed,
                s,
                name,
            )
        for d, q in enumerate(drawn):
            then = indices(edited.drawn(q), case.patches(edited), everywhere).values["mean_conductance"]
            assert found.draws.gains[d, k] == pytest.approx(then - before[d], rel=1e-9, abs=1e-9), (
                seed,
                s,
                d,
            )


@pytest.mark.parametrize("seed", range(3))
def test_gains_equal_the_edited_layer(seed: int) -> None:
    assert_gains_equal(seed)


@pytest.mark.slow
def test_gains_equal_the_edited_layer_on_thirty() -> None:
    for seed in range(100, 130):
        assert_gains_equal(seed)
