"""A patch that a barrier crosses is no bridge over it."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from numpy.testing import assert_allclose
from shapely import LineString, MultiPolygon, affinity, box

from permeability.barriers.lines import prepare
from permeability.barriers.passability import crossing_cost_m
from permeability.barriers.scenario import Scenario
from permeability.core.errors import OptionError, PatchError
from permeability.impact.what_if import Evaluator
from permeability.landscape.landscape import Landscape, build
from permeability.landscape.patch_parts import crossed_patches
from permeability.landscape.patches import Patches, place
from permeability.layers.grid import Grid
from permeability.linkage.landscape_indices import pair_resistances
from permeability.linkage.measured import indices
from permeability.linkage.patch_network import patch_network
from permeability.linkage.patch_pairs import connectivity
from permeability.ranking.rank_draws import draw_ranks
from permeability.species import species

CRS, H = "EPSG:32648", 1000.0
BORDER = {"crossing.border": {"low": 0.002, "best": 0.005, "high": 0.03}}
GAZELLE = species("mongolian_gazelle").override(BORDER)
WEST, EAST = box(0, 15e3, 4e3, 25e3), box(56e3, 15e3, 60e3, 25e3)


def fences(*lines: LineString, **columns: list) -> gpd.GeoDataFrame:
    rows = {"id": [f"F{i}" for i, _ in enumerate(lines)], "kind": "fence", "fence_class": "border"} | columns
    return gpd.GeoDataFrame(rows, geometry=list(lines), crs=CRS)


def land_of(
    *lines: LineString, rows: int = 40, cols: int = 60, neighbours: int = 8, **columns: list
) -> Landscape:
    grid = Grid.from_bounds((0, 0, cols * H, rows * H), cell_size=H, crs=CRS)
    return build(
        grid, np.ones(grid.shape), prepare(fences(*lines, **columns)), GAZELLE, neighbours=neighbours
    )  # fmt: skip


def patches_of(land: Landscape, *shapes: object, **options: object) -> Patches:
    names = [chr(ord("a") + i) for i in range(len(shapes))]
    return place(gpd.GeoDataFrame({"id": names}, geometry=list(shapes), crs=CRS), land, **options)  # type: ignore[arg-type]


ACROSS = LineString([(30100, -1e3), (30100, 41e3)])


def test_the_audit_case_keeps_its_resistance() -> None:
    """34.17 between two patches, whatever lies between: it was 1.04 with a patch across the fence."""
    land = land_of(ACROSS)
    for between in ((), (box(24e3, 18e3, 28e3, 22e3),), (box(28e3, 18e3, 32e3, 22e3),)):
        found = pair_resistances(land, patches_of(land, WEST, EAST, *between))[0, 1]
        assert found == pytest.approx(34.17, abs=0.005)


@pytest.mark.parametrize("turned", [False, True])
def test_a_strip_by_hand(turned: bool) -> None:
    """One row of cells: n - 1 links and the fence in series; a patch across the fence takes away no link."""
    n, k = 12, 5
    x = k * H if not turned else (n - k) * H
    land = land_of(LineString([(x, -1e3), (x, 2e3)]), rows=1, cols=n, neighbours=4)
    across = box(x - H, 0, x + H, H)
    ends = [box(0, 0, H, H), box((n - 1) * H, 0, n * H, H)]
    patches = patches_of(land, *(ends[::-1] if turned else ends), across)
    cost = crossing_cost_m(0.005, GAZELLE.trace_length_m.best) / H
    r = pair_resistances(land, patches)
    assert patches.ids == ["a", "b", "c/1", "c/2"]
    assert r[0, 1] == pytest.approx((n - 1) + cost, rel=1e-9)
    assert r[2, 3] == pytest.approx(1 + cost, rel=1e-9)
    side = patches.drawn.index("c") + (0 if patches.labels[0, :k].max() else 1)
    near, far = sorted(r[0, 2:])
    assert near == pytest.approx(k - 1, rel=1e-9)
    assert far == pytest.approx(k + cost, rel=1e-9)
    assert side in (2, 3)


def test_the_number_is_the_same_from_whatever_side() -> None:
    """Mirrored ground, another order of the patches and a line drawn backwards change nothing."""
    middle, table = box(28e3, 18e3, 33e3, 22e3), []
    for line, shapes in (
        (ACROSS, (WEST, EAST, middle)),
        (ACROSS.reverse(), (middle, EAST, WEST)),
        (
            affinity.scale(ACROSS, -1, 1, origin=(30e3, 0)),
            tuple(affinity.scale(g, -1, 1, origin=(30e3, 0)) for g in (WEST, EAST, middle)),
        ),
    ):
        land = land_of(line)
        table.append(list(indices(land, patches_of(land, *shapes), land.valid).values.values()))
    assert_allclose(table[1], table[0], rtol=1e-9)
    assert_allclose(table[2], table[0], rtol=1e-9)


def test_parts_share_the_weight_and_are_no_pair() -> None:
    land = land_of(ACROSS)
    table = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "weight": [1.0, 2.0, 6.0]},
        geometry=[WEST, EAST, box(28e3, 18e3, 34e3, 22e3)], crs=CRS,
    )  # fmt: skip
    patches = place(table, land)
    assert patches.drawn == ["a", "b", "c", "c"]
    assert patches.table["weight"].tolist() == pytest.approx([1, 2, 4, 2])
    assert patches.share.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 3])
    assert patches.pair_weights().sum() / 2 == pytest.approx(1 * 2 + 1 * 6 + 2 * 6)
    assert list(zip(*patches.pairs())) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert patches.table.geometry.area.tolist()[2:] == pytest.approx([16e6, 8e6])
    assert len(connectivity(land, patches).pairs) == 5
    graph = patch_network(land, patches).graph
    assert graph.nodes["c/1"]["weight"] == pytest.approx(16 * 6.0)  # area times the weight of the patch


def test_a_complete_barrier_takes_a_patch_apart_and_no_pair_is_lost_by_it() -> None:
    land = land_of(ACROSS)
    shut = replace(land, profile=GAZELLE).at("low")
    shut = build(land.grid, land.resistance, land.barriers, GAZELLE.override({"crossing.border": 0.0}))
    patches = patches_of(shut, WEST, EAST, box(28e3, 18e3, 32e3, 22e3))
    assert int(shut.parts.max()) == 2
    found = indices(shut, patches, shut.valid).values
    assert found["pairs_apart"] == 1  # west and east; the middle one lies on both sides
    assert Evaluator(shut, patches, shut.valid, ["F0"]).pieces_after([])["pairs_apart"] == 1
    assert np.isfinite(found["mean_conductance"])


def test_what_is_no_crossing() -> None:
    middle = box(26e3, 14e3, 34e3, 26e3)
    stub = land_of(LineString([(30100, -1e3), (30100, 20e3)]))
    assert patches_of(stub, WEST, EAST, middle).ids == ["a", "b", "c"]  # the animal walks round its end
    far = land_of(LineString([(10100, -1e3), (10100, 41e3)]))
    apart = patches_of(far, WEST, MultiPolygon([box(20e3, 0, 22e3, 2e3), box(40e3, 30e3, 44e3, 34e3)]))
    assert apart.ids == ["a", "b"]  # two pieces, nothing between
    assert apart.whole is None
    closed = land_of(ACROSS, fenced=["no"])  # a fence that is not there
    assert patches_of(closed, WEST, EAST, middle).ids == ["a", "b", "c"]


def test_pieces_on_two_sides_are_no_bridge() -> None:
    land = land_of(ACROSS)
    both = MultiPolygon(
        [box(20e3, 18e3, 24e3, 22e3), box(36e3, 18e3, 38e3, 22e3), box(40e3, 18e3, 42e3, 22e3)]
    )
    patches = patches_of(land, WEST, EAST, both)
    assert patches.ids == ["a", "b", "c/1", "c/2"]
    assert patches.table["area_km2"].tolist()[2:] == [16, 16]  # the two eastern pieces stay together
    assert 34.1 < pair_resistances(land, patches)[0, 1] < 34.18  # a few free steps in the east, none across


def test_cells_between_two_lines_are_ordinary_ground() -> None:
    twin = land_of(ACROSS, LineString([(31100, -1e3), (31100, 41e3)]))
    patches = patches_of(twin, WEST, EAST, box(10e3, 10e3, 50e3, 14e3))
    assert patches.ids == ["a", "b", "c/1", "c/2"]
    (told,) = patches.findings
    assert told.details["left as ordinary ground [km2]"] == "4"


def test_a_sliver_beyond_a_line_is_told_with_the_line() -> None:
    """Twenty cells west of the fence and one east of it: one part, and what is left out is named."""
    shape = MultiPolygon([box(24e3, 18e3, 29e3, 22e3), box(32e3, 20e3, 33e3, 21e3)])
    patches = patches_of(land_of(ACROSS), WEST, EAST, shape)
    (told,) = patches.findings
    assert "a sliver and counts as ordinary ground" in told.what
    assert told.details["parts [km2]"] == "20"
    assert told.details["left as ordinary ground [km2]"] == "1"
    assert told.details["lines"].startswith("F0 (")
    assert patches.table["area_km2"].tolist()[2:] == [20]


def test_what_crosses_is_told_with_its_cost_and_can_be_refused() -> None:
    land = land_of(ACROSS)
    middle = box(28e3, 18e3, 32e3, 22e3)
    (told,) = patches_of(land, WEST, EAST, middle, layer="cores").findings
    assert (told.code, told.severity, told.layer, told.rows) == ("P13", "warning", "cores", ("c",))
    cost = crossing_cost_m(0.005, GAZELLE.trace_length_m.best) / 1000
    assert f"F0 ({cost:,.3g} km of open ground)" in told.text()
    assert "8, 8" in told.text()
    with pytest.raises(PatchError, match=r"(?s)\[P14\].*cores.*F0"):
        patches_of(land, WEST, EAST, middle, layer="cores", on_barrier="refuse")
    with pytest.raises(OptionError, match="on_barrier"):
        patches_of(land, WEST, EAST, middle, on_barrier="bridge")


def test_a_line_that_comes_later_does_not_find_a_bridge() -> None:
    land = land_of(ACROSS, status=["planned"])
    shapes = (WEST, EAST, box(28e3, 18e3, 32e3, 22e3))
    built = land.with_scenario(Scenario("new").add("F0"))
    early = patches_of(land, *shapes)
    assert early.ids == ["a", "b", "c"]
    with pytest.raises(PatchError, match=r"(?s)\[P09\].*F0.*place the patches"):
        pair_resistances(built, early)
    with pytest.raises(PatchError, match=r"\[P09\]"):
        connectivity(built, early)
    known = patches_of(land, *shapes, also=np.array([True]))
    for patches in (known, early.on(built)):
        assert patches.ids == ["a", "b", "c/1", "c/2"]
        assert pair_resistances(built, patches)[0, 1] == pytest.approx(34.17, abs=0.005)
    assert early.on(built).on(land).ids == ["a", "b", "c"]
    now, later = (indices(x, known, x.valid).values for x in (land, built))
    assert later["mean_conductance"] < now["mean_conductance"]  # building never helps
    assert later["eca_km2"] < now["eca_km2"]


def test_openings_in_a_patch_equal_the_edited_landscape() -> None:
    land = land_of(ACROSS)
    patches = patches_of(land, WEST, EAST, box(26e3, 10e3, 34e3, 30e3))
    engine = Evaluator(land, patches, land.valid, ["F0"])
    sets = [Scenario("o").remove("F0", km=km).interventions for km in ((3, 8), (18, 24), (30, 40), (0, 42))]
    for steps, found in zip(sets, engine.singles(sets)):
        anew = indices(land.with_scenario(Scenario("o", steps)), patches, land.valid).values
        for key, value in anew.items():
            assert found[key] == pytest.approx(value, rel=1e-8), key
        assert found["mean_conductance"] > engine.today["mean_conductance"]


def test_draws_move_the_lines_and_take_the_patches_apart_anew() -> None:
    near = LineString([(35100, -1e3), (35100, 41e3)])
    land = land_of(near, accuracy_m=[6000.0])
    patches = patches_of(land, WEST, EAST, box(28e3, 18e3, 34e3, 22e3))  # beside the line as drawn
    assert patches.whole is None
    steps = [Scenario("o").remove("F0", km=(15, 25)).interventions]
    drawn = draw_ranks(land, patches, steps, ["F0"], draws=12, vary=("map", "crossing"))
    assert np.isfinite(drawn.gains).all()
    assert (drawn.gains > 0).all()


def test_a_fence_that_only_a_long_step_crosses_takes_no_patch_apart() -> None:
    """It lies on the way of a knight's move, and between all cells that are next to each other it leaves the way free."""
    short = LineString([(11_122, 20_755), (11_078, 20_845)])
    land = land_of(short, neighbours=16)
    patches = patches_of(land, box(8e3, 15e3, 16e3, 25e3), EAST)
    assert len(land.cuts) > 0
    assert set((land.cuts.direction >= 4).tolist()) == {True}
    assert crossed_patches(land, patches.labels) == []
    assert patches.ids == ["a", "b"]
