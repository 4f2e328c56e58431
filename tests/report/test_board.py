"""The board in a real browser: its numbers are those of the ranking, exports come back, nothing is fetched, nothing foreign runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from board_case import rankings
from browser import BROWSER_OWN, CHROMIUM, answer, browse, under_its_policy, with_script

import permeability as pm
from permeability.core.errors import ProjectError
from permeability.locale.language import LANGUAGES
from permeability.planning.joint_gains import CircuitGains, exclusive_pairs
from permeability.planning.set_networks import set_networks
from permeability.report import write_board

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def found():
    return rankings(draws=8)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    return pm.write_board(
        list(found.values()), tmp_path_factory.mktemp("board") / "board.html", tolerance=TOLERANCE
    )


def random_sets(sites, many, seed=5):
    """Ids of sets of all sizes in which no two exclude each other."""
    rng, never = np.random.default_rng(seed), [set(p) for p in exclusive_pairs(sites)]
    out = []
    for _ in range(many):
        chosen: list[int] = []
        for k in rng.permutation(len(sites))[: rng.integers(1, len(sites))].tolist():
            if not any({k, j} in never for j in chosen):
                chosen.append(k)
        out.append([sites[k].id for k in sorted(chosen)])
    return out


SETS = """
var sets=%s,out=[];
var cells=function(index){return document.querySelectorAll('#indices tr[data-index='+index+'] td')};
sets.forEach(function(ids){
  board.set(ids);
  out.push([Number(cells('mean_conductance')[2].dataset.value),board.gain('mongolian_gazelle',ids,'best'),board.gain('khulan',ids,'low'),board.gain('khulan',ids,'high'),
  Number(cells('range_cut_off_km2')[1].dataset.value),Number(cells('pairs_apart')[1].dataset.value)]);
});
return out;
"""


@needs_browser
def test_200_sets_are_what_the_ranking_works_out_exactly(page, found, tmp_path):
    khulan, gazelle = found["khulan"], found["mongolian_gazelle"]
    sets = random_sets(khulan.sites, 200)
    dom, console = browse(with_script(page, SETS % json.dumps(sets)), tmp_path / "p", "--dump-dom")
    assert console == []
    shown = np.array(answer(dom))
    number = {s.id: k for k, s in enumerate(khulan.sites)}
    members = [[number[i] for i in ids] for ids in sets]
    for column, ranking in ((0, khulan), (1, gazelle)):
        exact = CircuitGains(ranking, exclusive_pairs(ranking.sites))
        np.testing.assert_allclose(shown[:, column], [exact(m) for m in members], rtol=TOLERANCE)
    assert shown[:, 0].max() > 0.5 > 0.1 > shown[:, 0].min()  # sets that do much, and sets that do little
    for row, ids in zip(shown[::10], sets[::10]):
        steps = [i for s in khulan.sites if s.id in ids for i in s.interventions]
        after = khulan.engine.pieces_after(steps)
        assert row[4] == pytest.approx(after["range_cut_off_km2"])
        assert row[5] == after["pairs_apart"]


WALK = """
var ids=[].map.call(document.querySelectorAll('#sections tbody tr'),function(r){return r.dataset.id});
return %s.map(function(k){board.toggle(ids[k]);board.settle();var open=board.open();
var line=document.querySelector('#sections tr[data-id="'+ids[k]+'"]');
return [open,board.conductance('khulan',open,'best'),board.conductance('mongolian_gazelle',open,'high'),Number(line.cells[4].dataset.value)]});
"""


@needs_browser
def test_sets_that_come_one_from_the_other_are_those_solved_at_once(page, found, tmp_path):
    """The page changes what stands by small ranks, more than a hundred times; Python solves each set from nothing."""
    walk = np.random.default_rng(11).integers(0, len(found["khulan"].sites), 130).tolist()
    rows = answer(browse(with_script(page, WALK % json.dumps(walk)), tmp_path / "p", "--dump-dom")[0])
    for column, name, level in ((1, "khulan", "best"), (2, "mongolian_gazelle", "high")):
        sites = found[name].sites
        number = {s.id: k for k, s in enumerate(sites)}
        network = set_networks(found[name], levels=(level,), tolerance=TOLERANCE)[level]
        exact = [network.mean_conductance([number[i] for i in row[0]]) for row in rows]
        np.testing.assert_allclose([row[column] for row in rows], exact, rtol=1e-9)
    opened = [k for k in range(1, len(rows)) if len(rows[k][0]) == len(rows[k - 1][0]) + 1]
    assert len(opened) > 20
    for k in opened:  # what the list says a section adds is what it has added
        assert rows[k][3] == pytest.approx(rows[k][1] - rows[k - 1][1], rel=1e-6, abs=1e-12)


@needs_browser
def test_low_and_high_are_two_draws_of_the_ranking(page, found, tmp_path):
    khulan = found["khulan"]
    script = "return %s.map(function(id){return [board.gain('khulan',[id],'low'),board.gain('khulan',[id],'high')]})"
    dom, _ = browse(
        with_script(page, script % json.dumps([s.id for s in khulan.sites])), tmp_path / "p", "--dump-dom"
    )
    shown, drawn = np.array(answer(dom)), khulan.draws.gains
    order = np.argsort(drawn.mean(axis=1))
    for column in (0, 1):
        off = np.abs(drawn - shown[:, column]).max(axis=1)
        draw = int(np.argmin(off))
        assert draw in (order[:2], order[-2:])[column]
        np.testing.assert_allclose(shown[:, column], drawn[draw], rtol=3 * TOLERANCE, atol=1e-12)


CLICKS = """
var box=function(id){return document.querySelector('#sections tr[data-id="'+id+'"] input')};
var click=function(id){document.getElementById(id).click()};
var out={},rows=[].map.call(document.querySelectorAll('#sections tbody tr'),function(r){return r.dataset.id});
box('B km 6-9').click(); out.one=board.open();
box('T km 6-9').click(); box('T km 6-12 modify').click(); out.instead=board.open();
click('undo'); out.undone=board.open();
click('keep-a'); document.querySelector('#sections tr[data-id="B km 0-3"] th').click(); click('keep-b');
out.compared=[].map.call(document.querySelectorAll('#compared tr'),function(r){return r.textContent});
click('pair-up'); out.pairs=[].map.call(document.querySelectorAll('#paired tbody tr'),function(r){return r.textContent});
click('clear'); out.none=board.open();
document.getElementById('budget').value=''; click('next'); out.next=board.open();
document.querySelector('.species-map:not([hidden]) .site').dispatchEvent(new MouseEvent('click',{bubbles:true}));
out.marked=document.querySelectorAll('.species-map:not([hidden]) .site.open').length;
document.querySelector('input[name=species][value=mongolian_gazelle]').click();
out.species=document.querySelector('.species-map:not([hidden])').dataset.species;
out.kept=board.open();
var t=[];for(var i=0;i<rows.length;i++){var b=performance.now();board.toggle(rows[i]);t.push(performance.now()-b)}
out.slowest=Math.max.apply(null,t);
return out;
"""


@needs_browser
def test_list_buttons_and_switch(page, found, tmp_path):
    dom, console = browse(with_script(page, CLICKS), tmp_path / "p", "--dump-dom")
    out = answer(dom)
    assert console == []
    assert out["one"] == ["B km 6-9"]
    assert out["instead"] == [
        "B km 6-9",
        "T km 6-12 modify",
    ]  # another treatment of the same place takes its turn
    assert out["undone"] == ["B km 6-9", "T km 6-9"]
    assert len(out["compared"]) == 1 + 2 + 2 * 3
    assert any("B km 6-9" in p and "T km 6-9" in p for p in out["pairs"])
    assert out["none"] == []
    khulan = found["khulan"]
    exact = CircuitGains(khulan, exclusive_pairs(khulan.sites))
    best = int(np.argmax([exact([k]) for k in range(len(khulan.sites))]))
    assert out["next"] == [khulan.sites[best].id]
    assert out["marked"] == 1
    assert out["species"] == "mongolian_gazelle"
    assert out["kept"] == out["next"]
    assert out["slowest"] < 250  # 50 ms on a machine that does nothing else


@needs_browser
def test_opens_without_a_request_and_keeps_a_set_in_a_copy(page, tmp_path):
    log = tmp_path / "net.json"
    dom, console = browse(page.as_uri(), tmp_path / "p", f"--log-net-log={log}", "--dump-dom")
    assert console == []
    assert 'data-ready="1"' in dom
    asked = set(re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8", errors="replace")))
    hosts = {urlsplit(u).hostname or "" for u in asked if u.startswith(("http:", "https:", "ws:", "wss:"))}
    assert {h for h in hosts if not h.endswith(BROWSER_OWN)} == set()
    script = "board.set(['B km 6-9','T km 3-6']); return board.page()"
    copy = answer(browse(with_script(page, script), tmp_path / "q", "--dump-dom")[0])
    assert copy.count('"open":["B km 6-9","T km 3-6"]') == 1
    kept = tmp_path / "copy.html"
    kept.write_text(copy, encoding="utf-8")
    dom, console = browse(kept.as_uri(), tmp_path / "r", "--dump-dom")
    assert console == []
    assert len(re.findall(r'<tr data-id="[^"]*" class="open"', dom)) == 2


@needs_browser
def test_picture_and_files_are_made_under_the_policy_of_the_page(page, tmp_path):
    script = "board.toggle('B km 6-9');URL.createObjectURL=function(b){document.body.dataset.made=(document.body.dataset.made||'')+b.type+' ';return '#'};"
    script += "['save-png','save-toml','save-csv','save-page'].forEach(function(i){document.getElementById(i).click()});"
    dom, console = browse(
        under_its_policy(page, script), tmp_path / "p", "--virtual-time-budget=8000", "--dump-dom"
    )
    assert console == []
    body = re.search(r"<body[^>]*>", dom)[0]
    assert int(re.search(r'data-picture="(\d+)"', body)[1]) > 20_000
    assert set(re.search(r'data-made="([^"]*)"', body)[1].split()) == {
        "application/toml", "text/csv", "text/html", "image/png",
    }  # fmt: skip
    assert 'data-settled="' in body  # what may wait has been worked out


DRAWN = """
var line=function(id){var g=[].find.call(document.querySelectorAll('.species-map:not([hidden]) .site'),function(g){return g.dataset.board===id});
var r=g.querySelector('.site-line').getBoundingClientRect();return [r.left+r.width/2,r.top+r.height/2]};
var svg=document.querySelector('.species-map:not([hidden]) .map svg');
var send=function(kind,at){svg.dispatchEvent(new PointerEvent(kind,{bubbles:true,cancelable:true,pointerId:1,clientX:at[0],clientY:at[1]}))};
document.getElementById('draw').click();
send('pointerdown',line('B km 3-6'));send('pointermove',line('B km 6-9'));send('pointermove',line('B km 9-12'));send('pointerup',line('B km 9-12'));
var drawn=board.open();document.getElementById('undo').click();
return [drawn,board.open()];
"""


@needs_browser
def test_drawing_along_the_line_opens_what_it_meets(page, tmp_path):
    dom, console = browse(with_script(page, DRAWN), tmp_path / "p", "--window-size=1400,1500", "--dump-dom")
    assert console == []
    drawn, undone = answer(dom)
    assert drawn == ["B km 3-6", "B km 6-9", "B km 9-12"]
    assert undone == []  # one step


@needs_browser
def test_names_of_strangers_stay_names(tmp_path):
    hostile = (
        "=cmd|'/c'!A1",
        "</script><img src=x onerror=alert(2)><script>alert(1)</script>{{7*7}}",
        '"; rm -rf / #',
        "p\u202e",
    )
    found = rankings(names=hostile, length_m=9_000)
    target = pm.write_board(list(found.values()), tmp_path / "board.html")
    text = target.read_text(encoding="utf-8")
    assert "<img" not in text
    assert len(re.findall(r"<script", text)) == 3  # two of data, and the page's own
    script = "document.querySelectorAll('#sections input').forEach(function(b){if(!b.checked&&board.open().length<4){b.click()}});"
    script += "return [board.csv(),board.toml(),document.querySelectorAll('script,img').length]"
    dom, console = browse(with_script(target, script), tmp_path / "p", "--dump-dom")
    assert console == []
    table, toml, scripts = answer(dom)
    assert scripts == 4  # with the test's
    assert "'=cmd|'/c'!A1" in table
    assert not re.search(r"^[=+@]", table.lstrip("\ufeff"), re.MULTILINE)
    lines = {step["line"] for step in tomllib.loads(toml)["scenarios"][0]["steps"]}
    assert lines <= set(hostile[:2])
    assert lines
    _, console = browse(target.as_uri(), tmp_path / "q", "--dump-dom")
    assert console == []


@needs_browser
def test_the_scenario_it_writes_gives_the_numbers_of_the_page(tmp_path):
    project = pm.samples.tiny_project(tmp_path / "tiny")
    pm.run_project(project, tmp_path / "results", report=False)
    target = write_board(tmp_path / "results", tmp_path / "board.html")
    script = "board.set(['F km 0-2','F km 6-8']); return [board.toml(),board.conductance('khulan',board.open(),'best'),board.pieces('khulan',board.open(),'best')]"
    toml, shown, pieces = answer(browse(with_script(target, script), tmp_path / "p", "--dump-dom")[0])
    file = tmp_path / "tiny" / "project.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n" + toml, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "permeability",
        "run",
        str(file),
        "--out",
        str(tmp_path / "again"),
        "--no-report",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    table = pd.read_csv(tmp_path / "again" / "scenarios.csv")
    mine = table[table["scenario"] == "Set from the board"].set_index("index")["after"].astype(float)
    assert mine["mean_conductance"] == pytest.approx(shown, rel=TOLERANCE)
    assert mine["range_cut_off_km2"] == pieces["cut"]
    assert mine["pairs_apart"] == pieces["apart"]


WIDTH = """
board.set(board.open().concat(['B km 6-9','T km 6-12 modify']));
return {page:document.documentElement.scrollWidth,window:innerWidth,
wide:[].filter.call(document.querySelectorAll('main *'),function(e){return !e.closest('.scroll,svg')&&e.getBoundingClientRect().right>innerWidth+1}).length,
small:[].filter.call(document.querySelectorAll('button'),function(e){var r=e.getBoundingClientRect();return r.height>0&&r.height<24}).length,
unnamed:[].filter.call(document.querySelectorAll('button,input'),function(e){return !(e.textContent.trim()||e.getAttribute('aria-label')||e.labels&&e.labels.length)}).length}
"""


@needs_browser
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [500, 1200])
def test_nothing_runs_out_of_the_window(found, tmp_path, language, width):
    page = pm.write_board(list(found.values()), tmp_path / "b.html", language=language)
    out = answer(
        browse(with_script(page, WIDTH), tmp_path / "p", f"--window-size={width},900", "--dump-dom")[0]
    )
    assert out["page"] <= out["window"]
    assert out["wide"] == out["small"] == out["unnamed"] == 0


def test_results_without_a_network_are_refused(tmp_path):
    project = pm.samples.tiny_project(tmp_path / "tiny")
    pm.run_project(project, tmp_path / "results", report=False)
    kept = tmp_path / "results" / "board.json"
    data = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps({**data, "version": 99}), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"J22.*version 99"):
        write_board(tmp_path / "results", tmp_path / "b.html")
    kept.unlink()
    with pytest.raises(ProjectError, match=r"J21.*no network for a board"):
        write_board(tmp_path / "results", tmp_path / "b.html")


SEASONS = """
var pick=function(name,value){document.querySelector('input[name='+name+'][value='+value+']').click()};
var out=[];
[['khulan','winter'],['khulan','summer'],['mongolian_gazelle','summer']].forEach(function(x){
  pick('species',x[0]);pick('season',x[1]);board.set(%s);board.settle();
  var rows=[].map.call(document.querySelectorAll('#indices tr[data-index=mean_conductance]'),function(r){return [r.dataset.species,Number(r.cells[3].dataset.value)]});
  out.push([document.querySelector('.species-map:not([hidden])').dataset.species,document.querySelector('input[name=season]:checked').value,rows]);
});
var ids=[].map.call(document.querySelectorAll('[id]'),function(e){return e.id});
return [out,ids.length-new Set(ids).size];
"""


@needs_browser
def test_seasons_are_switched_as_species_are(found, tmp_path):
    winter = rankings(season="winter", rough=0.9, species_ids=("khulan",))["khulan"]
    summer = rankings(season="summer")
    page = pm.write_board([*summer.values(), winter], tmp_path / "b.html", tolerance=TOLERANCE)
    chosen = ["B km 6-9", "T km 3-6"]
    dom, console = browse(with_script(page, SEASONS % json.dumps(chosen)), tmp_path / "p", "--dump-dom")
    assert console == []
    shown, twice = answer(dom)
    assert twice == 0  # every element has an id of its own
    assert [x[0] for x in shown] == ["khulan@winter", "khulan@summer", "mongolian_gazelle@summer"]
    assert [x[1] for x in shown] == ["winter", "summer", "summer"]
    exact = {}
    for name, ranking in (("khulan@winter", winter), *((f"{s}@summer", r) for s, r in summer.items())):
        number = {s.id: k for k, s in enumerate(ranking.sites)}
        exact[name] = CircuitGains(ranking, exclusive_pairs(ranking.sites))([number[i] for i in chosen])
    assert abs(exact["khulan@winter"] / exact["khulan@summer"] - 1) > 100 * TOLERANCE
    for here, _, rows in shown:
        assert rows[0][0] == here
        assert {name for name, _ in rows} == set(exact)
        for name, gain in rows:
            assert gain == pytest.approx(exact[name], rel=TOLERANCE)
    folder = tmp_path / "results"
    pm.run_project(pm.samples.tiny_project(tmp_path / "tiny"), folder, report=False)
    with pytest.raises(ProjectError, match=r"J23.*is in two of the runs"):
        write_board([folder, folder], tmp_path / "c.html")


REACH = """
return %s.map(function(ids){board.set(ids);var r=document.querySelector('#indices tr[data-index=reachable_km2]');
return [r.cells[1].dataset.value,r.cells[2].dataset.value].map(Number).concat([r.cells[2].textContent,r.cells[5].textContent])});
"""


@needs_browser
def test_reach_of_several_lies_within_what_is_told(page, found, tmp_path):
    khulan = found["khulan"]
    sets = [["B km 6-9"], ["B km 6-9", "T km 6-9"], ["B km 3-6", "T km 9-12", "T km 0-3"]]
    rows = answer(browse(with_script(page, REACH % json.dumps(sets)), tmp_path / "p", "--dump-dom")[0])
    for ids, (before, least, text, how) in zip(sets, rows):
        steps = tuple(i for s in khulan.sites if s.id in ids for i in s.interventions)
        after = pm.compare(khulan.land, khulan.engine.patches, pm.Scenario("x", steps)).table
        row = after.set_index("index").loc["reachable_km2"]
        assert before == pytest.approx(row["before"], rel=1e-9)
        if len(ids) == 1:
            assert least == pytest.approx(row["after"], rel=1e-9)
            assert "at least" not in text
        else:
            most = float(re.search(r"at most ([\d,.]+)", how)[1].replace(",", ""))
            assert least <= row["after"] * (1 + 1e-9)
            assert row["after"] <= most * 1.01  # it is rounded for the reader
            assert text.startswith("at least")
