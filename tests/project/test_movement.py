"""``[movement]`` of a project: files, summary, ranking and the report's section, in three languages."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import permeability as pm
from permeability.core.errors import ProjectError
from permeability.locale.language import words as words_of
from permeability.report import write_report

TABLE = """
[movement]
theta_per_km = 0.05
death_per_km = 0.002

[movement.at_lines]
S = 0.1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("movement")
    project = pm.samples.tiny_project(place / "tiny")
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("[ranking]\n", TABLE + "\n[ranking]\n"), encoding="utf-8")
    run = pm.run_project(project, place / "results")
    assert run.folder is not None
    return run.folder


def test_files_say_what_the_chain_says(folder: Path) -> None:
    land, patches = pm.samples.tiny()
    risk = pm.hazard(land, per_km=0.002, at_lines={"S": 0.1})
    chain = pm.movement_chain(land, patches, theta_per_km=0.05, death_per_km=risk)
    pairs = pd.read_csv(folder / "movement.csv").set_index(["from", "to"])
    assert pairs.loc[("W", "E"), "success"] == chain.success().loc["W", "E"] == 0.0
    assert json.loads((folder / "summary.json").read_text())["movement"]["khulan"]["arrivals"] == {
        "unit": "1",
        "value": 0.0,
    }
    deaths = pd.read_csv(folder / "mortality.csv")
    assert deaths["deaths"].sum() == pytest.approx(chain.mortality()["deaths"].sum())
    assert set(deaths["line"]) == {"S"}
    sites = pd.read_csv(folder / "sites.csv")
    assert (sites["gain_arrivals"] > 0).all()
    assert not sites["trap"].any()
    record = json.loads((folder / "record.json").read_text())
    assert {"movement.csv", "mortality.csv", "passage_khulan.tif"} <= set(record["files"])


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_the_report_has_its_section(folder: Path, tmp_path: Path, language: str) -> None:
    path = tmp_path / "report.html"
    write_report(folder, path, language=language)
    html = path.read_text(encoding="utf-8")
    words = words_of(language)
    assert 'id="movement"' in html
    assert str(words("Who arrives alive")) in html
    assert str(words("Deaths per km, of 100 animals that roam")) in html
    if language != "en":
        assert "Who arrives alive" not in html


def test_values_that_cannot_be_are_refused(tmp_path: Path) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    text = project.read_text(encoding="utf-8")
    for wrong in ("theta_per_km = -1", "step_km = 0", 'barriers = "none"', "death_per_km = nan", "teta = 1"):
        project.write_text(text + f"\n[movement]\n{wrong}\n", encoding="utf-8")
        with pytest.raises(ProjectError, match=r"J0[1-9]"):
            pm.open_project(project)


def test_a_check_names_lines_that_are_not_there_and_a_chain_without_death(tmp_path: Path) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    text = project.read_text(encoding="utf-8")
    project.write_text(text + "\n[movement.at_lines]\nroad = 0.1\n", encoding="utf-8")
    assert "B06" in [f.code for f in pm.check(project) if f.severity == "error"]
    project.write_text(text + "\n[movement]\ntheta_per_km = 0.1\n", encoding="utf-8")
    assert [f.severity for f in pm.check(project) if f.code == "Q09"] == ["warning"]
