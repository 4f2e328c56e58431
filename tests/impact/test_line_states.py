"""Every line alone and every line taken away from one condensation: the same as solving each case anew."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, box
from shapely.ops import substring

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError
from permeability.engines.circuit.interface import layered_state
from permeability.engines.circuit.interface.interface import Interface
from permeability.impact import line_by_line, line_states
from permeability.impact.line_states import alone_and_without
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.landscape.standing_rows import StandingRows
from permeability.linkage.measured import Measured
from permeability.species import species

CRS = "EPSG:32648"


def landscape(lines: int, seed: int, neighbours: int = 8):
    """Fences and roads at random, some of two rows, and a complete ring round a patch; 30 by 40 cells."""
    rng = np.random.default_rng(seed)
    grid = pm.Grid.from_bounds((0, 0, 40_000, 30_000), cell_size=1000, crs=CRS)
    rows = []
    for k in range(lines):
        bend = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.8, 7))
        steps = 900 * np.column_stack([np.cos(bend), np.sin(bend)])
        points = rng.uniform((2e3, 2e3), (38e3, 28e3)) + np.cumsum(steps, axis=0)
        road = k % 5 == 0
        facts = {
            "kind": "road" if road else "fence",
            "fence_class": None if road else ("stock", "border")[k % 2],
            "vehicles_per_day": 900.0 if road else np.nan,
        }
        for n, part in enumerate([points[:4], points[3:]] if k % 7 == 0 else [points]):
            rows.append({"id": f"L{k}-{n}", "line": f"L{k}", "geometry": LineString(part), **facts})
    ring = {
        "id": "ring",
        "line": "ring",
        "kind": "fence",
        "fence_class": "border",
        "vehicles_per_day": np.nan,
    }
    rows.append({**ring, "geometry": LineString(box(3_300, 3_300, 9_700, 9_700).exterior.coords)})
    barriers = prepare(gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS))
    land = build(grid, 1 + rng.random(grid.shape), barriers, species("khulan"), neighbours=neighbours)
    places = [box(5e3, 5e3, 8e3, 8e3), box(30e3, 4e3, 33e3, 7e3), box(18e3, 22e3, 22e3, 25e3)]
    spots = gpd.GeoDataFrame({"id": list("abc")}, geometry=places, crs=CRS)
    return land, place(spots, land)


@pytest.fixture(scope="module", params=[(8, 1), (4, 2), (16, 3)])
def case(request):
    neighbours, seed = request.param
    return landscape(34, seed, neighbours)


@pytest.mark.parametrize("change", ["order", "direction", "letter case", "splitting"])
def test_what_a_line_takes_does_not_hang_on_how_it_is_stored(change):
    rng = np.random.default_rng(5)
    ways = []
    for _ in range(30):
        start, turn = rng.uniform(4e3, 36e3, 2), rng.uniform(0, 2 * np.pi)
        end = start + rng.uniform(3e3, 9e3) * np.array([np.cos(turn), np.sin(turn)])
        ways.append(LineString([start, (start + end) / 2 + rng.normal(0, 400, 2), end]))
    facts = {"kind": "fence", "fence_class": "stock"}
    plain = [{"id": f"L{k}", "line": f"L{k}", "geometry": way, **facts} for k, way in enumerate(ways)]
    if change == "order":
        other = [plain[k] for k in rng.permutation(len(plain))]
    elif change == "direction":
        other = [r | {"geometry": r["geometry"].reverse()} for r in plain]
    elif change == "letter case":
        other = [r | {"kind": "Fence", "fence_class": "STOCK"} for r in plain]
    else:
        other = [
            r | {"id": f"{r['id']}-{n}", "geometry": substring(r["geometry"], a, b, normalized=True)}
            for r in plain
            for n, (a, b) in enumerate([(0, 0.37), (0.37, 1)])
        ]
    spots = gpd.GeoDataFrame(
        {"id": list("ab")}, geometry=[box(1e3, 1e3, 4e3, 4e3), box(36e3, 30e3, 39e3, 34e3)], crs=CRS
    )
    grid = pm.Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=1000, crs=CRS)
    tables = []
    for rows in (plain, other):
        barriers = prepare(gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS))
        land = build(grid, np.ones(grid.shape), barriers, species("mongolian_gazelle"))
        tables.append(
            pm.barrier_impact(land, place(spots, land)).table.set_index("case").sort_index().reset_index()
        )
    assert len(tables[0]) > 2 * line_by_line.SOLVED_AFRESH
    assert_same(tables[1], tables[0])


def each_by_itself(land, patches, by, monkeypatch):
    with monkeypatch.context() as here:
        here.setattr(line_by_line, "SOLVED_AFRESH", 10**6)
        return pm.barrier_impact(land, patches, by=by)


def assert_same(found, expected):
    assert found["case"].tolist() == expected["case"].tolist()
    for name in expected.columns[2:]:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


def test_the_same_as_solving_every_case_anew(case, monkeypatch):
    land, patches = case
    found = pm.barrier_impact(land, patches)
    assert len(found.lines) > line_by_line.SOLVED_AFRESH
    expected = each_by_itself(land, patches, "line", monkeypatch)
    assert_same(found.table, expected.table)
    exact = ["reachable_km2", "range_cut_off_km2", "range_pieces", "pairs_apart", "eca_km2", "detour"]
    assert found.table[exact].equals(expected.table[exact])  # the least-cost view to the last bit


def test_a_long_line_is_eliminated_in_its_own_state(monkeypatch):
    land, patches = landscape(34, 4)
    expected = pm.barrier_impact(land, patches).table
    monkeypatch.setattr(line_states, "MOST_EDGES", 15)
    assert_same(pm.barrier_impact(land, patches).table, expected)


def test_the_same_in_layers(monkeypatch):
    land, patches = landscape(34, 5)
    build_in = Interface.build.__func__
    as_layers = classmethod(lambda cls, *a, **k: build_in(cls, *a, **{**k, "form": "layers"}))
    with monkeypatch.context() as here:
        here.setattr(Interface, "build", as_layers)
        here.setattr(layered_state, "PASS_BYTES", 40_000)  # several passes
        found = pm.barrier_impact(land, patches)
    assert_same(found.table, each_by_itself(land, patches, "line", monkeypatch).table)


@pytest.mark.parametrize("by", ["kind", "class"])
def test_groups_do_not_hang_on_the_way_they_are_solved(case, by, monkeypatch):
    land, patches = case
    expected = each_by_itself(land, patches, by, monkeypatch)
    monkeypatch.setattr(line_by_line, "SOLVED_AFRESH", 0)
    found = pm.barrier_impact(land, patches, by=by)
    assert_same(found.table, expected.table)
    names = {"kind": ["fence", "road"], "class": ["border", "road", "stock"]}[by]
    assert sorted(found.lines["line"]) == names


def test_all_of_one_kind_taken_away_is_the_landscape_without_them(case):
    land, patches = case
    fences = [
        x
        for x in land.barriers.lines
        if land.barriers.table["kind"].iloc[land.barriers.rows_of(x)[0]] == "fence"
    ]
    found = pm.barrier_impact(land, patches, by="kind").table.set_index("case")
    left = pm.barrier_impact(land.without_lines(fences), patches, by="none").today.values
    assert found.loc["without fence", list(left)].to_dict() == left


def test_nothing_line_by_line_when_it_is_not_wanted(case):
    land, patches = case
    found = pm.barrier_impact(land, patches, by="none")
    assert found.table["case"].tolist() == ["no barriers", "all barriers"]
    assert len(found.lines) == 0
    assert found.sentences[:-1] == pm.barrier_impact(land, patches, by="kind").sentences[:-2]
    with pytest.raises(OptionError, match="O01"):
        pm.barrier_impact(land, patches, by="rows")


def test_edges_of_rows_are_those_of_the_landscape(case):
    land, _ = case
    rows = StandingRows(land)
    for line in land.barriers.lines:
        mine = land.barriers.rows_of(line)
        for sums, variant in (
            (rows.without(mine), land.without_lines([line])), (rows.only(mine), land.without_barriers(keep=[line])),
        ):  # fmt: skip
            cost, series = variant.edge_barriers().at(sums.keys)
            np.testing.assert_array_equal(sums.cost, cost)
            np.testing.assert_array_equal(sums.series, series)
        changed = variant.edge_barriers()
        assert set(changed.keys) <= set(sums.keys)  # alone, it adds to no edge that was not listed


def test_progress_counts_every_group_alone_and_without():
    land, patches = landscape(4, 1)
    groups = {name: land.barriers.rows_of(name) for name in ("L1", "L2", "ring")}
    today = Measured(land, patches, land.valid)
    told = []
    watched = alone_and_without(today, groups, progress=lambda done, total: told.append((done, total)))
    assert told == [(k, 6) for k in range(1, 7)]
    quiet = alone_and_without(today, groups)
    for states, others in zip(watched, quiet):
        for a, b in zip(states, others):
            np.testing.assert_array_equal(a.cost, b.cost)
            np.testing.assert_array_equal(a.pieces, b.pieces)
