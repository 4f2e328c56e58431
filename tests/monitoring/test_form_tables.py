"""Tables for forms: every value against the indicators and their files, blank where nothing is known, DOCX that opens again, three languages."""

from __future__ import annotations

import builtins
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import permeability as pm
from permeability.core.errors import OptionError
from permeability.monitoring import indicators, report_tables
from permeability.monitoring.indicator_list import INDICATOR, NOT_KNOWN
from permeability.monitoring.table_kinds import KINDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("forms")
    return pm.run_project(pm.samples.tiny_project(place / "tiny"), place / "results", report=False).folder  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_has_its_place_and_every_heading_is_there(folder: Path, kind: str) -> None:
    table = report_tables(folder, kind).table
    known = indicators(folder).table
    assert list(dict.fromkeys(table["asked"])) == [a.text for a in KINDS[kind]]
    filled = table[table["value"].notna()]
    assert (filled["source"] != "").all()
    for row in filled.to_dict("records"):
        same = known[(known["label"] == row["indicator"])]
        assert row["value"] in same["value"].to_numpy()
    blank = table[table["value"].isna()]
    assert (blank[["indicator", "source", "species"]] == "").all().all()
    assert {c for a in KINDS[kind] for c in a.codes} <= set(INDICATOR)


def test_a_value_stands_where_its_source_says(folder: Path) -> None:
    table = report_tables(folder, "cami").table
    row = table[(table["number"] == "1.6.5") & (table["unit"] == "km²")].iloc[0]
    file, path = row["source"].split(";")[0].split(": ")
    found = json.loads((folder / file).read_text(encoding="utf-8"))
    for key in path.split("/"):
        found = found[key]
    assert found["value"] == pytest.approx(row["value"])


def test_activities_about_law_stay_blank(folder: Path) -> None:
    table = report_tables(folder, "cami").table
    assert table[table["number"].isin(NOT_KNOWN)]["value"].isna().all()
    assert set(table["number"]) >= NOT_KNOWN


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_docx_opens_again_and_holds_every_value(folder: Path, tmp_path: Path, language: str) -> None:
    docx = pytest.importorskip("docx")
    done = report_tables(folder, "cami", language=language, base=folder)
    path = done.save(tmp_path / "cami.docx")
    paper = docx.Document(str(path))
    assert paper.paragraphs[0].text == done.title
    cells = [[c.text for c in row.cells] for row in paper.tables[0].rows]
    assert len(cells) == 1 + len(KINDS["cami"])
    text = "\n".join(c for row in cells for c in row)
    for row in done.table[done.table["value"].notna()].to_dict("records"):
        assert row["indicator"] in text
        assert row["source"] in text
    for row in cells[1:]:
        assert row[2].count("[") == row[3].count("[")  # as many sources as values
    with zipfile.ZipFile(path) as parts:
        assert {p.date_time for p in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert done.save(tmp_path / "again.docx").read_bytes() == path.read_bytes()


def test_languages_change_words_only(folder: Path, tmp_path: Path) -> None:
    tables = [report_tables(folder, "ub", language=x).table for x in ("en", "mn", "ru")]
    for table in tables[1:]:
        pd.testing.assert_series_equal(table["value"], tables[0]["value"])
        assert (table["asked"] != tables[0]["asked"]).all()
    target = report_tables(folder, "ub", language="mn").save(tmp_path / "ub.csv")
    again = pd.read_csv(target, encoding="utf-8-sig")
    assert list(again["asked"]) == list(tables[1]["asked"])


def test_refusals(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = report_tables(folder, "ps6")
    with pytest.raises(OptionError, match="O07"):
        done.save(tmp_path / "ps6.odt")
    with pytest.raises(OptionError, match="O01"):
        report_tables(folder, "cites")
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("docx"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OptionError, match="U31"):
        done.save(tmp_path / "ps6.docx")
    assert not (tmp_path / "ps6.docx").exists()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice here")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_tables_open_in_libreoffice(folder: Path, tmp_path: Path, kind: str) -> None:
    """Read back by LibreOffice: every value and source of the document, every cell of the table, in three languages."""
    office = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to"]
    tables = {language: report_tables(folder, kind, language=language) for language in ("en", "mn", "ru")}
    for language, done in tables.items():
        done.save(tmp_path / f"{language}.docx")
        done.save(tmp_path / f"{language}.csv")
    docx, csv = ([str(tmp_path / f"{name}{end}") for name in tables] for end in (".docx", ".csv"))
    quiet: dict[str, Any] = {"check": True, "capture_output": True, "timeout": 300}
    subprocess.run([*office, "txt:Text (encoded):UTF8", "--outdir", str(tmp_path), *docx], **quiet)
    read = "csv:Text - txt - csv (StarCalc):44,34,76,1"
    subprocess.run([*office, read, "--infilter=CSV:44,34,76,1", "--outdir", str(tmp_path / "again"), *csv], **quiet)  # fmt: skip
    for language, done in tables.items():
        told = " ".join((tmp_path / f"{language}.txt").read_text(encoding="utf-8-sig").split())
        for row in done.table.to_dict("records"):
            for part in (row["asked"], row["indicator"], row["source"]):
                assert " ".join(str(part).split()) in told
        again = pd.read_csv(tmp_path / "again" / f"{language}.csv", encoding="utf-8-sig")
        want = pd.read_csv(tmp_path / f"{language}.csv", encoding="utf-8-sig")
        assert list(again.columns) == list(want.columns)
        assert again["source"].fillna("").tolist() == want["source"].fillna("").tolist()
        assert again["asked"].tolist() == want["asked"].tolist()
