"""What is measured from tracks does not hang on how tracks and lines are written down: every number, every way of writing."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.ops import substring

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import GridError
from permeability.layers.grid import Grid
from permeability.species import species
from permeability.telemetry import (
    before_after,
    calibrate,
    coarse_fixes,
    crossing_cost,
    crossings,
    encounters,
    read_tracks,
    samples,
    step_selection,
    validate,
)
from permeability.telemetry.opening_effect import Stretch
from permeability.telemetry.tracks import Tracks

CRS = 32648
ROUNDING = 1e-9


def fixes() -> pd.DataFrame:
    """Two-hourly fixes of three simulated animals."""
    table = samples.herd(3, 40, 0.4, rng=3)[0].table
    return pd.DataFrame(
        {"animal": table["animal"], "time": table["time"], "x": table.geometry.x, "y": table.geometry.y}
    )


def lines() -> gpd.GeoDataFrame:
    """Four winding fences from north to south."""
    y = np.arange(-20_000, 20_001, 400.0)
    shapes = [
        shapely.LineString(np.stack([x + 300 * np.sin(y / 1500 + x), y], axis=1))
        for x in (-4500.0, -1500.0, 1500.0, 4500.0)
    ]
    names = [f"F{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(
        {"id": names, "line": names, "kind": "fence", "fence_class": ["stock", "border", "stock", "border"]},
        geometry=shapes,
        crs=CRS,
    )


def tracks_of(table: pd.DataFrame, **words: object) -> Tracks:
    return read_tracks(table, simulated=True, max_speed_kmh=1e6, **{"crs": CRS, **words})


def split(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Every line as three rows, cut between its vertices."""
    rows = []
    for row in table.itertuples():
        far = row.geometry.length
        for k, (a, b) in enumerate(((0, 0.31), (0.31, 0.74), (0.74, 1))):
            rows.append({"id": f"{row.id}{k}", "line": row.line, "kind": row.kind, "fence_class": row.fence_class,
                         "geometry": substring(row.geometry, a * far, b * far)})  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=table.crs)


def numbers(tracks: Tracks, barriers: Barriers, *, km: bool = True) -> dict[str, float]:
    """All that is measured, by name; ``km``: also what is asked by kilometres of the lines."""
    found: dict[str, float] = {}
    crossed = crossings(tracks, barriers)
    found["crossings"], found["along"], found["open_ended"] = len(crossed), crossed.along, crossed.open_ended
    found["hours"], found["angle"] = crossed.table["hours"].sum(), crossed.table["angle_deg"].sum()
    found["when"] = float(
        (crossed.table["time_from"] - pd.Timestamp("2024-01-01", tz="UTC")).dt.total_seconds().sum()
    )
    for name, n in encounters(tracks, barriers).counts.items():
        found[f"behaviour {name}"] = float(n)
    for what, result in (
        ("cost", crossing_cost(tracks, barriers, placebos=3, line_draws=2, correct=False)),
        ("steps", step_selection(tracks, barriers, placebos=3, length_matters=True)),
        ("model", validate(near(), tracks, barriers, sections_m=500, draws=30, shifts=20)),
    ):
        for row in result.table.to_dict("records"):
            found |= {
                f"{what} {row['group']} {k}": float(v)
                for k, v in row.items()
                if isinstance(v, float | int) and k != "p_shifted"
            }
        if what == "cost":
            moved = calibrate(species("mongolian_gazelle"), {"stock": result.of("stock")}).table.iloc[0]
            found |= {
                "calibrated": float(moved["after_km"]),
                "calibrated_worth": float(moved["measured_worth"]),
            }
    if km:
        at = [Stretch(f"F{i}", 10, 30) for i in range(4)]
        change = before_after(
            tracks, barriers, at[1:3], "2024-01-16", controls=[at[0], at[3]], draws=50, dates=10, kappa=False
        )
        found |= {
            "change": change.ratio,
            "change_low": change.low,
            "change_high": change.high,
            "change_p": change.p_random,
        }
    return found


def near() -> tuple[np.ndarray, Grid]:
    grid = Grid.from_bounds((-30_000, -30_000, 30_000, 30_000), cell_size=500, crs=CRS)
    return -np.hypot(*np.meshgrid(grid.x, grid.y)), grid


@pytest.fixture(scope="module")
def first() -> dict[str, float]:
    found = numbers(tracks_of(fixes()), prepare(lines()))
    assert found["crossings"] > 50
    assert sum(np.isfinite(v) for v in found.values()) > 80
    return found


def zone(table: pd.DataFrame) -> Tracks:
    """The clock of Ulaanbaatar, without a zone in the file."""
    local = table["time"].dt.tz_convert("Asia/Ulaanbaatar").dt.tz_localize(None)
    return tracks_of(table.assign(time=local.astype(str)), timezone="Asia/Ulaanbaatar")


