"""The report from the objects of a session says what those objects say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import permeability as pm
from permeability.core.errors import OptionError, ProjectError

HOSTILE = "<script>alert(1)</script>"


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_results_of_a_session_in_one_file_in_three_languages(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    today = pm.connectivity(land, patches)
    change = pm.compare(land, patches, pm.Scenario("Gap in the middle").remove("F", km=(2, 6)))
    sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    best = pm.portfolio(sites, budget_usd=3000)
    pages = {}
    for language in ("en", "mn", "ru"):
        path = tmp_path / f"{language}.html"
        assert (
            pm.write_report(
                [today, change, sites, best], path, language=language, title=HOSTILE, statement="Invented."
            )
            == path
        )
        pages[language] = text(path)
    for language, page in pages.items():
        assert f'lang="{language}"' in page
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page
        assert "Gap in the middle" in page
        assert "Invented." in page
        assert best.sites[0] in page
    assert pages["mn"] != pages["ru"] != pages["en"]
    assert "48" in pages["en"]  # km2 cut off


def test_order_and_what_is_computed_do_not_matter(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    today, impact = pm.connectivity(land, patches), pm.barrier_impact(land, patches)
    sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))
    first = pm.write_report([today, impact, sites], tmp_path / "a.html")
    second = pm.write_report([sites], tmp_path / "b.html")
    third = pm.write_report(sites, tmp_path / "c.html")
    assert text(first) == text(second) == text(third)


def test_a_run_and_its_folder_give_the_same_report(tmp_path: Path) -> None:
    run = pm.run_project(pm.samples.tiny_project(tmp_path / "tiny"), tmp_path / "results")
    assert text(pm.write_report(run, tmp_path / "a.html")) == text(tmp_path / "results" / "report.html")
    assert text(pm.write_report(tmp_path / "results", tmp_path / "b.html")) == text(tmp_path / "a.html")
    boards = [
        pm.write_board(of, tmp_path / f"board {n}.html")
        for n, of in enumerate((run, tmp_path / "results", str(tmp_path / "results"), [tmp_path / "results"]))
    ]
    assert len({text(b) for b in boards}) == 1
    assert "F km 2-4" in text(boards[0])


def test_only_the_range_that_is_given_counts(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    east = np.zeros(land.grid.shape, bool)
    east[:, 6:] = True
    told = pm.barrier_impact(land, patches, east)
    page = pm.write_report(pm.connectivity(land, patches), tmp_path / "east.html", inside=east)
    assert text(page) == text(
        pm.write_report([pm.connectivity(land, patches), told], tmp_path / "told.html", inside=east)
    )
    assert text(page) != text(pm.write_report(pm.connectivity(land, patches), tmp_path / "all.html"))


def test_what_cannot_be_reported_is_refused_and_nothing_written(tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    change = pm.compare(land, patches, pm.Scenario("gap").remove("F"))
    target = tmp_path / "report.html"
    for things in ([], [land], [change], ["results"]):
        with pytest.raises(ProjectError, match="J10"):
            pm.write_report(things, target)
    with pytest.raises(OptionError, match="O01"):
        pm.write_report(pm.connectivity(land, patches), target, language="de")
    assert not target.exists()
