"""Indices, impact and comparison on landscapes small enough to reckon by hand."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Scenario
from permeability.core.errors import BarrierError, OptionError
from permeability.core.units import unit_of
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.impact.comparison import compare
from permeability.impact.line_by_line import barrier_impact, by_line, standing_lines
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.layers.grid import Grid
from permeability.linkage.index_table import (
    AREA_AND_FLOW,
    BY_LINE,
    HEADLINES,
    INDEX,
    INDICES,
    change_of,
    gain_of,
)
from permeability.linkage.landscape_indices import (
    equivalent_connected_area,
    pair_mean,
    range_pieces,
    scalars,
)
from permeability.linkage.measured import indices
from permeability.ranking.candidate_sites import candidates
from permeability.ranking.rank_draws import conductance_gain
from permeability.ranking.ranking import rank
from permeability.species import species

CRS, N, CELL = "EPSG:32648", 10, 1000.0
# budget of 12 km, mean dispersal of 10 km; 'border' is absolute, 'stock' costs 3 km of open ground: m (1 - p) / p
KHULAN = species("khulan").override(
    {
        "movement.budget_km": 12.0,
        "movement.dispersal_km": 10.0,
        "movement.trace_km": 1.0,
        "trace_km.stock": 1.0,
        "crossing.border": 0.0,
        "crossing.stock": 0.25,
    }
)


def two_walls(first: str = "stock", second: str = "border") -> Landscape:
    """Ten by ten cells of open ground, a fence at 3 km and one at 7 km from the west."""
    grid = Grid.from_bounds((0, 0, N * CELL, N * CELL), cell_size=CELL, crs=CRS)
    walls = [shapely.LineString([(x, -100), (x, 10_100)]) for x in (3000.0, 7000.0)]
    table = gpd.GeoDataFrame(
        {"id": ["A", "B"], "kind": "fence", "fence_class": [first, second]}, geometry=walls, crs=CRS
    )
    return build(grid, np.ones(grid.shape), prepare(table), KHULAN)


def strips(land: Landscape) -> Patches:
    """The westernmost, a middle and the easternmost column."""
    boxes = [shapely.box(x, 0, x + 1000, 10_000) for x in (0, 4000, 9000)]
    return place(gpd.GeoDataFrame({"id": ["west", "middle", "east"]}, geometry=boxes, crs=CRS), land)


def test_every_index_by_hand() -> None:
    """Columns as patches make a ladder: current runs straight, R = (d + 3 C / ...) / conductance of the rows."""
    land = two_walls()
    patches = strips(land)
    found = indices(land, patches, land.valid)
    v = found.values
    assert v["range_cut_off_km2"] == 30.0  # three columns east of the absolute fence
    assert v["range_pieces"] == 2
    assert v["pairs_apart"] == 2
    np.testing.assert_allclose(found.cost[0, 1], 4000 + 3000)
    assert np.isinf(found.cost[:2, 2]).all()
    assert v["detour"] == pytest.approx(3 / (4000 / 7000))  # harmonic mean of 7/4, inf, inf
    # ten rows and nine pairs of diagonals between two columns: 10 + 2 * 9 / sqrt 2 in parallel
    step = 10 + 18 / np.sqrt(2)
    # a fence in series: an edge straight across has 1 + C / h, a diagonal sqrt 2 (1 + C / h)
    fenced = step / (1 + 3000 / CELL)
    expected = 3 / step + 1 / fenced
    assert found.resistance[0, 1] == pytest.approx(expected, rel=1e-9)
    assert np.isinf(v["mean_resistance"])
    assert v["mean_conductance"] == pytest.approx(1 / expected / 3, rel=1e-9)
    # the budget of 12 km: west reaches columns 0 to 6 (at 9 km at most), east its three
    assert found.reachable.tolist() == [70.0, 70.0, 30.0]
    assert v["reachable_km2"] == pytest.approx(170 / 3)
    kernel = np.exp(-np.array([[0, 7, np.inf], [7, 0, np.inf], [np.inf, np.inf, 0]]) / 10)
    assert v["eca_km2"] == pytest.approx(np.sqrt(100 * kernel.sum()))
    frame = found.to_frame()
    assert frame["index"].tolist() == list(INDICES)
    assert frame.set_index("index").loc["reachable_km2", "unit"] == "km2"


def test_without_barriers_everything_is_open() -> None:
    land = two_walls()
    v = indices(land.without_barriers(), strips(land), land.valid).values
    assert (v["range_cut_off_km2"], v["range_pieces"], v["pairs_apart"], v["detour"]) == (0.0, 1.0, 0.0, 1.0)
    assert np.isfinite(v["mean_resistance"])


def test_weights_count() -> None:
    land = two_walls()
    patches = strips(land)
    heavy = Patches(patches.table.assign(weight=[1.0, 1.0, 3.0]), patches.labels, patches.grid)
    plain, weighted = (indices(land, p, land.valid).values for p in (patches, heavy))
    assert weighted["reachable_km2"] == pytest.approx((70 + 70 + 3 * 30) / 5)
    assert weighted["mean_conductance"] == pytest.approx(plain["mean_conductance"] * 3 / 7)


def test_pieces_and_equivalent_area() -> None:
    parts = np.array([[1, 1, 2, 0, 3]])
    inside = np.array([[True, True, True, True, False]])
    assert range_pieces(parts, inside, 2.0).tolist() == [4.0, 2.0]
    joined = equivalent_connected_area(np.array([3.0, 4.0]), np.zeros((2, 2)), 1000.0)
    assert joined == pytest.approx(7.0)  # at no distance it is the whole area (Saura et al. 2011)
    one = scalars(*(np.zeros((1, 1)) for _ in range(3)), np.ones(1), np.ones(1), single(), 1.0)
    assert np.isnan(one["mean_conductance"])


def single() -> Patches:
    land = two_walls()
    return place(gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(500, 500)], crs=CRS), land)


def test_lines_in_series_are_worth_nothing_alone() -> None:
    """Two absolute fences: taking either away gives back only what lies between them."""
    land = two_walls("border", "border")
    result = barrier_impact(land, strips(land))
    lines = result.lines.set_index("line")
    assert standing_lines(land) == ["A", "B"]
    assert result.table["case"].tolist() == [
        "no barriers",
        "all barriers",
        "only A",
        "only B",
        "without A",
        "without B",
    ]
    today, bare = result.today.values, result.bare.values
    assert today["pairs_apart"] == 3
    assert lines.loc["A", "alone_pairs_apart"] == 2
    assert lines.loc["A", "given_back_pairs_apart"] == -1
    assert lines.loc["A", "alone_mean_conductance"] < 0
    assert bare["range_pieces"] == 1
    again = by_line(result.table, ["A", "B"])
    assert again.equals(result.lines)
    text = " ".join(result.sentences)
    assert "3 have no path at all" in text
    assert "60 km2 of the range" in text
    assert "inf" not in text.replace("infinite", "")


def test_a_comparison_lists_before_and_after() -> None:
    land = two_walls()
    patches = strips(land)
    found = compare(land, patches, Scenario("open B").remove("B"))
    at = found.table.set_index("index")
    assert at.loc["range_cut_off_km2", ["before", "after", "change"]].tolist() == [30.0, 0.0, -30.0]
    assert at.loc["mean_resistance", "before"] == np.inf
    assert np.isfinite(at.loc["mean_resistance", "after"])
    assert at.loc["mean_resistance", "change"] == -np.inf
    np.testing.assert_allclose(
        at.loc["mean_conductance", "after"],
        indices(land.without_lines(["B"]), patches, land.valid).values["mean_conductance"],
    )
    none = compare(land, patches, Scenario("nothing")).table
    same = none["before"].to_numpy() == none["after"].to_numpy()
    assert same.all()


@pytest.mark.parametrize("index", INDICES)
def test_gains_are_positive_when_things_get_better(index: str) -> None:
    assert gain_of(index, 2.0, 1.0) == (1.0 if INDEX[index].lower_is_better else -1.0)
    assert gain_of(index, np.inf, np.inf) == 0.0
    assert gain_of(index, np.nan, np.nan) == 0.0
    many = np.array([1.0, np.inf, 3.0])
    assert gain_of(index, many, many[::-1]).tolist() == [
        float(gain_of(index, a, b)) for a, b in zip(many, many[::-1])
    ]


def test_a_change_is_not_known_where_either_end_is_not() -> None:
    assert np.isnan(change_of([np.nan, 1.0, np.nan], [1.0, np.nan, np.nan])).all()


def test_the_table_gives_every_number_of_a_landscape_its_unit_and_its_words() -> None:
    land = two_walls("border", "stock")
    values = indices(land, strips(land), land.valid).values
    assert tuple(values) == INDICES
    for name, index in INDEX.items():
        assert index.unit == unit_of(name)
        assert all((index.label, index.meaning))
        assert (index.unit_label == "km²") == (index.unit == "km2")
    assert set(HEADLINES) <= set(AREA_AND_FLOW) <= set(BY_LINE) <= set(INDICES)
    assert all(INDEX[n].gain_label for n in HEADLINES)


def test_mean_conductance_is_one_number_in_the_index_and_in_the_draws() -> None:
    rng = np.random.default_rng(4)
    resistance = rng.uniform(1, 9, (4, 4))
    resistance = resistance + resistance.T
    resistance[0, 3] = resistance[3, 0] = np.inf
    np.fill_diagonal(resistance, 0.0)
    weight = np.array([1.0, 2.0, 0.5, 3.0])
    by_hand = total = 0.0
    for i, j in combinations(range(4), 2):
        total += weight[i] * weight[j]
        by_hand += weight[i] * weight[j] / resistance[i, j]
    i, j = np.triu_indices(4, 1)
    assert float(pair_mean(pair_conductance(resistance[i, j]), weight[i] * weight[j])) == pytest.approx(
        by_hand / total, rel=1e-14
    )
    apart = np.where(np.eye(4) > 0, 0.0, np.inf)
    assert conductance_gain(apart, resistance[None], weight) == pytest.approx([by_hand / total], rel=1e-14)


def test_candidates_cover_the_line_and_rank_ties_by_kilometre() -> None:
    land = two_walls("border", "stock")
    sites = candidates(land, "A", length_m=4000)
    assert [(s.km_from, s.km_to) for s in sites] == [(0, 4), (4, 8), (8, pytest.approx(10.2))]
    found = rank(land, strips(land), sites)
    assert found.table["rank"].tolist() == [1, 2, 3]
    assert (found.table["gain_pairs_apart"] == 2).all()
    assert (found.table["gain_range_cut_off_km2"] == 30).all()
    assert found.table.geometry.length.sum() == pytest.approx(10_200)
    by_reach = rank(land, strips(land), sites, sort_by="reachable_km2")
    assert by_reach.table["gain_reachable_km2"].is_monotonic_decreasing
    with pytest.raises(OptionError, match=r"(?s)O01.*did you mean 'reachable_km2'"):
        rank(land, strips(land), sites, sort_by="reachable")
    with pytest.raises(BarrierError, match=r"(?s)B10.*km 0 to km 10.2"):
        candidates(land, "A", km=(50, 60))


def test_one_of_two_complete_barriers_moves_nothing_and_says_so() -> None:
    land = two_walls("border", "border")
    ends = place(
        gpd.GeoDataFrame(
            {"id": ["w", "e"]}, geometry=[shapely.Point(500, 500), shapely.Point(9500, 500)], crs=CRS
        ),
        land,
    )
    found = rank(land, ends, candidates(land, "A", length_m=5000))
    assert (found.table["gain_mean_conductance"] == 0).all()
    assert any("A and B hold it together" in note for note in found.notes)
