"""The Gobi sample as it is shipped, with few draws: summary, table, headline, report and command line name one section."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from derived import derive, stray_numbers

from permeability.cli.printed import print_run
from permeability.locale.language import words
from permeability.report import write_report
from permeability.report.pdf import find_browser
from permeability.report.results import read_results
from permeability.report.said import said
from permeability.report.sections import report_context

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(gobi_run):
    return gobi_run


@pytest.fixture(scope="module")
def summary(run):
    return json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))["species"]


def test_every_statement_about_both_species_follows_from_the_draws(run, summary):
    assert set(summary) == {"khulan", "mongolian_gazelle"}
    for name, result in run.species.items():
        assert len(result.ranking.draws.gains) == 20
        seen = derive(result, summary[name]["headline"])
        assert {"lost", "takes_most", "first", "reach"} <= seen
        for s in summary[name]["headline"]:
            (sentence,) = said([s], words(), lambda site: "LINE")
            ids = [s.get("site", ""), s.get("line", ""), "LINE", *(p[0] for p in s.get("places", []))]
            assert not stray_numbers(sentence, s, *ids), sentence


def test_one_section_is_named_first_everywhere(run, summary, capsys):
    print_run(run)
    shown = capsys.readouterr().out
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    context = report_context(read_results(run.folder), words())
    for part, (name, result) in zip(context["species"], run.species.items()):
        first = next(s for s in summary[name]["headline"] if s["statement"] == "first")["site"]
        assert result.ranking.table["id"].iloc[0] == first
        assert next(i for i, s in summary[name]["sites"].items() if s["rank"] == 1) == first
        assert part["best"][0]["id"] == first
        assert part["sites"][0]["rank"] == 1
        named = [t for t in part["summary"]["text"] if "First to open" in t]
        assert len(named) == 1
        assert first in named[0]
        assert named[0] in page.replace("&#39;", "'")
        mine = shown.split(f"{result.land.profile.name()} ({result.land.profile.scientific})\n")[1]
        row = next(line for line in mine.splitlines() if re.match(r" +1 ", line))  # first of the table
        assert f"  {first}  " in row
        assert f"First to open by expected gain: {first} (" in mine


@pytest.mark.skipif(
    find_browser() is None or shutil.which("pdftotext") is None, reason="no Chromium, no poppler"
)
@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_the_part_to_be_read_has_eight_pages_at_most_and_page_one_the_whole_answer(run, tmp_path, language):
    target = write_report(run.folder, tmp_path / "s.pdf", language=language, part="summary")
    told = subprocess.run(["pdftotext", "-raw", str(target), "-"], capture_output=True, text=True, check=True)
    pages = told.stdout.rstrip("\f").split("\f")
    assert len(pages) <= 8
    first = "".join(pages[0].split())
    context = report_context(read_results(run.folder), words(language))
    for part in context["species"]:
        for text in (*part["summary"]["text"], *part["summary"]["next"]):
            assert "".join(text.split()) in first, text
