"""Tracks from what one has: Movebank, move2 and amt tables, GeoPackage, GeoParquet, frames, movingpandas."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import Finding, LayerError, OptionError, nearest
from permeability.layers.grid import parse_crs
from permeability.layers.point_tables import read_point_table
from permeability.telemetry.tracks import ERROR_M, Tracks

ANIMAL = (
    *(
        "individual-local-identifier",
        "individual_local_identifier",
        "animal",
        "animal_id",
        "individual",
        "individual_id",
    ),
    *("track", "track_id", "burst_", "id", "ID", "Animal.ID", "tag-local-identifier", "tag_local_identifier"),
)
TIME = ("timestamp", "time", "time_utc", "t_", "datetime", "date_time", "date", "study-local-timestamp")
X_Y = (
    *(
        ("location-long", "location-lat"),
        ("location_long", "location_lat"),
        ("lon", "lat"),
        ("longitude", "latitude"),
    ),
    *(("x_", "y_"), ("x_m", "y_m"), ("x", "y"), ("easting", "northing"), ("Easting", "Northing")),
)
DEGREES = {"location-long", "location_long", "lon", "longitude"}
ERROR = (
    "error_m",
    "location-error-numerical",
    "location_error_numerical",
    "eobs:horizontal-accuracy-estimate",
)
MARKS = (
    *("manually-marked-outlier", "algorithm-marked-outlier", "import-marked-outlier"),
    *("manually_marked_outlier", "algorithm_marked_outlier", "import_marked_outlier"),
)
UTC_BY_DEFINITION = {"timestamp", "time_utc"}  # of Movebank, and by its name
TRUE = {"true", "1", "1.0", "yes"}


@dataclass(frozen=True)
class _Columns:
    animal: str
    time: str
    x: str | None
    y: str | None


def read_tracks(
    source: Any,
    *,
    animal: str | None = None,
    time: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    onto: Any = None,
    timezone: str | None = None,
    error_m: float | str | None = None,
    max_speed_kmh: float = 120.0,
    drop: str | Sequence[str] = (),
    table: str | None = None,
    simulated: bool | None = None,
) -> Tracks:
    """Fixes of animals from a file, a frame or a movingpandas collection.

    Faults (no animal, time or place, (0, 0), duplicates, two places at one time, impossible speeds, marks of the source) are found
    and counted by :meth:`Tracks.check`; nothing is dropped unless ``drop`` says so.  Rows are put in the order of time, and it is
    told where they were not.

    Parameters
    ----------
    source : path, DataFrame, GeoDataFrame or movingpandas collection
        Files: CSV (Movebank, move2, amt column names), GeoPackage and what else OGR reads, GeoParquet, Parquet.
    animal, time, x, y : str, optional
        Columns; found by their usual names where not given.
    crs : optional
        Coordinate system of ``x`` and ``y``; degrees (EPSG:4326) when the columns are longitude and latitude.
    onto : optional
        Coordinate system to bring the fixes to; lines and lengths need one in metres.
    timezone : str, optional
        Zone of times that name none, such as ``"UTC"`` or ``"Asia/Ulaanbaatar"``.  Movebank's ``timestamp`` is UTC by definition.
    error_m : float or str, optional
        How far off a fix may be [m], or the column that says so; 20 m by default.
    max_speed_kmh : float
        Faster is impossible [km/h].
    drop : "all" or names of faults
        See :meth:`Tracks.clean`.
    table : str, optional
        Table in the file.
    simulated : bool, optional
        True for tracks that no animal walked; read from a column ``simulated`` when there is one.

    Returns
    -------
    Tracks

    Raises
    ------
    LayerError
        L01 no file, L11 not readable, L02 no coordinate system, F01 no column that could be meant, F02 no fix.
    OptionError
        F08 times without a zone, F09 a zone that does not exist, F25 a speed or error that is no number above 0.

    Examples
    --------
    >>> frame = pd.DataFrame({"individual-local-identifier": "k1", "timestamp": ["2024-05-01 00:00:00", "2024-05-01 01:00:00"],
    ...                       "location-long": [105.0, 105.01], "location-lat": [44.0, 44.0]})
    >>> read_tracks(frame, onto="EPSG:32648")
    Tracks(2 fixes of 1 animal, 2024-05-01 to 2024-05-01, every 1 h; EPSG:32648)
    """
    for label, given, least in (("max_speed_kmh", max_speed_kmh, True), ("error_m", error_m, False)):
        if given is None or (label == "error_m" and isinstance(given, str)):
            continue
        if (
            isinstance(given, bool)
            or not isinstance(given, (int, float))
            or not 0 <= given < math.inf
            or (least and given == 0)
        ):
            raise OptionError(
                "F25", f"{label} = {given!r} is no number above 0.", remedy="give a number, such as 120.0"
            )
    frame, name = _as_frame(source, table)
    if len(frame) == 0:
        raise LayerError(
            "F02", "there is no fix.", layer=name, rows=["none"], remedy="check the file and any filter"
        )
    frame, new = _in_known_case(frame)
    animal, time, x, y = (new.get(str(c), c) for c in (animal, time, x, y))
    error_m = new.get(error_m, error_m) if isinstance(error_m, str) else error_m
    columns = _columns(frame, name, animal, time, x, y)
    xy, system = _places(frame, columns, crs, name)
    seconds, notes = _seconds(frame[columns.time], columns.time, timezone, name)
    who = frame[columns.animal]
    who = who.astype("string").fillna("").str.strip()
    names, number = np.unique(who.to_numpy(dtype=object).astype(str), return_inverse=True)
    order, disorder = _order(number, seconds, name)
    tracks = Tracks(
        animals=tuple(map(str, names)), number=number[order].astype(np.int64), seconds=seconds[order], xy=xy[order],
        error_m=_errors(frame, error_m, name)[order], crs=system, row=order.astype(np.int64), notes=(*notes, *disorder),
        source=name, simulated=_simulated(frame, simulated), max_speed_kmh=float(max_speed_kmh), marked=_marked(frame)[order],
    )  # fmt: skip
    if drop:
        tracks = tracks.clean(drop if isinstance(drop, str) else list(drop))
    return tracks.to_crs(onto) if onto is not None else tracks


def _as_frame(source: Any, table: str | None) -> tuple[Any, str]:
    if isinstance(source, (str, os.PathLike)):
        return read_point_table(source, table), os.path.basename(os.fspath(source))
    if hasattr(source, "to_point_gdf"):  # movingpandas
        frame = source.to_point_gdf()
        return frame.assign(time=frame.index).reset_index(drop=True), "movingpandas"
    if isinstance(source, pd.DataFrame):
        return source.reset_index(drop=True), "tracks"
    raise OptionError(
        "F01", f"{type(source).__name__} cannot be read as tracks.",
        remedy="give a path, a DataFrame, a GeoDataFrame or a movingpandas TrajectoryCollection",
    )  # fmt: skip


def _in_known_case(frame: Any) -> tuple[Any, dict[str, str]]:
    """Columns whose names are known in other letter case, under the known name; and which those are."""
    there = list(map(str, frame.columns))
    known = [*ANIMAL, *TIME, *(c for pair in X_Y for c in pair), *ERROR, *MARKS, "visible", "simulated"]
    word = {k.casefold(): k for k in reversed(known)}
    new: dict[str, str] = {}
    for column in there:
        wanted = word.get(column.casefold(), column)
        if column not in known and wanted not in there and wanted not in new.values():
            new[column] = wanted
    return (frame.rename(columns=new) if new else frame), new


def _columns(
    frame: Any, layer: str, animal: str | None, time: str | None, x: str | None, y: str | None
) -> _Columns:
    pair: tuple[str | None, str | None] = (x, y)
    if x is None and y is None and not isinstance(frame, gpd.GeoDataFrame):
        pair = next((p for p in X_Y if set(p) <= set(frame.columns)), ("", ""))
    for column in pair:
        if column is not None:
            _require(frame, column, "coordinates", layer)
    return _Columns(
        _require(frame, animal or _first(frame, ANIMAL), "animal", layer),
        _require(frame, time or _first(frame, TIME), "time", layer),
        *pair,
    )


def _first(frame: Any, names: Sequence[str]) -> str:
    return next((n for n in names if n in frame.columns), "")


def _require(frame: Any, column: str, role: str, layer: str) -> str:
    if column in frame.columns and column:
        return column
    guess = nearest(column or role, frame.columns)
    what = f"there is no column {column!r}." if column else f"no column is known to hold the {role}."
    raise LayerError(
        "F01", what, layer=layer, details={"columns": ", ".join(map(str, frame.columns))},
        remedy=f"did you mean {guess!r}?" if guess else "name the columns: animal=, time=, x=, y=",
    )  # fmt: skip


def _places(frame: Any, columns: _Columns, crs: Any, layer: str) -> tuple[NDArray[np.float64], Any]:
    if columns.x is None or columns.y is None:
        points = frame.geometry
        wrong = ~points.isna() & ~points.is_empty & (points.geom_type != "Point")
        if wrong.any():
            raise LayerError(
                "L06", f"{int(wrong.sum())} rows are not points.", layer=layer, rows=list(np.flatnonzero(wrong)),
                remedy="give a layer of points, one for each fix",
            )  # fmt: skip
        xy, system = np.stack([points.x, points.y], axis=1).astype(float), frame.crs if crs is None else crs
    else:
        xy = np.stack(
            [pd.to_numeric(frame[c], errors="coerce") for c in (columns.x, columns.y)], axis=1
        ).astype(float)
        system = "EPSG:4326" if crs is None and columns.x in DEGREES else crs
    if system is None:
        raise LayerError(
            "L02", "the fixes have no coordinate system.", layer=layer, rows=[f"all {len(frame)}"],
            remedy='say which, such as crs="EPSG:32648"',
        )  # fmt: skip
    return xy, parse_crs(system, layer=layer)


def _seconds(
    values: pd.Series, column: str, timezone: str | None, layer: str
) -> tuple[NDArray[np.float64], tuple[Finding, ...]]:
    """Seconds since 1970 in UTC; NaN for times that cannot be read or do not exist in the zone."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float), ()
    stamps = values if pd.api.types.is_datetime64_any_dtype(values) else _stamps(values)
    notes: tuple[Finding, ...] = ()
    if getattr(stamps.dt, "tz", None) is None:
        zone = timezone or ("UTC" if column in UTC_BY_DEFINITION else None)
        if zone is None:
            raise OptionError(
                "F08", f"the times in {column!r} name no time zone.", details={"layer": layer},
                remedy='say which they are in: timezone="UTC" or timezone="Asia/Ulaanbaatar"',
            )  # fmt: skip
        stamps, notes = _localised(stamps, zone, layer)
    utc = stamps.dt.tz_convert("UTC").dt.as_unit("us")  # in nanoseconds, time ends in 2262
    seconds = (utc - pd.Timestamp(0, tz="UTC").as_unit("us")).dt.total_seconds()
    return seconds.to_numpy(float, na_value=np.nan), notes


