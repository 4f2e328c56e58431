"""Single sentences of the report, each for the case it was written for."""

from __future__ import annotations

import json
import math
import runpy
import sys
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from places import REPOSITORY

from permeability.core.errors import OptionError, ProjectError
from permeability.locale.language import words
from permeability.report import budget, documents, evidence
from permeability.report.alternatives import drawn_change, step_texts
from permeability.report.factsheet_tables import tables
from permeability.report.movement import movement_parts
from permeability.report.pdf import usual_places, write_pdf
from permeability.report.pilots import number_said
from permeability.report.results import read_results
from permeability.report.run_workbook import export_workbook
from permeability.report.said import said
from permeability.species import species

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))
TR = words()


# ---------------------------------------------------------------- who arrives alive
def moving(ranked=None):
    told = {"khulan": {"arrivals": 0.4, "theta_per_km": 0.02, "step_km": 12.0, "barriers": "both"}}
    movement = pd.DataFrame(columns=["species", "from", "to", "success", "days", "expected_cost_km"])
    run = SimpleNamespace(
        record={},
        summary={"movement": told},
        movement=movement,
        mortality=None,
        ranked=lambda species: ranked,
    )
    (part,) = movement_parts(run, TR)
    return part


def sites(**columns):
    line = shapely.LineString([(0, 0), (1, 1)])
    return gpd.GeoDataFrame({"id": ["a", "b", "c"], "rank": [1, 2, 3]} | columns, geometry=[line] * 3)


def test_a_run_that_counted_no_deaths_and_ranked_nothing_shows_arrivals_alone():
    part = moving()
    assert (part["deaths"], part["gains"], part["traps"]) == ([], [], "")
    assert part["text"][0] == "Of 100 animals that set out from one patch for another, 40 arrive alive today."


def test_sections_that_let_more_pass_and_fewer_arrive_are_named():
    part = moving(sites(trap=["True", "False", "1"], gain_arrivals=[-0.01, 0.03, 0.02]))
    assert part["traps"] == "Traps, more animals pass and fewer arrive alive: a, c."
    assert [(r["id"], r["rank"]) for r in part["gains"]] == [("b", "2"), ("c", "3"), ("a", "1")]
    assert moving(sites(trap=[False] * 3))["traps"].startswith("No section is a trap")
    assert moving(sites())["gains"] == []


# ---------------------------------------------------------------- the budget
PLAN = {"sites": ["a"], "budget_usd": 10_000.0, "cost_usd": 9000.0, "gain": 0.8, "bound": 1.0, "gap": 0.2}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "can gain more than 25.0\xa0% above this one"),
        ({"gap": 0.0}, "it is proven that no set of sites for this money gains more"),
        ({"bound": math.inf}, "How far a better plan could get is not known."),
        ({"gain": 0.0}, None),
    ],
)
def test_how_far_a_better_plan_could_get_is_told_as_far_as_it_is_known(changes, sentence):
    told = budget.plan_sentences(PLAN | changes, ["khulan"], TR)
    assert told[0].startswith("For a budget of 10,000 US dollars: 1 sites at 9,000")
    assert len(told) == (1 if sentence is None else 2)
    assert sentence is None or sentence in told[1]


def test_a_search_that_was_ended_early_says_so():
    cut = budget.plan_sentences(PLAN | {"bound_cut_off": True}, ["khulan"], TR)
    assert len(cut) == 3
    assert cut[2].startswith("The search for a closer limit was ended")


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (600_000.0, [0, 200_000, 400_000, 600_000]),
        (1e6, [0, 5e5, 1e6]),
        (500.0, [0, 100, 200, 300, 400, 500]),
    ],
)
def test_the_axis_of_money_has_a_few_round_amounts(most, ticks):
    assert budget._ticks(most) == ticks


# ---------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"action": "traffic", "kind": "road", "times": 2}, "traffic on all roads (times 2)"),
        ({"action": "traffic", "kind": "railway", "times": 2}, "traffic on all railways (times 2)"),
        ({"action": "traffic", "line": "R", "vehicles_per_day": 900}, "traffic on R (900 vehicles a day)"),
        ({"action": "alter", "line": "R", "trains_per_day": 0}, "other facts for R (0 trains a day)"),
        ({"action": "layer", "layer": "water", "scale": 3}, "water multiplied by 3"),
        ({"action": "layer", "layer": "water", "use": "dry"}, "layer water replaced by dry"),
        ({"action": "layer", "layer": "water", "path": "dry.tif"}, "layer water replaced by dry.tif"),
    ],
)
def test_a_step_of_an_option_is_told_in_words(step, text):
    assert list(step_texts([step], TR)) == [text]


def test_options_are_compared_draw_by_draw_only_where_the_draws_are_the_same():
    def run(draws, values, who="khulan"):
        return SimpleNamespace(draws=pd.DataFrame({"species": who, "draw": draws, "eca_km2": values}))

    one = run([0, 1, 2], [1.0, math.inf, 3.0])
    change = drawn_change(one, run([0, 1, 2], [4.0, math.inf, 1.0]), "khulan", "eca_km2")
    assert change.tolist() == [3.0, 0.0, -2.0]
    for other in (run([0, 1], [4.0, 5.0]), run([0, 1, 3], [4.0, 5.0, 1.0]), SimpleNamespace(draws=None)):
        assert drawn_change(one, other, "khulan", "eca_km2") is None
    assert drawn_change(one, one, "argali", "eca_km2") is None


