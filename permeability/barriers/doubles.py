"""Lines that are drawn twice, carriageways that are one road, and ends that miss each other: nothing counts twice in silence."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from permeability.core.errors import Finding

SAME_M = 5.0  # lines nearer than this are drawings of one thing, whatever their stated accuracy
MOST_M = 50.0  # two fences farther apart are two, however coarsely they are drawn
COINCIDE_M = 1.0  # rows that lie within this of each other from end to end are one
AGREE = (
    "kind",
    "status",
    "opened",
    "planned_open",
    "closed",
    "fence_class",
    "fenced",
)  # what they must say alike
ROAD_M = 80.0  # carriageways of one road lie within this
LEAST_M = 200.0  # a shorter stretch side by side says nothing
SHARE = 0.2  # of the shorter of the two
MISS_M = 500.0  # ends farther apart are two ends


def doubles(table: gpd.GeoDataFrame, layer: str = "barriers") -> list[Finding]:
    """Pairs of rows of one kind that lie on each other, and of roads or railways that run side by side under one name.

    Parameters
    ----------
    table : GeoDataFrame
        ``id``, ``kind``, ``line``, ``accuracy_m``; lines in a projected CRS [m].
    layer : str
        Name used in findings.

    Returns
    -------
    list of Finding
        B20 drawn twice, B21 side by side.

    Examples
    --------
    >>> fence = shapely.LineString([(0, 0), (0, 5000)])
    >>> twice = gpd.GeoDataFrame({"id": ["F", "G"], "kind": "fence", "line": ["F", "G"]}, geometry=[fence, fence.reverse()], crs=32648)
    >>> doubles(twice)[0].rows
    ('F and G: 5.0 km',)
    """
    shapes = table.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    one, two = tree.query(shapes, predicate="dwithin", distance=ROAD_M)
    accuracy = (
        np.nan_to_num(np.asarray(table["accuracy_m"], float))
        if "accuracy_m" in table
        else np.zeros(len(table))
    )
    kinds, lines, ids = (table[c].to_numpy() for c in ("kind", "line", "id"))
    twice, beside = [], []
    for a, b in zip(one[one < two].tolist(), two[one < two].tolist()):
        if kinds[a] != kinds[b]:
            continue
        near = float(np.clip(min(accuracy[a], accuracy[b]), SAME_M, MOST_M))
        shared = _shared(shapes[a], shapes[b], near)
        if shared:
            twice.append(f"{ids[a]} and {ids[b]}: {shared / 1000:.1f} km")
        elif kinds[a] != "fence" and lines[a] == lines[b]:
            shared = _shared(shapes[a], shapes[b], ROAD_M)
            if shared:
                beside.append(f"{ids[a]} and {ids[b]}: {shared / 1000:.1f} km")
    return list(_told(twice, beside, layer))


def _shared(a: shapely.Geometry, b: shapely.Geometry, near: float) -> float:
    """Length that two lines share within a distance [m]; 0 for crossings, joints and short stretches."""
    short, other = (a, b) if a.length <= b.length else (b, a)
    if not short.dwithin(other, near):
        return 0.0
    shared = float(short.intersection(other.buffer(near, cap_style="flat", quad_segs=2)).length)
    return shared if shared > max(LEAST_M, 6 * near) and shared > SHARE * short.length else 0.0


def _told(twice: list[str], beside: list[str], layer: str) -> Iterator[Finding]:
    if twice:
        yield Finding(
            "B20", f"{len(twice)} pairs of rows lie on each other: each pair is crossed twice, one after the other.",
            "if they are one thing, say as_one = [[\"F\", \"G\"]] under [barriers] (the first of each list stays), or take one out", layer,
            tuple(twice), severity="warning",
        )  # fmt: skip
    if beside:
        yield Finding(
            "B21", f"{len(beside)} pairs of rows of one line run side by side (two carriageways or tracks): each pair is crossed twice, and they share kilometres.",
            "if they are crossed as one, say as_one = [[\"A\", \"B\"]] under [barriers] (the first of each list stays), with the traffic of both", layer,
            tuple(beside), severity="warning",
        )  # fmt: skip


def coincident(table: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    """Pairs of rows that coincide from end to end within a metre and say the same: one thing drawn twice.

    Nothing is built within a metre of another one along its whole length; rows that differ in kind, status, years or fence
    are no pair (a fence and the one that is to replace it are often one drawing).

    Parameters
    ----------
    table : GeoDataFrame
        As for :func:`doubles`.

    Returns
    -------
    list of (int, int)
        Row that stays, row that repeats it.

    Examples
    --------
    >>> fence = shapely.LineString([(0, 0), (0, 5000)])
    >>> coincident(gpd.GeoDataFrame({"id": ["F", "G"], "kind": "fence"}, geometry=[fence, fence.reverse()], crs=32648))
    [(0, 1)]
    """
    shapes = table.geometry.to_numpy()
    one, two = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=COINCIDE_M)
    same = [c for c in AGREE if c in table.columns]
    words = [tuple(str(v) for v in row) for row in table[same].itertuples(index=False)]
    found = []
    for a, b in sorted(zip(one[one < two].tolist(), two[one < two].tolist())):
        if min(shapes[a].length, shapes[b].length) <= 2 * COINCIDE_M:
            continue  # so short that neighbours look alike
        close = abs(shapes[a].length - shapes[b].length) <= 0.01 * shapes[a].length + 2 * COINCIDE_M
        if not close or words[a] != words[b]:
            continue
        wide = shapely.buffer(np.array([shapes[a], shapes[b]]), COINCIDE_M)
        if shapely.covered_by(shapes[a], wide[1]) and shapely.covered_by(shapes[b], wide[0]):
            found.append((a, b))
    return found


# ---------------------------------------------------------------- ends
def missed_joins(
    table: gpd.GeoDataFrame, snap_m: float | None = None
) -> list[tuple[int, int, int, int, float]]:
    """Ends of two rows of one kind that miss each other by less than the accuracy of the drawing, or than ``snap_m``.

    Parameters
    ----------
    table : GeoDataFrame
        As for :func:`doubles`; LineStrings and MultiLineStrings.
    snap_m : float, optional
        Distance to look within, in place of the accuracy [m].

    Returns
    -------
    list of tuple
        (row, end 0 or 1, other row, its end, distance [m]), nearest first.

    Examples
    --------
    >>> rows = [shapely.LineString([(0, 0), (0, 5000)]), shapely.LineString([(0, 5030), (0, 9000)])]
    >>> missed_joins(gpd.GeoDataFrame({"id": ["a", "b"], "kind": "fence", "accuracy_m": 50.0}, geometry=rows, crs=32648))
    [(0, 1, 1, 0, 30.0)]
    """
    accuracy = (
        np.nan_to_num(np.asarray(table["accuracy_m"], float))
        if "accuracy_m" in table
        else np.zeros(len(table))
    )
    reach = np.full(len(table), snap_m) if snap_m is not None else np.minimum(accuracy, MISS_M)
    tips = _tips(table)
    if len(tips) < 2 or not reach.any():
        return []
    shapes, kinds = table.geometry.to_numpy(), table["kind"].to_numpy()
    tree = cKDTree(tips[:, 2:])
    found = []
    for p, q in tree.query_pairs(float(reach.max())):
        (i, end, *a), (j, other, *b) = tips[p], tips[q]
        i, j, away = int(i), int(j), float(np.hypot(a[0] - b[0], a[1] - b[1]))
        if i == j or kinds[i] != kinds[j] or not 1e-3 < away <= max(reach[i], reach[j]):
            continue
        if shapely.Point(a).distance(shapes[j]) < 1e-3 or shapely.Point(b).distance(shapes[i]) < 1e-3:
            continue  # it ends on the other line
        found.append((i, int(end), j, int(other), away))
    return _nearest_once(sorted(found, key=lambda f: f[4]), tips)


def _tips(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Free ends as (row, end, x, y): those at which no other row begins or ends."""
    rows = []
    for i, shape in enumerate(table.geometry):
        parts = shapely.get_parts(shape)
        first, last = parts[0].coords[0][:2], parts[-1].coords[-1][:2]
        if first != last:
            rows += [(i, 0, *first), (i, 1, *last)]
    tips = np.array(rows, dtype=np.float64).reshape(-1, 4)
    if len(tips) < 2:
        return tips
    away, _ = cKDTree(tips[:, 2:]).query(tips[:, 2:], k=2)
    return tips[away[:, 1] > 1e-3]


