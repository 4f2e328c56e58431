"""``[[alignment]]`` of a project: what a check finds, files, summary, the report's section in three languages, layers for QGIS."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.core.errors import ProjectError
from permeability.interop import export
from permeability.layers import vectors
from permeability.layers.exchange_grids import read_raster
from permeability.locale.language import words as words_of
from permeability.project.run.line_results import GPKG, line_table, measure_lines
from permeability.report import write_report

TABLE = """
[layers.park]
path = "extra.gpkg"
table = "park"

[layers.drawn]
path = "extra.gpkg"
table = "drawn"

[[alignment]]
name = "Coal line"
start = [6000, 0]
end = [6000, 8000]
kind = "stock_fence"
max_length = 1.6
edge_cells = 0
starts = 2
no_go = [{ layer = "park", distance_m = 100 }]
drawn = "drawn"
target_loss = 0.05
spacing_km = 4
treatment = "gap"
width_m = 500

"""


def tiny(place: Path, table: str = TABLE) -> Path:
    """The small project without its fence, and with a line to be."""
    project = pm.samples.tiny_project(place / "tiny")
    crs = "EPSG:32648"
    vectors.write_gpkg(
        place / "tiny" / "extra.gpkg",
        {
            "park": gpd.GeoDataFrame({"id": ["P"]}, geometry=[shapely.box(3000, 3000, 5000, 5000)], crs=crs),
            "drawn": gpd.GeoDataFrame({"id": ["straight", "east"]}, geometry=[shapely.LineString([(6000, 0), (6000, 8000)]), shapely.LineString([(6000, 0), (8000, 4000), (6000, 8000)])], crs=crs),
        },
    )  # fmt: skip
    text = project.read_text(encoding="utf-8").replace(
        "[barriers]\n",
        '[layers.fence]\npath = "layers.gpkg"\ntable = "barriers"\nwhere = { id = "S" }\n\n[barriers]\n',
    )
    text = text.replace('layers = ["barriers"]', 'layers = ["fence"]').replace('line = "F"', 'line = "S"').split("[[scenarios]]")[0]  # fmt: skip
    project.write_text(text.replace("[ranking]\n", table + "[ranking]\n"), encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("alignment")
    run = pm.run_project(tiny(place), place / "results", report=False)
    assert run.folder is not None
    assert [one.found for one in run.new_lines] == [{"A": "khulan"}]
    return run.folder


def test_files_say_what_the_functions_say(folder: Path) -> None:
    table = pd.read_csv(folder / "new_lines.csv").set_index("line")
    assert table["drawn"].to_dict() == {"straight": True, "east": True, "A": False}
    assert table.loc["A", "loss"] <= table["loss"].min() + 1e-12
    project = pm.open_project(folder.parent / "tiny")
    land, patches = project.landscape("khulan"), project.patches("khulan")
    damage = pm.damage_map(land, patches, "stock_fence")
    shapes = gpd.read_file(folder / GPKG, layer="lines").set_index("line").geometry
    for line, loss in table["loss"].items():
        assert damage.exact(shapes[line]) == pytest.approx(loss)
    assert (table["loss_low"] <= table["loss"] + 1e-12).all()
    assert (table["loss"] <= table["loss_high"] + 1e-12).all()
    assert not shapes["A"].intersects(shapely.box(3000, 3000, 5000, 5000).buffer(100))
    areas = gpd.read_file(folder / GPKG, layer="no_go")
    shut = areas[areas["class"] == "no-go"]
    assert shut["reason"].str.startswith("park").any()
    assert (shut["reason_mn"] != shut["reason"]).all()
    raster = read_raster(folder / "line_damage_1_khulan.tif")
    assert raster.values == pytest.approx(damage.worst, nan_ok=True, rel=1e-6)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["new_lines"]["Coal line"]
    assert summary["best"] == table["loss"].idxmin()
    assert (table["structures"] >= 0).all()
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert {"new_lines.csv", "line_indices.csv", GPKG, "line_damage_1_khulan.tif", "line_classes_1.tif"} <= set(record["files"])  # fmt: skip


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_the_report_has_its_section(folder: Path, tmp_path: Path, language: str) -> None:
    path = tmp_path / "report.html"
    write_report(folder, path, language=language)
    html, words = path.read_text(encoding="utf-8"), words_of(language)
    assert 'id="newlines"' in html
    heads = [str(words(t)) for t in ("Avoid: which line", "Minimise: crossing structures", "Restore and offset: what is left")]  # fmt: skip
    places = [html.index(h) for h in heads]
    assert places == sorted(places)
    if language != "en":
        assert "Where a new line should go" not in html


def test_layers_for_qgis(folder: Path, tmp_path: Path) -> None:
    project = export.export_qgis(folder, tmp_path / "qgis")
    text = project.read_text(encoding="utf-8")
    for part in ("_new_lines_1", "_new_line_ground_1", "khulan_line_damage_1"):
        assert part in text
    assert list((tmp_path / "qgis").glob("*line_damage_1.qml"))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('layer = "park"', 'layer = "parks"', "L09"),
        ('drawn = "drawn"', 'drawn = "drawn"\ndrawn_id = "nr"', "U10"),
        ("start = [6000, 0]", "start = [60000, 0]", "U06"),
        ("max_length = 1.6", "max_length = 1.0", "U08"),
        ("max_length = 1.6", 'max_length = 1.6\nspecies = ["kulan"]', "J17"),
        ('treatment = "gap"', 'treatment = "gapp"', None),
    ],
)
def test_a_check_finds_every_fault(tmp_path: Path, old: str, new: str, code: str | None) -> None:
    table = TABLE.replace(old, new)
    if code == "U08":
        table = table.replace("distance_m = 100", "distance_m = 1500")
    found = [f.code for f in pm.check(tiny(tmp_path, table)) if f.severity == "error"]
    assert found if code is None else code in found


def test_a_project_without_faults_passes(tmp_path: Path) -> None:
    assert not [f for f in pm.check(tiny(tmp_path)) if f.severity == "error"]


@pytest.mark.parametrize("wrong", ["max_length = 0.9", "max_gradient = 0.01", "vehicles_per_day = 5", "alternatives = 0", "worst = [0.1, 0.2]", "lenght = 2"])  # fmt: skip
def test_values_that_cannot_be_are_refused(tmp_path: Path, wrong: str) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    text = project.read_text(encoding="utf-8")
    project.write_text(text + f'\n[[alignment]]\nstart = [0, 0]\nend = [1, 1]\nkind = "railway"\n{wrong}\n', encoding="utf-8")  # fmt: skip
    with pytest.raises(ProjectError, match="J03"):
        pm.open_project(project)


def test_several_species_each_get_a_line_and_all_are_compared(tmp_path: Path) -> None:
    project = tiny(tmp_path, TABLE.replace("starts = 2", "starts = 1\nweights = { khulan = 3 }"))
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("[candidates]", '[species.mongolian_gazelle]\npatches = "patches"\n\n[candidates]'), encoding="utf-8")  # fmt: skip
    assert not [f for f in pm.check(project) if f.severity == "error"]
    (one,) = measure_lines(pm.open_project(project))
    assert one.found == {"A khulan": "khulan", "A mongolian_gazelle": "mongolian_gazelle"}
    assert one.together is not None
    own = {n: o.table.set_index("line")["loss"] for n, o in one.options.items()}
    for row in one.together.itertuples():
        mean = (3 * own["khulan"][row.line] + own["mongolian_gazelle"][row.line]) / 4
        assert row.loss == pytest.approx(mean)
        assert row.worst_loss == max(o[row.line] for o in own.values())
    table = line_table([one])
    assert len(table) == 2 * len(one.together)
