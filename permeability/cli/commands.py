"""The command line.  stdout carries what was asked for; messages and progress go to stderr."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from permeability import __version__
from permeability.cli import data_commands as cli_data
from permeability.cli import settle_command as cli_settle
from permeability.cli import track_commands as cli_tracks
from permeability.cli import trust_commands as cli_trust
from permeability.cli.data_commands import PATH
from permeability.cli.numbers import Number
from permeability.cli.progress import Expected, Progress
from permeability.cli.streams import close_streams, say, stoppable, tell
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
from permeability.locale.language import LANGUAGES


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="permeability")
def cli() -> None:
    """Landscape permeability: which fence comes down first?"""
    log = logging.getLogger("permeability")
    if not any(isinstance(h, _Said) for h in log.handlers):
        log.addHandler(_Said())
        log.setLevel(logging.INFO)


class _Said(logging.Handler):
    """What the package has to say on its own account goes to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(f"permeability: {record.getMessage()}")


# ---------------------------------------------------------------- the main job
@cli.command()
@click.argument("folder", type=PATH, default=Path("permeability-demo"))
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
    _print_run(done)


def _print_run(done: Any) -> None:
    from permeability.locale.language import words
    from permeability.report.budget import plan_sentences
    from permeability.report.said import said

    for name, r in done.species.items():
        say(f"\n{r.land.profile.name()} ({r.land.profile.scientific})")
        lines: dict[str, str] = {}
        if r.ranking is not None:
            say(site_table(r.ranking, done.project.spec.ranking.top))
            lines = {str(k): str(v) for k, v in zip(r.ranking.table["id"], r.ranking.table["line"])}
        for sentence in said(done.summary["species"][name]["headline"], words(), lines.__getitem__):
            say(f"  {sentence}")
        for note in [] if r.ranking is None else r.ranking.notes:
            if note.startswith(("No single", "The unknown")):  # the rest is said above
                say(f"  {note}")
    for name, plan in (done.summary.get("plans") or {}).items():
        say(f"\n{name}: {' '.join(plan_sentences(plan, list(plan['species']), words()))}")
        say(
            f"  {', '.join(plan['sites'])}"
            if plan["sites"]
            else "  nothing is chosen; no candidate that it pays for gains anything at best values"
        )
    statement = done.project.spec.project.statement
    if statement:
        say(f"\n{statement}")
    if done.folder is not None and (done.folder / "report.html").is_file():
        say(f"report: {(done.folder / 'report.html').resolve()}")


def site_table(ranking: Any, top: int) -> str:
    """The best sections as text, with their railway kilometres; gains are expected gains with their 5 to 95 % range."""
    from permeability.locale.language import words
    from permeability.report.said import with_range

    drawn, tr = ranking.draws is not None, words()

    def told(row: Any, name: str, best: str) -> str:
        if not drawn:
            return str(tr.number(row[best]))
        expected, low, high = (float(row[f"{name}_{part}"]) for part in ("expected", "low", "high"))
        return with_range(expected, low, high, tr)

    head = ["rank", "section", "km", "conductance gain", "reachable [km2]", "cost [USD]"]
    rows = []
    for r in ranking.table.head(top).to_dict("records"):
        cost = f"{r['cost_usd']:,.0f} ({r['cost_usd_low']:,.0f} to {r['cost_usd_high']:,.0f})"
        cells = [str(r["rank"]), r["id"], f"{r['km_from']:.0f}-{r['km_to']:.0f}", told(r, "gain", "gain_mean_conductance"),
                 told(r, "gain_reachable_km2", "gain_reachable_km2"), cost]  # fmt: skip
        if drawn:
            cells[1:1] = [f"{r['rank_low']}-{r['rank_high']}", str(r["alike"])]
        rows.append(cells)
    if drawn:
        head[1:1] = ["5-95 %", "alike"]
    widths = [max(len(x[i]) for x in [head, *rows]) for i in range(len(head))]
    return "\n".join("  " + "  ".join(c.rjust(w) for c, w in zip(x, widths)) for x in [head, *rows])


@cli.command()
@click.argument("folder", type=PATH)
@click.option(
    "--from", "files", multiple=True, type=PATH, help="a layer of yours; give it once for every file"
)
@click.option("--species", "name", default="khulan", show_default=True, help="with --from: whose movement")
@click.argument("more", nargs=-1, type=PATH)
def new(folder: Path, files: tuple[Path, ...], name: str, more: tuple[Path, ...]) -> None:
    """Make a project FOLDER to start from: for your own layers (--from fences.gpkg roads.gpkg dem.tif), else a copy of
    the Gobi sample."""
    if files:
        from permeability.project.starting import start_project

        path, assumed = start_project(folder, [*files, *more], name)
        say(str(path))
        for word in assumed:
            tell(f"assumed: {word}")
        tell("Look through it, then run `permeability check` and `permeability run` on it.")
        return
    if more:
        raise click.UsageError("name files after --from")
    from permeability.project.samples import sample_folder

    if folder.exists() and any(folder.iterdir()):
        raise PermeabilityError(
            "O02", f"{str(folder)!r} exists and is not empty.", remedy="name a new folder"
        )
    shutil.copytree(sample_folder(), folder, dirs_exist_ok=True)
    say(f"{folder / 'project.toml'}")
    tell("Edit it, then run `permeability check` and `permeability run` on it.")


