"""Fixes in: every fault is found and counted, nothing goes without being asked, and time is one time."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import SHARED

from permeability.core.errors import GridMismatchError, LayerError, OptionError
from permeability.telemetry import crossings, read_tracks, samples

DATA = SHARED / "data" / "reference" / "tracks"


def frame(n: int = 6, animal: str = "a", step: str = "2h") -> pd.DataFrame:
    when = pd.date_range("2024-03-01", periods=n, freq=step, tz="UTC")
    return pd.DataFrame({"animal": animal, "time": when, "x": np.arange(n) * 500.0 + 5e5, "y": 4.8e6})


def faulty() -> pd.DataFrame:
    """One of each fault, by row: 1 no animal, 2 no time, 3 no place, 4 (0, 0), 6 duplicate of 5, 8 elsewhere at the time of 7, 10 a jump."""
    t = frame(12)
    t["time"] = t["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    t.loc[1, "animal"] = None
    t.loc[2, "time"] = "yesterday"
    t.loc[3, "x"] = np.nan
    t.loc[4, ["x", "y"]] = 0.0
    t.loc[6] = t.loc[5]
    t.loc[8, "time"] = t.loc[7, "time"]
    t.loc[10, "x"] += 9e5
    return t


def test_every_fault_is_found_counted_and_kept_until_asked() -> None:
    tracks = read_tracks(faulty(), crs=32648)
    assert len(tracks) == 12
    found = {f.code: (f.rows, f.severity) for f in tracks.check()}
    assert found["F10"] == ((1,), "error")
    assert found["F11"] == ((2,), "error")
    assert found["F12"] == ((3,), "error")
    assert found["F13"] == ((4,), "error")
    assert found["F15"] == ((6,), "error")
    assert found["F16"] == ((8,), "error")
    assert 10 in found["F17"][0]
    assert found["F17"][1] == "warning"


def test_faulty_tracks_end_in_one_message_not_in_a_number() -> None:
    _, barriers = samples.walk()
    with pytest.raises(LayerError, match=r"F03.*6 kinds of fault") as refusal:
        crossings(read_tracks(faulty(), crs=32648), barriers)
    assert {"F10", "F11", "F12", "F13", "F15", "F16"} <= set(refusal.value.details)


def test_dropping_is_told_and_leaves_good_fixes() -> None:
    tracks = read_tracks(faulty(), crs=32648, drop="all")
    assert sorted(tracks.row.tolist()) == [0, 5, 7, 9, 11]
    told = [f for f in tracks.notes if f.code == "F20"]
    assert sum(len(f.rows) for f in told) == 7
    tracks.require_usable()


def test_only_the_named_fault_is_dropped() -> None:
    tracks = read_tracks(faulty(), crs=32648, drop="zero_place")
    assert len(tracks) == 11
    assert 4 not in tracks.row


def test_unknown_fault_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="duplicate"):
        read_tracks(frame(), crs=32648, drop="duplicates")


def test_fixes_out_of_order_are_ordered_and_told() -> None:
    t = frame().iloc[[0, 2, 1, 3, 4, 5]]
    tracks = read_tracks(t, crs=32648)
    assert np.all(np.diff(tracks.seconds) > 0)
    (note,) = [f for f in tracks.check() if f.code == "F19"]
    assert "1 fixes came after a later one" in note.what


def test_rows_in_any_order_give_the_same_tracks() -> None:
    t = pd.concat([frame(), frame(5, "b")])
    one, two = read_tracks(t, crs=32648), read_tracks(t.sample(frac=1, random_state=3), crs=32648)
    np.testing.assert_array_equal(one.xy, two.xy)
    np.testing.assert_array_equal(one.seconds, two.seconds)


def test_times_without_a_zone_are_refused() -> None:
    t = frame()
    t["time"] = t["time"].dt.tz_localize(None)
    with pytest.raises(OptionError, match=r"F08.*name no time zone"):
        read_tracks(t, crs=32648)
    with pytest.raises(OptionError, match=r"F09.*no time zone 'Mongolia'"):
        read_tracks(t, crs=32648, timezone="Mongolia")


def test_zone_moves_the_clock_not_the_steps() -> None:
    t = frame()
    t["time"] = t["time"].dt.tz_localize(None)
    utc, there = (
        read_tracks(t, crs=32648, timezone="UTC"),
        read_tracks(t, crs=32648, timezone="Asia/Ulaanbaatar"),
    )
    np.testing.assert_allclose(utc.seconds - there.seconds, 8 * 3600)


def test_hours_lost_and_doubled_by_summer_time_are_told() -> None:
    t = frame(2)
    t["time"] = pd.to_datetime(["2024-03-10 02:30", "2024-11-03 01:30"])
    tracks = read_tracks(t, crs=32612, timezone="US/Mountain")
    (note,) = [f for f in tracks.check() if f.code == "F18"]
    assert note.rows == (0, 1)
    assert np.isnan(tracks.seconds).all()


def test_movebank_words(tmp_path: Path) -> None:
    path = tmp_path / "study.csv"
    path.write_text(
        "event-id,visible,timestamp,location-long,location-lat,manually-marked-outlier,individual-local-identifier\n"
        "1,true,2024-05-01 00:00:00.000,105.0,44.0,,007\n"
        "2,true,2024-05-01 01:00:00.000,105.01,44.0,true,007\n"
        "3,false,2024-05-01 02:00:00.000,105.02,44.0,,007\n"
    )
    tracks = read_tracks(path, onto="EPSG:32648")
    assert tracks.animals == ("007",)
    assert tracks.interval_h == 1.0
    assert [f.rows for f in tracks.check() if f.code == "F14"] == [(1, 2)]
    assert np.hypot(*np.diff(tracks.xy[:2], axis=0)[0]) == pytest.approx(802, abs=2)  # 0.01 degrees at 44 N


def test_amt_and_move2_words() -> None:
    amt = pd.DataFrame(
        {
            "x_": [1.0, 2.0],
            "y_": [1.0, 1.0],
            "t_": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"],
            "id": ["c", "c"],
        }
    )
    assert read_tracks(amt, crs=32612).animals == ("c",)
    move2 = pd.DataFrame(
        {
            "individual_local_identifier": "k",
            "timestamp": ["2024-01-01 00:00:00"],
            "location_long": 105.0,
            "location_lat": 44.0,
        }
    )
    assert read_tracks(move2).crs.to_epsg() == 4326


def test_files_and_frames_agree(tmp_path: Path) -> None:
    first = read_tracks(frame(), crs=32648)
    first.table.to_file(tmp_path / "t.gpkg")
    first.table.to_parquet(tmp_path / "t.parquet")
    for source in (tmp_path / "t.gpkg", tmp_path / "t.parquet", first.to_geodataframe()):
        again = read_tracks(source)
        np.testing.assert_allclose(again.xy, first.xy)
        np.testing.assert_allclose(again.seconds, first.seconds)


class _Collection:
    """What a movingpandas collection offers."""

    def __init__(self, table: gpd.GeoDataFrame) -> None:
        self.table = table

    def to_point_gdf(self) -> gpd.GeoDataFrame:
        return self.table.set_index(pd.DatetimeIndex(self.table["time"]))[["animal", "geometry"]]


def test_a_movingpandas_collection_is_read() -> None:
    first = read_tracks(frame(), crs=32648)
    again = read_tracks(_Collection(first.table))
    np.testing.assert_allclose(again.seconds, first.seconds)


def test_movingpandas_is_asked_for_when_missing() -> None:
    try:
        import movingpandas  # noqa: F401
    except ImportError:
        with pytest.raises(OptionError, match=r"F07(.|\n)*pip install movingpandas"):
            read_tracks(frame(), crs=32648).to_movingpandas()
    else:
        assert len(read_tracks(frame(), crs=32648).to_movingpandas().trajectories) == 1


def test_columns_that_cannot_be_found_are_named() -> None:
    with pytest.raises(LayerError, match=r"F01.*no column is known to hold the animal"):
        read_tracks(frame().rename(columns={"animal": "beast"}), crs=32648)
    with pytest.raises(LayerError, match=r"F01(.|\n)*did you mean 'time'"):
        read_tracks(frame(), crs=32648, time="tiem")
    with pytest.raises(LayerError, match="L02"):
        read_tracks(frame())
    with pytest.raises(LayerError, match=r"F02.*no fix"):
        read_tracks(frame(0), crs=32648)


def test_animal_that_is_not_there() -> None:
    with pytest.raises(OptionError, match=r"F05"):
        read_tracks(frame(), crs=32648).of(["b"])


def test_bursts_break_at_gaps_and_thin_fine_fixes() -> None:
    t = frame(40, step="15min")
    t = t.drop(index=range(16, 24))
    tracks = read_tracks(t, crs=32648)
    whole = tracks.bursts()
    assert whole.burst.tolist() == [0] * 16 + [1] * 16
    hourly = tracks.bursts(1)
    assert hourly.step_h == 1
    assert np.allclose(np.diff(hourly.tracks.seconds)[np.diff(hourly.burst) == 0], 3600)
    assert len(hourly) == 8
    with pytest.raises(OptionError, match=r"F06.*no two fixes lie 5.5 h apart"):
        tracks.of(["a"]).between(None, "2024-03-01 02:00").bursts(5.5)


def test_no_step_goes_over_a_gap_or_between_animals() -> None:
    t = pd.concat([frame(4), frame(4, "b")])
    tracks = read_tracks(t.drop(t.index[1]), crs=32648)
    for i in tracks.steps():
        assert tracks.number[i] == tracks.number[i + 1]
        assert tracks.seconds[i + 1] - tracks.seconds[i] == 7200


def test_crs_of_lines_and_tracks_must_agree() -> None:
    tracks, barriers = samples.walk()
    with pytest.raises(GridMismatchError, match=r"F04"):
        crossings(tracks.to_crs(32649), barriers)


def test_simulated_tracks_say_so_everywhere() -> None:
    tracks, barriers = samples.walk()
    assert "simulated" in repr(tracks)
    assert "simulated" in repr(crossings(tracks, barriers))
    assert "simulated" in tracks.plot().alt
    assert tracks.table["simulated"].all()
    assert read_tracks(tracks.table).simulated


@pytest.mark.skipif(not DATA.is_dir(), reason="the tracks of reference are not here")
def test_real_tracks_are_read_by_their_words() -> None:
    deer = read_tracks(DATA / "mule_deer_wyoming.parquet", crs=32612)
    assert (len(deer), len(deer.animals), deer.interval_h) == (8739, 2, 2.0)
    deer.require_usable(32612)
    coyotes = read_tracks(DATA / "coyote_cougar_utah.parquet", crs=32612)
    assert len(coyotes.animals) == 3


def test_a_single_fix_has_no_interval_and_none_is_refused() -> None:
    one = read_tracks(frame(1), crs=32648)
    assert np.isnan(one.interval_h)
    none = one.take(np.zeros(1, bool))
    with pytest.raises(LayerError, match=r"F02.*there is no fix"):
        none.require_usable()


def test_fixes_between_two_dates_hold_the_first_and_not_the_last() -> None:
    tracks = read_tracks(frame(), crs=32648)  # 00:00, 02:00, ... 10:00
    hours = lambda t: ((t.seconds - tracks.seconds[0]) / 3600).tolist()  # noqa: E731
    assert hours(tracks.between("2024-03-01 04:00")) == [4, 6, 8, 10]
    assert hours(tracks.between("2024-03-01 02:00", "2024-03-01 06:00")) == [2, 4]
    assert hours(tracks.between(None, "2024-03-01T10:00+08:00")) == [0]
    assert hours(tracks.between()) == [0, 2, 4, 6, 8, 10]


def test_what_holds_no_fixes_is_refused() -> None:
    with pytest.raises(OptionError, match=r"(?s)F01.*list cannot be read as tracks.*give a path"):
        read_tracks([1, 2])  # type: ignore[arg-type]
    lines = read_tracks(frame(), crs=32648).table
    lines.loc[[1, 3], "geometry"] = shapely.LineString([(0, 0), (1, 1)])
    with pytest.raises(LayerError, match=r"L06.*2 rows are not points") as caught:
        read_tracks(lines)
    assert list(caught.value.rows) == [1, 3]


def test_faults_of_fixes_in_degrees() -> None:
    t = frame(7).assign(x=105.0 + 0.01 * np.arange(7), y=44.0)
    t.loc[1, "y"] = 91.0
    t.loc[2, "x"] = 400.0
    t.loc[5, "x"] += 20.0  # 1,600 km in two hours
    found = {f.code: f.rows for f in read_tracks(t, crs=4326).check()}
    assert found["F12"] == (1, 2)
    assert 5 in found["F17"]
    quick = frame(4, step="1h").assign(x=105.0 + np.array([0, 0.4, 0.8, 1.2]), y=60.0)  # 22 km each at 60 N
    assert "F17" not in {f.code for f in read_tracks(quick, crs=4326, max_speed_kmh=25).check()}
    assert "F17" in {f.code for f in read_tracks(quick, crs=4326, max_speed_kmh=21).check()}
