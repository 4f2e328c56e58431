"""A ranking over origins and cell sizes of the grid: the figures by hand, what they must not depend on, and a uniform line."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.landscape_indices import pair_resistances
from permeability.ranking.settling import (
    ENOUGH,
    Settled,
    conductance_gains,
    origins,
    settle_over,
    shifted,
    spearman,
)

CRS = "EPSG:32648"
SIDE = 24_000.0
LINE = np.array([[11_300.0, -2_000.0], [13_100.0, 7_000.0], [10_400.0, 13_500.0], [12_700.0, 26_000.0]])
PLACES = gpd.GeoDataFrame(
    {"id": ["a", "b", "c"]},
    geometry=[shapely.box(2e3, 4e3, 5e3, 8e3), shapely.box(18e3, 3e3, 22e3, 6e3), shapely.box(17e3, 17e3, 21e3, 21e3)],
    crs=CRS,
)  # fmt: skip


def grid(cell: float = 1000.0, side: float = SIDE) -> pm.Grid:
    return pm.Grid.from_bounds((0, 0, side, side), cell_size=cell, crs=CRS)


def maker(rows: gpd.GeoDataFrame, places: gpd.GeoDataFrame = PLACES, who: str = "khulan"):
    barriers, profile = prepare(rows), pm.species.species(who)

    def make(there: pm.Grid) -> tuple[pm.Landscape, pm.Patches]:
        land = build(there, np.ones(there.shape), barriers, profile)
        return land, place(places, land)

    return make


def fence(shapes: list[shapely.LineString], km: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Rows of one fence with the kilometres of their ends."""
    table = {
        "id": [f"F{i}" for i in range(len(shapes))],
        "line": "F",
        "kind": "fence",
        "fence_class": "border",
    }
    return gpd.GeoDataFrame(
        {**table, "km_from": [a for a, _ in km], "km_to": [b for _, b in km]}, geometry=shapes, crs=CRS
    )


def parts() -> tuple[list[shapely.LineString], list[tuple[float, float]]]:
    shapes = [shapely.LineString(LINE[i : i + 2]) for i in range(3)]
    ends = np.cumsum([0.0, *(s.length / 1000 for s in shapes)])
    return shapes, list(pairwise(ends))


def settled(rows: gpd.GeoDataFrame) -> Settled:
    make = maker(rows)
    sites = pm.candidates(make(grid())[0], "F", length_m=4_000)
    return settle_over(make, grid(), sites, name="khulan", cell_sizes=[1000, 500], begun=3)


# ---------------------------------------------------------------- grids
def test_origins_are_the_own_first_nested_and_even():
    found = origins(64)
    assert found[0].tolist() == [0.0, 0.0]
    assert (np.abs(found) <= 0.5).all()
    assert np.array_equal(origins(7), found[:7])
    quarters = np.floor((found + 0.5) * 4).astype(
        int
    )  # 16 boxes, 4 points each on average; 64 random points leave 0 to 9
    held = np.bincount(quarters[:, 0] * 4 + quarters[:, 1], minlength=16)
    assert held.min() >= 2
    assert held.max() <= 6


@given(st.sampled_from([2000.0, 1000.0, 500.0, 700.0]), st.integers(1, 40))
def test_shifted_grids_keep_their_cells_inside(cell, i):
    base = grid()
    there = shifted(base, cell, origins(41)[i])
    west, south, east, north = base.with_cell_size(cell).bounds
    assert there.shape == base.with_cell_size(cell).shape
    assert west <= there.x[0] and there.x[-1] <= east  # noqa: PT018
    assert south <= there.y[-1] and there.y[0] <= north  # noqa: PT018


def test_no_grid_opens_a_way_round_a_line_that_ends_with_the_land():
    line = shapely.LineString([(11_300, 0), (12_700, SIDE)])
    make = maker(fence([line], [(0, line.length / 1000)]))
    for cell in (1000.0, 500.0):
        for by in origins(5):
            land, patches = make(shifted(grid(), cell, by))
            assert int(land.parts.max()) == 2
            assert np.isinf(pair_resistances(land, patches)[0, 1])


