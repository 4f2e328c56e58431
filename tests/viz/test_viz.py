"""Maps and notebook faces: colours that stay apart, the same bytes twice, nothing unescaped."""

import itertools
import re
import runpy

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import REPOSITORY

import permeability as pm
from permeability.core.errors import OptionError
from permeability.locale.language import words
from permeability.viz import style
from permeability.viz.maps import points_along
from permeability.viz.notebook import page, table_html
from permeability.viz.views import connectivity, landscape

HOSTILE = runpy.run_path(str(REPOSITORY / "tests" / "helpers" / "result_sample.py"))["HOSTILE"]

# Machado, Oliveira, Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1.0, on linear RGB
DEFICIENCY = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "none": np.eye(3),
}


def seen(rgb, eye):
    """CIELAB (D65) of sRGB colours 0..255 as an eye sees them, shape (n, 3)."""
    c = np.asarray(rgb, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(DEFICIENCY[eye]).T, 0, 1)
    xyz = (
        linear
        @ np.array(
            [
                [0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041],
            ]
        ).T
    )
    f = xyz / [0.95047, 1.0, 1.08883]
    f = np.where(f > 216 / 24389, np.cbrt(f), (24389 / 27 * f + 16) / 116)
    return np.column_stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])])


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def luminance(colour):
    c = np.array(rgb(colour)) / 255
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("ramp", ["cividis", "YlOrRd_r"])
@pytest.mark.parametrize("eye", list(DEFICIENCY))
def test_sequential_ramp_rises_in_lightness_for_every_eye(eye, ramp):
    light = seen(style.ramp_colours(ramp), eye)[
        ::15, 0
    ]  # 8-bit colours jitter by a tenth of a step from one to the next
    assert (np.diff(light) > 0).all()
    assert light[-1] - light[0] > 60


@pytest.mark.parametrize("eye", list(DEFICIENCY))
def test_ends_of_the_diverging_ramp_stay_apart(eye):
    lab = seen(style.ramp_colours("PuOr"), eye)
    assert np.linalg.norm(lab[20] - lab[235]) > 30
    assert lab[128, 0] > max(lab[20, 0], lab[235, 0]) + 20


@pytest.mark.parametrize("eye", list(DEFICIENCY))
def test_barrier_classes_differ_for_every_eye_by_colour_or_by_dash_and_symbol(eye):
    for a, b in itertools.combinations(style.BARRIER_STYLES.values(), 2):
        lab = seen([rgb(a.colour), rgb(b.colour)], eye)
        by_form = (bool(a.dash), a.symbol) != (bool(b.dash), b.symbol) or a.dash != b.dash
        assert by_form, (a.key, b.key)  # never by colour alone
        if a.colour != b.colour:
            assert np.linalg.norm(lab[0] - lab[1]) > 10, (a.key, b.key, eye)


def test_lines_and_texts_have_contrast_on_paper():
    for colour, least in [
        *((s.colour, 3.0) for s in style.BARRIER_STYLES.values()),
        (style.INK, 7.0),
        (style.PATCH, 4.5),
    ]:
        assert (luminance(style.PAPER) + 0.05) / (luminance(colour) + 0.05) >= least


def test_the_class_of_more_than_a_thousand_vehicles():
    road = {"kind": "road", "standing": True}
    assert style.barrier_key({**road, "vehicles_per_day": 1000.0}) == "road"
    assert style.barrier_key({**road, "vehicles_per_day": 1000.5}) == "road_busy"
    assert style.barrier_key({**road, "vehicles_per_day": float("nan")}) == "road"
    assert style.barrier_key({**road, "vehicles_per_day": 5000, "standing": False}) == "planned"
    assert "1,000" in style.BARRIER_STYLES["road_busy"].legend(words())


def test_scales_place_values_and_leave_nan_transparent():
    scale = style.scale_for("current", np.array([1e-3, 1e-2, 1e-1, np.nan, np.inf]))
    rgba = scale.rgba(np.array([[1e-3, np.nan]]))
    assert rgba[0, 1, 3] == 0
    assert rgba[0, 0, 3] == 255
    for place in (0.0, 0.3, 1.0):
        assert scale.position(np.array(scale.value(place))) == pytest.approx(place)
    assert (
        style.scale_for("difference", np.array([np.nan])).low
        < style.scale_for("difference", np.array([np.nan])).high
    )


