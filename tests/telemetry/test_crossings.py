"""Crossings: what counts, what does not, and what the count must not depend on."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import OptionError
from permeability.telemetry import crossings, read_tracks
from permeability.telemetry.line_classes import groups
from permeability.telemetry.line_index import LineIndex, joined_spans
from permeability.telemetry.tracks import Tracks


def walk(places: list[tuple[float, float]], step: str = "1h") -> Tracks:
    x, y = np.asarray(places, float).T
    when = pd.date_range("2024-01-01", periods=len(x), freq=step, tz="UTC")
    return read_tracks(pd.DataFrame({"animal": "a", "time": when, "x": x, "y": y}), crs=32648)


def lines(*shapes: shapely.Geometry, **columns: object) -> Barriers:
    ids = [f"L{i}" for i in range(len(shapes))]
    return prepare(
        gpd.GeoDataFrame({"id": ids, "kind": "fence", **columns}, geometry=list(shapes), crs=32648)
    )


FENCE = shapely.LineString([(0, -5000), (0, 5000)])


def count(places: list[tuple[float, float]], barriers: Barriers | None = None, **options: float) -> int:
    return len(crossings(walk(places), barriers or lines(FENCE), **options))


def test_straight_through_is_one() -> None:
    assert count([(-500, 1), (500, 1)]) == 1


def test_walk_along_with_fixes_on_both_sides_is_none() -> None:
    along = [(-500, 1), *((12 * (-1) ** i, 100.0 * i) for i in range(1, 12)), (-500, 1200)]
    found = crossings(walk(along), lines(FENCE))
    assert len(found) == 0
    assert found.along == 1


def test_walk_along_that_ends_on_the_other_side_is_one() -> None:
    along = [(-500, 1), *((12 * (-1) ** i, 100.0 * i) for i in range(1, 12)), (500, 1200)]
    assert count(along) == 1


def test_there_and_back_is_two_when_the_other_side_was_left() -> None:
    assert count([(-500, 0), (500, 3), (-500, 5)]) == 2
    assert count([(-500, 0), (10, 3), (-500, 5)]) == 0


def test_a_track_that_begins_at_the_fence_is_not_counted_but_told() -> None:
    found = crossings(walk([(-5, 0), (5, 10), (500, 20)]), lines(FENCE))
    assert (len(found), found.open_ended) == (0, 1)


def test_a_gap_hides_what_happened_in_it() -> None:
    t = walk([(-500, 0), (-400, 0), (-300, 0), (400, 0), (500, 0), (600, 0)])
    late = np.where(np.arange(6) >= 3, t.seconds + 50 * 3600, t.seconds)
    from dataclasses import replace

    assert len(crossings(replace(t, seconds=late), lines(FENCE))) == 0
    assert len(crossings(replace(t, seconds=late), lines(FENCE), max_gap_h=60)) == 1


def test_around_the_end_is_none() -> None:
    assert count([(-500, 4900), (-200, 5500), (200, 5500), (500, 4900)]) == 0


def test_two_fences_in_one_step_are_two_crossings() -> None:
    two = lines(FENCE, shapely.transform(FENCE, lambda xy: xy + [60, 0]))
    assert sorted(crossings(walk([(-500, 1), (500, 1)]), two).table["line"]) == ["L0", "L1"]


def test_rows_of_one_line_are_one_line() -> None:
    halves = lines(
        shapely.LineString([(0, -5000), (0, 100)]), shapely.LineString([(0, 100), (0, 5000)]), line="F"
    )
    along = [(-500, 50), (8, 90), (-8, 120), (500, 300)]
    assert count(along, halves) == 1


def test_a_step_through_a_vertex_or_ending_on_the_line_counts_once() -> None:
    bent = lines(shapely.LineString([(0, -5000), (0, 0), (0, 5000)]))
    assert count([(-500, 0), (500, 0)], bent) == 1
    assert count([(-500, 1), (0, 1), (500, 1)], bent) == 1


def test_where_and_when() -> None:
    row = crossings(walk([(-300, 0), (700, 0)], "10h"), lines(FENCE), max_gap_h=12).table.iloc[0]
    assert row["time"] == pd.Timestamp("2024-01-01 03:00", tz="UTC")
    assert (row["km"], row["angle_deg"], row.geometry.x) == (5.0, 90.0, 0.0)
    assert (row["hours"], row["barrier_class"], row["cuts"]) == (10.0, "stock", 1)


def test_the_opening_within_reach_is_named() -> None:
    gaps = gpd.GeoDataFrame(
        {"id": ["near", "far"]}, geometry=gpd.points_from_xy([0, 0], [100, 3000]), crs=32648
    )
    found = crossings(walk([(-500, 0), (500, 0), (-500, 1500)]), lines(FENCE), openings=gaps, reach_m=250)
    assert found.table["opening"].tolist() == ["near", ""]


def test_accuracy_of_the_line_widens_the_error() -> None:
    places = [(-500, 0), (90, 0), (-500, 5)]
    assert count(places, lines(FENCE)) == 2
    assert count(places, lines(FENCE, accuracy_m=100.0)) == 0


def test_groups_by_a_word_that_is_not_there() -> None:
    with pytest.raises(OptionError, match=r"F21.*cannot be grouped by 'knid'"):
        groups(lines(FENCE), "knid")


def _random(seed: int, n: int = 120) -> tuple[Tracks, Barriers]:
    rng = np.random.default_rng(seed)
    places = np.cumsum(rng.normal(0, 400, (n, 2)), axis=0)
    shapes = [
        shapely.LineString(np.cumsum(rng.normal(0, 300, (8, 2)), axis=0) + rng.uniform(-3000, 3000, 2))
        for _ in range(12)
    ]
    return walk([tuple(p) for p in places]), lines(*shapes)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_cuts_equal_shapely(seed: int) -> None:
    tracks, barriers = _random(seed)
    cuts = LineIndex(barriers.table.geometry.to_numpy()).cuts(tracks.xy[:-1], tracks.xy[1:])
    steps = shapely.linestrings(np.stack([tracks.xy[:-1], tracks.xy[1:]], axis=1))
    want = np.array(
        [
            [shapely.get_num_coordinates(shapely.intersection(s, b)) for b in barriers.table.geometry]
            for s in steps
        ]
    )
    got = np.zeros_like(want)
    np.add.at(got, (cuts.step, cuts.row), 1)
    np.testing.assert_array_equal(got, want)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 6.28), st.sampled_from([0.0, 123_456.0]))
def test_count_does_not_depend_on_place_turn_direction_or_time(seed: int, turn: float, shift: float) -> None:
    tracks, barriers = _random(seed)
    c, s = np.cos(turn), np.sin(turn)

    def move(xy: np.ndarray) -> np.ndarray:
        return xy @ np.array([[c, -s], [s, c]]) + shift

    from dataclasses import replace

    moved = lines(*shapely.reverse(shapely.transform(barriers.table.geometry.to_numpy(), move)))
    there = replace(tracks, xy=move(tracks.xy))
    backwards = replace(tracks, xy=tracks.xy[::-1].copy())
    n = len(crossings(tracks, barriers))
    assert len(crossings(there, moved)) == n
    assert len(crossings(backwards, barriers)) == n


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(20, 600))
def test_length_within_reach_equals_a_fine_walk(seed: int, reach: float) -> None:
    tracks, barriers = _random(seed, 20)
    index = LineIndex(barriers.table.geometry.to_numpy())
    a, b = tracks.xy[:-1], tracks.xy[1:]
    step, _, start, end = index.within(a, b, reach)
    owner, start, end = joined_spans(step, start, end)
    got = np.bincount(owner, weights=end - start, minlength=len(a))
    fine = (np.arange(2000) + 0.5) / 2000
    every = shapely.union_all(barriers.table.geometry.to_numpy())
    for i in range(len(a)):
        points = a[i] + fine[:, None] * (b[i] - a[i])
        share = np.mean(shapely.distance(shapely.points(points), every) <= reach)
        assert got[i] == pytest.approx(share, abs=0.004)


def test_in_and_out_of_a_pasture_in_one_step_are_two() -> None:
    ring = lines(shapely.LineString([(0, -500), (400, -500), (400, 500), (0, 500), (0, -500)]))
    assert count([(-500, 1), (900, 1)], ring) == 2
    assert count([(-500, 1), (200, 1), (900, 1)], ring) == 2
    kink = lines(shapely.LineString([(0, -5000), (0, -20), (15, 0), (0, 20), (0, 5000)]))
    assert count([(5, -500), (5, 500)], kink) == 0