# ---------------------------------------------------------------- figures
def test_figures_by_hand():
    gains = np.array([[6, 5, 4, 3, 2, 1.0], [5, 6, 3, 4, 2, 1.0]])
    found = Settled.of(
        "x", list("abcdef"), [5000.0] * 6, {1000.0: gains, 500.0: gains[:1].repeat(2, axis=0)}, top=1
    )
    row = found.table.iloc[0]
    assert (row.top, row.best, row.cells_long, row.top_shared, row.top_shared_least) == (1, 3, 5.0, 0.0, 0)
    assert row.spearman == pytest.approx(spearmanr(gains[0][:3], gains[1][:3])[0])
    assert found.table["first_share"].tolist() == [0.5, 1.0]
    assert not found.table["over_origins"].iloc[0]
    sites = found.sites[found.sites["cell_size_m"] == 1000].set_index("id")
    assert sites.loc["a", ["rank_low", "rank_high"]].tolist() == [1, 2]
    assert sites.loc["d", ["gain_low", "gain_high", "gain_mean_conductance"]].tolist() == [3, 4, 3.5]


def matrices(seed: int, noise: float, candidates: int = 40) -> dict[float, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.exponential(size=candidates)
    return {
        h: true * np.exp(noise * h / 1000 * rng.normal(size=(5, candidates))) for h in (1000.0, 500.0, 250.0)
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.5))
def test_figures_follow_the_gains_alone(seed, noise):
    rng, gains = np.random.default_rng(seed), matrices(seed, noise)
    ids, lengths = [f"s{i}" for i in range(40)], [5000.0] * 40
    plain = Settled.of("x", ids, lengths, gains)
    turn, among = (
        rng.permutation(40),
        rng.permutation(5),
    )  # candidates in another order, origins in another order
    other = Settled.of(
        "x", [ids[i] for i in turn], lengths, {h: 7.0 * g[among][:, turn] for h, g in gains.items()}
    )
    both = plain.table.drop(columns=["spread"]), other.table.drop(columns=["spread"])
    pd.testing.assert_frame_equal(*(t.drop(columns="first") for t in both), rtol=1e-12)
    assert plain.settled_m == other.settled_m


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.5), st.integers(1, 3))
def test_nothing_is_claimed_beyond_what_was_tried(seed, noise, levels):
    gains = dict(list(matrices(seed, noise).items())[:levels])
    found = Settled.of("x", [f"s{i}" for i in range(40)], [5000.0] * 40, gains)
    assert not found.table["settled"].iloc[-1]  # nothing finer to hold it against
    assert found.settled_m is None or found.settled_m in list(gains)[:-1]
    said = " ".join(found.sentences)
    assert ("has settled at cells of" in said) == (found.settled_m is not None)
    if found.settled_m is None and found.table["over_origins"].iloc[-1]:
        sizes = [*gains, min(gains) / 2]
        assert f"Try one size more: {' '.join(f'--cell {c:g}' for c in sizes)}." in said


def test_noise_unsettles_and_quiet_settles():
    ids, lengths = [f"s{i}" for i in range(40)], [5000.0] * 40
    assert Settled.of("x", ids, lengths, matrices(1, 0.0)).settled_m == 1000.0
    loud = Settled.of("x", ids, [2000.0] * 40, matrices(1, 2.0))
    assert loud.settled_m is None
    assert "settled at none of the cell sizes tried (1 km, 500 m, 250 m)" in loud.sentences[0]
    some = Settled.of("x", ids, [400.0] * 40, matrices(1, 2.0))
    assert (
        f"take longer sections ([candidates] length_km, at least 1.25 km, {ENOUGH} cells)"
        in some.sentences[1]
    )


def test_where_nothing_gains_there_is_no_order():
    found = Settled.of("x", list("abcd"), [5000.0] * 4, {1000.0: np.zeros((3, 4)), 500.0: np.zeros((3, 4))})
    assert found.settled_m is None
    assert found.sentences == [
        "No candidate is ahead of another by itself: there is no order that could settle."
    ]
    assert np.isnan(spearman(np.array([1.0, 1.0 + 1e-14, 1.0]), np.arange(3.0)))  # rounding is no order


