"""One rule: what a run would refuse, `check` refuses, before anything is computed; no value ends in a bare error or runs for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

import permeability as pm
from permeability.core.errors import PermeabilityError
from permeability.project.run.effort import plan_project

SITES = 'line = "F"\nlength_km = 2'
OWN = f'{SITES}\ntreatment = "own"\n'
BUDGET = ("draws = 0", "draws = 0\nbudget_usd = 10000")
GAP = 'line = "F"\nstructures_km = [2]\ntreatment = "underpass"\n'


def sites(text: str) -> list[tuple[str, str]]:
    return [(SITES, text)]


def ranking(text: str) -> list[tuple[str, str]]:
    return [("draws = 0", text)]


def table(text: str) -> list[tuple[str, str]]:
    return [BUDGET, ("[[scenarios]]", f"{text}\n[[scenarios]]")]


def step(km: str) -> list[tuple[str, str]]:
    return [("km = [2, 6]", f"km = {km}")]


def grid(key: str, value: str) -> list[tuple[str, str]]:
    old = {
        "cell_size_m": "cell_size_m = 1000",
        "bounds": "bounds = [0, 0, 12000, 8000]",
        "crs": 'crs = "EPSG:32648"',
    }[key]
    return [(old, f"{key} = {value}")]


CASES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "chance above 1": ("J03", sites(OWN + "chance = [2, 2, 2]\ncost_usd = [1, 2, 3]")),
    "chance below 0": ("J03", sites(OWN + "chance = [-0.5, 0.1, 0.2]\ncost_usd = [1, 2, 3]")),
    "chance nan": ("J03", sites(OWN + "chance = [nan, 0.1, 0.2]\ncost_usd = [1, 2, 3]")),
    "chance falling": ("J03", sites(OWN + "chance = [0.5, 0.1, 0.2]\ncost_usd = [1, 2, 3]")),
    "cost below 0": ("J03", sites(OWN + "chance = 0.1\ncost_usd = [-1, 2, 3]")),
    "cost inf": ("J03", sites(OWN + "chance = 0.1\ncost_usd = [1, 2, inf]")),
    "cost as text": ("J03", sites(OWN + 'chance = 0.1\ncost_usd = ["cheap", 2, 3]')),
    "km nan": ("J03", sites(SITES + "\nkm = [nan, 4]")),
    "km inf": ("J03", sites(SITES + "\nkm = [0, inf]")),
    "km beyond the line": ("B10", sites(SITES + "\nkm = [100, 200]")),
    "km backwards": ("J03", sites(SITES + "\nkm = [6, 2]")),
    "km as text": ("J03", sites(SITES + '\nkm = "8 km"')),
    "sections of a micrometre": ("B19", sites('line = "F"\nlength_km = 1e-9')),
    "sections of a decimetre": ("B19", sites('line = "F"\nlength_km = 0.0001')),
    "sections of 0": ("J03", sites('line = "F"\nlength_km = 0')),
    "sections below 0": ("J03", sites('line = "F"\nlength_km = -1')),
    "sections nan": ("J03", sites('line = "F"\nlength_km = nan')),
    "sections inf": ("J03", sites('line = "F"\nlength_km = inf')),
    "sections as text": ("J03", sites('line = "F"\nlength_km = "2 km"')),
    "width below 0": ("J03", sites(GAP + "width_m = -1")),
    "width nan": ("J03", sites(GAP + "width_m = nan")),
    "structure at nan": ("J03", sites(GAP.replace("[2]", "[nan]"))),
    "structure far off": ("B08", sites(GAP.replace("[2]", "[1e9]"))),
    "corridor below 0": ("J03", sites(SITES + "\ncorridor_km = -1")),
    "tolerance nan": ("J03", sites(SITES + "\ntolerance_m = nan")),
    "seed -1": ("J03", ranking("draws = 5\nseed = -1")),
    "seed of 40 digits": ("J03", ranking("draws = 5\nseed = " + "1" * 40)),
    "draws 1e30": ("J03", ranking("draws = 1e30")),
    "draws of a thousand million": ("J03", ranking("draws = 1000000000")),
    "draws nan": ("J03", ranking("draws = nan")),
    "landscapes of a thousand million": ("J03", ranking("draws = 5\ndraws_anew = 1000000000")),
    "top 0": ("J03", ranking("draws = 0\ntop = 0")),
    "budget 1e300": ("J03", ranking("draws = 0\nbudget_usd = 1e300")),
    "budget 0": ("J03", ranking("draws = 0\nbudget_usd = 0")),
    "budget nan": ("J03", ranking("draws = 0\nbudget_usd = nan")),
    "budget inf": ("J03", ranking("draws = 0\nbudget_usd = inf")),
    "budget as text": ("J03", ranking('draws = 0\nbudget_usd = "5,000"')),
    "worth nan": ("J03", ranking("draws = 0\nworth_usd_per_gain = nan")),
    "unknown kind of draw": ("J03", ranking('draws = 5\nvary = ["weather"]')),
    "must above the budget": ("J16", [("draws = 0", "draws = 0\nbudget_usd = 100"), table('[portfolio]\nmust = ["F km 0-2"]')[1]]),
    "must unknown": ("O45", table('[portfolio]\nmust = ["nothing"]')),
    "must and must not": ("O42", table('[portfolio]\nmust = ["F km 0-2"]\nmust_not = ["F km 0-2"]')),
    "weights nan": ("J03", table("[portfolio]\nweights = { khulan = nan }")),
    "weights below 0": ("J03", table("[portfolio]\nweights = { khulan = -1 }")),
    "weights 0": ("J03", table("[portfolio]\nweights = { khulan = 0 }")),
    "weights of nobody": ("O01", table("[portfolio]\nweights = { yeti = 1 }")),
    "spacing nan": ("J03", table("[portfolio]\nspacing_km = nan")),
    "budgets nan": ("J03", table("[portfolio]\nbudgets = [nan]")),
    "budgets 1e300": ("J03", table("[portfolio]\nbudgets = [1e300]")),
    "two thousand budgets": ("J03", table(f"[portfolio]\nbudgets = {[*range(1, 2001)]}")),
    "stretch nan": ("J03", table('[portfolio]\nper_stretch = [["F", nan, 3]]')),
    "stretch of no line": ("O61", table('[portfolio]\nper_stretch = [["ZZ", 1, 3]]')),
    "years below 0": ("J03", table("[cost_benefit]\nyears = -1")),
    "years without end": ("J03", table("[cost_benefit]\nyears = 1000000000")),
    "rate nan": ("J03", table("[cost_benefit]\nrates = [nan]")),
    "rate below 0": ("J03", table("[cost_benefit]\nrates = [-2]")),
    "collision falling": ("J03", table("[cost_benefit]\nusd_per_collision = [3, 2, 1]")),
    "collision below 0": ("J03", table("[cost_benefit]\nusd_per_collision = -3")),
    "step km nan": ("J03", step("[nan, 6]")),
    "step km inf": ("J03", step("[2, inf]")),
    "step of no length": ("B12", step("[2, 2]")),
    "step km as text": ("J03", step('"2-6"')),
    "step on no line": ("B06", [('action = "remove"\nline = "F"', 'action = "remove"\nline = "G"')]),
    "year nan": ("J03", [("statement =", "year = nan\nstatement =")]),
    "year inf": ("J03", [("statement =", "year = inf\nstatement =")]),
    "year as text": ("J03", [("statement =", 'year = "spring 2031"\nstatement =')]),
    "cells nan": ("J03", grid("cell_size_m", "nan")),
    "cells 0": ("J03", grid("cell_size_m", "0")),
    "cells of a micrometre": ("M02", grid("cell_size_m", "1e-6")),
    "cells of a millimetre": ("M02", grid("cell_size_m", "0.001")),
    "cells without end": ("G04", grid("cell_size_m", "1e300")),
    "bounds nan": ("J03", grid("bounds", "[nan, 0, 12000, 8000]")),
    "bounds inf": ("J03", grid("bounds", "[0, 0, inf, 8000]")),
    "bounds backwards": ("G04", grid("bounds", "[12000, 0, 0, 8000]")),
    "unknown EPSG": ("G03", grid("crs", '"EPSG:99999999"')),
    "a town for a crs": ("G03", grid("crs", '"Ulaanbaatar"')),
    "fenced chance above 1": ("J03", [('layers = ["barriers"]', 'layers = ["barriers"]\nfenced_chance = 2')]),
    "comparison draws": ("J03", table("[comparison]\ndraws = 1000000000")),
    "comparison seed": ("J03", table("[comparison]\nseed = -1")),
    "comparison baseline": ("J04", table('[comparison]\nbaseline = "zz"')),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Path(pm.samples.tiny_project(str(tmp_path_factory.mktemp("values") / "p")))
    return made if made.suffix == ".toml" else made / "project.toml"


@pytest.mark.parametrize("what", list(CASES))
def test_check_refuses_what_a_run_would(what: str, project: Path) -> None:
    code, changes = CASES[what]
    text = project.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = project.with_name("case.toml")
    file.write_text(text)
    found = [f for f in pm.check(file) if f.severity == "error"]
    assert code in [f.code for f in found]
    assert all(f.remedy for f in found)
    with pytest.raises(PermeabilityError):
        pm.run_project(file)


def test_plan_refuses_a_grid_that_no_memory_holds(project: Path) -> None:
    file = project.with_name("fine.toml")
    file.write_text(project.read_text().replace("cell_size_m = 1000", "cell_size_m = 0.001"))
    with pytest.raises(PermeabilityError, match="M02"):
        plan_project(file)


@pytest.mark.parametrize("year", ["nan", "inf", "-inf", "soon"])
def test_a_timeline_asks_for_a_year(year: str, project: Path) -> None:
    from click.testing import CliRunner

    from permeability.cli.commands import cli

    said = CliRunner().invoke(cli, ["timeline", str(project), "--year", year])
    assert said.exit_code == 2
    assert said.exception is None or isinstance(said.exception, SystemExit)


def test_the_timeline_of_no_year_is_refused(project: Path) -> None:
    with pytest.raises(PermeabilityError, match=r"O11[\s\S]*no year"):
        pm.timeline(pm.open_project(project), "khulan", [2010, float("nan")])


def test_a_file_of_brackets_is_refused(project: Path) -> None:
    file = project.with_name("deep.toml")
    file.write_text("x = " + "[" * 5000 + "]" * 5000)
    assert [f.code for f in pm.check(file)] == ["J02"]
