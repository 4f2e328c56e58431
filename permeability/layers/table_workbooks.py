"""Tables to read: an Excel workbook with numbers as numbers and no formulas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from permeability.core.errors import LayerError
from permeability.layers.whole_files import whole_file

__all__ = ["write_tables"]


def write_tables(path: Path, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write tables as an Excel workbook to read: numbers as numbers, no formulas, a sheet for each.

    Parameters
    ----------
    path : Path
    tables : mapping
        Name of the sheet -> table.

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
        from openpyxl.styles import Font
    except ImportError as error:
        raise LayerError(
            "K17", "Excel needs openpyxl.", remedy='pip install "landscape-permeability[excel]"'
        ) from error
    book = Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        sheet = book.create_sheet(name[:31])
        for column, title in enumerate(table.columns, start=1):
            sheet.cell(1, column, str(title)).font = Font(bold=True)
            for row, value in enumerate(table[title].tolist(), start=2):
                _put(sheet.cell(row, column), value)
        sheet.freeze_panes = "A2"
    with whole_file(path) as aside:
        book.save(aside)
    return path


def _put(cell: Any, value: Any) -> None:
    """A value into a cell: numbers and truths as they are, everything else as text that no spreadsheet takes for a formula."""
    if value is None or value != value:
        return
    if isinstance(value, (bool, int)) or (isinstance(value, float) and abs(value) != float("inf")):
        cell.value = value
        return
    cell.value = str(value)
    cell.data_type = "s"
