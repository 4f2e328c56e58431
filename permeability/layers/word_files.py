"""Documents for word processors: begun and kept in one way; the same text gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from permeability.core.errors import OptionError
from permeability.layers import whole_files

__all__ = ["new_document", "save_document"]


def new_document(title: str, target: Path, *, instead: str, landscape: bool = False) -> Any:
    """An empty A4 document.

    Parameters
    ----------
    title : str
        Of the document, in its properties.
    target : Path
        File that is asked for, named in the refusal.
    instead : str
        What the remedy offers to write without the library, such as ``".csv"``.
    landscape : bool
        Whether the long side lies across.

    Returns
    -------
    docx.document.Document

    Raises
    ------
    OptionError
        U31 without python-docx.
    """
    try:
        import docx
        from docx.enum.section import WD_ORIENT
        from docx.shared import Cm
    except ImportError as error:
        raise OptionError(
            "U31", "a DOCX needs the library python-docx, which is not installed.", layer=target.name,
            remedy=f'pip install "landscape-permeability[docx]", or write {instead}',
        ) from error  # fmt: skip
    from datetime import UTC, datetime

    paper = docx.Document()
    page = paper.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    sides = (Cm(29.7), Cm(21.0)) if landscape else (Cm(21.0), Cm(29.7))
    page.page_width, page.page_height = sides
    page.left_margin = page.right_margin = Cm(1.5) if landscape else Cm(2.0)
    paper.core_properties.title, paper.core_properties.author = title, "permeability"
    paper.core_properties.created = paper.core_properties.modified = datetime(2026, 1, 1, tzinfo=UTC)
    return paper


def save_document(paper: Any, target: Path) -> Path:
    """Write a document whole or not at all, with a fixed time on each part of its archive.

    Parameters
    ----------
    paper : docx.document.Document
    target : Path

    Returns
    -------
    Path
    """
    made = io.BytesIO()
    paper.save(made)
    with (
        whole_files.whole_file(target) as aside, zipfile.ZipFile(made) as old, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as new,
    ):  # fmt: skip
        for part in old.infolist():
            new.writestr(
                zipfile.ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0)), old.read(part), zipfile.ZIP_DEFLATED
            )
    return target
