"""The crossing cost measured: identity, geometry, intervals, and what it must not depend on."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import OptionError
from permeability.telemetry import crossing_cost, read_tracks, samples
from permeability.telemetry.exposure import Meter
from permeability.telemetry.intervals import garwood, per_crossing
from permeability.telemetry.placebo import Placebo, displaced
from permeability.telemetry.tracks import Tracks


def fence(**columns: object) -> Barriers:
    line = shapely.LineString([(0, -900_000), (0, 900_000)])
    table = gpd.GeoDataFrame(
        {"id": ["F"], "kind": "fence", "fence_class": "stock", **columns}, geometry=[line], crs=32648
    )
    return prepare(table)


def worker(
    p: float, m_km: float, animals: int, tries: int, seed: int, step_m: float = 100.0
) -> tuple[Tracks, float]:
    """Animals that come straight at a fence along x = 0, work Exp(m) along it after every failed try, pass, go on, and turn back.

    Returns the tracks and the kilometres worked per crossing that really happened.
    """
    rng = np.random.default_rng(seed)
    frames, worked, crossed = [], 0.0, 0
    for a in range(animals):
        side, y, path = -1.0, 0.0, []
        for _ in range(tries):
            path += [(side * x, y) for x in np.arange(1000, 40, -step_m)]
            while rng.uniform() >= p:
                far = rng.exponential(m_km * 1000)
                up = rng.choice([-1.0, 1.0])
                path += [(side * 40, y + up * s) for s in np.arange(0, far, step_m)]
                y, worked = y + up * far, worked + far / 1000
                path.append((side * 40, y))
            side, crossed = -side, crossed + 1
            path += [(side * x, y) for x in np.arange(40, 1001, step_m)]
        x, yy = np.asarray(path).T
        when = pd.date_range("2024-01-01", periods=len(x), freq="15min", tz="UTC")
        frames.append(pd.DataFrame({"animal": f"a{a}", "time": when, "x": x, "y": yy}))
    return read_tracks(pd.concat(frames), crs=32648, simulated=True), worked / crossed


@pytest.mark.parametrize(("p", "m"), [(0.3, 3.0), (0.6, 1.0)])
def test_kilometres_per_crossing_are_m_times_odds_of_failing(p: float, m: float) -> None:
    """The identity C = m (1 - p) / p, with p and m never told to the estimator."""
    tracks, realised = worker(p, m, 6, 60, 1)
    row = crossing_cost(tracks, fence(), placebos=0).table.iloc[0]
    straight = 2 * 150 / 1000  # these animals come at right angles: 2 d a crossing, not pi d
    measured = row["km_worked"] / row["crossings"] - straight
    assert row["crossings"] == 360
    assert measured == pytest.approx(realised, rel=0.02)
    assert measured == pytest.approx(m * (1 - p) / p, rel=0.2)


def test_no_matter_how_encounters_are_cut() -> None:
    tracks, _ = worker(0.4, 2.0, 1, 30, 2)
    whole = crossing_cost(tracks, fence(), placebos=0).by_animal.iloc[0]
    half = len(tracks) // 2
    parts = [
        crossing_cost(tracks.take(s), fence(), placebos=0).by_animal.iloc[0]
        for s in (np.arange(half + 1), np.arange(half, len(tracks)))
    ]
    assert sum(p["km_worked"] for p in parts) == pytest.approx(whole["km_worked"])


def indifferent(seed: int, n: int = 6000) -> Tracks:
    rng = np.random.default_rng(seed)
    xy = np.cumsum(rng.normal(0, 300, (n, 2)), axis=0)
    when = pd.date_range("2024-01-01", periods=n, freq="h", tz="UTC")
    return read_tracks(
        pd.DataFrame({"animal": "a", "time": when, "x": xy[:, 0], "y": xy[:, 1]}), crs=32648, simulated=True
    )


def grid_of_fences() -> Barriers:
    shapes = [shapely.LineString([(x, -40_000), (x, 40_000)]) for x in np.arange(-40_000, 40_001, 2000)]
    return prepare(
        gpd.GeoDataFrame(
            {"id": [str(i) for i in range(len(shapes))], "kind": "fence"}, geometry=shapes, crs=32648
        )
    )


@pytest.mark.parametrize("d", [50.0, 150.0, 400.0])
def test_an_indifferent_walk_walks_pi_d_a_crossing(d: float) -> None:
    """Crofton's chord, by walks that know nothing of the lines."""
    lines = grid_of_fences()
    meter = Meter(lines, "class", d)
    assert meter.chords()[0] == pytest.approx(np.pi * d / 1000, rel=0.01)
    found = [meter.measure(indifferent(s), error_m=0.0) for s in range(6)]
    km, cuts = sum(f.km.sum() for f in found), sum(f.cuts.sum() for f in found)
    assert km / cuts == pytest.approx(np.pi * d / 1000, rel=0.08)


