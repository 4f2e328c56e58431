"""Patches that barriers cross: an animal walks freely inside a patch, but not through a barrier that stands in it.

A patch is one node of the circuit.  Where a barrier crosses it, that node would be a free bridge, so the patch is
taken apart along the barrier: its cells that can be joined without crossing one are a part of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from permeability.barriers.scenario import FACTS
from permeability.core.errors import Finding, PatchError
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers
from permeability.landscape.landscape import Landscape

__all__ = ["CrossedPatch", "crossed_patches", "require_unbridged"]

SLIVER = 0.05
"""Parts below this share of their patch are left as ordinary ground: they are cells between two lines."""


@dataclass(frozen=True)
class CrossedPatch:
    """A patch and the parts that barriers cut it into.

    Attributes
    ----------
    label : int
        Of the patch.
    parts : tuple of int arrays
        Flat cells of every part, largest first.
    left_out : array of int
        Flat cells of slivers between lines.
    lines : tuple of str
        What crosses it, with its crossing cost in words.
    """

    label: int
    parts: tuple[NDArray[np.int64], ...]
    left_out: NDArray[np.int64]
    lines: tuple[str, ...]

    def finding(self, name: str, layer: str, cell_area_km2: float) -> Finding:
        """What is told about it."""
        areas = ", ".join(_km2(len(p) * cell_area_km2) for p in self.parts)
        details = {"parts [km2]": areas, "lines": "; ".join(self.lines)}
        if len(self.left_out):
            details["left as ordinary ground [km2]"] = _km2(len(self.left_out) * cell_area_km2)
        what = f"it counts as {len(self.parts)} parts, joined by the crossing only."
        if len(self.parts) == 1:
            what = "what they cut off is a sliver and counts as ordinary ground."
        return Finding(
            "P13", f"barriers cross the patch {name!r}: {what}",
            'draw one patch on each side, or set on_barrier = "refuse"', layer, (name,), details, severity="warning",
        )  # fmt: skip


def _km2(area: float) -> str:
    return f"{area:,.0f}" if area >= 100 else f"{area:.3g}"


def crossed_patches(
    land: Landscape, labels: NDArray[np.int32], *, also: NDArray[np.bool_] | None = None
) -> list[CrossedPatch]:
    """The patches that barriers cross, and their parts.

    Parameters
    ----------
    land : Landscape
    labels : int array, shape (rows, cols)
        Labels of the patches, 0 = none.
    also : bool array, shape (barriers,), optional
        Rows that may come to stand later, besides those that stand or may stand.

    Returns
    -------
    list of CrossedPatch
        In the order of their labels.  A barrier that ends inside a patch crosses nothing: the animal walks round.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> wide = np.where(np.arange(12) > 3, 1, 0) * np.ones((8, 1), np.int32)
    >>> [len(p.parts) for p in crossed_patches(land, wide.astype(np.int32))]
    [2]
    """
    rows = land.standing | (land.chance_of > 0)
    rows = rows if also is None else rows | also
    return _crossed(_unopened(land, rows), land, labels) if _may_be_crossed(land, labels, rows) else []


def _may_be_crossed(land: Landscape, labels: NDArray[np.int32], rows: NDArray[np.bool_]) -> bool:
    """Whether a line cuts an edge inside a patch or a patch lies in several places; quick, without any cost."""
    if not rows.any():
        return False
    cuts, flat = land.cuts, labels.ravel()
    second = cuts.cell + D_ROW[cuts.direction] * land.grid.cols + D_COL[cuts.direction]
    ok = rows[cuts.barrier] & (second >= 0) & (second < flat.size)
    label = flat[cuts.cell]
    if (ok & (label > 0) & (label == flat[np.where(ok, second, 0)])).any():
        return True
    places = np.asarray(ndimage.label(labels > 0, np.ones((3, 3)))[0]).ravel()
    kept = flat > 0
    return len(np.unique(places[kept].astype(np.int64) * (int(flat.max()) + 1) + flat[kept])) > len(
        np.unique(flat[kept])
    )


def _unopened(land: Landscape, rows: NDArray[np.bool_]) -> Landscape:
    """The landscape with rows standing, as dear as they may be and before any opening."""
    facts = tuple(s for s in land.scenario.interventions if s.action in FACTS)
    return replace(land, standing=rows, scenario=replace(land.scenario, interventions=facts), level="low")


def _crossed(full: Landscape, land: Landscape, labels: NDArray[np.int32]) -> list[CrossedPatch]:
    """The patches that the barriers of ``full`` cross; costs in words are those of ``land``."""
    edges = full.edge_barriers()
    if not len(edges.cell):
        return []
    inside, flat = _inside(full, labels, edges), labels.ravel()
    cells = np.flatnonzero(flat)
    whole = _pieces(full, labels, cells, None)
    scattered = np.bincount(flat[cells[np.unique(whole, return_index=True)[1]]]) > 1
    hit = np.union1d(flat[edges.cell[inside]], np.flatnonzero(scattered))
    if not len(hit):
        return []
    shown = replace(full, level=land.level)
    kept = np.isin(flat[cells], hit)
    cells, whole = cells[kept], whole[kept]
    cut = _pieces(full, labels, cells, edges)
    keys = edges.cell[inside].astype(np.int64) * 8 + edges.direction[inside]
    return [
        found
        for label in hit
        if (found := _taken_apart(shown, labels, int(label), (cells, whole, cut), keys)) is not None
    ]


def require_unbridged(land: Landscape, labels: NDArray[np.int32], names: Sequence[str]) -> None:
    """Refuse patches that a barrier standing in this landscape crosses.

    Parameters
    ----------
    land : Landscape
    labels : int array
        Labels of the patches or of their parts.
    names : sequence of str
        Of the labels.

    Raises
    ------
    PatchError
        P09 when a patch would be a free bridge over a barrier.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> require_unbridged(land, patches.labels, patches.ids)  # nothing to refuse
    """
    if not _may_be_crossed(land, labels, land.standing):
        return
    found = _crossed(_unopened(land, land.standing), land, labels)
    if found:
        raise PatchError(
            "P09", "these patches would be free bridges over barriers of this landscape.",
            rows=[names[p.label - 1] for p in found], details={"lines": "; ".join(found[0].lines)},
            remedy="place the patches on the landscape with these barriers, so that they are taken apart along them",
        )  # fmt: skip


def _inside(land: Landscape, labels: NDArray[np.int32], edges: EdgeBarriers) -> NDArray[np.bool_]:
    """Which cut edges join two cells of one patch."""
    flat, second = (
        labels.ravel(),
        edges.cell + D_ROW[edges.direction] * land.grid.cols + D_COL[edges.direction],
    )
    links = edges.direction < (2 if land.neighbours == 4 else 4)
    ok = links & (second >= 0) & (second < flat.size)
    label = flat[edges.cell]
    return np.asarray(ok & (label > 0) & (label == flat[np.where(ok, second, 0)]))


def _pieces(
    land: Landscape, labels: NDArray[np.int32], cells: NDArray[np.int64], edges: EdgeBarriers | None
) -> NDArray[np.int32]:
    """Connected pieces of the cells of patches, each patch by itself; edges that barriers cut join nothing."""
    rows, cols = labels.shape
    number = np.full(labels.size, -1, np.int64)
    number[cells] = np.arange(len(cells))
    flat = labels.ravel()
    closed = np.zeros(0, np.int64) if edges is None else edges.cell.astype(np.int64) * 8 + edges.direction
    ends: list[NDArray[np.int64]] = []
    for k in range(2 if land.neighbours == 4 else 4):
        r, c = cells // cols + D_ROW[k], cells % cols + D_COL[k]
        on = (r < rows) & (c >= 0) & (c < cols)
        first, second = cells[on], (r * cols + c)[on]
        joined = (flat[first] == flat[second]) & ~np.isin(first * 8 + k, closed)
        ends.append(np.stack([number[first[joined]], number[second[joined]]]))
    a, b = np.concatenate(ends, axis=1)
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(cells),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def _taken_apart(
    land: Landscape,
    labels: NDArray[np.int32],
    label: int,
    known: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]],
    keys: NDArray[np.int64],
) -> CrossedPatch | None:
    """The parts of one patch; None when nothing takes it apart."""
    cells, whole, cut = known
    mine = labels.ravel()[cells] == label
    here, pieces, origin = cells[mine], cut[mine], whole[mine]
    lines = shapely.union_all(list(land.barriers.table.geometry[land.standing]))
    part = _joined(land, lines, here, pieces, origin)
    names, sizes = np.unique(part, return_counts=True)
    if len(names) == 1:
        return None
    kept = sizes >= SLIVER * len(here)
    kept |= sizes == sizes.max()
    order = sorted(names[kept], key=lambda n: (-int((part == n).sum()), int(here[part == n][0])))
    groups = tuple(here[part == n] for n in order)
    of_patch = np.isin(land.cuts.cell * 8 + land.cuts.direction, keys) & (
        labels.ravel()[land.cuts.cell] == label
    )
    rows = set(land.cuts.barrier[of_patch & land.standing[land.cuts.barrier]].tolist())
    shapes = land.barriers.table.geometry.to_numpy()
    between = order if len(order) > 1 else names.tolist()  # one part: what lies between it and its slivers
    for _, _, _, way in _ways(_centres(land, here), part, [int(n) for n in between]):
        rows |= set(np.flatnonzero(land.standing & shapely.intersects(shapes, way)).tolist())
    return CrossedPatch(label, groups, here[np.isin(part, names[~kept])], _lines(land, sorted(rows)))


def _centres(land: Landscape, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Centres of flat cells, shape (cells, 2) [m]."""
    return np.column_stack([land.grid.x[cells % land.grid.cols], land.grid.y[cells // land.grid.cols]])


def _joined(
    land: Landscape,
    lines: shapely.Geometry,
    cells: NDArray[np.int64],
    pieces: NDArray[np.int32],
    origin: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Pieces of a patch drawn in several places, joined where no barrier lies between and none would be bridged."""
    names, centre = np.unique(pieces), _centres(land, cells)
    if len(np.unique(origin)) > 1 and not shapely.intersects(
        shapely.convex_hull(shapely.MultiPoint(centre)), lines
    ):
        return np.zeros(len(cells), np.int32)  # drawn in several places, and nothing lies among them
    of = {int(n): {int(origin[pieces == n][0])} for n in names}
    group = {int(n): int(n) for n in names}
    members = {int(n): [int(n)] for n in names}
    if len({next(iter(o)) for o in of.values()}) > 1:
        shapely.prepare(lines)
        for _, a, b, way in sorted(_ways(centre, pieces, [int(n) for n in names]), key=lambda w: w[:3]):
            first, second = group[a], group[b]
            if first == second or of[first] & of[second] or shapely.intersects(lines, way):
                continue
            of[first] |= of[second]
            members[first] += members[second]
            group.update(dict.fromkeys(members[second], first))
    return np.array([group[int(n)] for n in pieces], np.int32)


def _ways(
    centre: NDArray[np.float64], pieces: NDArray[np.int32], names: list[int]
) -> list[tuple[float, int, int, shapely.LineString]]:
    """Length and shortest way between every two pieces."""
    found = []
    for i, a in enumerate(names):
        mine = centre[pieces == a]
        tree = cKDTree(mine)
        for b in names[i + 1 :]:
            other = centre[pieces == b]
            distance, nearest = tree.query(other)
            at = int(np.argmin(distance))
            found.append((float(distance[at]), a, b, shapely.LineString([other[at], mine[nearest[at]]])))
    return found


def _lines(land: Landscape, rows: Sequence[int]) -> tuple[str, ...]:
    """The lines of some barrier rows, each with its largest crossing cost."""
    words: dict[str, float] = {}
    table = land.barriers.table
    for i in rows:
        cost = float(land.cut_costs.cost_m[land.cuts.barrier == i].max(initial=0.0))
        row = table.iloc[i]
        line = str(row["line"]) if "line" in table.columns and row["line"] == row["line"] else str(row["id"])
        words[line] = max(words.get(line, 0.0), cost)
    return tuple(
        f"{line} ({'no crossing' if np.isinf(cost) else f'{cost / 1000:,.3g} km of open ground'})"
        for line, cost in words.items()
    )
