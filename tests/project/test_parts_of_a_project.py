"""What single tables of a project file become: candidates, steps, changed layers, masks, profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import BarrierError, ProjectError, SpeciesError
from permeability.project.checks.keys import open_tolerantly
from permeability.project.ranking_spec import CandidateSpec, build_candidates
from permeability.project.recipe import landscape_mask, own_profile, project_profile
from permeability.project.scenario_spec import ScenarioSpec, StepSpec, interventions_of
from permeability.project.spec import LayerSpec, MaskSpec
from permeability.project.variants import changed_layers
from permeability.ranking.candidate_sites import corridor_candidates
from permeability.species import species


def no_layer(name: str) -> gpd.GeoDataFrame:
    raise AssertionError(name)


# ---------------------------------------------------------------- candidates
def test_a_corridor_is_opened_together() -> None:
    land, _ = pm.samples.tiny()
    beside = gpd.GeoDataFrame(
        {"id": ["F", "G"], "kind": "fence", "fence_class": "border"},
        geometry=[shapely.LineString([(x, 0), (x, 8000)]) for x in (6000, 6400)], crs=land.grid.crs,
    )  # fmt: skip
    land = pm.build_landscape(1.0, beside, "khulan", grid=land.grid)
    found = build_candidates(land, [CandidateSpec(line="F", length_km=4, corridor_km=1)], no_layer)
    assert [c.id for c in found] == [c.id for c in corridor_candidates(land, "F", distance_m=1000, length_m=4000, treatment="remove")]  # fmt: skip
    assert {s.line for s in found[0].interventions} == {"F", "G"}
    alone = build_candidates(land, [CandidateSpec(line="F", length_km=4)], no_layer)
    assert {s.line for s in alone[0].interventions} == {"F"}


def test_lines_that_a_treatment_cannot_change_are_left_out_unless_there_are_no_others() -> None:
    land, _ = pm.samples.tiny()
    assert {c.line for c in build_candidates(land, [CandidateSpec(lines="all", length_km=2)], no_layer)} == {
        "F",
        "S",
    }
    with pytest.raises(BarrierError, match="B09") as refused:
        build_candidates(land, [CandidateSpec(kind="railway", length_km=2)], no_layer)
    assert "no standing railway that 'remove' could change" in refused.value.what
    with pytest.raises(BarrierError, match="B10"):  # S ends at km 2: a fault of the table, not of the line
        build_candidates(land, [CandidateSpec(lines="all", length_km=2, km=(4, 6))], no_layer)


# ---------------------------------------------------------------- steps and layers of scenarios
def test_traffic_given_for_a_line_is_that_of_all_its_rows() -> None:
    roads = gpd.GeoDataFrame(
        {"id": ["R1", "R2", "Q"], "line": ["R", "R", "Q"], "kind": "road", "vehicles_per_day": [100.0, np.nan, 50.0]},
        geometry=[shapely.LineString([(x, 0), (x, 8000)]) for x in (1000, 2000, 3000)], crs="EPSG:32648",
    )  # fmt: skip
    steps = interventions_of(StepSpec(action="traffic", line="R", vehicles_per_day=500), prepare(roads))
    assert [(s.action, s.line, s.options["vehicles_per_day"]) for s in steps] == [
        ("set", "R1", 500.0),
        ("set", "R2", 500.0),
    ]
    doubled = interventions_of(StepSpec(action="traffic", kind="road", times=2), prepare(roads))
    assert {s.line: s.options["vehicles_per_day"] for s in doubled} == {"R1": 200.0, "Q": 100.0}


def changing(project: pm.Project, *steps: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    plans = [ScenarioSpec(name=str(i), steps=[StepSpec(action="layer", **s)]) for i, s in enumerate(steps)]
    return changed_layers(project.spec, plans)


def test_later_changes_of_a_layer_stand_on_earlier_ones(tmp_path: Path) -> None:
    project = pm.open_project(pm.samples.tiny_project(tmp_path / "tiny"))
    layers, factors = changing(
        project, {"layer": "resistance", "scale": 2.0}, {"layer": "resistance", "scale": 1.5}
    )
    assert (layers["resistance"].scale, layers["resistance"].path, factors) == (3.0, "resistance.tif", {})
    layers, _ = changing(
        project, {"layer": "resistance", "scale": 2.0}, {"layer": "resistance", "path": "b.tif"}
    )
    assert (layers["resistance"].scale, layers["resistance"].path) == (2.0, "b.tif")
    layers, _ = changing(project, {"layer": "resistance", "use": "patches"})
    assert layers["resistance"] == LayerSpec(path="layers.gpkg", table="patches")


def test_a_factor_that_is_not_there_cannot_be_scaled(tmp_path: Path) -> None:
    path = pm.samples.tiny_project(tmp_path / "tiny")
    text = path.read_text(encoding="utf-8").replace('[habitat]\nresistance = "resistance"\n', "")
    path.write_text(
        text + '\n[factors.slope_deg]\nderive = "slope"\nlayers = ["resistance"]\n', encoding="utf-8"
    )
    project = pm.open_project(path)
    _, factors = changing(
        project, {"factor": "slope_deg", "scale": 2.0}, {"factor": "slope_deg", "scale": 3.0}
    )
    assert factors["slope_deg"].scale == 6.0
    for name, remedy in (
        ("slope_dg", "did you mean 'slope_deg'?"),
        ("zzz", "add [factors.zzz] with its layer"),
    ):
        with pytest.raises(ProjectError, match="J09") as refused:
            changing(project, {"factor": name, "scale": 2.0})
        assert refused.value.remedy == remedy


# ---------------------------------------------------------------- mask and profile
def test_areas_that_cannot_be_read_do_not_narrow_the_mask() -> None:
    grid = pm.Grid.from_bounds((0, 0, 4000, 4000), cell_size=1000, crs="EPSG:32648")
    west = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2000, 4000)], crs=grid.crs)
    south = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 4000, 1000)], crs=grid.crs)
    tables = {"west": west, "south": south}
    whole = landscape_mask(MaskSpec(inside=["lost"], outside=["lost"]), tables.get, grid)
    assert whole.all()
    mask = landscape_mask(MaskSpec(inside=["west", "lost"], outside=["lost", "south"]), tables.get, grid)
    assert np.argwhere(mask).tolist() == [[r, c] for r in range(3) for c in range(2)]


def test_a_species_that_the_file_does_not_name_has_its_shipped_profile(tmp_path: Path) -> None:
    project = pm.open_project(pm.samples.tiny_project(tmp_path / "tiny"))
    assert project_profile(project.spec, "mongolian_gazelle", project.path) == species("mongolian_gazelle")
    with pytest.raises(SpeciesError, match=r"S07.*gives both profile and based_on"):
        own_profile("mine", "mine.toml", "khulan", tmp_path)


# ---------------------------------------------------------------- wrong keys
def test_a_misspelt_key_is_not_mended_onto_one_that_is_there(tmp_path: Path) -> None:
    path = pm.samples.tiny_project(tmp_path / "tiny")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("length_km = 2", "length_km = 2\nlengthkm = 4"), encoding="utf-8")
    findings, project = open_tolerantly(path)
    assert [f.code for f in findings] == ["J03"]
    assert project is not None
    assert project.spec.candidates[0].length_km == 2
    path.write_text(text.replace("length_km = 2", "lengthkm = 4"), encoding="utf-8")
    _, project = open_tolerantly(path)
    assert project is not None
    assert project.spec.candidates[0].length_km == 4
