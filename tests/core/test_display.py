"""Every result shows itself: in a notebook, as a map, on a web map, in a file; nothing unescaped, nothing large."""

from __future__ import annotations

import contextlib
import copy
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import xarray as xr

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.display import Face, lock
from permeability.core.errors import OptionError
from permeability.engines.circuit import pairwise
from permeability.engines.omnidirectional import omnidirectional
from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.barrier_score import barrier_score
from permeability.linkage.corridors import least_cost_corridors
from permeability.linkage.patch_network import patch_network
from permeability.linkage.paths import least_cost_paths
from permeability.ranking.settling import Settled
from permeability.species import species
from permeability.viz import explore
from permeability.viz.maps import Map, new_map
from permeability.viz.view import Contents, View
from permeability.viz.views import VIEWS

HOSTILE = "<script>alert(1)</script>"
SNEAKY = "<img src=x onerror=alert(1)>"
MOST_BYTES = 300_000
ON_A_MAP = (
    "landscape", "patches", "connectivity", "impact", "comparison", "ranking", "plan", "run", "paths", "network", "corridors",
    "score", "omnidirectional", "tracks", "crossings", "encounters", "water_access",
)  # fmt: skip
CHARTS = (
    "sample_size", "pilot_update", "information", "indicators", "form", "protconn", "protconn_by_country", "country_split", "country_gains",
)  # fmt: skip


def monitored(land: pm.Landscape, patches: pm.Patches, folder: Path) -> list[Any]:
    """Designs, pilots, what knowing more is worth, indicators and a form, of sections and places with hostile names."""
    gap = pm.Estimate(0.1, 0.4, 0.9)
    sites = pm.rank(land, patches, pm.candidates(land, HOSTILE, length_m=2000, chance=gap), draws=150)
    name = str(sites.table["id"].iloc[0])
    met = [{"site": name, "crossed": 1, "met": 4}]
    run = pm.samples.tiny_project(folder / "tiny")
    run.write_text(
        run.read_text(encoding="utf-8").replace("Two patches and a fence", HOSTILE), encoding="utf-8"
    )
    results = pm.run_project(run, folder / "results", report=False).folder
    m = pm.monitoring
    return [
        m.design(0.05, 0.6, effort=20, draws=200), m.update(sites, met), m.value_of_information(sites, met), m.indicators(results),
        m.report_tables(results, "cami"),
    ]  # fmt: skip


def by_countries(land: pm.Landscape, patches: pm.Patches, sites: pm.Ranking) -> list[Any]:
    """Protected land, indices and gains of countries with hostile names, and water."""
    boxes = [shapely.box(0, 0, 6000, 8000), shapely.box(6000, 0, 12_000, 8000)]
    lands = gpd.GeoDataFrame({"name": [HOSTILE, SNEAKY]}, geometry=boxes, crs=land.grid.crs)
    kernel, countries = pm.metrics.MovementKernel(1000), pm.country_map(land.grid, lands)
    spring = gpd.GeoDataFrame({"id": [HOSTILE]}, geometry=[shapely.Point(5500, 4500)], crs=land.grid.crs)
    return [
        pm.protconn(patches.table, kernel, lands), pm.protconn_by_country(patches.table, kernel, lands), pm.by_country(land, patches, countries),
        pm.country_gains(sites, countries), pm.water_access(land, spring, radius_m=2000),
    ]  # fmt: skip