@pytest.mark.parametrize(
    ("asked", "word"), [({"begun": 1}, "origins = 1"), ({"top": 0}, "top = 0"), ({"cell_sizes": [-5.0]}, "cells of -5 m")]
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(asked, word):
    make = maker(fence(*parts()))
    sites = pm.candidates(make(grid())[0], "F", length_m=4_000)
    with pytest.raises(OptionError, match=word) as refused:
        settle_over(make, grid(), sites, **asked)
    assert refused.value.code == "O67"
    with pytest.raises(OptionError, match="candidates = 1, at least 2"):
        settle_over(make, grid(), sites[:1])


# ---------------------------------------------------------------- the land
def test_the_order_and_direction_of_rows_do_not_matter():
    shapes, km = parts()
    plain = settled(fence(shapes, km))
    back = [s.reverse() if i != 1 else s for i, s in enumerate(shapes)]
    turned = [(b, a) if i != 1 else (a, b) for i, (a, b) in enumerate(km)]
    again = settled(fence(back[::-1], turned[::-1]))
    for cell, gains in plain.gains.items():
        assert again.gains[cell] == pytest.approx(gains, rel=1e-6)
    assert again.table["first"].tolist() == plain.table["first"].tolist()
    assert again.table["top_shared"].tolist() == plain.table["top_shared"].tolist()
    assert again.settled_m == plain.settled_m


def test_gains_are_those_of_the_ranking_on_the_first_grid():
    make = maker(fence(*parts()))
    land, patches = make(grid())
    sites = pm.candidates(land, "F", length_m=4_000)
    ranked = pm.rank(land, patches, sites).table.set_index("id")["gain_mean_conductance"]
    found = settle_over(make, grid(), sites, cell_sizes=[1000], begun=2)
    assert found.gains[1000.0][0] == pytest.approx(ranked[[s.id for s in sites]].to_numpy(), rel=1e-9)
    assert found.table["first_share"].iloc[0] >= 0.5


def test_gains_of_a_uniform_line_do_not_follow_the_cells_they_open():
    """Equal sections of a straight fence in even land, at random angles and origins of the grid.

    Before openings were shared out, a section opened the cuts whose place lay in it, which stand for 0.8 to 1.2 of its length,
    and its gain followed that (correlation 0.96).
    """
    rng, n, long = np.random.default_rng(7), 36, 5.0
    middle = np.full(2, 500.0 * n)
    gain, cuts = [], []
    for angle in np.radians([5, 20, 35]):
        u = np.array([np.cos(angle), np.sin(angle)])
        v = np.array([-u[1], u[0]])
        line = shapely.LineString([middle - 40e3 * u, middle + 40e3 * u])
        sides = [shapely.Polygon([middle + s * 13e3 * v + a * u for a in (-90e3, 90e3)]
                 + [middle + s * 90e3 * v + a * u for a in (90e3, -90e3)]) for s in (-1, 1)]  # fmt: skip
        square = shapely.box(0, 0, n * 1000, n * 1000)
        make = maker(
            fence([line], [(0.0, 80.0)]),
            gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[s.intersection(square) for s in sides], crs=CRS),
        )
        step = pm.Scenario("x").remove("F", km=(40 - long / 2, 40 + long / 2)).interventions
        site = pm.Candidate("s", "F", 40 - long / 2, 40 + long / 2, step, pm.Estimate.exact(1.0, "USD"))
        mine = []
        for by in rng.uniform(-0.5, 0.5, (16, 2)):
            land, patches = make(shifted(grid(side=n * 1000.0), 1000.0, by))
            mine.append(conductance_gains(land, patches, [site])[0])
            inside = (land.cuts.direction < 4) & (np.abs(land.cuts.km - 40) < long / 2)
            cuts.append(land.weight[inside].sum() / 1000 / (1 + np.sqrt(2)))
        assert np.std(mine) < 0.01 * np.mean(mine)
        gain += (np.array(mine) / np.mean(mine)).tolist()
    assert np.std(cuts) > 0.03 * np.mean(cuts)  # what the old rule opened
    assert np.corrcoef(gain, cuts)[0, 1] <= 0.2


def test_whoever_waits_is_told_after_each_origin():
    told = []
    make = maker(fence(*parts()))
    sites = pm.candidates(make(grid())[0], "F", length_m=8_000)
    settle_over(
        make, grid(), sites, cell_sizes=[2000, 1000], begun=2, progress=lambda *done: told.append(done)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
