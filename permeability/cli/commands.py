"""The command line.  stdout carries what was asked for; messages and progress go to stderr."""

from __future__ import annotations

import gc
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from permeability import __version__
from permeability.cli import country_commands as cli_country
from permeability.cli import data_commands as cli_data
from permeability.cli import line_commands as cli_lines
from permeability.cli import monitor_commands as cli_monitor
from permeability.cli import pilot_commands as cli_pilots
from permeability.cli import settle_command as cli_settle
from permeability.cli import spec_command as cli_spec
from permeability.cli import track_commands as cli_tracks
from permeability.cli import trust_commands as cli_trust
from permeability.cli import water_command as cli_water
from permeability.cli.answers import JsonGroup, answer, error_event, finding_facts, plain, records, written
from permeability.cli.map_commands import MAP_COMMANDS
from permeability.cli.numbers import Number
from permeability.cli.parameters import FILE, LANGUAGE, LAYER, NEW_FILE, NEW_FOLDER, PROJECT, RESULTS
from permeability.cli.printed import print_run
from permeability.cli.progress import Expected, Progress
from permeability.cli.streams import (
    as_json,
    close_streams,
    event,
    reader,
    say,
    set_json,
    set_language,
    stoppable,
    tell,
)
from permeability.core.disk_room import FULL
from permeability.core.errors import (
    EXIT_DIFFERS,
    EXIT_FAULT,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    Finding,
    PermeabilityError,
    ProjectError,
)
from permeability.core.journal import LOG, PROGRESS
from permeability.core.texts import N_
from permeability.locale.language import LANGUAGES

GARBAGE_EVERY = 20_000  # objects made and kept between two searches for garbage that refers to itself


@click.group(
    cls=JsonGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="permeability")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="of what is printed (default: as PERMEABILITY_LANGUAGE or LANG says)",
)
def cli(language: str | None) -> None:
    """Landscape permeability: which fence comes down first?"""
    set_json(False)  # a command that is asked for JSON says so after this
    set_language(language)
    said, level = _Said(), LOG.level
    LOG.addHandler(said)
    LOG.setLevel(logging.INFO)

    def be_silent_again() -> None:  # a program that calls a command goes on with the log it had
        LOG.removeHandler(said)
        LOG.setLevel(level)

    click.get_current_context().call_on_close(be_silent_again)


def _nothing_more() -> None:
    """The names of files have been said as they were written."""


