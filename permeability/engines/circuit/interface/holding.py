"""Why an index does not move: the complete barriers that hold patches apart, one behind the other."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.engines.circuit.interface.interface import Candidates, Interface

Floats = NDArray[np.float64]


class Held(NamedTuple):
    """A pair of patches without any connection, and what would have to open for one.

    ``sections``: the fewest complete sections that must open together, in the order they are met;
    ``alternatives``: every section that would serve instead of each of them (with the same neighbours).
    """

    first: int
    second: int
    sections: tuple[int, ...]
    alternatives: tuple[tuple[int, ...], ...]


def held_apart(
    face: Interface,
    candidates: Candidates | None = None,
    members: ArrayLike = (),
    crossing: ArrayLike | None = None,
) -> list[Held]:
    """Pairs of patches that are cut off, with the sections that hold them.

    Parameters
    ----------
    face : Interface
    candidates, members : Candidates and array of int, optional
        A set that is built; default nothing.
    crossing : array, shape (S,), optional
        Crossing costs; default today's.

    Returns
    -------
    list of Held
        Only pairs with weight; a pair that no barrier section could join (an island) has no sections.

    Examples
    --------
    >>> from permeability.engines.kernels.edges import grid_links
    >>> face = Interface.build(grid_links(np.ones((1, 5))), edges=([1, 2], [0, 0]), cuts=([0, 1], [0, 1], [1.0, 1.0]),
    ...                        crossing=[np.inf, np.inf], patches=[0, 4])
    >>> held_apart(face)[0].sections
    (0, 1)
    """
    z = face.cut_resistances(crossing)
    if candidates is not None:
        z = face.state(candidates, members, crossing)
    part = face.parts(face.edge_conductances(z))
    graph = _closed_edges(face, part, z)
    found = []
    for i, j in np.argwhere(np.triu(face.weights, 1)):
        a, b = int(part[face.focal[i]]), int(part[face.focal[j]])
        if a == b:
            continue
        sections: list[int] = []
        others: list[tuple[int, ...]] = []
        if graph.has_node(a) and graph.has_node(b) and nx.has_path(graph, a, b):
            way = nx.dijkstra_path(graph, a, b, weight="count")
            for u, v in pairwise(way):
                sections += [s for s in graph.edges[u, v]["sections"] if s not in sections]
                others.append(tuple(sorted(graph.edges[u, v]["any"])))
        found.append(Held(int(i), int(j), tuple(sections), tuple(others)))
    return found


def _closed_edges(face: Interface, part: NDArray[np.int64], z: Floats) -> nx.Graph:
    """Components joined by closed edges, each with the fewest complete sections on one of them."""
    graph: nx.Graph = nx.Graph()
    start, cuts = face.cuts_by_edge
    for e in np.flatnonzero(part[face.node_a] != part[face.node_b]):
        a, b = int(part[face.node_a[e]]), int(part[face.node_b[e]])
        mine = cuts[start[e] : start[e + 1]]
        closed = tuple(sorted({int(face.cut_section[c]) for c in mine if np.isinf(z[c])}))
        known = graph.get_edge_data(a, b)
        if known is None or len(closed) < known["count"]:
            graph.add_edge(a, b, count=len(closed), sections=closed, any=set(closed))
        elif len(closed) == known["count"]:
            known["any"].update(closed)
    return graph
