"""Scenarios of a project file: their steps, common draws, residual and cumulative impact, inputs that differ, report."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from places import GOBI
from pydantic import ValidationError

from permeability.cli.commands import main
from permeability.core.errors import BarrierError, ProjectError
from permeability.layers.whole_files import sha256
from permeability.linkage.index_table import INDEX, INDICES, change_of
from permeability.linkage.measured import indices
from permeability.locale.language import words
from permeability.planning.alternatives import AFRESH, cumulative, evaluate_options
from permeability.project.checking import check_project
from permeability.project.project import Project, open_project
from permeability.project.run.input_differences import differing_inputs, unexplained
from permeability.project.run.result_differences import compare_scenarios
from permeability.project.run.run import run_project
from permeability.project.run.scenarios import option_of, run_scenarios, years_built
from permeability.project.scenario_spec import StepSpec, chain_of, interventions_of
from permeability.report import write_comparison, write_report
from permeability.report.alternatives import step_texts
from permeability.report.figures import habitat_map
from permeability.report.results import read_results

GAZELLE = "mongolian_gazelle"
SMALL = (("cell_size_m = 5000", "cell_size_m = 20000"), ("draws = 60", "draws = 3"))


def eia(folder: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The EIA sample with large cells in a folder of its own."""
    shutil.copytree(GOBI, folder)
    path = folder / "eia.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in (*SMALL, *changes):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text + more, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return eia(tmp_path_factory.mktemp("eia") / "gobi")


@pytest.fixture(scope="module")
def project(path: Path) -> Project:
    return open_project(path)


@pytest.fixture(scope="module")
def found(project: Project) -> Any:
    return run_scenarios(project, GAZELLE)


@pytest.fixture(scope="module")
def results(path: Path) -> Path:
    folder = path.parent.parent / "results"
    run_project(path, folder)
    return folder


def codes(path: Path) -> dict[str, str]:
    return {f.code: f.text() for f in check_project(path)}


# ---------------------------------------------------------------- steps
def test_a_scenario_stands_on_what_it_builds_on(project: Project) -> None:
    chain = [s.name for s in chain_of(project.spec.scenarios, "Plan A: underpasses")]
    assert chain == ["No-build", "Railway fenced", "Plan A: underpasses"]
    steps = project.scenario("Plan A: underpasses").interventions
    assert [(s.km_from, s.km_to, s.width_m) for s in steps if s.action == "treat"] == [
        (k, k, 50.0) for k in (80, 180, 280, 380)
    ]
    assert project.variant("Plan A: underpasses").spec.project.year == 2035
    assert project.variant("today") is project


def test_traffic_of_all_roads_is_multiplied_row_by_row(project: Project) -> None:
    table = project.barriers.table
    steps = {
        s.line: s.options
        for s in interventions_of(StepSpec(action="traffic", kind="road", times=1.5), project.barriers)
    }
    roads = table[table["kind"] == "road"]
    assert set(steps) == set(roads["id"])
    for row in roads.to_dict("records"):
        assert steps[row["id"]]["vehicles_per_day_high"] == pytest.approx(1.5 * row["vehicles_per_day_high"])
    with pytest.raises(BarrierError) as refused:
        interventions_of(StepSpec(action="traffic", line="SBK", times=2), project.barriers)
    assert refused.value.code == "B14"


