"""Parts of a draw held against arithmetic by hand: where lines lie, what is joined, how draws become chances."""

from __future__ import annotations

import pickle

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.stats import chi, norm

import permeability as pm
from permeability.barriers import edge_cuts
from permeability.barriers.lines import prepare
from permeability.core.errors import LayerError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.ranking import line_positions
from permeability.ranking.draw_effort import cost_of_draws, interface_nodes
from permeability.ranking.drawn_sites import _triple
from permeability.ranking.impact_statements import impact_statements
from permeability.ranking.line_positions import LinesElsewhere, MovableLines, displaced
from permeability.ranking.opening_use import opening_use
from permeability.ranking.rank_draws import remade
from permeability.ranking.rank_statistics import rank_table
from permeability.ranking.ranking_notes import draw_notes
from permeability.species import species

CRS, H = "EPSG:32648", 1000.0
GRID = Grid.from_bounds((0, 0, 20 * H, 20 * H), cell_size=H, crs=CRS)
BENT = [shapely.LineString([(3e3, 3e3), (4e3, 6e3), (7e3, 8e3), (8e3, 12e3)]), shapely.LineString([(12e3, 4e3), (13e3, 9e3), (12e3, 15e3)])]  # fmt: skip


def land_of(**columns: object):
    table = gpd.GeoDataFrame({"id": ["a", "b"], "kind": "fence", "fence_class": "stock", **columns}, geometry=BENT, crs=CRS)  # fmt: skip
    return build(GRID, np.ones(GRID.shape), prepare(table), species("khulan"))


def moved(land, quantiles) -> list[np.ndarray]:
    """How far the inner vertices of every line went."""
    after = remade(land, quantiles).barriers.table.geometry
    return [(shapely.get_coordinates(g) - shapely.get_coordinates(o))[1:-1] for g, o in zip(after, BENT)]


@pytest.mark.parametrize(("east", "north"), [(0.75, 0.1), (0.5, 0.5), (0.0, 0.99)])
def test_another_origin_moves_all_lines_by_one_part_of_a_cell(east, north):
    shift = np.array([(east - 0.5) * H, (north - 0.5) * H])
    for line in moved(land_of(), {"origin.east": east, "origin.north": north}):
        np.testing.assert_allclose(line, np.tile(shift, (len(line), 1)), atol=1e-6)


def test_a_line_lies_nine_times_in_ten_within_its_accuracy():
    # normal both ways, so that the circle round the drawn place holds nine in ten; the line that is known stays
    way = norm.ppf(0.95) * 300.0 / chi(2).ppf(0.9)
    land = land_of(accuracy_m=[300.0, np.nan])
    first, second = moved(land, {"map.a.east": 0.95, "map.a.north": 0.05})
    np.testing.assert_allclose(first, np.tile([way, -way], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(second, 0.0, atol=1e-9)
    both = moved(land, {"map.a.east": 0.95, "map.a.north": 0.5, "origin.east": 0.6, "origin.north": 0.3})
    np.testing.assert_allclose(both[0], np.tile([way + 100.0, -200.0], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(both[1], np.tile([100.0, -200.0], (1, 1)), rtol=1e-6)


def test_nothing_drawn_of_the_map_leaves_the_landscape_as_it_is():
    land = land_of()
    assert remade(land, {}) is land


def test_samples_have_their_own_draws_and_the_same_seed_the_same():
    land, patches = pm.samples.tiny()
    found = [
        pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=16, rng=s) for s in (1, 1, 2)
    ]
    same, again, other = (f.table for f in found)
    assert same.equals(again)
    assert not same.equals(other)
    assert found[0].table["id"].tolist() == found[1].table["id"].tolist()


def test_nodes_at_the_edges_of_some_lines():
    land = land_of(line=["a", "b"])
    for lines in (["a"], ["b"], ["a", "b"]):
        ends = set()
        for i in range(len(land.cuts)):
            k, cell = int(land.cuts.direction[i]), int(land.cuts.cell[i])
            if land.barriers.table["line"].iloc[int(land.cuts.barrier[i])] in lines and k < 4:
                row, col = divmod(cell, 20)
                ends |= {cell, (row + (k > 0)) * 20 + col + (-1 if k == 3 else 0 if k == 1 else 1)}
        assert interface_nodes(land, lines) == len(ends)


@pytest.mark.parametrize(
    ("n", "said"), [(1, "a0"), (12, "a11."), (13, "a11 and 1 more"), (30, "a11 and 18 more")]
)
def test_sections_that_cannot_be_told_apart_are_named_to_the_twelfth_and_counted(n, said):
    table = pd.DataFrame(
        {"id": [f"a{i}" for i in range(n)] + ["z"], "alike": [1] * n + [2], "has_gain": True}
    )
    (note,) = draw_notes(table, pd.DataFrame({"clear": [], "what": [], "share": []}))
    assert said in note
    assert "a12" not in note
    assert "z" not in note.split(":")[-1]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"p_low": 4.0, "p_high": 9.0}, (4.0, 6.0, 9.0)),  # known to a factor: the geometric mean
        ({"p_low": 0.0, "p_high": 10.0}, (0.0, 5.0, 10.0)),
        ({"p": 2.0}, (2.0, 2.0, 2.0)),
        ({"p": 2.0, "p_high": 3.0}, (2.0, 2.0, 3.0)),
        ({"p_low": 1.0, "p": 2.0}, (1.0, 2.0, 2.0)),
        ({"p": np.nan}, None),
    ],
)
def test_ends_and_middles_of_sites_are_filled_from_what_is_there(row, found):
    made = _triple(row, "p")
    assert (made and made.as_tuple()) == found


