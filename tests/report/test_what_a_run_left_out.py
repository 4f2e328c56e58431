"""The report of a run that made or knows less: what has no file has no place, and nothing is said that was not measured."""

from __future__ import annotations

import json
import math
import runpy
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import REPOSITORY

from permeability.layers import rasters
from permeability.layers.exchange_grids import read_raster
from permeability.layers.grid import Grid
from permeability.locale.language import words
from permeability.report import answer_map, figures, new_lines, results, sections
from permeability.report.facts import line_names, line_rows, sentence
from permeability.report.ranked_sections import cost_text, line_rows_by_name, place_name, section_risks
from permeability.report.results import read_results
from permeability.viz import svg
from permeability.viz.label_places import SMALL

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))
WEST, NORTH, CELL = SAMPLE["WEST"], SAMPLE["NORTH"], SAMPLE["CELL"]
TR = words()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_results(SAMPLE["make_results"](tmp_path_factory.mktemp("whole") / "results"))


@pytest.fixture
def folder(tmp_path):
    return SAMPLE["make_results"](tmp_path / "results")


def ranking_map(run):
    part = sections.species_part(run, "khulan", TR)
    return figures.ranking_map(run, "khulan", part["sites"], "mean_conductance", 3, TR)


def heads(run):
    return [a["head"] for a in sections.assumptions(run, [], TR)]


# ---------------------------------------------------------------- maps
def test_a_map_is_focused_on_patches_and_range_or_on_changed_cells_or_on_nothing(run):
    raster = run.raster("habitat", "khulan")
    bare = replace(run, patches=None, ranges=None)
    assert figures.focus(bare, "khulan", raster) is None
    cells = np.zeros(raster.shape, bool)
    cells[4:6, 8:10] = True
    west, north, side, margin = WEST + 8 * CELL, NORTH - 4 * CELL, 2 * CELL, 0.24 * CELL
    assert figures.focus(bare, "khulan", raster, cells) == pytest.approx(
        [west - margin, north - side - margin, west + side + margin, north + margin]
    )


def test_without_a_ranking_there_is_no_map_of_it(run):
    assert figures.ranking_map(replace(run, sites=None), "khulan", [], "mean_conductance", 3, TR) is None


def test_the_map_of_the_ranking_is_framed_by_what_there_is(run):
    whole, alone = ranking_map(run), ranking_map(replace(run, patches=None))
    assert float(alone["width"]) < float(whole["width"])
    assert alone["patches"] == []
    assert len(alone["sections"]) == len(whole["sections"])


def test_a_rank_that_finds_no_room_is_not_written(run):
    sites, ranked = sections.species_part(run, "khulan", TR)["sites"], run.ranked("khulan")
    frame = svg.frame_of(run.raster("habitat", "khulan"))
    free, full = svg.label_places(frame, SMALL), svg.label_places(frame, SMALL)
    full.keep_free(frame.width / 2, frame.height / 2, 5000.0)
    assert set(figures._rank_labels(frame, ranked, sites, 3, free)) == {s["key"] for s in sites[:3]}
    assert figures._rank_labels(frame, ranked, sites, 3, full) == {}
    assert figures._section(frame, ranked, 0, sites[0], np.zeros(4), None, TR)["label"] == ""


def test_layers_without_a_file_are_not_offered(folder):
    (folder / "current_khulan.tif").unlink()
    assert [r["key"] for r in ranking_map(read_results(folder))["rasters"]] == ["habitat", "distance"]


def test_a_map_without_the_ground_has_no_backdrop(folder):
    assert figures.current_map(read_results(folder), "khulan", TR)["backdrop"] is not None
    (folder / "habitat_khulan.tif").unlink()
    assert figures.current_map(read_results(folder), "khulan", TR)["backdrop"] is None


def test_a_difference_says_where_only_one_run_has_a_value(folder, tmp_path):
    other = SAMPLE["make_results"](tmp_path / "other")
    raster = read_raster(other / "current_khulan.tif")
    values = raster.values.copy()
    values[0, 0], values[3, 3:6] = 0.5, np.nan
    rasters.write_geotiff(
        other / "current_khulan.tif", values, Grid.from_affine(SAMPLE["CRS"], raster.transform, raster.shape)
    )
    note = figures.difference_map(read_results(folder), read_results(other), "khulan", "current", TR)["note"]
    assert note.endswith("Only after: a value on 1 km²; only before: on 3 km².")


