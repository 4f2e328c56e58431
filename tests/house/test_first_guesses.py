"""What somebody types who knows geopandas and xarray and has not read a word: it works, or is told what does."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.core.errors import GridError, OptionError

FLOOR = 0.9
HINTS = ("did you mean", "remedy", "call ")

# names used below: land, patches, sites, ranking, c (connectivity), impact, change, plan, array, lines (GeoDataFrame), project, tmp
GUESSES = """
assert {"samples", "circuit", "leastcost", "species"} <= set(dir(pm))
pm.show_versions()
pm.__version__
pm.species("khulan")
pm.species_profile("khulan")
pm.species_list()
pm.list_species()
pm.species.list()
pm.SpeciesProfile("khulan")
pm.open_project(project_path)
pm.load_project(project_path)
pm.read_project(project_path)
pm.Project.from_file(project_path)
project.run()
project.species
project.layers
pm.run(project)
pm.demo()
pm.landscape(array, lines, "khulan")
pm.build_landscape(array, lines, "khulan")
pm.build_landscape(array, lines, species="khulan")
pm.build_landscape(1.0, lines, "khulan", grid=land.grid)
pm.build_landscape(array, lines, "kulan")
pm.read_barriers(lines)
pm.Barriers(lines)
pm.read_raster("x.tif")
pm.read_vector("x.gpkg")
pm.read_file("x.gpkg")
pm.place_patches(patches.table, land)
pm.Patches.from_file
pm.Grid.like(array)
pm.Grid.like(lines, cell_size=500)
pm.Grid.like(lines)
pm.Grid.from_raster("x.tif")
pm.Grid.from_bounds((0, 0, 4000, 4000), cell_size=500, crs=32648)
pm.Grid.from_bounds((0, 0, 4000, 4000), 500, 32648)
pm.Grid.from_bounds((0, 0, 4000, 4000), resolution=500, crs=32648)
pm.datasets
pm.data
pm.samples.tiny()
pm.sample_folder()
pm.resistance
pm.plot
len(ranking)
ranking[0]
ranking["F km 3-4"]
ranking.best
ranking.head()
ranking.summary()
ranking.table
ranking.df
ranking.gdf
ranking.to_dataframe()
ranking.sort_values("cost_usd")
ranking.to_csv("x.csv")
ranking.to_file(tmp / "ranking.gpkg")
ranking.save(tmp / "ranking.csv")
ranking.plot()
ranking.plot(top=3)
ranking.plot(title="Which first?", figsize=(5, 4))
[row["id"] for row in ranking]
ranking.results
print(ranking)
c.pairs
c.table
c.summary()
c.resistance
c.matrix
c.current
c.distance
c.to_xarray()
c.plot()
c.plot(show="distance")
c.plot("distance")
c.plot(kind="distance")
c.plot(title="Current")
c.plot(figsize=(5, 4))
c.plot(width=4)
c.to_file(tmp / "current.tif")
impact.table
impact.lines
impact.summary()
impact.sentences
impact.best
impact.plot()
change["reachable_km2"]
change["reachable"]
change.table
change.summary()
change.plot()
pm.compare(land, patches, [scenario])
pm.compare(land, patches, "opened")
pm.compare(c, c)
list(patches)
len(patches)
patches["W"]
patches["X"]
patches.gdf
patches.crs
patches.plot()
land.shape
land.crs
land.bounds
land.transform
land.resistance
land.to_xarray()
land.to_dataset()
land.barriers
land.lines
land.species
land.profile
land.plot()
pm.candidates(land)
pm.candidates(land, "F")
pm.candidates(land, "F", length_m=1000)
pm.candidates(land, "F", length_km=1)
pm.candidates(land, "F", length=1000)
pm.rank(land, patches)
pm.rank(land, sites)
pm.rank(land, patches, sites)
pm.rank(land, patches, sites, n_draws=3)
pm.rank(land, patches, sites, seed=3)
pm.rank(land, patches, sites, progress=True)
pm.rank_sites
pm.optimize
pm.portfolio(ranking, 6000)
pm.portfolio(ranking, budget=6000)
plan.sites
plan.cost
plan.total_cost
plan.cost_usd
plan.gain
plan.plot()
plan.summary()
list(plan)
pm.connectivity(land, patches)
pm.connectivity(land, patches.table)
pm.connectivity(array, lines)
pm.conectivity(land, patches)
pm.barrier_impact(land, patches, inside=land.valid.astype(int))
pm.barrier_impact(land, patches, inside=patches.table)
pm.barrier_impact(land, patches, inside=land.valid[1:])
pm.least_cost_path
pm.cost_distance
pm.leastcost.cost_distance(array, [(0, 0)])
pm.leastcost.cost_distance(array, patches.table)
pm.leastcost.cost_distance(array, shapely.Point(float(array.x[0]), float(array.y[0])))
pm.corridor
pm.corridors.least_cost_corridors(land, patches.table)
pm.current_map
pm.circuit.pairwise(land, [(0, 0), (7, 11)])
pm.omnidirectional(land, radius=3)
pm.omnidirectional(land, radius_km=3)
pm.write_report([c], tmp)
pm.scenario
pm.Scenario("x").remove("F", km=(2, 4))
pickle.dumps(land)
copy.deepcopy(ranking)
""".strip().splitlines()


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    land, patches = pm.samples.tiny()
    sites = pm.candidates(land, "F", length_m=1000)
    ranking = pm.rank(land, patches, sites)
    scenario = pm.Scenario("opened", sites[0].interventions)
    path = pm.samples.tiny_project(tmp_path_factory.mktemp("project"))
    return {
        "pm": pm, "np": np, "shapely": shapely, "pickle": pickle, "copy": copy, "land": land, "patches": patches, "sites": sites,
        "ranking": ranking, "c": pm.connectivity(land, patches), "impact": pm.barrier_impact(land, patches), "scenario": scenario,
        "change": pm.compare(land, patches, scenario), "plan": pm.portfolio(ranking, budget_usd=6000),
        "array": land.to_xarray(land.resistance, "resistance"), "lines": land.barriers.table, "project": pm.open_project(path),
        "project_path": path, "tmp": tmp_path_factory.mktemp("out"),
    }  # fmt: skip


def answer(guess: str, names: dict) -> str:
    """``works``, ``told`` or what was raised without a word of help."""
    try:
        exec(guess, dict(names))
    except Exception as error:
        text = str(error)
        return "told" if any(h in text.lower() for h in HINTS) else f"{guess}: {type(error).__name__} {text}"
    return "works"


@pytest.mark.filterwarnings("ignore")
def test_nine_first_guesses_in_ten_work_or_are_told_what_does(names):
    found = [answer(g, names) for g in GUESSES]
    lost = [f for f in found if f not in ("works", "told")]
    assert len(GUESSES) >= 123
    assert 1 - len(lost) / len(GUESSES) >= FLOOR, "\n".join(lost)
    assert found.count("works") >= 0.5 * len(GUESSES)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("conectivity", "'connectivity'"), ("least_cost_path", "pm.leastcost.trace_path"), ("ranks", "'rank'"), ("circit", "'circuit'")],
)  # fmt: skip
def test_a_misspelt_name_is_told_the_right_one(wrong, meant):
    with pytest.raises(AttributeError, match=f"Did you mean .*{meant}"):
        getattr(pm, wrong)


def test_every_answer_at_the_front_door_exists():
    """What a guess is told must be there; words in backticks and after a semicolon are for people."""
    from permeability.core.guesses import MODULE

    for told in MODULE.values():
        for word in told.replace(",", " ").replace("(", " ").split():
            if word.startswith("pm."):
                found = pm
                for part in word.removeprefix("pm.").split("."):
                    found = getattr(found, part)


@pytest.mark.parametrize("what", ["land", "patches", "ranking", "c", "impact", "change", "plan", "project"])
def test_results_travel(names, what):
    """Through pickle and deepcopy, and they say the same on the other side."""
    thing = names[what]
    assert repr(pickle.loads(pickle.dumps(thing))) == repr(thing)
    assert repr(copy.deepcopy(thing)) == repr(thing)


def test_a_ranking_that_travelled_evaluates_sets_as_before(names):
    ranking = names["ranking"]
    there = pickle.loads(pickle.dumps(ranking))
    steps = [i for s in ranking.sites[:3] for i in s.interventions]
    assert there.engine.after(steps) == pytest.approx(ranking.engine.after(steps), nan_ok=True)


def shape_of(land):
    return land.edge_barriers().cell.size


def test_a_process_pool_takes_landscapes(names):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_edges, names["land"]).result() == shape_of(names["land"])


def _edges(land):
    return land.edge_barriers().cell.size


@pytest.mark.parametrize(("what", "table"), [("ranking", "table"), ("c", "pairs"), ("impact", "lines"), ("change", "table"), ("plan", "table"), ("patches", "table")])  # fmt: skip
def test_who_changes_a_table_changes_a_copy(names, what, table):
    thing = names[what]
    before = repr(getattr(thing, table))
    changed = getattr(thing, table)
    changed.iloc[0, 0] = changed.iloc[-1, 0]
    changed["note"] = 1
    assert repr(getattr(thing, table)) == before


def test_maps_cannot_be_written_to(names):
    for values in (names["c"].current, names["c"].distance):
        with pytest.raises(ValueError, match="read-only"):
            values.values[0, 0] = 99


def test_every_way_to_be_told_how_far_a_job_is(names):
    land, patches, sites = (names[k] for k in ("land", "patches", "sites"))
    two, three = [], []
    pm.rank(land, patches, sites, progress=lambda done, total: two.append((done, total)))
    pm.rank(land, patches, sites, progress=lambda what, done, total: three.append((what, done, total)))
    assert two[-1][0] == two[-1][1] == len(sites)
    assert [(d, t) for _, d, t in three] == two
    assert {w for w, _, _ in three} == {"rank"}
    with pytest.raises(OptionError, match="A08"):
        pm.rank(land, patches, sites, progress="yes")


@pytest.mark.slow
def test_a_type_checker_sees_a_misspelt_name(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "session.py"
    script.write_text(
        "import permeability as pm\n\nland, patches = pm.samples.tiny()\npm.connectivity(land, patches)\npm.conectivity(land, patches)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent", str(script)],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    wrong = [line for line in done.stdout.splitlines() if "session.py" in line and "error" in line]
    assert len(wrong) == 1, done.stdout
    assert "conectivity" in wrong[0]
    assert ":5:" in wrong[0]


# ---------------------------------------------------------------- grids of things
def test_a_grid_does_not_depend_on_how_an_array_lies(names):
    array, grid = names["array"], names["land"].grid
    for turned in (
        array,
        array.sortby("y"),
        array.sortby("x", ascending=False),
        array.transpose("x", "y"),
        array.to_dataset(),
    ):
        assert pm.Grid.like(turned) == grid


def test_grids_that_cannot_be_are_refused(names):
    array = names["array"]
    with pytest.raises(GridError, match="G12"):
        pm.Grid.like(array.drop_vars(["x", "y"]))
    with pytest.raises(GridError, match="G12"):
        pm.Grid.like(array.isel(x=[0, 1, 3]))
    with pytest.raises(OptionError, match="A11"):
        pm.Grid.like(3)


def test_one_call_equals_the_landscape_of_a_project(tmp_path):
    path = pm.samples.tiny_project(tmp_path / "tiny")
    project = pm.open_project(path)
    known = project.landscape("khulan")
    ground = known.to_xarray()
    land = pm.build_landscape(ground, known.barriers.table, "khulan")
    other_crs = pm.build_landscape(ground, known.barriers.table.to_crs(4326), "khulan")
    flipped = pm.build_landscape(ground.sortby("y"), known.barriers.table[::-1], "Equus hemionus")
    for made in (land, other_crs, flipped):
        a, b = made.edge_barriers(), known.edge_barriers()
        assert made.grid == known.grid
        assert np.array_equal(np.sort(a.cell), np.sort(b.cell))
        assert np.sort(a.cost) == pytest.approx(np.sort(b.cost), rel=1e-6)


def test_the_example_of_the_readme_from_layers_at_hand(monkeypatch, capsys):
    """The ten lines as they stand there, on the layers of the repository."""
    root = Path(__file__).resolve().parents[2]
    text = (root / "README.md").read_text(encoding="utf-8")
    code = next(b for b in re.findall(r"```python\n(.*?)```", text, flags=re.S) if "build_landscape" in b)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(root)
    space = {}
    exec(compile(code, "README.md", "exec"), space)
    ranking = space["ranking"]
    assert len(ranking) == len(ranking.sites) > 20
    assert ranking.best["id"] in capsys.readouterr().out
    assert ranking.best["rank"] == 1


# ---------------------------------------------------------------- things that people bring along
PEERS = (
    "resistance_distance", "commuteDistance", "transition", "costDistance", "accCost", "shortestPath", "passage", "Circuitscape", "advanced", "one_to_all",
    "Omniscape", "run_omniscape", "linkage_mapper", "graphab", "conScape", "rsp", "least_cost_distance", "cost_path", "prioritize", "load",
)  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_names_of_other_programs_are_told_ours(name):
    from permeability.core.guesses import MODULE

    with pytest.raises(AttributeError) as told:
        getattr(pm, name)
    assert f"Did you mean {MODULE[name]}?" in str(told.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda t: t.geometry, "a GeoSeries"), (lambda t: list(t.geometry), "a list"), (lambda t: None, "nothing"),
        (lambda t: t.set_axis(pd.MultiIndex.from_tuples([(c, "") for c in t.columns]), axis=1), "names of 2 levels"),
    ],
    ids=["GeoSeries", "list", "None", "MultiIndex"],
)  # fmt: skip
def test_what_is_no_layer_is_refused_in_words(names, make, told):
    for door in (
        lambda t: pm.build_landscape(names["array"], make(t), "khulan"),
        lambda t: pm.place_patches(make(t), names["land"]),
    ):
        with pytest.raises(OptionError, match=rf"(?s)A14.*{told}.*remedy"):
            door(names["lines"])


def test_rows_of_several_levels_capitals_and_markup_are_taken_as_they_are(names):
    lines, array, ranges = names["lines"], names["array"], names["patches"].table[["id", "geometry"]]
    deep = lines.set_index([pd.Index(["a", "b"], name="p"), pd.Index([1, 2], name="q")])
    loud = lines.rename(columns={"id": "ID", "kind": "KIND", "fence_class": "Fence_Class"})
    for table in (deep, loud):
        assert pm.build_landscape(array, table, "khulan").barriers.lines == names["land"].barriers.lines
    name = 'O\'Brien "<b>x</b>"'
    land = pm.build_landscape(array, lines.assign(id=[name, "S"], line=[name, "S"]), "khulan")
    ranking = pm.rank(land, pm.place_patches(ranges, land), pm.candidates(land, name, length_m=2000))
    assert ranking.best["line"] == name
    assert "<b>x" not in ranking._repr_html_()
    numbered = pm.place_patches(ranges.assign(id=[1, 2]), land)
    assert numbered[1].equals(numbered["1"])


def test_names_are_looked_for_in_a_ranking(names):
    ranking = names["ranking"]
    assert ranking.best["id"] in ranking
    assert "F km 99-100" not in ranking
    with pytest.raises(AttributeError, match=r"Did you mean indexed\.loc"):
        ranking.loc  # noqa: B018


@pytest.mark.parametrize("asked", ["pm.rnak", "pm.samples.tiny()[0].resistanse", "pm.species.khulan"])
def test_a_guess_is_answered_once_in_the_traceback_too(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import permeability as pm\n{asked}"], capture_output=True, text=True
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("AttributeError: ")
    assert last.count("Did you mean") <= 1
