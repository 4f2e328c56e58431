"""Windows, macOS and shared folders, pretended here: open files, browsers, rights of new files, memory, Excel."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

import permeability as pm
from permeability.core import memory
from permeability.core.errors import OptionError
from permeability.layers import table_workbooks, whole_files
from permeability.layers.whole_files import require_free, whole_folder, write_csv, write_text
from permeability.layers.workbooks import Heading, write_workbook
from permeability.report import pdf


@pytest.fixture
def open_in_excel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A result folder that Windows does not let anybody rename."""
    folder = tmp_path / "results"
    folder.mkdir()
    write_text(folder / "record.json", "old")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == folder:
            raise PermissionError(13, "Access is denied", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    return folder


def test_a_folder_with_an_open_file_is_refused_before_the_work(
    open_in_excel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_files, "OPEN_FILES_HOLD", True)
    with pytest.raises(OptionError, match="nothing was computed") as refused:
        require_free(open_in_excel, "record.json")
    assert refused.value.code == "O14"
    assert "Excel" in refused.value.remedy


def test_results_are_kept_beside_when_the_file_was_opened_later(open_in_excel: Path) -> None:
    with (
        pytest.raises(OptionError, match="results-finished") as refused,
        whole_folder(open_in_excel, "record.json") as aside,
    ):
        write_text(aside / "record.json", "new")
    assert refused.value.code == "O14"
    beside = open_in_excel.with_name("results-finished")
    assert (beside / "record.json").read_text(encoding="utf-8") == "new"
    assert (open_in_excel / "record.json").read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in open_in_excel.parent.iterdir() if "lock" not in p.name) == [
        "results",
        "results-finished",
    ]