def test_what_stands_is_what_a_layer_says_stands(run):
    assert figures.standing(None) is None
    assert figures.standing(run.barriers)["id"].tolist() == ["R1", "W1", "F1"]
    unsaid = run.barriers.drop(columns="standing")
    assert figures.standing(unsaid) is unsaid


def test_the_answer_map_reaches_as_far_as_sections_and_patches(run):
    part = sections.species_part(run, "khulan", TR)
    first = run.ranked("khulan").iloc[[0]].total_bounds
    bare = replace(run, patches=None)
    assert answer_map._around(bare, [(part, [0])]) == pytest.approx(first.tolist())
    whole = answer_map._around(run, [(part, [0])])
    assert whole[0] == run.patches.total_bounds[0] < first[0]


def test_a_section_without_a_shape_has_no_name_on_the_map(run):
    frame = svg.frame_of(run.raster("habitat", "khulan"))
    part = sections.species_part(run, "khulan", TR)
    places = svg.label_places(frame, SMALL)
    assert answer_map._named(frame, shapely.LineString(), part, places)["label"] == ""
    assert (
        answer_map._named(frame, run.ranked("khulan").geometry.iloc[0], part, places)["label"]
        == "Rail km 0-2"
    )


def test_frames_and_layers_of_nothing(run):
    raster = run.raster("habitat", "khulan")
    empty = svg.frame_of(replace(raster, values=np.full(raster.shape, np.nan)))
    rows, cols = raster.shape
    assert empty.west <= raster.xll
    assert empty.east >= raster.xll + cols * CELL
    assert empty.north - empty.south >= rows * CELL
    assert svg.barrier_layers(empty, None, TR) == svg.patch_layer(empty, None, TR) == []
    assert (
        svg.Frame(0, 0, 9000, 9000).path([shapely.Point(1, 1), shapely.LineString([(0, 0), (9000, 0)])])
        == "M0 9L9 9"
    )


# ---------------------------------------------------------------- sections
def test_costs_are_told_as_far_as_they_are_known():
    assert cost_text(math.nan, math.nan, math.nan, TR) == "not known"
    assert cost_text(math.nan, 6000.0, 9000.0, TR) == "6,000"
    assert cost_text(1000.0, 6000.0, 9000.0, TR) == "6,000 (1,000 to 9,000)"


def test_a_station_near_a_section_is_a_risk_the_nearest_alone(run):
    at = shapely.Point(WEST + 10 * CELL + 2400, NORTH - CELL)
    stations = gpd.GeoDataFrame(
        {"id": ["s1", "s2"], "name": ["Far", "Near"]},
        geometry=[shapely.Point(at.x + 5000, at.y), at],
        crs=SAMPLE["CRS"],
    )
    bare = replace(run, barriers=None)
    ranked = run.ranked("khulan")
    assert section_risks(bare, ranked, TR) == [[]] * len(ranked)
    told = section_risks(replace(bare, stations=stations), ranked, TR)
    assert told[0] == ["station within 3 km: Near"]
    assert all(len(r) == 1 for r in told)


def test_without_barriers_a_section_is_called_by_its_line(run):
    bare = replace(run, barriers=None)
    assert line_rows_by_name(bare) == line_names(bare, TR) == {}
    assert place_name({}, {"line": "R"}, TR) == "R"
    assert sections.barrier_rows(bare, TR) == []


# ---------------------------------------------------------------- what to know first
def test_nothing_is_said_of_lines_that_the_run_does_not_have(run):
    about_lines = {"Where the lines lie", "Lines that are not counted"}
    assert about_lines <= set(heads(run))
    assert not about_lines & set(heads(replace(run, barriers=None)))
    unsaid = replace(run, barriers=run.barriers.drop(columns="accuracy_m"))
    assert "Where the lines lie" not in heads(unsaid)
    assert "Lines that are not counted" in heads(unsaid)


def test_a_long_list_is_cut_and_says_by_how_much(run):
    many = pd.concat([run.barriers[run.barriers["id"] == "P1"]] * (sections.MOST_ROWS + 7), ignore_index=True)
    (found,) = (
        a["points"]
        for a in sections.assumptions(replace(run, barriers=many), [], TR)
        if a["head"] == "Lines that are not counted"
    )
    assert len(found) == sections.MOST_ROWS + 1
    assert found[-1] == "and 7 more"


