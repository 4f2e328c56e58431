"""The line layer of barriers: checks, kilometres, stretches.

A *barrier* is one row of a line layer (fence, road, railway).  Rows that share ``line`` are parts of one line with
one run of kilometres.  Places on a line are always given in kilometres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.chainage import Chainage
from permeability.barriers.database.conforming import read_layer, refusal
from permeability.barriers.database.faults import check
from permeability.barriers.doubles import coincident, snapped
from permeability.barriers.kilometres import kilometres
from permeability.core.errors import BarrierError, Finding, GridError, LayerError, PermeabilityError, nearest
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
    "prepare_layers",
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
NO_RULE = ("canal", "pipeline")  # kinds of the database that no crossing rule is known for
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
    findings : tuple of Finding
        What is to be known of their kilometres, and rows that no run counts (canals and pipelines).
    posts_used : mapping
        Line -> number of posts that its kilometres stand on.

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
    findings: tuple[Finding, ...] = field(default=(), repr=False, compare=False)
    posts_used: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

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
                shape = self.table.geometry.iloc[i]
                d0, d1 = sorted(float(self.chainages[i].dist_at(k)) for k in (a, b))
                pieces.append(substring(shape, _at_end(d0, shape.length), _at_end(d1, shape.length)))
        return shapely.line_merge(shapely.union_all(pieces)) if pieces else shapely.LineString()

    def subset(self, keep: NDArray[np.bool_]) -> Barriers:
        """Only the rows that are kept."""
        rows = np.flatnonzero(keep)
        table = self.table.iloc[rows].reset_index(drop=True)
        return Barriers(table, tuple(self.chainages[i] for i in rows), self.findings, self.posts_used)

    def redrawn(self, shapes: Sequence[shapely.Geometry], chainages: tuple[Chainage, ...]) -> Barriers:
        """The same rows of the same lines with other shapes and kilometres."""
        drawn = gpd.GeoSeries(shapes, index=self.table.index, crs=self.table.crs)
        out = Barriers(self.table.set_geometry(drawn), chainages)
        out.__dict__["_rows"] = self.__dict__.setdefault("_rows", {})
        return out

    def standing(self, year: float | None, statuses: Sequence[str] = ("existing",)) -> Barriers:
        """The barriers that stand in a year: of one of the statuses, opened by then and not yet closed."""
        t = self.table
        keep = t["status"].isin(list(statuses)).to_numpy(copy=True)
        if year is not None:
            opened, closed = t["opened"].to_numpy(float), t["closed"].to_numpy(float)
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


def _at_end(distance: float, length: float) -> float:
    """A distance along a line that is an end but for rounding, as that end, so that pieces meet [m]."""
    near = next((end for end in (0.0, length) if abs(distance - end) < 1e-6), None)
    return distance if near is None else near


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
        What :func:`permeability.barriers.database.check` finds wrong: K01 missing column, K02 empty, K03 to K07 cells
        that cannot be read, K08 duplicate ids, K09 contradictions, K10 geometry, K11 missing CRS, K15 empty layer.
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
    return prepare_layers({layer: table}, posts=posts)


def prepare_layers(
    tables: Mapping[str, gpd.GeoDataFrame],
    *,
    posts: gpd.GeoDataFrame | None = None,
    snap_m: float | None = None,
    as_one: Sequence[Sequence[str]] = (),
    count_both: bool = False,
) -> Barriers:
    """Several line layers as one set of barriers; the posts are those of all.

    Parameters
    ----------
    tables : mapping
        Name of the layer -> layer, see :func:`prepare`.
    posts : GeoDataFrame, optional
    snap_m : float, optional
        Ends of two rows of one kind that miss each other by at most this are joined; told in ``findings`` [m].
    as_one : sequence of lists of str
        Rows (ids) or lines that are drawings of one thing: the first of each list stays; told in ``findings``.
    count_both : bool
        Count rows twice that coincide from end to end within a metre and say the same; they count once otherwise, and
        ``findings`` say which.

    Returns
    -------
    Barriers
        Rows in the order of the layers.

    Raises
    ------
    LayerError
        As :func:`prepare`, and L05 for ids that stand in two layers.
    BarrierError
        B05; B06 for a name in ``as_one`` that is not there; B18 when no post is of use for any line.

    Examples
    --------
    >>> fence = gpd.GeoDataFrame({"id": ["F"], "kind": "fence"}, geometry=[shapely.LineString([(0, 0), (0, 5000)])], crs=32648)
    >>> prepare_layers({"fences": fence, "roads": fence.assign(id="R", kind="road")}).lines
    ['F', 'R']
    """
    for layer, table in tables.items():
        check_rows(table, layer)
    if posts is not None:
        wrong = [f for f in check(posts, "posts", label="posts", to_run=True) if f.severity == "error"]
        if wrong:
            raise refusal(wrong[0])
        posts = read_layer(posts, "posts").table
    read = {layer: _rows(table, layer, as_one) for layer, table in tables.items()}
    once = {} if count_both else _drawn_once({layer: t for layer, (t, _) in read.items()})
    parts = []
    for layer, (t, findings) in read.items():
        keep, told = once.get(layer, (np.ones(len(t), bool), []))
        parts.append(_prepared(t[keep].reset_index(drop=True), posts, layer, snap_m, [*findings, *told]))
    found = concat(parts) if len(parts) > 1 else parts[0]
    _require_names(as_one, tables)
    idle = [f for f in found.findings if f.code == "B18" and f.severity == "error"]
    if idle:
        raise BarrierError("B18", idle[0].what, remedy=idle[0].remedy, layer="posts", rows=idle[0].rows)
    return found


def _require_names(as_one: Sequence[Sequence[str]], tables: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Refuse names of ``as_one`` that no layer has."""
    read = [read_layer(t, "barriers").table for t in tables.values()]
    known = {str(v) for t in read for c in ("id", "line") if c in t for v in t[c] if v is not None}
    for name in (n for group in as_one for n in group if n not in known):
        guess = nearest(name, known)
        raise BarrierError(
            "B06", f"as_one names {name!r}, which is not among the barriers.",
            remedy=f"did you mean {guess!r}?" if guess else "name ids or lines of the layers",
        )  # fmt: skip