def test_a_short_line_has_the_chord_of_its_own_buffer() -> None:
    short = gpd.GeoDataFrame(
        {"id": ["s"], "kind": "fence"}, geometry=[shapely.LineString([(0, 0), (100, 0)])], crs=32648
    )
    area = 2 * 150 * 100 + np.pi * 150**2
    assert Meter(prepare(short), "class", 150.0).chords()[0] == pytest.approx(
        np.pi * area / 200 / 1000, rel=0.01
    )


def test_an_indifferent_walk_costs_nothing_and_passes_its_placebo() -> None:
    row = crossing_cost(indifferent(3), grid_of_fences(), placebos=12).table.iloc[0]
    assert row["usable"]
    assert row["cost_km_low"] == 0
    assert row["cost_km"] < 0.15


def test_a_placebo_that_leaves_out_one_makes_it_unusable_and_says_why() -> None:
    bad = Placebo(0.41, 0.36, 0.47, 20)
    assert not bad.usable
    assert (
        bad.why
        == "on displaced copies of the lines, where the truth is 1, the same estimate gives 0.36 to 0.47"
    )
    row = crossing_cost(indifferent(3, 800), grid_of_fences(), placebos=0).table.iloc[0]
    assert not row["usable"]
    assert "no placebo was asked for" in row["note"]


def test_nothing_crossed_gives_a_lower_bound_only() -> None:
    tracks, _ = worker(0.5, 2.0, 1, 1, 5)
    before = tracks.take(np.arange(np.argmax(tracks.xy[:, 0] > 0)))
    row = crossing_cost(before, fence(), placebos=0).table.iloc[0]
    assert row["crossings"] == 0
    assert row["cost_km"] == np.inf
    assert row["cost_km_low"] == pytest.approx(max(row["km_worked"] / 3.689 - row["chord_km"], 0), abs=1e-3)
    with pytest.raises(OptionError, match=r"F23.*no measured crossing cost of 'stock'"):
        crossing_cost(before, fence(), placebos=0).of("stock")


def test_a_buffer_narrower_than_the_errors_is_refused() -> None:
    tracks, barriers = samples.walk()
    with pytest.raises(OptionError, match=r"F24.*not wider than the errors"):
        crossing_cost(tracks, barriers, buffer_m=15)


@given(st.integers(0, 40))
def test_garwood_covers_exactly(n: int) -> None:
    """The ends are where a Poisson tail holds 2.5 %: the definition, not the chi-square form."""
    low, high = garwood(n)
    assert stats.poisson.cdf(n, high) == pytest.approx(0.025)
    assert n == 0 or stats.poisson.sf(n - 1, low) == pytest.approx(0.025)