@pytest.mark.parametrize(
    ("step", "action", "treatment", "options"),
    [
        ({"action": "modify", "line": "SBK"}, "treat", "modify", {}),
        (
            {"action": "close", "line": "AH3", "hours": "20-6"},
            "treat",
            "night_closure",
            {"closed_hours": "20-6"},
        ),
        ({"action": "add", "line": "SBK", "fenced": "yes"}, "add", None, {"fenced": "yes"}),
        ({"action": "drop", "line": "SBK", "km": [1, 9]}, "drop", None, {}),
    ],
)
def test_words_of_the_file_and_their_interventions(
    project: Project, step: dict[str, Any], action: str, treatment: str | None, options: dict[str, Any]
) -> None:
    (made,) = interventions_of(StepSpec(**step), project.barriers)
    assert (made.action, made.treatment, dict(made.options)) == (action, treatment, options)


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"action": "remove", "line": "TMR", "width_m": 5}, "takes no 'width_m'"),
        ({"action": "treat", "line": "TMR"}, "needs 'treatment'"),
        ({"action": "treat", "line": "TMR", "treatment": "gap", "km": 3, "at": [4]}, "either 'km' or 'at'"),
        ({"action": "traffic", "times": 2}, "'line' or 'kind'"),
        ({"action": "traffic", "line": "AH3"}, "one of"),
        ({"action": "layer", "scale": 2}, "'layer' or 'factor'"),
        ({"action": "layer", "factor": "town_km", "use": "x", "scale": 2}, "nothing else"),
        ({"action": "layer", "layer": "towns", "use": "x", "path": "y"}, "takes one of"),
    ],
)
def test_a_key_that_would_have_no_effect_is_refused(step: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        StepSpec(**step)


def test_what_is_built_after_the_year_is_left_out_and_said(tmp_path: Path) -> None:
    path = eia(tmp_path / "g", ("year = 2035", "year = 2032"))
    project = open_project(path)
    assert project.scenario("All planned lines fenced").interventions[-1].line != "CKB"
    warning = codes(path)["J11"]
    assert "2033" in warning
    assert "line 2" in warning  # two hundred and something: the step itself is named
    assert "WARNING" in warning


def test_every_misspelt_thing_is_a_finding(tmp_path: Path) -> None:
    more = """
[[scenarios]]
name = "No-build"
based_on = "Railway fencd"

[[scenarios]]
name = "layers"

[[scenarios.steps]]
action = "layer"
layer = "towns"
scale = 2.0

[[scenarios.steps]]
action = "layer"
factor = "slop_deg"
scale = 2.0
"""
    found = codes(eia(tmp_path / "g", ('baseline = "No-build"', 'baseline = "No-built"'), more=more))
    assert "did you mean 'No-build'?" in found["J04"] or "did you mean 'Railway fenced'?" in found["J04"]
    assert {"J04", "J13", "J12"} <= set(found)
    assert "scenario 'layers'" in found["J12"]
    circle = codes(
        eia(tmp_path / "h", ('measure = "avoid"\nnote = "2035', 'based_on = "Railway fenced"\nnote = "2035'))
    )
    assert "J08" in circle


def test_findings_name_the_line_of_the_step(tmp_path: Path) -> None:
    path = eia(tmp_path / "g", ('line = "TMR"\nkm = [800, 810]', 'line = "TMR"\nkm = [2800, 2810]'))
    number = (
        path.read_text(encoding="utf-8")[: path.read_text(encoding="utf-8").index("km = [2800")].count("\n")
        - 2
    )
    assert f"line {number}" in codes(path)["B08"]


def test_layers_factors_and_rasters_change_for_one_scenario(tmp_path: Path) -> None:
    more = """
[[scenarios]]
name = "mines everywhere"

[[scenarios.steps]]
action = "layer"
layer = "mines"
use = "towns"

[[scenarios]]
name = "steeper"

[[scenarios.steps]]
action = "layer"
factor = "slope_deg"
scale = 100.0
"""
    project = open_project(eia(tmp_path / "g", more=more))
    assert [f for f in check_project(project.path) if f.severity == "error"] == []
    assert len(project.cuts.cell)
    base, mines, steep = (project.variant(n) for n in ("today", "mines everywhere", "steeper"))
    np.testing.assert_array_equal(mines.factor("mine_km"), base.factor("town_km"))
    np.testing.assert_allclose(steep.factor("slope_deg"), 100 * base.factor("slope_deg"))
    assert steep.cuts is base.cuts  # what does not change is not read again
    options = {n: option_of(project, n, GAZELLE) for n in ("today", "steeper", "mines everywhere")}
    for name in ("steeper", "mines everywhere"):
        rows = differing_inputs(project, "today", name, options)
        assert any("resistance of the ground" in r["input"] for r in rows)
        assert unexplained(rows) == []


# ---------------------------------------------------------------- evaluation
def test_values_and_draws_are_those_of_a_plain_evaluation(found: Any) -> None:
    every = found.alternatives
    for name in ("No-build", "Plan A: underpasses"):
        one = every.results[name]
        o, draw = one.option, every.quantiles.iloc[1]
        land = o.land.drawn({str(k): float(v) for k, v in draw.items()})
        plain = indices(land, o.patches, o.inside).values
        np.testing.assert_allclose(one.drawn[1], [plain[i] for i in INDICES])
    assert any(c.startswith("structure") for c in every.quantiles.columns)


def test_equal_options_differ_by_nothing_in_every_draw(found: Any) -> None:
    base = found.alternatives.results["No-build"].option
    twin = evaluate_options([base, replace(base, name="twin")], "No-build", draws=4, rng=3)
    table = twin.table
    mine = table[table["scenario"] == "twin"]
    assert (mine[["change", "change_low", "change_high", "share_better"]].to_numpy() == 0).all()
    spread = mine["after_high"] - mine["after_low"]
    assert (spread > 0).any()  # while the values themselves do vary


def test_reach_adds_up_to_the_reachable_range(found: Any) -> None:
    for result in found.alternatives.results.values():
        land, n = result.option.land, len(result.option.patches)
        area = np.nansum(result.reach) * land.grid.cell_area_km2 / n
        assert area == pytest.approx(result.indices.values["reachable_km2"])


def test_residual_and_cumulative_impact_add_up(project: Project, found: Any) -> None:
    rest = found.alternatives.residual
    assert set(rest["scenario"]) == {n for n in found.alternatives.results if n.startswith("Plan")}
    assert set(rest["reference"]) == {"Railway fenced"}
    np.testing.assert_allclose(rest["given_back"] + rest["left"], rest["impact"], atol=1e-9)
    assert (rest.loc[rest["impact"] > 0, "impact"] > 0).any()
    order = found.cumulative
    assert order["year"].dropna().is_monotonic_increasing
    assert order["line"].iloc[-2:].tolist() == ["SBK", "CKB"]
    for index in ("reachable_km2", "mean_conductance"):
        np.testing.assert_allclose(order[f"added_{index}"].cumsum(), order[f"total_{index}"], atol=1e-9)
        last = found.alternatives.results["All planned lines fenced"].indices.values[index]
        assert order[index].iloc[-1] == pytest.approx(last)
        assert (order[f"added_{index}"] <= 1e-9).all()  # a barrier more never helps
    option = found.alternatives.results["Railway fenced"].option
    unknown = np.full(len(option.land.barriers), np.nan)
    assert len(cumulative(option, unknown)) == 1
    assert np.nanmax(years_built(project, "Railway fenced")) == 2030


def test_one_line_after_the_other_is_what_condensing_every_landscape_anew_tells(
    found: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = found.alternatives.results["All planned lines fenced"].option
    built = years_built(project, "All planned lines fenced")
    together = cumulative(option, built)
    assert len(together) > AFRESH
    monkeypatch.setattr("permeability.planning.alternatives.AFRESH", len(together))
    one_by_one = cumulative(option, built)
    pd.testing.assert_frame_equal(together, one_by_one, rtol=1e-12, atol=1e-12)


def test_infinite_impacts_are_kept_apart_from_numbers() -> None:
    assert change_of(np.array([np.inf, np.inf, 1.0]), np.array([np.inf, 2.0, np.inf])).tolist() == [
        0.0,
        -np.inf,
        np.inf,
    ]


def test_more_barriers_are_never_better_and_openings_never_worse(found: Any) -> None:
    values = {n: r.indices.values for n, r in found.alternatives.results.items()}
    order = [
        "All planned lines fenced",
        "Railway fenced",
        "Plan C: open stretches",
        "Plan C and openings in the old fence",
    ]
    for index in INDICES:
        sign = -1.0 if INDEX[index].lower_is_better else 1.0
        line = [sign * values[n][index] for n in order]
        assert all(b >= a - 1e-9 for a, b in pairwise(line)), index
        assert sign * values["Railway unfenced"][index] <= sign * values["No-build"][index] + 1e-9


# ---------------------------------------------------------------- inputs that differ
def test_only_what_the_steps_say_differs(found: Any) -> None:
    for name, rows in found.inputs.items():
        assert unexplained(rows) == [], name
    inputs = [r["input"] for r in found.inputs["Railway unfenced"]]
    assert inputs == ["barrier SBK"]
    assert found.inputs["No-build"] == []
    assert any(r["input"] == "year" for r in found.inputs["today"])


def test_a_difference_that_no_step_explains_is_found(project: Project) -> None:
    options = {n: option_of(project, n, GAZELLE) for n in ("No-build", "Railway unfenced")}
    land = options["Railway unfenced"].land
    standing = land.standing.copy()
    standing[land.barriers.rows_of("TMR")] = False
    ground = land.resistance.copy()
    ground[np.unravel_index(np.nanargmin(ground), ground.shape)] *= 2
    tampered = {
        **options,
        "Railway unfenced": replace(
            options["Railway unfenced"], land=replace(land, standing=standing, resistance=ground)
        ),
    }
    strange = unexplained(differing_inputs(project, "No-build", "Railway unfenced", tampered))
    assert strange == [*(f"barrier TMR-{i}" for i in (1, 2, 3, 4)), "resistance of the ground (1 cells)"]


# ---------------------------------------------------------------- one command, its files and report
def test_one_command_writes_tables_maps_and_the_report(results: Path) -> None:
    table = pd.read_csv(results / "scenarios.csv")
    assert table["scenario"].nunique() == 9
    np.testing.assert_allclose(table["after"] - table["before"], table["change"], rtol=1e-6, atol=1e-9)
    assert (table["change_low"] <= table["change_high"]).all()
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    cell = summary["species"][GAZELLE]["scenarios"]["Railway fenced"]["reachable_km2"]
    assert cell["unit"] == "km2"
    assert cell["change"] < 0
    record = json.loads((results / "record.json").read_text(encoding="utf-8"))["scenarios"]
    assert record["baseline"] == "No-build"
    folder = results / record["plans"]["Railway fenced"]["folder"]
    base = results / record["plans"]["No-build"]["folder"]
    for kind in ("current", "cost_distance", "reach"):
        with (
            rasterio.open(folder / f"{kind}_{GAZELLE}.tif") as a,
            rasterio.open(base / f"{kind}_{GAZELLE}.tif") as b,
            rasterio.open(folder / f"difference_{kind}_{GAZELLE}.tif") as d,
        ):
            after = a.read(1)  # files hold single precision
            np.testing.assert_allclose(d.read(1), after - b.read(1), atol=2e-6 * np.nanmax(after))
            assert d.tags()["baseline"] == "No-build"
    assert not (base / f"difference_reach_{GAZELLE}.tif").exists()
    text = (results / "report.html").read_text(encoding="utf-8")
    assert text.count('id="option-') == 8
    for word in (
        "Options compared",
        "Residual impact after mitigation",
        "Cumulative impact in the order of building",
        "all explained",
    ):
        assert word in text
    assert "Not explained" not in text


def test_a_run_goes_on_where_it_stopped_and_gives_the_same_bytes(
    path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path.parent.parent / "again"
    count = {"n": 0}

    def stop(step: str, done: int, total: int) -> None:
        count["n"] += step.endswith("scenarios")
        if count["n"] == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_project(path, folder, progress=stop, workers=1)
    kept = len(list((folder.parent / ".again-steps").iterdir()))
    assert kept >= 8
    run_project(path, folder, resume=True, workers=2)
    names = sorted(p.relative_to(results) for p in results.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert [n for n in names if sha256(results / n) != sha256(folder / n)] == []


def test_two_scenarios_of_one_run_side_by_side(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["--scenario", "Plan A: underpasses", "--scenario", "Plan C: open stretches"]
    with pytest.raises(SystemExit) as stop:
        main(["compare", str(results), *names, "--report", str(tmp_path / "c.html")])
    assert stop.value.code == 3
    assert "reachable_km2" in capsys.readouterr().out
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert f"{GAZELLE}: barrier SBK, treated" in page
    assert (
        page.count(
            '<tr><th scope="row" class="w">Plan C: open stretches</th><td class="w" data-head="Input">'
        )
        == 1
    )
    assert compare_scenarios(results, "Railway fenced", "Railway fenced") == []
    with pytest.raises(ProjectError, match="did you mean 'Railway fenced'"):
        write_comparison([results], tmp_path / "d.html", scenarios=["today", "Railway fencd"])
    with pytest.raises(SystemExit) as stop:
        main(["compare", str(results)])
    assert stop.value.code == 2


def test_a_scenario_is_a_result_of_its_own(results: Path) -> None:
    whole = read_results(results)
    one = whole.scenario("Railway fenced")
    assert one.label == "Railway fenced"
    assert one.project["project"]["year"] == 2035
    assert one.barriers is not None
    rail = one.barriers.set_index("id").loc["SBK"]
    assert bool(rail["standing"])
    assert rail["fenced"] == "yes"
    assert one.raster("habitat", GAZELLE) is not None
    table = pd.read_csv(results / "scenarios.csv").set_index(["scenario", "index"])
    assert (
        one.case(GAZELLE, "all barriers")["reachable_km2"]
        == table.loc[("Railway fenced", "reachable_km2"), "after"]
    )


@pytest.mark.parametrize(
    ("language", "word"), [("mn", "Хувилбаруудын харьцуулалт"), ("ru", "Сравнение вариантов")]
)
def test_the_report_in_other_languages(results: Path, tmp_path: Path, language: str, word: str) -> None:
    text = write_report(results, tmp_path / "r.html", language=language).read_text(encoding="utf-8")
    part = text[text.index('<section id="options"') : text.index('<section id="residual"')]
    assert word in part
    for english in ("Railway fenced", "fenced,", "trains a day", "baseline<", "(worse)"):
        assert english not in part


def test_measures_of_an_option_are_not_drawn_over_today(results: Path) -> None:
    whole = read_results(results)
    today, plan = whole, whole.scenario("Plan A: underpasses")
    assert (habitat_map(today, GAZELLE, words()) or {})["measures"] is None
    assert (habitat_map(plan, GAZELLE, words()) or {})["measures"]["spots"]


def test_steps_in_words() -> None:
    steps = [
        {"action": "treat", "line": "SBK", "treatment": "underpass", "at": [80.0, 180.0], "width_m": 50.0},
        {"action": "remove", "line": "SBK", "km": (1.0, 2.0)},
        {"action": "remove", "line": "SBK", "km": (5.0, 6.0)},
        {"action": "layer", "factor": "snow_cm", "scale": 2.0},
        {"action": "close", "line": "AH3", "hours": "20-6"},
    ]
    assert list(step_texts(steps, words())) == [
        "SBK: underpass at km 80, 180 (50 m wide)", "take the fences of SBK down at km 1–2, 5–6", "snow_cm multiplied by 2",
        "close AH3 to traffic at night (hours 20-6)",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_reports_of_the_options_hold_no_english(results: Path, tmp_path: Path, language: str) -> None:
    from visible_english import english, quoted_in

    page = write_report(results, tmp_path / "r.html", language=language).read_text(encoding="utf-8")
    assert english(page, quoted_in(results)) == []
    names = ("today", "No-build", "Railway fenced", "Plan A: underpasses", "Plan B: wildlife-friendly fence")
    both = write_comparison([results], tmp_path / "c.html", language=language, scenarios=names)
    assert english(both.read_text(encoding="utf-8"), quoted_in(results)) == []
