"""Maps as pictures for paper, layer by layer: what a figure holds is on the sheet in its colour, and in the key in words."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import shapely
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from permeability.locale.language import words
from permeability.viz import svg
from permeability.viz.paper_figures import _entries, figure_png

FRAME = svg.Frame(0.0, 0.0, 90_000.0, 60_000.0)
WAY, PATCH = "#6a3d9a", "#004d40"
LINE = FRAME.path([shapely.LineString([(10_000, 40_000), (70_000, 40_000)])])
AT = {"x": "60", "y": "45", "anchor": "start", "far": False}


def figure(**layers):
    return svg.base(FRAME, "Map", "A map.", "", "map", words()) | layers


def seen(drawn):
    return imread(BytesIO(figure_png(drawn, words(), dpi=100)))[..., :3]


def changed(drawn, bare=None):
    """How many points of the map itself, without its key beneath, a layer changes."""
    one, two = seen(drawn), seen(figure() if bare is None else bare)
    high = min(len(one), len(two)) * 4 // 5
    return int((np.abs(one[:high] - two[:high]).max(axis=2) > 0.2).sum())


def of_colour(picture, colour):
    return int((np.abs(picture - np.array(to_rgb(colour))).max(axis=2) < 0.15).sum())


def key(drawn):
    return [text for _, text in _entries(drawn, words())]


def test_an_empty_map_has_no_key():
    assert key(figure()) == []


def test_a_range_is_outlined_and_named():
    drawn = figure(ranges=FRAME.path([shapely.box(10_000, 10_000, 70_000, 50_000)]))
    assert key(drawn) == ["Range"]
    assert changed(drawn) > 300


def test_ways_of_animals_are_drawn_with_their_crossings_and_the_mark_of_simulated_ones():
    way = {"d": LINE, "mark": "", "x": "2", "y": "3", "spots": []}
    bare, crossed = (figure(tracks=way | {"spots": s}) for s in ([], [{"x": "40", "y": "20"}]))
    marked = figure(tracks=way | {"mark": "SIMULATED"})
    assert key(bare) == ["Way of an animal; crossing"]
    assert of_colour(seen(bare), WAY) > of_colour(seen(figure()), WAY) + 20
    assert changed(crossed, bare) > 10
    assert changed(marked, bare) > 50


def test_measures_are_drawn_long_as_stretches_short_as_circles():
    long, short = ({"d": LINE, "spots": []}, {"d": "", "spots": [{"x": "40", "y": "30"}]})
    for measures in (long, short):
        drawn = figure(measures=measures)
        assert key(drawn) == ["Opened or treated stretch; crossing structure"]
        assert changed(drawn) > 20
    assert changed(figure(measures=long)) > 5 * changed(figure(measures=short))


def patch(**changes):
    return {"name": "West", "short": "West", "x": "30", "y": "20", "point": True, "at": AT, "d": ""} | changes


def test_a_patch_is_a_spot_or_an_area_and_a_far_name_has_its_leader():
    nameless = figure(patches=[patch(short="")])
    assert of_colour(seen(nameless), PATCH) > 5
    named, far = (figure(patches=[patch(at=AT | {"far": f})]) for f in (False, True))
    assert changed(named, nameless) > 20
    assert changed(far, named) > 30
    ring = FRAME.path([shapely.box(10_000, 10_000, 40_000, 40_000)])
    assert of_colour(seen(figure(patches=[patch(point=False, d=ring)])), PATCH) > 100


@pytest.mark.parametrize(("label", "far", "more"), [("", False, 0), ("1", False, 5), ("1", True, 60)])
def test_the_rank_of_a_section_stands_by_it_and_a_far_one_has_its_leader(label, far, more):
    section = {
        "d": LINE, "colour": "#d7191c", "label": label, "far": far, "x": "50", "y": "50", "anchor": "start", "middle_x": "20", "middle_y": "20",
    }  # fmt: skip
    drawn, bare = figure(sections=[section]), figure(sections=[section | {"label": ""}])
    assert of_colour(seen(drawn), "#d7191c") > 100
    assert (changed(drawn, bare) > more) == (more > 0)
