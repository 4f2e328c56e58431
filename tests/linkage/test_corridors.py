"""Corridors, reachable ranges and the published barrier score."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from numpy.typing import NDArray

from permeability.barriers import lines as pb
from permeability.core.errors import BarrierError, OptionError, PatchError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers
from permeability.engines.leastcost.distance import cost_distance, cost_matrix
from permeability.engines.leastcost.surface import cost_surface
from permeability.landscape import landscape as pl
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.linkage.barrier_score import barrier_score, window_minimum, window_offsets
from permeability.linkage.corridors import least_cost_corridors, normalised_corridor, pinch_points
from permeability.linkage.reach import (
    detour_ratio,
    distance_to_gap,
    reachable_range,
    share_reachable,
    trace_to_gap,
)
from permeability.species import species

CRS = "EPSG:32648"


def ground(seed: int, shape: tuple[int, int], holes: float = 0.05) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    r = 10 ** rng.uniform(0, 1.5, shape)
    r[rng.random(shape) < holes] = np.nan
    return r


@pytest.fixture(scope="module")
def land() -> pl.Landscape:
    grid = Grid.from_bounds((0, 0, 40_000, 30_000), cell_size=1000, crs=CRS)
    lines = gpd.GeoDataFrame(
        {
            "id": ["north", "south"],
            "kind": ["fence", "fence"],
            "line": ["F1", "F2"],
            "fence_class": ["stock", "border"],
        },
        geometry=[
            shapely.LineString([(-50, 20_020), (40_050, 20_020)]),
            shapely.LineString([(5_210, 9_030), (30_730, 9_030)]),
        ],
        crs=CRS,
    )
    return pl.build(grid, ground(1, grid.shape, 0.0), pb.prepare(lines), species("khulan"))


PLACES = {"a": [(1, 1), (2, 1)], "b": [(28, 30)], "c": [(14, 20)]}


def test_corridor_minimum_is_the_least_cost() -> None:
    r = ground(2, (60, 50))
    for v in PLACES.values():
        for cell in v:
            r[cell] = 1.0
    result = least_cost_corridors(r, PLACES, workers=2)
    matrix = cost_matrix(r, list(PLACES.values()))
    for k, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        row = result.table.iloc[k]
        assert row["cost_m"] == pytest.approx(matrix[i, j], rel=1e-12)
        corridor = result.pair(row["from"], row["to"])
        assert corridor.min() == 0.0
        assert np.allclose(corridor, result.pair(row["to"], row["from"]), rtol=0, atol=1e-9)
        total = result.distances[i] + result.distances[j]
        assert np.array_equal(np.isfinite(corridor), np.isfinite(total))
    assert np.array_equal(
        result.mosaic, np.min([result.pair("a", "b"), result.pair("a", "c"), result.pair("b", "c")], axis=0)
    )
    one = least_cost_corridors(r, PLACES, pairs=[("a", "c")])
    assert np.array_equal(one.mosaic, result.pair("a", "c"))
    narrow, wide = result.mask(5.0), result.mask(50.0)
    assert narrow.sum() < wide.sum()
    assert (wide | ~narrow).all()


def test_pair_without_a_way_has_no_corridor() -> None:
    r = np.array([[1.0, np.nan, 1.0]])
    result = least_cost_corridors(r, {"a": [(0, 0)], "b": [(0, 2)]})
    assert len(result.table) == 0
    assert np.isinf(result.mosaic).all()
    assert np.isinf(normalised_corridor(*result.distances)[0]).all()
    with pytest.raises(PatchError, match="P10"):
        result.pair("a", "z")
    with pytest.raises(OptionError, match="D12"):
        result.polygons(3.0)
    with pytest.raises(OptionError, match="D07"):
        result.mask(-1.0)


def test_corridor_polygons_cover_the_cells(land: pl.Landscape) -> None:
    spots = gpd.GeoDataFrame(
        {"id": ["w", "e"]}, geometry=[shapely.box(0, 0, 3000, 3000), shapely.Point(38_500, 27_500)], crs=CRS
    )
    result = least_cost_corridors(land, place(spots, land))
    assert isinstance(result.mosaic, xr.DataArray)
    table = result.polygons(2000.0)
    mask = result.mask(2000.0, "w", "e")
    assert table["area_km2"].iloc[0] == pytest.approx(mask.sum())
    row, col = np.argwhere(mask).T
    assert shapely.contains_xy(table.geometry.iloc[0], land.grid.x[col], land.grid.y[row]).all()
    assert table.crs == CRS


def test_pinch_points_solve_inside_the_corridor_only() -> None:
    r = np.ones((9, 30))
    r[:, 15] = np.nan
    r[4, 15] = 1.0  # the only way
    result = least_cost_corridors(r, {"a": [(4, 1)], "b": [(4, 28)]})
    seen: dict[str, Any] = {}

    def solve(resistance: Any, start: Any, end: Any, barriers: Any) -> Any:
        """Expected current as the share of a random walk, here simply one per way through each column."""
        seen.update(resistance=resistance, start=start, end=end, barriers=barriers)
        valid = np.isfinite(resistance)
        return valid / np.maximum(valid.sum(axis=0), 1)

    current = result.pinch_points("a", "b", 3.0, solve)
    assert np.array_equal(np.isfinite(current), result.mask(3.0, "a", "b"))
    assert np.argwhere(seen["start"]).tolist() == [[4, 1]]
    assert np.argwhere(seen["end"]).tolist() == [[4, 28]]
    assert np.nanmax(current[:, 10:20]) == current[4, 15] == 1.0


def laplacian_current(r: np.ndarray, walls: EdgeBarriers | None, start: int, end: int) -> np.ndarray:
    """One unit from cell to cell by a dense solve: the flow through every cell, 8 neighbours."""
    rows, cols = r.shape
    extra = {}
    if walls is not None:
        extra = {(int(c), int(k)): float(w) for c, k, w in zip(walls.cell, walls.direction, walls.resistance)}
    links = []
    for i, j in np.ndindex(*r.shape):
        for k in range(4):
            y, x = i + int(D_ROW[k]), j + int(D_COL[k])
            if y < rows and 0 <= x < cols and np.isfinite(r[i, j] + r[y, x]):
                ohm = np.hypot(y - i, x - j) * (r[i, j] + r[y, x]) / 2 + extra.get((i * cols + j, k), 0.0)
                links.append((i * cols + j, y * cols + x, 1 / ohm))
    system = np.zeros((r.size, r.size))
    for a, b, g in links:
        system[a, a] += g
        system[b, b] += g
        system[a, b] -= g
        system[b, a] -= g
    push = np.zeros(r.size)
    push[start], push[end] = 1.0, -1.0
    v = np.linalg.lstsq(system, push, rcond=None)[0]
    through = np.zeros(r.size)
    for a, b, g in links:
        through[[a, b]] += abs(g * (v[a] - v[b])) / 2
    through[[start, end]] += 0.5
    return through.reshape(r.shape)


def test_pinch_points_are_the_current_of_the_corridor() -> None:
    r = walled(3, (9, 12))
    edges = EdgeBarriers(np.array([40, 52]), np.array([1, 1], np.uint8), np.full(2, 4.0), np.full(2, 4.0))
    ends = {"a": [(1, 1)], "b": [(7, 9)]}
    result = least_cost_corridors(r, ends, barriers=edges)
    inside = result.mask(6.0, "a", "b")
    assert inside.sum() < np.isfinite(r).sum()
    expected = laplacian_current(np.where(inside, r, np.nan), edges, 13, 7 * 12 + 9)
    current = result.pinch_points("a", "b", 6.0)
    assert np.array_equal(np.isfinite(current), inside)
    assert np.allclose(current[inside], expected[inside], rtol=1e-7, atol=1e-10)
    assert np.array_equal(pinch_points(r, ends, 6.0, barriers=edges), current, equal_nan=True)


def test_pinch_points_of_a_landscape_and_its_patches(land: pl.Landscape) -> None:
    spots = gpd.GeoDataFrame(
        {"id": ["w", "e", "n"]},
        geometry=[shapely.box(0, 0, 3000, 3000), shapely.Point(38_500, 27_500), shapely.Point(20_500, 2500)],
        crs=CRS,
    )
    patches = place(spots, land)
    result = least_cost_corridors(land, patches)
    current = pinch_points(land, patches, 2000.0)
    assert isinstance(current, xr.DataArray)
    assert current.dims == result.mosaic.dims
    each = [result.pinch_points(a, b, 2000.0) for a, b in zip(result.table["from"], result.table["to"])]
    assert len(each) == 3
    assert np.array_equal(current, np.fmax.reduce(each), equal_nan=True)
    assert 0.99 < float(current.max()) <= 1 + 1e-9
    one = pinch_points(land, patches, 2000.0, pairs=[("w", "n")])
    assert np.isfinite(one).sum() < np.isfinite(current).sum()


def test_reachable_range_counts_cells_within_the_budget(land: pl.Landscape) -> None:
    field = cost_distance(land, [(5, 5)])
    reach = reachable_range(land, [(5, 5)], budget_m=25_000)
    assert reach.area_km2 == pytest.approx(float((field <= 25_000).sum()))
    own = reachable_range(land, [(5, 5)])
    assert own.budget_m == land.profile.budget_m.best
    with pytest.raises(OptionError, match="D13"):
        reachable_range(np.ones((2, 2)), [(0, 0)])
    with pytest.raises(OptionError, match="D13"):
        reachable_range(np.ones((2, 2)), [(0, 0)], budget_m=-1)


@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_reach_on_even_ground_is_the_polygon_of_its_directions(neighbours: int) -> None:
    """Shares of the circle that the docs state: 0.637, 0.900, 0.972, at any cell size."""
    said = {
        4: 2 / np.pi,
        8: 8 * np.sin(np.pi / 4) / (2 * np.pi),
        16: 4 * (np.sin(np.arctan(0.5)) + np.sin(np.arctan(1 / 3))) / np.pi,
    }
    assert said[neighbours] == pytest.approx({4: 0.637, 8: 0.900, 16: 0.972}[neighbours], abs=0.001)
    for half, tolerance in ((60, 0.02), (150, 0.008)):
        n = 2 * half + 3
        found = reachable_range(
            np.ones((n, n)),
            [(half + 1, half + 1)],
            budget_m=half * 1000.0,
            cell_size=1000,
            neighbours=neighbours,
        )
        assert found.area_km2 / (np.pi * half**2) == pytest.approx(said[neighbours], rel=tolerance)


def test_reach_with_other_neighbours_meets_the_same_barriers(land: pl.Landscape) -> None:
    wide, same = (reachable_range(land, [(5, 5)], budget_m=20_000, neighbours=n) for n in (16, 8))
    own = reachable_range(land, [(5, 5)], budget_m=20_000)
    assert own.area_km2 == same.area_km2
    assert wide.area_km2 >= own.area_km2  # more ways, none of them over what lies between
    shut = land.at("low")  # the border fence cannot be crossed then
    for n in (4, 8, 16):
        found = np.asarray(reachable_range(shut, [(5, 5)], budget_m=1e9, neighbours=n).distance)
        np.testing.assert_array_equal(np.isfinite(found), shut.parts == shut.parts[5, 5])


def test_share_reachable_is_the_mean_over_places() -> None:
    r = ground(3, (14, 12), 0.3)
    area = np.zeros(r.shape, bool)
    area[2:, 3:] = True
    cells = np.argwhere(area & np.isfinite(r))
    fields = np.array([cost_distance(r, [tuple(c)]) for c in cells])
    inside = np.isfinite(r) & area
    expected = [(f[inside] <= 40.0).mean() for f in fields]
    got = share_reachable(r, area, budget_m=40.0, places=1000, workers=2)
    assert got.mean == pytest.approx(np.mean(expected))
    assert got.standard_error == 0.0
    assert np.allclose(got.table["share"], expected)
    sampled = share_reachable(r, area, budget_m=40.0, places=30, rng=4)
    assert abs(sampled.mean - got.mean) < 5 * sampled.standard_error
    again = share_reachable(r, area, budget_m=40.0, places=30, rng=4)
    assert sampled.table.equals(again.table)


def test_detour_ratio_is_one_without_barriers(land: pl.Landscape) -> None:
    ratio = detour_ratio(land, [(2, 2)])
    assert float(ratio.min()) == 1.0
    assert float(ratio[25, 20]) > 1.0
    assert (detour_ratio(land.without_barriers(), [(2, 2)]) == 1.0).all()
    wall = EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), np.array([np.inf]), np.array([np.inf]))
    cut = detour_ratio(np.array([[1.0, 1.0, np.nan, 1.0]]), [(0, 0)], barriers=wall)
    assert cut[0, :2].tolist() == [1.0, np.inf]
    assert np.isnan(cut[0, 2:]).all()


def test_distance_to_gap_by_brute_force() -> None:
    rng = np.random.default_rng(5)
    km, gap = rng.uniform(0, 100, 200), rng.random(200) < 0.05
    for ends in (True, False):
        gaps = np.concatenate([km[gap], [km.min(), km.max()] if ends else []])
        expected = np.abs(km[:, None] - gaps[None]).min(axis=1)
        assert np.allclose(distance_to_gap(km, gap, ends_are_gaps=ends), expected)
    assert np.isinf(distance_to_gap([1.0, 2.0], [False, False], ends_are_gaps=False)).all()


def test_trace_to_gap_along_a_fence(land: pl.Landscape) -> None:
    table = trace_to_gap(land, "F2", gap_m=0.0)
    assert table["km"].is_monotonic_increasing
    assert not table["gap"].any()
    length = table["km"].iloc[-1] - table["km"].iloc[0]
    assert table["to_gap_km"].max() == pytest.approx(length / 2, abs=1.0)
    assert table["to_gap_km"].iloc[0] == 0.0
    closed = trace_to_gap(land, "F2", gap_m=0.0, ends_are_gaps=False)
    assert np.isinf(closed["to_gap_km"]).all()
    open_fence = trace_to_gap(land, "F1", gap_m=1e12)
    assert (open_fence["to_gap_km"] == 0).all()
    with pytest.raises(BarrierError, match="D14"):
        trace_to_gap(land.without_lines(["F2"]), "F2", gap_m=0.0)


# ------------------------------------------------------------------ barrier score


def walled(seed: int, shape: tuple[int, int] = (22, 24)) -> NDArray[np.float64]:
    r = ground(seed, shape, 0.03)
    r[shape[0] // 2, :] = 300.0
    r[shape[0] // 2 + 1, 3:] = 120.0
    r[1, 1] = r[-2, -3] = 1.0
    return r


ENDS = {"n": [(1, 1)], "s": [(20, 21)]}


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.4, 5.0])
@pytest.mark.parametrize("window", ["disc", "ring"])
def test_window_minimum_by_brute_force(radius: float, window: str) -> None:
    surface = cost_surface(np.ones((17, 23)), cell_size=1.0 if window == "disc" else 100.0)
    scale = float(surface.lengths[0])
    values = np.random.default_rng(6).uniform(0, 9, surface.shape)
    got = window_minimum(surface, values, radius * scale, window)
    y, x = np.indices(surface.shape)
    for r in range(17):
        for c in range(23):
            away = np.hypot(y - r, x - c) * scale
            use = (away <= radius * scale + 1e-9) & (
                away >= (radius * scale - 1 if window == "ring" else 0) - 1e-9
            )
            assert got[r, c] == (values[use].min() if use.any() else np.inf)
    assert len(window_offsets(5.0)[0]) == 81


def test_score_is_the_published_formula() -> None:
    r = walled(7)
    c1, c2 = cost_distance(r, ENDS["n"], cell_size=30), cost_distance(r, ENDS["s"], cell_size=30)
    least = c1[20, 21]
    y, x = np.indices(r.shape)
    for window in ("disc", "ring"):
        result = barrier_score(r, ENDS, [60.0, 90.0], window=window, restored=2.0, cell_size=30)
        expected = []
        for radius in (60.0, 90.0):
            layer = np.full(r.shape, -np.inf)
            for i, j in np.ndindex(*r.shape):
                away = 30 * np.hypot(y - i, x - j)
                use = (away <= radius + 1e-9) & (away >= (radius - 1 if window == "ring" else 0))
                a, b = c1[use].min(initial=np.inf), c2[use].min(initial=np.inf)
                score = (least - a - b - 2 * radius * 2.0) / (2 * radius)
                layer[i, j] = score if score >= 0 else -np.inf
            expected.append(layer)
        best = np.max(expected, axis=0)
        best[np.isinf(best)] = np.nan
        assert np.allclose(result.score, best, rtol=1e-12, equal_nan=True)
        assert np.allclose(result.percent, 100 * best / least, rtol=1e-12, equal_nan=True)
        at = np.nanargmax(np.where(np.isnan(best), -1, best))
        radius = float(np.asarray(result.radius).flat[at])
        assert np.asarray(result.gain).flat[at] == pytest.approx(best.flat[at] * 2 * radius)
        assert np.isfinite(best).any()


def walls_in(shape: tuple[int, int], seed: int) -> EdgeBarriers:
    rng = np.random.default_rng(seed)
    rows, cols = shape
    cell = rng.choice(rows * cols, 120, replace=False)
    k = rng.integers(0, 4, 120)
    use = (cell // cols + D_ROW[k] < rows) & (cell % cols + D_COL[k] >= 0) & (cell % cols + D_COL[k] < cols)
    cost = rng.choice([50.0, np.inf], int(use.sum()))
    return EdgeBarriers(cell[use], k[use].astype(np.uint8), cost, cost)


def restored_cost(surface: Any, window: np.ndarray, q: float, start: Any, end: tuple[int, int]) -> float:
    """Least cost after the cells of a window became ground of resistance q and its barriers went: a new run."""
    r, b, cols = np.asarray(surface.cell), surface.barriers, surface.shape[1]
    inside = window.reshape(-1)
    keep = ~(inside[b.cell] & inside[b.cell + D_ROW[b.direction] * cols + D_COL[b.direction]])
    return float(
        cost_distance(
            np.where(window, np.fmin(r, q), r),
            start,
            cell_size=float(surface.lengths[0]),
            barriers=EdgeBarriers(*(v[keep] for v in b)),
        )[end]
    )


@pytest.mark.parametrize("window", ["disc", "ring"])
def test_exact_score_equals_restoring_the_window_and_running_again(window: str) -> None:
    """Every window of three radii, run again; what is restored is the disc, whatever the minima are taken over."""
    r = walled(8, (15, 16))
    surface = cost_surface(r, barriers=walls_in(r.shape, 9), cell_size=30.0)
    ends = {"n": [(1, 1)], "s": [(13, 13)]}
    radii = [30.0, 60.0, 105.0]
    result = barrier_score(surface, ends, radii, crossing="exact", window=window, restored=1.5)
    before = cost_distance(surface, ends["n"])[13, 13]
    assert np.isfinite(before)
    y, x = np.indices(r.shape)
    for radius in radii:
        for i, j in np.ndindex(*r.shape):
            disc = np.hypot(y - i, x - j) * 30.0 <= radius
            after = restored_cost(surface, disc, 1.5, ends["n"], (13, 13))
            assert result.by_radius[radius][i, j] == pytest.approx(
                (before - after) / (2 * radius), rel=1e-12, abs=1e-11
            )
    assert (np.asarray(result.gain) > 30.0).any()


@pytest.mark.parametrize("window", ["disc", "ring"])
@pytest.mark.parametrize("radius", [2.0, 3.5, 5.0])
def test_published_score_is_not_the_rerun(window: str, radius: float) -> None:
    """A full diameter is charged wherever the two cheapest cells lie: too much for most windows, too little for some."""
    r = walled(10, (13, 14))
    ends, end = {"n": [(1, 1)], "s": [(11, 12)]}, (11, 12)
    surface = cost_surface(r, barriers=walls_in(r.shape, 4))
    published = barrier_score(surface, ends, radius, window=window).by_radius[radius] * 2 * radius
    before = cost_distance(surface, ends["n"])[end]
    y, x = np.indices(r.shape)
    rerun = np.empty(r.shape)
    for i, j in np.ndindex(*r.shape):
        disc = np.hypot(y - i, x - j) <= radius
        rerun[i, j] = before - restored_cost(surface, disc, 1.0, ends["n"], end)
    gains = np.isfinite(published)
    gap = published[gains] - rerun[gains]
    assert gap.min() < -0.05 * rerun.max()
    assert gap.max() <= 0.0824 * 2 * radius + 1e-9  # octile against straight: at most 8 % of the diameter
    missed = ~gains & (rerun > 1.0)
    assert missed.any() or (gap < -1.0).any()


def test_disc_score_differs_from_the_exact_one_by_the_crossing_term_only() -> None:
    """The restored way between the two best cells costs at most a diameter in 8 directions, 1.0824 x 2 r q."""
    r = np.nan_to_num(walled(10), nan=20.0)
    q = 1.0
    for radius in (1.0, 2.0, 3.5):
        estimate = barrier_score(r, ENDS, radius, restored=q).by_radius[radius] * 2 * radius
        exact = barrier_score(r, ENDS, radius, crossing="exact", restored=q).by_radius[radius] * 2 * radius
        assert np.all(exact[np.isfinite(exact)] >= 0)
        both = np.isfinite(estimate)
        assert (exact[both] >= estimate[both] - 2 * radius * q * 0.0824).all()


def test_ring_finds_no_more_than_the_disc_and_sums_count_positives() -> None:
    r = walled(11)
    places = {**ENDS, "w": [(2, 20)]}
    disc, ring = (barrier_score(r, places, 2.0, window=w) for w in ("disc", "ring"))
    assert np.nanmax(ring.score) <= np.nanmax(disc.score)
    both = np.isfinite(ring.score)
    assert (disc.score[both] >= ring.score[both]).all()
    parts = [
        barrier_score(r, places, 2.0, pairs=[p]).by_radius[2.0] for p in (("n", "s"), ("n", "w"), ("s", "w"))
    ]
    total = barrier_score(r, places, 2.0, combine="sum")
    assert np.allclose(total.score, np.nansum(np.maximum(np.nan_to_num(parts), 0), axis=0))
    best = np.where(np.isnan(parts), -np.inf, parts).max(axis=0)
    assert np.allclose(np.where(np.isnan(disc.score), -np.inf, disc.score), best)


def test_circles_spread_the_score() -> None:
    result = barrier_score(walled(12), ENDS, [2.0, 3.0])
    filled = result.circles()
    y, x = np.indices(filled.shape)
    for i, j in [(5, 5), (10, 12), (12, 20)]:
        values = [s[np.hypot(y - i, x - j) <= radius] for radius, s in result.by_radius.items()]
        joined = np.concatenate(values)
        expected = np.nanmax(joined) if np.isfinite(joined).any() else np.nan
        assert filled[i, j] == pytest.approx(expected, nan_ok=True)
    trimmed = result.circles(trimmed=True)
    use = np.isfinite(trimmed) & np.isfinite(result.surface.cell)
    assert (trimmed[use] <= result.surface.cell[use] - 1).all()


@pytest.mark.parametrize(
    "options",
    [
        {"radii_m": 0.5},
        {"radii_m": []},
        {"radii_m": 2.0, "restored": 0.0},
        {"radii_m": 2.0, "cell_size": (1.0, 2.0)},
    ],
)
def test_score_refuses_what_it_cannot_mean(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="D15"):
        barrier_score(walled(1), ENDS, **options)


def test_score_refuses_unknown_words() -> None:
    with pytest.raises(OptionError, match="disc"):
        barrier_score(walled(1), ENDS, 2.0, window="disk")


def test_pairs_of_places_that_are_not_there_are_named() -> None:
    places = {"a": [(0, 0)], "b": [(0, 2)], "c": [(1, 0)]}
    with pytest.raises(PatchError, match=r"(?s)P10.*choose from a, b, c") as caught:
        least_cost_corridors(np.ones((2, 3)), places, pairs=[("a", "z"), ("y", "b")])
    assert list(caught.value.rows) == ["y", "z"]
    one = least_cost_corridors(np.ones((2, 3)), places, pairs=[("c", "b")])
    assert one.table[["from", "to"]].to_numpy().tolist() == [["c", "b"]]