@pytest.mark.parametrize("row", [{"p_low": 1.0}, {"p_high": 1.0}])
def test_one_end_alone_is_refused(row):
    with pytest.raises(LayerError, match=r"K09.*p_low or p_high alone"):
        _triple({"id": "s", **row}, "p")


def test_of_one_line_it_is_not_said_that_it_takes_most():
    one, patches = pm.samples.tiny()
    names = one.barriers.table["line"].unique()
    said = [s["statement"] for s in impact_statements(pm.barrier_impact(one, patches))]
    assert ("takes_most" in said) == (len(names) > 1)
    land = land_of(line=["F", "F"])
    homes = gpd.GeoDataFrame({"id": ["W", "E"]}, geometry=[shapely.box(0, 5e3, 2e3, 7e3), shapely.box(16e3, 5e3, 18e3, 7e3)], crs=CRS)  # fmt: skip
    apart = place(homes, land)
    impact = pm.barrier_impact(land, apart)
    assert len(impact.lines) == 1
    assert "takes_most" not in [s["statement"] for s in impact_statements(impact)]
    two = land_of(line=["F", "G"])
    (most,) = [
        s
        for s in impact_statements(pm.barrier_impact(two, place(homes, two)))
        if s["statement"] == "takes_most"
    ]
    lines = pm.barrier_impact(two, place(homes, two)).lines.set_index("line")["alone_mean_conductance"]
    assert most["line"] == lines.idxmin()


def test_without_its_fences_the_track_of_a_railway_stays():
    rail = gpd.GeoDataFrame({"id": ["R"], "kind": ["railway"], "fenced": ["yes"], "fence_class": ["rail_barbed_both_sides"]}, geometry=BENT[:1], crs=CRS)  # fmt: skip
    land = build(GRID, np.ones(GRID.shape), prepare(rail), species("mongolian_gazelle"))
    low, high = land.barriers.km_range("R")
    fences = pm.Intervention("remove", "R", low, high)
    track = species("mongolian_gazelle").crossing["rail_unfenced"]
    assert opening_use(land, [fences]) == pytest.approx(track.as_tuple())


def test_steps_on_one_barrier_count_one_after_the_other():
    rail = gpd.GeoDataFrame({"id": ["R"], "kind": ["railway"], "fenced": ["yes"], "fence_class": ["rail_barbed_both_sides"]}, geometry=BENT[:1], crs=CRS)  # fmt: skip
    land = build(GRID, np.ones(GRID.shape), prepare(rail), species("mongolian_gazelle"))
    low, high = land.barriers.km_range("R")
    names = [c.name for c in land.components[0]]
    assert len(names) > 1
    steps = [pm.Intervention("remove", "R", low, high, components=(n,)) for n in names]
    for order in (steps, steps[::-1]):
        assert opening_use(land, order) == (1.0, 1.0, 1.0)
        assert opening_use(land, order[:-1])[1] < 1.0


def test_what_is_expected_of_draws_takes_time_and_more_of_it_for_more():
    few = cost_of_draws(10**4, 300, 100, cuts=1_000, patches=4, sites=10, rows=5).set_index("kind")["seconds"]
    more = cost_of_draws(10**6, 3_000, 1_000, cuts=30_000, patches=8, sites=100, rows=50).set_index("kind")[
        "seconds"
    ]
    assert (few.drop("weights") > 0).all()
    assert (more.drop("weights") > few.drop("weights")).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_nine_gains_in_ten_lie_between_the_ends_that_are_told(rng, weighted):
    # the gains 1 to 1,000 in any order; with weights, every second draw counts for nothing
    gains = rng.permutation(np.arange(1.0, 1001.0))
    weights = np.where(gains % 2 == 0, 1.0, 0.0) if weighted else None
    (row,) = rank_table(gains[:, None], weights=weights).itertuples()
    assert row.gain_median == 500.0
    assert row.gain_low in ((50.0,) if not weighted else (50.0, 52.0))
    assert row.gain_high in ((950.0,) if not weighted else (950.0, 952.0))
    assert row.gain_expected == pytest.approx(501.0 if weighted else 500.5)


