"""What the parts of a run say and write, each from a small result of its own: movement, tracks, new lines, options, plans, records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.barriers.scenario import Intervention, Scenario
from permeability.core.errors import LayerError, OptionError, PatchError, ProjectError
from permeability.core.tasks import RunOn
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers import vectors
from permeability.locale.language import words
from permeability.planning.alternatives import Option
from permeability.planning.plan_draws import PlanDraws
from permeability.project.alignment_spec import AlignmentSpec
from permeability.project.line_layers import drawn_lines
from permeability.project.movement_spec import MovementSpec
from permeability.project.run import line_results
from permeability.project.run.board_file import toml_value
from permeability.project.run.checksums import MOST_RECORD_BYTES, read_record
from permeability.project.run.choice_results import _sure
from permeability.project.run.input_differences import differing_inputs
from permeability.project.run.line_results import lines_summary, measure_lines, write_lines
from permeability.project.run.movement_results import chain_of, measure_movement, write_movement
from permeability.project.run.record import input_hashes
from permeability.project.run.repeat import Repeated
from permeability.project.run.result_differences import Difference, compare_results, compare_scenarios
from permeability.project.run.scenarios import measure_table
from permeability.project.run.track_results import _profile, measure_tracks, write_tracks
from permeability.project.run.years import BY_LINE, Timeline
from permeability.project.track_files import lines_of
from permeability.project.tracks_spec import TracksSpec
from permeability.species import species

CRS = "EPSG:32648"
TINY = pm.samples.tiny()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return pm.samples.tiny_project(tmp_path / "tiny")


def added(path: Path, text: str, *changes: tuple[str, str]) -> pm.Project:
    whole = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in whole
        whole = whole.replace(old, new)
    path.write_text(whole.replace("[ranking]\n", f"{text}\n[ranking]\n"), encoding="utf-8")
    return pm.open_project(path)


# ---------------------------------------------------------------- movement
def test_a_walk_without_a_goal_has_no_free_energy_and_without_deadly_lines_no_deaths(tmp_path: Path) -> None:
    land, patches = TINY
    plain = measure_movement(chain_of(MovementSpec(theta_per_km=0.0, death_per_km=0.01), land, patches))
    aimed = measure_movement(
        chain_of(MovementSpec(theta_per_km=0.1, death_per_km=0.01, at_lines={"S": 0.1}), land, patches)
    )
    assert list(plain.pairs) == ["from", "to", "success", "days", "expected_cost_km"]
    assert list(aimed.pairs) == [*plain.pairs, "free_energy_km"]
    assert plain.deaths is None
    for name, found, files in (
        ("a", plain, ["movement.csv", "passage_khulan.tif"]),
        ("b", aimed, ["mortality.csv", "movement.csv", "passage_khulan.tif"]),
    ):
        (tmp_path / name).mkdir()
        write_movement(tmp_path / name, {"khulan": found})
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == files
    assert set(pd.read_csv(tmp_path / "b" / "mortality.csv")["line"]) == {"S"}


def test_lines_that_kill_on_one_side_only_end_no_walk_on_the_other(path: Path) -> None:
    """The fence F parts the land; S, where animals die, lies on its eastern side."""
    deadly = "[movement]\ntheta_per_km = 0.05\n[movement.at_lines]\nS = 0.1\n"
    added(path, deadly)
    assert [(f.code, f.layer) for f in pm.check(path) if f.severity == "error"] == [("Q08", "movement")]
    with pytest.raises(OptionError, match="Q08"):
        measure_movement(chain_of(MovementSpec(at_lines={"S": 0.1}), *TINY))
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("S = 0.1", "S = 0.0"),
        ("theta_per_km = 0.05", "theta_per_km = 0.05\ndeath_per_km = 0.001"),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert [f for f in pm.check(path) if f.severity == "error"] == []


# ---------------------------------------------------------------- tracks
def test_a_project_without_tracks_measures_and_writes_nothing(path: Path, tmp_path: Path) -> None:
    assert measure_tracks(pm.open_project(path), {}, RunOn()) == []
    write_tracks(tmp_path / "results", [], CRS)
    assert not (tmp_path / "results").exists()


def test_only_tables_with_shapes_are_written(tmp_path: Path) -> None:
    way = {"animal": "a0", "simulated": False, "wkt": "MULTILINESTRING ((0 0, 1 1))"}
    found: dict[str, Any] = {"species": "khulan", "costs": [], "crossings": [], "sections": [], "ways": [way]}
    write_tracks(tmp_path, [found], CRS)
    assert list(vectors.tables_of(tmp_path / "tracks.gpkg")) == ["ways"]
    assert json.loads((tmp_path / "tracks.json").read_text()) == {
        "tracks": [{"species": "khulan", "costs": []}]
    }


def test_the_profile_stands_beside_classes_of_barriers_only() -> None:
    khulan = species("khulan")
    costs = pd.DataFrame(
        {"group": ["all", "stock"], "usable": True, "cost_km_low": [0.0, 1e6], "cost_km_high": [1.0, 2e6]}
    )
    (row,) = _profile(khulan, costs)
    assert (row["group"], row["meets"]) == ("stock", False)
    assert row["low"] <= row["best"] <= row["high"]


def test_tracks_without_named_lines_are_held_against_all_that_stand(path: Path) -> None:
    project = pm.open_project(path)
    spec = TracksSpec(path="fixes.csv", species="khulan")
    assert lines_of(project, spec, [True, True]).lines == ["F", "S"]
    assert lines_of(project, spec, [True, False]).lines == ["F"]
    assert lines_of(project, spec.model_copy(update={"lines": ["S"]}), [True, True]).lines == ["S"]
    with pytest.raises(ProjectError, match="F70"):
        lines_of(project, spec.model_copy(update={"lines": ["T"]}), [True, True])


# ---------------------------------------------------------------- new lines
def alignment(path: Path, table: str, **layers: list[shapely.Geometry]) -> pm.Project:
    """The small project with a line to be, and without the fence that parts the land."""
    for name, shapes in layers.items():
        frame = gpd.GeoDataFrame(
            {"id": [f"{name} {i}" for i in range(len(shapes))]}, geometry=shapes, crs=CRS
        )
        vectors.write_gpkg(path.with_name(f"{name}.gpkg"), {name: frame})
    named = "".join(f'[layers.{n}]\npath = "{n}.gpkg"\n\n' for n in layers)
    without_f = (
        'path = "layers.gpkg"\ntable = "barriers"',
        'path = "layers.gpkg"\ntable = "barriers"\nwhere = { id = "S" }',
    )
    return added(
        path, f'{named}[[alignment]]\nkind = "stock_fence"\nstarts = 1\n{table}\n', without_f,
        ('line = "F"\nlength_km', 'line = "S"\nlength_km'), ('line = "F"\nkm = [2, 6]', 'line = "S"'),
    )  # fmt: skip


EDGE = "start = [0, 0]\nend = [12000, 0]\nmax_length = 1.1\nedge_cells = 1"
ACROSS = "start = [3500, 0]\nend = [3500, 8000]\nmax_length = 1.6\nedge_cells = 0"


def test_a_line_that_only_hugs_the_edge_is_told_and_the_run_goes_on(path: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    found = measure_lines(alignment(path, EDGE), lambda done, all_: told.append((done, all_)))
    assert told == [(0, 1)]
    (one,) = found
    assert "hugs the edge" in one.refused["khulan"]
    assert (one.found, one.options, one.together) == ({}, {}, None)
    summary = lines_summary(found)["new_lines"]["new line"]
    assert summary["refused"] == one.refused
    assert summary["lines"] == {}
    assert "best" not in summary
    (tmp_path / "out").mkdir()
    write_lines(tmp_path / "out", found, CRS)
    assert not list((tmp_path / "out").glob("*.csv"))
    assert list(vectors.tables_of(tmp_path / "out" / line_results.GPKG)) == ["no_go"]
    assert lines_summary([]) == {}


def test_a_line_where_no_two_patches_are_joined_is_refused_before_the_run(path: Path) -> None:
    alignment(path, ACROSS)
    assert [f.code for f in pm.check(path) if f.severity == "error"] == []
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('where = { id = "S" }\n', ""), encoding="utf-8"
    )  # the fence between them again
    (told,) = [f for f in pm.check(path) if f.severity == "error"]
    assert (told.code, told.layer) == ("U01", "khulan")
    with pytest.raises(PatchError, match="U01"):
        measure_lines(pm.open_project(path))


def test_an_end_outside_the_landscape_ends_the_run(path: Path) -> None:
    with pytest.raises(OptionError, match="U06"):
        measure_lines(alignment(path, EDGE.replace("12000", "120000")))


def test_drawn_lines_alone_are_compared_and_measured_by_country(path: Path, tmp_path: Path) -> None:
    straight = shapely.LineString([(3500, 0), (3500, 8000)])
    south = [shapely.box(0, 0, 12000, 3000), shapely.box(0, 3000, 12000, 8000)]
    project = alignment(
        path,
        f'{ACROSS}\nalternatives = 0\ndrawn = "drawn"\ncountries = "states"',
        drawn=[straight],
        states=south,
    )
    assert [(f.code, f.layer) for f in pm.check(path) if f.severity == "error"] == [("D22", "states")]
    with pytest.raises(OptionError, match="D22"):
        measure_lines(project)
    named = gpd.read_file(path.with_name("states.gpkg")).assign(name=["South", "North"])
    vectors.write_gpkg(path.with_name("states.gpkg"), {"states": named})
    assert [f.code for f in pm.check(path) if f.severity == "error"] == []
    (one,) = measure_lines(pm.open_project(path))
    assert list(one.options["khulan"].table["line"]) == ["drawn 0"]
    assert one.found == {}
    (tmp_path / "out").mkdir()
    write_lines(tmp_path / "out", [one], CRS)
    abroad = pd.read_csv(tmp_path / "out" / "line_countries.csv").set_index("country")
    assert abroad["length_km"].to_dict() == pytest.approx({"South": 3.0, "North": 5.0})


def test_a_line_that_is_found_takes_no_name_of_a_drawn_one() -> None:
    assert line_results._free_name("A", {}) == "A"
    assert line_results._free_name("A", {"A": 1, "A*": 2}) == "A**"


def test_a_drawn_line_in_pieces_is_refused_and_one_of_joined_parts_is_not(path: Path) -> None:
    joined = shapely.MultiLineString([[(3500, 0), (3500, 4000)], [(3500, 4000), (3500, 8000)]])
    broken = shapely.MultiLineString([[(3500, 0), (3500, 3000)], [(3500, 4000), (3500, 8000)]])
    project = alignment(path, f'{ACROSS}\ndrawn = "drawn"', drawn=[joined])
    spec = project.spec.alignment[0]
    assert drawn_lines(project, spec)["drawn 0"].length == 8000
    assert drawn_lines(project, spec.model_copy(update={"drawn": None})) == {}
    vectors.write_gpkg(
        path.with_name("drawn.gpkg"), {"drawn": gpd.GeoDataFrame({"id": ["x"]}, geometry=[broken], crs=CRS)}
    )
    with pytest.raises(LayerError, match="U10") as refused:
        drawn_lines(pm.open_project(path), spec)
    assert refused.value.rows == ["x"]


def test_a_check_tells_lines_of_one_name_and_a_corridor_of_lines(path: Path) -> None:
    alignment(path, f'{ACROSS}\ncorridor = "strip"\n\n[[alignment]]\nkind = "road"\n{ACROSS}\n', strip=[shapely.box(2000, 0, 5000, 8000)])  # fmt: skip
    told = [(f.code, f.what) for f in pm.check(path) if f.severity == "error"]
    assert told == [("J17", "two [[alignment]] tables are called 'new line'.")]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('kind = "road"', 'kind = "road"\nname = "other"'), encoding="utf-8")
    assert [f for f in pm.check(path) if f.severity == "error"] == []
    line = gpd.GeoDataFrame({"id": ["x"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=CRS)
    vectors.write_gpkg(path.with_name("strip.gpkg"), {"strip": line})
    assert [f.layer for f in pm.check(path) if f.code == "L06"] == ["strip"]


def test_a_weight_of_a_price_needs_the_price() -> None:
    with pytest.raises(ValueError, match="price_weight needs price, a raster layer"):
        AlignmentSpec(start=(0, 0), end=(1000, 0), price_weight=0.5)
    assert AlignmentSpec(start=(0, 0), end=(1000, 0), price_weight=0.5, price="cost").rasters == ["cost"]


# ---------------------------------------------------------------- options beside each other
def option(
    name: str, land: Landscape | None = None, patches: Patches | None = None, inside: Any = None
) -> Option:
    land = TINY[0] if land is None else land
    return Option(
        name, land, patches or TINY[1], np.ones(land.grid.shape, bool) if inside is None else inside
    )


def differing(other: Option) -> dict[str, tuple[str, str]]:
    rows = differing_inputs(None, "a", "b", {"a": option("a"), "b": other})
    return {r["input"]: (r["before"], r["after"]) for r in rows}


def moved(shift: float, ids: list[str]) -> Landscape:
    table = TINY[0].barriers.table
    table = table[table["id"].isin(ids)].reset_index(drop=True)
    table = table.set_geometry(table.geometry.translate(shift))
    return pm.build_landscape(1.0, prepare(table), "khulan", grid=TINY[0].grid)


def test_other_rows_or_another_course_of_the_barriers_is_a_difference() -> None:
    assert differing(option("b")) == {}
    assert differing(option("b", moved(0.0, ["F"]))) == {"rows of the barriers": ("2", "1")}
    course = differing(option("b", moved(1300.0, ["F", "S"])))
    assert list(course) == ["course of the barriers"]
    assert all(text.endswith("cuts") for text in course["course of the barriers"])


def test_other_patches_and_another_range_are_differences() -> None:
    land, patches = TINY
    fewer = pm.place_patches(patches.table.iloc[:1], land)
    assert differing(option("b", patches=fewer)) == {"patches": ("2", "1")}
    west = np.zeros(land.grid.shape, bool)
    west[:, :6] = True
    assert differing(option("b", inside=west)) == {"range": ("96 km²", "48 km²")}


def test_a_measure_of_which_nothing_is_drawn_has_no_shape() -> None:
    rows = gpd.GeoDataFrame(
        {"id": ["F1", "F2"], "line": "F", "kind": "fence", "fence_class": "border", "km_from": [0.0, 5.0], "km_to": [3.0, 8.0]},
        geometry=[shapely.LineString([(6000, 0), (6000, 3000)]), shapely.LineString([(6000, 5000), (6000, 8000)])], crs=CRS,
    )  # fmt: skip
    steps = (Intervention("remove", "F", 3.5, 4.5), Intervention("remove", "F", 2.0, 6.0))
    land = SimpleNamespace(barriers=prepare(rows), scenario=Scenario("plan", steps), grid=TINY[0].grid)
    results = SimpleNamespace(
        alternatives=SimpleNamespace(results={"plan": SimpleNamespace(option=SimpleNamespace(land=land))})
    )
    table = measure_table({"khulan": results})  # type: ignore[dict-item]
    assert table is not None
    assert table[["km_from", "km_to"]].to_numpy().tolist() == [[2.0, 6.0]]
    assert table.geometry.iloc[0].length == pytest.approx(2000)


# ---------------------------------------------------------------- plans, years, board
def test_a_plan_says_how_often_the_money_is_enough_where_costs_are_drawn() -> None:
    gains = {"khulan": pd.DataFrame({"plan": [1.0, 2.0, 3.0, 4.0], "one_by_one": [1.0, 1.0, 1.0, 1.0]})}
    drawn = PlanDraws(gains, None, 100.0, ["A"], ["B"])
    assert "share_within_budget" not in _sure(drawn)
    assert _sure(drawn)["one_by_one"] == ["B"]
    costed = replace(drawn, costs=np.array([50.0, 90.0, 110.0, 100.0]))
    assert _sure(costed)["share_within_budget"] == {"value": 0.75, "unit": "1"}
    assert _sure(None) == {}


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_lines_without_a_date_are_told_only_where_there_are_some(language: str) -> None:
    numbers = {"year": 2000, "lines": 1, "range_pieces": 2, **dict.fromkeys(BY_LINE, 0.5)}
    table = pd.DataFrame([numbers])
    tr = words(language)
    dated = Timeline("khulan", table, pd.DataFrame({"line": ["F"]}), [])
    told = Timeline("khulan", table, pd.DataFrame({"line": ["F"]}), ["F", "S"]).text(tr)
    assert told.startswith(dated.text(tr) + "\n")
    assert told.splitlines()[-1].endswith("F, S")
    assert "F, S" not in dated.text(tr)


def test_flags_are_written_as_toml_writes_them() -> None:
    assert (
        toml_value({"night": True, "lit": False, "rows": 2})
        == '{ "night" = true, "lit" = false, "rows" = 2 }'
    )


# ---------------------------------------------------------------- records and summaries
def summary(folder: Path, species_told: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"species": species_told}), encoding="utf-8")
    return folder


def test_a_number_that_one_run_lacks_is_one_difference(tmp_path: Path) -> None:
    cell = {"value": 2.0, "unit": "km2"}
    one = summary(tmp_path / "a", {"khulan": {"today": {"reachable_km2": cell}}})
    two = summary(tmp_path / "b", {"khulan": {"today": {}}})
    for first, second in ((one, two), (two, one)):
        (found,) = compare_results(first, second)
        assert {found.before, found.after} == {2.0, "absent"}
        assert found.unit == "km2"


def test_two_scenarios_are_compared_by_their_names(tmp_path: Path) -> None:
    plans = {n: {"pairs_apart": {"value": v, "unit": "1"}} for n, v in (("today", "inf"), ("opened", 1.0))}
    folder = summary(tmp_path / "a", {"khulan": {"scenarios": plans}})
    (found,) = compare_scenarios(folder, "today", "opened")
    assert (found.name, found.before, found.after) == ("khulan/pairs_apart", float("inf"), 1.0)
    for name, remedy in (("openned", "did you mean 'opened'?"), ("zzz", "name one of its scenarios")):
        with pytest.raises(ProjectError, match="J04") as refused:
            compare_scenarios(folder, "today", name)
        assert refused.value.remedy == remedy


def test_a_repetition_without_the_first_summary_says_so() -> None:
    lost = Repeated(16, ("pairs.csv",), (), None, None).text()
    assert "differs  pairs.csv" in lost
    assert "15 of 16 files have the same bytes." in lost
    assert lost.endswith("The first summary.json is not there to compare numbers with.")
    one = Repeated(16, ("pairs.csv",), (), (Difference("a", 1.0, 2.0, ""),), None).text()
    assert one.endswith("1 numbers of summary.json differ.")


def test_a_shipped_mapping_is_no_input_file(path: Path) -> None:
    named = added(path, "", ('path = "resistance.tif"', 'path = "resistance.tif"\n\n[layers.osm]\npath = "layers.gpkg"\nmapping = "openstreetmap"'))  # fmt: skip
    assert list(input_hashes(named)) == ["layers.gpkg", "project.toml", "resistance.tif"]


def test_a_record_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    with file.open("wb") as target:
        target.truncate(MOST_RECORD_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(ProjectError, match="J06") as refused:
        read_record(tmp_path)
    assert "larger than any record" in refused.value.what


def test_a_sample_that_is_not_shipped_is_told() -> None:
    with pytest.raises(LayerError, match="L10") as refused:
        pm.sample_folder("atlantis")
    assert "'atlantis' is not installed" in refused.value.what