def test_pictures_are_the_same_bytes_and_carry_no_program_name():
    rgba = style.scale_for("distance", np.arange(6.0)).rgba(np.arange(6.0).reshape(2, 3))
    one = style.png_bytes(rgba)
    assert one == style.png_bytes(rgba)
    assert b"tEXt" not in one
    assert b"matplotlib" not in one


@pytest.mark.parametrize("colours", [1, 2, 3, 16, 17, 256, 257, 4000])
def test_a_picture_keeps_every_colour_and_how_clear_it_is_with_and_without_a_palette(colours):
    from io import BytesIO

    from PIL import Image

    rng = np.random.default_rng(colours)
    some = rng.choice(2**32, colours, replace=False).astype(np.uint32).view(np.uint8).reshape(-1, 4)
    rgba = some[rng.permutation(np.arange(90 * 70) % colours)].reshape(90, 70, 4)
    data = style.png_bytes(rgba)
    read = Image.open(BytesIO(data))
    assert (read.mode == "P") == (colours <= 256)
    np.testing.assert_array_equal(np.asarray(read.convert("RGBA")), rgba)


def test_large_rasters_are_thinned_by_means_that_ignore_gaps():
    values = np.arange(16.0).reshape(4, 4)
    values[0, 0] = np.nan
    small, step = style.thinned(values, most=2)
    assert step == 2
    np.testing.assert_allclose(small, [[(1 + 4 + 5) / 3, 4.5], [10.5, 12.5]])


# ---------------------------------------------------------------- maps and faces of real objects
@pytest.fixture(scope="module")
def land():
    from permeability.barriers.lines import prepare
    from permeability.landscape.landscape import build
    from permeability.layers.grid import Grid
    from permeability.species import species

    grid = Grid.from_bounds((0, 0, 20_000, 12_000), cell_size=1000, crs="EPSG:32648")
    names = [*HOSTILE[:4]]
    frame = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "c", "d"], "name": names, "line": names, "kind": ["railway", "road", "fence", "fence"],
            "fence_class": ["rail_barbed_both_sides", None, "stock", "border"], "vehicles_per_day": [None, 2000, None, None],
            "fenced": ["yes", "no", "yes", "yes"],
        },
        geometry=[shapely.LineString([(x, -100), (x + 300, 12_100)]) for x in (5_100, 9_200, 14_300, 18_400)], crs="EPSG:32648",
    )  # fmt: skip
    resistance = np.ones(grid.shape)
    resistance[:2, :2] = np.nan
    return build(grid, resistance, prepare(frame), species("khulan"))


def test_map_has_its_furniture_and_escapes_nothing_away(land):
    drawn = landscape.plot(land)
    texts = [t.get_text() for t in drawn.axes.texts] + [
        t.get_text() for t in drawn.axes.get_legend().get_texts()
    ]
    assert any(t.endswith(" km") for t in texts)
    assert "N" in texts
    assert any("EPSG:32648" in t for t in texts)
    assert any("over 1,000 vehicles" in t for t in texts)
    assert "khulan" in drawn.alt
    assert drawn.png(50) == landscape.plot(land).png(50)


def test_map_draws_into_given_axes_in_every_language_without_pyplot(land, recwarn):
    import sys

    from permeability.viz.maps import new_map

    before = "matplotlib.pyplot" in sys.modules
    for language in ("mn", "ru"):
        ax = new_map()
        drawn = landscape.plot(land, ax, language=language)
        assert drawn.axes is ax
        assert drawn.png(40).startswith(
            b"\x89PNG"
        )  # a letter without a glyph would warn, and warnings are errors
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_difference_map_and_refused_choice(land):
    from permeability.viz.maps import plot_difference

    one = land.to_xarray(np.where(land.valid, 1.0, np.nan), "x")
    two = land.to_xarray(np.where(land.valid, np.arange(240.0).reshape(12, 20), np.nan), "x")
    assert plot_difference(one, two, land).png(40).startswith(b"\x89PNG")
    with pytest.raises(OptionError):
        connectivity.plot(None, show="currents")


