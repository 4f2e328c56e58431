"""Every command with ``--json``: one document on stdout that its schema holds, events on stderr, nothing else."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from places import REPOSITORY
from two_runs import bare_and_drawn
from visible_english import WORDS

from permeability.cli.answers import JsonCommand
from permeability.cli.commands import cli, main
from permeability.cli.spec_command import leaves
from permeability.project import samples
from permeability.telemetry.samples import herd

SCHEMAS = REPOSITORY / "permeability" / "data" / "schema"
COMMANDS = json.loads((SCHEMAS / "commands.schema.json").read_text(encoding="utf-8"))
EVENTS = json.loads((SCHEMAS / "events.schema.json").read_text(encoding="utf-8"))
LEAVES = dict(leaves(cli))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest project, its results, and one file of everything that commands read."""
    folder = tmp_path_factory.mktemp("json")
    bare_and_drawn(folder)
    (folder / "pilots.csv").write_text("site,crossed,met,animals\nF km 2-4 modify,2,5,5\n")
    (folder / "planned.csv").write_text("site,met,animals\nF km 2-4 modify,10,5\n")
    land, patches = samples.tiny()
    patches.table.to_file(folder / "patches.gpkg")
    patches.table.set_geometry(patches.table.geometry.buffer(400)).to_file(folder / "areas.gpkg")
    halves = [
        shapely.box(*land.grid.bounds[:2], 5000, land.grid.bounds[3]),
        shapely.box(5000, land.grid.bounds[1], *land.grid.bounds[2:]),
    ]
    gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=halves, crs=land.grid.crs).to_file(folder / "lands.gpkg")
    lines = land.barriers.table
    lines.drop(columns=[c for c in lines.columns if lines[c].isna().all()]).to_file(folder / "lines.gpkg")
    shutil.copy(folder / "res" / "habitat_khulan.tif", folder / "r.tif")
    west, _, _, north = land.grid.bounds
    bridge = gpd.GeoDataFrame(
        {"id": ["B"], "kind": ["under"], "width_m": [30.0], "height_m": [6.0]},
        geometry=[shapely.Point(west + 5500, north - 500)], crs=land.grid.crs,
    )  # fmt: skip
    bridge.to_file(folder / "structures.gpkg")
    _fixes(folder / "fixes.csv", west, north)
    shutil.copytree(
        folder / "tiny", folder / "open"
    )  # a fence that can be crossed, so that a new line takes something
    mesh = gpd.read_file(folder / "open" / "layers.gpkg", layer="barriers")
    mesh["fence_class"] = "stock"
    mesh.to_file(folder / "open" / "layers.gpkg", layer="barriers")
    planned = gpd.GeoDataFrame(
        {"id": ["A", "B"]}, crs=land.grid.crs,
        geometry=[shapely.LineString([(x, -500), (x, 8500)]) for x in (4000, 5000)],
    )  # fmt: skip
    planned.to_file(folder / "planned.gpkg")
    tracks, fences = herd(4, 60)
    tracks.table.to_file(folder / "herd.gpkg")
    fences.table[["id", "kind", "fence_class", "geometry"]].to_file(folder / "fences.gpkg")
    (folder / "osm.geojson").write_text(OSM, encoding="utf-8")
    (folder / "grid.asc").write_text(
        "ncols 3\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 1 1\n1 2 1\n"
    )
    (folder / "points.txt").write_text("1 0.5 0.5\n2 2.5 1.5\n")
    (folder / "c.ini").write_text(CIRCUITSCAPE)
    (folder / "o.ini").write_text(OMNISCAPE)
    return folder


