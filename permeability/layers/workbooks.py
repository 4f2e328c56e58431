"""Tables to fill in by hand: an Excel workbook whose cells offer the words that are allowed and refuse other numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from permeability.core.cells import is_empty
from permeability.core.errors import LayerError
from permeability.core.plain_text import cell

__all__ = ["Heading", "write_workbook"]

ROWS = 2000  # that the words and limits of a column reach down to
WORDS = "words"  # sheet that the lists of words stand on


@dataclass(frozen=True)
class Heading:
    """What the cells of a column may hold.

    Attributes
    ----------
    name : str
    note : str
        Shown where the mouse rests on the head.
    words : tuple of str
        Offered as a list; empty where everything may be written.
    least, most : float or None
        Limits of a number.
    number : bool
        Whether only numbers belong here.
    """

    name: str
    note: str = ""
    words: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    number: bool = False


def write_workbook(path: Path, sheets: Mapping[str, tuple[Sequence[Heading], pd.DataFrame]]) -> Path:
    """Write a workbook.

    Parameters
    ----------
    path : Path
        Ending in ``.xlsx``.
    sheets : mapping
        Name of the sheet -> its columns, and rows that stand in it from the beginning.

    Returns
    -------
    Path

    Raises
    ------
    LayerError
        K17 when openpyxl is not installed.

    Examples
    --------
    >>> import tempfile
    >>> head = [Heading("kind", "what it is", ("fence", "road"))]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_workbook(Path(folder) / "a.xlsx", {"lines": (head, pd.DataFrame({"kind": ["fence"]}))}).name
    'a.xlsx'
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise LayerError(
            "K17", "Excel needs openpyxl.", remedy='pip install "landscape-permeability[excel]"'
        ) from error
    book = Workbook()
    book.remove(book.active)
    words: list[tuple[str, ...]] = []
    for name, (heads, rows) in sheets.items():
        _fill(book.create_sheet(name), heads, rows, words)
    _list_words(book.create_sheet(WORDS), words)
    book.save(path)
    return path


def _fill(sheet: Any, heads: Sequence[Heading], rows: pd.DataFrame, words: list[tuple[str, ...]]) -> None:
    """Heads with their notes, rows, and what the cells below may hold."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    for k, head in enumerate(heads, start=1):
        top = sheet.cell(1, k, head.name)
        top.font = Font(bold=True)
        if head.note:
            top.comment = Comment(head.note, "landscape-permeability", width=320, height=110)
        sheet.column_dimensions[get_column_letter(k)].width = max(10, len(head.name) + 2)
        limit = _limit(head, words)
        if limit is not None:
            sheet.add_data_validation(limit)
            limit.add(f"{get_column_letter(k)}2:{get_column_letter(k)}{ROWS}")
        held = rows.get(head.name, pd.Series(dtype=object))
        for r, value in enumerate(held, start=2):
            if not is_empty(value):
                sheet.cell(r, k, cell(value) if isinstance(value, str) else value)


def _limit(head: Heading, words: list[tuple[str, ...]]) -> Any:
    """What Excel checks when a cell of a column is filled."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    if head.words:
        if head.words not in words:
            words.append(head.words)
        column = get_column_letter(words.index(head.words) + 1)
        made = DataValidation(
            "list", formula1=f"'{WORDS}'!${column}$1:${column}${len(head.words)}", allow_blank=True
        )
        made.error = "One of: " + ", ".join(head.words)[:200]
    elif head.number:
        least = -1e12 if head.least is None else head.least
        most = 1e12 if head.most is None else head.most
        made = DataValidation(
            "decimal", operator="between", formula1=f"{least:.12g}", formula2=f"{most:.12g}", allow_blank=True
        )
        made.error = f"A number from {least:g} to {most:g}"
    else:
        return None
    made.errorTitle, made.showErrorMessage = head.name[:32], True
    return made


def _list_words(sheet: Any, words: Sequence[tuple[str, ...]]) -> None:
    """The sheet that the lists stand on, out of sight."""
    for k, held in enumerate(words, start=1):
        for r, word in enumerate(held, start=1):
            sheet.cell(r, k, word)
    sheet.sheet_state = "hidden"