@cli.command()
@click.argument("project", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="findings as JSON")
def check(project: Path, as_json: bool) -> None:
    """Every input problem of PROJECT at once, each with its remedy; writes nothing."""
    from permeability.project.checking import inspect
    from permeability.project.checks.account import account, account_text

    findings, seen = inspect(project)
    if as_json:
        say(
            json.dumps(
                [f.__dict__ | {"rows": [str(r) for r in f.rows]} for f in findings],
                indent=2,
                default=str,
                ensure_ascii=False,
            )
        )
    else:
        for finding in findings:
            say(finding.text())
        if seen is not None and seen.grid is not None:
            say(account_text(account(seen.project, seen)))
        errors = sum(f.severity == "error" for f in findings)
        say(f"{errors} problem{'s' if errors > 1 else ''} found." if errors else "No problem found.")
    if any(f.severity == "error" for f in findings):
        raise SystemExit(EXIT_INPUT)


@cli.command()
@click.argument("project", type=PATH)
def plan(project: Path) -> None:
    """Cells, edges, solves, memory and expected time of PROJECT; solves nothing."""
    from permeability.project.checks.account import account, account_text
    from permeability.project.project import open_project
    from permeability.project.run.effort import plan_project

    opened = open_project(project)
    say(plan_project(opened))
    say(account_text(account(opened)))


@cli.command()
@click.argument("project", type=PATH)
@click.option("--out", type=PATH, help="result folder (default: results, or results-NAME for NAME.toml)")
@click.option("--json", "as_json", is_flag=True, help="print the summary as JSON")
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
    as_json: bool,
    report: bool,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    anew: bool,
) -> None:
    """Run PROJECT and write its result folder.

    What an earlier run into the same folder has found of the same inputs is taken from the hidden folder .NAME-steps beside it.
    """
    from permeability.layers.whole_files import json_text
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
    if as_json:
        say(json_text(done.summary).rstrip())
    else:
        _print_run(done)
        say(f"results: {folder.resolve()}")


def default_folder(project: Path) -> Path:
    """Where results go: ``results`` beside ``project.toml``, ``results-<name>`` beside any other file.

    >>> default_folder(Path("eia.toml")).name, default_folder(Path("project.toml")).name
    ('results-eia', 'results')
    """
    return project.parent / ("results" if project.name == "project.toml" else f"results-{project.stem}")


@cli.command()
@click.argument("project", type=PATH)
@click.option(
    "--year",
    "years",
    type=Number(1800, 2200),
    multiple=True,
    required=True,
    help="may be given several times",
)
def timeline(project: Path, years: tuple[float, ...]) -> None:
    """The same landscape in several years: how the range fell apart, and which line did what."""
    from permeability.project.project import open_project
    from permeability.project.run.years import timeline as over_years

    opened = open_project(project)
    for name in opened.species_ids:
        say(repr(over_years(opened, name, years)))
        say()


@cli.command()
@click.argument("results_a", type=PATH)
@click.argument("results_b", type=PATH, required=False)
@click.option(
    "--scenario", "scenarios", multiple=True, help="two scenarios of RESULTS_A, in place of RESULTS_B"
)
@click.option(
    "--rtol", type=Number(), default=1e-9, show_default=True, help="relative difference that counts as none"
)
@click.option("--report", type=PATH, help="also write a comparison report (HTML) to this file")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
def compare(
    results_a: Path,
    results_b: Path | None,
    scenarios: tuple[str, ...],
    rtol: float,
    report: Path | None,
    language: str,
) -> None:
    """Compare two result folders, or two scenarios of one, number by number; exit code 3 when any differs."""
    from permeability.project.run.result_differences import compare_results, compare_scenarios

    if (results_b is None) != (len(scenarios) == 2):
        raise click.UsageError("name two result folders, or one and --scenario twice")
    if report is not None:
        from permeability.report import write_comparison

        folders = [results_a] if results_b is None else [results_a, results_b]
        tell(str(write_comparison(folders, report, language=language, scenarios=scenarios)))
    if results_b is None:
        differences = compare_scenarios(results_a, *scenarios, rtol=rtol)
    else:
        differences = compare_results(results_a, results_b, rtol=rtol)
    for difference in differences:
        say(difference.text())
    say(f"{len(differences)} numbers differ." if differences else "No number differs.")
    if differences:
        raise SystemExit(EXIT_DIFFERS)


