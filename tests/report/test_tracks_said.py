"""What the report says of tracks of animals: every kind of number a track can leave, in the sentence that is true of it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import geopandas as gpd
import pytest
import shapely

from permeability.locale.language import words
from permeability.report.tracks import compared_text, track_parts

NO_NUMBER = math.nan


def cost(**changes):
    row = {
        "group": "stock", "animals": 4, "animals_crossing": 3, "km_worked": 90.0, "crossings": 30, "usable": True, "corrected": False,
        "cost_km_low": 2.0, "cost_km": 5.0, "cost_km_high": 20.0, "placebo_low": 0.8, "placebo": 1.0, "placebo_high": 1.2, "crossing_steps": 30,
        "kappa_low": 0.1, "kappa": 0.2, "kappa_high": 0.3,
    }  # fmt: skip
    return row | changes


def score(group="model", **changes):
    row = {
        "group": group, "auc_low": 0.6, "auc": 0.7, "auc_high": 0.8, "auc_animals_low": 0.6, "auc_animals": 0.7, "auc_animals_high": 0.8,
        "boyce": 0.9, "lift": 2.5, "p_shifted": 0.02, "less_than_model_low": 0.01, "less_than_model_high": 0.2,
    }  # fmt: skip
    return row | changes


def told(step_h=0.5, **changes):
    about = {
        "simulated": False, "fixes": 100, "animals": 4, "from": "2024", "to": "2025", "step_h": step_h, "source": "t.csv", "citation": "", "left_out": [],
        "buffer_m": 100.0, "sections_m": 1000.0, "block_km": 50.0,
    }  # fmt: skip
    found = {
        "species": "khulan", "about": about, "costs": [cost()], "profile": [], "kappa": [], "scores": [score()], "tenths": [], "notes": [],
        "animals_scored": 4,
    }  # fmt: skip
    return found | changes


def results_of(found, raster=None, ways=None):
    return SimpleNamespace(
        record={}, tracks=[found], raster=lambda kind, species: raster, track_shapes=lambda table, i: ways
    )


def part(found, **held):
    (only,) = track_parts(results_of(found, **held), words())
    return only


@pytest.mark.parametrize(
    ("best", "high", "said"),
    [
        (5.0, 20.0, "5 (2 to 20)"),
        (math.inf, math.inf, "at least 2"),
        (NO_NUMBER, NO_NUMBER, "never met"),
    ],
)
def test_a_cost_is_a_range_or_a_bound_or_nothing(best, high, said):
    assert part(told(costs=[cost(cost_km=best, cost_km_high=high)]))["costs"][0]["cost"] == said


def test_a_placebo_that_could_not_be_measured_is_not_known_and_the_note_says_why():
    row = part(
        told(costs=[cost(usable=False, placebo=NO_NUMBER, placebo_low=NO_NUMBER, placebo_high=NO_NUMBER)])
    )
    assert row["costs"][0]["placebo"] == "not known"
    assert "too few displaced copies are crossed" in row["costs"][0]["note"]


@pytest.mark.parametrize(("low", "high"), [(1.4, 2.1), (0.2, 0.7)])
def test_a_placebo_off_one_on_either_side_makes_the_number_weak(low, high):
    weak = cost(usable=False, placebo=(low + high) / 2, placebo_low=low, placebo_high=high)
    found = part(told(costs=[weak], kappa=[weak]))
    for row in (found["costs"][0], found["kappa"][0]):
        assert f"where the truth is 1, the same measurement gives {low:.2f} to {high:.2f}" in row["note"]
        assert not row["usable"]


def test_a_number_unusable_for_another_reason_is_not_blamed_on_the_placebo():
    assert part(told(costs=[cost(usable=False)]))["costs"][0]["note"] == ""
    assert part(told(costs=[cost(placebo_low=1.4, placebo_high=2.1)]))["costs"][0]["note"] == ""


@pytest.mark.parametrize(
    ("step_h", "changes", "note"),
    [
        (0.5, {"crossings": 0}, "nothing crossed: only a lower bound is known"),
        (0.5, {"crossings": 0, "km_worked": 0.0}, ""),
        (0.5, {"crossings": 9}, "only 9 crossings"),
        (0.5, {"crossings": 10}, ""),
        (6.0, {"corrected": True}, "corrected by simulation for fixes every 6 h"),
        (6.0, {}, "fixes every 6 h miss part of the way along a line and some crossings"),
    ],
)
def test_what_weakens_a_cost_stands_beside_it(step_h, changes, note):
    assert part(told(step_h, costs=[cost(**changes)]))["costs"][0]["note"] == note


def test_costs_are_drawn_beside_the_profile_and_what_has_no_value_is_not():
    held = {"group": "stock", "low": 1.0, "best": 3.0, "high": math.inf, "evidence": "X", "meets": False}
    never = cost(group="border", cost_km_low=NO_NUMBER, cost_km=NO_NUMBER, cost_km_high=NO_NUMBER)
    found = part(told(costs=[cost(), never], profile=[held]))
    assert [(r["kind"], r["open"]) for r in found["plot"]["rows"]] == [("measured", False), ("held", True)]
    assert found["costs"][0]["meets"] == "the ranges do not overlap"
    assert part(told(costs=[never]))["plot"] is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.55, 0.8, "tells sections that animals crossed from others: AUC 0.70"),
        (0.45, 0.8, "does not tell sections that animals crossed from others"),
        (0.2, 0.45, "is wrong about where animals crossed"),
    ],
)
def test_the_verdict_follows_the_interval(low, high, said):
    found = told(scores=[score(auc_low=low, auc_high=high)])
    assert said in part(found)["verdict"]
    text = compared_text(results_of(found), words())
    assert text.startswith(
        "Least-cost ways and currents are computed, not observed. khulan: the map of movement"
    )
    assert said in text


def test_tracks_too_few_for_a_verdict_say_why():
    found = part(told(scores=[], notes=["other", "comparison: two animals only"]))
    assert (
        found["verdict"]
        == "khulan: the tracks do not suffice to hold the map against them (two animals only)."
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.12, 0.2, "It does better than density of lines (AUC 0.60; difference +0.12 to +0.20)."),
        (-0.2, -0.12, "It does worse than density of lines (AUC 0.60; difference −0.20 to −0.12)."),
        (-0.1, 0.1, "It cannot be told apart from density of lines (AUC 0.60; difference −0.10 to +0.10)."),
    ],
)
def test_the_map_is_held_against_a_simple_rule(low, high, said):
    rule = score("density", auc=0.6, less_than_model_low=low, less_than_model_high=high)
    assert part(told(scores=[score(), rule]))["beside"] == [said]


def test_scores_without_an_interval_or_a_value_say_so():
    bare = score(auc_low=NO_NUMBER, auc_animals=NO_NUMBER, boyce=NO_NUMBER, lift=math.inf)
    (row,) = part(told(scores=[bare]))["scores"]
    assert (row["auc"], row["animals"], row["boyce"], row["lift"]) == ("0.70", *["not known"] * 3)
    (whole,) = part(told())["scores"]
    assert (whole["auc"], whole["boyce"], whole["lift"]) == ("0.70 (0.60 to 0.80)", "0.90", "2.5")


def test_the_staircase_of_tenths_has_the_height_of_its_shares():
    assert part(told())["tenths"] is None
    rows = [
        {"tenth": 1, "sections": 10, "crossed": 1, "share": 0.1},
        {"tenth": 2, "sections": 10, "crossed": 4, "share": 0.4},
    ]
    stairs = part(told(tenths=rows))["tenths"]
    low, high = (float(b["height"]) for b in stairs["bars"])
    assert high == pytest.approx(4 * low)
    assert stairs["mean"].startswith("all sections: 25")


def test_there_is_a_map_only_where_there_are_ways_and_a_map_of_movement():
    line = shapely.LineString([(0, 0), (9000, 4000)])
    ways = gpd.GeoDataFrame({"set": [0]}, geometry=[line], crs=32648)
    assert part(told(), ways=ways)["map"] is None
    assert part(told(), raster=SimpleNamespace(cell_size=1000.0))["map"] is None
