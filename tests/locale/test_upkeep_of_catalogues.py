"""``python -m permeability.locale``: what it writes, what it counts as a gap, and what an incomplete catalogue compiles to."""

from __future__ import annotations

import gettext
import io
import runpy
import sys

import pytest

from permeability.locale import __main__ as command
from permeability.locale import catalogues
from permeability.locale.language import proper_name, words


def compiled(catalogue):
    return gettext.GNUTranslations(io.BytesIO(catalogues.mo_bytes(catalogue)))


def test_update_writes_source_and_compiled_catalogue_of_every_language(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "po_path", lambda language: tmp_path / f"{language}.po")
    assert command.main(["update"]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{n}.{e}" for n in catalogues.TRANSLATED for e in ("po", "mo")
    }
    for language in catalogues.TRANSLATED:
        kept = catalogues.update(language)
        assert (tmp_path / f"{language}.po").read_bytes() == catalogues.po_bytes(kept)
        read = gettext.GNUTranslations(io.BytesIO((tmp_path / f"{language}.mo").read_bytes()))
        entry = next(m for m in kept if m.id and m.string and not m.context)
        assert read.gettext(entry.id) == entry.string
    assert capsys.readouterr().err.startswith("0 gaps, 0 texts off the terms")


def test_check_writes_nothing_and_fails_on_a_gap(monkeypatch, capsys):
    monkeypatch.setattr(command, "po_bytes", None)
    monkeypatch.setattr(command, "missing", lambda language: ["no translation: 'x'"] * (language == "ru"))
    assert command.main(["check"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "ru: no translation: 'x'"
    assert said[-1].startswith("1 gaps, ")


@pytest.mark.parametrize("arguments", [[], ["updat"], ["update", "check"]])
def test_anything_else_is_told_how_it_is_used(arguments, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "permeability.locale.__main__")
    monkeypatch.setattr(sys, "argv", ["permeability.locale", *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("permeability.locale", run_name="__main__")
    assert end.value.code == 2
    assert capsys.readouterr().err == "usage: python -m permeability.locale update | check\n"


def test_a_language_without_a_file_begins_empty_and_lacks_every_text(tmp_path, monkeypatch):
    known = catalogues.texts()[:3]
    monkeypatch.setattr(catalogues, "texts", lambda: known)
    monkeypatch.setattr(catalogues, "po_path", lambda language: tmp_path / "none.po")
    assert len(catalogues.read_po("mn")) == 0
    assert catalogues.missing("mn") == [f"no translation: {text!r}" for text, _ in known]


def test_an_entry_without_translation_stays_out_of_the_compiled_catalogue():
    catalogue = catalogues.new_catalogue("ru")
    catalogue.add("Range", "Ареал")
    catalogue.add("Patch", "")
    read = compiled(catalogue)
    assert (read.gettext("Range"), read.gettext("Patch")) == ("Ареал", "Patch")
    assert read.info()["x-entries"] == "2"


def test_a_translation_that_loses_a_place_is_a_gap(monkeypatch):
    catalogue = catalogues.new_catalogue("ru")
    catalogue.add("{n} of {all}", "{n} из них")
    monkeypatch.setattr(catalogues, "read_po", lambda language: catalogue)
    monkeypatch.setattr(catalogues, "texts", lambda: [("{n} of {all}", None)])
    assert catalogues.missing("ru") == ["other places: '{n} of {all}' -> '{n} из них'"]


@pytest.mark.parametrize("row", [{}, {"id": None, "name": float("nan")}, {"name": "  ", "id": ""}])
def test_a_feature_without_name_and_id_is_called_nothing(row):
    assert proper_name(row, words("ru")) == ""
