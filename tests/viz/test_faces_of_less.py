"""Maps and faces of results that hold less than most: no place, no path, no number, one species too many."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import permeability as pm
from permeability.core.errors import OptionError
from permeability.engines.circuit import pairwise
from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall
from permeability.linkage.patch_network import patch_network
from permeability.linkage.paths import least_cost_paths
from permeability.locale.language import words
from permeability.telemetry import read_tracks
from permeability.viz.explore import on_web_map, picture_on_web_map
from permeability.viz.forest import BAD, GOOD, forest
from permeability.viz.furniture import draw_frame
from permeability.viz.ground import Ground
from permeability.viz.maps import new_map
from permeability.viz.paper_labels import keep_free, write_beside
from permeability.viz.saving import as_dataset
from permeability.viz.screen_map import ScreenMap
from permeability.viz.style import round_values
from permeability.viz.view import Contents
from permeability.viz.views import VIEWS, comparison, network, paths, pilots
from permeability.viz.views import pairwise as pairwise_view
from permeability.viz.views import run as run_view
from permeability.viz.ways import map_of_ways, points_on_web_map, ways

TR = words()


@pytest.fixture(scope="module")
def tiny():
    return pm.samples.tiny()


@pytest.fixture(scope="module")
def found(tiny):
    land, patches = tiny
    return SimpleNamespace(
        ranking=None, connectivity=pm.connectivity(land, patches), land=land, impact=SimpleNamespace(said=())
    )


def run_of(*names, found):
    about = SimpleNamespace(name="Study", statement=None)
    project = SimpleNamespace(spec=SimpleNamespace(project=about))
    return SimpleNamespace(species=dict.fromkeys(names, found), folder=None, project=project)


def nowhere(call, *arguments):
    with pytest.raises(OptionError, match="nothing with a place") as caught:
        call(*arguments)
    return caught.value.code == "O06"


def layers(drawn):
    return [layer.label for layer in drawn.layers if hasattr(layer, "label")]


# ---------------------------------------------------------------- runs
def test_a_run_that_ranked_nothing_shows_its_current_and_its_barriers(found):
    run = run_of("khulan", found=found)
    assert run_view.plot(run).alt == found.connectivity.plot().alt
    assert layers(run_view.explore(run)) == layers(VIEWS["landscape"].explore(found.land))


@pytest.mark.parametrize(("many", "more"), [(3, ""), (5, "2 more species: run.species[name]")])
def test_a_face_shows_a_few_species_and_counts_the_rest(found, many, more):
    text = run_view.html(run_of(*"abcde"[:many], found=found))
    assert text.count(f"<summary>{found.land.profile.name('en')}</summary>") == 3
    assert ("more species" in text) == bool(more)
    assert more in text


# ---------------------------------------------------------------- results without a place
def test_resistances_alone_are_a_table_and_no_map():
    result = pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)], current=None)
    with pytest.raises(OptionError, match="holds no map") as caught:
        pairwise_view.plot(result)
    assert caught.value.code == "O06"
    text = result._repr_html_()
    assert "<img" not in text
    assert "<table" in text
    mapped = pairwise([[1.0, 1.0, 1.0]], [(0, 0), (0, 2)])
    assert "<img" in mapped._repr_html_()


def test_maps_of_arrays_have_rows_and_columns_and_no_coordinates():
    result = wall_to_wall(np.ones((6, 8)))
    maps = as_dataset(result)
    assert maps["values"].dims == ("y", "x")
    assert not maps.coords
    np.testing.assert_array_equal(maps["values"], result.current)


def test_what_has_no_coordinate_system_is_not_put_on_a_web_map(tiny):
    land, _ = tiny
    points = gpd.GeoDataFrame({"v": [1.0]}, geometry=[shapely.Point(1, 1)])
    assert nowhere(on_web_map, points)
    bare = SimpleNamespace(crs=None)
    assert nowhere(picture_on_web_map, Contents(values=land.resistance, grid=bare), "habitat", {})
    assert nowhere(picture_on_web_map, Contents(values=land.resistance), "habitat", {})
    assert isinstance(
        picture_on_web_map(Contents(values=land.resistance, grid=land.grid), "habitat", {}), ScreenMap
    )


def test_paths_links_and_places_that_are_none_add_nothing(tiny):
    land, patches = tiny
    bare = land.without_barriers()
    found = least_cost_paths(bare, patches)
    assert layers(paths.explore(found))[-1] == "Least-cost paths"
    none = replace(found, table=found.table.iloc[:0])
    assert layers(paths.explore(none)) == layers(paths.explore(found))[:-1]
    same = pm.compare(land, patches, pm.Scenario("same"))
    assert "Place of an intervention" not in layers(comparison.explore(same))
    opened = pm.compare(land, patches, pm.Scenario("open").remove("F", km=(2, 4)))
    assert layers(comparison.explore(opened))[-1] == "Place of an intervention"


def test_a_network_without_links_has_no_place_to_show(tiny):
    land, patches = tiny
    assert nowhere(network.explore, patch_network(land, patches))
    assert isinstance(network.explore(patch_network(land.without_barriers(), patches)), ScreenMap)


def test_pilots_of_a_profile_alone_are_a_table_of_numbers():
    seen = [{"number": "structures.gap_50_500m", "crossed": 0, "met": 10, "animals": 10}]
    done = pm.monitoring.update(pm.species("khulan"), seen)
    assert nowhere(pilots.explore, done)
    held = pilots.contents(done)
    pd.testing.assert_frame_equal(held.table, pd.DataFrame(done.numbers))
    assert not held.places


def test_a_shape_that_is_empty_has_a_row_and_is_not_drawn():
    shapes = [shapely.Point(0, 0), shapely.Point(), shapely.Point(5000, 5000)]
    frame = gpd.GeoDataFrame({"name": ["one", "two", "three"]}, geometry=shapes, crs=32648)
    page, two = (on_web_map(f, tooltip=["name"]).html() for f in (frame, frame.iloc[[0, 2]]))
    assert page.count("h0.001") == two.count("h0.001") > 0
    assert all(page.count(f">{name}<") for name in frame["name"])


def test_a_rank_without_room_stays_in_the_table():
    many = 40
    shapes = [shapely.Point(0, 0), *[shapely.Point(5000, 5000)] * (many - 1)]
    frame = gpd.GeoDataFrame({"rank": range(1, many + 1)}, geometry=shapes, crs=32648)
    page = on_web_map(frame, tooltip=["rank"], numbers="rank").html()
    assert page.count("data-site=") >= many
    assert 1 <= page.count('class="rank"') < 10


# ---------------------------------------------------------------- parts of a map
def test_a_text_without_room_is_not_written():
    ax = new_map()
    ax.set_xlim(0, 90_000)
    ax.set_ylim(0, 45_000)
    assert write_beside(ax, 10_000, 30_000, "Choir", 7.0)
    keep_free(ax, 45_000, 22_000, 5000.0)
    assert not write_beside(ax, 60_000, 10_000, "Airag", 7.0)
    assert [t.get_text() for t in ax.texts] == ["Choir"]


def test_a_ground_without_cells_leaves_the_frame_as_it_is():
    ax = new_map()
    before = ax.get_xlim(), ax.get_ylim()
    draw_frame(ax, Ground((0, 0, 9000, 9000), np.zeros((3, 3), bool), "", None))
    assert (ax.get_xlim(), ax.get_ylim()) == before
    draw_frame(ax, Ground((0, 0, 9000, 9000), np.ones((3, 3), bool), "", None))
    assert ax.get_xlim()[1] > 9000


def test_round_values_between_equal_ends_are_that_value():
    assert round_values(5.0, 5.0, 4) == [5.0]
    assert round_values(5.0, 5.0, 4, "log") == [5.0]


def test_a_forest_draws_what_is_known_of_each_group():
    nan, inf = np.nan, np.inf
    table = pd.DataFrame({
        "group": ["whole", "open", "never", "weak"], "usable": [True, True, True, False],
        "km_low": [1.0, 2.0, nan, 1.0], "km": [2.0, inf, nan, 3.0], "km_high": [4.0, inf, nan, 5.0],
    })  # fmt: skip
    ax = forest(table, "km", "Costs", "km", None, TR).axes
    bars = {round(float(b.get_ydata()[0])): b for b in ax.lines if len(b.get_xdata()) == 2}
    assert {i: b.get_color() for i, b in bars.items()} == {0: GOOD, 1: GOOD, 3: BAD}
    right = ax.get_xlim()[1]
    assert right == pytest.approx(5 * 1.08)
    assert tuple(bars[1].get_xdata()) == (2.0, right)
    marks = {m: [int(b.get_ydata()[0]) for b in ax.lines if b.get_marker() == m] for m in ("o", ">")}
    assert marks == {"o": [0, 3], ">": [1]}


# ---------------------------------------------------------------- ways
def tracks(simulated):
    rows = pd.DataFrame({
        "animal": ["a"] * 3 + ["b"], "time": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-01"], utc=True),
        "x": [0.0, 500.0, 900.0, 0.0], "y": [0.0, 9.0, 400.0, 0.0],
    })  # fmt: skip
    return read_tracks(rows, crs=32648, simulated=simulated)


@pytest.mark.parametrize("simulated", [False, True])
def test_only_simulated_ways_are_marked_so_and_one_fix_is_no_way(simulated):
    given = tracks(simulated)
    assert ways(given)["animal"].tolist() == ["a"]
    drawn = map_of_ways(given, None, "Ways", None, TR)
    titles = [drawn.axes.get_title(loc) for loc in ("left", "center", "right")]
    assert any("simulated: no animal walked them" in t for t in titles) == simulated
    assert any(t.startswith("Ways") for t in titles)


def test_no_crossings_are_not_put_on_a_web_map():
    assert nowhere(points_on_web_map, gpd.GeoDataFrame({"v": []}, geometry=[], crs=32648), "v", {})
