"""Commands about results that exist: what pilots change, what knowing more is worth, indicators, tables for forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from permeability.cli.answers import JsonCommand, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import FILE, LANGUAGE, NEW_FILE, NEW_FOLDER, RESULTS, with_options
from permeability.cli.streams import reader
from permeability.core.errors import OptionError

if TYPE_CHECKING:
    from permeability.monitoring import PilotUpdate
    from permeability.ranking.held_draws import HeldRanking
    from permeability.report.results import Results

__all__ = ["indicators", "tables", "update", "value_command"]

ALIKE = (
    click.option("--icc", type=Number(0, 1, max_open=True), default=0.1, show_default=True, help="likeness of the encounters of one animal, where a row does not say [1]"),
    click.option("--site-icc", type=Number(0, 1, max_open=True), default=0.05, show_default=True, help="likeness of encounters at one opening, of openings of one kind [1]"),
    click.option("--spread", type=Number(0), default=0.5, show_default=True, help="of crossings per km between animals: standard deviation as a share [1]"),
    click.option("--species", multiple=True, help="id of a species of the run (default: all that were ranked); may be given several times"),
)  # fmt: skip
REPORT = click.option(
    "--report",
    is_flag=True,
    help="keep it in RESULTS too, and write every report that lies there anew with it",
)
MARK = "updated.json"
SHOWN = ("rank", "rank_before", "id", "rank_low", "rank_high", "gain_before", "gain_expected")


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option("--pilots", type=FILE, required=True, help="table of results (.csv): site or number; crossed, met (or crossings, km); animals")  # fmt: skip
@with_options(ALIKE)
@click.option(
    "--out", type=NEW_FOLDER, help="folder to write: tables, updated profiles, a page of what changed"
)
@REPORT
@LANGUAGE
def update(
    results: Path, pilots: Path, icc: float, site_icc: float, spread: float, species: tuple[str, ...], out: Path | None,
    report: bool, language: str | None,
) -> None:  # fmt: skip
    """What the PILOTS change of the ranking in RESULTS: numbers, ranks and their ranges, without a solve."""
    from permeability.layers import whole_files
    from permeability.layers.plain_tables import read_csv
    from permeability.monitoring import update as updated
    from permeability.report.results import read_results

    seen, run = read_csv(pilots, None, pilots.name), read_results(results)
    found = {
        name: updated(kept, seen, icc=icc, site_icc=site_icc, spread=spread)
        for name, kept in _held(run, species)
    }
    told = {name: _told(done) for name, done in found.items()}
    files = []
    if out is not None:
        with whole_files.whole_folder(out, MARK) as aside:
            for name, done in found.items():
                _write(aside, name, done)
            page = _page(run, found, language or reader().language)
            whole_files.write_text(aside / "updated.html", page)
            whole_files.write_json(
                aside / MARK, {"results": results.name, "pilots": records(seen), "species": told}
            )
        files = [written(out)]
    if report:
        whole_files.write_json(
            results / "pilots.json", {"pilots": records(seen), "species": {n: d.record() for n, d in found.items()}}
        )  # fmt: skip
        files += _reports(run, language)  # pilots.json is read when it is asked for
    answer({"species": told, "files": files}, "\n\n".join(_words(done) for done in found.values()))


@click.command("value", cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option(
    "--planned", type=FILE, help="table of planned pilots (.csv): site or number; met (or km); animals"
)
@click.option("--sites", type=click.IntRange(1), default=1, show_default=True, help="how many sections will be opened")  # fmt: skip
@with_options(ALIKE)
def value_command(
    results: Path, planned: Path | None, sites: int, icc: float, site_icc: float, spread: float, species: tuple[str, ...]
) -> None:  # fmt: skip
    """What knowing more is worth to the choice of sections in RESULTS: all of it, and each planned pilot."""
    from permeability.layers.plain_tables import read_csv
    from permeability.monitoring import value_of_information
    from permeability.report.results import read_results

    rows = [] if planned is None else read_csv(planned, None, planned.name)
    found = {
        name: value_of_information(kept, rows, sites=sites, icc=icc, site_icc=site_icc, spread=spread)
        for name, kept in _held(read_results(results), species)
    }
    told = {
        name: {
            "choice": list(v.choice), "index": v.index, "gain": v.now, "evpi": v.evpi, "evpi_km": v.evpi_km, "evpi_usd": v.evpi_usd,
            "pilots": records(v.pilots),
        }
        for name, v in found.items()
    }  # fmt: skip
    answer({"species": told}, "\n\n".join(f"{name}: {v!r}" for name, v in found.items()))


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option("--base", type=RESULTS, help="result folder of a base year: adds the change since then")
@LANGUAGE
@click.option("--out", type=NEW_FILE, help="file to write: .csv or .json")
@REPORT
def indicators(
    results: Path, base: Path | None, language: str | None, out: Path | None, report: bool
) -> None:
    """The indicators that RESULTS knows: value, range, method, what it does not say, change since a base year."""
    from permeability.layers import whole_files
    from permeability.monitoring import indicators as of_run
    from permeability.report.results import read_results

    found = of_run(results, base)
    table = found.translated(language or reader().language)
    told = {
        "title": found.title,
        "year": found.year,
        "base_year": found.base_year,
        "notes": list(found.notes),
        "rows": records(table),
    }
    files = []
    if out is not None:
        if out.suffix.lower() == ".json":
            whole_files.write_json(out, told)
        else:
            whole_files.write_csv(out, table, mark=True)
        files = [written(out)]
    if report:
        whole_files.write_json(results / "indicators.json", {**told, "rows": records(found.table)})
        files += _reports(read_results(results), language)
    shown = table[["species", "label", "value", "low", "high", "unit", "change"]]
    text = shown.to_string(index=False, na_rep="", float_format=lambda v: f"{v:.4g}")
    answer({**told, "files": files}, "\n".join([text, *found.notes]))


@click.command(cls=JsonCommand)
@click.argument("results", type=RESULTS)
@click.option(
    "--kind", type=click.Choice(["cami", "cms", "bukhara_deer", "ps6", "ub"]), required=True,
    help="programme of work, national reports, annex for lenders, Ulaanbaatar action plan",
)  # fmt: skip
@click.option("--base", type=RESULTS, help="result folder of a base year: adds the change since then")
@LANGUAGE
@click.option(
    "--out", type=NEW_FILE, help="file to write: .docx or .csv (default: KIND_LANGUAGE.csv in RESULTS)"
)
def tables(results: Path, kind: str, base: Path | None, language: str | None, out: Path | None) -> None:
    """A table that a convention, a lender or an action plan asks for, filled from RESULTS, each cell with its source."""
    from permeability.monitoring import report_tables

    done = report_tables(results, kind, language=language or reader().language, base=base)
    target = out if out is not None else results / f"{kind}_{done.language}.csv"
    answer(
        {"title": done.title, "rows": records(done.table), "files": [written(done.save(target))]},
        lambda: None,
    )


def _reports(read: Results, language: str | None) -> list[Any]:
    """Every full report of a result folder anew, or one in the reader's language where there is none."""
    from permeability.locale.language import LANGUAGES
    from permeability.report.report_file import report_file

    results = read.folder
    lying = {f"report_{name}.html": name for name in LANGUAGES} | {"report.html": "en"}
    todo = {k: v for k, v in lying.items() if (results / k).is_file()}
    asked = language or (None if todo else reader().language)
    if asked is not None and asked not in todo.values():
        todo[f"report_{asked}.html"] = asked
    return [written(report_file(read, results / name, language=spoken)) for name, spoken in todo.items()]


