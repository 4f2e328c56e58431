"""Maps for the screen in a real browser: nothing is asked for, keys and rows move the map, names run nothing, labels stand apart."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pytest
import shapely
from browser import BROWSER_OWN, CHROMIUM, answer, browse, with_script

import permeability as pm
from permeability.core.errors import OptionError
from permeability.locale.language import LANGUAGES
from permeability.viz.explore import on_web_map
from permeability.viz.screen_map import ScreenMap

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
NAMES = (
    "</script><img src=x onerror=alert(2)><script>alert(1)</script>",
    "{{7*7}}",
    '"><svg onload=alert(3)>',
)


@pytest.fixture(scope="module")
def ranking():
    land, patches = pm.samples.tiny()
    return pm.rank(land, patches, pm.candidates(land, "F", length_m=800))


@pytest.fixture(scope="module")
def page(ranking, tmp_path_factory):
    drawn = ranking.engine.patches.explore(m=ranking.explore())
    return drawn.save(tmp_path_factory.mktemp("screen") / "map.html")


DRIVE = """
var svg=document.querySelector('.map svg'),view=function(){return svg.getAttribute('viewBox').split(' ').map(Number)};
var key=function(k){svg.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true,cancelable:true}))};
var out={focus:svg.getAttribute('tabindex'),tools:document.querySelector('.tools').hidden,home:view()};
key('+');out.nearer=view();key('ArrowRight');out.right=view();key('0');out.back=view();
document.querySelector('tr[data-site=shape-0-3] a').click();out.row=view();
out.picked=[].map.call(document.querySelectorAll('.site.picked'),function(g){return g.dataset.site});
var off=document.querySelector('input[value=barriers]');off.click();
out.barriers=getComputedStyle(document.querySelector('g[data-layer=barriers]')).display;
document.querySelector('input[name=ground][value=""]').click();
out.ground=getComputedStyle(document.querySelector('image[data-raster]')).display;
return out;
"""


@needs_browser
def test_keys_rows_and_boxes_work(page, tmp_path):
    dom, console = browse(with_script(page, DRIVE), tmp_path / "p", "--dump-dom")
    out = answer(dom)
    assert console == []
    assert out["focus"] == "0"
    assert not out["tools"]
    assert out["nearer"][2] < out["home"][2]
    assert out["right"][0] > out["nearer"][0]
    assert out["back"] == out["home"]
    assert out["row"][2] < out["home"][2]
    assert out["picked"] == ["shape-0-3"]
    assert out["barriers"] == out["ground"] == "none"


@needs_browser
def test_nothing_is_asked_of_a_network(page, tmp_path):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(", text)
    assert "default-src 'none'" in text.replace("&#39;", "'")
    log = tmp_path / "net.json"
    _, console = browse(page.as_uri(), tmp_path / "p", f"--log-net-log={log}", "--dump-dom")
    assert console == []
    asked = set(re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8", errors="replace")))
    hosts = {urlsplit(u).hostname or "" for u in asked if u.startswith(("http:", "https:", "ws:", "wss:"))}
    assert {h for h in hosts if not h.endswith(BROWSER_OWN)} == set()


@needs_browser
def test_names_of_strangers_stay_names_in_a_notebook_too(tmp_path):
    shapes = [shapely.Point(k * 1000.0, 0) for k in range(len(NAMES))]
    frame = gpd.GeoDataFrame({"name": NAMES}, geometry=shapes, crs=32648)
    drawn = on_web_map(frame, column="name", tooltip=["name"], title=NAMES[0])
    whole = tmp_path / "notebook.html"
    whole.write_text(f"<!DOCTYPE html><html><body>{drawn._repr_html_()}</body></html>", encoding="utf-8")
    for file in (drawn.save(tmp_path / "m.html"), whole):
        dom, console = browse(file.as_uri(), tmp_path / "p", "--dump-dom")
        assert console == []
        assert "<img src" not in dom
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert text.count("<script") == 1
    assert "{{7*7}}" in text


COVERED = """
var r=[].filter.call(document.querySelectorAll('svg text'),function(t){return t.getBoundingClientRect().width>0}).map(function(t){var b=t.getBoundingClientRect();return [b.left,b.top,b.right,b.bottom]});
return r;
"""


@needs_browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_covers_another(ranking, tmp_path, language):
    drawn = ranking.engine.patches.explore(m=ranking.explore(language=language))
    file = drawn.save(tmp_path / "m.html")
    boxes = answer(
        browse(with_script(file, COVERED), tmp_path / "p", "--window-size=1200,900", "--dump-dom")[0]
    )
    assert len(boxes) >= 10
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert min(a[2], b[2]) - max(a[0], b[0]) <= 1 or min(a[3], b[3]) - max(a[1], b[1]) <= 1


def test_degrees_are_drawn_in_metres_and_numbers_without_a_value_are_grey():
    frame = gpd.GeoDataFrame({"v": [1.0, np.nan, 3.0]}, geometry=gpd.points_from_xy([105, 105.1, 105.2], [46, 46, 46.1]), crs=4326)  # fmt: skip
    page = on_web_map(frame, column="v", tooltip=["v"]).html()
    assert "UTM zone 48N" in page or "EPSG:32648" in page
    assert page.count("stroke:#8c8c8c") == 1


def test_what_is_not_known_is_refused(ranking):
    assert isinstance(ranking.explore(), ScreenMap)
    with pytest.raises(OptionError, match="A07"):
        ranking.explore(zoom=3)
    with pytest.raises(OptionError, match="O09"):
        ranking.explore().save("m.png")
