"""What a large board costs: 112 sections of the Gobi railway, three treatments each, two species, three states of the unknown numbers.

    python benchmarks/board.py [--folder FOLDER] [--sections 112] [--draws 100] [--only-page]

Makes the page once (kept in the folder), opens it in headless Chromium and prints its size, the time until it is ready, the time of
clicks (the numbers of the species in view, marks and layout) while few, half and all sections are open: after what may wait has been
worked out, as between two clicks of a hand, and in a row, with no pause in which anything could be (``_row``); of jumps to a set far
away (``far``: all, none, twenty sections at once); and how far 200 random sets are from what the ranking works out exactly.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import permeability as pm
from permeability.planning.joint_gains import CircuitGains, exclusive_pairs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from browser import answer, browse, with_script

TREATMENTS = ("remove", "modify", "drop_wires")
SPECIES = ("khulan", "mongolian_gazelle")
SETS = 200

TIMES = """
var rows=[].map.call(document.querySelectorAll('#sections tbody tr'),function(r){return r.dataset.id});
var first=rows.filter(function(i){return !/ (modify|drop_wires)$/.test(i)});
var many=%d,made=[];
function time(ids){return ids.map(function(id){board.settle();document.body.offsetHeight;var b=performance.now();board.toggle(id);document.body.offsetHeight;return performance.now()-b})}
function some(all,n){var out=[];for(var i=0;i<n;i++){out.push(all[Math.floor((i+0.5)*all.length/n)])}return out}
var out={ready:Number(document.body.dataset.ready),loaded:performance.now(),rows:rows.length,places:first.length};
var other=some(rows,many);
board.set([]);out.none=time(other);
board.set(first.filter(function(_,i){return i%%2===0}));out.half=time(other);
board.set(first);out.all=time(other);
board.set(first);out.close=time(some(first,many));
function row(ids){return ids.map(function(id){document.body.offsetHeight;var b=performance.now();board.toggle(id);document.body.offsetHeight;return performance.now()-b})}
function wait(set,ids){board.set(set);return row(ids)}
board.settle();out.none_row=wait([],other.concat(other));
out.half_row=wait(first.filter(function(_,i){return i%%2===0}),other.concat(other));
out.all_row=wait(first,other.concat(other));
out.far=[];for(var k=0;k<4;k++){[first,[],first.slice(0,20)].forEach(function(s){var b=performance.now();board.set(s);document.body.offsetHeight;out.far.push(performance.now()-b)})}
return out;
"""


def found(project_file: Path, length_m: float, draws: int) -> dict[str, pm.Ranking]:
    """Rankings of both species."""
    project = pm.Project.from_file(project_file)
    rankings = {}
    for name in SPECIES:
        land = project.landscape(name)
        sites = [c for t in TREATMENTS for c in pm.candidates(land, "TMR", length_m=length_m, treatment=t)]
        rankings[name] = pm.rank(land, project.patches(name), sites, draws=draws, rng=1)
    return rankings


def random_sets(sites, many: int, seed: int = 5) -> list[list[int]]:
    """Sets of all sizes in which no two exclude each other."""
    rng, never = np.random.default_rng(seed), {frozenset(p) for p in exclusive_pairs(sites)}
    out = []
    for _ in range(many):
        chosen: list[int] = []
        for k in rng.permutation(len(sites))[: rng.integers(1, len(sites))].tolist():
            if not any(frozenset({k, j}) in never for j in chosen):
                chosen.append(k)
        out.append(sorted(chosen))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--length-km", type=float, default=10.0)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument(
        "--only-page", action="store_true", help="time a page that is there, without the exact answers"
    )
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="board-"))
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "board.html"
    rankings: dict[str, pm.Ranking] = {}
    if not given.only_page:
        begun = time.perf_counter()
        rankings = found(pm.sample_folder() / "project.toml", given.length_km * 1000, given.draws)
        ranked = time.perf_counter()
        pm.write_board(list(rankings.values()), page)
        print(f"ranked {ranked - begun:.0f} s, written {time.perf_counter() - ranked:.0f} s")
    print(f"{page.stat().st_size / 1e6:.2f} MB")
    script = TIMES % given.clicks
    with tempfile.TemporaryDirectory() as profile:
        dom, console = browse(with_script(page, script), profile, "--dump-dom")
    times = answer(dom)
    print(
        f"{times['rows']} candidates of {times['places']} sections; {times['ready'] and times['loaded']:.0f} ms until loaded; console {console}"
    )
    for key in ("none", "half", "all", "close", "none_row", "half_row", "all_row", "far"):
        t = np.array(times[key])
        print(
            f"{key:9s} least {t.min():6.1f}  median {np.median(t):6.1f}  95 % {np.quantile(t, 0.95):6.1f}  most {t.max():6.1f} ms"
        )
    if rankings:
        off(page, rankings)


def off(page: Path, rankings: dict[str, pm.Ranking]) -> None:
    """The largest relative difference of random sets between page and ranking."""
    for name, ranking in rankings.items():
        sites = ranking.sites
        sets = random_sets(sites, SETS)
        script = f"return {json.dumps([[sites[k].id for k in s] for s in sets])}.map(function(ids){{return board.gain('{name}',ids,'best')}})"  # fmt: skip
        with tempfile.TemporaryDirectory() as profile:
            shown = np.array(answer(browse(with_script(page, script), profile, "--dump-dom")[0]))
        gains = CircuitGains(ranking, exclusive_pairs(sites))
        exact = np.array([gains(s) for s in sets])
        away = np.abs(shown - exact) / np.maximum(np.abs(exact), 1e-12 * np.abs(exact).max())
        print(f"{name}: {away.max():.1e} off in {SETS} sets, {(exact == 0).sum()} without a gain")


if __name__ == "__main__":
    main()