def _held(read: Results, species: tuple[str, ...]) -> Iterator[tuple[str, HeldRanking]]:
    """Rankings with draws of a result folder."""
    from permeability.core.errors import check_choice

    some = False
    for name in species:
        check_choice("species", name, read.species_ids)
    for name in species or read.species_ids:
        kept = read.held_ranking(name)
        if kept is not None:
            some = True
            yield name, kept
    if not some:
        raise OptionError(
            "U29", f"{read.folder.name!r} holds no ranking with draws.", layer=read.folder.name,
            remedy="state draws under [ranking] in the project file and run it again with this version",
        )  # fmt: skip


def _told(done: PilotUpdate) -> dict[str, Any]:
    assert done.ranking is not None
    return {
        "numbers": records(done.numbers), "sites": records(done.sites), "changes": records(done.changes),
        "effective_draws": done.effective_draws, "draws": len(done.weights), "notes": [str(n) for n in done.notes],
        "ranking": records(done.ranking[[c for c in SHOWN if c in done.ranking.columns]]),
    }  # fmt: skip


def _page(read: Results, found: dict[str, PilotUpdate], language: str) -> str:
    from permeability.monitoring.update_page import update_page

    return update_page(
        found, title=read.title, statement=str(read.summary.get("statement") or ""), language=language
    )


def _write(folder: Path, name: str, done: PilotUpdate) -> None:
    from permeability.layers import whole_files
    from permeability.telemetry.calibration import toml_text

    assert done.ranking is not None
    whole_files.write_csv(folder / f"sites_{name}.csv", done.ranking.drop(columns="geometry"))
    whole_files.write_csv(folder / f"numbers_{name}.csv", done.numbers)
    if len(done.changes):
        whole_files.write_csv(folder / f"changes_{name}.csv", done.changes)
    whole_files.write_text(folder / f"profile_{name}.toml", toml_text(done.profile.to_dict()))


def _words(done: PilotUpdate) -> str:
    assert done.ranking is not None
    shown = done.ranking[[c for c in SHOWN if c in done.ranking.columns]].head(10)
    parts = [repr(done), f"worth {done.effective_draws:.0f} of {len(done.weights)} draws"]
    for table in (done.sites, done.changes, shown):
        if len(table):
            parts.append(table.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    return "\n".join(parts)
