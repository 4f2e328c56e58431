"""Pressure and passages along a line, against chains of cells and dense solves."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.passability import crossing_cost_m
from permeability.core.errors import BarrierError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.landscape_indices import pair_resistances
from permeability.species import species

CRS = "EPSG:32648"


def across(chance, cols=12, rows=1, gap=None):
    """Even ground with a fence down the middle, open in one row if asked, a patch at either end."""
    grid = pm.Grid.from_bounds((0, 0, cols * 1000, rows * 1000), cell_size=1000, crs=CRS)
    x = cols * 500.0
    lines = [shapely.LineString([(x, -500), (x, rows * 1000 + 500)])]
    if gap is not None:
        lines = [
            shapely.LineString([(x, -500), (x, gap * 1000)]),
            shapely.LineString([(x, (gap + 1) * 1000), (x, rows * 1000 + 500)]),
        ]
    ids = [f"F{i}" for i in range(len(lines))]
    table = gpd.GeoDataFrame(
        {"id": ids, "line": "F", "kind": "fence", "fence_class": "stock"}, geometry=lines, crs=CRS
    )
    profile = species("khulan").override({"crossing.stock": chance})
    land = build(grid, np.ones(grid.shape), prepare(table), profile, neighbours=4)
    ends = gpd.GeoDataFrame(
        {"id": ["W", "E"]}, geometry=gpd.points_from_xy([500, cols * 1000 - 500], [500, 500]), crs=CRS
    )
    return land, place(ends, land)


def test_a_chain_of_cells():
    """Eleven links of 1 in a row, one of them with the fence in series: its share of the whole is C / (C + 11 h)."""
    land, patches = across(0.3)
    cost = crossing_cost_m(0.3, land.profile.trace_of("stock")[0].best) / 1000.0  # in cells, as the links are
    table = pm.pressure(land, patches, "F")
    assert len(table) == 1
    assert table["pressure"].item() == pytest.approx(cost / (cost + 11))
    assert table["passages"].item() == pytest.approx(1.0)  # there is no other way
    assert table["complete"].item() == 0.0


def test_a_complete_fence_has_all_the_pressure_and_no_passage():
    land, patches = across(0.0, rows=5)
    assert np.isinf(pair_resistances(land, patches)[0, 1])
    table = pm.pressure(land, patches, "F")
    assert table["passages"].max() == 0.0
    assert table["complete"].min() == 1.0
    assert table["pressure"].min() > 0.99


def test_current_is_blind_where_the_pressure_is():
    """A complete fence with a gap: passages only through the gap, pressure beside it and none in it."""
    land, patches = across(0.0, cols=10, rows=9, gap=7)
    table = pm.pressure(land, patches, "F")
    assert table["passages"].max() == 0.0
    assert table["pressure"].between(0.05, 1).all()
    far, near = table["pressure"].iloc[0], table["pressure"].iloc[-1]
    assert far > near  # the gap takes the pressure off its neighbours
    whole = pm.pressure(*across(0.2, cols=10, rows=9), "F")
    assert whole["passages"].sum() == pytest.approx(1.0)  # every way crosses the line once, net


def test_pressure_against_a_dense_solve():
    land, patches = across(0.25, cols=8, rows=6)
    cost = crossing_cost_m(0.25, land.profile.trace_of("stock")[0].best) / 1000.0
    n, cols = 48, 8
    laplace = np.zeros((n, n))
    for a in range(n):
        for b, link in ((a + 1, (a + 1) % cols), (a + cols, a + cols < n)):
            if link:
                g = 1 / (1 + cost) if b == a + 1 and a % cols == 3 else 1.0
                laplace[[a, b], [b, a]] -= g
                laplace[[a, b], [a, b]] += g
    start, end = (int(np.flatnonzero(patches.labels.ravel() == k)[0]) for k in (1, 2))
    current = np.zeros(n)
    current[[start, end]] = 1, -1
    v = np.linalg.lstsq(laplace, current, rcond=None)[0]
    left = np.arange(6) * cols + 3
    drop = (v[left] - v[left + 1]) * cost / (1 + cost)
    table = pm.pressure(land, patches, "F", length_m=1000.0)
    inside = table[table["km_from"].between(0, 6)]
    assert inside["pressure"].mean() == pytest.approx(drop.mean() / (v[start] - v[end]), rel=0.02)
    assert table["passages"].sum() == pytest.approx(1.0)


def test_candidates_carry_both_numbers_and_unknown_lines_are_refused():
    land, patches = across(0.2, cols=10, rows=9)
    ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=3000))
    t = ranking.table
    assert t["passages"].sum() == pytest.approx(1.0)
    assert t["pressure"].dropna().between(0, 1).all()
    assert t.loc[t["pressure"].isna(), "km_from"].tolist() == [9.0]  # off the grid
    assert ranking.pressure()["passages"].sum() == pytest.approx(1.0)
    with pytest.raises(BarrierError, match=r"B06[\s\S]*did you mean 'F'"):
        pm.pressure(land, patches, "f")
