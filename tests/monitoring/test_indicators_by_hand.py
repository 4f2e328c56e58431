"""Indicators and form tables of results put together by hand: what a run without some of its tables leaves empty, and what it says with them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from permeability.monitoring import indicators, report_tables
from permeability.report.results import TODAY, Results

LINES = pd.DataFrame({
    "id": ["f", "r1", "r2", "t", "p"], "line": ["F", "R", "Q", "T", "P"], "kind": ["fence", "road", "road", "railway", "railway"],
    "status": ["existing", "existing", "planned", "existing", "planned"], "fenced": ["yes", "no", "no", "mostly", "no"],
    "vehicles_per_day": [None, 1000.0, 1500.0, None, None], "source": ["survey", "map", "map", " ", "plan"],
    "accuracy_m": [10.0, None, None, 50.0, None], "km_from": [0.0, 0.0, 3.0, 0.0, 5.0], "km_to": [8.0, 3.0, 7.0, 20.0, 6.0],
    "standing": [True, True, False, True, False],
})  # fmt: skip


def results(lines: pd.DataFrame | None = LINES, **more: Any) -> Results:
    table = None
    if lines is not None:
        table = gpd.GeoDataFrame(lines, geometry=[shapely.LineString([(0, 0), (1, 1)])] * len(lines))
    given: dict[str, Any] = {
        "folder": Path("nowhere"), "summary": {"project": "by hand"}, "record": {"grid": {"text": "1 km"}, "species": {"khulan": {}}},
        "impact": pd.DataFrame({"species": ["khulan"], "case": [TODAY], "mean_conductance": [0.25]}), "pairs": pd.DataFrame(),
        "sites": None, "barriers": table, "patches": None, "ranges": None, "stations": None, **more,
    }  # fmt: skip
    return Results(**given)


def found(of: Results) -> pd.DataFrame:
    return indicators(of).table.set_index("indicator")


def test_a_run_without_a_table_of_lines_says_nothing_of_lines() -> None:
    table = found(results(None))
    lines = [
        "chance_per_km",
        "share_passable",
        "barrier_km",
        "fences_mapped_km",
        "fences_sourced",
        "busy_road_km",
    ]
    assert table.loc[lines, "value"].isna().all()
    assert (table.loc[lines, "source"] == "").all()
    assert table.loc["mean_conductance", "value"] == 0.25


def test_lines_of_every_kind_are_counted_where_they_belong() -> None:
    table = found(results())
    assert table.loc["barrier_km", "value"] == 8 + 3 + 20  # what stands
    assert (
        table.loc["fences_mapped_km", "value"] == 8 + 20
    )  # the fence, and the railway that is mostly fenced
    assert table.loc["busy_road_km", "value"] == 4  # a thousand vehicles are not more than a thousand
    assert table.loc["fences_sourced", "value"] == pytest.approx(
        1 / 3
    )  # the other two lack source or accuracy


def test_a_number_that_the_profile_does_not_have_stays_empty() -> None:
    told = {"crossing.border": {"low": 0.0, "best": 0.1, "high": 0.2}}
    record = {"grid": {}, "species": {"khulan": {"profile": told}}}
    table = found(results(record=record))
    assert tuple(table.loc["border_chance", ["low", "value", "high"]]) == (0.0, 0.1, 0.2)
    assert math.isnan(table.loc["track_chance", "value"])
    assert table.loc["track_chance", "source"] == ""


def test_structures_are_unknown_without_scenarios_and_none_without_measures() -> None:
    scenarios = pd.DataFrame({"species": ["khulan"]})
    measures = gpd.GeoDataFrame({"what": ["remove", "overpass"]}, geometry=[shapely.Point(0, 0)] * 2)
    assert math.isnan(found(results()).loc["structures", "value"])
    assert found(results(scenarios=scenarios)).loc["structures", "value"] == 0.0
    assert found(results(scenarios=scenarios, measures=measures)).loc["structures", "value"] == 2.0


def test_chosen_kilometres_are_those_of_the_plan_of_the_species() -> None:
    plan = gpd.GeoDataFrame(
        {"plan": ["khulan", "khulan", "gazelle"], "length_km": [2.0, 3.5, 4.0]}, geometry=[None] * 3
    )
    row = found(results(plan=plan)).loc["planned_km"]
    assert (row["value"], row["source"]) == (5.5, "plan.csv: plan = khulan/length_km")


def test_crossings_are_those_of_the_species() -> None:
    made = results()
    costs = [{"group": "stock", "crossings": 0, "km_worked": 10.0}]
    vars(made)["tracks"] = [
        {"species": "gazelle", "costs": [{"group": "stock", "crossings": 9, "km_worked": 1.0}]},
        {"species": "khulan", "costs": costs},
    ]
    row = found(made).loc["crossings_per_km"]
    assert (row["value"], row["low"]) == (0.0, 0.0)
    assert row["high"] == pytest.approx(
        -math.log(0.05) / 10
    )  # none seen: exp(-km x rate) is 5 % at the upper end
    assert row["source"].startswith("tracks.json: tracks/1/")


def effects(lines: list[str], added: list[float], species: str = "khulan") -> pd.DataFrame:
    return pd.DataFrame({"species": species, "line": lines, "added_mean_conductance": added})


def test_loss_to_planned_lines_is_the_sum_over_their_rows() -> None:
    row = found(results(cumulative=effects(["F, T", "R", "Q, P"], [-0.5, -0.25, -0.125]))).loc[
        "planned_lines_loss"
    ]
    assert row["value"] == -0.125
    assert row["source"].startswith("cumulative.csv")


@pytest.mark.parametrize(
    "more",
    [
        {"cumulative": effects(["P"], [-0.1], "gazelle")},
        {"cumulative": effects(["F, T"], [-0.5])},
        {"cumulative": effects(["P"], [-0.1]), "lines": LINES.drop(columns="status")},
        {"cumulative": effects(["P"], [-0.1]).drop(columns="added_mean_conductance")},
    ],
    ids=["another species", "no planned line in the order", "no status", "another index"],
)
def test_loss_to_planned_lines_is_not_guessed(more: dict[str, Any]) -> None:
    row = found(results(**more)).loc["planned_lines_loss"]
    assert math.isnan(row["value"])
    assert row["source"] == ""


def test_a_planned_line_counted_together_with_others_has_no_loss_of_its_own() -> None:
    made = results(cumulative=effects(["F, T, P", "R"], [-0.5, -0.25]))
    assert math.isnan(found(made).loc["planned_lines_loss", "value"])


def test_a_base_on_another_grid_is_told() -> None:
    then = results(record={"grid": {"text": "2 km"}, "species": {}})
    assert indicators(results(), base=results()).notes == ()
    assert "another grid" in indicators(results(), base=then).notes[0]


def test_a_form_without_a_base_or_a_statement_says_no_more_than_the_values(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    plain = report_tables(results(), "cami")
    paper = docx.Document(str(plain.save(tmp_path / "plain.docx")))
    cells = [row.cells[2].text for row in paper.tables[0].rows]
    assert (
        "[1] khulan: Barriers that stand 31 km\n[2] khulan: Fences and fenced railways in the database 28 km"
        in cells
    )
    stated = report_tables(results(summary={"statement": "An invented example."}), "cami", base=results())
    with_base = docx.Document(str(stated.save(tmp_path / "stated.docx")))
    assert any("31 km; +0\n" in row.cells[2].text for row in with_base.tables[0].rows)
    assert len(with_base.paragraphs) == len(paper.paragraphs) + 1
    assert [p.text for p in with_base.paragraphs][1] == "An invented example."