@settings(max_examples=10)
@given(st.integers(2, 30), st.floats(0.5, 40))
def test_the_interval_of_many_animals_holds_the_ratio_and_follows_the_units(n: int, rate: float) -> None:
    rng = np.random.default_rng(n)
    km = rng.uniform(5, 50, n)
    crossings = rng.poisson(km / rate) + 1
    low, best, high = per_crossing(km, crossings)
    assert low <= best <= high
    np.testing.assert_allclose(
        per_crossing(km * 1000, crossings), np.asarray([low, best, high]) * 1000, rtol=1e-6
    )


def test_animals_that_differ_widen_the_interval() -> None:
    same = per_crossing(np.full(6, 100.0), np.full(6, 50))
    apart = per_crossing(np.full(6, 100.0), np.array([5, 10, 20, 60, 85, 120]))
    assert apart[2] / apart[0] > 2 * same[2] / same[0]


def test_cost_does_not_depend_on_origin_direction_or_splitting_of_the_line() -> None:
    tracks, _ = worker(0.4, 2.0, 3, 20, 7)
    first = crossing_cost(tracks, fence(), placebos=4).table
    moved = fence()
    shifted = prepare(
        moved.table.set_geometry(
            [shapely.transform(g, lambda xy: xy[::-1] + 5000.0) for g in moved.table.geometry], crs=32648
        )
    )
    there = crossing_cost(replace(tracks, xy=tracks.xy + 5000.0), shifted, placebos=4).table
    halves = [shapely.LineString([(0, -900_000), (0, 10)]), shapely.LineString([(0, 10), (0, 900_000)])]
    two = prepare(
        gpd.GeoDataFrame(
            {"id": ["A", "B"], "line": "F", "kind": "fence", "fence_class": "stock"},
            geometry=halves,
            crs=32648,
        )
    )
    split = crossing_cost(tracks, two, placebos=4).table
    for other in (there, split):
        for column in ("km_worked", "crossings", "cost_km", "cost_km_low", "cost_km_high"):
            assert other[column].iloc[0] == pytest.approx(first[column].iloc[0], rel=1e-9)


def test_moved_lines_enter_the_interval() -> None:
    tracks, _ = worker(0.4, 2.0, 3, 20, 7)
    lines = fence(accuracy_m=30.0)
    narrow = crossing_cost(tracks, lines, placebos=0).table.iloc[0]
    wide = crossing_cost(tracks, lines, placebos=0, line_draws=6).table.iloc[0]
    assert wide["cost_km_low"] <= narrow["cost_km_low"]
    assert wide["cost_km_high"] >= narrow["cost_km_high"]
    assert wide["cost_km_high"] / wide["cost_km_low"] > narrow["cost_km_high"] / narrow["cost_km_low"]


def test_displaced_copies_keep_every_step_and_stay_in_the_range() -> None:
    tracks = indifferent(1, 500)
    for copy in displaced(tracks, 5, 3):
        np.testing.assert_allclose(
            np.hypot(*np.diff(copy.xy, axis=0).T), np.hypot(*np.diff(tracks.xy, axis=0).T)
        )
        off = np.hypot(*(copy.xy.mean(axis=0) - tracks.xy.mean(axis=0)))
        assert off <= 0.3 * np.sqrt(np.mean(np.sum((tracks.xy - tracks.xy.mean(axis=0)) ** 2, axis=1)))


def test_simulated_tracks_stay_labelled_in_the_number() -> None:
    tracks, _ = worker(0.4, 2.0, 3, 20, 7)
    assert "SIMULATED" in crossing_cost(tracks, fence(), placebos=0).of("stock").source


def test_coarse_fixes_are_told_and_too_coarse_ones_are_unusable() -> None:
    tracks, lines = indifferent(3), grid_of_fences()
    for hours, usable, word in ((1, True, ""), (2, True, "miss part of the way"), (12, False, "too coarse")):
        slower = replace(tracks, seconds=tracks.seconds[0] + (tracks.seconds - tracks.seconds[0]) * hours)
        row = crossing_cost(slower, lines, placebos=8, correct=False).table.iloc[0]
        assert bool(row["usable"]) == usable
        assert word in row["note"]
