"""Exports: QGIS folder with styles, Circuitscape problems that run, RO-Crate."""

import json
import runpy
import sqlite3
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from places import REPOSITORY

from permeability.core.errors import OptionError, ProjectError
from permeability.interop.export import export_circuitscape, export_qgis, export_ro_crate, slug

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))
make_results, HOSTILE = SAMPLE["make_results"], SAMPLE["HOSTILE"]
NAMES = {"plain": ("Rail", "Road", "Fence", "Plan", "Patch"), "hostile": HOSTILE}


@pytest.fixture(scope="module", params=list(NAMES))
def results(request, tmp_path_factory):
    return make_results(tmp_path_factory.mktemp(request.param) / "results", NAMES[request.param])


def bytes_of(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


# ---------------------------------------------------------------- QGIS
def test_qgis_project_names_every_layer_once_and_they_are_there(results, tmp_path):
    path = export_qgis(results, tmp_path / "q")
    root = ET.parse(path).getroot()
    layers = {m.findtext("id"): m.findtext("datasource") for m in root.iter("maplayer")}
    tree = [n.get("id") for n in root.iter("layer-tree-layer")]
    assert sorted(tree) == sorted(layers)
    tables = set(tables_of(path.parent / "layers.gpkg"))
    for source in layers.values():
        file, _, table = source.partition("|layername=")
        assert (path.parent / file).is_file()
        assert not table or table in tables
    endings = {i.split("khulan_")[-1] for i in layers if "khulan_" in i}
    assert endings == {
        "sites",
        "key_areas",
        "range",
        "movement",
        "distance",
        "resistance",
        "resistance_with_barriers",
    }
    assert {i.rsplit("_", 1)[1] for i in layers if "_barriers_" in i and "khulan" not in i} == {
        "existing",
        "planned",
    }


def tables_of(gpkg):
    with sqlite3.connect(gpkg) as base:
        return dict(base.execute("SELECT table_name, data_type FROM gpkg_contents"))


def test_qgis_styles_match_the_report(results, tmp_path):
    from permeability.viz.qgis_style import rgba
    from permeability.viz.style import BARRIER_STYLES

    folder = export_qgis(results, tmp_path / "q").parent
    with sqlite3.connect(folder / "layers.gpkg") as base:
        rows = base.execute(
            "SELECT f_table_name, f_table_schema, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
        geometry = dict(base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    assert tables_of(folder / "layers.gpkg")["layer_styles"] == "attributes"
    assert {r[0] for r in rows} == set(geometry)
    for table, schema, column, default, text in rows:
        assert (schema, column, bool(default)) == ("", geometry[table], True)
        assert ET.fromstring(text.split("\n", 1)[1]).find("renderer-v2") is not None
    barriers = next(
        ET.fromstring(r[4].split("\n", 1)[1]) for r in rows if r[0].endswith("_barriers_existing")
    )
    drawn = {
        c.get("value"): barriers.findall(f".//symbols/symbol[@name='{c.get('symbol')}']")[0]
        for c in barriers.iter("category")
    }
    assert set(drawn) == set(BARRIER_STYLES)
    for key, symbol in drawn.items():
        assert rgba(BARRIER_STYLES[key].colour) in {
            p.get("v") for p in symbol.iter("prop") if p.get("k") == "line_color"
        }
    for style in folder.glob("*.qml"):
        items = list(ET.fromstring(style.read_text(encoding="utf-8").split("\n", 1)[1]).iter("item"))
        values = [float(i.get("value")) for i in items]
        assert len(values) == 17
        assert values == sorted(values)


def test_qgis_legend_is_translated_and_file_names_are_not(results, tmp_path):
    one, two = (
        export_qgis(results, tmp_path / "en").parent,
        export_qgis(results, tmp_path / "mn", language="mn").parent,
    )
    assert [p.name for p in sorted(one.iterdir())] == [p.name for p in sorted(two.iterdir())]
    assert "Хилийн хайс" in (two / "permeability.qgs").read_text(encoding="utf-8")


def test_qgis_export_has_the_same_bytes_twice_and_replaces_only_itself(results, tmp_path):
    folder = export_qgis(results, tmp_path / "q").parent
    first = bytes_of(folder)
    assert bytes_of(export_qgis(results, folder).parent) == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OptionError) as caught:
        export_qgis(results, tmp_path / "mine")
    assert caught.value.code == "O02"
    assert (tmp_path / "mine" / "thesis.txt").is_file()


@pytest.mark.parametrize("name", [*HOSTILE, "../../etc/passwd", "a/b", ".", ""])
def test_names_of_files_are_tame(name):
    tame = slug(name)
    assert tame
    assert len(tame) <= 40
    assert all(c.isalnum() or c == "_" for c in tame)


# ---------------------------------------------------------------- Circuitscape
def test_circuitscape_problem_runs_and_agrees_with_a_direct_solve(results, tmp_path):
    from permeability.engines.circuit import pairwise
    from permeability.interop.circuitscape import run_problem
    from permeability.layers.exchange_grids import read_raster

    folder = export_circuitscape(results, tmp_path / "cs") / "khulan"
    written = run_problem(folder / "khulan.ini", output_dir=tmp_path / "out")
    table = next(p for p in written if p.name.endswith("resistances.out"))
    found = np.loadtxt(table)[1:, 1:]
    resistance, regions = read_raster(folder / "resistance.asc"), read_raster(folder / "regions.asc")
    labels = np.nan_to_num(regions.values).astype(np.int32)
    assert labels.max() == 3
    for i, j in ((1, 2), (1, 3), (2, 3)):  # every pair by itself: the third region is ordinary ground
        two = np.where(np.isin(labels, (i, j)), labels, 0)
        expected = pairwise(
            resistance.values, np.where(two == i, 1, np.where(two == j, 2, 0)), current=None
        ).resistance[0, 1]
        assert found[i - 1, j - 1] == pytest.approx(expected, rel=1e-6)


def test_circuitscape_regions_keep_the_names(results, tmp_path):
    import pandas as pd

    folder = export_circuitscape(results, tmp_path / "cs") / "khulan"
    table = pd.read_csv(folder / "regions.csv")
    assert table["number"].tolist() == [1, 2, 3]
    assert table["name"].iloc[0] in (NAMES["plain"][4], HOSTILE[4])
    first = bytes_of(folder.parent)
    assert bytes_of(export_circuitscape(results, folder.parent)) == first


# ---------------------------------------------------------------- RO-Crate
def test_crate_lists_every_file_with_its_hash_and_no_loose_ends(results, tmp_path):
    import hashlib

    path = export_ro_crate(results, tmp_path / "crate", date="2026-11-22")
    graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
    by_id = {e["@id"]: e for e in graph}
    assert len(by_id) == len(graph)
    assert by_id["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = by_id["./"]
    assert {"name", "description", "datePublished", "license"} <= set(root)
    present = {p.name for p in path.parent.iterdir()} - {path.name}
    assert {f["@id"] for f in root["hasPart"]} == present
    for name in present:
        assert by_id[name]["sha256"] == hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
    for entity in graph:
        for value in entity.values():
            for ref in value if isinstance(value, list) else [value]:
                if isinstance(ref, dict) and not ref["@id"].startswith("https://w3id.org"):
                    assert ref["@id"] in by_id


def test_crate_date_defaults_to_a_day(results, tmp_path):
    import re

    path = export_ro_crate(results, tmp_path / "crate")
    assert re.search(r'"datePublished": "\d{4}-\d{2}-\d{2}"', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("export", [export_qgis, export_circuitscape, export_ro_crate])
def test_a_folder_without_results_is_refused_and_nothing_is_left(export, tmp_path):
    with pytest.raises(ProjectError) as caught:
        export(tmp_path, tmp_path / "out")
    assert caught.value.code == "J06"
    assert list(tmp_path.iterdir()) == []
