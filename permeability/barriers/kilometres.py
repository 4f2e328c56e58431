"""Kilometres of every row of a line: from posts and columns together where there are any, else from the drawing.

Posts and the columns ``km_from`` / ``km_to`` are places of known kilometre on the chained line; between two of them, and
over gaps, kilometres are interpolated, beyond the outermost they go on at the slope there.  What contradicts, does not
match or cannot be told is a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.barriers.chainage import POST_REACH_M, Chainage, from_length, from_posts
from permeability.barriers.chaining import Chain, Link, chained
from permeability.core.errors import BarrierError, Finding, nearest, shorten

AGREE_KM = 0.5  # a post and a column may differ by this much
STEP_M = 1e-3  # a gap inside a row is a jump of the kilometre over this length of drawing


@dataclass
class Kilometres:
    """What is known of the kilometres of a line layer.

    Attributes
    ----------
    chainages : list of Chainage
        One per row.
    shapes : list of Geometry
        One per row; the parts of a row in the order of the line.
    findings : list of Finding
        B15 a line branches, B16 gaps in a line, B17 posts and columns contradict, B18 posts that are of no use.
    posts_used : dict
        Line -> number of posts that its kilometres stand on.

    Examples
    --------
    >>> table = gpd.GeoDataFrame({"id": ["b", "a"], "line": "L"}, geometry=[shapely.LineString([(0, 9000), (0, 5000)]), shapely.LineString([(0, 0), (0, 5000)])], crs=32648)
    >>> [c.km_range for c in kilometres(table, None).chainages]
    [(5.0, 9.0), (0.0, 5.0)]
    """

    chainages: list[Chainage]
    shapes: list[shapely.Geometry]
    findings: list[Finding] = field(default_factory=list)
    posts_used: dict[str, int] = field(default_factory=dict)


def kilometres(
    table: gpd.GeoDataFrame, posts: gpd.GeoDataFrame | None, layer: str = "barriers"
) -> Kilometres:
    """Kilometres of every row.

    Parameters
    ----------
    table : GeoDataFrame
        ``id``, ``line``, lines in a projected CRS [m]; ``km_from``, ``km_to``, ``length_km_published`` are optional.
    posts : GeoDataFrame or None
        Points with ``line`` and ``km``, as :func:`permeability.barriers.database.read_layer` reads them.
    layer : str
        Name used in findings.

    Returns
    -------
    Kilometres

    Raises
    ------
    BarrierError
        B05 when known kilometres do not run one way along a line.

    Examples
    --------
    >>> rail = gpd.GeoDataFrame({"id": ["R"], "line": ["R"]}, geometry=[shapely.LineString([(0, 0), (0, 5000)])], crs=32648)
    >>> kilometres(rail.assign(km_from=7.0, km_to=12.0), None).chainages[0].km_range
    (7.0, 12.0)
    """
    shapes = list(table.geometry)
    made = Kilometres([from_length(1.0)] * len(table), shapes)
    marks = _posts_by_line(posts)
    columns = {c: np.asarray(table[c], float) if c in table.columns else np.full(len(table), np.nan)
               for c in ("km_from", "km_to", "length_km_published")}  # fmt: skip
    names = table["line"].astype(str).to_numpy()
    ids = table["id"].astype(str).to_numpy()
    for line in dict.fromkeys(names):
        rows = np.flatnonzero(names == line)
        _one_line(made, line, rows, ids, columns, marks.get(line), layer)
    if posts is not None:
        made.findings += _idle_posts(marks, made.posts_used, list(dict.fromkeys(names)))
    return made


Marks = tuple[NDArray[np.object_], NDArray[np.float64]]  # points, kilometres


def _posts_by_line(posts: gpd.GeoDataFrame | None) -> dict[str, Marks]:
    """Line -> its posts, those of multipoints one by one."""
    if posts is None:
        return {}
    flat = posts.explode(index_parts=False)
    flat = flat[~flat.geometry.isna() & ~flat.geometry.is_empty & flat["km"].notna() & flat["line"].notna()]
    return {
        str(line): (np.asarray(mine.geometry.to_numpy(), object), mine["km"].to_numpy(float))
        for line, mine in flat.groupby("line", sort=False)
    }


def _one_line(
    made: Kilometres, line: str, rows: NDArray[np.int64], ids: NDArray[np.object_], columns: dict[str, NDArray[np.float64]],
    marks: Marks | None, layer: str,
) -> None:  # fmt: skip
    """Chainages of the rows of one line."""
    first = int(rows[0])
    known = np.isfinite(columns["km_from"][rows]) & np.isfinite(columns["km_to"][rows])
    if len(rows) == 1 and made.shapes[first].geom_type == "LineString" and not known.any():
        c = None if marks is None else from_posts(made.shapes[first], *marks, line_id=str(ids[first]))
        if c is not None:
            assert marks is not None
            made.posts_used[line] = int(
                (shapely.distance(marks[0], made.shapes[first]) <= POST_REACH_M).sum()
            )
        published = columns["length_km_published"][first]
        made.chainages[first] = c or from_length(
            float(made.shapes[first].length),
            published_km=float(published) if np.isfinite(published) else None,
        )
        return
    parts = [(int(i), p) for i in rows for p in shapely.get_parts(made.shapes[i])]
    single = len(parts) == 1
    chain = Chain((), 0.0, (), ()) if not parts else chained([p for _, p in parts])
    if single:  # the drawing direction of one row is what the user says
        chain = Chain((Link(0, False, 0.0),), chain.length_m, (), ())
    at, km, kinds = _anchors(made, line, rows, chain, parts, columns, known, marks)
    at, km = _agreed(made, line, at, km, kinds, layer)
    axis, source = _axis(line, at, km, chain.length_m, columns, rows, kinds)
    _findings_of_chain(made, line, ids[rows], chain, len(at) >= 2, layer)
    _to_rows(made, rows, chain, parts, axis, source)


# ---------------------------------------------------------------- places of known kilometre
def _anchors(
    made: Kilometres, line: str, rows: NDArray[np.int64], chain: Chain, parts: Sequence[tuple[int, shapely.LineString]],
    columns: dict[str, NDArray[np.float64]], known: NDArray[np.bool_], marks: Marks | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:  # fmt: skip
    """Distances along the chain, their kilometres and where each comes from."""
    at: list[float] = []
    km: list[float] = []
    kinds: list[str] = []
    if marks is not None:
        for point, value in zip(*marks):
            away = [float(parts[link.part][1].distance(point)) for link in chain.links]
            k = int(np.argmin(away))
            if away[k] > POST_REACH_M:
                continue
            link = chain.links[k]
            part = parts[link.part][1]
            along = float(shapely.line_locate_point(part, point))
            at.append(link.start_m + (part.length - along if link.flipped else along))
            km.append(float(value))
            kinds.append("posts")
        if kinds:
            made.posts_used[line] = len(kinds)
    spans = {int(i): _span(int(i), chain, parts) for i in rows[known]}
    rising = _rising(spans, columns)
    for i, (start, end, _) in spans.items():
        a, b = float(columns["km_from"][i]), float(columns["km_to"][i])
        if len(parts) > 1:
            a, b = (min(a, b), max(a, b)) if rising else (max(a, b), min(a, b))
        at += [start, end]
        km += [a, b]
        kinds += ["columns", "columns"]
    return np.array(at), np.array(km), kinds


def _span(
    row: int, chain: Chain, parts: Sequence[tuple[int, shapely.LineString]]
) -> tuple[float, float, bool]:
    """Where a row begins and ends on the chain, and whether the chain runs through it backwards."""
    mine = [link for link in chain.links if parts[link.part][0] == row]
    ends = [link.start_m + parts[link.part][1].length for link in mine]
    return min(link.start_m for link in mine), max(ends), mine[0].flipped


def _rising(spans: dict[int, tuple[float, float, bool]], columns: dict[str, NDArray[np.float64]]) -> bool:
    """Whether the columns rise along the chain: by the middles of the rows, by the drawing for one alone."""
    if len(spans) < 2:
        return all((columns["km_from"][i] <= columns["km_to"][i]) != s[2] for i, s in spans.items())
    middle = [(s[0] + s[1]) / 2 for s in spans.values()]
    value = [(columns["km_from"][i] + columns["km_to"][i]) / 2 for i in spans]
    return bool(np.corrcoef(middle, value)[0, 1] >= 0) if np.std(value) > 0 else True


def _agreed(
    made: Kilometres,
    line: str,
    at: NDArray[np.float64],
    km: NDArray[np.float64],
    kinds: Sequence[str],
    layer: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Anchors in order, one per place; contradictions between posts and columns are told and the posts count."""
    if len(at) == 0:
        return at, km
    post = np.array([k == "posts" for k in kinds])
    if post.sum() >= 2 and (~post).any():
        order = np.argsort(at[post], kind="stable")
        told = np.interp(at[~post], at[post][order], km[post][order])
        inside = (at[~post] >= at[post].min()) & (at[~post] <= at[post].max())
        off = np.abs(told - km[~post]) * inside
        if (off > AGREE_KM).any():
            worst = int(np.argmax(off))
            made.findings.append(Finding(
                "B17", f"line {line!r}: posts and the columns km_from / km_to contradict each other by up to {off[worst]:.1f} km; the posts count.",
                "correct the posts or the columns, or leave one of them out", layer,
                (f"km {km[~post][worst]:g} in the columns, km {told[worst]:g} by the posts",), severity="warning",
            ))  # fmt: skip
        keep = post | ~_within(at, at[post])
        at, km = at[keep], km[keep]
    order = np.lexsort((km, at.round()))
    at, km = at[order], km[order]
    distinct = np.concatenate([[True], np.diff(at) > 1.0])
    return at[distinct], km[distinct]