def _stamps(values: pd.Series) -> pd.Series:
    """Texts as times: with a zone when all that can be read name one."""
    text = values.astype("string").str.strip()
    zoned = text.str.contains(r"(?:Z|UTC|[+-]\d\d:?\d\d)$", regex=True, na=False)
    known = text.notna() & (text != "")
    if bool(zoned[known].any()):
        return pd.to_datetime(text.where(zoned), errors="coerce", utc=True, format="ISO8601")
    try:
        return pd.to_datetime(text, errors="coerce", format="ISO8601")
    except (
        ValueError
    ):  # a few of them name a zone in a way of their own: not to be told beside those that name none
        each = [pd.to_datetime(t, errors="coerce", format="ISO8601") for t in text]
        return pd.Series([t if t is pd.NaT or t.tzinfo is None else pd.NaT for t in each], index=values.index)


def _localised(stamps: pd.Series, zone: str, layer: str) -> tuple[pd.Series, tuple[Finding, ...]]:
    try:
        exact = stamps.dt.tz_localize(zone, nonexistent="NaT", ambiguous="NaT")
    except (KeyError, ValueError) as error:
        raise OptionError(
            "F09", f"there is no time zone {zone!r}.", remedy='use a name such as "UTC" or "Asia/Ulaanbaatar"'
        ) from error
    lost = exact.isna() & stamps.notna()
    if not lost.any():
        return exact, ()
    note = Finding(
        "F18", f"{int(lost.sum()):,} times do not exist, or exist twice, in {zone} (summer time).", "give the times in UTC",
        layer=layer, rows=tuple(np.flatnonzero(lost).tolist()), severity="warning",
    )  # fmt: skip
    return exact, (note,)


