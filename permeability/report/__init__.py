"""The report: one HTML file, made from the files of a result folder alone.

It asks for nothing from a network, says everything with scripts switched off, prints, and has the same bytes for the
same inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_board", "write_comparison", "write_report"]


def write_report(
    results_folder: str | Path, target_html: str | Path, *, language: str = "en", part: str = "full"
) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    results_folder : path
        A folder that ``permeability run`` wrote.
    target_html : path
        File to write, ``.html``, ``.docx`` (needs python-docx), or ``.pdf`` where a Chromium is installed; it appears whole or not at all.
    language : {"en", "mn", "ru"}
    part : {"full", "summary"}
        With its annexes, or the part that is made to be read: answer, case and limits.

    Returns
    -------
    pathlib.Path
        ``target_html``.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results.
    OptionError
        O01 for a language without a catalogue or an unknown part, O09 for a file of another kind, U31 for ``.docx`` without python-docx.

    Examples
    --------
    >>> write_report("no-such-folder", "report.html")
    Traceback (most recent call last):
    ...
    permeability.core.errors.ProjectError: ProjectError [J06]: 'no-such-folder' is not a result folder.
      missing        summary.json, record.json, impact.csv, pairs.csv
      remedy         name a folder that `permeability run` wrote
    """
    from permeability.report.report_file import check_asked, report_file
    from permeability.report.results import read_results

    check_asked(target_html, language, part)  # a slip is told before anything is read
    return report_file(read_results(results_folder), target_html, language=language, part=part)


def get_ready() -> None:
    """Load what a report is made with, where there is time before its results are there.

    Examples
    --------
    >>> get_ready()
    """
    import jinja2  # noqa: F401

    from permeability.report import report_file  # noqa: F401
    from permeability.viz.style import KINDS, ramp_colours

    for _, _, ramp, _ in KINDS.values():
        ramp_colours(ramp)


def write_board(
    results_folder: str | Path | Sequence[str | Path], target_html: str | Path, *, language: str = "en"
) -> Path:
    """Write the board of a run: one page, offline, in which sections are opened and the exact answer follows at once.

    Parameters
    ----------
    results_folder : path or sequence of path
        A folder that ``permeability run`` wrote, with ``board.json``; several of them, one for each season, make a board
        on which the season is switched as the species is.
    target_html : path
        File to write, ``.html``; it appears whole or not at all.
    language : {"en", "mn", "ru"}

    Returns
    -------
    pathlib.Path
        ``target_html``.

    Raises
    ------
    ProjectError
        J06 when the folder holds no results, J21 when they hold no network for a board, J22 for one of another version, J23 for a
        species twice in one season.
    OptionError
        O01 for a language without a catalogue, O09 for a file of another kind.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     path = write_board(f"{folder}/results", f"{folder}/board.html")
    ...     "F km 0-2" in path.read_text(encoding="utf-8")
    True
    """
    from permeability.layers.whole_files import write_text
    from permeability.locale.language import words
    from permeability.report.board import board_context
    from permeability.report.render import PAGES, render, require_page
    from permeability.report.results import read_results

    tr = words(language)
    require_page(target_html, PAGES[:2])
    folders = [results_folder] if isinstance(results_folder, (str, Path)) else list(results_folder)
    context = board_context([read_results(f) for f in folders], tr)
    scripts, styles = ("map.js", "board_numbers.js", "board.js"), ("style.css", "board.css")
    return write_text(target_html, render("board.html.j2", context, tr, scripts=scripts, styles=styles))


def write_comparison(
    folders: Sequence[str | Path],
    target: str | Path,
    *,
    language: str = "en",
    scenarios: Sequence[str] = (),
) -> Path:
    """Write the comparison of two or more runs, or of scenarios of one run; the first is what the others are compared with.

    Parameters
    ----------
    folders : sequence of path
        Result folders, in order of building where scenarios add up; one folder when ``scenarios`` are named.
    target : path
        File to write, ``.html`` or ``.pdf``.
    language : {"en", "mn", "ru"}
    scenarios : sequence of str
        Names of scenarios of the one folder.

    Returns
    -------
    pathlib.Path
        ``target``.

    Raises
    ------
    ProjectError
        J04 no such scenario, J06 when a folder holds no results, J07 for fewer than two things to compare.
    OptionError
        O09 for a file of another kind.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     both = [f"{folder}/results", f"{folder}/results"]
    ...     write_comparison(both, f"{folder}/comparison.html").name
    'comparison.html'
    """
    from permeability.core.errors import ProjectError
    from permeability.locale.language import words
    from permeability.report.comparison import comparison_context
    from permeability.report.render import render, require_page, write_page
    from permeability.report.results import read_results

    if len(scenarios if scenarios else folders) < 2 or (scenarios and len(folders) != 1):
        raise ProjectError(
            "J07",
            "a comparison needs two result folders, or one folder and two scenarios of it.",
            remedy="name them, the one to compare with first",
        )
    tr = words(language)
    require_page(target)
    runs = [read_results(f) for f in folders]
    if scenarios:
        runs = [runs[0].scenario(name) for name in scenarios]
    return write_page(target, render("comparison.html.j2", comparison_context(runs, tr), tr))
