"""Pages of the report and the files they become."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from permeability.core.errors import OptionError
from permeability.locale.language import Words
from permeability.viz.pages import html_page

PAGES = (".html", ".htm", ".pdf")
REPORTS = (*PAGES, ".docx")


def render(
    template: str,
    context: dict[str, Any],
    tr: Words,
    *,
    scripts: Sequence[str] = ("map.js",),
    styles: Sequence[str] = ("style.css",),
) -> str:
    """A page of the report in a language, from the templates of this room."""
    return html_page(template, context, tr, room="permeability.report", scripts=scripts, styles=styles)


def require_page(target: str | Path, pages: Sequence[str] = PAGES) -> None:
    """Refuse a report under a name that says it is something else.

    Raises
    ------
    OptionError
        O09 for a name that does not end in one of ``pages`` (``.html``, ``.htm``, ``.pdf``), or that is a folder.

    Examples
    --------
    >>> require_page("report.docx")
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O09]: ...
    """
    path = Path(target)
    if path.suffix.lower() not in pages or path.is_dir():
        raise OptionError(
            "O09", f"a report cannot be written as {path.name!r}{': it is a folder' if path.is_dir() else ''}.",
            remedy=f"give a file name that ends in {' or '.join(pages)}",
        )  # fmt: skip


def write_page(target: str | Path, page: str) -> Path:
    """Write a page as the file that its name says."""
    from permeability.layers.whole_files import write_text
    from permeability.report.pdf import write_pdf

    path = Path(target)
    if path.suffix.lower() != ".pdf":
        return write_text(path, page)
    with TemporaryDirectory() as folder:
        return write_pdf(write_text(Path(folder) / "report.html", page), path)