def test_a_free_folder_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_files, "OPEN_FILES_HOLD", True)
    write_text(tmp_path / "results" / "record.json", "old")
    require_free(tmp_path / "results", "record.json")
    assert [p.name for p in tmp_path.iterdir()] == ["results"]
    assert (tmp_path / "results" / "record.json").read_text(encoding="utf-8") == "old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask of rights")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_rights_of_new_files_follow_the_umask(mask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        land, _ = pm.samples.tiny()
        files = [
            write_text(tmp_path / "a.txt", "a"),
            land.save(tmp_path / "r.tif"),
            write_csv(tmp_path / "a.csv", pd.DataFrame({"a": [1]})),
        ]
    finally:
        os.umask(before)
    assert {stat.S_IMODE(Path(f).stat().st_mode) for f in files} == {mode}


@pytest.mark.parametrize(
    ("platform", "root", "place"),
    [
        ("win32", "ProgramFiles(x86)", ("Microsoft", "Edge", "Application", "msedge.exe")),
        ("win32", "LOCALAPPDATA", ("Google", "Chrome", "Application", "chrome.exe")),
        ("darwin", "HOME", ("Applications", "Microsoft Edge.app", "Contents", "MacOS", "Microsoft Edge")),
    ],
)
def test_browsers_off_the_path_are_found(
    platform: str, root: str, place: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path.joinpath(*place)
    browser.parent.mkdir(parents=True)
    browser.write_text("")
    monkeypatch.setattr(pdf.sys, "platform", platform)
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    for name in ("ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path) if name == root else str(tmp_path / "none"))
    assert pdf.find_browser() == str(browser)


def test_memory_without_the_files_of_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "none")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "none")
    assert memory.container() is None
    assert memory.physical() >= memory.available() > 2**20
    assert "GiB free" in memory.told()


def test_cyrillic_opens_in_excel(tmp_path: Path) -> None:
    _, patches = pm.samples.tiny()
    named = patches.table.assign(name=["Хулан", "Зээр"])
    path = write_csv(tmp_path / "a.csv", pd.DataFrame(named.drop(columns="geometry")), mark=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # by which Excel knows UTF-8
    assert whole_files.read_csv(path)["name"].tolist() == ["Хулан", "Зээр"]
    assert whole_files.read_csv(path).columns[0] == named.columns[0]
    assert patches.save(tmp_path / "p.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_numbers_of_a_workbook_are_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"id": ["=1+1", "Хулан"], "km": [1.5, float("nan")], "n": [3, 4], "far": [float("inf"), 2.0]}
    )
    sheet = openpyxl.load_workbook(table_workbooks.write_tables(tmp_path / "a.xlsx", {"t": table}))["t"]
    assert [[c.value for c in row] for row in sheet.iter_rows()] == [
        ["id", "km", "n", "far"],
        ["=1+1", 1.5, 3, "inf"],
        ["Хулан", None, 4, 2],
    ]
    assert sheet["A2"].data_type == "s"  # text, not a formula
    assert sheet["B2"].data_type == "n"


def test_results_as_workbook_geojson_and_parquet(tmp_path: Path) -> None:
    _, patches = pm.samples.tiny()
    sheet = openpyxl.load_workbook(patches.save(tmp_path / "p.xlsx")).worksheets[0]
    assert sheet.max_row == 3
    places = gpd.read_file(patches.save(tmp_path / "p.geojson"))
    assert places.crs.to_epsg() == 4326
    back = places.to_crs(patches.table.crs).geometry.area.to_numpy()
    assert back == pytest.approx(patches.table.geometry.area.to_numpy(), rel=1e-3)
    whole = gpd.read_parquet(patches.save(tmp_path / "p.parquet"))
    assert whole.crs == patches.table.crs
    assert whole["id"].tolist() == patches.table["id"].tolist()


def test_sheets_whose_names_are_cut_alike_have_names_of_their_own(tmp_path: Path) -> None:
    name = "Crossings of the railway in the north-east"
    tables = {name + end: pd.DataFrame({"n": [k]}) for k, end in enumerate((" (a)", " (b)", " (c)"))}
    path = table_workbooks.write_tables(
        tmp_path / "a.xlsx", tables | {"A/b": pd.DataFrame(), "a_B": pd.DataFrame()}
    )
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [name[:31], f"{name[:29]} 2", f"{name[:29]} 3", "A_b", "a_B 2"]
    assert [sheet["A2"].value for sheet in book.worksheets[:3]] == [0, 1, 2]
    assert max(map(len, book.sheetnames)) <= 31


def test_a_head_without_a_note_has_no_comment(tmp_path: Path) -> None:
    heads = [Heading("id"), Heading("kind", "what it is", ("fence", "road"))]
    path = write_workbook(tmp_path / "a.xlsx", {"lines": (heads, pd.DataFrame({"id": ["F"]}))})
    first, second = openpyxl.load_workbook(path)["lines"][1]
    assert (first.value, first.comment) == ("id", None)
    assert second.comment.text == "what it is"


def test_what_a_folder_refuses_is_left_out_and_a_full_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a", encoding="utf-8")
    asked: list[int] = []

    def refuses(number: int) -> Callable[[int], None]:
        def sync(handle: int) -> None:
            asked.append(handle)
            raise OSError(number, os.strerror(number))

        return sync

    monkeypatch.setattr(os, "fsync", refuses(errno.EINVAL))
    whole_files.to_disk(file)
    whole_files.to_disk(tmp_path)
    monkeypatch.setattr(os, "fsync", refuses(errno.ENOSPC))
    whole_files.to_disk(tmp_path)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        whole_files.to_disk(file)
    assert len(asked) == 4
    for handle in asked:  # none stays open
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.fstat(handle)


def test_windows_is_asked_for_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    asked: list[int] = []
    monkeypatch.setattr(os, "fsync", asked.append)
    folder, file = tmp_path, tmp_path / "a.txt"
    with monkeypatch.context() as windows:
        windows.setattr(whole_files.os, "name", "nt")
        whole_files.to_disk(folder)
        assert asked == []
        whole_files.to_disk(file)
    assert len(asked) == 1
