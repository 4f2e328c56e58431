"""A run as one Excel workbook: every table of its folder, numbers as numbers, nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import openpyxl
import pytest

import permeability as pm
from permeability.core.errors import OptionError, ProjectError
from permeability.layers.table_workbooks import head
from permeability.report.run_workbook import export_workbook


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    pm.run_project(pm.samples.tiny_project(folder / "tiny"), folder / "res", report=False)
    return folder / "res"


def test_every_table_of_the_folder_is_a_sheet_of_the_same_values(results: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(export_workbook(results, tmp_path / "a.xlsx"))
    for path in results.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:  # not read by the house
            heads, *rows = csv.reader(stream)
        kept = [k for k, h in enumerate(heads) if h != "said"]
        shown = list(book[path.stem].iter_rows(values_only=True))
        assert len(shown) == len(rows) + 1
        for cells, row in zip(shown[1:], rows):
            for k, seen in zip(kept, cells):
                told = row[k].removeprefix("'")
                if isinstance(seen, (int, float)) and not isinstance(seen, bool):
                    assert math.isclose(float(told), seen, rel_tol=1e-12)
                else:
                    assert told == ("" if seen is None else str(seen))
                    assert not told.replace(".", "").isdigit() or heads[k] in ("unit", "before", "after")
    names = [c.value for c in book.worksheets[0]["A"]]
    assert {p.stem for p in results.glob("*.csv")} | {"barriers", "patches"} <= set(names)


def test_no_cell_is_a_formula_and_what_others_laid_beside_is_left(results: Path, tmp_path: Path) -> None:
    mine = tmp_path / "res"
    shutil.copytree(results, mine)
    (mine / "notes.csv").write_text("a\n1\n")
    sites = (mine / "sites.csv").read_text().replace(",F,", ",'=HYPERLINK(1),")
    (mine / "sites.csv").write_text(sites)
    book = openpyxl.load_workbook(export_workbook(mine, tmp_path / "a.xlsx"))
    assert "notes" not in book.sheetnames
    assert {c.data_type for s in book for row in s.iter_rows() for c in row} <= {"n", "s", "b", "inlineStr"}
    assert "=HYPERLINK(1)" in [c.value for c in book["sites"]["D"]]


def test_the_same_results_give_the_same_bytes_in_each_language(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openpyxl.writer import excel as writer

    for language in ("en", "mn", "ru"):
        one = export_workbook(results, tmp_path / f"{language}.xlsx", language=language).read_bytes()
        if not hasattr(writer, "datetime"):  # openpyxl before 3.1.3 asks the clock elsewhere
            continue
        late = writer.datetime.datetime(2031, 1, 1)
        with monkeypatch.context() as m:
            m.setattr(writer, "datetime", type("D", (), {"datetime": type("T", (), {"now": staticmethod(lambda tz=None, at=late: at)}), "timezone": writer.datetime.timezone}))  # fmt: skip
            assert export_workbook(results, tmp_path / "b.xlsx", language=language).read_bytes() == one
    assert (tmp_path / "mn.xlsx").read_bytes() != (tmp_path / "en.xlsx").read_bytes()


def test_heads_carry_units_and_say_the_name_of_the_column(results: Path, tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(export_workbook(results, tmp_path / "a.xlsx"))["sites"]
    heads = {c.value: c for c in sheet[1]}
    assert heads["length [km]"].comment.text.endswith("length_km")
    assert "cost_low [USD]" in heads
    assert head("vehicles_per_day") == "vehicles [1/day]"
    assert head("reachable_km2_per_musd_high") == "reachable_high [km2 per million USD]"


def test_other_names_and_folders_are_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"(?s)O07.*\.xlsx"):
        export_workbook(results, tmp_path / "a.xls")
    with pytest.raises(ProjectError, match="J06"):
        export_workbook(tmp_path, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_results_save_every_table_they_hold(results: Path, tmp_path: Path) -> None:
    land, patches = pm.samples.tiny()
    book = openpyxl.load_workbook(pm.connectivity(land, patches).to_file(tmp_path / "c.xlsx"))
    assert len(book.sheetnames) >= 1
    run = pm.run_project(results.parent / "tiny" / "project.toml", results, report=False)
    assert "sites" in openpyxl.load_workbook(run.to_file(tmp_path / "r.xlsx")).sheetnames
