"""Components, interventions and their crossing costs; openings by their width; scenarios."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from permeability.barriers.crossing_costs import components_of, level_values
from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Intervention, Scenario
from permeability.core.errors import BarrierError, OptionError
from permeability.core.estimate import Estimate
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.landscape.landscape import Landscape, build
from permeability.layers.grid import Grid
from permeability.species import species

CRS, CELL = "EPSG:32648", 1000.0
KHULAN = species("khulan").override({"trace_km.stock": 16.0})  # one trace length, so that one formula holds
M = KHULAN.trace_length_m.best


def cost(p: float) -> float:
    return float("inf") if p < 0.001 else M * (1 - p) / p


def land(
    *, neighbours: int = 8, cell: float = CELL, kind: str = "fence", chance: float | None = None, x: float = 20_300.0, **columns: object
) -> Landscape:  # fmt: skip
    """A straight line from south to north through 40 x 40 km of open ground."""
    grid = Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=cell, crs=CRS)
    row = {"id": ["L"], "kind": [kind], "fence_class": ["stock"], **{k: [v] for k, v in columns.items()}}
    table = gpd.GeoDataFrame(row, geometry=[shapely.LineString([(x, -5000), (x, 45_000)])], crs=CRS)
    profile = KHULAN if chance is None else KHULAN.override({"crossing.stock": chance})
    return build(grid, np.ones(grid.shape), prepare(table), profile, neighbours=neighbours)


# ---------------------------------------------------------------- components
def test_components_of_rows() -> None:
    def names(**row: object) -> list[str]:
        return [c.name for c in components_of(row, KHULAN)]

    assert names(kind="road", vehicles_per_day=500.0) == ["road"]
    assert names(kind="fence", fence_class="stock") == ["fence"]
    assert names(kind="railway", fenced="no") == ["track"]
    assert names(kind="railway", fenced="yes", fence_class="rail_barbed_both_sides") == [
        "fence left",
        "track",
        "fence right",
    ]
    assert names(kind="railway", fenced="mostly", fence_sides="left") == ["fence left", "track"]
    assert names(kind="railway", fenced="unknown") == ["track"]
    assumed = components_of({"kind": "railway", "fenced": "unknown"}, KHULAN, assume_fenced="yes")
    assert [c.name for c in assumed] == ["fence left", "track", "fence right"]


def test_fences_and_track_in_series_make_the_stated_chance() -> None:
    row = {"kind": "railway", "fenced": "yes", "fence_class": "rail_wildlife_friendly"}
    total = sum(cost(c.chance.best) for c in components_of(row, KHULAN))
    assert total == pytest.approx(cost(KHULAN.crossing["rail_wildlife_friendly"].best), rel=1e-6)


def test_levels_pick_one_number() -> None:
    p = Estimate(0.1, 0.4, 0.9)
    assert [level_values(w)(p, "any") for w in ("low", "best", "high")] == [0.1, 0.4, 0.9]
    drawn = level_values({"fence": 1.0})
    assert drawn(p, "fence") == pytest.approx(0.9)
    assert drawn(p, "other") == 0.4


# ---------------------------------------------------------------- costs after interventions
def test_a_stretch_is_opened_over_its_length_and_nothing_else() -> None:
    today = land(chance=0.2)
    opened = today.with_scenario(Scenario("x").remove("L", km=(15, 25)))
    parts, cuts = opened.cut_costs.parts, opened.cuts
    begin = opened.barriers.chainages[0].dist_at(np.array([15.0, 25.0]))
    inside, outside = (
        (cuts.own_from >= begin[0] - 1e-3)
        & (cuts.own_to <= begin[1] + 1e-3),  # a stretch may end where the opening does
        (cuts.own_to <= begin[0] + 1e-3) | (cuts.own_from >= begin[1] - 1e-3),
    )
    assert inside.any()
    assert (opened.cut_costs.cost_m[inside] == 0).all()
    assert (opened.cut_costs.interface_m[inside] == 0).all()
    np.testing.assert_allclose(opened.cut_costs.cost_m[outside], cost(0.2))
    np.testing.assert_allclose(opened.cut_costs.interface_m[outside], cost(0.2))
    free = parts.cost == 0
    length = opened.cut_length
    drawn = length[inside].sum() + (parts.share[free] * length[parts.cut[free]]).sum()
    assert drawn == pytest.approx(10_000.0, rel=1e-9)


@pytest.mark.parametrize("neighbours", [4, 8, 16])
@pytest.mark.parametrize(
    ("cell", "width"), [(1000.0, 200.0), (1000.0, 1500.0), (2000.0, 200.0), (500.0, 400.0)]
)
def test_an_opening_conducts_in_proportion_to_its_width(neighbours: int, cell: float, width: float) -> None:
    """Animals that meet a gap head-on add width / C, whatever the cells; those that trace to it come on top."""
    today = land(neighbours=neighbours, cell=cell, chance=0.2)
    gap = Scenario("gap").treat("L", km=25.0, treatment="gap", width_m=width, chance=Estimate(0.5, 0.5, 0.5))
    opened = today.with_scenario(gap)
    links = today.cuts.direction < 4
    length = today.cut_length[links]
    sheet = 40_000.0
    assert length.sum() == pytest.approx(sheet, abs=cell)  # every metre of the line is counted once
    before = (length / today.cut_costs.interface_m[links]).sum()
    after = (length / opened.cut_costs.interface_m[links]).sum()
    away = np.linspace(
        width / 2, 20_000.0, 200_001
    )  # the line ends 20 km of the grid above and below the gap
    beside = 1 - (1 - 0.2) * (1 - 0.5 * np.exp(-(away - width / 2) / M) * 0.5)
    traced = 2 * np.trapezoid(beside / (M * (1 - beside)) - 1 / cost(0.2), away)
    expected = width * (1 / cost(0.5) - 1 / cost(0.2)) + traced
    assert after - before == pytest.approx(expected, rel=0.02)
    touched = opened.cut_costs.cost_m <= cost(0.5) * (1 + 1e-9)
    assert touched.any()
    np.testing.assert_allclose(opened.cut_costs.cost_m[touched], cost(0.5))
    assert np.abs(today.cuts.km[touched] - 25.0).max() <= (cell + width / 2) / 1000 + 1e-9
    if neighbours == 16:
        assert touched[~links].any()  # the knight's moves too go through the gap


@pytest.mark.parametrize("cell", [1000.0, 2000.0])
def test_a_gap_in_an_absolute_fence_conducts_alike_at_every_cell_size(cell: float) -> None:
    today = land(cell=cell, chance=0.0)
    opened = today.with_scenario(
        Scenario("gap").treat("L", km=25, treatment="gap", width_m=100, chance=Estimate(0.5, 0.5, 0.5))
    )
    labels = np.zeros(today.grid.shape, np.int32)
    labels[:, : int(15_000 / cell)], labels[:, int(25_000 / cell) :] = 1, 2
    assert np.isinf(effective_resistances(today.links(), regions=labels)[0, 1])
    found = effective_resistances(opened.links(), regions=labels)[0, 1]
    away = np.linspace(0, 20_000.0, 200_001)
    beside = 0.25 * np.exp(-away / M)
    traced = 2 * np.trapezoid(beside / (M * (1 - beside)), away)
    interface = 1 / ((100 / cost(0.5) + traced) * (1 + np.sqrt(2)))
    ground = 10_000 / 40_000 / (1 + np.sqrt(2))
    assert found == pytest.approx(interface + ground, rel=0.1)
    assert opened.parts.max() == 1
    assert today.parts.max() == 2


def test_a_structure_without_a_width_takes_the_catalogue_one() -> None:
    from permeability.barriers.treatments import treatment

    today = land(kind="railway", fenced="yes", fence_class="rail_barbed_both_sides")
    plain = today.with_scenario(Scenario("a").treat("L", km=20, treatment="underpass"))
    given = today.with_scenario(
        Scenario("b").treat("L", km=20, treatment="underpass", width_m=treatment("underpass").width_m)
    )
    assert (plain.cut_costs.interface_m < today.cut_costs.interface_m).any()
    np.testing.assert_array_equal(plain.cut_costs.interface_m, given.cut_costs.interface_m)
    np.testing.assert_array_equal(plain.cut_costs.cost_m, given.cut_costs.cost_m)


def test_a_place_off_the_grid_opens_nothing() -> None:
    today = land(chance=0.2)
    for step in (
        Scenario("a").treat("L", km=1, treatment="gap", width_m=100),
        Scenario("b").remove("L", km=(0, 3)),
    ):
        after = today.with_scenario(step)
        np.testing.assert_array_equal(after.cut_costs.cost_m, today.cut_costs.cost_m)
        np.testing.assert_array_equal(after.cut_costs.interface_m, today.cut_costs.interface_m)


def test_one_fence_of_two_and_both() -> None:
    """Two absolute fences beside one track: each alone is worth nothing, both are worth all (T21)."""
    absolute = KHULAN.override({"crossing.rail_barbed_both_sides": 0.0})
    grid = Grid.from_bounds((0, 0, 20_000, 20_000), cell_size=1000, crs=CRS)
    table = gpd.GeoDataFrame({"id": ["R"], "kind": ["railway"], "fenced": ["yes"], "fence_class": ["rail_barbed_both_sides"]}, geometry=[shapely.LineString([(9700, -100), (9700, 21_000)])], crs=CRS)  # fmt: skip
    today = build(grid, np.ones(grid.shape), prepare(table), absolute)
    parts = [today.with_scenario(Scenario("x").remove("R", components=names)).parts.max() for names in (("fence left",), ("fence right",), ("fence left", "fence right"))]  # fmt: skip
    assert parts == [2, 2, 1]
    assert today.with_scenario(Scenario("x").remove("R", components=("fence left",)).remove("R", components=("fence right",))).parts.max() == 1  # fmt: skip


def test_a_planned_line_is_added_as_the_layer_says_or_as_asked() -> None:
    today = land(kind="railway", status="planned", fence_class="rail_wildlife_friendly")
    assert len(today.edge_barriers().cell) == 0
    plain = today.with_scenario(Scenario("a").add("L"))
    fenced = today.with_scenario(Scenario("b").add("L", fenced="yes"))
    assert [c.name for c in plain.components[0]] == ["track"]
    assert [c.name for c in fenced.components[0]] == ["fence left", "track", "fence right"]
    assert fenced.edge_barriers().cost.max() > plain.edge_barriers().cost.max() > 0


def test_scenarios_come_on_top_of_each_other() -> None:
    """One after the other is the same as both at once; of facts about a line none is forgotten."""
    today = land(kind="railway", status="planned", fence_class="rail_wildlife_friendly", trains_per_day=2.0)
    first, second = (
        Scenario("a").add("L", fenced="yes"),
        Scenario("b").set("L", trains_per_day=90.0).remove("L", km=(20, 30)),
    )
    apart = today.with_scenario(first).with_scenario(second)
    once = today.with_scenario(Scenario("c", (*first.interventions, *second.interventions)))
    assert [c.name for c in apart.components[0]] == ["fence left", "track", "fence right"]
    assert apart.components == once.components
    np.testing.assert_array_equal(apart.cut_costs.cost_m, once.cut_costs.cost_m)
    assert apart.scenario.name == "b"
    assert len(apart.scenario.interventions) == 3
    quiet = today.with_scenario(first)
    assert apart.components[0][1].chance.best < quiet.components[0][1].chance.best  # more trains


# ---------------------------------------------------------------- refusals and words
@pytest.mark.parametrize(
    ("scenario", "code", "words"),
    [
        (Scenario().remove("LL"), "B06", "did you mean 'L'"),
        (Scenario().remove("L", km=(80, 90)), "B08", "km 0.0 to km 50.0"),
        (Scenario().remove("L", components=("fense",)), "B11", "did you mean 'fence'"),
        (Scenario().remove("L", km=(20, 20)), "B12", "width_m"),
        (Scenario().treat("L", km=20, treatment="overpas"), "T01", "did you mean 'overpass'"),
    ],
)
def test_steps_that_change_nothing_are_refused(scenario: Scenario, code: str, words: str) -> None:
    with pytest.raises(BarrierError, match=rf"\[{code}\]") as caught:
        land().with_scenario(scenario)
    assert words in str(caught.value)


def test_a_road_has_no_fence_to_remove() -> None:
    with pytest.raises(BarrierError, match=r"(?s)B09.*drop\(\)"):
        land(kind="road", vehicles_per_day=300.0).with_scenario(Scenario().remove("L"))


def test_a_stretch_runs_from_low_to_high() -> None:
    with pytest.raises(BarrierError, match="B07"):
        Scenario().remove("L", km=(10, 5))
    with pytest.raises(OptionError, match=r"(?s)O01.*did you mean 'remove'"):
        Intervention("remov", "L")


def test_scenarios_say_what_they_do() -> None:
    plan = (
        Scenario("Plan")
        .remove("L", km=(1, 2), components=("fence left",))
        .drop("M")
        .add("N")
        .treat("L", km=4, treatment="gap")
    )
    assert str(plan) == "Plan: remove fences L km 1-2 (fence left); take away M; build N; gap L km 4"
    assert str(Scenario()) == "today: no intervention"
    assert plan.named("Other").name == "Other"
    assert plan.named("Other").interventions == plan.interventions
