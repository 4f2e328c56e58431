"""Barriers by year, infrastructure corridors, the plan of a run."""

from __future__ import annotations

import shutil

import geopandas as gpd
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.parallel_lines import infrastructure_corridors
from permeability.core.errors import MemoryLimitError, OptionError
from permeability.project.run.effort import duration, plan_project, refuse_memory


@pytest.fixture(scope="module")
def gobi():
    return pm.open_project(pm.sample_folder() / "project.toml").with_cell_size(20_000)


def test_the_range_falls_apart_when_the_railway_comes(gobi):
    years = pm.timeline(gobi, "khulan", [1955, 2012, 2026])
    table = years.table.set_index("year")
    assert table.loc[1955, "range_cut_off_km2"] == 0
    assert table.loc[2012, "range_cut_off_km2"] > 15_000
    assert table["mean_conductance"].is_monotonic_decreasing
    blame = years.lines.set_index("line")
    assert blame.loc["TMR", "year"] == 2012
    assert blame.loc["TMR", "given_back_range_cut_off_km2"] < -15_000
    assert {"TTGS", "TTZ", "ZKH"} <= set(blame.index)
    assert "COAL-ROAD" in years.undated
    assert "counted as always there" in repr(years)


def test_a_closed_line_does_not_stand(gobi):
    barriers = gobi.barriers
    table = barriers.table.copy()
    table.loc[table["line"] == "CHE", "closed"] = 2000.0
    dated = prepare(table)
    assert "CHE" in set(dated.standing(1990).table["line"])
    assert "CHE" not in set(dated.standing(2001).table["line"])


def test_corridors_find_the_highway_beside_the_railway(gobi):
    found = infrastructure_corridors(gobi.barriers)
    beside = found[(found["line"] == "TMR") & (found["beside"] == "AH3")]
    assert (beside["km_to"] - beside["km_from"]).sum() > 600
    assert (beside["gap_m"] <= 10_000).all()


def test_crossing_lines_are_no_corridor():
    lines = [
        shapely.LineString([(0, 0), (40_000, 0)]),
        shapely.LineString([(20_000, -20_000), (20_000, 20_000)]),
    ]
    table = gpd.GeoDataFrame({"id": ["a", "b"], "kind": ["road", "road"]}, geometry=lines, crs="EPSG:32648")
    assert infrastructure_corridors(prepare(table)).empty
    wide = infrastructure_corridors(prepare(table), angle_deg=90)
    assert set(wide["line"]) == {"a", "b"}
    with pytest.raises(OptionError, match="O46"):
        infrastructure_corridors(prepare(table), distance_m=0)


def test_plan_names_cells_solves_memory_and_time(gobi, tmp_path):
    text = plan_project(gobi)
    for word in ("cells", "edges cut", "candidates 45", "peak memory", "expected time", "distortion"):
        assert word in text
    shutil.copy(gobi.path, tmp_path / "p.toml")


def test_plan_refuses_what_cannot_fit():
    with pytest.raises(MemoryLimitError, match=r"M01[\s\S]*larger cells"):
        refuse_memory(10**16, 250.0)


def test_durations_in_words():
    assert [duration(s) for s in (0.2, 60, 600, 10_000)] == ["under a second", "60 s", "10 min", "2 h 46 min"]


def test_scenarios_change_year_and_layers(gobi, tmp_path):
    folder = tmp_path / "gobi"
    shutil.copytree(gobi.folder, folder)
    text = (
        (folder / "project.toml")
        .read_text(encoding="utf-8")
        .replace("cell_size_m = 5000", "cell_size_m = 20000")
    )
    text += '\n[[scenarios]]\nname = "before the railway"\nyear = 1950\n'
    text += '\n[[scenarios]]\nname = "gazelle habitat"\nlayers = { khulan_range = "gazelle_range" }\n'
    (folder / "project.toml").write_text(text, encoding="utf-8")
    project = pm.open_project(folder / "project.toml")
    land, patches = project.landscape("khulan"), project.patches("khulan")
    base = project.variant("before the railway").landscape("khulan")
    change = pm.compare(land, patches, project.scenario("before the railway"), base=base).table.set_index(
        "index"
    )
    assert change.loc["pairs_apart", "before"] > 0
    assert change.loc["pairs_apart", "after"] == 0
    other = project.variant("gazelle habitat")
    assert other.layer("khulan_range").where == {"species": "mongolian_gazelle"}
    assert project.variant("today") is project
