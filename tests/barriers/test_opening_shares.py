"""What is opened is as long as what is drawn: at every origin, angle, cell size, splitting and direction of the line."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import permeability as pm
from permeability.barriers.chainage import Chainage
from permeability.barriers.cut_costs import acts_of, pieces_of
from permeability.barriers.edge_cuts import cut_edges
from permeability.barriers.lines import Barriers, prepare
from permeability.barriers.passability import Structure, spaced_chance, structure_chance
from permeability.barriers.scenario import Intervention
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.landscape_indices import pair_resistances
from permeability.species import species

CRS = "EPSG:32648"
KHULAN = species("khulan")


def layer(lines, kind="fence", **columns) -> gpd.GeoDataFrame:
    """Rows of one line "F" from the kilometres they begin at; every row its own geometry."""
    n = len(lines)
    about = {
        "id": [f"F{i}" for i in range(n)],
        "line": ["F"] * n,
        "kind": [kind] * n,
        "fence_class": ["border"] * n,
    }
    return gpd.GeoDataFrame({**about, **columns}, geometry=list(lines), crs=CRS)


def split(line: shapely.LineString, at: list[float], turned: list[bool]) -> list[shapely.LineString]:
    """A line as rows that begin and end at some distances, some of them drawn backwards."""
    from shapely.ops import substring

    ends = [0.0, *sorted(at), line.length]
    parts = [substring(line, a, b) for a, b in pairwise(ends)]
    return [shapely.LineString(p.coords[::-1]) if t else p for p, t in zip(parts, turned)]


def as_barriers(table: gpd.GeoDataFrame, at: list[float], turned: list[bool]) -> Barriers:
    """Rows with the kilometres of the line that they are parts of, those drawn backwards with falling ones."""
    barriers = prepare(table)
    begins = [0.0, *sorted(at)]
    chainages = []
    for row, begin, back in zip(table.geometry, begins, turned):
        km = np.array([begin, begin + row.length]) / 1000
        chainages.append(Chainage(np.array([0.0, row.length]), km[::-1] if back else km, "posts"))
    return Barriers(barriers.table, tuple(chainages))


def opened_length(
    barriers: Barriers, grid: pm.Grid, step: Intervention, neighbours: int
) -> tuple[float, float]:
    """Length of line that the pieces of one opening stand for, and its drawn length on the grid [m]."""
    cuts = cut_edges(barriers, grid, neighbours=neighbours)
    acts = acts_of(barriers, cuts.chains, [step])
    pieces = pieces_of(cuts, acts)
    links = cuts.direction[pieces.cut] < 4
    middle = 0.5 * (pieces.low + pieces.high)
    inside = links & np.any(
        [(middle > a.low) & (middle < a.high) & (pieces.chain == a.chain) for a in acts], axis=0
    )
    length = (cuts.own_to - cuts.own_from)[pieces.cut[inside]]
    return float((pieces.share[inside] * length).sum()), sum(a.high - a.low for a in acts)


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0, np.pi), st.tuples(st.floats(0, 1), st.floats(0, 1)), st.sampled_from([4, 8, 16]), st.sampled_from([250.0, 1000.0, 3000.0]),
    st.lists(st.floats(0.02, 0.98), max_size=4), st.lists(st.booleans(), min_size=5, max_size=5), st.integers(0, 10**6),
)  # fmt: skip
def test_opened_length_is_drawn_length(angle, origin, neighbours, cell, at, turned, seed):
    rng = np.random.default_rng(seed)
    size = 40 * cell
    grid = pm.Grid.from_bounds((0, 0, size, size), cell_size=cell, crs=CRS)
    middle = size / 2 + cell * (np.array(origin) - 0.5)
    way = np.array([np.cos(angle), np.sin(angle)]) * 0.35 * size
    line = shapely.LineString([middle - way, middle + way])
    at = sorted({max(100.0, round(a * line.length, -2)) for a in at})
    barriers = as_barriers(layer(split(line, at, turned)), at, turned)
    for _ in range(25):
        width = min(10 ** rng.uniform(-1, 5), 0.9 * line.length)
        centre = rng.uniform(0.5 * width, line.length - 0.5 * width)
        a, b = (centre - 0.5 * width) / 1000, (centre + 0.5 * width) / 1000
        found, drawn = opened_length(barriers, grid, Intervention("remove", "F", a, b), neighbours)
        assert drawn == pytest.approx(width, rel=1e-9, abs=1e-8)
        assert found == pytest.approx(drawn, rel=1e-9, abs=1e-8)


def winding(seed: int, wide: float = 300.0) -> shapely.LineString:
    rng = np.random.default_rng(seed)
    y = np.arange(-4_000.0, 44_001.0, 250.0)
    x = 20_137.0 + wide * np.cumsum(rng.normal(size=len(y))) / 4 + rng.normal(scale=wide, size=len(y))
    return shapely.LineString(np.column_stack([np.clip(x, 6_000, 34_000), y]))


def landscape(barriers: Barriers, who=KHULAN):
    grid = pm.Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=1000.0, crs=CRS)
    ground = np.exp(0.4 * np.random.default_rng(3).normal(size=grid.shape))
    land = build(grid, ground, barriers, who)
    ends = [shapely.box(1_500, 4_000, 5_000, 36_000), shapely.box(35_500, 4_000, 38_500, 36_000)]
    return land, place(gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=ends, crs=CRS), land)


def conductance(land, patches) -> float:
    return 1.0 / float(pair_resistances(land, patches)[0, 1])


@pytest.mark.parametrize("kind", ["fence", "railway"])
def test_rows_of_half_a_kilometre_gain_what_one_row_gains(kind):
    line = winding(1)
    at = list(np.arange(500.0, line.length, 500.0))
    rng = np.random.default_rng(1)
    found = []
    for marks in ([], at):
        turned = list(rng.random(len(marks) + 1) < 0.5) if marks else [False]
        rows = split(line, marks, turned)
        table = layer(rows, kind, **({"fenced": ["yes"] * len(rows)} if kind == "railway" else {}))
        table = table.drop(columns="fence_class") if kind == "railway" else table
        land, patches = landscape(as_barriers(table, marks, turned))
        plan = pm.Scenario("x").remove("F", km=(18.2, 24.9))
        found.append((conductance(land, patches), conductance(land.with_scenario(plan), patches)))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_a_set_built_on_the_landscape_equals_the_layer_edited_row_by_row(seed):
    """The oracle: the line split at the kilometres of the openings, their rows unfenced, everything anew."""
    line, rng = winding(seed, 500.0), np.random.default_rng(seed)
    whole = layer([line], "railway", fenced=["yes"]).drop(columns="fence_class")
    land, _ = landscape(prepare(whole))
    marks = np.sort(rng.uniform(5_000, line.length - 5_000, 4))
    steps = [Intervention("remove", "F", a / 1000, b / 1000) for a, b in (marks[:2], marks[2:])]
    effects = EdgeEffects(land, [[s] for s in steps] + [steps])
    cost, series = effects.after(land)
    fenced = ["yes", "no", "yes", "no", "yes"]
    for k, states in enumerate(
        (["yes", "no", "yes", "yes", "yes"], ["yes", "yes", "yes", "no", "yes"], fenced)
    ):
        turned = [bool(x) for x in rng.random(5) < 0.5]
        table = layer(split(line, list(marks), turned), "railway", fenced=states).drop(columns="fence_class")
        edited, _ = landscape(as_barriers(table, list(marks), turned))
        keys = effects.keys[effects.start[k] : effects.start[k + 1]]
        here = slice(effects.start[k], effects.start[k + 1])
        got = edited.edge_barriers().at(keys)
        np.testing.assert_allclose(got[0], cost[here], rtol=1e-9)
        np.testing.assert_allclose(1 / (1 + got[1]), 1 / (1 + series[here]), atol=1e-12)
        built = land.edge_barriers().replaced(keys, cost[here], series[here])
        again = land.with_scenario(pm.Scenario("x", tuple(steps if k == 2 else [steps[k]]))).edge_barriers()
        np.testing.assert_allclose(built.at(again.keys)[1], again.resistance, rtol=1e-12, atol=1e-12)


def test_a_row_shorter_than_ends_may_miss_each_other_is_on_the_chain():
    """An opening of 0.1 m as a row of its own: its two ends are two places."""
    line = winding(5)
    marks = [15_000.0, 15_000.1, 22_000.0]
    rows = split(line, marks, [False, True, False, True])
    chains = as_barriers(layer(rows), marks, [False, True, False, True])
    found = cut_edges(chains, pm.Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=1000.0, crs=CRS))
    whole = cut_edges(as_barriers(layer([line]), [], [False]), pm.Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=1000.0, crs=CRS))  # fmt: skip
    assert found.chains.chain.tolist() == [0] * 4
    np.testing.assert_array_equal(found.edge_keys, whole.edge_keys)
    np.testing.assert_allclose(found.own_from, whole.own_from, rtol=1e-9, atol=1e-6)


def test_wider_openings_conduct_more():
    land, patches = landscape(prepare(layer([winding(4)])))
    widths = [0.1, 1, 10, 100, 999, 1000, 1500, 2000, 2001, 5000, 12_000]
    found = [
        conductance(
            land.with_scenario(pm.Scenario("x").remove("F", km=(21 - w / 2000, 21 + w / 2000))), patches
        )
        for w in widths
    ]
    assert (np.diff(found) > 0).all()
    assert found[0] < found[-1] / 100  # a metre of opening is not a cell of it


@pytest.mark.parametrize("who", ["khulan", "mongolian_gazelle"])
@pytest.mark.parametrize("kind", ["fence", "railway"])
def test_wider_gaps_conduct_more(kind, who):
    columns = {"fenced": ["yes"]} if kind == "railway" else {}
    line = shapely.LineString([(20_137, -90_000), (20_137, 130_000)])
    land, patches = landscape(prepare(layer([line], kind, **columns)), species(who))
    found = [
        conductance(
            land.with_scenario(pm.Scenario("x").treat("F", km=110.3, treatment="gap", width_m=w)), patches
        )
        for w in (5.0, 20.0, 50.0, 200.0, 500.0, 501.0, 800.0, 1200.0, 2000.0)
    ]
    assert (np.diff(found) > -1e-6 * np.array(found[1:])).all()


@pytest.mark.parametrize("who", ["khulan", "mongolian_gazelle"])
@pytest.mark.parametrize("spacing_km", [1.0, 5.0, 20.0, 50.0])
@pytest.mark.parametrize("width_m", [5.0, 50.0, 500.0])
def test_gaps_drawn_singly_cost_what_their_spacing_says(who: str, spacing_km: float, width_m: float) -> None:
    """What the line conducts with gaps set one by one, against the closed form for gaps at even distances.

    The cells on both sides of the line are two nodes, so what lies between is the sum of the line's own edges.
    """
    profile, cell, length = species(who), 1000.0, 200_000.0
    grid = pm.Grid.from_bounds((0, 0, 6_000, length), cell_size=cell, crs=CRS)
    fence = prepare(layer([shapely.LineString([(3_137, 0), (3_137, length)])]))
    land = build(grid, np.ones(grid.shape), fence, profile, neighbours=4)
    plan = pm.Scenario("gaps")
    for k in range(round(length / 1000 / spacing_km)):
        plan = plan.treat("F", km=(k + 0.5) * spacing_km, treatment="gap", width_m=width_m)
    sides = np.zeros(grid.shape, np.int32)
    sides[:, 2], sides[:, 3] = 1, 2

    def cost(state) -> float:
        open_ground = effective_resistances(land.without_barriers().links(), regions=sides)[0, 1]
        return cell * (effective_resistances(state.links(), regions=sides)[0, 1] / open_ground - 1)

    m = float(profile.trace_length_m.best)
    today = cost(land)
    chance = spaced_chance(
        float(structure_chance(Structure("gap", width_m), profile).best), m / (m + today), m,
        width_m=width_m, spacing_m=1000 * spacing_km,
    )  # fmt: skip
    assert cost(land.with_scenario(plan)) == pytest.approx(m * (1 - chance) / chance, rel=0.1)
    assert cost(land.with_scenario(plan)) < today


def test_a_gap_in_a_complete_fence_comes_to_the_analytic_slit():
    """Two half planes joined by a slit of width w: half of the plane's resistance between confocal ellipses on each side.

    With elliptic coordinates (foci at the ends of the slit) the resistance between the slit and the ellipse with
    half-axis ``a`` is ``arccosh(2 a / w) / pi`` for one half plane of unit conductivity (Morse & Feshbach 1953, 10.1).
    """
    w, side = 4_000.0, 60_000.0
    found = []
    for cell in (2_000.0, 1_000.0, 500.0, 250.0):
        grid = pm.Grid.from_bounds((0, 0, side, side), cell_size=cell, crs=CRS)
        table = layer([shapely.LineString([(side / 2 + 3.7, -9_000), (side / 2 + 3.7, side + 9_000)])])
        land = build(grid, np.ones(grid.shape), prepare(table), KHULAN)
        half = 9_000.0 + side / 2
        land = land.with_scenario(
            pm.Scenario("slit").remove("F", km=((half - w / 2) / 1000, (half + w / 2) / 1000))
        )
        # ellipses about the slit: outside of them is one patch on each side
        x, y = np.meshgrid(grid.x - side / 2, grid.y - side / 2)
        big = 24_000.0
        outside = (x / np.sqrt(big**2 - (w / 2) ** 2)) ** 2 + (y / big) ** 2 > 1
        labels = np.where(outside, np.where(x > 0, 2, 1), 0).astype(np.int32)
        found.append(float(effective_resistances(land.links(), regions=labels)[0, 1]))
    exact = 2 * np.arccosh(2 * 24_000.0 / w) / np.pi / (1 + np.sqrt(2))
    error = np.abs(np.array(found) / exact - 1)
    assert (np.diff(error) < 0).all(), error
    assert error[-1] < 0.03