class _Said(logging.Handler):
    """What the package has to say on its own account goes to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != PROGRESS.name:  # which the command shows in its own way
            tell(f"permeability: {record.getMessage()}")


# ---------------------------------------------------------------- the main job
@cli.command()
@click.argument("folder", type=NEW_FOLDER, default=Path("permeability-demo"))
def demo(folder: Path) -> None:
    """Run the Gobi sample end to end in FOLDER: prints the ranked sites, writes the report."""
    from permeability.project.run.run import run_project
    from permeability.project.samples import sample_folder

    results = folder / "results"
    if folder.exists() and any(folder.iterdir()) and not (results / "record.json").is_file():
        raise PermeabilityError(
            "O02", f"{str(folder)!r} exists and is not empty.", remedy="name another folder"
        )
    source = folder / "gobi"
    if not source.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(sample_folder(), source)
    progress = Progress()
    done = run_project(source / "project.toml", results, progress=progress)
    progress.close()
    written(results, quiet=True)
    answer(done.summary, lambda: print_run(done))


@cli.command()
@click.argument("folder", type=NEW_FOLDER)
@click.option(
    "--from", "files", multiple=True, type=LAYER, help="a layer of yours; give it once for every file"
)
@click.option("--species", "name", default="khulan", show_default=True, help="with --from: whose movement")
@click.argument("more", nargs=-1, type=LAYER)
def new(folder: Path, files: tuple[Path, ...], name: str, more: tuple[Path, ...]) -> None:
    """Make a project FOLDER to start from: for your own layers (--from fences.gpkg roads.gpkg dem.tif), else a copy of
    the Gobi sample."""
    if files:
        from permeability.project.starting import start_project

        path, assumed = start_project(folder, [*files, *more], name)
        answer({"project": path, "assumed": assumed}, str(path))
        tr = reader()
        for word in assumed:
            tell(tr("assumed: {what}", what=word))
        tell(tr("Look through it, then run `permeability check` and `permeability run` on it."))
        return
    if more:
        raise click.UsageError("name files after --from")
    from permeability.project.samples import sample_folder

    if folder.exists() and any(folder.iterdir()):
        raise PermeabilityError(
            "O02", f"{str(folder)!r} exists and is not empty.", remedy="name a new folder"
        )
    shutil.copytree(sample_folder(), folder, dirs_exist_ok=True)
    answer({"project": folder / "project.toml", "assumed": []}, str(folder / "project.toml"))
    tell(reader()(N_("Edit it, then run `permeability check` and `permeability run` on it.")))


@cli.command()
@click.argument("project", type=PROJECT)
def check(project: Path) -> None:
    """Every input problem of PROJECT at once, each with its remedy; writes nothing."""
    from permeability.project.checking import inspect
    from permeability.project.checks.account import account, account_text

    findings, seen = inspect(project)

    def words() -> None:
        for finding in findings:
            say(finding.text())
        if seen is not None and seen.grid is not None:
            say(account_text(account(seen.project, seen), reader()))
        errors = sum(f.severity == "error" for f in findings)
        tr = reader()
        say(
            tr("{n} problems found.", n=tr.number(errors))
            if errors > 1
            else tr("1 problem found.")
            if errors
            else tr("No problem found.")
        )

    answer([finding_facts(f) for f in findings], words)
    if any(f.severity == "error" for f in findings):
        raise SystemExit(EXIT_INPUT)


@cli.command()
@click.argument("project", type=PROJECT)
def plan(project: Path) -> None:
    """Cells, edges, solves, memory and expected time of PROJECT; solves nothing."""
    from permeability.project.checks.account import account, account_text
    from permeability.project.project import open_project
    from permeability.project.run.effort import plan_every_species, plan_project

    opened = open_project(project)
    plans = plan_every_species(opened)
    text, layers = plan_project(opened, plans), account(opened)
    shown = plan_project(opened, plans, reader())
    told = [plain(p) | {"draws": [] if p.draws is None else records(p.draws)} for p in plans]
    answer({"text": text, "species": told, "layers": layers}, f"{shown}\n{account_text(layers, reader())}")


@cli.command()
@click.argument("project", type=PROJECT)
@click.option(
    "--out", type=NEW_FOLDER, help="result folder (default: results, or results-NAME for NAME.toml)"
)
@click.option("--report/--no-report", default=True, help="write report.html")
@click.option("--workers", type=click.IntRange(min=1), help="threads (default: all cores)")
@click.option(
    "--scheduler",
    help="address of a dask.distributed scheduler, or local: species, scenarios, draws go there",
)
@click.option("--resume", is_flag=True, help="go on with what an earlier run has finished (done by default)")
@click.option("--anew", is_flag=True, help="work everything out again, also what an earlier run has found")
def run(
    project: Path,
    out: Path | None,
    report: bool,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    anew: bool,
) -> None:
    """Run PROJECT and write its result folder.

    What an earlier run into the same folder has found of the same inputs is taken from the hidden folder .NAME-steps beside it.
    """
    from permeability.project.project import open_project
    from permeability.project.run.run import run_project

    opened = open_project(project)
    folder = out if out is not None else default_folder(opened.path)
    progress = Progress()
    done = run_project(
        opened, folder, progress=progress, report=report, workers=workers, scheduler=scheduler,
        resume=resume or not anew,
    )  # fmt: skip
    progress.close()

    def words() -> None:
        print_run(done)
        say(reader()(N_("results: {path}"), path=folder.resolve()))

    written(folder.resolve(), quiet=True)
    answer(done.summary, words)


def default_folder(project: Path) -> Path:
    """Where results go: ``results`` beside ``project.toml``, ``results-<name>`` beside any other file.

    >>> default_folder(Path("eia.toml")).name, default_folder(Path("project.toml")).name
    ('results-eia', 'results')
    """
    return project.parent / ("results" if project.name == "project.toml" else f"results-{project.stem}")


@cli.command()
@click.argument("project", type=PROJECT)
@click.option(
    "--year",
    "years",
    type=Number(1800, 2200),
    multiple=True,
    required=True,
    help="calendar year [a]; may be given several times",
)
def timeline(project: Path, years: tuple[float, ...]) -> None:
    """The same landscape in several years: how the range fell apart, and which line did what."""
    from permeability.project.project import open_project
    from permeability.project.run.years import timeline as over_years

    opened = open_project(project)
    data, text = {}, []
    for name in opened.species_ids:
        found = over_years(opened, name, years)
        data[name] = {"years": records(found.table), "lines": records(found.lines), "undated": found.undated}
        text.append(f"{found.text(reader())}\n")
    answer({"species": data}, "\n".join(text))


@cli.command()
@click.argument("results_a", type=RESULTS)
@click.argument("results_b", type=RESULTS, required=False)
@click.option(
    "--scenario", "scenarios", multiple=True, help="two scenarios of RESULTS_A, in place of RESULTS_B"
)
@click.option(
    "--rtol",
    type=Number(),
    default=1e-9,
    show_default=True,
    help="relative difference that counts as none [1]",
)
@click.option("--report", type=NEW_FILE, help="also write a comparison report (HTML) to this file")
@LANGUAGE
def compare(
    results_a: Path,
    results_b: Path | None,
    scenarios: tuple[str, ...],
    rtol: float,
    report: Path | None,
    language: str | None,
) -> None:
    """Compare two result folders, or two scenarios of one, number by number; exit code 3 when any differs."""
    from permeability.project.run.result_differences import compare_results, compare_scenarios

    if (results_b is None) != (len(scenarios) == 2):
        raise click.UsageError("name two result folders, or one and --scenario twice")
    if report is not None:
        from permeability.report import write_comparison

        folders = [results_a] if results_b is None else [results_a, results_b]
        path = write_comparison(folders, report, language=language or reader().language, scenarios=scenarios)
        tell(str(path))
    if results_b is None:
        differences = compare_scenarios(results_a, *scenarios, rtol=rtol)
    else:
        differences = compare_results(results_a, results_b, rtol=rtol)
    tr = reader()
    last = tr("{n} numbers differ.", n=len(differences)) if differences else tr("No number differs.")
    answer(
        {"differences": differences, "report": report}, "\n".join([*(d.text() for d in differences), last])
    )
    if differences:
        raise SystemExit(EXIT_DIFFERS)


@cli.command()
@click.argument("results", type=RESULTS)
@LANGUAGE
@click.option(
    "--out",
    type=NEW_FILE,
    help="file to write, .html, .pdf or .docx (default: report_<language>.html in RESULTS)",
)
@click.option(
    "--part",
    type=click.Choice(["full", "summary"]),
    default="full",
    show_default=True,
    help="with annexes or without",
)
@click.option("--pdf", is_flag=True, help="also print it to PDF (needs Chromium or Chrome)")
@click.option("--docx", is_flag=True, help="also write it for word processors (needs python-docx)")
def report(results: Path, language: str | None, out: Path | None, part: str, pdf: bool, docx: bool) -> None:
    """Write the report of a result folder in another language, or its summary without annexes."""
    from permeability.report import write_report

    language = language or reader().language
    name = f"report_{language}.html" if part == "full" else f"summary_{language}.html"
    target = out if out is not None else results / name
    files = [written(write_report(results, target, language=language, part=part))]
    if pdf and target.suffix.lower() != ".pdf":
        from permeability.report.pdf import write_pdf

        files.append(written(write_pdf(target, target.with_suffix(".pdf"))))
    if docx and target.suffix.lower() != ".docx":
        also = target.with_suffix(".docx")
        files.append(written(write_report(results, also, language=language, part=part)))
    answer({"files": files}, _nothing_more)


@cli.command()
@click.argument("results", type=RESULTS, nargs=-1, required=True)
@LANGUAGE
@click.option(
    "--out", type=NEW_FILE, help="file to write (default: board.html, or board_<language>.html, in RESULTS)"
)
def board(results: tuple[Path, ...], language: str | None, out: Path | None) -> None:
    """Write the what-if board of a result folder: one page, offline, that solves any set of ranked sections anew; of several, a switch between their seasons."""
    from permeability.report import write_board

    language = language or reader().language
    name = "board.html" if language == "en" else f"board_{language}.html"
    path = write_board(results, out if out is not None else results[0] / name, language=language)
    answer({"files": [written(path)]}, _nothing_more)


# ---------------------------------------------------------------- other programs' problems
@cli.command()
@click.argument("problem", type=FILE)
@click.option("--out", type=NEW_FOLDER, help="folder for the outputs (default: as the file says)")
@click.option("--solver", default=None, help="auto, direct, multigrid, ...")
@click.option(
    "--ignore-unknown", is_flag=True, help="run a file with options that are not known; they are listed"
)
def circuitscape(problem: Path, out: Path | None, solver: str | None, ignore_unknown: bool) -> None:
    """Run an existing Circuitscape problem file; same file names and formats out."""
    from permeability.interop.circuitscape import run_problem

    found = run_problem(
        problem,
        output_dir=out,
        solver=solver,
        tell=_told,
        ignore_unknown=ignore_unknown,
    )
    answer({"files": [written(path) for path in found]}, _nothing_more)


@cli.command()
@click.argument("problem", type=FILE)
@click.option("--out", type=NEW_FOLDER, help="folder for the outputs (default: as the file says)")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="threads")
@click.option("--scheduler", help="address of a dask.distributed scheduler, or local")
@click.option(
    "--resume", "store", type=NEW_FOLDER, help="folder that keeps finished blocks; run again to go on"
)
@click.option(
    "--ignore-unknown", is_flag=True, help="run a file with options that are not known; they are listed"
)
def omniscape(
    problem: Path,
    out: Path | None,
    workers: int,
    scheduler: str | None,
    store: Path | None,
    ignore_unknown: bool,
) -> None:
    """Run an existing Omniscape problem file; same outputs.

    GeoTIFFs are read window by window and maps written as they are finished, so a landscape may be larger than the
    memory.
    """
    from permeability.interop.omniscape import run_problem

    found = run_problem(
        problem,
        output_dir=out,
        workers=workers,
        scheduler=scheduler,
        store=store,
        progress=Expected("windows"),
        tell=_told,
        ignore_unknown=ignore_unknown,
    )
    answer({"files": [written(path) for path in found]}, _nothing_more)


@cli.command()
def doctor() -> None:
    """Versions, cores, memory, solver self-test."""
    from permeability.project.run.doctor import doctor as facts

    found = facts()
    answer(found, "\n".join(f"{label:<22} {value}" for label, value in found.items()))
    if any(v.startswith("FAILED") for v in found.values()):
        raise SystemExit(EXIT_FAULT)


for command in (
    cli_settle.settle, cli_data.species, cli_data.barriers, cli_data.structures, cli_data.export, cli_data.workbook, cli_tracks.tracks,
    cli_monitor.monitor, cli_pilots.update, cli_pilots.indicators, cli_pilots.tables, cli_spec.spec, *MAP_COMMANDS, cli_trust.verify, cli_trust.rerun,
    cli_lines.route, cli_lines.compare_lines, cli_country.protconn, cli_country.by_country, cli_country.atlas, cli_water.water,
):  # fmt: skip
    cli.add_command(command)


def _told(finding: Finding) -> None:
    """A finding on the way: words, or an event with ``--json``."""
    if as_json():
        event("finding", **finding_facts(finding))
    else:
        tell(finding.text())


# ---------------------------------------------------------------- one door for all refusals
def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs the command and turns refusals into messages and exit codes."""
    # hundreds of thousands of objects come with the imports and stay: every search looks through them, half a second in a run
    gc.set_threshold(GARBAGE_EVERY, *gc.get_threshold()[1:])
    with stoppable():
        asked = "--json" in (sys.argv[1:] if arguments is None else arguments)
        code = _guarded(
            lambda: cli.main(args=arguments, prog_name="permeability", standalone_mode=False),
            json_asked=asked,
        )
    sys.exit(code if close_streams() or code else EXIT_INPUT)


