"""Patches and the least-cost links between them as a graph (networkx).

Which patches are linked: ``planar`` joins those whose territories (cells nearest in cost) meet, by the cheapest way
inside the two territories, from a single field (the minimum planar graph of Fall et al. 2007,
doi:10.1007/s10021-007-9038-7); ``adjacent`` joins the same pairs by their true least cost; ``all`` joins every pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from permeability.core.errors import OptionError, PatchError, check_choice
from permeability.core.result_rows import Rows
from permeability.engines.kernels.edges import D_COL, D_ROW
from permeability.engines.kernels.trace import territory_edges
from permeability.engines.leastcost.distance import (
    CellPath,
    cost_allocation,
    cost_distance,
    cost_distances,
    edges_along,
    trace_cells,
)
from permeability.engines.leastcost.surface import Cells, CostSurface, Floats, cost_surface, step_costs
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.corridors import normalised_corridor

Labels = NDArray[np.int32]


def label_patches(habitat: ArrayLike, *, connectivity: int = 8, min_cells: int = 1) -> Labels:
    """Number connected patches of habitat 1..n in row-major order of their first cells; small ones are left out.

    Parameters
    ----------
    habitat : boolean array, shape (rows, cols)
    connectivity : {4, 8}
    min_cells : int
        Patches with fewer cells are dropped.

    Returns
    -------
    Labels
        Shape (rows, cols), 0 = no patch.

    Examples
    --------
    >>> label_patches([[1, 0, 1], [0, 1, 0]], connectivity=4).tolist()
    [[1, 0, 2], [0, 3, 0]]
    >>> label_patches([[1, 0, 1], [0, 1, 0]]).max().item()
    1
    """
    check_choice("connectivity", connectivity, (4, 8))
    structure = np.ones((3, 3)) if connectivity == 8 else None
    label, n = ndimage.label(np.asarray(habitat, bool), structure)
    size = np.bincount(label.ravel(), minlength=n + 1)
    keep = size >= min_cells
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(number[label])


def patch_table(labels: Labels, *, cell_size: float = 1.0) -> pd.DataFrame:
    """Size and shape of labelled patches.

    Parameters
    ----------
    labels : int array, shape (rows, cols)
        0 = no patch.
    cell_size : float
        [m]

    Returns
    -------
    pandas.DataFrame
        Index ``label``: ``cells``, ``area_m2`` [m2], ``perimeter_m`` (cell edges towards anything else, the border of
        the grid included) [m], ``edge_area_m2`` and ``core_area_m2`` (cells with and without one of their 8
        neighbours on the grid outside the patch) [m2], ``row``, ``col`` (mean of the cells).

    Examples
    --------
    >>> patch_table(np.ones((2, 3), np.int32), cell_size=10)["perimeter_m"].tolist()
    [100.0]
    """
    names = np.unique(labels[labels > 0])
    padded = np.pad(labels, 1)
    inside = padded[1:-1, 1:-1]
    sides = [
        padded[1 + dr : padded.shape[0] - 1 + dr, 1 + dc : padded.shape[1] - 1 + dc] for dr, dc in _AROUND
    ]
    rim = sum((side != inside).astype(np.int64) for side in sides[:4])
    framed = np.pad(labels, 1, mode="edge")
    around = [
        framed[1 + dr : framed.shape[0] - 1 + dr, 1 + dc : framed.shape[1] - 1 + dc] for dr, dc in _AROUND
    ]
    at_edge = np.any([side != inside for side in around], axis=0)
    cells = ndimage.sum_labels(np.ones(labels.shape), labels, names)
    edge = ndimage.sum_labels(at_edge, labels, names)
    row, col = np.indices(labels.shape)
    return pd.DataFrame(
        {
            "cells": cells.astype(int),
            "area_m2": cells * cell_size**2,
            "perimeter_m": ndimage.sum_labels(rim, labels, names) * cell_size,
            "edge_area_m2": edge * cell_size**2,
            "core_area_m2": (cells - edge) * cell_size**2,
            "row": ndimage.mean(row, labels, names),
            "col": ndimage.mean(col, labels, names),
        },
        index=pd.Index(names, name="label"),
    )


_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True, eq=False)
class PatchNetwork(Rows):
    """Patches and links.

    Attributes
    ----------
    graph : networkx.Graph
        Nodes: ids, with ``label``, ``area_km2``, ``weight`` (area x weight of the patch) [km2], ``row``, ``col``.
        Edges: ``cost_m`` [m of open ground],
        ``length_m`` [m], ``path`` (:class:`permeability.engines.leastcost.distance.CellPath`), with a `Landscape` also ``crossings``
        (a table), ``lines`` (names of the lines crossed) and ``crossing_cost_m``; with a corridor width ``width_m``.
    labels : array, shape (rows, cols)
    surface : CostSurface
    territory : array of int32, shape (rows, cols), or None
        Label of the nearest patch (``planar`` and ``adjacent``).

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> net = patch_network(land.without_barriers(), patches)
    >>> net.links["cost_m"].tolist(), len(patch_network(land, patches).links)  # no link over the fence
    ([7000.0], 0)
    """

    _face: ClassVar[str] = "network"
    _asked: ClassVar[tuple[str, ...]] = ("from", "to")

    graph: nx.Graph
    labels: Labels = field(repr=False)
    surface: CostSurface = field(repr=False)
    territory: Labels | None = field(repr=False)

    def __repr__(self) -> str:
        n, k = self.graph.number_of_nodes(), self.graph.number_of_edges()
        return f"PatchNetwork({n} patches, {k} links)"

    @property
    def table(self) -> pd.DataFrame:
        """The links."""
        return self.links

    @property
    def links(self) -> pd.DataFrame:
        """The links as a table."""
        drop = {"path", "crossings"}
        rows = [
            {"from": a, "to": b, **{k: v for k, v in data.items() if k not in drop}}
            for a, b, data in self.graph.edges(data=True)
        ]
        return pd.DataFrame(rows, columns=None if rows else ["from", "to", "cost_m", "length_m"])

    @property
    def nodes(self) -> pd.DataFrame:
        """The patches as a table, index ``id``."""
        return pd.DataFrame.from_dict(dict(self.graph.nodes(data=True)), orient="index").rename_axis("id")

    def within(self, cost_m: float) -> nx.Graph:
        """All patches with the links of at most this cost [m of open ground]."""
        return threshold(self.graph, cost_m)


def threshold(graph: nx.Graph, cost_m: float) -> nx.Graph:
    """All nodes of a graph with the links whose ``cost_m`` is at most the given one.

    Parameters
    ----------
    graph : networkx.Graph
    cost_m : float
        [m of open ground]

    Returns
    -------
    networkx.Graph

    Examples
    --------
    >>> graph = nx.Graph()
    >>> graph.add_edge("a", "b", cost_m=5.0)
    >>> threshold(graph, 4.0).number_of_edges(), threshold(graph, 5.0).number_of_edges()
    (0, 1)
    """
    out = graph.copy()
    out.remove_edges_from([(a, b) for a, b, c in graph.edges(data="cost_m") if not c <= cost_m])
    return out


def patch_network(
    resistance: Any,
    patches: Any,
    *,
    links: str = "planar",
    cost: str = "mean",
    limit: float | None = None,
    drop_detours: bool = False,
    corridor_m: float | None = None,
    workers: int = 1,
    **options: Any,
) -> PatchNetwork:
    """Patch graph of a landscape.

    Parameters
    ----------
    resistance : array (rows, cols), DataArray or Landscape
    patches : Patches, or int array (rows, cols) of labels, 0 = no patch
    links : {"planar", "adjacent", "all"}
        Which pairs, see the module.
    cost : {"mean", "entered"}
        ``mean``: length x mean resistance of the two cells.  ``entered``: resistance of the cell entered, patches
        free, diagonals no dearer, as grainscape counts.
    limit : float, optional
        Dearest link kept [m of open ground].
    drop_detours : bool
        Leave out links that are no cheaper than a way over other patches (patches crossed free of cost).
    corridor_m : float, optional
        Cost width for ``width_m``, the mean width of the link's corridor: its area outside the two patches / length
        of the path [m].  Needs ``links`` "adjacent" or "all" and one field in memory for each patch.
    workers : int
        Threads.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array.

    Returns
    -------
    PatchNetwork
        Graph, labels and territories.

    Raises
    ------
    PatchError
        P11 without any patch, P12 when patches cover cells without passage only.
    OptionError
        D16 for a corridor width with planar links.

    Examples
    --------
    >>> land = np.ones((1, 6))
    >>> network = patch_network(land, np.array([[1, 0, 0, 2, 0, 3]]), cell_size=10)
    >>> list(network.graph.edges(data="cost_m"))
    [(1, 2, 30.0), (2, 3, 20.0)]
    """
    check_choice("links", links, ("planar", "adjacent", "all"))
    check_choice("cost", cost, ("mean", "entered"))
    if corridor_m is not None and (links == "planar" or cost == "entered"):
        raise OptionError(
            "D16", "corridors need both fields of a pair.", remedy='use links="adjacent" or "all"'
        )
    labels, ids, weights = _labels_of(patches)
    surface = cost_surface(resistance, **options)
    if labels.shape != surface.shape:
        raise PatchError(
            "P12", "the patches are not on the grid of the landscape.", remedy="label them on its cells"
        )
    if cost == "entered":
        ground = np.where(labels > 0, 0.0, np.asarray(surface.cell, np.float64))
        steps = step_costs(
            lambda length, a, b: b + 0 * a,
            ground,
            neighbours=surface.neighbours,
            knights_move="over" if surface.over else "through",
        )
        surface = cost_surface(
            surface.cell, neighbours=surface.neighbours, barriers=surface.barriers, step_costs=steps,
            cell_size=(float(surface.lengths[1]), float(surface.lengths[0])),
            knights_move="over" if surface.over else "through",
        )  # fmt: skip
    labels = np.where(surface.passable(), labels, 0).astype(np.int32)
    graph = _nodes(labels, ids, weights, surface)
    territory = None
    pairs: list[tuple[int, int]] = [(a, b) for a in ids for b in ids if a < b]
    found: dict[tuple[int, int], CellPath] = {}
    if links != "all":
        territory, found = _territory_links(surface, labels)
        pairs = list(found)
    widths: dict[tuple[int, int], float] = {}
    if links != "planar":
        found, widths = _full_links(surface, labels, pairs, limit, corridor_m, workers)
    land = resistance if isinstance(resistance, Landscape) else None
    for (a, b), path in sorted(found.items()):
        if limit is None or path.cost <= limit:
            graph.add_edge(ids[a], ids[b], cost_m=path.cost, length_m=path.length, path=path)
            _describe(graph.edges[ids[a], ids[b]], path, land, widths.get((a, b)))
    if drop_detours:
        _drop_detours(graph)
    return PatchNetwork(graph, labels, surface, territory)


def _drop_detours(graph: nx.Graph) -> None:
    """Remove links from the dearest down that the rest of the graph connects at no more cost."""
    for a, b, cost in sorted(graph.edges(data="cost_m"), key=lambda e: (-e[2], str(e[0]), str(e[1]))):
        data = graph.edges[a, b]
        graph.remove_edge(a, b)
        if (
            nx.single_source_dijkstra_path_length(graph, a, cutoff=cost, weight="cost_m").get(b, np.inf)
            > cost
        ):
            graph.add_edge(a, b, **data)


def _labels_of(patches: Any) -> tuple[Labels, dict[int, Any], dict[int, float]]:
    """Label raster, id and weight of each label."""
    if isinstance(patches, Patches):
        ids = {i + 1: name for i, name in enumerate(patches.ids)}
        weights = {i + 1: float(w) for i, w in enumerate(patches.table["weight"] / patches.share)}
        return np.asarray(patches.labels), ids, weights
    labels = np.asarray(patches)
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or not (labels > 0).any():
        raise PatchError("P11", "there is no labelled patch.", remedy="give an int array, 0 = no patch")
    return labels.astype(np.int32), {int(i): int(i) for i in np.unique(labels[labels > 0])}, {}


def _nodes(labels: Labels, ids: dict[int, Any], weights: dict[int, float], surface: CostSurface) -> nx.Graph:
    missing = [str(name) for label, name in ids.items() if not (labels == label).any()]
    if missing:
        raise PatchError(
            "P12", "patches without any cell to enter.", rows=missing, remedy="move or drop them"
        )
    table = patch_table(labels)
    graph = nx.Graph()
    for label, name in ids.items():
        row = table.loc[label]
        area = float(row["cells"]) * surface.cell_area / 1e6
        graph.add_node(
            name,
            label=label,
            area_km2=area,
            weight=area * weights.get(label, 1.0),
            row=float(row["row"]),
            col=float(row["col"]),
        )
    return graph


def _territory_links(surface: CostSurface, labels: Labels) -> tuple[Labels, dict[tuple[int, int], CellPath]]:
    """Cheapest way between every two patches whose territories meet, inside the two."""
    distance, territory = (np.asarray(v) for v in cost_allocation(surface, labels))
    back = distance if surface.steps is None else np.asarray(cost_distance(surface, labels > 0, reverse=True))
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for a, b, w, cell, k in territory_edges(surface.edges, territory, distance, back):
        pair = (int(min(a, b)), int(max(a, b)))
        if pair not in best or w < best[pair][0]:
            best[pair] = (float(w), int(cell), int(k))
    starts = np.flatnonzero(labels.reshape(-1) > 0)
    return territory, {
        pair: _join(surface, distance, starts, territory, pair, *edge) for pair, edge in best.items()
    }


def _join(
    surface: CostSurface, dist: Floats, starts: Cells, territory: Labels, pair: tuple[int, int],
    cost: float, cell: int, k: int,
) -> CellPath:  # fmt: skip
    """The way from patch to patch over one edge between their territories."""
    cols = surface.shape[1]
    other = cell + int(D_ROW[k]) * cols + int(D_COL[k])
    first, second = (cell, other) if int(territory.reshape(-1)[cell]) == pair[0] else (other, cell)
    there, back = (trace_cells(surface, dist, starts, c).cells for c in (first, second))
    cells = np.concatenate([there, back[::-1]])
    return CellPath(cells, cost, *edges_along(surface, cells))


def _full_links(
    surface: CostSurface,
    labels: Labels,
    pairs: list[tuple[int, int]],
    limit: float | None,
    corridor_m: float | None,
    workers: int,
) -> tuple[dict[tuple[int, int], CellPath], dict[tuple[int, int], float]]:
    """True least-cost links of pairs, and the mean widths of their corridors."""
    flat = labels.reshape(-1)
    found: dict[tuple[int, int], CellPath] = {}
    widths: dict[tuple[int, int], float] = {}
    fields: dict[int, Floats] = {}
    keep = corridor_m is not None
    starts = sorted({a for a, _ in pairs} | ({b for _, b in pairs} if keep else set()))
    for first in range(0, len(starts), max(workers, 1)):
        some = starts[first : first + max(workers, 1)]
        computed = cost_distances(
            surface, [labels == a for a in some], workers=workers, limit=None if keep else limit
        )
        for a, values in zip(some, computed):
            dist = np.asarray(values)
            fields[a] = dist
            own = np.flatnonzero(flat == a)
            for b in [b for x, b in pairs if x == a]:
                cells = np.flatnonzero(flat == b)
                end = int(cells[np.argmin(dist.reshape(-1)[cells])])
                if np.isfinite(dist.reshape(-1)[end]):
                    found[a, b] = trace_cells(surface, dist, own, end)
            if not keep:
                del fields[a]
    if corridor_m is not None:
        for (a, b), path in found.items():
            corridor, _ = normalised_corridor(fields[a], fields[b])
            cells_inside = int(((corridor <= corridor_m) & (labels != a) & (labels != b)).sum())
            widths[a, b] = cells_inside * surface.cell_area / path.length
    return found, widths


def _describe(data: dict[str, Any], path: CellPath, land: Any, width: float | None) -> None:
    """Corridor width and barriers of a link."""
    if width is not None:
        data["width_m"] = width
    if land is not None:
        from permeability.linkage.paths import crossings_of

        crossings = crossings_of(land, path)
        data["crossings"] = crossings
        data["lines"] = list(dict.fromkeys(crossings["line"]))
        data["crossing_cost_m"] = float(crossings["cost_m"].sum())
