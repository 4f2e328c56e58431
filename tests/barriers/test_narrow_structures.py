"""A crossing structure narrower than a cell: in proportion to its width, hardly touched by the cell size."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.landscape_indices import pair_resistances
from permeability.species import species

CRS = "EPSG:32648"


def resistance(cell, *, gap_m=None, chance=0.5, removed=False, fence_class="stock"):
    """Effective resistance between the two ends of a plain with a fence across its middle."""
    grid = pm.Grid.from_bounds((0, 0, 40_000, 40_000), cell_size=cell, crs=CRS)
    line = shapely.LineString([(20_137, -1_000), (20_137, 41_000)])
    table = gpd.GeoDataFrame(
        {"id": ["F"], "kind": ["fence"], "fence_class": [fence_class]}, geometry=[line], crs=CRS
    )
    land = build(
        grid, np.ones(grid.shape), prepare(table), species("khulan").override({"trace_km.stock": 16.0})
    )
    ends = [shapely.box(0, 0, 4_000, 40_000), shapely.box(36_000, 0, 40_000, 40_000)]
    patches = place(gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=ends, crs=CRS), land)
    plan = pm.Scenario("plan")
    if gap_m is not None:
        p = None if chance is None else pm.Estimate(chance, chance, chance)
        plan = plan.treat("F", km=21.0, treatment="gap", width_m=gap_m, chance=p)
    if removed:
        plan = plan.remove("F")
    return float(pair_resistances(land.with_scenario(plan), patches)[0, 1])


@pytest.mark.parametrize("width", [50.0, 200.0, 500.0])
def test_halving_the_cell_size_moves_the_result_by_less_than_five_per_cent(width):
    coarse, fine = resistance(2_000, gap_m=width), resistance(1_000, gap_m=width)
    assert fine == pytest.approx(coarse, rel=0.05)
    gain = [1 / resistance(c, gap_m=width) - 1 / resistance(c) for c in (2_000, 1_000)]
    assert gain[1] == pytest.approx(gain[0], rel=0.05)


def test_the_gain_of_narrow_gaps_is_in_proportion_to_their_width():
    """By the catalogue: below 50 m the chance is in proportion to the width, and the width counts once."""
    today = 1 / resistance(1_000, fence_class="border")
    one, two = (1 / resistance(1_000, gap_m=w, chance=None, fence_class="border") - today for w in (20, 40))
    assert two == pytest.approx(2 * one, rel=0.03)
    assert one > 0


def test_at_full_width_a_free_gap_equals_removing_the_fence():
    assert resistance(1_000, gap_m=44_000, chance=1.0) == pytest.approx(
        resistance(1_000, removed=True), rel=1e-12
    )


def test_at_no_width_nothing_changes():
    assert resistance(1_000, gap_m=1e-9, chance=None) == pytest.approx(resistance(1_000), rel=1e-9)


def test_the_season_changes_the_answer(tmp_path):
    project = pm.open_project(pm.sample_folder() / "project.toml").with_cell_size(20_000)
    about = project.spec.project.model_copy(update={"season": "winter"})
    winter = type(project)(project.path, project.spec.model_copy(update={"project": about}))
    found = []
    any_season = type(project)(
        project.path, project.spec.model_copy(update={"project": about.model_copy(update={"season": None})})
    )
    for p in (any_season, winter):
        land = p.landscape("mongolian_gazelle")
        found.append(pair_resistances(land, p.patches("mongolian_gazelle"))[0, 1])
    assert found[1] > found[0]
