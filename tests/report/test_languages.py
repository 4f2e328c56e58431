"""Reports, boards and comparisons of the tiny project in Mongolian and Russian hold no English."""

import pytest
from visible_english import english, quoted_in

from permeability.locale.language import words
from permeability.project.run.run import run_project
from permeability.project.samples import tiny_project
from permeability.report import write_board, write_comparison, write_report
from permeability.report.factsheet import factsheet_html

LANGUAGES = ("mn", "ru")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    run_project(tiny_project(folder / "project"), folder / "results", report=False)
    return folder / "results"


def test_english_is_found_where_it_stands():
    page = "<p>Энэ нь not standing</p><code>permeability run it</code><img alt='a map of it'><p>quoted as it stands</p>"
    assert english(page, ["quoted as it stands"]) == ["Энэ нь not standing", "a map of it"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("write", [write_report, write_board], ids=["report", "board"])
def test_report_and_board_hold_no_english(results, tmp_path, language, write):
    page = write(results, tmp_path / "page.html", language=language).read_text(encoding="utf-8")
    assert english(page, quoted_in(results)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_comparison_says_inputs_and_names_in_the_language(results, tmp_path, language):
    names = ("today", "opened in the middle")
    target = write_comparison([results], tmp_path / "c.html", language=language, scenarios=names)
    page = target.read_text(encoding="utf-8")
    assert english(page, quoted_in(results)) == []
    tr = words(language)
    for text in (
        tr("today"),
        tr("as built"),
        tr("barrier {name}, treated", name="F"),
        tr.name("opened in the middle"),
    ):
        assert text in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_factsheet_of_the_khulan_is_translated_but_for_quoted_sources(language):
    from permeability.species import species

    khulan = species("khulan")
    rows = [*khulan.estimates().values(), *khulan.facts, *khulan.habitat]
    quoted = [str(getattr(row, "source", "")) for row in rows] + [khulan.scientific, khulan.name("en")]
    assert english(factsheet_html("khulan", language=language), quoted) == []
