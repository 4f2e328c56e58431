"""What a notebook shows follows the reader's language; sentences and labels in it hold no English."""

import re

import pytest
from visible_english import english

import permeability as pm
from permeability.locale.language import words

NAMES = ("khulan (Asiatic wild ass)", "Equus hemionus")


def shown(monkeypatch, language, result):
    """The view without its tables of columns (their names are those of the data) and provenance."""
    monkeypatch.setenv("PERMEABILITY_LANGUAGE", language)
    page = result._repr_html_()
    page = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    return re.sub(r"<table[^>]*><thead>.*?</table>", "", page, flags=re.DOTALL)


@pytest.fixture(scope="module")
def found():
    land, patches = pm.samples.tiny()
    sites = pm.candidates(land, "F", length_m=2000)
    change = pm.compare(land, patches, pm.Scenario("gap").remove("F", km=(2, 6)))
    ranking = pm.rank(land, patches, sites)
    return {
        "landscape": land, "patches": patches, "connectivity": pm.connectivity(land, patches), "impact": pm.barrier_impact(land, patches),
        "comparison": change, "ranking": ranking, "plan": pm.portfolio(ranking, 1e6),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["mn", "ru"])
@pytest.mark.parametrize(
    "kind", ["landscape", "patches", "connectivity", "impact", "comparison", "ranking", "plan"]
)
def test_views_hold_no_english(monkeypatch, found, kind, language):
    assert english(shown(monkeypatch, language, found[kind]), NAMES) == []


def test_titles_follow_the_language(monkeypatch, found):
    for language in ("mn", "ru"):
        tr, name = words(language), found["landscape"].profile.name(language)
        assert tr("today") in shown(monkeypatch, language, found["comparison"])
        page = shown(monkeypatch, language, found["ranking"])
        assert tr("{species}: ranked sections", species=f"{name}, Equus hemionus") in page
    assert "today" in shown(monkeypatch, "en", found["comparison"])


def test_sentences_are_the_same_with_and_without_their_values_apart(found):
    impact = found["impact"]
    assert [words("en").said(s) for s in impact.said] == impact.sentences
    assert "Хулан" in words("mn").said(impact.said[0])
