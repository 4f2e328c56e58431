"""The line layer of barriers: checks, kilometres, stretches.

A *barrier* is one row of a line layer (fence, road, railway).  Rows that share ``line`` are parts of one line with
one run of kilometres.  Places on a line are always given in kilometres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers import chainage
from permeability.barriers.chainage import Chainage
from permeability.core.errors import BarrierError, GridError, LayerError, PermeabilityError, nearest
from permeability.layers.grid import describe_crs, require_metres

__all__ = [
    "COLUMNS",
    "KINDS",
    "STATUSES",
    "TRAFFIC_CLASS",
    "Barriers",
    "check_rows",
    "concat",
    "prepare",
    "row_problems",
    "substring",
    "traffic_class",
]

KINDS = ("fence", "road", "railway")
STATUSES = ("existing", "under_construction", "planned", "removed")
COLUMNS: dict[str, Any] = {
    "name": "", "line": None, "status": "existing", "opened": np.nan, "closed": np.nan, "fence_class": None,
    "fenced": "unknown", "fence_sides": None, "fence_lines": np.nan, "trains_per_day": np.nan,
    "vehicles_per_day_low": np.nan, "vehicles_per_day": np.nan, "vehicles_per_day_high": np.nan,
    "accuracy_m": np.nan, "presence": np.nan, "fenced_chance": np.nan, "source": "", "licence": "", "note": "",
}  # fmt: skip
CHANCES = ("presence", "fenced_chance")
TRAFFIC_CLASS = 1_000.0  # vehicles per day: the class planners ask for (CAMI programme of work 2.2.1 e)


@dataclass(frozen=True)
class Barriers:
    """Barriers in map metres, each with its kilometres.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        One row per barrier: ``id``, ``kind``, ``line``, the columns of the barrier schema, LineString or
        MultiLineString in a projected CRS [m].
    chainages : tuple of Chainage
        One per row, distance along the drawn row to kilometre of its line.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> land.barriers.lines, land.barriers.km_range("F")
    (['F', 'S'], (0.0, 8.0))
    >>> land.barriers.stretch("F", 2, 5).length  # [m]
    3000.0
    """

    table: gpd.GeoDataFrame
    chainages: tuple[Chainage, ...] = field(repr=False)

    @property
    def lines(self) -> list[str]:
        """Names of the lines, in the order of their first row."""
        return list(dict.fromkeys(self.table["line"]))

    def rows_of(self, line: str) -> NDArray[np.int64]:
        """Row numbers of a line.

        Raises
        ------
        BarrierError
            B06 for a line that does not exist, with the nearest name.
        """
        known = self.__dict__.setdefault("_rows", {})
        if line in known:
            return known[line]
        rows = np.flatnonzero((self.table["line"] == line).to_numpy())
        if len(rows) == 0:
            rows = np.flatnonzero((self.table["id"] == line).to_numpy())
        if len(rows) == 0:
            names = self.lines
            guess = nearest(line, names)
            raise BarrierError(
                "B06",
                f"there is no line {line!r} among the barriers.",
                details={"lines": ", ".join(names)},
                remedy=f"did you mean {guess!r}?" if guess else "name one of these lines",
            )
        known[line] = rows
        return rows

    def km_range(self, line: str) -> tuple[float, float]:
        """Lowest and highest kilometre of a line."""
        spans = [self.chainages[i].km_range for i in self.rows_of(line)]
        return min(s[0] for s in spans), max(s[1] for s in spans)

    def stretch(self, line: str, km_from: float, km_to: float) -> shapely.Geometry:
        """The drawn geometry of a line between two kilometres."""
        pieces = []
        for i in self.rows_of(line):
            low, high = self.chainages[i].km_range
            a, b = max(low, km_from), min(high, km_to)
            if a < b:
                d0, d1 = sorted(float(self.chainages[i].dist_at(k)) for k in (a, b))
                pieces.append(substring(self.table.geometry.iloc[i], d0, d1))
        return shapely.line_merge(shapely.union_all(pieces)) if pieces else shapely.LineString()

    def subset(self, keep: NDArray[np.bool_]) -> Barriers:
        """Only the rows that are kept."""
        rows = np.flatnonzero(keep)
        return Barriers(self.table.iloc[rows].reset_index(drop=True), tuple(self.chainages[i] for i in rows))

    def standing(self, year: float | None, statuses: Sequence[str] = ("existing",)) -> Barriers:
        """The barriers that stand in a year: of one of the statuses, opened by then and not yet closed."""
        t = self.table
        keep = t["status"].isin(list(statuses)).to_numpy(copy=True)
        if year is not None:
            opened = pd.to_numeric(t["opened"], errors="coerce").to_numpy(float)
            closed = pd.to_numeric(t["closed"], errors="coerce").to_numpy(float)
            keep &= ~(opened > year) & ~(closed <= year)
        return self.subset(keep)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        km = self.table.geometry.length.sum() / 1000
        kinds = ", ".join(f"{n} {k}" for k, n in self.table["kind"].value_counts().sort_index().items())
        return (
            f"Barriers({len(self.table)} rows: {kinds}; {km:,.0f} km drawn; {describe_crs(self.table.crs)})"
        )


def substring(geometry: shapely.Geometry, start: float, end: float) -> shapely.Geometry:
    """The stretch of a line (or multi-line, parts laid end to end) between two distances along it [m].

    Parameters
    ----------
    geometry : Geometry
        LineString or MultiLineString.
    start : float
        Distance along the line [m].
    end : float
        Distance along the line [m].

    Returns
    -------
    Geometry

    Examples
    --------
    >>> substring(shapely.LineString([(0, 0), (10, 0)]), 2, 5).wkt
    'LINESTRING (2 0, 5 0)'
    """
    from shapely.ops import substring as cut

    parts = list(shapely.get_parts(geometry))
    pieces, offset = [], 0.0
    for part in parts:
        a, b = max(0.0, start - offset), min(part.length, end - offset)
        if a < b:
            pieces.append(cut(part, a, b))
        offset += part.length
    return pieces[0] if len(pieces) == 1 else shapely.MultiLineString(pieces)


def prepare(
    table: gpd.GeoDataFrame,
    *,
    posts: gpd.GeoDataFrame | None = None,
    layer: str = "barriers",
) -> Barriers:
    """Checked barriers with kilometres, from a line layer in a projected CRS.

    Parameters
    ----------
    table : GeoDataFrame
        Needs ``id`` and ``kind``; further columns as in the barrier schema are optional.
    posts : GeoDataFrame, optional
        Points with ``line`` and ``km`` in the same CRS: stations or kilometre posts.
    layer : str
        Name used in messages.

    Returns
    -------
    Barriers
        With every column of the schema and the kilometres of every row.

    Raises
    ------
    LayerError
        L02 missing CRS, L03 empty layer, L04 missing column, L05 duplicate ids, L06 geometry that is not a line,
        L07 unknown kind or status, L13 rows without id, L14 a chance outside 0..1.
    BarrierError
        B05 kilometres of posts that do not run one way.

    Examples
    --------
    >>> rail = gpd.GeoDataFrame({"id": ["R"], "kind": "railway"}, geometry=[shapely.LineString([(0, 0), (0, 5000)])], crs=32648)
    >>> prepare(rail).km_range("R")
    (0.0, 5.0)
    >>> posts = gpd.GeoDataFrame({"line": ["R", "R"], "km": [700, 705.0]}, geometry=gpd.points_from_xy([0, 0], [0, 5000]), crs=32648)
    >>> prepare(rail, posts=posts).km_range("R")
    (700.0, 705.0)
    """
    check_rows(table, layer)
    if posts is not None:
        for column in ("line", "km"):
            if column not in posts.columns:
                raise _missing(column, posts, "posts")
    t = table.copy()
    t["id"] = t["id"].astype(str)
    for name, default in COLUMNS.items():
        if name not in t.columns:
            t[name] = default
    t["status"] = t["status"].fillna("existing")
    t["line"] = t["line"].where(t["line"].notna() & (t["line"] != ""), t["id"])
    t["line"] = t["line"].astype(str)
    t["name"] = t["name"].where(t["name"].notna() & (t["name"] != ""), t["id"])
    merged = [_one_line(g) for g in t.geometry]
    t = t.set_geometry(gpd.GeoSeries(shapely.force_2d(merged), index=t.index, crs=t.crs)).reset_index(
        drop=True
    )
    return Barriers(t, _chainages(t, posts))


def _one_line(geometry: shapely.Geometry) -> shapely.Geometry:
    """A ring as a closed line, parts that meet end to end as one line."""
    if geometry.geom_type == "LinearRing":
        return shapely.LineString(geometry)
    return shapely.line_merge(geometry) if geometry.geom_type == "MultiLineString" else geometry


def check_rows(table: gpd.GeoDataFrame, layer: str) -> None:
    """Refuse a line layer that cannot be used; see :func:`prepare`.

    Parameters
    ----------
    table : GeoDataFrame
    layer : str

    Raises
    ------
    LayerError
        L02 to L07, L13, the worst first.
    GridError
        G01 for a CRS in degrees.

    Examples
    --------
    >>> check_rows(gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=32648), "fences")
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [L04]: the column 'kind' is missing.
    ...
    """
    problems = row_problems(table, layer)
    if problems:
        raise problems[0]


def row_problems(table: gpd.GeoDataFrame, layer: str) -> list[PermeabilityError]:
    """Everything that is wrong with a line layer, worst first; see :func:`prepare` for the codes.

    Parameters
    ----------
    table : GeoDataFrame
        Line layer.
    layer : str
        Name used in messages.

    Returns
    -------
    list of PermeabilityError

    Examples
    --------
    >>> table = gpd.GeoDataFrame({"id": ["a"], "kind": ["fense"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=32648)
    >>> [(e.code, e.remedy) for e in row_problems(table, "fences")]
    [('L07', "did you mean 'fence'?")]
    """
    if table.crs is None:
        return [LayerError(
            "L02", "the layer has no coordinate system.", layer=layer, rows=[f"all {len(table)}"],
            remedy="assign its CRS (set_crs) and save it again",
        )]  # fmt: skip
    if len(table) == 0:
        return [LayerError(
            "L03", "the layer is empty.", layer=layer, rows=["none"],
            remedy="check the file, the table name and any filter on it",
        )]  # fmt: skip
    found: list[PermeabilityError] = []
    try:
        require_metres(table.crs, layer=layer)
    except GridError as error:
        found.append(error)
    found += [_missing(column, table, layer) for column in ("id", "kind") if column not in table.columns]
    if any(e.code == "L04" for e in found):
        return found
    missing = table["id"].isna()
    if missing.any():
        found.append(LayerError("L13", f"{int(missing.sum())} rows have no id.", layer=layer, rows=[f"row {i}" for i in np.flatnonzero(missing)], remedy="give every row its own id"))  # fmt: skip
    twice = table["id"][table["id"].duplicated(keep=False) & ~missing]
    if len(twice):
        found.append(LayerError("L05", f"{twice.nunique()} ids stand more than once.", layer=layer, rows=[f"row {i} ({v})" for i, v in twice.items()], remedy="give every row its own id"))  # fmt: skip
    shapes = table.geometry.to_numpy()
    bad = (
        ~np.isin(shapely.get_type_id(shapes), (1, 2, 5))
        | shapely.is_empty(shapes)
        | ~(shapely.length(shapes) > 0)
    )
    if bad.any():
        found.append(LayerError("L06", f"{int(bad.sum())} rows are not lines with a length.", layer=layer, rows=list(table["id"][bad]), remedy="keep lines only; wide things such as mines belong into a polygon layer"))  # fmt: skip
    found += _wrong_words(table, "kind", KINDS, layer)
    if "status" in table.columns:
        found += _wrong_words(table[table["status"].notna()], "status", STATUSES, layer)
    for column in CHANCES:
        if column in table.columns:
            found += _wrong_chances(table, column, layer)
    return found


def _wrong_chances(table: gpd.GeoDataFrame, column: str, layer: str) -> list[PermeabilityError]:
    values = pd.to_numeric(table[column], errors="coerce")
    wrong = table[table[column].notna() & ~values.between(0.0, 1.0)]
    if len(wrong) == 0:
        return []
    return [LayerError(
        "L14", f"{column} = {values[wrong.index[0]]:g} is not a chance.", layer=layer, rows=list(wrong["id"]),
        remedy="give a number from 0 to 1, or leave it empty",
    )]  # fmt: skip


def _missing(column: str, table: gpd.GeoDataFrame, layer: str) -> LayerError:
    spare = [c for c in table.columns if c not in ("id", "kind", "line", "km", "geometry", *COLUMNS)]
    guess = nearest(column, spare)
    return LayerError(
        "L04", f"the column {column!r} is missing.", layer=layer, rows=[f"all {len(table)}"],
        details={"columns": ", ".join(map(str, table.columns))},
        remedy=f"rename {guess!r} to {column!r} or add it" if guess else f"add a column {column!r}",
    )  # fmt: skip


def _wrong_words(
    table: gpd.GeoDataFrame, column: str, valid: Sequence[str], layer: str
) -> list[PermeabilityError]:
    wrong = table[~table[column].isin(valid)]
    if len(wrong) == 0:
        return []
    guess = nearest(wrong[column].iloc[0], valid)
    return [LayerError(
        "L07", f"{column} {wrong[column].iloc[0]!r} is not known.", layer=layer, rows=list(wrong["id"]),
        details={"valid": ", ".join(valid)},
        remedy=f"did you mean {guess!r}?" if guess else "use one of these words",
    )]  # fmt: skip


def _chainages(table: gpd.GeoDataFrame, posts: gpd.GeoDataFrame | None) -> tuple[Chainage, ...]:
    """Kilometres of every row: posts first, then published length, then drawn length."""
    found: list[Chainage] = []
    drawn: dict[str, float] = {}
    rows_of = table["line"].value_counts()
    for row in table.itertuples(index=False):
        line, length = str(row.line), float(row.geometry.length)
        c = None
        if posts is not None and row.geometry.geom_type == "LineString":
            mine = posts[posts["line"] == line]
            if len(mine) >= 2:
                c = chainage.from_posts(
                    row.geometry, mine.geometry.to_numpy(), mine["km"].to_numpy(float), line_id=str(row.id)
                )
        if c is None:
            published = getattr(row, "length_km_published", None)
            single = rows_of[line] == 1
            whole = (
                float(published)
                if single and published is not None and np.isfinite(float(published))
                else None
            )
            c = chainage.from_length(length, published_km=whole, start_km=drawn.get(line, 0.0))
            drawn[line] = c.km_range[1]
        found.append(c)
    return tuple(found)


def concat(parts: Sequence[Barriers]) -> Barriers:
    """Several barrier sets as one; ids must stay distinct (L05).

    Parameters
    ----------
    parts : sequence of Barriers

    Returns
    -------
    Barriers
        Rows in the order of the parts.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> first, second = land.barriers.subset([True, False]), land.barriers.subset([False, True])
    >>> concat([first, second]).lines
    ['F', 'S']
    """
    table = gpd.GeoDataFrame(pd.concat([p.table for p in parts], ignore_index=True), crs=parts[0].table.crs)
    check_rows(table, "barriers")
    return Barriers(table, tuple(c for p in parts for c in p.chainages))


def traffic_class(vehicles_per_day: float) -> str:
    """Class of a road for legends and tables; the model itself uses the number.

    Parameters
    ----------
    vehicles_per_day : float
        NaN = not counted.

    Returns
    -------
    str
        Legend class.

    Examples
    --------
    >>> traffic_class(2200.0), traffic_class(400.0), traffic_class(float("nan"))
    ('over 1,000 vehicles/day', 'up to 1,000 vehicles/day', 'traffic unknown')
    """
    if not np.isfinite(vehicles_per_day):
        return "traffic unknown"
    return "over 1,000 vehicles/day" if vehicles_per_day > TRAFFIC_CLASS else "up to 1,000 vehicles/day"
