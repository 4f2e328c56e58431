"""The report as DOCX: what the page says, in every language, with its maps; and the maps as pictures."""

from __future__ import annotations

import base64
import runpy
from io import BytesIO

import geopandas as gpd
import numpy as np
import pytest
import shapely
from places import REPOSITORY

from permeability.locale.language import LANGUAGES, words
from permeability.report import write_report
from permeability.report.results import read_results
from permeability.report.sections import report_context
from permeability.viz import svg
from permeability.viz.paper_figures import figure_png

SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_document_says_what_the_page_says(tmp_path, language):
    docx = pytest.importorskip("docx")
    results = SAMPLE["make_results"](tmp_path / "results", SAMPLE["HOSTILE"])
    target = write_report(results, tmp_path / "r.docx", language=language)
    paper = docx.Document(str(target))
    context = report_context(read_results(results), words(language))
    told = [" ".join(p.text.split()) for p in paper.paragraphs]
    for part in context["species"]:
        for text in (*part["summary"]["text"], *part["summary"]["next"]):
            assert " ".join(text.split()) in told
    assert len(paper.inline_shapes) >= 4
    described = [s._inline.docPr.get("descr") for s in paper.inline_shapes]
    assert described[0] == context["answer_map"]["alt"]
    best = next(t for t in paper.tables if len(t.columns) > 6)
    assert [c.text.split("\n")[0] for c in best.columns[4].cells][1:] == [
        s["id"] for s in context["species"][0]["best"]
    ]
    again = write_report(results, tmp_path / "again.docx", language=language)
    assert again.read_bytes() == target.read_bytes()


def test_columns_of_a_document_hold_their_longest_word(tmp_path):
    """By a width of a letter of half its height, which is that of common fonts."""
    docx = pytest.importorskip("docx")
    results = SAMPLE["make_results"](tmp_path / "results")
    paper = docx.Document(str(write_report(results, tmp_path / "r.docx", language="ru", part="summary")))
    for table in paper.tables:
        for column in table.columns:
            for cell in column.cells:
                longest = max((len(w) for w in cell.text.split()), default=0)
                assert cell.width.pt >= longest * 0.5 * 7.5


def test_a_picture_has_its_lines_and_colours_where_the_map_has_them():
    from matplotlib.image import imread

    tr = words()
    frame = svg.Frame(0.0, 0.0, 90_000.0, 60_000.0)
    figure = svg.base(frame, "Map", "A map.", "", "map", tr)
    line = shapely.LineString([(30_000, 0), (30_000, 60_000)])
    table = {"kind": ["railway"], "fenced": ["yes"], "standing": [True]}
    figure["barriers"] = svg.barrier_layers(
        frame, gpd.GeoDataFrame(table, geometry=[line], crs="EPSG:32648"), tr
    )
    red = np.zeros((2, 3, 4), np.uint8)
    red[0, 2] = (255, 0, 0, 255)  # of six squares of 30 km the one in the north-east
    raster = type("Raster", (), {"cell_size": 30_000.0, "xll": 0.0, "yll": 0.0, "shape": (2, 3)})()
    figure["backdrop"] = svg.raster_layer(frame, raster, red)
    assert base64.b64decode(figure["backdrop"]["href"].split(",")[1])[1:4] == b"PNG"
    seen = imread(BytesIO(figure_png(figure, tr, dpi=100)))[..., :3]
    pure = (seen[..., 0] > 0.9) & (seen[..., 1] < 0.1)
    rows, cols = np.nonzero(pure)
    left, right, top, bottom = cols.min(), cols.max(), rows.min(), rows.max()
    wide, high = right - left, bottom - top  # a third across and half down, but for the arrow that lies on it
    assert wide == pytest.approx(high, rel=0.03)
    black = (seen < 0.2).all(axis=2)
    middle = (top + bottom) // 2
    assert black[middle, round(left - wide) - 3 : round(left - wide) + 4].any()
    assert not black[middle, left - wide // 2 : left - 10].any()