def test_the_rank_of_nine_draws_in_ten():
    # a is first in 91 of 100 draws, b in 9: nine in ten hold without them; with 89 and 11 they do not
    gains = np.array([[2.0, 1.0]] * 91 + [[1.0, 2.0]] * 9)
    table = rank_table(gains, top=1)
    assert table["rank_low"].tolist() == [1, 2]
    assert table["rank_high"].tolist() == [1, 2]
    gains = np.array([[2.0, 1.0]] * 89 + [[1.0, 2.0]] * 11)
    table = rank_table(gains, top=1)
    assert (table["rank_low"].tolist(), table["rank_high"].tolist()) == ([1, 1], [2, 2])
    assert table["share_first"].tolist() == [0.89, 0.11]


def test_lines_that_were_moved_before_move_from_where_they_are_drawn():
    land = land_of(accuracy_m=[300.0, 200.0])
    lines = MovableLines(land.barriers, land.grid, land.valid)
    lines.moved({"a": (900.0, -400.0)})
    shifts = {"a": (-250.0, 100.0), "b": (40.0, 0.0)}
    again, fresh = lines.moved(shifts), displaced(land.barriers, shifts, land.grid, land.valid)
    assert shapely.equals_exact(again.table.geometry.to_numpy(), fresh.table.geometry.to_numpy()).all()
    for one, other in zip(again.chainages, fresh.chainages):
        np.testing.assert_array_equal(one.km, other.km)
    assert again.rows_of("b").tolist() == [1]


def test_lines_elsewhere_are_cut_once_as_they_would_be_afresh(monkeypatch):
    land = land_of(accuracy_m=[300.0, 200.0])
    kept = LinesElsewhere.of(land.barriers)
    assert LinesElsewhere.of(land.barriers) is kept
    calls = []
    monkeypatch.setattr(
        line_positions, "cut_edges", lambda *a, **k: calls.append(k) or edge_cuts.cut_edges(*a, **k)
    )
    places = [{"a": (-250.0, 100.0), "b": (40.0, 0.0)}, {"a": (-250.0, 100.0)}, {"b": (40.0, 0.0)}]
    for shifts in [*places, *places]:
        for neighbours in (4, 8):
            moved, cuts = kept.at(shifts, land.barriers, land.grid, land.valid, neighbours)
            fresh = displaced(land.barriers, shifts, land.grid, land.valid)
            assert shapely.equals_exact(
                moved.table.geometry.to_numpy(), fresh.table.geometry.to_numpy()
            ).all()
            want = edge_cuts.cut_edges(fresh, land.grid, neighbours=neighbours)
            assert cuts.to_frame().equals(want.to_frame())
    assert len(calls) == 6
    assert len(pickle.loads(pickle.dumps(kept))._tables) == 0  # left behind
    assert pickle.loads(pickle.dumps(land.barriers)).lines == land.barriers.lines


def test_where_ends_of_lines_are_held_is_looked_up_for_every_landscape():
    land = land_of(accuracy_m=[300.0, 200.0])
    kept, fewer = LinesElsewhere.of(land.barriers), land.valid.copy()
    fewer[:, :2] = False
    for valid in (land.valid, fewer, land.valid):
        moved, _ = kept.at({"a": (-250.0, 100.0)}, land.barriers, land.grid, valid, 8)
        fresh = displaced(land.barriers, {"a": (-250.0, 100.0)}, land.grid, valid)
        assert shapely.equals_exact(moved.table.geometry.to_numpy(), fresh.table.geometry.to_numpy()).all()


def test_of_many_places_the_last_are_kept(monkeypatch):
    land = land_of(accuracy_m=[300.0, 200.0])
    kept = LinesElsewhere.of(land.barriers)
    monkeypatch.setattr(line_positions, "KEPT_CUTS", 2 * len(land.cuts) + len(land.cuts) // 2)
    made = [kept.at({"a": (float(x), 0.0)}, land.barriers, land.grid, land.valid, 8) for x in range(5)]
    assert 1 <= len(kept._tables) <= 2
    again = kept.at({"a": (4.0, 0.0)}, land.barriers, land.grid, land.valid, 8)
    assert again is made[4]
    assert kept.at({"a": (0.0, 0.0)}, land.barriers, land.grid, land.valid, 8) is not made[0]