def _as_one(
    t: gpd.GeoDataFrame, as_one: Sequence[Sequence[str]], layer: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """The layer without the rows that repeat another one."""
    gone = {n for group in as_one for n in group[1:]}
    away = t["id"].isin(gone) | (t["line"].isin(gone) if "line" in t else False)
    if not away.any():
        return t, []
    what = f"{int(away.sum())} rows are left out: as_one says that they repeat others."
    note = Finding(
        "B23", what, "take them out of as_one to count them", layer, tuple(t["id"][away]), severity="note"
    )
    return t[~away].reset_index(drop=True), [note]


def _rows(
    table: gpd.GeoDataFrame, layer: str, as_one: Sequence[Sequence[str]]
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Rows of one layer that a run counts, and what is told of the others."""
    t = read_layer(table, "barriers", label=layer).table
    none = t["kind"].isin(NO_RULE).to_numpy()
    findings = _without_rule(t[none], layer)
    t, repeated = _as_one(t[~none].reset_index(drop=True), as_one, layer)
    return t, [*findings, *repeated]


def _drawn_once(
    tables: Mapping[str, gpd.GeoDataFrame],
) -> dict[str, tuple[NDArray[np.bool_], list[Finding]]]:
    """Which rows of every layer stay when those that repeat others are left out, and a finding on these."""
    layers = [layer for layer, t in tables.items() for _ in range(len(t))]
    if not layers:
        return {}
    crs = next(iter(tables.values())).crs
    every = gpd.GeoDataFrame(pd.concat([*tables.values()], ignore_index=True), crs=crs)
    gone: dict[int, int] = {}
    for a, b in coincident(every):
        if a not in gone:
            gone.setdefault(b, a)
    out, start = {}, 0
    for layer, t in tables.items():
        mine = [i for i in range(start, start + len(t)) if i in gone]
        keep = np.ones(len(t), bool)
        keep[[i - start for i in mine]] = False
        start += len(t)
        rows = tuple(
            f"{every['id'][i]} (as {every['id'][gone[i]]}: {every.geometry[i].length / 1000:.1f} km)"
            for i in mine
        )
        told = [Finding(
            "B25", f"{len(rows)} rows coincide with others from end to end and say the same: each pair counts once.",
            "take the copy out of the layer, or say count_both = true under [barriers] if they are two", layer, rows,
            severity="warning",
        )]  # fmt: skip
        out[layer] = (keep, told if rows else [])
    return out


def _prepared(
    t: gpd.GeoDataFrame,
    posts: gpd.GeoDataFrame | None,
    layer: str,
    snap_m: float | None,
    findings: list[Finding],
) -> Barriers:
    """One layer that has been checked and read."""
    for name, default in COLUMNS.items():
        if name not in t.columns:
            t[name] = default
    t["status"] = t["status"].fillna("existing")
    t["line"] = t["line"].where(t["line"].notna(), t["id"])
    t["name"] = t["name"].where(t["name"].notna() & (t["name"] != ""), t["id"])
    merged = [_one_line(g) for g in t.geometry]
    t = t.set_geometry(gpd.GeoSeries(shapely.force_2d(merged), index=t.index, crs=t.crs))
    if snap_m is not None:
        t, joined = snapped(t, snap_m)
        if joined:
            what = f"{len(joined)} pairs of ends were joined, as snap_m = {snap_m:g} asks."
            findings.append(Finding("B24", what, "nothing to do", layer, tuple(joined), severity="note"))
    found = kilometres(t, posts, layer)
    t = t.set_geometry(gpd.GeoSeries(found.shapes, index=t.index, crs=t.crs))
    return Barriers(t, tuple(found.chainages), (*findings, *found.findings), found.posts_used)


def _without_rule(rows: gpd.GeoDataFrame, layer: str) -> list[Finding]:
    """A note on rows that no run counts."""
    if not len(rows):
        return []
    kinds = " and ".join(sorted(set(rows["kind"])))
    return [Finding("K13", f"{len(rows)} rows of kind {kinds} are left out: there is no crossing rule for it.",
                    "describe it as a fence of a class to count it", layer, tuple(rows["id"]), severity="warning")]  # fmt: skip


def _one_line(geometry: shapely.Geometry) -> shapely.Geometry:
    """Parts that meet end to end as one line."""
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
        K01 to K11, K15, K19, the worst first.
    GridError
        G01 for a CRS in degrees.

    Examples
    --------
    >>> check_rows(gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=32648), "fences")
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [K01]: column 'kind' is missing.
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
    [('K06', "did you mean 'fence'? use one of: railway, road, fence, canal, pipeline")]
    """
    findings = [f for f in check(table, "barriers", label=layer, to_run=True) if f.severity == "error"]
    found: list[PermeabilityError] = []
    if table.crs is not None:
        try:
            require_metres(table.crs, layer=layer)
        except GridError as error:
            found.append(error)
    found += [refusal(f) for f in findings]
    return found


def concat(parts: Sequence[Barriers]) -> Barriers:
    """Several barrier sets as one; ids must stay distinct (L05).

    Parameters
    ----------
    parts : sequence of Barriers

    Returns
    -------
    Barriers
        Rows in the order of the parts.

    Raises
    ------
    LayerError
        L05 for ids that stand in two parts.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> first, second = land.barriers.subset([True, False]), land.barriers.subset([False, True])
    >>> concat([first, second]).lines
    ['F', 'S']
    """
    table = gpd.GeoDataFrame(pd.concat([p.table for p in parts], ignore_index=True), crs=parts[0].table.crs)
    twice = table["id"][table["id"].duplicated(keep=False)]
    if len(twice):
        raise LayerError(
            "L05", f"{twice.nunique()} ids stand more than once.", layer="barriers", rows=list(dict.fromkeys(twice)),
            remedy="give every row its own id",
        )  # fmt: skip
    used = {line: n for p in parts for line, n in p.posts_used.items()}
    told = {(f.code, f.what): f for p in parts for f in p.findings}
    findings = [f for f in told.values() if not _answered(f, set(table["line"]), used)]
    return Barriers(table, tuple(c for p in parts for c in p.chainages), tuple(findings), used)


def _answered(finding: Finding, lines: set[str], used: Mapping[str, int]) -> bool:
    """Whether another layer has the line that posts of this finding belong to."""
    if finding.code != "B18":
        return False
    return bool(used) if finding.severity == "error" else finding.details.get("absent") in lines


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
