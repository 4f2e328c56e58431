"""Factsheets and seasons: complete, escaped, readable."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner

from permeability.cli.commands import cli
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.locale.language import words
from permeability.locale.names import LANDSCAPES, SPECIES_TEXTS
from permeability.report.factsheet import crossing_words, factsheet_html, factsheet_text, species_table
from permeability.report.factsheet_tables import tables
from permeability.species import profile_from_dict, species, species_list
from permeability.species.seasons import (
    missing,
    parse_hours,
    parse_profile,
    season,
    season_from_dict,
    seasons,
    standing,
)

UNTRANSLATED = (
    "Statements that nobody has translated yet stand in English, as they were read in their sources."
)
VOID = {"meta", "br", "img", "hr", "link"}


class Tags(HTMLParser):
    """Checks that every tag is closed and collects the text."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.seen = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("name", species_list())
def test_factsheets_hold_every_number_fact_and_gap(name):
    p = species(name)
    page, text = factsheet_html(name), factsheet_text(name)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert {"script", "link", "img"}.isdisjoint(tags.seen)
    words = " ".join(" ".join(tags.words).split())
    flat = " ".join(text.split())
    for source in (words, flat):
        for fact in p.facts:
            assert fact.text in source
        for gap in p.knowledge_gaps:
            assert gap in source
        for estimate in p.crossing.values():
            assert f"{estimate.best:.3g} ({estimate.low:.3g}-{estimate.high:.3g})" in source
    assert max(len(line) for line in text.splitlines()) <= 100
    for estimate in p.estimates().values():
        assert estimate.source in words


def test_names_by_language_and_refusal():
    assert factsheet_text("khulan", language="mn").startswith("Хулан - Equus hemionus")
    assert "<h1>Кулан</h1>" in factsheet_html("khulan", language="ru")
    with pytest.raises(OptionError, match="language"):
        factsheet_text("khulan", language="de")


@pytest.mark.parametrize("language", ["mn", "ru"])
@pytest.mark.parametrize("name", species_list())
def test_the_words_of_a_factsheet_are_in_the_language_of_the_reader(name, language):
    """All but sources, proper names of programmes, and statements that are said to be untranslated."""
    p, tr = species(name), words(language)
    for table, english in zip(tables(p, tr), tables(p, words("en")), strict=True):
        assert latin(" ".join([table.title, *table.heads])) == []
        for row, other in zip(table.rows, english.rows, strict=True):
            assert latin(f"{row.label} {row.number} {row.extra}") == []
            assert (row.grade, row.source) == (other.grade, other.source)
            assert numbers(row.number, language) == numbers(
                other.number, "en"
            )  # a language changes no number
    page = factsheet_html(name, language=language)
    assert f'<html lang="{language}">' in page
    assert len(re.findall("[А-Яа-яӨөҮүЁё]", page)) > 1000


@pytest.mark.parametrize("name", ["khulan", "mongolian_gazelle"])
@pytest.mark.parametrize("language", ["mn", "ru"])
def test_the_factsheets_of_the_two_gobi_species_leave_only_sources_in_english(name, language):
    p, tr = species(name), words(language)
    for text in (*(f.text for f in p.facts), *p.knowledge_gaps):
        assert latin(re.sub(r"\(Seveque.*?\)", "", tr(text))) == [], (
            "translate it in SPECIES_TEXTS and the catalogues"
        )
        assert tr(text) in " ".join(factsheet_text(name, language=language).split())
    assert tr(UNTRANSLATED)[:30] not in factsheet_text(name, language=language)
    assert "English" not in factsheet_text("argali")
    assert tr(UNTRANSLATED)[:30] in factsheet_text("argali", language=language)


def test_the_command_answers_in_mongolian():
    said = CliRunner().invoke(cli, ["species", "show", "khulan", "--language", "mn"])
    assert said.exit_code == 0
    assert "Нэг удаа тулгарахад гатлах магадлал" in said.output
    assert "Crossing chance" not in said.output


def test_translated_statements_are_still_those_of_the_profiles():
    told = {
        t
        for s in species_list()
        for t in (*(f.text for f in species(s).facts), *species(s).knowledge_gaps, species(s).analogy)
    }
    assert [t for t in SPECIES_TEXTS if t not in told] == []
    assert {place for s in species_list() for place in species(s).landscapes} == set(LANDSCAPES)


def latin(text):
    """Words in Latin letters that are no unit symbol, number or name of a programme."""
    return [w for w in re.findall("[A-Za-z]{2,}", text) if w not in ("CAMI", "p0", "NDVI")]


