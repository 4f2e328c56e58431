"""``[tracks]`` of a project file: checked, measured in a run, taken up again, told in the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import permeability as pm
from permeability.core.errors import ProjectError
from permeability.engines.kernels.line_walk import line_walks
from permeability.layers.vectors import write_gpkg
from permeability.report.results import read_results
from permeability.telemetry import crossing_cost

TRACKS = """
[tracks]
path = "fixes.csv"
species = "khulan"
crs = "EPSG:32648"
error_m = 5
lines = ["F"]
sections_m = 100
block_km = 1
placebos = 5
"""


def fixes(animals: int = 4, n: int = 700, seed: int = 3) -> pd.DataFrame:
    """Hourly fixes within 2.5 km of the fence at x = 6 km of the tiny project, folded into its eight kilometres."""
    walks = line_walks(animals, n, 4, 120.0, 2.0, 0.3, 400.0, 2500.0, 5.0, seed)
    frames = []
    for i, w in enumerate(walks):
        y = np.abs((w[:, 1] + 4000) % 15_000 - 7500)
        when = pd.date_range("2025-01-01", periods=n, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%MZ")
        frames.append(pd.DataFrame({"animal": f"a{i}", "time": when, "x": 6000 + w[:, 0], "y": 250 + y}))
    return pd.concat(frames, ignore_index=True)


def project(folder: Path, table: pd.DataFrame, text: str = TRACKS) -> Path:
    path = pm.samples.tiny_project(folder)
    table.to_csv(folder / "fixes.csv", index=False)
    path.write_text(path.read_text() + text)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pm.Run:
    folder = tmp_path_factory.mktemp("tracks") / "tiny"
    return pm.run_project(project(folder, fixes()), folder / "results")


def test_a_run_measures_what_the_functions_measure(run: pm.Run) -> None:
    land = run.species["khulan"].land
    keep = (land.barriers.table["line"] == "F").to_numpy()
    tracks = pm.telemetry.read_tracks(
        run.project.folder / "fixes.csv", crs=32648, error_m=5, onto=run.project.grid.crs
    )
    row = crossing_cost(tracks, land.barriers.subset(keep), placebos=5).table.iloc[0]
    told = run.tracks[0]["costs"][0]
    assert (told["group"], told["crossings"]) == (row["group"], row["crossings"])
    assert told["cost_km"] == pytest.approx(row["cost_km"])
    assert run.summary["tracks"][0]["costs"]["border"]["crossing_cost_km"]["value"] == pytest.approx(
        row["cost_km"]
    )
    assert {f["path"] for f in run.record["tracks"]} == {"fixes.csv"}


def test_files_hold_places_and_numbers(run: pm.Run) -> None:
    assert run.folder is not None
    results = read_results(run.folder)
    crossed, ways = results.track_shapes("crossings", 0), results.track_shapes("ways", 0)
    assert crossed is not None
    assert ways is not None
    assert len(crossed) == run.tracks[0]["costs"][0]["crossings"]
    assert set(ways["animal"]) == {"a0", "a1", "a2", "a3"}
    assert np.allclose(crossed.geometry.x, 6000, atol=1)


def page(run: pm.Run, language: str = "en") -> str:
    from permeability.report import write_report

    assert run.folder is not None
    return write_report(run.folder, run.folder.parent / f"{language}.html", language=language).read_text()


def test_the_report_says_what_the_numbers_say(run: pm.Run) -> None:
    text = page(run)
    assert 'id="measured"' in text
    assert 'id="compared"' in text
    assert "not compared with tracks" not in text
    row = run.tracks[0]["scores"][0]
    expected = (
        "tells sections"
        if row["auc_low"] > 0.5
        else "is wrong about"
        if row["auc_high"] < 0.5
        else "does not tell sections"
    )
    assert re.search(rf"the map of movement {expected}[^<]*AUC {row['auc']:.2f}", text)
    assert "SIMULATED" not in text


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_the_sections_stand_in_every_language(run: pm.Run, language: str) -> None:
    text = page(run, language)
    assert 'id="measured"' in text
    for english in ("Numbers measured from tracks", "Kilometres worked", "the map of movement"):
        assert english not in text


def test_a_run_without_tracks_says_so_and_writes_none(tmp_path: Path) -> None:
    done = pm.run_project(pm.samples.tiny_project(tmp_path / "t"), tmp_path / "r")
    assert done.folder is not None
    assert not (done.folder / "tracks.json").exists()
    assert "tracks" not in done.summary
    text = (done.folder / "report.html").read_text()
    assert "not compared with tracks of animals" in text
    assert 'id="measured"' not in text


def test_simulated_tracks_say_so_in_files_heads_and_picture(tmp_path: Path) -> None:
    path = project(tmp_path / "t", fixes(2, 400).assign(simulated="yes"))
    done = pm.run_project(path, tmp_path / "r")
    assert done.folder is not None
    text = (done.folder / "report.html").read_text()
    assert text.count("SIMULATED") >= 4
    assert re.search(r'<text class="mark"[^>]*>SIMULATED', text)
    crossed = read_results(done.folder).track_shapes("crossings", 0)
    assert crossed is not None
    assert crossed["simulated"].astype(bool).all()


def test_a_table_that_is_kept_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from permeability.core.tasks import RunOn
    from permeability.project.run import track_results

    done = pm.run_project(project(tmp_path / "t", fixes(2, 400)), None)
    on = RunOn(store=tmp_path / "store")
    first = track_results.measure_tracks(done.project, done.species, on)
    monkeypatch.setattr(track_results, "crossing_cost", lambda *a, **k: pytest.fail("measured again"))
    again = track_results.measure_tracks(done.project, done.species, on)
    assert json.dumps(again, sort_keys=True) == json.dumps(first, sort_keys=True)


FAULTS = {
    "F70": (TRACKS.replace('["F"]', '["G"]'), "names a line 'G'"),
    "F71": (TRACKS.replace('"khulan"', '"kulan"'), "did you mean 'khulan'"),
    "F72": (TRACKS + 'drop = ["duplicates"]\n', "did you mean 'duplicate'"),
    "F73": (TRACKS.replace("32648", "32647"), "lie off the grid"),
    "F01": (TRACKS + 'animal = "beast"\n', "no column 'beast'"),
    "F24": (TRACKS + "buffer_m = 1\n", "not wider than the errors"),
    "L01": (TRACKS.replace("fixes.csv", "none.csv"), "none.csv"),
    "J03": (TRACKS + "zone = 1\n", "zone"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_check_names_every_fault_with_a_remedy(tmp_path: Path, code: str) -> None:
    text, told = FAULTS[code]
    path = project(tmp_path / "t", fixes(2, 60), text)
    found = [f for f in pm.check(path) if f.code == code]
    assert found, [f.text() for f in pm.check(path)]
    assert told in found[0].text()
    assert found[0].remedy
    with pytest.raises(ProjectError):
        pm.run_project(path)


def test_faults_of_fixes_stop_a_run_until_they_are_left_out(tmp_path: Path) -> None:
    table = fixes(2, 300)
    table.loc[7, ["x", "y"]] = 0.0
    table = pd.concat([table, table.iloc[[20]]], ignore_index=True)
    path = project(tmp_path / "t", table)
    found = {f.code: f for f in pm.check(path)}
    assert found["F13"].rows == (7,)
    assert 'drop = ["zero_place"]' in found["F13"].remedy
    with pytest.raises(ProjectError, match=r"J05"):
        pm.run_project(path)
    path.write_text(path.read_text() + 'drop = ["zero_place", "duplicate"]\n')
    assert not [f for f in pm.check(path) if f.severity == "error"]
    done = pm.run_project(path)
    assert done.tracks[0]["about"]["fixes"] == 599
    assert len(done.tracks[0]["about"]["left_out"]) == 2


def test_times_that_name_no_zone_are_refused(tmp_path: Path) -> None:
    table = fixes(2, 60)
    table["time"] = table["time"].str.rstrip("Z")
    path = project(tmp_path / "t", table)
    assert "F08" in {f.code for f in pm.check(path)}
    path.write_text(path.read_text() + 'timezone = "Asia/Ulaanbaatar"\n')
    assert "F08" not in {f.code for f in pm.check(path)}


def test_several_files_are_one_data_set(tmp_path: Path) -> None:
    table = fixes(2, 100)
    path = project(tmp_path / "t", table, TRACKS.replace('"fixes.csv"', '["one.csv", "two.csv"]'))
    for name, animal in (("one.csv", "a0"), ("two.csv", "a1")):
        table[table["animal"] == animal].to_csv(path.parent / name, index=False)
    from permeability.project.track_files import tracks_of

    opened = pm.open_project(path)
    tracks = tracks_of(opened, opened.spec.tracks[0])
    assert (len(tracks), tracks.animals, tracks.source) == (200, ("a0", "a1"), "one.csv, two.csv")


def test_tracks_beside_a_line_that_does_not_stand_are_told(tmp_path: Path) -> None:
    path = project(tmp_path / "tiny", fixes(1, 60))
    text = path.read_text(encoding="utf-8")
    elsewhere = text.replace('line = "F"\nlength_km', 'line = "S"\nlength_km').replace(
        'line = "F"\nkm = [2, 6]', 'line = "S"'
    )
    path.write_text(elsewhere, encoding="utf-8")
    assert not [f for f in pm.check(path) if f.code == "F73"]
    land, patches = pm.samples.tiny()
    lines = land.barriers.table[["id", "kind", "fence_class", "geometry"]].assign(
        status=["planned", "existing"]
    )
    write_gpkg(
        path.with_name("layers.gpkg"), {"barriers": lines, "patches": patches.table[["id", "geometry"]]}
    )
    (told,) = [f for f in pm.check(path) if f.code == "F73"]
    assert told.what == "no line that stands is left to hold the tracks against."
    assert (told.severity, told.rows) == ("error", ("F",))