def test_landscape_face_is_escaped_and_whole(land):
    text = land._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert HOSTILE[2] in text
    assert HOSTILE[3] in text
    assert "&quot;; rm -rf / #" in text
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_connectivity_and_ranking_faces(land):
    from permeability.barriers.scenario import Scenario
    from permeability.impact.comparison import compare
    from permeability.impact.line_by_line import barrier_impact
    from permeability.landscape.patches import place
    from permeability.linkage.patch_pairs import connectivity
    from permeability.ranking.candidate_sites import candidates
    from permeability.ranking.ranking import rank

    boxes = gpd.GeoDataFrame(
        {"id": ["p", HOSTILE[0]], "name": [HOSTILE[0], HOSTILE[2]]},
        geometry=[shapely.box(2_000, 4_000, 4_000, 6_000), shapely.box(11_000, 4_000, 13_000, 6_000)],
        crs="EPSG:32648",
    )
    patches = place(boxes, land)
    found = connectivity(land, patches)
    ranking = rank(land, patches, candidates(land, HOSTILE[0], length_m=6_000))
    faces = [found._repr_html_(), ranking._repr_html_(), barrier_impact(land, patches)._repr_html_()]
    faces.append(compare(land, patches, Scenario(HOSTILE[0]).remove(HOSTILE[0]))._repr_html_())
    for text in faces:
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "data:image/png;base64," in text
        assert not re.search(r">\s*(inf|nan)\s*<", text)
    assert "no path" in faces[0]
    assert found.plot(show="distance").png(40) == found.plot(show="distance").png(40)


def test_tables_put_words_in_place_of_infinity():
    text = table_html(
        pd.DataFrame(
            {
                "gain_mean_resistance": [np.inf],
                "change": [-np.inf],
                "cost_km": [np.inf],
                "ok": [True],
                "name": ["<b>"],
            }
        )
    )
    assert "becomes finite" in text
    assert "no path" in text
    assert "&lt;b&gt;" in text
    assert "inf<" not in text


def test_page_escapes_its_title():
    class Blank:
        alt = '"><script>'

        def png(self, dpi):
            return b""

    assert "<script" not in page("<script>", Blank(), "", pd.DataFrame({"a": [1]}), "")


def test_explore_asks_for_its_extra_or_draws(land):
    from importlib.util import find_spec

    if find_spec("folium") is None or find_spec("mapclassify") is None:
        with pytest.raises(OptionError) as caught:
            landscape.explore(land, tiles="OpenStreetMap")
        assert caught.value.code == "O05"
        assert "explore" in str(caught.value)
    else:
        assert (
            "<script>alert(1)</script>"
            not in landscape.explore(land, tiles="OpenStreetMap").get_root().render()
        )


def test_no_number_of_a_ranking_covers_another():
    """Boxes of the drawn texts, measured: ten sections on 8 km of fence, and the figures of the colour bar."""
    land, patches = pm.samples.tiny()
    drawn = pm.rank(land, patches, pm.candidates(land, "F", length_m=800)).plot()
    drawn.figure.canvas.draw()
    numbers = [t for t in drawn.axes.texts if t.get_text().isdigit() and t.get_fontweight() == "bold"]
    assert {t.get_text() for t in numbers} == {str(n) for n in range(1, 11)}
    figures = [t for bar in drawn.axes.child_axes for t in bar.get_xticklabels() if t.get_text()]
    for texts in (numbers, figures):
        boxes = [t.get_window_extent() for t in texts]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_points_along_a_line_are_those_of_shapely():
    rng = np.random.default_rng(3)
    for n in (2, 3, 40):
        corners = rng.normal(0.0, 1e5, (n, 2)).cumsum(axis=0)
        line = shapely.LineString(np.repeat(corners, rng.integers(1, 3, n), axis=0))  # some corners twice
        ends = np.cumsum(np.hypot(*np.diff(shapely.get_coordinates(line), axis=0).T))
        at = np.minimum(
            np.concatenate((rng.uniform(0, line.length, 99), [0, line.length], ends)), line.length
        )
        expected = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
        np.testing.assert_allclose(points_along(line, at), expected, rtol=0, atol=1e-9)