def numbers(text, language):
    point = "," if language == "ru" else "."
    return [
        float(n.replace(point, "."))
        for n in re.findall(
            rf"\d+(?:\{point}\d+)?",
            re.sub(
                r"(?<=\d)[\xa0\u202f](?=\d)|(?<=\d),(?=\d{3}\b)"
                if language != "ru"
                else r"(?<=\d)[\xa0\u202f](?=\d)",
                "",
                text,
            ),
        )
    ]


def test_hostile_names_come_through_escaped_and_whole():
    bad = '<script>alert(1)</script> "; rm -rf & ' + "x" * 300
    data = species("khulan").to_dict()
    data["names"] = {"scientific": bad, "en": bad}
    data["facts"] = [{"topic": "water", "text": bad, "evidence": "F", "source": bad}]
    data["knowledge_gaps"] = [bad]
    page = factsheet_html(profile_from_dict(data))
    assert "<script" not in page
    tags = Tags()
    tags.feed(page)
    assert " ".join(tags.words).count("alert(1)") >= 4
    assert "x" * 300 in page


def test_look_alikes_carry_their_note():
    assert "every number here is that of the argali" in " ".join(factsheet_text("urial").split())
    assert 'class="note"' in factsheet_html("urial")


def test_list_of_species():
    rows = species_table()
    assert [r["id"] for r in rows] == list(species_list())
    assert sum(r["cami"] == "yes" for r in rows) == 20


def test_crossing_words():
    assert [crossing_words(p) for p in (0.0, 0.0009, 0.01, 0.5, 0.96)] == [
        "impassable",
        "impassable",
        "1 in 100",
        "1 in 2",
        "freely",
    ]


# --- time -----------------------------------------------------------------------------------------------------------


def test_seasons_cover_the_year_once():
    months = [m for s in seasons().values() for m in s.months]
    assert sorted(months) == list(range(1, 13))
    assert sum(s.weight for s in seasons().values()) == pytest.approx(1.0)
    assert season("winter").habitat == ("all", "snow")
    assert season(None) is None
    assert season("year") is None
    mine = season_from_dict("dzud", {"months": [1, 2], "snow_m": 0.4})
    assert mine.snow_m == Estimate(0.4, 0.4, 0.4, "m", "M-l", "project file")
    assert season(mine) is mine
    for bad in ({"months": [13]}, {"months": []}, {"months": [1, 1]}):
        with pytest.raises(OptionError, match="Y01"):
            season_from_dict("x", bad)
    with pytest.raises(OptionError, match="did you mean 'months'"):
        season_from_dict("x", {"month": [1]})


@pytest.mark.parametrize(
    ("row", "years"),
    [
        ({"status": "existing", "opened": 1956.0}, [0, 1, 1]),
        ({"status": "existing", "opened": np.nan}, [1, 1, 1]),
        ({"status": None}, [1, 1, 1]),
        ({"status": "removed", "opened": 1940, "closed": 2000}, [1, 0, 0]),
        ({"status": "removed"}, [0, 0, 0]),
        ({"status": "planned", "planned_open": 2030}, [0, 0, 1]),
        ({"status": "planned"}, [0, 0, 0]),
        ({"status": "under_construction", "planned_open": 2027}, [0, 0, 1]),
    ],
)
def test_standing_by_year(row, years):
    assert [standing(row, y) for y in (1955, 2012, 2035)] == [bool(y) for y in years]


def test_standing_without_a_year_goes_by_status():
    assert standing({"status": "existing", "opened": 2050}, None)
    assert not standing({"status": "planned"}, None)
    assert standing({"status": "planned"}, None, statuses=("existing", "planned"))
    with pytest.raises(OptionError, match="did you mean 'planned'"):
        standing({"status": "planed"}, 2020)


def test_hours_and_profiles():
    assert parse_hours("20-6") == (20, 21, 22, 23, 0, 1, 2, 3, 4, 5)
    assert parse_hours("22:00-24:00, 3") == (22, 23, 3)
    assert parse_hours("0-24") == tuple(range(24))
    assert parse_hours([1, 2]) == (1, 2)
    assert parse_hours("unknown") == parse_hours(None) == parse_hours(float("nan")) == ()
    for bad in ("night", "25", "20-6-7", 8, 8.0):
        with pytest.raises(OptionError, match="V04"):
            parse_hours(bad)
    assert parse_profile("[" + ",".join(["1"] * 24) + "]") == [1.0] * 24
    assert parse_profile(list(range(24)))[-1] == 23.0
    assert parse_profile("") is None
    for bad in ("1,2", "[1,2", "a " * 24):
        with pytest.raises(OptionError, match="V03"):
            parse_profile(bad)
    assert [missing(v) for v in (None, np.nan, "", "NaT", 0, "x", np.datetime64("NaT"))] == [
        True,
        True,
        True,
        False,
        False,
        False,
        True,
    ]