def degrees(table: pd.DataFrame) -> Tracks:
    """The same places as longitude and latitude."""
    points = gpd.GeoSeries(gpd.points_from_xy(table["x"], table["y"]), crs=CRS).to_crs(4326)
    return tracks_of(table.assign(x=points.x, y=points.y), crs=4326, onto=CRS)


OF_TRACKS: dict[str, Callable[[pd.DataFrame], Tracks]] = {
    "rows in another order": lambda t: tracks_of(t.sample(frac=1, random_state=4)),
    "letter case of columns": lambda t: tracks_of(
        t.rename(columns={"animal": "Animal", "time": "TIME", "x": "X", "y": "Y"})
    ),
    "columns in another order": lambda t: tracks_of(t[["y", "time", "x", "animal"]]),
    "another clock": zone,
    "degrees": degrees,
    "once more": tracks_of,
}
OF_LINES: dict[str, Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]] = {
    "rows in another order": lambda t: t.iloc[[2, 0, 3, 1]].reset_index(drop=True),
    "vertices on the way": lambda t: t.set_geometry(
        shapely.segmentize(t.geometry.to_numpy(), 130.0), crs=t.crs
    ),
    "letter case of columns": lambda t: t.rename(
        columns={"id": "ID", "kind": "Kind", "line": "LINE", "fence_class": "Fence_Class"}
    ),
}


@pytest.mark.parametrize("way", OF_TRACKS)
def test_how_fixes_are_written(way: str, first: dict[str, float]) -> None:
    found = numbers(OF_TRACKS[way](fixes()), prepare(lines()))
    assert found == pytest.approx(first, rel=1e-6 if way == "degrees" else ROUNDING, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("way", OF_LINES)
def test_how_lines_are_written(way: str, first: dict[str, float]) -> None:
    found = numbers(tracks_of(fixes()), prepare(OF_LINES[way](lines())))
    assert found == pytest.approx(first, rel=ROUNDING, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("way", ["split", "drawn from the other end", "both"])
def test_how_lines_are_drawn(way: str, first: dict[str, float]) -> None:
    """Kilometres follow the drawing, so what is asked by kilometres is left out here."""
    table = split(lines()) if way in ("split", "both") else lines()
    if way != "split":
        table = table.set_geometry(table.geometry.reverse(), crs=CRS)
    found = numbers(tracks_of(fixes()), prepare(table), km=False)
    wanted = {k: v for k, v in first.items() if not k.startswith("change")}
    assert found == pytest.approx(wanted, rel=ROUNDING, abs=1e-9, nan_ok=True)


def test_another_seed_stays_inside_the_intervals(first: dict[str, float]) -> None:
    tracks, barriers = tracks_of(fixes()), prepare(lines())
    row = step_selection(tracks, barriers, placebos=0, rng=11).table.set_index("group")
    cost = crossing_cost(tracks, barriers, placebos=3, correct=False, rng=11).table.set_index("group")
    for group in ("stock", "border"):
        assert (
            first[f"steps {group} kappa_low"] < row.loc[group, "kappa"] < first[f"steps {group} kappa_high"]
        )
        assert (
            first[f"cost {group} cost_km_low"]
            <= cost.loc[group, "cost_km"]
            <= first[f"cost {group} cost_km_high"]
        )


def test_threads_do_not_matter(first: dict[str, float]) -> None:
    import numba

    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert numbers(tracks_of(fixes()), prepare(lines())) == pytest.approx(
            first, rel=0, abs=0, nan_ok=True
        )
    finally:
        numba.set_num_threads(before)


def test_feet_are_refused_and_not_read_as_metres() -> None:
    feet = tracks_of(fixes()).to_crs(2263)
    with pytest.raises(GridError, match=r"G01.*need metres"):
        crossing_cost(feet, prepare(lines()))


def test_the_corrected_cost_does_not_hang_on_splitting(monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-9, though it comes from simulated walks: the walks that are simulated are the very same."""
    monkeypatch.setattr(coarse_fixes, "SIMULATED_FIXES", 2_000.0)
    rows = [
        crossing_cost(tracks_of(fixes()), prepare(t), placebos=2).table.set_index("group").sort_index()
        for t in (lines(), split(lines()).set_geometry(split(lines()).geometry.reverse(), crs=CRS))
    ]
    assert rows[0]["corrected"].any()
    for column in ("cost_km", "cost_km_low", "cost_km_high", "log_sd", "uncorrected_km"):
        np.testing.assert_allclose(rows[1][column], rows[0][column], rtol=ROUNDING)