# ---------------------------------------------------------------- the summary
@pytest.mark.parametrize(
    ("index", "share", "high", "sentence"),
    [
        ("range_cut_off_km2", 0.0, 0.0, "At best values and in every draw no part of the range is cut off."),
        ("range_cut_off_km2", 0.03, 0.0, "no part of the range is cut off; some is in 3\xa0% of the draws."),
        (
            "range_cut_off_km2",
            0.4,
            60.0,
            "some is in 40\xa0% of the draws (at most 60 km² in 95 % of the draws).",
        ),
        ("pairs_apart", 0.0, 0.0, "At best values and in every draw every pair of patches has a path."),
        (
            "pairs_apart",
            0.03,
            0.0,
            "every pair of patches has a path; some have none in 3\xa0% of the draws.",
        ),
        (
            "pairs_apart",
            0.4,
            40.0,
            "some have none in 40\xa0% of the draws (at most 40 in 95 % of the draws).",
        ),
        ("pairs_apart", 0.4, 2.0, "of the draws (at most 2 in 95 % of the draws)."),
    ],
)
def test_what_is_whole_at_best_values_may_be_cut_in_draws(index, share, high, sentence):
    (text,) = said([{"statement": "whole", "index": index, "share_any": share, "high": high}], TR)
    assert text.endswith(sentence)


@pytest.mark.parametrize(("gains", "more"), [(1.0, False), (0.996, False), (0.9, True)])
def test_the_first_section_says_in_how_many_draws_it_gains_nothing(gains, more):
    first = {
        "statement": "first", "site": "a", "treatment": "remove", "gain": 0.3, "low": 0.0, "high": 0.6, "top": 4, "share_in_top": 0.8,
        "share_gains": gains, "cost_usd_low": 1.0, "cost_usd": 2.0, "cost_usd_high": 3.0,
    }  # fmt: skip
    (text,) = said([first], TR, lambda site: "F")
    assert text.endswith("In 10\xa0% of the draws it gains nothing.") == more


# ---------------------------------------------------------------- unknown numbers
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("trace_length.stock", "stock fence"),
        ("treatment.remove", "take the fences down"),
        ("habitat.water_km", "water"),
    ],
)
def test_an_unknown_number_is_called_by_the_thing_it_is_about(key, name):
    text = evidence.unknown_words(key, SimpleNamespace(barriers=None, patches=None), TR)
    assert name in text
    assert key not in text


def test_an_unknown_number_without_a_range_shows_none(tmp_path):
    run = read_results(SAMPLE["make_results"](tmp_path / "r"))
    found = run.record["species"]["khulan"]["influence"]
    assert evidence.knowledge_gaps(run, "khulan", TR)[0]["range"] == "8 to 62 km"
    del found[0]["low"]
    assert evidence.knowledge_gaps(run, "khulan", TR)[0]["range"] == ""


def test_a_number_of_a_later_version_is_called_by_its_key():
    assert str(number_said("speed_of.later_kind")) == "speed of.later kind"


def test_a_measured_crossing_cost_stands_in_the_factsheet_as_measured():
    profile = species("khulan")
    cost = {"low": 3, "best": 7, "high": 20}
    told = dict(zip(("plain", "measured"), (profile, profile.override({"crossing_cost_km.stock": cost}))))
    cells = {
        k: {r.label: r.extra for t in tables(p, TR) for r in t.rows}["stock fence"] for k, p in told.items()
    }
    assert cells["measured"] == "measured: 7 km of open ground"
    assert "measured" not in cells["plain"]


# ---------------------------------------------------------------- files
def test_a_document_leaves_out_drawings_and_keeps_what_follows_them():
    html = pytest.importorskip("lxml.html")
    node = html.fragment_fromstring("<p>one <svg><text>no</text></svg>two<!-- no --> <b>three</b></p>")
    runs = [(text, bold) for text, bold, _, _ in documents._runs(node) if text.strip()]
    assert runs == [("one ", False), ("two", False), ("three", True)]


def test_a_table_without_cells_is_not_in_the_document():
    docx, html = pytest.importorskip("docx"), pytest.importorskip("lxml.html")
    paper = docx.Document()
    documents._table(paper, html.fragment_fromstring("<table><caption>None</caption><tbody></tbody></table>"))
    assert (len(paper.tables), len(paper.paragraphs)) == (0, 0)
    one = html.fragment_fromstring("<table><caption>One</caption><tbody><tr><td>x</td></tr></tbody></table>")
    documents._table(paper, one)
    assert [c.text for c in paper.tables[0].columns[0].cells] == ["x"]


def test_a_program_that_prints_nothing_is_told_with_what_it_said(tmp_path):
    page = tmp_path / "r.html"
    page.write_text("<p>x</p>", encoding="utf-8")
    with pytest.raises(OptionError, match="made no PDF") as caught:
        write_pdf(page, tmp_path / "r.pdf", browser=sys.executable)
    assert caught.value.code == "O04"
    assert "--headless" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_browsers_are_looked_for_off_the_path_on_windows_and_macos_only():
    assert usual_places("linux", {"HOME": "/home/a", "ProgramFiles": "C"}) == []
    (first, second, *_) = usual_places("darwin", {"HOME": "/Users/a"})
    assert str(first) == "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    assert str(second).startswith("/Users/a/Applications/")


def test_a_workbook_has_no_sheet_of_what_there_is_not(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    folder = SAMPLE["make_results"](tmp_path / "r")
    (folder / "sites.gpkg").unlink()
    names = openpyxl.load_workbook(export_workbook(folder, tmp_path / "a.xlsx")).sheetnames
    assert not {"barriers", "patches"} & set(names)
    assert {"sites", "impact"} <= set(names)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    (folder / "record.json").write_text(json.dumps(record | {"files": []}), encoding="utf-8")
    with pytest.raises(ProjectError, match="holds no table") as caught:
        export_workbook(folder, tmp_path / "b.xlsx")
    assert caught.value.code == "J06"
    assert not (tmp_path / "b.xlsx").exists()
