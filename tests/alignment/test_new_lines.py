"""New lines on landscapes: what is summed along a line against inserting it, limits on the geometry itself, refusals, comparison."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.ndimage import gaussian_filter

import permeability as pm
from permeability.alignment import (
    crossing_cost_m,
    damage_together,
    routing,
    structures_for,
    trade_off,
    with_new_line,
)
from permeability.alignment.damage import line_network
from permeability.alignment.line_limits import cells_given, corner_heights
from permeability.alignment.no_go_areas import touched_cells
from permeability.alignment.routing import possible
from permeability.alignment.several_species import compare_for_species, options_together
from permeability.barriers.lines import prepare
from permeability.core.errors import BarrierError, OptionError
from permeability.engines.circuit import pairwise
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patches import Patches, place
from permeability.linkage.measured import Measured
from permeability.species import species

CRS = "EPSG:32648"
KM = 1000.0


def ground(seed: int = 1, cells: int = 30, cell: float = 1000.0, origin: float = 0.0, neighbours: int = 8):
    """Uneven ground with one stock fence and four patches."""
    rng = np.random.default_rng(seed)
    size = cells * cell
    grid = pm.Grid.from_bounds((origin, origin, origin + size, origin + size), cell_size=cell, crs=CRS)
    field = gaussian_filter(rng.standard_normal((cells, cells)), 3)
    fence = gpd.GeoDataFrame(
        {"id": ["old"], "kind": "fence", "fence_class": "stock"},
        geometry=[shapely.LineString([(origin + 0.3 * size, origin + 0.55 * size), (origin + 0.45 * size, origin + 0.9 * size)])],
        crs=CRS,
    )  # fmt: skip
    land = build(grid, np.exp(field / field.std()), prepare(fence), species("khulan"), neighbours=neighbours)
    spots = [(0.2, 0.2), (0.8, 0.25), (0.2, 0.8), (0.8, 0.7)]
    boxes = [
        shapely.box(*(origin + size * v for v in (x - 0.04, y - 0.04, x + 0.04, y + 0.04))) for x, y in spots
    ]
    table = gpd.GeoDataFrame({"id": list("abcd"), "weight": [1.0, 2.0, 1.0, 0.5]}, geometry=boxes, crs=CRS)
    return land, place(table, land)


LINES = [
    shapely.LineString([(0, 15_400), (30_000, 13_100)]),
    shapely.LineString([(14_000, 0), (16_200, 12_000), (13_700, 30_000)]),
    shapely.LineString([(5_000, 14_000), (12_345, 18_765), (28_000, 14_500)]),
]


def resistances(land: Landscape, patches: Patches) -> np.ndarray:
    """By the pairwise solver on the whole landscape, nothing of the new lines."""
    return pairwise(land.resistance, patches.labels, barriers=land.edge_barriers(), current=None).resistance


def loss(land: Landscape, after: Landscape, patches: Patches) -> float:
    w = np.triu(patches.pair_weights())
    i, j = np.nonzero(w)
    before, then = (resistances(x, patches)[i, j] for x in (land, after))
    return float((w[i, j] * then).sum() / (w[i, j] * before).sum() - 1)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("kind", ["stock_fence", "railway_fenced", {"kind": "road", "vehicles_per_day": 500}])
def test_summed_along_a_line_it_is_the_first_order_and_the_exact_loss_lies_within(line, kind) -> None:
    land, patches = ground()
    damage = pm.damage_map(land, patches, kind)
    found, exact = damage.along(line), damage.exact(line)
    assert exact == pytest.approx(loss(land, with_new_line(land, line, kind), patches), rel=1e-6)
    assert found.low - 1e-9 <= exact <= found.high + 1e-9
    assert found.km == pytest.approx(line.length / KM)
    if np.isfinite(
        damage.crossing_m
    ):  # the first order is the slope at no line: one that costs a millionth of it
        new = with_new_line(land, line, kind)
        mine = new.cuts.barrier == len(new.barriers) - 1
        keys, where = np.unique(new.cuts.edge_keys[mine], return_inverse=True)
        series = np.bincount(where, damage.crossing_m / new.weight[mine])
        slight = line_network(land, patches).with_line(keys, 1e-6 * series).loss
        assert 1e6 * slight == pytest.approx(found.high, rel=1e-3)


def test_moves_of_the_map_add_up_to_the_first_order_of_their_line() -> None:
    land, patches = ground()
    found = pm.route(
        land, patches, (15_000, 0), (15_000, 30_000), "stock_fence", n_starts=2, edge_cells=0, max_turn_deg=45
    )
    line = found.table.geometry.iloc[0]
    from permeability.engines.alignment import CornerLine, move_costs

    corners = np.array([((30_000 - y) / KM, x / KM) for x, y in shapely.get_coordinates(line)]).astype(int)
    moves = CornerLine(corners)
    costs = move_costs(found.damage.high)
    at = corners[:-1]
    assert costs[moves.moves, at[:, 0], at[:, 1]].sum() == pytest.approx(found.damage.along(line).high)


def test_a_wall_has_a_bound_from_below_only_and_parting_is_infinite() -> None:
    land, patches = ground()
    damage = pm.damage_map(land, patches, "border_fence")
    across = shapely.LineString([(15_000, -1000), (15_000, 31_000)])
    assert np.isinf(damage.crossing_m)
    assert np.isinf(damage.exact(across))
    assert np.isinf(damage.along(across).high)
    part = shapely.LineString([(15_000, 5_000), (15_000, 25_000)])
    assert 0 < damage.along(part).low <= damage.exact(part) < np.inf


def test_the_least_cost_view_is_bounded_too() -> None:
    land, patches = ground()
    damage = pm.damage_map(land, patches, "stock_fence")
    w = np.triu(patches.pair_weights())
    for line in LINES:
        before, after = (
            Measured(x, patches, x.valid).cost for x in (land, with_new_line(land, line, "stock_fence"))
        )
        exact = float((w[w > 0] * after[w > 0]).sum() / (w[w > 0] * before[w > 0]).sum() - 1)
        assert -1e-9 <= exact <= damage.along(line).least_cost_high + 1e-9


def test_numbers_do_not_hang_on_where_the_grid_lies_or_how_the_line_is_drawn() -> None:
    land, patches = ground()
    moved, moved_patches = ground(origin=123_000.0)
    line = LINES[2]
    other = shapely.transform(line, lambda xy: xy + 123_000.0)
    one = pm.damage_map(land, patches, "stock_fence").along(line)
    for again in (
        pm.damage_map(moved, moved_patches, "stock_fence").along(other),
        pm.damage_map(land, patches, "stock_fence").along(line.reverse()),
        pm.damage_map(land, patches, "stock_fence").along(shapely.segmentize(line, 700.0)),
    ):
        assert tuple(again) == pytest.approx(tuple(one), rel=1e-6)


def test_species_together_are_a_weighted_mean() -> None:
    land, patches = ground()
    a, b = pm.damage_map(land, patches, "stock_fence"), pm.damage_map(land, patches, "railway")
    both = damage_together([a, b], [1, 3])
    assert both.along(LINES[0]).high == pytest.approx(
        (a.along(LINES[0]).high + 3 * b.along(LINES[0]).high) / 4
    )
    with pytest.raises(OptionError, match="U04"):
        damage_together([a], [1, 2])


def measured(line: shapely.LineString) -> tuple[float, float]:
    """Length [km] and largest turn [degrees] of a geometry."""
    d = np.diff(shapely.get_coordinates(line), axis=0)
    unit = d / np.hypot(*d.T)[:, None]
    cos = np.clip((unit[:-1] * unit[1:]).sum(1), -1, 1)
    return line.length / KM, float(np.degrees(np.arccos(cos)).max(initial=0))


def test_limits_hold_on_the_geometry() -> None:
    land, patches = ground()
    heights = np.add.outer(np.linspace(0, 900, 30), 200 * np.sin(np.arange(30) / 4))
    closed = shapely.Point(15_500, 14_500).buffer(3_000)
    corridor = shapely.box(6_000, -1_000, 26_000, 31_000)
    limits = {
        "max_length": 1.35, "max_turn_deg": 46.0, "max_gradient": 0.06, "elevation": heights, "no_go": closed,
        "corridor": corridor, "via": [(12_000, 20_000)], "n_starts": 4, "edge_cells": 0,
    }  # fmt: skip
    start, end = (15_000, 0), (16_000, 30_000)
    found = pm.route(land, patches, start, end, "stock_fence", **limits)
    high = corner_heights(heights)
    straight = np.hypot(3, 20) + np.hypot(4, 10)
    for row in found.table.itertuples():
        length, turn = measured(row.geometry)
        assert length <= 1.35 * straight + 1e-9
        assert row.length_km == pytest.approx(length)
        assert turn <= 46.0 + 1e-9
        assert row.largest_turn_deg == pytest.approx(turn, abs=1e-6)
        assert not row.geometry.intersects(closed)
        assert row.geometry.within(corridor)
        xy = shapely.get_coordinates(row.geometry)
        z = high[((30_000 - xy[:, 1]) / KM).astype(int), (xy[:, 0] / KM).astype(int)]
        rise = np.abs(np.diff(z)) / np.hypot(*np.diff(xy, axis=0).T)
        assert rise.max() <= 0.06 + 1e-9
        assert row.steepest == pytest.approx(rise.max())
        assert (12_000.0, 20_000.0) in [tuple(p) for p in xy]
        assert tuple(xy[0]) == start
        assert tuple(xy[-1]) == end
        assert row.loss_low - 1e-9 <= row.loss <= row.loss_high + 1e-9
    assert found.table["loss"].iloc[0] <= found.habitat_loss + 1e-9


def test_what_cannot_be_says_which_limit_to_loosen() -> None:
    land, patches = ground()
    wall = shapely.box(-1_000, 14_000, 31_000, 16_000)
    with pytest.raises(OptionError, match="U08") as refused:
        pm.route(land, patches, (15_000, 0), (15_000, 30_000), "stock_fence", no_go=wall, edge_cells=0)
    assert refused.value.remedy == "loosen no_go"
    part = shapely.box(5_000, 14_000, 31_000, 16_000)
    with pytest.raises(OptionError, match="U08") as refused:
        pm.route(
            land,
            patches,
            (15_000, 0),
            (15_000, 30_000),
            "stock_fence",
            no_go=part,
            max_length=1.1,
            edge_cells=0,
        )
    assert "max_length" in refused.value.remedy
    assert "no_go" in refused.value.remedy
    for wrong in (
        {"max_length": 0.9},
        {"max_turn_deg": 5.0},
        {"max_gradient": 0.01},
        {"no_go": np.ones((2, 2))},
    ):
        with pytest.raises(OptionError, match="U06"):
            pm.route(land, patches, (15_000, 0), (15_000, 30_000), "stock_fence", **wrong)
    with pytest.raises(OptionError, match="U06"):
        pm.route(land, patches, (99_000, 0), (15_000, 30_000), "stock_fence")
    with pytest.raises(OptionError, match="U02"):
        pm.route(land, patches, (15_000, 0), (15_000, 30_000), "monorail")


def test_lines_along_the_edge_of_the_study_area_are_refused() -> None:
    """Between two corners of the map, the line along its edge takes nothing: nothing is known of what lies beyond."""
    land, patches = ground()
    args = (land, patches, (0, 0), (30_000, 0), "stock_fence")
    with pytest.raises(OptionError, match="U07"):
        pm.route(*args, max_length=1.1, n_starts=2, edge_cells=2)
    free = pm.route(*args, max_length=1.1, n_starts=2, edge_cells=0)
    assert free.table["loss"].iloc[0] == pytest.approx(0.0, abs=1e-9)


def test_alternatives_run_elsewhere_and_the_curve_falls() -> None:
    land, patches = ground()
    found = pm.route(
        land,
        patches,
        (15_000, 0),
        (15_000, 30_000),
        "stock_fence",
        n_alternatives=3,
        n_starts=4,
        edge_cells=0,
    )
    lines = list(found.table.geometry)
    assert len(lines) == 3
    for i, a in enumerate(lines):
        for b in lines[:i]:
            assert a.difference(b.buffer(1_000)).length > 0.2 * a.length
    curve = trade_off(
        land,
        patches,
        (15_000, 0),
        (15_000, 30_000),
        "stock_fence",
        max_lengths=(1.05, 1.5),
        n_starts=3,
        edge_cells=0,
    )
    assert curve["loss"].iloc[1] < curve["loss"].iloc[0]


def test_a_price_counts_when_it_is_given_weight() -> None:
    land, patches = ground()
    price = np.tile(np.linspace(1, 50, 30), (30, 1))  # dear in the east
    args = (land, patches, (15_000, 0), (15_000, 30_000), "stock_fence")
    free, priced = (
        pm.route(*args, price=price, price_weight=w, n_starts=3, edge_cells=0).table.iloc[0]
        for w in (0.0, 1.0)
    )
    assert priced["price"] < free["price"]
    assert priced["loss"] >= free["loss"] - 1e-9


def test_no_go_has_classes_layers_and_draws() -> None:
    land, patches = ground()
    damage = pm.damage_map(land, patches, "stock_fence")
    park = gpd.GeoDataFrame(geometry=[shapely.box(2_000, 2_000, 4_000, 4_000)], crs=CRS)
    low = pm.damage_map(land.at("low"), patches, "stock_fence")
    found = pm.no_go(damage, layers={"park": park}, distance_m={"park": 500.0}, draws=[damage, low])
    assert found.table["area_km2"].sum() == pytest.approx(900.0)
    assert found.table.geometry.area.sum() == pytest.approx(9e8)
    assert (found.classes[damage.worst >= found.thresholds[1]] == 3).all()
    assert found.closed[26, 2]
    assert set(found.table["class"]) == {"no-go", "avoid", "suitable"}
    assert np.nanmin(found.share) >= 0.5
    assert np.nanmean(damage.worst >= found.thresholds[0]) == pytest.approx(0.2, abs=0.01)
    for wrong in ({"worst": (0.1, 0.3)}, {"thresholds": (2.0, 1.0)}, {"distance_m": {"lake": 5.0}}):
        with pytest.raises(OptionError, match="U05"):
            pm.no_go(damage, **wrong)


def test_lines_side_by_side() -> None:
    land, patches = ground()
    lines = {"A": LINES[0], "B": LINES[1]}
    halves = gpd.GeoDataFrame(
        {"name": ["west", "east"]}, geometry=[shapely.box(-1e5, -1e5, 15_000, 1e5), shapely.box(15_000, -1e5, 1e5, 1e5)], crs=CRS
    )  # fmt: skip
    found = pm.compare_alternatives(
        lines, land, patches, "stock_fence", countries=halves, price=np.ones((30, 30)), draws=3
    )
    table = found.table.set_index("line")
    for name, line in lines.items():
        assert table.loc[name, "loss"] == pytest.approx(
            loss(land, with_new_line(land, line, "stock_fence"), patches), rel=1e-6
        )
        assert table.loc[name, "price"] == pytest.approx(line.length / KM)
        assert found.by_country.query("line == @name")["length_km"].sum() == pytest.approx(line.length / KM)
    changes = found.indices.table.query("index == 'mean_conductance' and scenario != 'no line'")
    assert (changes["change"] < 0).all()
    assert (changes["change_low"] <= changes["change_high"]).all()
    worst = table["loss"].max()
    assert table["avoided"].tolist() == pytest.approx((1 - table["loss"] / worst).tolist())
    with pytest.raises(OptionError, match="U09"):
        pm.compare_alternatives({}, land, patches)
    with pytest.raises(BarrierError, match="U03"):
        pm.compare_alternatives({"far": shapely.LineString([(9e6, 9e6), (9e6, 8e6)])}, land, patches)


def test_structures_bring_a_loss_down_to_a_target() -> None:
    land, patches = ground()
    bare = pm.damage_map(land, patches, "stock_fence").exact(LINES[0])
    km, left = structures_for(
        land, patches, LINES[0], 0.5 * bare, "stock_fence", spacing_km=6, treatment="remove", width_m=None
    )
    assert 1 <= len(km) <= 5
    assert left <= 0.5 * bare
    none, same = structures_for(land, patches, LINES[0], 2 * bare, "stock_fence")
    assert (none, same) == ([], pytest.approx(bare))


def test_what_a_crossing_costs_follows_the_traffic() -> None:
    land, _ = ground()
    costs = [crossing_cost_m(land, {"kind": "road", "vehicles_per_day": q}) for q in (10, 100, 1000)]
    assert costs[0] < costs[1] < costs[2]


def test_a_damage_map_shows_itself_in_a_notebook() -> None:
    land, patches = pm.samples.tiny()
    damage = pm.damage_map(land.without_barriers(), patches, "stock_fence")
    html = damage._repr_html_()
    assert "loss_below_pct_per_km" in html
    assert "<img" in html


# ---------------------------------------------------------------- limits in every form, and what is said where none can be kept
@pytest.fixture(scope="module")
def tiny() -> tuple[Landscape, Patches]:
    land, patches = pm.samples.tiny()
    return land.without_barriers(), patches


def test_a_no_go_area_is_the_same_as_classes_layer_polygon_or_mask(tiny) -> None:
    land, patches = tiny
    damage = pm.damage_map(land, patches, "stock_fence")
    park = gpd.GeoDataFrame(geometry=[shapely.box(4_100, 3_100, 5_900, 4_900)], crs=land.grid.crs)
    classes = pm.no_go(damage, thresholds=(np.nanmax(damage.worst) * 2,) * 2, layers={"park": park})
    forms = [classes, park, park.to_crs("EPSG:4326"), park.geometry.iloc[0], classes.closed]
    found = [cells_given(form, land, "no_go") for form in forms]
    assert np.argwhere(found[0]).tolist() == [[3, 4], [3, 5], [4, 4], [4, 5]]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_a_corridor_is_the_same_as_layer_polygon_or_mask(tiny) -> None:
    land, patches = tiny
    way = shapely.box(4_000, -1_000, 8_000, 9_000)
    mask = np.zeros(land.grid.shape, bool)
    mask[:, 4:8] = True
    layer = gpd.GeoDataFrame(geometry=[way, way.buffer(-500)], crs=land.grid.crs)
    args = (land, patches, (6_000, 0), (6_000, 8_000))
    outside = [
        possible(*args, corridor=c).limits.closed_cells["corridor"]
        for c in (way, layer, layer.to_crs("EPSG:4326"), mask)
    ]
    np.testing.assert_array_equal(outside[3], ~mask)
    for other in outside[:3]:
        assert other[
            :, [0, 1, 2, 9, 10, 11]
        ].all()  # cells that the rim of a polygon runs along are closed too
        assert not other[:, 4:8][:, 1:-1].any()
    np.testing.assert_array_equal(outside[0], outside[1])


def test_an_empty_layer_closes_nothing(tiny) -> None:
    land, _ = tiny
    for shapes in ([], [None], [shapely.Polygon()]):
        layer = gpd.GeoDataFrame(geometry=shapes, crs=land.grid.crs)
        assert not touched_cells(layer, land, 500.0).any()


def test_stated_thresholds_part_the_classes(tiny) -> None:
    land, patches = tiny
    damage = pm.damage_map(land, patches, "stock_fence")
    some, most = (float(np.nanquantile(damage.worst, q)) for q in (0.5, 0.9))
    found = pm.no_go(damage, thresholds=(some, most))
    assert found.thresholds == (some, most)
    np.testing.assert_array_equal(found.closed, damage.worst >= most)
    assert (found.classes == 2).sum() == ((damage.worst >= some) & (damage.worst < most)).sum()


def test_where_nothing_runs_elsewhere_there_is_one_line(tiny) -> None:
    """A corridor three cells wide: with its middle closed no second line is left."""
    land, patches = tiny
    how = {"n_starts": 2, "edge_cells": 0, "corridor": shapely.box(5_000, -1_000, 7_000, 9_000)}
    found = pm.route(land, patches, (6_000, 0), (6_000, 8_000), "stock_fence", n_alternatives=3, **how)
    assert len(found.table) == 1
    wide = pm.route(land, patches, (6_000, 0), (6_000, 8_000), "stock_fence", n_alternatives=3, n_starts=2, edge_cells=0)  # fmt: skip
    assert len(wide.table) > 1


def test_a_search_that_finds_no_line_ends_with_the_limits(tiny, monkeypatch) -> None:
    land, patches = tiny
    monkeypatch.setattr(routing, "search_line", lambda *_, **__: [])
    with pytest.raises(OptionError, match=r"U08.*no line keeps all limits") as refused:
        pm.route(land, patches, (6_000, 0), (6_000, 8_000), "stock_fence")
    assert refused.value.details["in force"] == "max_length, the landscape, max_turn_deg"


def test_limits_of_length_that_no_line_keeps_are_left_out_of_the_curve(tiny) -> None:
    land, patches = tiny
    args = (land, patches, (6_000, 0), (6_000, 8_000), "stock_fence")
    block = shapely.box(4_100, 3_100, 7_900, 4_900)  # the way round it is a third longer
    how = {"n_starts": 2, "edge_cells": 0, "no_go": block}
    curve = trade_off(*args, max_lengths=(1.0, 1.6), **how)
    assert curve["max_length"].tolist() == [1.6]
    assert curve["stretch"].between(1.0001, 1.6).all()
    with pytest.raises(OptionError, match="U08"):
        trade_off(*args, max_lengths=(1.0, 1.05), **how)
    with pytest.raises(OptionError, match=r"U06.*shorter than the straight line"):
        trade_off(*args, max_lengths=(1.6, 0.9), **how)


def test_species_side_by_side_need_species_and_weights_that_go_with_them(tiny) -> None:
    land, patches = tiny
    with pytest.raises(OptionError, match=r"U09.*no species"):
        compare_for_species({"A": LINES[0]}, {})
    lines = {
        "A": shapely.LineString([(6_000, 0), (6_000, 8_000)]),
        "B": shapely.LineString([(11_000, 0), (11_000, 3_000)]),
    }
    found = compare_for_species(
        lines, dict.fromkeys(("khulan", "gazelle"), (land, patches, None)), "stock_fence"
    )
    for weights in ({"argali": 1.0}, {"khulan": -1.0}, {"khulan": 0.0, "gazelle": 0.0}):
        with pytest.raises(OptionError, match=r"U04.*do not go with the species"):
            options_together(found, weights)
    one = found["khulan"].table.set_index("line")["loss"]
    both = options_together(found, {"gazelle": 3.0}).set_index("line")["loss"]
    assert both.to_dict() == pytest.approx(one.to_dict())  # twice the same ground, whatever the weights


def test_countries_that_a_line_does_not_cross_have_no_row(tiny) -> None:
    land, patches = tiny
    line = {"A": shapely.LineString([(6_000, 0), (6_000, 8_000)])}
    names = gpd.GeoDataFrame(
        {"name": ["south", "north", "east"]},
        geometry=[shapely.box(-1e4, -1e4, 3e4, 3e3), shapely.box(-1e4, 3e3, 3e4, 3e4), shapely.box(9e3, 0, 3e4, 8e3)], crs=land.grid.crs,
    )  # fmt: skip
    found = pm.compare_alternatives(line, land, patches, "stock_fence", countries=names).by_country
    assert found.set_index("country")["length_km"].to_dict() == pytest.approx({"south": 3.0, "north": 5.0})