def _within(at: NDArray[np.float64], posts: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((at >= posts.min()) & (at <= posts.max()))


def _axis(
    line: str, at: NDArray[np.float64], km: NDArray[np.float64], length: float, columns: dict[str, NDArray[np.float64]],
    rows: NDArray[np.int64], kinds: Sequence[str],
) -> tuple[Chainage, str]:  # fmt: skip
    """Kilometre along the whole chain."""
    if len(at) < 2:
        published = columns["length_km_published"][rows]
        whole = float(published[0]) if len(rows) == 1 and np.isfinite(published[0]) else None
        c = from_length(length, published_km=whole)
        return c, c.source
    steps = np.diff(km)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        wrong = int(np.argmax(np.sign(steps) != np.sign(steps.sum())))
        raise BarrierError(
            "B05",
            f"the kilometres of the posts do not run one way along {line!r}.",
            layer="posts",
            rows=[f"km {km[wrong]:g} then km {km[wrong + 1]:g}"],
            remedy="correct the kilometre or the place of these posts, or leave the wrong one out",
        )
    inner = Chainage(at, km, "posts")
    ends = [d for d in (0.0, length) if d < at[0] - 1.0 or d > at[-1] + 1.0]
    dist = np.sort(np.concatenate([at, ends]))
    source = "posts" if "posts" in kinds else "columns"
    return Chainage(dist, np.asarray(inner.km_at(dist)), source), source


# ---------------------------------------------------------------- back to the rows
def _to_rows(
    made: Kilometres, rows: NDArray[np.int64], chain: Chain, parts: Sequence[tuple[int, shapely.LineString]], axis: Chainage,
    source: str,
) -> None:  # fmt: skip
    """Chainage of every row along its own drawing; the parts of a row in the order of the line."""
    for i in map(int, rows):
        mine = [link for link in chain.links if parts[link.part][0] == i]
        if len(mine) == 1:
            link = mine[0]
            length = float(parts[link.part][1].length)
            inner = (
                axis.dist[(axis.dist > link.start_m + 1.0) & (axis.dist < link.start_m + length - 1.0)]
                - link.start_m
            )
            along = np.concatenate([[0.0], inner, [length]])
            km = np.asarray(axis.km_at(along + link.start_m))
            if link.flipped:
                along, km = length - along[::-1], km[::-1]
            made.chainages[i] = Chainage(along, km, source)
            continue
        made.shapes[i], made.chainages[i] = _several(mine, parts, axis, source)


def _several(
    mine: Sequence[Link], parts: Sequence[tuple[int, shapely.LineString]], axis: Chainage, source: str
) -> tuple[shapely.Geometry, Chainage]:
    """A row of several parts: turned the way the line runs, with a jump of the kilometre at every gap."""
    pieces, done = [], 0.0
    dist: list[float] = []
    km: list[float] = []
    for link in mine:
        part = parts[link.part][1]
        start, length = link.start_m, float(part.length)
        pieces.append(part.reverse() if link.flipped else part)
        inner = axis.dist[(axis.dist > start + 1.0) & (axis.dist < start + length - 1.0)] - start
        along = np.concatenate([[0.0 if not dist else STEP_M], inner, [length]])
        dist += list(done + along)
        km += [float(v) for v in np.asarray(axis.km_at(start + along))]
        done += length
    return shapely.MultiLineString(pieces), Chainage(np.array(dist), np.array(km), source)


# ---------------------------------------------------------------- what is to be told
def _findings_of_chain(
    made: Kilometres, line: str, ids: NDArray[np.object_], chain: Chain, known: bool, layer: str
) -> None:
    if known:
        return
    rows = tuple(map(str, ids))
    if chain.branches:
        x, y = chain.branches[0]
        made.findings.append(Finding(
            "B15", f"line {line!r} branches at {len(chain.branches)} places, the first at ({x:.0f}, {y:.0f}): the order of its rows is not told.",
            "give posts, km_from and km_to, or a name of its own (column line) to every branch", layer, rows, {"line": line}, "warning",
        ))  # fmt: skip
    if chain.gaps_m:
        gaps = shorten([f"{g:,.0f} m" for g in sorted(chain.gaps_m, reverse=True)], 5)
        made.findings.append(Finding(
            "B16", f"line {line!r} has {len(chain.gaps_m)} gaps ({gaps}): its kilometres run over them in a straight line.",
            "give posts or km_from and km_to where the kilometres matter, or names of their own to rows that are no part of it",
            layer, rows, {"line": line, "share": f"{sum(chain.gaps_m) / chain.length_m:.0%} of its length"}, "warning",
        ))  # fmt: skip


def _idle_posts(marks: dict[str, Marks], used: dict[str, int], lines: Sequence[str]) -> list[Finding]:
    """Posts that no line stands on."""
    found = []
    for line, (points, _) in marks.items():
        if line not in lines:
            guess = nearest(line, lines)
            found.append(Finding(
                "B18", f"{len(points)} posts belong to line {line!r}, which is not among the barriers.",
                f"did you mean {guess!r}?" if guess else f"the lines are {shorten(lines)}", "posts", (line,),
                {"absent": line}, "warning",
            ))  # fmt: skip
        elif used.get(line, 0) < len(points):
            n = len(points) - used.get(line, 0)
            found.append(Finding(
                "B18", f"{n} of {len(points)} posts of line {line!r} are not used: they lie farther than {POST_REACH_M / 1000:g} km from it, or it has fewer than two.",
                "check their places and the CRS of the layer, or add posts", "posts", (line,), severity="warning",
            ))  # fmt: skip
    if not used:
        found.append(Finding("B18", "no post is used for any line.", "check the column line and the places of the posts", "posts",
                             tuple(marks), severity="error"))  # fmt: skip
    return found
