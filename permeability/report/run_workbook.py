"""Everything that a run found, as one Excel workbook: a sheet for each table of the result folder, units in the heads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from permeability.core.errors import OptionError, ProjectError
from permeability.layers import whole_files
from permeability.layers.table_workbooks import write_tables
from permeability.linkage.index_table import INDEX
from permeability.locale.language import N_, Words, words
from permeability.report import facts
from permeability.report.results import Results, read_results

__all__ = ["export_workbook"]

SHEETS = {  # in the order of a reader's questions; further tables of the folder follow
    "sites": N_("Ranked sections"),
    "plan": N_("Sections chosen for the budget"),
    "impact": N_("What the barriers do: every index without barriers, today and line by line"),
    "scenarios": N_("Options compared: every index before and after"),
    "residual": N_("Mitigation: what is given back and what remains"),
    "cumulative": N_("Lines in the order of building: added and total effect"),
    "cost_benefit": N_("Costs and benefits over the life of a measure"),
    "offset": N_("Quality hectares lost and given back"),
    "pairs": N_("Pairs of patches"),
    "pressure": N_("Where animals press against a line"),
    "movement": N_("Who arrives alive"),
    "mortality": N_("Where animals die"),
    "scenario_inputs": N_("Every input that an option has otherwise, and why"),
    "scenario_draws": N_("Every option in every draw of the unknown numbers"),
}
CONTEXT = {"barriers": N_("Barriers as they were read"), "patches": N_("Patches")}
NOT_FOR_READERS = ("said",)  # texts with their values apart, for translation


def export_workbook(results_folder: str | Path, path: str | Path, *, language: str = "en") -> Path:
    """Write an Excel workbook of a result folder: the first sheet says what it is, then one sheet for each table.

    Numbers are numbers, infinity is the word ``inf``, text is never a formula; ``length_km`` is headed ``length [km]``, with
    the name that the column has in the CSV file as a note on the head.

    Parameters
    ----------
    results_folder : path
        That ``permeability run`` wrote.
    path : path
        Ending in ``.xlsx``.
    language : {"en", "mn", "ru"}
        Of the first sheet and of the notes; columns keep their names.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OptionError
        O07 for a file of another ending.
    ProjectError
        J06 when the folder is no result folder.
    LayerError
        K17 when openpyxl is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     path = export_workbook(f"{folder}/results", f"{folder}/results.xlsx")
    ...     pd.read_excel(path, sheet_name="sites")["length [km]"].tolist()[:2]
    [2, 2]
    """
    target, tr = Path(path), words(language)
    if target.suffix.lower() != ".xlsx":
        raise OptionError(
            "O07",
            f"a workbook cannot be written as {target.suffix or target.name!r}.",
            remedy="give a name that ends in .xlsx",
        )
    results = read_results(results_folder)
    held = _tables(results)
    told = {**SHEETS, **CONTEXT}
    about = _about(results, {name: tr(told[name]) if name in told else "" for name in held}, tr)
    notes = {f"gain_{k}": tr(i.meaning) for k, i in INDEX.items()} | {
        k: tr(i.meaning) for k, i in INDEX.items()
    }
    return write_tables(target, {tr("About"): about, **held}, units=True, notes=notes)


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    """Tables of the run itself: its CSV files, then barriers and patches; what others laid beside them is not of the run."""
    wrote = results.record.get("files")
    found = {
        p.stem: p
        for p in sorted(results.folder.glob("*.csv"))
        if not isinstance(wrote, list) or p.name in wrote
    }
    order = [*(n for n in SHEETS if n in found), *(n for n in found if n not in SHEETS)]
    out = {n: whole_files.read_csv(found[n]).drop(columns=[*NOT_FOR_READERS], errors="ignore") for n in order}
    for name in CONTEXT:
        table = getattr(results, name)
        if table is not None:
            out[name] = pd.DataFrame(table.drop(columns="geometry"))
    if not out:
        raise ProjectError("J06", "the folder holds no table.", remedy="run the project again")
    return out


def _about(results: Results, sheets: dict[str, str], tr: Words) -> pd.DataFrame:
    """What the workbook is: project, program, species, and what stands on which sheet."""
    grid = results.record.get("grid", {})
    rows = [
        (tr("Project"), results.title),
        (tr("Results"), results.folder.name),
        (tr("Program"), f"permeability {results.record.get('software', {}).get('permeability', '')}"),
        (tr("Grid"), str(grid.get("text", ""))),
    ]
    rows += [(tr("Species"), facts.names(results, s, tr)["name"] + f" ({s})") for s in results.species_ids]
    rows += [
        ("", ""),
        (
            tr("Heads"),
            tr("units stand in brackets; the note on a head is the name of the column in the CSV file"),
        ),
        ("inf", tr("infinite: no path")),
        (
            tr("Sources"),
            tr(
                "columns source and evidence say which values are measured, expert or schematic; the report says what follows"
            ),
        ),
        ("", ""),
    ]
    rows += list(sheets.items())
    return pd.DataFrame(rows, columns=[tr("What"), tr("Value")])