def _order(
    number: NDArray[Any], seconds: NDArray[np.float64], layer: str
) -> tuple[NDArray[np.int64], tuple[Finding, ...]]:
    """Rows by animal and time, and a note on those that came before an earlier one."""
    order = np.lexsort((np.arange(len(seconds)), seconds, number)).astype(np.int64)
    by_animal = np.argsort(number, kind="stable")
    behind = (np.diff(seconds[by_animal]) < 0) & (np.diff(number[by_animal]) == 0)
    if not behind.any():
        return order, ()
    rows = by_animal[1:][behind]
    note = Finding(
        "F19", f"{len(rows):,} fixes came after a later one of the same animal; all were put in order.",
        "none is needed, unless times are wrong", layer=layer, rows=tuple(rows.tolist()), severity="note",
    )  # fmt: skip
    return order, (note,)


def _errors(frame: Any, error_m: float | str | None, layer: str) -> NDArray[np.float64]:
    if isinstance(error_m, (int, float)):
        return np.full(len(frame), float(error_m))
    column = error_m or _first(frame, ERROR)
    if not column:
        return np.full(len(frame), ERROR_M)
    values = pd.to_numeric(frame[_require(frame, column, "error", layer)], errors="coerce").to_numpy(float)
    return np.where(np.isfinite(values) & (values >= 0), values, ERROR_M)


def _marked(frame: Any) -> NDArray[np.bool_]:
    wrong = np.zeros(len(frame), bool)
    for column in MARKS:
        if column in frame.columns:
            wrong |= frame[column].astype("string").str.lower().isin(TRUE).to_numpy(bool)
    if "visible" in frame.columns:
        wrong |= frame["visible"].astype("string").str.lower().isin({"false", "0"}).to_numpy(bool)
    return wrong


def _simulated(frame: Any, told: bool | None) -> bool:
    if told is not None or "simulated" not in frame.columns:
        return bool(told)
    return bool(frame["simulated"].astype("string").str.lower().isin(TRUE).any())