def new_lines(bare: pm.Landscape, patches: pm.Patches) -> list[Any]:
    """What a new line would take, no-go areas, routes, and lines of hostile names side by side."""
    damage = pm.damage_map(bare, patches, "stock_fence")
    ends = ((6000, 0), (6000, 8000))
    found = pm.route(bare, patches, *ends, "stock_fence", edge_cells=0, n_starts=2)
    lines = {f"{HOSTILE} 2": shapely.LineString(ends)}
    park = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2000, 2000)], crs=bare.grid.crs)
    return [
        damage,
        pm.no_go(damage, layers={SNEAKY: park}),
        found,
        pm.compare_alternatives(lines, bare, patches, "stock_fence"),
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of every kind; layers, places and scenarios bear names that would run as HTML."""
    tiny, _ = pm.samples.tiny()
    lines = tiny.barriers.table[["id", "kind", "fence_class", "geometry"]].assign(name=[HOSTILE, SNEAKY])
    lines["id"] = lines["line"] = [HOSTILE, SNEAKY]
    land = build(tiny.grid, tiny.resistance, prepare(lines), species("khulan"))
    boxes = [shapely.box(1000, 3000, 3000, 5000), shapely.box(9000, 3000, 11000, 5000)]
    patches = place(
        gpd.GeoDataFrame(
            {"id": [SNEAKY, HOSTILE], "name": [HOSTILE, SNEAKY]}, geometry=boxes, crs=land.grid.crs
        ),
        land,
    )
    plan = pm.Scenario(HOSTILE).remove(HOSTILE, km=(2, 6)).treat(HOSTILE, km=7, treatment="gap", width_m=50)
    ranking = pm.rank(land, patches, pm.candidates(land, HOSTILE, length_m=2000))
    bare = land.without_barriers()
    project = pm.samples.tiny_project(tmp_path_factory.mktemp("faces") / "tiny")
    project.write_text(
        project.read_text(encoding="utf-8").replace("Two patches and a fence", HOSTILE), encoding="utf-8"
    )
    found = [
        land, patches, pm.connectivity(land, patches), pm.barrier_impact(land, patches), pm.compare(land, patches, plan), ranking,
        pm.portfolio(ranking, 6000), pm.run_project(project), least_cost_paths(bare, patches), patch_network(bare, patches),
        least_cost_corridors(bare, patches), barrier_score(land, patches, 1000.0), omnidirectional(land, radius=3),
        wall_to_wall(land), pairwise(land.resistance, patches.labels), *from_tracks(), unsettled(),
        *new_lines(bare, patches), *monitored(land, patches, tmp_path_factory.mktemp("monitored")), *by_countries(land, patches, ranking),
    ]  # fmt: skip
    return {r._face: r for r in found}


def unsettled() -> Settled:
    gains = {h: np.random.default_rng(1).random((3, 4)) for h in (1000.0, 500.0)}
    return Settled.of(HOSTILE, [HOSTILE, SNEAKY, "c", "d"], [2000.0] * 4, gains)


def from_tracks() -> list[Any]:
    tracks, barriers = pm.telemetry.samples.herd(2, 30)
    tracks = replace(tracks, animals=(HOSTILE, SNEAKY), source=HOSTILE)
    named = barriers.table.assign(line=[HOSTILE, *barriers.table["id"][1:]])
    barriers = prepare(named)
    t, grid = pm.telemetry, pm.Grid.from_bounds((-60_000, -60_000, 60_000, 60_000), cell_size=2000, crs=32648)
    return [
        tracks, t.crossings(tracks, barriers), t.encounters(tracks, barriers), t.crossing_cost(tracks, barriers, placebos=0),
        t.step_selection(tracks, barriers, placebos=0, by="line"),
        t.validate((-np.hypot(*np.meshgrid(grid.x, grid.y)), grid), tracks, barriers, sections_m=500, draws=20, shifts=9),
    ]  # fmt: skip


def faces() -> set[str]:
    """Names of all classes with a face."""
    todo, found = list(Face.__subclasses__()), set()
    while todo:
        cls = todo.pop()
        todo += cls.__subclasses__()
        if hasattr(cls, "_face"):
            found.add(cls._face)
    return found


def test_every_class_with_a_face_is_tried(results: dict[str, Any]) -> None:
    assert faces() == set(results) == set(VIEWS)


def test_a_new_kind_of_result_is_one_row_of_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Hopes:
        def __init__(self, words: list[str]) -> None:
            self.words = words

        _face = "hopes"
        _view, _repr_html_, plot, explore, save = (
            vars(Face)[n] for n in ("_view", "_repr_html_", "plot", "explore", "save")
        )

    def plot(hopes: Hopes, ax: Any = None) -> Map:
        drawn = new_map() if ax is None else ax
        drawn.set_title(", ".join(hopes.words))
        return Map(drawn.figure, drawn, "Hopes.")

    shown = View(
        plot,
        lambda hopes: f"<ul>{len(hopes.words)}</ul>",
        lambda hopes, **options: (hopes.words, options),
        lambda hopes: Contents(pd.DataFrame({"hope": hopes.words})),
    )
    monkeypatch.setitem(VIEWS, "hopes", shown)
    hopes: Any = Hopes(["rain", "grass"])
    assert hopes._repr_html_() == "<ul>2</ul>"
    assert hopes.plot().axes.get_title() == "rain, grass"
    assert hopes.explore(tiles=None) == (["rain", "grass"], {"tiles": None})
    assert hopes.save(tmp_path / "hopes.csv").read_text(encoding="utf-8-sig").split() == [
        "hope",
        "rain",
        "grass",
    ]
    assert hopes.save(tmp_path / "hopes.png").read_bytes()[:4] == b"\x89PNG"
    assert kinds(hopes, tmp_path) == {".png", ".pdf", ".svg", ".html", ".csv", ".xlsx", ".parquet"}


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *ON_A_MAP,
            *CHARTS,
            "pairwise",
            "wall_to_wall",
            "crossing_costs",
            "step_selection",
            "validation",
            "settled",
        }
    ),
)
def test_notebook_face(results: dict[str, Any], name: str) -> None:
    text = results[name]._repr_html_()
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "data:image/png;base64," in text
    assert "<table" in text
    assert re.findall(r"https?://", text.replace("https://doi.org", "")) == []
    assert not re.search(r">\s*(inf|nan|None)\s*<", text)
    assert len(text.encode()) < MOST_BYTES
    assert 0 < len(repr(results[name])) < 4000


@pytest.mark.parametrize("name", sorted({*ON_A_MAP, "pairwise", "wall_to_wall"}))
@pytest.mark.parametrize("language", ["en", "mn"])
def test_plot_has_title_scale_and_place(results: dict[str, Any], name: str, language: str) -> None:
    drawn = results[name].plot(language=language)
    texts = [t.get_text() for t in drawn.axes.texts]
    assert drawn.axes.get_title(loc="left")
    bar = {"en": r"^[\d.]+ (km|cells)$", "mn": r"^[\d.,]+ \w+$"}[language]
    assert any(re.match(bar, t) for t in texts)
    north = {"en": "N", "mn": "Х"}[language]
    assert (north in texts) == (name not in ("pairwise", "wall_to_wall"))
    assert drawn.alt
    assert drawn.png(40)[:4] == b"\x89PNG"


def test_a_plot_is_drawn_into_axes_of_ones_own(results: dict[str, Any]) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert results["patches"].plot(ax=axes).axes is axes


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_every_plot_takes_axes_title_size_colours_and_labels(results: dict[str, Any], name: str) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    drawn = results[name].plot(ax=axes, title="Which first?", figsize=(5, 4), cmap="magma", labels=False)
    assert drawn.axes is axes
    titles = [axes.get_title(loc=where) for where in ("left", "center", "right")]
    assert [t for t in titles if t] == ["Which first?"]
    assert tuple(axes.figure.get_size_inches()) == (5, 4)
    with pytest.raises(OptionError, match="O01"):
        results[name].plot(cmap="magmaa")
    with pytest.raises(OptionError, match="A09"):
        results[name].plot(axes)


def test_rows_are_found_by_what_one_asks_for() -> None:
    land, patches = pm.samples.tiny()
    links = pm.connectivity(land.without_barriers(), patches)
    assert links["W", "E"].equals(links["E", "W"])
    assert links["W", "E"]["cost_km"] == links.pairs["cost_km"].item()
    impact = pm.barrier_impact(land, patches)
    assert impact["F"].equals(impact.lines[impact.lines["line"] == "F"].iloc[0])
    assert impact.indexed.loc["F", "alone_pairs_apart"] == impact["F"]["alone_pairs_apart"]
    for result, wrong in ((links, ("W", "Ee")), (links, "W"), (links, ("W", "W")), (impact, "f")):
        with pytest.raises(KeyError, match=r"W|F|f"):
            result[wrong]  # type: ignore[index]


def test_colours_and_labels_that_are_asked_for_are_drawn(results: dict[str, Any]) -> None:
    plain, other = (results["connectivity"].plot(cmap=c).png(40) for c in (None, "magma"))
    assert plain != other
    assert results["connectivity"].plot(cmap="cividis").png(40) == plain  # the one of currents by default
    texts = {
        labels: {t.get_text() for t in results["patches"].plot(labels=labels).axes.texts}
        for labels in (True, False)
    }
    assert len(texts[True] - texts[False]) == len(results["patches"].table)
    assert results["connectivity"].plot().png(40) == plain  # what was asked holds for one drawing


@pytest.mark.parametrize("name", [*ON_A_MAP, "pilot_update"])
def test_web_map_has_no_background_and_no_tag_of_a_name(results: dict[str, Any], name: str) -> None:
    page = results[name].explore().html()
    assert not re.search(r"https?:", page)
    assert HOSTILE not in page
    assert "onerror=alert(1)>" not in page


@pytest.mark.parametrize(
    "name", ["pairwise", "wall_to_wall", "settled", *(c for c in CHARTS if c != "pilot_update")]
)
def test_arrays_have_no_web_map(results: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError, match="O06"):
        results[name].explore()


def test_the_extra_is_named_when_it_is_missing(
    results: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore, "find_spec", lambda name: None)
    for name in ("landscape", "corridors"):
        with pytest.raises(OptionError, match=r"O05(.|\n)*\[explore\]"):
            results[name].explore(tiles="OpenStreetMap")


@pytest.mark.parametrize("name", [*CHARTS, "water_access"])
@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_charts_speak_the_readers_language(results: dict[str, Any], name: str, language: str) -> None:
    drawn = results[name].plot(language=language)
    title = drawn.axes.get_title(loc="left")
    assert title
    if language != "en" and name != "form":  # the language of a form is that of its table
        assert re.search("[а-яА-Я]", title)
    assert drawn.png(40)[:4] == b"\x89PNG"


def test_files(results: dict[str, Any], tmp_path: Path) -> None:
    ranking, today = results["ranking"], results["connectivity"]
    table = pd.read_csv(ranking.save(tmp_path / "sites.csv"))
    assert table["id"].tolist() == ranking.table["id"].tolist()
    assert (
        pyogrio.read_dataframe(ranking.save(tmp_path / "s.gpkg"), layer="sites").geometry.length.sum()
        == 8000.0
    )
    values, _ = pm.io.read_raster(today.save(tmp_path / "current.tif"), today.land.grid)
    np.testing.assert_allclose(values, today.current.to_numpy(), rtol=1e-6)
    assert results["paths"].save(tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OptionError, match=r"O07(.|\n)*\.png, .*\.csv"):
        results["pairwise"].save(tmp_path / "x.tif")
    assert not (tmp_path / "x.tif").exists()


def kinds(result: Any, folder: Path) -> set[str]:
    """Kinds of file that a result can be saved as, by what it says when refused."""
    with pytest.raises(OptionError, match="O07") as caught:
        result.save(folder / "result.pptx")
    return set(re.findall(r"\.[a-z]+", str(caught.value.remedy)))


@pytest.mark.parametrize("name", sorted({*ON_A_MAP, *CHARTS, "pairwise", "wall_to_wall"}))
def test_every_result_is_written_as_it_says(results: dict[str, Any], name: str, tmp_path: Path) -> None:
    can = kinds(results[name], tmp_path)
    assert ".png" in can
    for end in can:
        assert results[name].save(tmp_path / f"result{end}").stat().st_size > 0
    assert len(list(tmp_path.iterdir())) == len(can)


# ---------------------------------------------------------------- results as objects
def test_every_result_travels(results: dict[str, Any]) -> None:
    """Through pickle and deepcopy, and says the same on the other side."""
    for thing in results.values():
        assert repr(pickle.loads(pickle.dumps(thing))) == repr(thing)
        assert repr(copy.deepcopy(thing)) == repr(thing)


def test_no_result_can_be_changed(results: dict[str, Any]) -> None:
    """Its attributes are set once; what it hands out is locked, or a copy that it does not look at again."""
    held = 0
    for face, thing in results.items():
        for name in shown(thing):
            value = getattr(thing, name)
            with pytest.raises((AttributeError, TypeError)):
                setattr(thing, name, value)
            before = kept(getattr(thing, name))
            if not spoil(value):
                continue
            held += 1
            assert kept(getattr(thing, name)) == before, f"{face}.{name} was changed"
    assert held > 60


def shown(thing: Any) -> list[str]:
    """Public attributes that hold something."""
    found = []
    for name in dir(thing):
        if name[0] != "_" and not callable(getattr(type(thing), name, None)):
            with contextlib.suppress(OptionError, AttributeError):
                getattr(thing, name)
                found.append(name)
    return found


def kept(value: Any) -> Any:
    """A value as something to compare."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, xr.DataArray):
        return value.values.tobytes()
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if isinstance(value, dict):
        return {k: kept(v) for k, v in value.items()}
    return [kept(v) for v in value] if isinstance(value, list) else repr(value)


def spoil(value: Any) -> bool:
    """Try to change a value in place; whether there was anything to try."""
    if isinstance(value, xr.DataArray):
        value = value.values
    if isinstance(value, np.ndarray):
        with pytest.raises(ValueError, match="read-only"):
            value[...] = value
        return True
    if isinstance(value, pd.DataFrame):
        value["note"] = 1
        return True
    if isinstance(value, dict):
        for part in [v for v in value.values() if isinstance(v, (np.ndarray, dict, list))]:
            spoil(part)
        value["note"] = 1
        return True
    if isinstance(value, list):
        value.append("note")
        return True
    return False


def test_an_array_that_somebody_gave_stays_his_own() -> None:
    """Only what is handed out is locked."""
    mine = np.ones((6, 6))
    found = pm.omnidirectional(mine, radius=2)
    assert not found.current.flags.writeable
    mine[0, 0] = 3.0
    assert mine[0, 0] == 3.0


ROWS = {  # kind of result -> what one asks for
    "ranking": "name", "connectivity": "pair", "impact": "name", "comparison": "name", "paths": "pair", "network": "pair", "corridors": "pair",
    "step_selection": "name", "crossing_costs": "name", "pairwise": "pair", "routes": "name", "line_options": "name",
}  # fmt: skip


@pytest.mark.parametrize("face", sorted(ROWS))
def test_rows_are_counted_walked_and_found_by_name(results: dict[str, Any], face: str) -> None:
    thing = results[face]
    rows = list(thing)
    assert len(thing) == len(rows) > 0
    assert bool(thing)
    asked = type(thing)._asked
    assert len(asked) == (2 if ROWS[face] == "pair" else 1)
    last = rows[-1]
    names = tuple(last[c] for c in asked)
    found = thing[names if len(names) > 1 else names[0]]
    pd.testing.assert_series_equal(found, last, check_names=False)
    assert thing.indexed.index.names == list(asked)
    if len(names) > 1:
        pd.testing.assert_series_equal(thing[names[::-1]], last, check_names=False)
    with pytest.raises(KeyError, match="nothing of the kind"):
        thing["nothing of the kind"]


def test_maps_of_results(results: dict[str, Any]) -> None:
    """Every result gives its maps as a Dataset, or says in words that it has none."""
    with_maps = {face for face, thing in results.items() if has_map(thing)}
    with_map = {
        "landscape",
        "connectivity",
        "corridors",
        "score",
        "omnidirectional",
        "wall_to_wall",
        "damage",
    }
    assert with_map <= with_maps
    assert not with_maps & {"ranking", "plan", "run", "impact", "routes"}


def has_map(thing: Any) -> bool:
    with contextlib.suppress(NoMap):
        return bool(len(_maps(thing)))
    return False


class NoMap(Exception):
    """The coded refusal A13."""


def _maps(thing: Any) -> Any:
    try:
        return thing.to_xarray()
    except OptionError as refusal:
        if refusal.code == "A13":
            raise NoMap from refusal
        raise


def test_what_is_handed_out_cannot_be_written_to() -> None:
    values = np.zeros(2)
    lock(values)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1
    lock(shown := [1, 2])  # no array: it stays as it is
    shown[0] = 3
    assert shown == [3, 2]
