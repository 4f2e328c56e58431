"""Crossing costs from coarse fixes: the signs, and what the correction by simulation gives back."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from permeability.barriers.lines import Barriers, prepare
from permeability.engines.kernels.line_walk import line_walks
from permeability.telemetry import coarse_fixes, crossing_cost, read_tracks
from permeability.telemetry.coarse_fixes import CLOSE, Surface, corrected, signs_of_tracks, signs_of_walks
from permeability.telemetry.exposure import Meter
from permeability.telemetry.tracks import Tracks

COST = 5.0 * 0.7 / 0.3  # of the walks below: chance 0.3, five kilometres between tries


def fence() -> Barriers:
    line = shapely.LineString([(0, -2_000_000), (0, 2_000_000)])
    return prepare(
        gpd.GeoDataFrame({"id": ["F"], "kind": "fence", "accuracy_m": 10.0}, geometry=[line], crs=32648)
    )


def walks(animals: int, days: int, every: int, seed: int) -> np.ndarray:
    return line_walks(animals, days * 96 // every, every, 250.0, 2.0, 0.3, 5000.0, 6000.0, 10.0, seed)


def tracks_of(w: np.ndarray, hours: float) -> Tracks:
    n, k = w.shape[:2]
    return Tracks(
        tuple(f"a{i}" for i in range(n)), np.repeat(np.arange(n), k), np.tile(np.arange(k) * 3600.0 * hours, n), w.reshape(-1, 2),
        np.full(n * k, 10.0 * np.sqrt(2)), CRS.from_epsg(32648), np.arange(n * k), simulated=True,
    )  # fmt: skip


@pytest.mark.parametrize("every", [1, 8, 32])
def test_signs_of_tracks_and_of_walks_are_the_same_sums(every: int) -> None:
    """The fast sums of simulated walks equal those that the meter and the index of lines give for the same fixes."""
    w = walks(4, 40, every, 7)
    tracks, lines = tracks_of(w, every / 4), fence()
    found = Meter(lines, "class", 150.0).measure(tracks, error_m=10.0)
    shapes = lines.table.geometry.to_numpy()
    here = signs_of_tracks(tracks, shapes, 150.0, found.km[:, 0], found.crossings[:, 0])
    there = signs_of_walks(w, 150.0, float(np.hypot(10, 10)))
    np.testing.assert_allclose(here.table(), there.table(), rtol=1e-9, atol=1e-9)


def test_the_error_of_the_surface_is_that_of_surfaces_learnt_anew() -> None:
    centre = np.log([5.0, 2.0, 250.0, 2.0, 5000.0])
    made = [Surface(centre, CLOSE, 2.0, 150.0, 10.0, 10.0, rng=k, fixes=1_500.0) for k in range(8)]
    seen = np.asarray([s.signs(np.zeros(5)) for s in made]).std(axis=0, ddof=1)
    told = np.mean([s.doubt(centre) for s in made], axis=0)
    assert np.all((seen / told > 0.4) & (seen / told < 2.2))
    assert made[0].holds(centre + 0.9 * CLOSE)
    assert not made[0].holds(centre + 1.1 * CLOSE)


def test_signs_follow_scale_and_not_place_or_time() -> None:
    w = walks(3, 40, 8, 3)
    one, two = signs_of_walks(w, 150.0, 14.0), signs_of_walks(2 * w, 300.0, 28.0)
    np.testing.assert_allclose(two.seen()[[0, 3]], one.seen()[[0, 3]])
    np.testing.assert_allclose(two.seen()[[2, 4]], one.seen()[[2, 4]] + np.log(2), rtol=1e-6)
    moved = signs_of_walks((w + [0.0, 5e4])[:, ::-1], 150.0, 14.0)
    np.testing.assert_allclose(moved.table(), one.table(), rtol=1e-9)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the simulated walks: quicker, a little wider."""
    monkeypatch.setattr(coarse_fixes, "SIMULATED_FIXES", 8_000.0)


