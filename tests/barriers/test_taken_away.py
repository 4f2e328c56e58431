"""What is drawn of lines of which a scenario has taken something away."""

from __future__ import annotations

import pytest
import shapely

import permeability as pm
from permeability.barriers.taken_away import lines_left
from permeability.viz.ground import drawn_lines


@pytest.fixture(scope="module")
def land():
    return pm.samples.tiny()[0]


def test_what_is_left_and_what_is_gone_make_the_line(land):
    barriers = land.barriers
    for a, b in ((0, 3), (2, 5), (7.5, 8), (1, 1.25)):
        left = lines_left(barriers, pm.Scenario("x").drop("F", km=(a, b)), barriers.table)
        (whole,) = barriers.table.geometry[barriers.table["id"] == "F"]
        (rest,) = left.geometry[left["id"] == "F"]
        assert rest.length == pytest.approx(whole.length - 1000 * (b - a), abs=0.01)
        assert shapely.distance(rest, barriers.stretch("F", a + 0.1, b - 0.1)) > 50
        assert (
            left.geometry[left["id"] == "S"]
            .iloc[0]
            .equals(barriers.table.geometry[barriers.table["id"] == "S"].iloc[0])
        )


def test_maps_leave_out_what_a_scenario_drops_and_keep_what_it_opens(land):
    both = [len(drawn_lines(x)) for x in (land, land.with_scenario(pm.Scenario("a").drop("F")))]
    assert both == [2, 1]
    opened = land.with_scenario(pm.Scenario("b").remove("F", km=(1, 2)))
    assert drawn_lines(opened).geometry.length.tolist() == land.barriers.table.geometry.length.tolist()


def test_results_of_a_scenario_draw_no_line_that_it_drops(tmp_path):
    file = pm.samples.tiny_project(tmp_path / "tiny")
    with file.open("a", encoding="utf-8") as project:
        project.write(
            '\n[[scenarios]]\nname = "Without S"\n[[scenarios.steps]]\naction = "drop"\nline = "S"\n'
        )
    run = pm.run_project(file, tmp_path / "out", report=False)
    from permeability.report.results import read_results

    today = read_results(run.folder)
    assert {"F", "S"} <= set(today.barriers["id"])
    after = today.scenario("Without S").barriers
    assert "S" not in set(after["id"])
    assert "F" in set(after["id"])