def test_a_species_without_graded_numbers_is_not_counted(run):
    record = json.loads(json.dumps(run.record))
    counted = sections.assumptions(run, [], TR)[0]["points"]
    assert len(counted) == 1
    record["species"]["khulan"] |= {"profile": {}, "habitat": []}
    assert sections.assumptions(replace(run, record=record), [], TR)[0]["points"] == []


# ---------------------------------------------------------------- impact
def test_a_line_without_both_cases_is_left_out_of_the_table(run):
    assert [r["line"] for r in line_rows(run, "khulan", TR)] == ["Rail", "Road"]
    half = run.impact[run.impact["case"] != "without Road"]
    assert [r["line"] for r in line_rows(replace(run, impact=half), "khulan", TR)] == ["Rail"]


def test_an_index_of_a_later_version_is_named_with_its_numbers():
    assert sentence("of_later", 2.0, 1.0, "Khulan", TR).startswith("of_later: 1")


# ---------------------------------------------------------------- files
def test_a_large_map_is_read_anew_and_a_small_one_kept(folder, monkeypatch):
    run = read_results(folder)
    assert run.raster("habitat", "khulan") is run.raster("habitat", "khulan")
    monkeypatch.setattr(results, "KEPT_BYTES", 0.0)
    one, two = (run.raster("current", "khulan") for _ in range(2))
    assert one is not two
    np.testing.assert_array_equal(one.values, two.values)


def test_what_has_no_file_is_none(run, tmp_path):
    assert run.held_ranking("khulan") is None
    assert run.track_shapes("ways", 0) is None
    assert run.line_shapes("lines", "Rail") is None
    assert run.tracks == []


def test_a_scenario_of_a_run_without_lines_has_none(run):
    plan = {"year": 2030, "folder": "scenarios/fence", "inputs": {}, "standing": []}
    record = run.record | {"scenarios": {"plans": {"Fence": plan}}}
    assert replace(run, record=record, barriers=None).scenario("Fence").barriers is None
    assert set(replace(run, record=record).scenario("Fence").barriers["id"]) == {"P1"}


# ---------------------------------------------------------------- new lines
LINE = {
    "drawn": True,
    "length_km": 12.0,
    "loss": 0.2,
    "avoided": 0.5,
    "pairs_parted": 0,
    "patches_cut_off": 0,
}
ABOUT = {
    "kind": "road", "number": 1, "species": ["khulan"], "best": "A", "refused": {}, "ground": {}, "target_loss": None, "lines": {"A": LINE},
}  # fmt: skip


def new_line(run, **about):
    told = replace(run, summary=run.summary | {"new_lines": {"Plan": ABOUT | about}})
    (part,) = new_lines.line_parts(told, TR)
    return part


def test_lines_are_compared_only_where_there_are_several(run):
    assert new_line(run, lines={})["avoid"] == "There is no line to compare."
    one = new_line(run)["avoid"]
    assert one == "The line A takes least: 20.0\xa0% of the resistance between the places is added."
    two = new_line(run, lines={"A": LINE, "B": LINE | {"loss": 0.4, "avoided": 0.0}})["avoid"]
    assert two == one + " Against the worst of the 2 lines it avoids 50\xa0% of the loss."


def test_a_new_line_without_tables_and_maps_shows_none(run):
    part = new_line(run)
    assert (part["species"], part["areas"], part["map"]) == ([], [], None)
    assert part["left"] == "There is no line to compare."  # and not that patches are parted


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (math.inf, "Patches are parted, with structures too: restoring or offsets cannot make that good."),
        (0.1, "What is left, from 10.0\xa0% to 10.0\xa0% by line and species, is for restoring and offsets"),
    ],
)
def test_what_is_left_is_for_offsets_unless_patches_are_parted(run, left, said):
    row = {
        "alignment": "Plan", "line": "A", "species": "khulan", "loss": 0.2, "loss_low": 0.1, "loss_high": 0.3, "structures": 2.0,
        "change_mean_conductance": -0.2, "left": left,
    }  # fmt: skip
    assert new_line(replace(run, new_lines=pd.DataFrame([row])))["left"].startswith(said)


def test_the_map_of_a_new_line_needs_no_ground(folder):
    (folder / "habitat_khulan.tif").rename(folder / "line_damage_1_khulan.tif")
    drawn = new_line(read_results(folder))["map"]
    assert drawn["backdrop"] is None
    assert len(drawn["rasters"]) == 1