@pytest.mark.usefixtures("few")
def test_eight_hours_are_corrected() -> None:
    """Twenty animals for 90 days: without correction the interval misses the truth, with it it holds it."""
    tracks = tracks_of(walks(20, 90, 32, 11), 8.0)
    raw = crossing_cost(tracks, fence(), placebos=2, correct=False).table.iloc[0]
    row = crossing_cost(tracks, fence(), placebos=2).table.iloc[0]
    assert not raw["corrected"]
    assert row["corrected"]
    assert row["uncorrected_km"] == raw["cost_km"]
    assert abs(np.log(row["cost_km"] / COST)) < abs(np.log(raw["cost_km"] / COST))
    assert row["cost_km_low"] < COST < row["cost_km_high"]
    assert "corrected by simulation" in row["note"]


def test_fine_fixes_are_left_alone() -> None:
    tracks = tracks_of(walks(4, 40, 4, 5), 1.0)
    one, two = (crossing_cost(tracks, fence(), placebos=2, correct=c).table for c in (True, False))
    assert one.equals(two)
    assert not one["corrected"].any()


def test_the_cost_does_not_hang_on_the_order_of_rows_or_on_how_the_line_is_drawn() -> None:
    w = walks(4, 30, 32, 11)
    n, k = w.shape[:2]
    when = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.tile(np.arange(k) * 8, n), unit="h")
    fixes = gpd.GeoDataFrame(
        {"animal": np.repeat([f"a{i}" for i in range(n)], k), "time": when},
        geometry=gpd.points_from_xy(*w.reshape(-1, 2).T), crs=32648,
    )  # fmt: skip
    line, columns = fence().table.geometry.iloc[0], ["cost_km", "cost_km_low", "cost_km_high"]
    halves = [shapely.LineString([(0, 137), (0, -2_000_000)]), shapely.LineString([(0, 137), (0, 2_000_000)])]
    back, split = (
        prepare(
            gpd.GeoDataFrame(
                {"id": [f"F{i}" for i, _ in enumerate(s)], "line": "F", "kind": "fence", "accuracy_m": 10.0},
                geometry=s,
                crs=32648,
            )
        )
        for s in ([line.reverse()], halves)
    )
    shuffled = fixes.sample(frac=1, random_state=1)
    rows = [
        crossing_cost(read_tracks(t, animal="animal", time="time"), b, placebos=2, correct=False).table.iloc[
            0
        ]
        for t, b in ((fixes, fence()), (shuffled, fence()), (fixes, back), (fixes, split))
    ]
    for other in rows[1:3]:
        assert other[columns].tolist() == rows[0][columns].tolist()
    assert rows[3][columns].tolist() == pytest.approx(rows[0][columns].tolist(), rel=1e-9)


@pytest.mark.usefixtures("few")
def test_a_large_correction_at_eight_hours_is_unusable_and_says_so() -> None:
    """A weak barrier (half a kilometre): most of what happened at it is not in such fixes."""
    weak = line_walks(20, 270, 32, 250.0, 2.0, 0.8, 2000.0, 6000.0, 10.0, 5)
    row = crossing_cost(tracks_of(weak, 8.0), fence(), placebos=2).table.iloc[0]
    assert not row["usable"]
    assert "larger than half of what was measured" in row["note"]


def test_a_surface_that_is_there_is_not_learnt_again(monkeypatch: pytest.MonkeyPatch) -> None:
    w = walks(4, 40, 8, 7)
    signs = signs_of_walks(w, 150.0, 14.1)
    given = (signs, 2.0, COST, 150.0, 10.0, 10.0)
    monkeypatch.setattr(coarse_fixes, "SIMULATED_FIXES", 2_000.0)
    surface = coarse_fixes.binding(*given, 0)
    learnt = corrected(*given)
    monkeypatch.setattr(coarse_fixes, "binding", None)  # would fail
    found = corrected(*given, surface=surface)
    assert (found.low, found.best, found.high) == (learnt.low, learnt.best, learnt.high)
