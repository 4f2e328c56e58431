"""Pilots and indicators in the report: kept in the result folder, told in every language, the same sentences as the page of the pilots."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pytest

import permeability as pm
from permeability.cli.commands import main
from permeability.locale.language import words
from permeability.monitoring import update
from permeability.monitoring.update_page import update_page
from permeability.report.results import read_results

SITE = "F km 2-4 modify"
PILOTS = [{"site": SITE, "crossed": 2, "met": 5, "animals": 5}]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small sample with draws and an opening that can fail."""
    folder = tmp_path_factory.mktemp("pilots")
    project = pm.samples.tiny_project(folder / "tiny")
    text = project.read_text(encoding="utf-8").replace(
        "draws = 0", "draws = 100\nvary = ['crossing', 'trace']"
    )
    project.write_text(text.replace("length_km = 2", "length_km = 2\ntreatment = 'modify'"), encoding="utf-8")
    return pm.run_project(project, folder / "results", report=False).folder


def run(*args: str) -> None:
    with pytest.raises(SystemExit) as end:
        main([*args])
    assert not end.value.code


def plain(page: str) -> str:
    """Text of a page without tags and scripts."""
    body = re.sub(r"<(style|script)>.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_the_report_says_what_pilots_changed(results: Path, tmp_path: Path, language: str) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    (tmp_path / "pilots.csv").write_text(f"site,crossed,met,animals\n{SITE},2,5,5\n")
    before = pm.write_report(folder, tmp_path / "before.html", language=language).read_text(encoding="utf-8")
    assert 'id="pilots"' not in before
    run("update", str(folder), "--pilots", str(tmp_path / "pilots.csv"), "--report", "--language", language)
    page = (folder / f"report_{language}.html").read_text(encoding="utf-8")
    done = update(read_results(folder).held_ranking("khulan"), PILOTS)
    tr, text = words(language), plain(page)
    for note in done.notes:
        told = tr.said(note)
        assert text.count(plain(told)) >= 2, told  # in the case, and in the annex
        assert told in html.unescape(update_page({"khulan": done}, language=language))
    for place in ("case-pilots", "pilots"):
        assert f'id="{place}"' in page
        assert f'href="#{place}"' in page
    assert tr("Pilots were measured since: this is the ranking before them.") in html.unescape(page)
    assert done.ranking is not None
    for row in done.ranking.itertuples():
        want = f"{tr.number(row.rank)} {tr.number(row.rank_before)} {row.id}"
        assert want in text


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_the_page_of_the_pilots_has_no_english_word_left(results: Path, language: str) -> None:
    kept = read_results(results).held_ranking("khulan")
    rows = [
        {**PILOTS[0], "best_of": 3}, {"number": "crossing.border", "crossed": 1, "met": 30, "animals": 30},
        {"site": "F km 4-6", "before_crossed": 0, "before_met": 20}, {"site": SITE, "crossed": 3, "met": 6, "before_crossed": 0, "before_met": 20},
        *({"site": f"F {k}", "before_crossed": k, "before_met": 20} for k in range(3, 8)),
    ]  # fmt: skip
    page = plain(update_page({"khulan": update(kept, rows)}, language=language))
    left = re.sub(r"F km [\d-]+( modify)?", "", page)
    assert re.findall(r"[A-Za-z]{2,}", left) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_report_lists_indicators(results: Path, tmp_path: Path, language: str) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    run("indicators", str(folder), "--base", str(results), "--report", "--language", language)
    page, tr = (folder / f"report_{language}.html").read_text(encoding="utf-8"), words(language)
    told = json.loads((folder / "indicators.json").read_text(encoding="utf-8"))
    text = plain(page)
    for row in told["rows"]:
        if isinstance(row["value"], (int, float)):
            assert plain(tr(row["label"])) in text or row["indicator"] in ("pairs_apart",)
            assert plain(tr(row["not_said"])) in text
            assert row["source"] in text


def test_a_report_without_them_has_no_such_place(results: Path, tmp_path: Path) -> None:
    page = pm.write_report(results, tmp_path / "r.html").read_text(encoding="utf-8")
    for place in ("case-pilots", "pilots", "indicators"):
        assert f"#{place}" not in page