OSM = json.dumps({
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"osm_id": "1", "highway": "primary"}, "geometry": {"type": "LineString", "coordinates": [[105, 45], [105.1, 45]]}}],
})  # fmt: skip
CIRCUITSCAPE = (
    "[Circuitscape mode]\ndata_type = raster\nscenario = pairwise\n[Habitat raster or graph]\nhabitat_file = grid.asc\nhabitat_map_is_resistances = True\n"
    "[Options for pairwise and one-to-all and all-to-one modes]\npoint_file = points.txt\n[Output options]\noutput_file = circuit.out\n"
)  # fmt: skip
OMNISCAPE = "[Required]\nresistance_file = grid.asc\nradius = 2\nproject_name = omni\nblock_size = 1\n[Options]\nsource_from_resistance = true\n"


def _fixes(path: Path, west: float, north: float) -> None:
    """An animal that walks to and fro through the tiny landscape."""
    n = 120
    x = west + 5500 + 2500 * np.sin(np.arange(n) * 1.9)
    table = pd.DataFrame({
        "animal": "a", "time": pd.date_range("2024-05-01", periods=n, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ"), "x": x, "y": north - 6500 + 40 * np.arange(n),
    })  # fmt: skip
    table.to_csv(path, index=False)


TRACK = ["fixes.csv", "--crs", "EPSG:32648", "--simulated"]
RUNS: dict[str, list[str]] = {
    "atlas": ["res", "lands.gpkg", "--language", "en", "--out", "atlas"],
    "barriers check": ["lines.gpkg"],
    "barriers import": ["osm.geojson", "imported.gpkg", "--list", "left.csv"],
    "barriers lines": ["lines.gpkg"],
    "barriers summary": ["lines.gpkg"],
    "barriers template": ["template.gpkg"],
    "board": ["res", "--out", "board.html"],
    "by-country": ["tiny/project.toml", "lands.gpkg", "--border-km", "1", "--out", "by_country.xlsx"],
    "check": ["tiny/project.toml"],
    "circuit": ["r.tif", "patches.gpkg", "--out", "circuit.tif"],
    "circuitscape": ["c.ini", "--out", "cs"],
    "compare": ["res", "res"],
    "compare-lines": ["open/project.toml", "planned.gpkg", "--kind", "railway"],
    "cost-distance": ["r.tif", "patches.gpkg", "--lines", "lines.gpkg", "--out", "cost.tif"],
    "doctor": [],
    "export": ["res", "--to", "qgis"],
    "indicators": ["res", "--base", "drawn", "--out", "indicators.csv"],
    "monitor controls": ["fences.gpkg", "--open", "F8", "--apart-km", "5"],
    "monitor design": ["--before", "0.05", "--after", "0.6", "--effort", "20", "--draws", "200"],
    "monitor power": [
        "--before",
        "0.05",
        "--after",
        "0.6",
        "--effort",
        "20",
        "--draws",
        "200",
        "--per-group",
        "4",
    ],
    "monitor value": ["drawn", "--planned", "planned.csv"],
    "new": ["started"],
    "omnidirectional": ["r.tif", "--radius-km", "3", "--workers", "1", "--out", "omni.tif"],
    "omniscape": ["o.ini", "--out", "os"],
    "plan": ["tiny/project.toml"],
    "protconn": [
        "areas.gpkg",
        "lands.gpkg",
        "--median-km",
        "2",
        "--country",
        "name",
        "--out",
        "protconn.csv",
    ],
    "rank": ["tiny/project.toml", "--out", "sites.gpkg", "--workers", "1"],
    "report": ["res", "--language", "ru", "--out", "report.html"],
    "rerun": ["res", "--project", "tiny/project.toml"],
    "resistance": ["tiny/project.toml", "--form", "burnt", "--out", "burnt.tif"],
    "route": [
        "open/project.toml",
        "--from",
        "5000",
        "1000",
        "--to",
        "5000",
        "7000",
        "--kind",
        "railway",
        "--edge-cells",
        "0",
        "--starts",
        "1",
    ],
    "run": ["tiny/project.toml", "--out", "again", "--no-report", "--workers", "1"],
    "settle": [
        "tiny/project.toml",
        "--levels",
        "1",
        "--origins",
        "2",
        "--resampling",
        "average",
        "--out",
        "settled",
    ],
    "spec": [],
    "species list": [],
    "species show": ["khulan"],
    "structures check": ["structures.gpkg", "--rules", "fhwa_2011", "--species", "khulan"],
    "structures standards": [],
    "tables": ["res", "--kind", "cami", "--language", "mn", "--out", "cami.csv"],
    "timeline": ["tiny/project.toml", "--year", "2000", "--year", "2024"],
    "tracks calibrate": [
        "herd.gpkg",
        "--lines",
        "fences.gpkg",
        "--species",
        "mongolian_gazelle",
        "--by",
        "steps",
        "--placebos",
        "6",
    ],
    "tracks check": TRACK,
    "tracks crossings": [*TRACK, "--lines", "lines.gpkg"],
    "tracks encounters": [*TRACK, "--lines", "lines.gpkg"],
    "tracks validate": [*TRACK, "--project", "tiny/project.toml", "--sections-m", "125", "--block-km", "1"],
    "update": ["drawn", "--pilots", "pilots.csv", "--out", "updated"],
    "verify": ["res"],
    "water": ["tiny/project.toml", "patches.gpkg", "--radius-km", "2", "--dry", "E", "--out", "water.xlsx"],
    "workbook": ["res", "--out", "res.xlsx"],
}
FALL_BACK = {"demo": "its run is that of `run`; the whole sample takes a minute"}


def asked(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, stdout and events of a command in this process."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as stop:
        main([*words, "--json"])
    out, err = capfd.readouterr()
    events = [json.loads(line) for line in err.splitlines()]
    for event in events:
        jsonschema.validate(event, EVENTS)
    return int(stop.value.code or 0), out, events


def holds(command: str, data: Any) -> None:
    """What a command printed, against the schema that `permeability spec` names for it."""
    key = command.replace(" ", "_").replace("-", "_")
    assert key in COMMANDS["$defs"], f"commands.schema.json has no entry {key}"
    jsonschema.Draft202012Validator({**COMMANDS, "$ref": f"#/$defs/{key}"}).validate(data)


def test_every_command_is_asked_here() -> None:
    assert set(RUNS) | set(FALL_BACK) == set(LEAVES)
    assert all(isinstance(c, JsonCommand) for c in LEAVES.values())


@pytest.mark.parametrize("command", RUNS)
def test_json_of_a_command(
    command: str, work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(work)
    code, out, events = asked([*command.split(), *RUNS[command]], capfd)
    assert code == 0, events[-3:]
    holds(command, json.loads(out))
    files = [e["path"] for e in events if e["event"] == "written"]
    assert all(Path(f).exists() for f in files)
    if "--out" in RUNS[command] and command not in ("circuitscape", "omniscape"):
        assert files


def test_a_refusal_is_an_event_and_stdout_stays_empty(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, events = asked(["plan", str(tmp_path / "none.toml")], capfd)
    assert (code, out) == (2, "")
    error = events[-1]
    assert error["event"] == "error"
    assert error["code"]
    assert error["remedy"]
    assert error["exit_code"] == 2


@pytest.mark.parametrize(
    "words",
    [["plan"], ["run", "a.toml", "--wrkers", "2"], ["timeline", "a.toml", "--year", "nan"], ["nothing"]],
)
def test_a_usage_error_is_an_event(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    code, out, events = asked(words, capfd)
    assert (code, out) == (2, "")
    assert [e["kind"] for e in events] == ["usage"]


def test_findings_go_with_the_refusal_of_a_run(
    work: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "tiny"
    shutil.copytree(work / "tiny", project)
    text = (project / "project.toml").read_text(encoding="utf-8")
    (project / "project.toml").write_text(text.replace("layers.gpkg", "gone.gpkg"), encoding="utf-8")
    code, out, events = asked(["run", str(project / "project.toml")], capfd)
    assert (code, out) == (2, "")
    assert events[-1]["event"] == "error"
    assert "finding" in {e["event"] for e in events}
    code, out, events = asked(["check", str(project / "project.toml")], capfd)
    assert code == 2
    holds("check", json.loads(out))


def test_words_come_back_after_json(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    assert CliRunner().invoke(cli, ["species", "list", "--json"]).output.startswith("[")
    assert (
        "Equus hemionus"
        in CliRunner().invoke(cli, ["species", "list"]).output.splitlines()[1]
        + CliRunner().invoke(cli, ["species", "list"]).output
    )


# ---------------------------------------------------------------- the reader's language
SPOKEN = (
    "atlas", "board", "circuit", "compare", "cost-distance", "export", "new", "omnidirectional", "plan", "protconn", "rank", "report", "rerun",
    "resistance", "run", "settle", "timeline", "verify", "workbook",
)  # fmt: skip


@pytest.mark.parametrize("language", ["mn", "ru"])
@pytest.mark.parametrize("command", SPOKEN)
def test_what_a_command_prints_holds_no_english_sentence(
    command: str,
    language: str,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """But for the project's own name, scientific names and commands to type; errors, findings and help stay English."""
    monkeypatch.chdir(work)
    with contextlib.suppress(SystemExit):
        main(["--language", language, *command.split(), *RUNS[command]])
    said = re.sub(r"`[^`]*`|/\S+", "", capfd.readouterr().out)
    for own in ("Two patches and a fence", "Equus hemionus"):
        said = said.replace(own, "")
    assert [line for line in said.splitlines() if WORDS.search(line)] == []


# ---------------------------------------------------------------- the maps, against what is known without us
def test_rank_gives_the_sites_of_the_run(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(work)
    code, out, _ = asked(["rank", "tiny/project.toml", "--out", "alone.gpkg"], capfd)
    assert code == 0
    alone, whole = gpd.read_file("alone.gpkg", layer="sites"), gpd.read_file("res/sites.gpkg", layer="sites")
    pd.testing.assert_frame_equal(pd.DataFrame(alone), pd.DataFrame(whole))
    assert [s["id"] for s in json.loads(out)["sites"]] == list(whole["id"])
    code, out, events = asked(
        ["rank", "tiny/project.toml", "--species", "khulna", "--out", "alone.gpkg"], capfd
    )
    assert code == 2
    assert "khulan" in events[-1]["remedy"]


def test_a_project_without_candidates_has_nothing_to_rank(
    work: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(work / "tiny", tmp_path / "tiny")
    path = tmp_path / "tiny" / "project.toml"
    head, _, rest = path.read_text(encoding="utf-8").partition("[candidates]")
    path.write_text(head + rest[rest.index("\n[") :], encoding="utf-8")
    code, _, events = asked(["rank", str(path)], capfd)
    assert (code, events[-1]["code"]) == (2, "O13")


def _flat(path: Path, values: np.ndarray) -> None:
    """A raster of 100 m cells from (500000, 5000000) down."""
    profile = {
        "driver": "GTiff",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:32648",
    }
    with rasterio.open(
        path, "w", transform=rasterio.Affine(100, 0, 500000, 0, -100, 5000000), **profile
    ) as out:
        out.write(values.astype("float32"), 1)


def _points(path: Path, *cells: tuple[int, int]) -> None:
    at = [shapely.Point(500000 + 100 * c + 50, 5000000 - 100 * r - 50) for r, c in cells]
    gpd.GeoDataFrame({"id": [f"p{i}" for i in range(len(at))]}, geometry=at, crs="EPSG:32648").to_file(path)


def test_cost_distance_of_a_row_of_cells(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _flat(tmp_path / "r.tif", np.array([[1, 1, 3, 1]]))
    _points(tmp_path / "p.gpkg", (0, 0))
    code, out, _ = asked(
        [
            "cost-distance",
            str(tmp_path / "r.tif"),
            str(tmp_path / "p.gpkg"),
            "--out",
            str(tmp_path / "d.tif"),
        ],
        capfd,
    )
    assert code == 0
    with rasterio.open(tmp_path / "d.tif") as found:
        assert found.read(1).tolist() == [[0, 100, 300, 500]]  # half of each cell at its own resistance
    assert json.loads(out)["farthest_m"] == 500
    assert (tmp_path / "d.qml").read_text(encoding="utf-8").startswith("<!DOCTYPE qgis")
    code, out, _ = asked(["cost-distance", str(tmp_path / "r.tif"), str(tmp_path / "p.gpkg"), "--limit-km", "0.3", "--no-style", "--out", str(tmp_path / "e.tif")], capfd)  # fmt: skip
    assert json.loads(out)["cells_reached"] == 3
    assert not (tmp_path / "e.qml").exists()


def test_circuit_of_a_row_of_cells(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _flat(tmp_path / "r.tif", np.ones((1, 5)))
    _points(tmp_path / "p.gpkg", (0, 0), (0, 4))
    code, out, _ = asked(
        ["circuit", str(tmp_path / "r.tif"), str(tmp_path / "p.gpkg"), "--out", str(tmp_path / "c.tif")],
        capfd,
    )
    assert code == 0
    pair = json.loads(out)["pairs"][0]
    assert (pair["a"], pair["b"]) == ("p0", "p1")
    assert pair["resistance"] == pytest.approx(4)  # four links of one in series
    with rasterio.open(tmp_path / "c.tif") as found:
        np.testing.assert_allclose(found.read(1), 1, rtol=1e-6)


def test_a_fence_on_the_edges_of_a_raster(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A complete fence that khulan cannot cross: the far side is not reached."""
    _flat(tmp_path / "r.tif", np.ones((6, 6)))
    _points(tmp_path / "p.gpkg", (2, 0))
    fence = gpd.GeoDataFrame(
        {"id": ["F"], "kind": ["fence"], "fence_class": ["rail_barbed_both_sides"]}, crs="EPSG:32648",
        geometry=[shapely.LineString([(500300, 5000100), (500300, 4999300)])],
    )  # fmt: skip
    fence.to_file(tmp_path / "f.gpkg")
    words = [
        "cost-distance",
        str(tmp_path / "r.tif"),
        str(tmp_path / "p.gpkg"),
        "--lines",
        str(tmp_path / "f.gpkg"),
        "--out",
        str(tmp_path / "d.tif"),
    ]
    code, out, events = asked(words, capfd)
    assert code == 0, events
    with rasterio.open(tmp_path / "d.tif") as found:
        west = found.read(1)[:, :3]
    assert np.isfinite(west).all()
    assert json.loads(out)["cells_reached"] in (18, 36)  # 36 when mesh can be crossed at a price


# ---------------------------------------------------------------- the specification
def test_spec_has_every_parameter_that_click_has(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = asked(["spec"], capfd)
    told = {c["name"]: c for c in json.loads(out)["commands"]}
    assert set(told) == set(LEAVES)
    for name, command in LEAVES.items():
        asked_for = {p.name for p in command.params} - {"json_asked"}
        assert {p["name"] for p in told[name]["parameters"]} == asked_for
        holds_id, _, key = told[name]["result"].partition("#/$defs/")
        assert holds_id == COMMANDS["$id"]
        assert key in COMMANDS["$defs"]


def test_floats_say_their_unit_and_paths_their_role(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = asked(["spec"], capfd)
    for command in json.loads(out)["commands"]:
        for p in command["parameters"]:
            where = f"{command['name']} {p['name']}"
            assert p["help"], where
            assert (p["type"] == "path") == ("role" in p), where
            if p["type"] == "number":
                assert f"[{p['unit']}]" in p["help"], where
            if p["type"] == "choice":
                assert p["choices"], where


def test_spec_of_one_command_and_of_none(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = asked(["spec", "tracks", "check"], capfd)
    assert [c["name"] for c in json.loads(out)["commands"]] == ["tracks check"]
    assert asked(["spec", "nothing"], capfd)[0] == 2
    said = CliRunner().invoke(cli, ["spec", "rank"]).output
    assert "GeoPackage to write" in said