def _failed(kind: str, text: str, exit_code: int) -> None:
    """Why a command ended, in words or as an event."""
    if as_json():
        event("error", kind=kind, exit_code=exit_code, text=text)
    else:
        tell(text)


def _asked_to_end(error: BaseException | None) -> bool:
    """Whether an error is a request to end; one that falls into the last step of compiled code comes out as SystemErrors."""
    while isinstance(error, SystemError):
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)


def _guarded(action: Callable[[], Any], *, json_asked: bool = False) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        result = action()
        return result if isinstance(result, int) else 0
    except PermeabilityError as error:
        findings: tuple[Finding, ...] = error.findings if isinstance(error, ProjectError) else ()
        if as_json():
            error_event(error, findings)
            return error.exit_code
        tell(str(error))
        for finding in findings:
            tell(finding.text())
        return error.exit_code
    except click.exceptions.Abort:
        _failed("interrupted", reader()(N_("interrupted; finished work is kept")), EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    except (KeyboardInterrupt, SystemError) as error:
        if not _asked_to_end(error):
            raise
        _failed("interrupted", reader()(N_("interrupted; finished work is kept")), EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        if json_asked:
            set_json(True)
            _failed("usage", error.format_message(), EXIT_INPUT)
        else:
            error.show()
        return EXIT_INPUT
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        _failed(
            "system",
            f"the system refuses {str(error.filename or 'to write')!r}: {error.strerror}\n  remedy         check the path, your rights there and the free space",
            EXIT_INPUT,
        )
        return EXIT_INPUT
    except SystemExit as stop:
        return int(stop.code or 0) if isinstance(stop.code, int) or stop.code is None else EXIT_FAULT
    except MemoryError:
        _failed(
            "memory",
            "permeability ran out of memory; `permeability plan` shows what a project needs, larger cells need less",
            EXIT_INPUT,
        )
        return EXIT_INPUT


if __name__ == "__main__":
    main()
