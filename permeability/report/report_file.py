"""The report of results that were read, as a file of the kind that its name says."""

from __future__ import annotations

from pathlib import Path

from permeability.core.errors import check_choice
from permeability.locale.language import Words, words
from permeability.report.render import REPORTS, render, require_page, write_page
from permeability.report.results import Results
from permeability.report.sections import report_context

PARTS = ("full", "summary")


def check_asked(target: str | Path, language: str, part: str) -> Words:
    """Refuse what no report can be written as, before anything is read; the words of its language.

    Examples
    --------
    >>> check_asked("report.html", "mn", "full").language
    'mn'
    """
    check_choice("part", part, PARTS)
    require_page(target, REPORTS)
    return words(language)


def report_file(results: Results, target: str | Path, *, language: str = "en", part: str = "full") -> Path:
    """Write the report of results that were read; see :func:`permeability.report.write_report`.

    Parameters
    ----------
    results : Results
    target : path
    language : {"en", "mn", "ru"}
    part : {"full", "summary"}

    Returns
    -------
    pathlib.Path
        ``target``.

    Raises
    ------
    OptionError
        O01 for a language without a catalogue or an unknown part, O09 for a file of another kind, U31 for ``.docx`` without python-docx.

    Examples
    --------
    >>> import permeability as pm, tempfile
    >>> from permeability.report.results import read_results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results")
    ...     report_file(read_results(f"{folder}/results"), f"{folder}/page.html", part="summary").name
    'page.html'
    """
    tr = check_asked(target, language, part)
    context = report_context(results, tr, part)
    page = render("report.html.j2", context, tr)
    if Path(target).suffix.lower() == ".docx":
        from permeability.report.documents import write_document

        return write_document(page, context, tr, Path(target))
    return write_page(target, page)
