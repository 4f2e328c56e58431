"""Encounters equal the published cases to the event; rules by hand."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import REFERENCE

from permeability.barriers.lines import Barriers, prepare, prepare_layers
from permeability.core.errors import OptionError
from permeability.telemetry import encounters, read_tracks, samples
from permeability.telemetry.behaviour import _inside
from permeability.telemetry.tracks import Tracks

CASES = REFERENCE / "baba"
NAMES = {
    "Quick_Cross": "quick_cross", "Bounce": "bounce", "Average_Movement": "average_movement", "Back_n_forth": "back_and_forth",
    "Trace": "trace", "Trapped": "trapped", "unknown": "unknown",
}  # fmt: skip


def cases() -> list[dict[str, Any]]:
    path = CASES / "manifest.json"
    return json.loads(path.read_text())["cases"] if path.is_file() else []


def fences(folder: Any = CASES) -> Barriers:
    table = pd.read_csv(folder / "data" / "fences.csv")
    parts = {
        f: [g[["x", "y"]].to_numpy() for _, g in rows.groupby("part")] for f, rows in table.groupby("feature")
    }
    shapes = [shapely.MultiLineString(p) for p in parts.values()]
    crs = (folder / "data" / "crs.wkt").read_text()
    table = gpd.GeoDataFrame({"id": [str(f) for f in parts], "kind": "fence"}, geometry=shapes, crs=crs)
    return prepare_layers(
        {"fences": table}, count_both=True
    )  # the published case counts a fence drawn twice twice


def deer_of(path: Any, crs: Any) -> Tracks:
    return read_tracks(path, animal="animal_id", time="time_utc_seconds", x="x", y="y", crs=crs)


@pytest.mark.oracle
@pytest.mark.skipif(not cases(), reason="the published cases are not here")
@pytest.mark.parametrize("case", cases(), ids=lambda c: c["id"])
def test_published_case_to_the_event(case: dict[str, Any]) -> None:
    barriers = fences()
    tracks = deer_of(CASES / case["inputs"]["tracks"], barriers.table.crs)
    o = case["options"]
    found = encounters(
        tracks, barriers, buffer_m=o["buffer_m"], interval_h=o["interval_hours"], short_h=o["short_event_hours"],
        trapped_h=o["trapped_hours"], window_h=o["window_hours"], tolerance_h=o["tolerance_hours"],
        max_crossings=o["max_crossings"], sd_multiplier=o["sd_multiplier"], exclude_buffer=o["exclude_buffer"],
    ).table  # fmt: skip
    want = pd.read_csv(CASES / case["expected"]["events"], keep_default_na=False, na_values=["NA"])
    assert found["encounter"].tolist() == want["burst_id"].tolist()
    assert found["crossings"].tolist() == want["crossings"].tolist()
    assert found["behaviour"].tolist() == [NAMES[w] for w in want["event_type"]]
    assert found["hours"].tolist() == want["duration_hours"].tolist()
    for column in ("straightness", "window_mean", "window_sd"):
        np.testing.assert_allclose(
            found[column], pd.to_numeric(want[column], errors="coerce"), rtol=1e-9, atol=1e-9, equal_nan=True
        )
    epoch = pd.Timestamp(0, tz="UTC")
    assert ((found["start"] - epoch).dt.total_seconds() == want["start_utc_seconds"]).all()
    assert ((found["end"] - epoch).dt.total_seconds() == want["end_utc_seconds"]).all()


def test_thresholds_below_the_interval_are_refused() -> None:
    tracks, barriers = samples.walk()
    with pytest.raises(OptionError, match=r"F22.*shorter than the interval of 1 h"):
        encounters(tracks, barriers, short_h=0.5)


def test_encounters_do_not_depend_on_place_and_direction_of_the_lines() -> None:
    tracks, barriers = samples.walk()
    whole = encounters(tracks, barriers).table.drop(columns="geometry")
    turned = barriers.table.copy()
    turned["geometry"] = shapely.reverse(turned.geometry.to_numpy())
    again = encounters(tracks, prepare(turned)).table.drop(columns="geometry")
    pd.testing.assert_frame_equal(whole, again)


@pytest.mark.parametrize("seed", range(4))
def test_fixes_inside_are_those_of_the_buffers_polygon(seed: int) -> None:
    """Only lines with a fix near the rim are buffered; the answer is that of buffering them all."""
    rng = np.random.default_rng(seed)
    lines = shapely.linestrings(
        rng.uniform(0, 3000, (40, 1, 2)) + np.cumsum(rng.normal(0, 120, (40, 7, 2)), axis=1)
    )
    xy = rng.uniform(0, 3000, (4000, 2))
    area = shapely.union_all(shapely.buffer(lines, 110.0, quad_segs=5))
    np.testing.assert_array_equal(
        _inside(xy, lines, 110.0), np.flatnonzero(shapely.intersects(area, shapely.points(xy)))
    )


def test_nobody_near_a_line_is_no_encounter() -> None:
    tracks, barriers = samples.walk()
    far = prepare(barriers.table.assign(geometry=barriers.table.translate(1e5)))
    assert len(encounters(tracks, far).table) == 0
