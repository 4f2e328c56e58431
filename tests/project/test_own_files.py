"""A run keeps what somebody laid into its result folder, and its results whatever happens to the report."""

from __future__ import annotations

import errno
import json
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import permeability as pm
from permeability.cli.commands import cli
from permeability.core.errors import OptionError, PermeabilityError
from permeability.project.run.result_folder import written_files


def tiny(folder: Path, budget: float | None = None) -> Path:
    project = Path(pm.samples.tiny_project(str(folder)))
    file = project if project.suffix == ".toml" else project / "project.toml"
    if budget is not None:
        file.write_text(file.read_text().replace("draws = 0", f"draws = 0\nbudget_usd = {budget}"))
    return file


def test_a_run_keeps_what_is_not_its_own(tmp_path: Path) -> None:
    file, results = tiny(tmp_path / "p"), tmp_path / "results"
    pm.run_project(file, results)
    before = {p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()}
    assert before == written_files(results)  # the record names every file, and no other
    (results / "notes.txt").write_text("talk to the herders")
    (results / "maps").mkdir()
    (results / "maps" / "print.qgz").write_bytes(b"\x00mine")
    (results / "gone.csv").write_text("written by an older run")
    record = json.loads((results / "record.json").read_text())
    (results / "record.json").write_text(json.dumps(record | {"files": [*record["files"], "gone.csv"]}))
    pm.run_project(file, results, report=False)
    after = {p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()}
    assert after == (before - {"report.html"}) | {"notes.txt", "maps/print.qgz"}
    assert (results / "notes.txt").read_text() == "talk to the herders"
    assert (results / "maps" / "print.qgz").read_bytes() == b"\x00mine"
    assert {p.name for p in tmp_path.glob(".results-*")} <= {".results-steps"}  # kept for the next run


def test_results_of_an_older_version_keep_notes_too(tmp_path: Path) -> None:
    file, results = tiny(tmp_path / "p"), tmp_path / "results"
    pm.run_project(file, results, report=False)
    record = json.loads((results / "record.json").read_text())
    del record["files"]
    (results / "record.json").write_text(json.dumps(record))
    (results / "notes.txt").write_text("mine")
    (results / "habitat_gazelle.tif").write_bytes(b"of a species that is no longer asked for")
    pm.run_project(file, results, report=False)
    assert (results / "notes.txt").is_file()
    assert not (results / "habitat_gazelle.tif").exists()


@pytest.mark.parametrize("fault", [ValueError("chart"), PermeabilityError("L03", "empty", remedy="fill it")])
def test_a_report_that_fails_leaves_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("permeability.report.write_report", broken)
    file, results = tiny(tmp_path / "p"), tmp_path / "results"
    with pytest.raises(OptionError, match=r"O10[\s\S]*results are whole[\s\S]*permeability report"):
        pm.run_project(file, results)
    monkeypatch.undo()
    assert (results / "sites.csv").is_file()
    assert CliRunner().invoke(cli, ["report", str(results)]).exit_code == 0


def test_a_budget_that_buys_nothing_is_a_result(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        cli, ["run", str(tiny(tmp_path / "p", 1.0)), "--out", str(tmp_path / "results")]
    )
    assert said.exit_code == 0, said.output
    assert "nothing is chosen; no candidate that it pays for gains anything" in said.output
    assert (tmp_path / "results" / "report.html").is_file()


def test_maps_that_cannot_be_written_beside_the_draws_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written on a thread of their own: what fails there fails the run, and an earlier result stays."""
    file, results = tiny(tmp_path / "p"), tmp_path / "results"
    pm.run_project(file, results, report=False, workers=2)
    before = {p: p.read_bytes() for p in results.rglob("*") if p.is_file()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("permeability.project.run.result_folder.rasters.write_geotiff", full)
    for workers in (1, 2):
        with pytest.raises(OptionError, match="O12"):
            pm.run_project(file, results, report=False, workers=workers, resume=False)
    assert {p: p.read_bytes() for p in results.rglob("*") if p.is_file()} == before
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(("-unfinished", "-lock", "-old"))]


def test_draws_that_fail_wait_for_the_maps_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Event()

    def slowly(*_: object) -> None:
        time.sleep(0.3)
        written.set()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("permeability.project.run.run.write_maps", slowly)
    monkeypatch.setattr("permeability.project.run.run._draw", stopped)
    file, results = tiny(tmp_path / "p"), tmp_path / "results"
    file.write_text(file.read_text(encoding="utf-8").replace("draws = 0", "draws = 4"), encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        pm.run_project(file, results, workers=2)
    assert written.is_set(), "the folder is not taken away under a thread that writes there"
    assert not results.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(("-unfinished", "-lock", "-old"))]