def _nearest_once(
    found: list[tuple[int, int, int, int, float]], tips: NDArray[np.float64]
) -> list[tuple[int, int, int, int, float]]:
    """Each end joined once, the nearest first."""
    used: set[tuple[int, int]] = set()
    out = []
    for i, a, j, b, away in found:
        if (i, a) not in used and (j, b) not in used:
            used |= {(i, a), (j, b)}
            out.append((i, a, j, b, away))
    return out


def missed_finding(table: gpd.GeoDataFrame, layer: str = "barriers") -> list[Finding]:
    """A finding on ends that miss each other: B22."""
    ids = table["id"].to_numpy()
    rows = tuple(f"{ids[i]} - {ids[j]} ({away:,.0f} m)" for i, _, j, _, away in missed_joins(table))
    if not rows:
        return []
    return [Finding(
        "B22", f"{len(rows)} pairs of ends miss each other by less than the accuracy of the drawing: animals walk through the gap.",
        "if they are joined, say snap_m = 50 (metres) under [barriers]; it says what it joined", layer, rows, severity="warning",
    )]  # fmt: skip


def snapped(table: gpd.GeoDataFrame, snap_m: float) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Rows prolonged to the ends that they miss by at most a distance, and what was joined.

    Parameters
    ----------
    table : GeoDataFrame
    snap_m : float
        [m]

    Returns
    -------
    tuple of GeoDataFrame, list of str

    Examples
    --------
    >>> rows = [shapely.LineString([(0, 0), (0, 5000)]), shapely.LineString([(0, 5030), (0, 9000)])]
    >>> table = gpd.GeoDataFrame({"id": ["a", "b"], "kind": "fence"}, geometry=rows, crs=32648)
    >>> made, joined = snapped(table, 50)
    >>> made.geometry[0].length, joined
    (5030.0, ['a - b (30 m)'])
    """
    joins = missed_joins(table, snap_m)
    shapes, ids, told = list(table.geometry), table["id"].to_numpy(), []
    for i, end, j, other, away in joins:
        parts = list(shapely.get_parts(shapes[j]))
        target = parts[0].coords[0] if other == 0 else parts[-1].coords[-1]
        mine = list(shapely.get_parts(shapes[i]))
        if end == 0:
            mine[0] = shapely.LineString([target, *mine[0].coords])
        else:
            mine[-1] = shapely.LineString([*mine[-1].coords, target])
        shapes[i] = mine[0] if len(mine) == 1 else shapely.MultiLineString(mine)
        told.append(f"{ids[i]} - {ids[j]} ({away:,.0f} m)")
    return table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs)), told
