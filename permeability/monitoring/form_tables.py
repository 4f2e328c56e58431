"""Tables for the forms of conventions, lenders and action plans, filled from a run: every cell with its place in the result folder, blank where the
run knows nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from permeability.core.display import Face
from permeability.core.errors import check_choice
from permeability.core.texts import N_
from permeability.layers.word_files import new_document, save_document
from permeability.locale.language import LANGUAGES, Words, words
from permeability.monitoring.indicator_list import INDICATOR
from permeability.monitoring.indicator_values import indicators
from permeability.monitoring.table_kinds import KINDS, TITLES
from permeability.report.results import Results

__all__ = ["ReportTable", "report_tables"]

COLUMNS = (
    "number",
    "asked",
    "species",
    "indicator",
    "value",
    "low",
    "high",
    "unit",
    "interval",
    "change",
    "source",
)
HEADS = (N_("No."), N_("Asked, in our words"), N_("What this run gives"), N_("Source in the result folder"))
NOTE = N_(
    "Blank cells: this run knows nothing about it. Headings are short words, not the official text: copy the values into the form in force."
)
UNITS = {"km2": "km²", "1": ""}


@dataclass(frozen=True, eq=False)
class ReportTable(Face):
    """A filled table.

    Attributes
    ----------
    kind : str
    title : str
    table : DataFrame
        One row per heading, species and indicator: ``number``, ``asked``, ``species``, ``indicator``, ``value``, ``low``, ``high``, ``unit``,
        ``interval``, ``change`` (since the base), ``source``; headings about which the run knows nothing have one row without a value.
    language : str
    statement : str
        What the project says of itself, such as that it is an illustration.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     done = report_tables(run.folder, kind="cami", language="ru")
    >>> done.table["number"].iloc[0], bool(done.table["source"].iloc[0])
    ('1.3.1 c', True)
    """

    _face: ClassVar[str] = "form"

    kind: str
    title: str
    table: pd.DataFrame = field(repr=False)
    language: str = "en"
    statement: str = ""

    def save(self, path: str | Path) -> Path:
        """Write the table as ``.docx`` (needs python-docx), or as ``.csv``, ``.xlsx`` or a picture like every result.

        Parameters
        ----------
        path : path

        Returns
        -------
        Path

        Raises
        ------
        OptionError
            U31 without python-docx, O07 for another ending.
        """
        target = Path(path)
        return _docx(self, target) if target.suffix.lower() == ".docx" else super().save(target)


def report_tables(
    results: Results | str | Path | Any,
    kind: str,
    *,
    language: str = "en",
    base: Results | str | Path | Any | None = None,
) -> ReportTable:
    """The table of a form, filled from a run.

    Parameters
    ----------
    results : path, Results or Run
        Result folder.
    kind : {"cami", "cms", "bukhara_deer", "ps6", "ub"}
        Programme of work of the Central Asian Mammals Initiative, national report to the convention, national report on the Bukhara deer, annex for
        lenders and impact assessment, Ulaanbaatar action plan.
    language : {"en", "mn", "ru"}
    base : path, Results or Run, optional
        Result folder of a base year: adds the change.

    Returns
    -------
    ReportTable

    Raises
    ------
    OptionError
        O01 for an unknown kind or language.

    Notes
    -----
    Values are those of :func:`permeability.monitoring.indicator_values.indicators`.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     table = report_tables(run.folder, kind="ub").table
    >>> bool(table.loc[table["number"] == "1.3", "value"].isna().all())  # pilots: a run knows nothing of them
    True
    """
    check_choice("kind", kind, tuple(KINDS))
    check_choice("language", language, LANGUAGES)
    tr = words(language)
    found = indicators(results, base)
    read = results if isinstance(results, Results) else None
    names, statement = _about(results, read, language)
    by_code = dict(list(found.table.groupby("indicator", sort=False)))
    rows: list[dict[str, Any]] = []
    for asked in KINDS[kind]:
        first = {"number": asked.number, "asked": tr(asked.text)}
        mine = [
            {
                **first, "species": names.get(r["species"], r["species"]), "indicator": tr(INDICATOR[code].label), "value": r["value"], "low": r["low"],
                "high": r["high"], "unit": UNITS.get(r["unit"], r["unit"]), "interval": tr(r["interval"]), "change": r["change"], "source": r["source"],
            }
            for code in asked.codes
            for r in by_code[code].to_dict("records")
            if not math.isnan(r["value"])
        ]  # fmt: skip
        rows += mine or [first]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("species", "indicator", "unit", "interval", "source"):
        table[column] = table[column].fillna("")
    return ReportTable(kind, tr(TITLES[kind]), table, language, tr(statement) if statement else "")


def _about(results: Any, read: Results | None, language: str) -> tuple[dict[str, str], str]:
    """Names of the species in a language, and the statement of the project."""
    if read is None:
        from permeability.report.results import read_results

        read = read_results(getattr(results, "folder", None) or results)
    told = read.record.get("species") or {}
    names = {s: str((told.get(s, {}).get("names") or {}).get(language) or s) for s in read.species_ids}
    return names, str(read.summary.get("statement") or "")


def _cell(row: Any, tr: Words) -> str:
    """One value as a reader writes it."""
    if not math.isfinite(row["value"]) and math.isnan(row["value"]):
        return ""
    unit = row["unit"] if row["unit"].startswith("1/") else tr(row["unit"])
    told = f"{row['species']}: {row['indicator']} {tr.number(row['value'])} {unit}".rstrip()
    if math.isfinite(row["low"]) and math.isfinite(row["high"]):
        told += f" ({tr.number(row['low'])} – {tr.number(row['high'])}; {row['interval']})"
    if math.isfinite(row["change"]):
        told += f"; {'+' if row['change'] >= 0 else ''}{tr.number(row['change'])}"
    return told


def _docx(done: ReportTable, target: Path) -> Path:
    paper = new_document(done.title, target, instead=".csv", landscape=True)
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt

    tr = words(done.language)
    paper.add_heading(done.title, level=1)
    if done.statement:
        paper.add_paragraph(done.statement).runs[0].bold = True
    paper.add_paragraph(tr(NOTE))
    widths = [Cm(2.0), Cm(6.2), Cm(11.0), Cm(7.5)]
    grid = paper.add_table(rows=1, cols=4)
    grid.style = "Table Grid"
    grid.autofit = False  # else LibreOffice makes all columns alike
    for cell, head in zip(grid.rows[0].cells, HEADS, strict=True):
        cell.text = ""
        cell.paragraphs[0].add_run(tr(head)).bold = True
    order = list(dict.fromkeys(zip(done.table["number"], done.table["asked"], strict=True)))
    for number, asked in order:
        mine = done.table[(done.table["number"] == number) & (done.table["asked"] == asked)].to_dict(
            "records"
        )
        told = [(text, r["source"]) for r in mine if (text := _cell(r, tr))]
        cells = grid.add_row().cells
        cells[0].text, cells[1].text = number, asked
        cells[2].text = "\n".join(f"[{i}] {text}" for i, (text, _) in enumerate(told, 1))
        cells[3].text = "\n".join(f"[{i}] {source}" for i, (_, source) in enumerate(told, 1))
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for i, row in enumerate(grid.rows):
        for name in (
            "cantSplit",
            *(["tblHeader"] if i == 0 else []),
        ):  # rows stay whole; the head stands on every page
            row._tr.get_or_add_trPr().append(OxmlElement(f"w:{name}"))
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
            for paragraph in cell.paragraphs:
                paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
                paragraph.paragraph_format.line_spacing = 1.0
                for run in paragraph.runs:
                    run.font.size = Pt(8)
    return save_document(paper, target)
