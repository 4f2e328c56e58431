"""Catalogues: complete, faithful to the places, compiled as they stand; no text for readers goes unmarked."""

import ast
import gettext
import re
from pathlib import Path

import pytest

from permeability.core.errors import OptionError
from permeability.locale import catalogues as locale
from permeability.locale.language import LANGUAGES, decimals, proper_name, words
from permeability.locale.names import PLACE_NAMES

PACKAGE = Path(locale.PACKAGE)
TEMPLATES = [p for room in ("report", "viz") for p in sorted((PACKAGE / room / "templates").glob("*.j2"))]
READERS = sorted((PACKAGE / "report").glob("*.py"))
NOT_WORDS = {"SHA-256", "permeability run", "permeability", "page", "content"}


@pytest.mark.parametrize("language", locale.TRANSLATED)
def test_no_text_is_missing_and_places_agree(language):
    assert locale.missing(language) == []


@pytest.mark.parametrize("language", locale.TRANSLATED)
def test_compiled_catalogue_says_what_its_source_says(language):
    source = {(m.context, m.id): m.string for m in locale.read_po(language) if m.id}
    compiled = words(language).catalogue
    assert source
    for (context, text), string in source.items():
        found = compiled.pgettext(context, text) if context else compiled.gettext(text)
        assert found == string


@pytest.mark.parametrize("language", locale.TRANSLATED)
def test_compiling_is_deterministic_and_counts_the_unread(language):
    catalogue = locale.update(language)
    assert locale.mo_bytes(catalogue) == locale.mo_bytes(locale.update(language))
    assert locale.po_bytes(catalogue) == locale.po_bytes(locale.update(language))
    marked = sum(locale.UNREVIEWED in m.user_comments for m in catalogue if m.id)
    entries = sum(1 for m in catalogue if m.id)
    assert words(language).unreviewed == (marked, entries)
    assert entries == len(locale.texts())


def test_a_read_entry_no_longer_counts_as_unread():
    import io

    catalogue = locale.update("ru")
    first = next(m for m in catalogue if m.id)
    first.user_comments = []
    header = gettext.GNUTranslations(io.BytesIO(locale.mo_bytes(catalogue))).info()
    unread, entries = words("ru").unreviewed
    assert (int(header["x-unreviewed"]), int(header["x-entries"])) == (unread - 1, entries)


def test_a_new_text_is_found_missing(monkeypatch):
    known = locale.texts()
    monkeypatch.setattr(locale, "texts", lambda: [*known, ("A text {n} nobody has seen", None)])
    assert locale.missing("mn") == ["no translation: 'A text {n} nobody has seen'"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_hold_no_unmarked_words(path):
    assert unmarked_words(path.read_text(encoding="utf-8")) == []


def test_the_search_for_unmarked_words_finds_them():
    assert unmarked_words('<p class="x">Hello {{ tr("there") }}</p>') == ["Hello"]
    assert unmarked_words('<img alt="A map"><p>{{ tr("There") }} 12</p>') == ["A map"]


def unmarked_words(source):
    """Words of a template that stand outside of expressions, in text or in attributes that are read out."""
    text = re.sub(r"{#.*?#}|{%.*?%}", "", source, flags=re.DOTALL)
    text = re.sub(r"{{.*?}}", "\x00", text, flags=re.DOTALL)
    spoken = re.findall(r'\b(?:alt|aria-label|title|data-head|placeholder)="([^"]*)"', text)
    plain = re.sub(r"<(?:[^>\"]|\"[^\"]*\")*>", "\x00", text)
    found = [w.strip() for part in [*spoken, plain] for w in re.split(r"[\x00\n]", part)]
    return [w for w in found if re.search(r"[A-Za-z]{2}", w) and w not in NOT_WORDS]


@pytest.mark.parametrize("path", READERS, ids=lambda p: p.name)
def test_code_of_the_report_holds_no_unmarked_sentence(path):
    assert unmarked_sentences(path.read_text(encoding="utf-8")) == []


def test_the_search_for_unmarked_sentences_finds_them():
    assert unmarked_sentences("x = 'This is a sentence.'") == ["This is a sentence."]
    assert unmarked_sentences("x = tr('This is a sentence.')") == []


def unmarked_sentences(source):
    """String constants that look like sentences and are not arguments of tr, N_ or an error, nor docstrings."""
    tree = ast.parse(source)
    quiet = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            quiet.add(id(node.body[0].value))
        if isinstance(node, ast.Dict):
            quiet |= {id(k) for k in node.keys}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            quiet.add(id(node.value))
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("tr", "N_", "partition", "startswith", "fullmatch", "removeprefix") or name.endswith(
                "Error"
            ):
                quiet |= {id(n) for n in ast.walk(node) if isinstance(n, ast.Constant)}
        if isinstance(node, ast.Compare):
            quiet |= {id(n) for n in ast.walk(node) if isinstance(n, ast.Constant)}
    found = [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in quiet
    ]
    return [
        t
        for t in found
        if re.search(r"(?:[A-Za-z]+ ){2,}[A-Za-z]+", t) and not t.startswith(("default-src", "no barriers"))
    ]


def test_names_of_the_sample_are_all_in_the_list():
    import geopandas as gpd

    from permeability.project.samples import sample_folder

    table = sample_folder() / "layers.gpkg"
    named = {
        n
        for layer in ("railways", "roads", "fences", "stations", "patches")
        for n in gpd.read_file(table, layer=layer)["name"]
    }
    assert named - set(PLACE_NAMES) == set()


def test_numbers_read_as_each_language_writes_them():
    assert words("en").number(1234567.0) == "1,234,567"
    assert words("ru").number(1234567.5).replace("\xa0", " ") == "1 234 568"
    assert words("ru").number(1.884) == "1,88"
    assert words("mn").number(1234.0) == "1,234"
    for language in LANGUAGES:
        tr = words(language)
        assert tr.number(float("inf")) == tr("infinite")
        assert tr.number(None) == tr.number("") == tr.number(float("nan")) == tr("not known")
        assert tr.signed(-2.5)[0] == "−"
        assert tr.signed(0.0) == "0"
        assert tr.number(1e-7) == tr.signed(-1e-7) == "≈ 0"


def test_decimals_never_run_away():
    assert decimals(0.05, 3) == 4
    assert decimals(99.96, 3) == 1
    assert words().number(99.99, 3) == "100.0"
    assert words().fixed(-0.0001, 2) == "0.00"


def test_names_of_a_layer_come_before_the_catalogue():
    row = {"id": "a", "name": "Mongolia", "name_ru": "Своё имя"}
    assert proper_name(row, words("ru")) == "Своё имя"
    assert proper_name(row, words("mn")) == "Монгол Улс"
    assert proper_name({"id": "a", "name": "Index"}, words("ru")) == "Index"
    assert proper_name({"id": "a", "name": None}, words("en")) == "a"


def test_languages_stand_in_one_list():
    """A new language is one entry; a second list elsewhere would leave it out."""
    second = re.compile(r"""["']en["'],\s*["']mn["'],\s*["']ru["']""")
    texts = {p.relative_to(PACKAGE).as_posix(): p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py")}
    code = {
        name: "\n".join(
            ast.unparse(n) for n in ast.walk(ast.parse(t)) if isinstance(n, (ast.Tuple, ast.List, ast.Set))
        )
        for name, t in texts.items()
    }
    assert [name for name, t in code.items() if second.search(t)] == ["locale/language.py"]


def test_unknown_language_is_refused_with_the_nearest():
    with pytest.raises(OptionError) as caught:
        words("rus")
    assert "ru" in str(caught.value)