@cli.command()
@click.argument("results", type=PATH)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--out", type=PATH, help="file to write (default: report_<language>.html in RESULTS)")
@click.option(
    "--part",
    type=click.Choice(["full", "summary"]),
    default="full",
    show_default=True,
    help="with annexes or without",
)
@click.option("--pdf", is_flag=True, help="also print it to PDF (needs Chromium or Chrome)")
def report(results: Path, language: str, out: Path | None, part: str, pdf: bool) -> None:
    """Write the report of a result folder in another language, or its summary without annexes."""
    from permeability.report import write_report

    name = f"report_{language}.html" if part == "full" else f"summary_{language}.html"
    target = out if out is not None else results / name
    say(str(write_report(results, target, language=language, part=part)))
    if pdf and target.suffix.lower() != ".pdf":
        from permeability.report.pdf import write_pdf

        say(str(write_pdf(target, target.with_suffix(".pdf"))))


@cli.command()
@click.argument("results", type=PATH)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option(
    "--out", type=PATH, help="file to write (default: board.html, or board_<language>.html, in RESULTS)"
)
def board(results: Path, language: str, out: Path | None) -> None:
    """Write the what-if board of a result folder: one page, offline, that solves any set of ranked sections anew."""
    from permeability.report import write_board

    name = "board.html" if language == "en" else f"board_{language}.html"
    say(str(write_board(results, out if out is not None else results / name, language=language)))


# ---------------------------------------------------------------- other programs' problems
@cli.command()
@click.argument("problem", type=PATH)
@click.option("--out", type=PATH, help="folder for the outputs (default: as the file says)")
@click.option("--solver", default=None, help="auto, direct, multigrid, ...")
@click.option(
    "--ignore-unknown", is_flag=True, help="run a file with options that are not known; they are listed"
)
def circuitscape(problem: Path, out: Path | None, solver: str | None, ignore_unknown: bool) -> None:
    """Run an existing Circuitscape problem file; same file names and formats out."""
    from permeability.interop.circuitscape import run_problem

    for path in run_problem(
        problem,
        output_dir=out,
        solver=solver,
        tell=lambda finding: tell(finding.text()),
        ignore_unknown=ignore_unknown,
    ):
        say(str(path))


@cli.command()
@click.argument("problem", type=PATH)
@click.option("--out", type=PATH, help="folder for the outputs (default: as the file says)")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="threads")
@click.option("--scheduler", help="address of a dask.distributed scheduler, or local")
@click.option("--resume", "store", type=PATH, help="folder that keeps finished blocks; run again to go on")
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
        tell=lambda finding: tell(finding.text()),
        ignore_unknown=ignore_unknown,
    )
    for path in found:
        say(str(path))


@cli.command()
def doctor() -> None:
    """Versions, cores, memory, solver self-test."""
    from permeability.project.run.doctor import doctor as facts

    found = facts()
    for label, value in found.items():
        say(f"{label:<22} {value}")
    if any(v.startswith("FAILED") for v in found.values()):
        raise SystemExit(EXIT_FAULT)


for command in (
    cli_settle.settle, cli_data.species, cli_data.barriers, cli_data.structures, cli_data.export, cli_tracks.tracks,
    cli_trust.verify, cli_trust.rerun,
):  # fmt: skip
    cli.add_command(command)


# ---------------------------------------------------------------- one door for all refusals
def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs the command and turns refusals into messages and exit codes."""
    with stoppable():
        code = _guarded(lambda: cli.main(args=arguments, prog_name="permeability", standalone_mode=False))
    sys.exit(code if close_streams() or code else EXIT_INPUT)


def _guarded(action: Callable[[], Any]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        result = action()
        return result if isinstance(result, int) else 0
    except PermeabilityError as error:
        tell(str(error))
        findings: tuple[Finding, ...] = error.findings if isinstance(error, ProjectError) else ()
        for finding in findings:
            tell(finding.text())
        return error.exit_code
    except click.exceptions.Abort:
        tell("interrupted; finished work is kept")
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        tell("interrupted; finished work is kept")
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_INPUT
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        tell(
            f"the system refuses {str(error.filename or 'to write')!r}: {error.strerror}\n  remedy         check the path, your rights there and the free space"
        )
        return EXIT_INPUT
    except SystemExit as stop:
        return int(stop.code or 0) if isinstance(stop.code, int) or stop.code is None else EXIT_FAULT
    except MemoryError:
        tell(
            "permeability ran out of memory; `permeability plan` shows what a project needs, larger cells need less"
        )
        return EXIT_INPUT


if __name__ == "__main__":
    main()
