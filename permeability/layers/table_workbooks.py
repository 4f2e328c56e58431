"""Tables to read: an Excel workbook with numbers as numbers, units in the heads and no formulas."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from permeability.core.errors import LayerError
from permeability.core.units import unit_of
from permeability.layers.whole_files import whole_file

__all__ = ["write_tables"]

MOST_ROWS = 1_048_576  # of a sheet, its head included; what Excel opens
MOST_LETTERS = 32_767  # of a cell
MOST_NAME = 31
WIDEST = 60  # letters that a column is made wide for
BAD_LETTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # that XML cannot hold
BAD_NAMES = re.compile(r"[\[\]:*?/\\]")
STAMP = (1980, 1, 1, 0, 0, 0)  # of every part, so that the same tables give the same bytes
SAVED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def write_tables(
    path: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    units: bool = False,
    notes: Mapping[str, str] | None = None,
) -> Path:
    """Write tables as an Excel workbook to read: numbers as numbers, no formulas, a sheet for each, byte-stable.

    A table of more rows than a sheet holds goes on in a further sheet.

    Parameters
    ----------
    path : Path
    tables : mapping
        Name of the sheet -> table.
    units : bool
        Whether heads carry units: ``length_km`` becomes ``length [km]``; the name of the column rests on the head as a note.
    notes : mapping, optional
        Name of a column -> what rests on its head as a note.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    LayerError
        K17 when openpyxl is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_tables(Path(folder) / "a.xlsx", {"sites": pd.DataFrame({"id": ["=1+1"], "km": [1.5]})})
    ...     pd.read_excel(path).to_dict("records")
    [{'id': '=1+1', 'km': 1.5}]
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise LayerError(
            "K17", "Excel needs openpyxl.", remedy='pip install "landscape-permeability[excel]"'
        ) from error
    book = Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        for start in range(0, max(len(table), 1), MOST_ROWS - 1):
            part = table.iloc[start : start + MOST_ROWS - 1]
            _fill(book.create_sheet(_sheet_name(name, book.sheetnames)), part, units, notes or {})
    with whole_file(path) as aside:
        book.save(aside)
        _fix_times(aside)
    return path


def _fill(sheet: Any, table: pd.DataFrame, units: bool, notes: Mapping[str, str]) -> None:
    """One table: bold heads that stay in sight, and a value per cell."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    bold = Font(bold=True)
    for column, title in enumerate(table.columns, start=1):
        values = table[title].tolist()
        number = bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        text = head(str(title)) if units and number else str(title)
        top = sheet.cell(1, column)
        _put(top, text)
        top.font = bold
        note = [notes[str(title)]] if str(title) in notes else []
        note += [str(title)] if text != str(title) else []
        if note:
            top.comment = Comment("\n".join(note), "landscape-permeability", width=320, height=80)
        longest = len(text)
        for row, value in enumerate(values, start=2):
            _put(sheet.cell(row, column), value)
            if row < 200:  # those in sight
                longest = max(longest, 10 if isinstance(value, float) else len(str(value)))
        sheet.column_dimensions[get_column_letter(column)].width = min(longest + 2, WIDEST)
    sheet.freeze_panes = "A2"
    if len(table.columns) and len(table):
        sheet.auto_filter.ref = sheet.dimensions


def head(column: str) -> str:
    """The head of a column of numbers: its name with the unit in brackets.

    Parameters
    ----------
    column : str

    Returns
    -------
    str

    Examples
    --------
    >>> head("gain_reachable_km2"), head("cost_usd_low"), head("km_from"), head("rank"), head("eca_km2_per_musd")
    ('gain_reachable [km2]', 'cost_low [USD]', 'from [km]', 'rank', 'eca [km2 per million USD]')
    """
    if column.startswith("km_"):
        return f"{column.removeprefix('km_')} [km]"
    if column in ("lon", "lat"):
        return f"{column} [deg]"
    name, per = column, ""
    part = re.search(r"_(expected|median|low|high)$", name)
    name = name[: part.start()] if part else name
    if name.endswith("_per_musd"):
        name, per = name.removesuffix("_per_musd"), " per million USD"
    unit = unit_of(name)
    if unit == "1" and not per:
        return column
    ending = {"1/day": "_per_day", "%": "_pct", "quality ha": "_qha"}.get(unit, f"_{unit.lower()}")
    return f"{name.removesuffix(ending)}{part.group() if part else ''} [{unit}{per}]"


def _sheet_name(name: str, taken: list[str]) -> str:
    """A name that Excel takes and that no other sheet has."""
    plain = BAD_NAMES.sub("_", name).strip("'")[:MOST_NAME] or "sheet"
    found, n = plain, 1
    while found.lower() in {t.lower() for t in taken}:
        n += 1
        found = f"{plain[: MOST_NAME - len(str(n)) - 1]} {n}"
    return found


def _put(cell: Any, value: Any) -> None:
    """A value into a cell: numbers and truths as they are, everything else as text that no spreadsheet takes for a formula."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return
    if isinstance(value, (bool, int)) or (isinstance(value, float) and abs(value) != float("inf")):
        cell.value = value
        return
    cell.value = BAD_LETTERS.sub("\ufffd", str(value))[:MOST_LETTERS]
    cell.data_type = "s"


def _fix_times(path: Path) -> None:
    """Replace the times of saving in the parts of a workbook by a fixed one."""
    with zipfile.ZipFile(path) as held:
        parts = [(info.filename, held.read(info)) for info in held.infolist()]
    with zipfile.ZipFile(path, "w") as out:
        for name, data in parts:
            if name == "docProps/core.xml":
                data = SAVED.sub(rb"\g<1>1980-01-01T00:00:00Z", data)
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, data)
