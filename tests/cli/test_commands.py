"""The commands as a new user types them in an empty folder: what they print, write, refuse and return."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from places import GOBI, REPOSITORY

from permeability.cli.commands import main
from permeability.cli.progress import Progress
from permeability.layers.whole_files import whole_folder
from permeability.project import samples
from permeability.project.project import open_project
from permeability.project.run.run import run_project
from permeability.project.run.run_result import Run

COARSE_M = 40_000


def permeability(*arguments: str) -> int:
    """Run a command in this process; its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    code = stop.value.code
    return 0 if code is None else int(code)


def coarse(folder: Path, *changes: tuple[str, str]) -> Path:
    """The Gobi sample with large cells, in a folder of its own."""
    shutil.copytree(GOBI, folder)
    path = folder / "project.toml"
    text = path.read_text(encoding="utf-8")
    large = (("cell_size_m = 5000", f"cell_size_m = {COARSE_M}"), ("length_km = 25", "length_km = 100"))
    for old, new in (*large, *changes):
        assert old in text
        text = text.replace(old, new)
    head, first, *_ = text.split("[[scenarios]]\nname")  # one scenario is enough here
    path.write_text(f"{head}[[scenarios]]\nname{first}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coarse(tmp_path_factory.mktemp("gobi") / "project")


@pytest.fixture(scope="module")
def results(project: Path) -> Path:
    """One run of the coarse sample without its report."""
    folder = project.parent.parent / "first"
    run_project(project, folder, report=False)
    return folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands are typed in."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# ---------------------------------------------------------------- the result folder
EXPECTED = {
    "summary.json", "record.json", "sites.csv", "sites.gpkg", "impact.csv", "pairs.csv", "board.json",
    *(f"{kind}_{name}.tif" for kind in ("habitat", "resistance", "current", "cost_distance") for name in ("khulan", "mongolian_gazelle")),
}  # fmt: skip


def test_a_run_writes_its_result_folder(results: Path) -> None:
    assert {p.name for p in results.iterdir()} >= EXPECTED
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    khulan = summary["species"]["khulan"]
    assert khulan["today"]["range_cut_off_km2"]["unit"] == "km2"
    assert khulan["today"]["mean_resistance"]["value"] == "inf"
    assert list(summary) == sorted(summary)
    text = json.dumps(summary)
    assert str(results.parent) not in text
    sites = pd.read_csv(results / "sites.csv")
    for _, mine in sites.groupby("species"):
        assert mine["rank"].tolist() == list(range(1, len(mine) + 1))
        assert (mine["gain_expected"].diff().dropna() <= 1e-12).all()
        assert (mine["cost_usd_low"] <= mine["cost_usd"]).all()
        assert (mine["cost_usd"] <= mine["cost_usd_high"]).all()
        covered = mine.sort_values("km_from")
        assert covered["km_from"].iloc[0] == 0
        assert covered["km_to"].iloc[-1] == 1114
        np.testing.assert_allclose(covered["km_from"].to_numpy()[1:], covered["km_to"].to_numpy()[:-1])
    record = json.loads((results / "record.json").read_text(encoding="utf-8"))
    assert len(record["layers"]["railways"]["sha256"]) == 64
    assert record["alignment"], "warped rasters stand in the record"
    with (
        rasterio.open(results / "resistance_khulan.tif") as burnt,
        rasterio.open(results / "habitat_khulan.tif") as bare,
    ):
        assert burnt.crs == bare.crs
        assert burnt.res == (COARSE_M, COARSE_M)
        one, two = burnt.read(1), bare.read(1)
        both = np.isfinite(one) & np.isfinite(two)
        assert (one[both] >= two[both]).all()
        assert np.isfinite(two).sum() > np.isfinite(one).sum()  # the railway fence is impassable


def test_two_runs_give_the_same_bytes(project: Path, results: Path) -> None:
    """The second one in a process of its own, with another hash seed and one thread."""
    again = results.parent / "again"
    environment = os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(REPOSITORY)}
    command = [
        sys.executable,
        "-m",
        "permeability.cli.commands",
        "run",
        str(project),
        "--out",
        str(again),
        "--no-report",
        "--workers",
        "1",
    ]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"results: {again}" in done.stdout
    assert "... khulan: ranking" in done.stderr
    assert "..." not in done.stdout
    for name in sorted(EXPECTED - {"record.json"}):
        assert (results / name).read_bytes() == (again / name).read_bytes(), name
    assert permeability("compare", str(results), str(again)) == 0


