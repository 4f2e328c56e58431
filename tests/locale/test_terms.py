"""The words of the users' documents: both catalogues keep to them, and a text that does not is found."""

import re

import pytest

from permeability.locale import catalogues
from permeability.locale.language import words
from permeability.locale.terms import off_terms, terms


def entries(language):
    return [(m.id, m.string) for m in catalogues.read_po(language) if m.id]


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_catalogues_keep_to_the_terms(language):
    assert list(off_terms(language, entries(language))) == []


def test_there_are_sixty_terms_and_each_is_about_some_text():
    assert len(terms()) >= 60
    texts = [english for english, _ in entries("mn")]
    assert [t.english for t in terms() if not any(t.is_about(e) for e in texts)] == []
    assert all(t.source for t in terms())


@pytest.mark.parametrize(
    ("language", "english", "text"),
    [
        ("mn", "fence", "хашаа"),
        ("mn", "stock fence", "малын хашаа"),
        ("mn", "Detour", "Тойрог зам"),
        ("mn", "passages per unit sent", "нэг нэгжид ногдох дайралт"),
        ("mn", "Offset", "Нөхөн хамгаалах"),
        ("mn", "Given back", "Буцаан олгосон"),
        ("mn", "Share of draws within the budget", "Төсөвт багтах сугалааны хувь"),
        ("ru", "Section", "Участок"),
        ("ru", "Barriers", "Преграды"),
        ("ru", "Offset", "Возмещать"),
        ("ru", "Khuut", "Хөөт"),
        ("ru", "movement budget", "запас хода"),
    ],
)
def test_words_that_once_stood_there_are_found(language, english, text):
    assert list(off_terms(language, [(english, text)]))


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_sentences_hold_no_english_but_names_and_units(language):
    """No translation holds three small Latin words in a row, as an English sentence would."""
    found = [
        text
        for english, text in entries(language)
        if text != english
        and re.search(
            r"(?:\b[a-z]{2,} ){2,}[a-z]{2,}", re.sub(r"“permeability[^”]*”|«permeability[^»]*»", "", text)
        )
    ]
    assert found == []


def test_numbers_stand_where_any_of_them_reads_right_in_russian():
    """A number before a noun in the genitive plural is wrong for 1 and 21: such nouns stand before the number."""
    tr = words("ru")
    for english in (
        "{n} trains a day",
        "{n} vehicles a day",
        "{n} cells",
        "{n} sections open",
        "{n} crossings",
    ):
        assert tr(english, n="1").endswith(": 1")
    assert (tr("times {n}", n="5"), tr("times")) == ("×5", "×")
