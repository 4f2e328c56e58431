"""The report in a real browser, offline: no console error, no request, clicks work, nothing needs scripts."""

import re
import runpy
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest
from browser import BROWSER_OWN, CHROMIUM, answer, browse, with_script
from places import REPOSITORY

from permeability.report import write_comparison, write_report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
SAMPLE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    results = SAMPLE["make_results"](folder / "results", SAMPLE["HOSTILE"])
    return write_report(results, folder / "report.html", language="mn")


def test_opens_without_a_console_line_or_a_request(page, tmp_path):
    log = tmp_path / "net.json"
    dom, console = browse(page.as_uri(), tmp_path / "profile", f"--log-net-log={log}", "--dump-dom")
    assert console == []
    assert "Говь-Сүмбэр Өмнөговь" in dom
    asked = set(re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8", errors="replace")))
    hosts = {urlsplit(u).hostname or "" for u in asked if u.startswith(("http:", "https:", "ws:", "wss:"))}
    assert {h for h in hosts if not h.endswith(BROWSER_OWN)} == set()


CLICK = """
var row=document.querySelectorAll('#table-khulan tbody tr')[2]; var key=row.dataset.site;
var svg=document.querySelector('#ranking-khulan svg'); var before=svg.getAttribute('viewBox');
row.click();
var picked=[].map.call(document.querySelectorAll('.site.picked'),function(g){return g.dataset.site});
var edge=getComputedStyle(document.querySelector('.site.picked .site-edge')).stroke;
var plain=getComputedStyle(document.querySelector('.site:not(.picked) .site-edge')).stroke;
return {key:key,picked:picked,row:row.classList.contains('picked'),moved:before!==svg.getAttribute('viewBox'),edge:edge,plain:plain,
tools:!document.querySelector('.tools').hidden,alerts:document.querySelectorAll('script').length}
"""


def test_clicking_a_row_marks_its_section_on_the_map(page, tmp_path):
    dom, console = browse(with_script(page, CLICK), tmp_path / "profile", "--dump-dom")
    found = answer(dom)
    assert console == []
    assert found["picked"] == [found["key"]] == ["khulan-3"]
    assert found["row"]
    assert found["moved"]
    assert found["tools"]
    assert found["edge"] != found["plain"]
    assert found["alerts"] == 2  # the page's own and the test's


LAYERS = """
var box=document.querySelector('#ranking-khulan'); var radio=box.querySelector('input[value=current]'); radio.click();
var shown=[].map.call(box.querySelectorAll('image[data-raster]'),function(i){return [i.dataset.raster,getComputedStyle(i).display!=='none']});
box.querySelector('input[value=patches]').click();
var patches=getComputedStyle(box.querySelector('g[data-layer=patches]')).display;
var svg=box.querySelector('svg'); var w=function(){return Number(svg.getAttribute('viewBox').split(' ')[2])}; var a=w();
box.querySelector('[data-act=in]').click(); var b=w(); box.querySelector('[data-act=home]').click(); var c=w();
svg.dispatchEvent(new KeyboardEvent('keydown',{key:'+'})); var d=w();
return {shown:shown,patches:patches,zoom:[a,b,c,d]}
"""


def test_layers_and_zoom(page, tmp_path):
    found = answer(browse(with_script(page, LAYERS), tmp_path / "profile", "--dump-dom")[0])
    assert dict(found["shown"]) == {"habitat": False, "current": True, "distance": False}
    assert found["patches"] == "none"
    a, b, c, d = found["zoom"]
    assert b < a
    assert c == a
    assert d < a


WIDTH = """
return {page:document.documentElement.scrollWidth,window:innerWidth,
wide:[].filter.call(document.querySelectorAll('main *'),function(e){return !e.closest('.scroll,svg')&&e.getBoundingClientRect().right>innerWidth+1}).length,
tall:[].filter.call(document.querySelectorAll('caption'),function(e){return e.getBoundingClientRect().height>120}).length}
"""


@pytest.mark.parametrize("width", [500, 1200])
def test_nothing_runs_out_of_the_window(page, tmp_path, width):
    found = answer(
        browse(with_script(page, WIDTH), tmp_path / "profile", f"--window-size={width},900", "--dump-dom")[0]
    )
    assert found["page"] <= found["window"]
    assert found["wide"] == 0
    assert found["tall"] == 0


MARKED = """
var edge=function(k){var s=getComputedStyle(document.querySelector('#s-'+k+' .site-edge'));return [s.stroke,s.strokeWidth]};
var seen=function(e){var s=getComputedStyle(e);return s.display!=='none'&&s.visibility!=='hidden'&&e.getBoundingClientRect().height>0};
return {target:edge('khulan-2'),other:edge('khulan-4'),tools:getComputedStyle(document.querySelector('.tools')).display,
hidden:[].filter.call(document.querySelectorAll('main table,main figure,main svg[role=img]'),function(e){return !seen(e)&&!e.closest('details')}).length,
tables:document.querySelectorAll('main table').length}
"""


def test_without_scripts_everything_shows_and_a_link_marks_the_section(page, tmp_path):
    text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    still = tmp_path / "still.html"
    still.write_text(text, encoding="utf-8")
    dom, console = browse(with_script(still, MARKED) + "#s-khulan-2", tmp_path / "profile", "--dump-dom")
    found = answer(dom)
    assert console == []
    assert found["target"] == ["rgb(194, 24, 91)", "15px"]  # the style marks what the link names
    assert found["other"] != found["target"]
    assert found["tools"] == "none"
    assert found["hidden"] == 0
    assert found["tables"] > 15


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_prints_whole_with_no_cut_word(page, tmp_path):
    target = tmp_path / "report.pdf"
    browse(page.as_uri(), tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={target}")
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(target), "-"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    words = [
        [float(v) for v in m] for m in re.findall(r'xMin="([\d.-]+)" yMin="[\d.-]+" xMax="([\d.-]+)"', boxes)
    ]
    width = float(re.search(r'<page width="([\d.]+)"', boxes)[1])
    assert len(words) > 1000
    assert all(a >= 0 and b <= width for a, b in words)
    text = subprocess.run(
        ["pdftotext", "-raw", str(target), "-"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "<script>alert(1)</script>" in text.replace("\n", "").replace(" ", "")
    assert "Говь-Сүмбэр" in text


def test_comparison_opens_without_a_console_line(tmp_path):
    a = SAMPLE["make_results"](tmp_path / "a", SAMPLE["HOSTILE"])
    b = SAMPLE["make_results"](tmp_path / "b")
    target = write_comparison([a, b], tmp_path / "c.html", language="ru")
    _, console = browse(target.as_uri(), tmp_path / "profile", "--dump-dom")
    assert console == []


def test_pdf_is_written_whole(page, tmp_path):
    from permeability.report.pdf import write_pdf

    target = write_pdf(page, tmp_path / "report.pdf")
    assert target.read_bytes().startswith(b"%PDF")
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]