def test_board_writes_a_page_in_a_language(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "board.html"
    assert permeability("board", str(results), "--language", "mn", "--out", str(target)) == 0
    assert capsys.readouterr().out.strip() == str(target)
    text = target.read_text(encoding="utf-8")
    assert '<html lang="mn">' in text
    assert text.count("<script") == 3  # two of data, and one that its policy names by a hash


def test_compare_names_the_number_that_differs(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = coarse(
        tmp_path / "project",
        (
            "[species.mongolian_gazelle]",
            '[species.mongolian_gazelle.override]\n"crossing.rail_unfenced" = 0.35\n\n[species.mongolian_gazelle]',
        ),
    )
    run_project(changed, tmp_path / "changed", report=False)
    assert permeability("compare", str(results), str(results)) == 0
    assert "No number differs." in capsys.readouterr().out
    assert permeability("compare", str(results), str(tmp_path / "changed")) == 3
    out = capsys.readouterr().out.splitlines()
    assert any(line.startswith("species/mongolian_gazelle/today/mean_conductance: ") for line in out)
    assert not any(line.startswith("species/khulan/") for line in out)
    assert out[-1] == f"{len(out) - 1} numbers differ."
    assert permeability("compare", str(results), str(tmp_path / "changed"), "--rtol", "1e9") in (0, 3)


def test_compare_against_a_folder_without_results(
    results: Path, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert permeability("compare", str(results), str(empty)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "J06" in err


def test_compare_sees_a_tampered_number(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    data["species"]["khulan"]["today"]["reachable_km2"]["value"] += 1.0
    (tmp_path / "summary.json").write_text(json.dumps(data), encoding="utf-8")
    assert permeability("compare", str(results / "summary.json"), str(tmp_path)) == 3
    out = capsys.readouterr().out
    assert "species/khulan/today/reachable_km2: " in out
    assert "km2" in out
    assert "(+1)" in out
    assert permeability("compare", str(results), str(tmp_path), "--rtol", "0.01") == 0


# ---------------------------------------------------------------- demo, new, check, run as typed
def test_demo_from_an_empty_folder(
    empty: Path, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(samples, "sample_folder", lambda name="gobi": project.parent)
    assert permeability("demo") == 0
    out, err = capsys.readouterr()
    report = empty / "permeability-demo" / "results" / "report.html"
    assert out.rstrip().splitlines()[-1] == f"report: {report}"
    assert report.stat().st_size > 10_000
    assert out.count("TMR km") >= 20  # ten sites for each species
    assert "Illustration only" in out
    assert "ranking" in err


def test_demo_leaves_other_folders_alone(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty / "mine").mkdir()
    (empty / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    assert permeability("demo", "mine") == 2
    assert permeability("new", "mine") == 2
    assert capsys.readouterr().err.count("O02") == 2
    assert [p.name for p in (empty / "mine").iterdir()] == ["letter.txt"]


def test_new_then_check(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert permeability("new", "study") == 0
    out, err = capsys.readouterr()
    assert out == f"{Path('study') / 'project.toml'}\n"
    assert "permeability check" in err
    assert permeability("check", "study/project.toml") == 0
    out, err = capsys.readouterr()
    before, _, _ = out.partition("layers\n")  # the account
    assert "ERROR" not in before
    assert "\nlayers\n" in f"\n{out}"
    assert out.endswith("\nNo problem found.\n")
    assert err == ""
    assert permeability("check", "study", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {f["severity"] for f in told} <= {"warning", "note"}  # some places lie off the grid, and are told


def test_run_without_a_project(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "check", "plan"):
        code = permeability(command, "project.toml")
        out, err = capsys.readouterr()
        assert code == 2
        assert "J01" in out + err
        assert "permeability new DIR" in out + err
    assert list(empty.iterdir()) == []


def test_run_refuses_a_folder_of_something_else_at_once(
    project: Path, empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty / "precious").mkdir()
    (empty / "precious" / "thesis.txt").write_text("all", encoding="utf-8")
    monkeypatch.setattr(
        "permeability.project.run.run._rank_species", lambda *a, **k: pytest.fail("computed before it looked")
    )
    assert permeability("run", str(project), "--out", "precious") == 2
    assert "O02" in capsys.readouterr().err
    assert [p.name for p in (empty / "precious").iterdir()] == ["thesis.txt"]


def test_a_failure_leaves_no_half_written_folder(
    project: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("permeability.project.run.run._rank_species", broken)
    with pytest.raises(RuntimeError, match="disk full"):
        run_project(project, empty / "out", report=False)
    assert {p.name for p in empty.iterdir()} <= {".out-steps"}  # what was finished is kept for the next run


def test_a_failure_keeps_the_earlier_results(empty: Path, results: Path) -> None:
    kept = empty / "kept"
    shutil.copytree(results, kept)
    before = {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()}

    def fails_half_way() -> None:
        with whole_folder(kept, "record.json") as aside:
            (aside / "summary.json").write_text("{}", encoding="utf-8")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fails_half_way()
    assert {p: p.read_bytes() for p in kept.rglob("*") if p.is_file()} == before
    assert [p.name for p in empty.iterdir()] == ["kept"]
    with whole_folder(kept, "record.json") as aside:
        (aside / "record.json").write_text("{}", encoding="utf-8")
    assert [p.name for p in kept.iterdir()] == ["record.json"]
    assert [p.name for p in empty.iterdir()] == ["kept"]


@pytest.mark.parametrize("through_compiled_code", [False, True])
def test_an_interrupt_ends_with_130(
    project: Path,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    through_compiled_code: bool,
) -> None:
    def stop(*_: object, **__: object) -> None:
        if through_compiled_code:
            within = SystemError("a step of Numba returned a result with an exception set")
            within.__cause__ = KeyboardInterrupt()
            raise SystemError("a kernel returned a result with an exception set") from within
        raise KeyboardInterrupt

    monkeypatch.setattr("permeability.project.run.run._rank_species", stop)
    assert permeability("run", str(project), "--out", "out") == 130
    assert "interrupted" in capsys.readouterr().err
    assert {p.name for p in empty.iterdir()} <= {".out-steps"}


def test_any_other_error_of_the_system_is_a_fault(
    project: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise SystemError("no interrupt")

    monkeypatch.setattr("permeability.project.run.run._rank_species", fault)
    with pytest.raises(SystemError, match="no interrupt"):
        permeability("run", str(project), "--out", "out")


def test_run_prints_json_on_request(
    project: Path,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    results: Path,
) -> None:
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    asked: dict[str, object] = {}

    def ready_made(opened: object, folder: Path, **options: object) -> Run:
        asked.update(options, folder=folder)
        return Run(open_project(project), {}, summary, {}, folder)

    monkeypatch.setattr("permeability.project.run.run.run_project", ready_made)
    assert permeability("run", str(project), "--out", "out", "--no-report", "--json", "--workers", "2") == 0
    assert json.loads(capsys.readouterr().out) == summary
    assert asked["report"] is False
    assert asked["workers"] == 2
    assert asked["folder"] == Path("out")
    assert permeability("run", str(project), "--json") == 0
    assert asked["folder"] == project.parent / "results"  # beside the project file


# ---------------------------------------------------------------- words that are not known
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "--jsno", "x"], "--json"),
        (["chekc", "x"], "check"),
        (["report", "x", "--language", "nm"], "mn"),
        (["species", "show", "kulan"], "khulan"),
    ],
)
def test_unknown_words_name_the_nearest(
    arguments: list[str], word: str, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert permeability(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert word in err


def test_missing_arguments_are_an_input_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert permeability("run") == 2
    assert "PROJECT" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert permeability("--help") == 0
    out = capsys.readouterr().out
    for name in (
        "demo",
        "new",
        "check",
        "plan",
        "run",
        "compare",
        "report",
        "export",
        "circuitscape",
        "omniscape",
        "species",
        "doctor",
    ):
        assert f"  {name} " in out
    assert permeability("--version") == 0


def test_species_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert permeability("species", "list") == 0
    out, err = capsys.readouterr()
    assert "khulan" in out
    assert "Procapra gutturosa" in out
    assert err == ""
    assert permeability("species", "show", "khulan") == 0
    assert "Equus hemionus" in capsys.readouterr().out


def test_doctor_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert permeability("doctor") == 0
    out = capsys.readouterr().out
    assert "circuit self-test" in out
    assert "FAILED" not in out


def test_progress_bars_are_drawn_on_terminals_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Progress()
    plain("step", 0, 2)
    plain("step", 1, 2)
    plain.close()
    assert capsys.readouterr().err == "... step\n"
    turns = Progress()
    for done in range(101):  # two jobs side by side: each is named once, each fifth told once
        turns("one", done, 100)
        turns("other", done, 100)
    told = capsys.readouterr().err.splitlines()
    assert told.count("... one") == told.count("... other") == 1
    assert len(told) == len(set(told)) == 12
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = Progress()
    bar("step", 0, 2)
    bar("step", 2, 2)
    bar.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "step" in err
    assert "%" in err


def test_what_the_system_refuses_is_said_in_words(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["new", str(tmp_path / "file" / "project")])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "the system refuses" in said
    assert "remedy" in said
    assert "Traceback" not in said
