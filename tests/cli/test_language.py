"""The command line speaks the reader's language: option, variables, and English for programs."""

import json

import pytest
from visible_english import WORDS

from permeability.cli.commands import main
from permeability.locale.language import words
from permeability.project.samples import tiny_project


def permeability(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tiny_project(tmp_path_factory.mktemp("cli") / "tiny")


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_a_run_is_told_in_the_language_that_is_asked_for(project, tmp_path, capsys, language):
    assert permeability("--language", language, "run", project, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out.replace(str(tmp_path), "").replace("khulan (Asiatic wild ass)", "")
    tr = words(language)
    assert tr("conductance gain") in said
    assert tr("An invented example.") in said
    assert [x for x in said.splitlines() if WORDS.search(x.replace("Equus hemionus", ""))] == []


def test_the_variables_say_the_language_and_the_option_wins(project, tmp_path, capsys, monkeypatch):
    for name in ("PERMEABILITY_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    assert permeability("species", "show", "khulan") == 0
    assert capsys.readouterr().out.startswith("Кулан")
    assert permeability("--language", "mn", "species", "show", "khulan") == 0
    assert capsys.readouterr().out.startswith("Хулан")
    assert permeability("species", "show", "khulan", "--language", "en") == 0
    assert capsys.readouterr().out.startswith("khulan")


def test_programs_read_english_in_any_surroundings(project, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "out"
    assert permeability("run", project, "--out", folder, "--no-report") == 0
    capsys.readouterr()
    monkeypatch.setenv("PERMEABILITY_LANGUAGE", "mn")
    assert permeability("report", folder) == 0
    assert (folder / "report_mn.html").is_file()
    capsys.readouterr()
    assert permeability("report", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"][0].endswith("report_en.html")
