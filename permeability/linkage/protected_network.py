"""ProtConn: how much of a region is protected and connected, with its parts, for networks of any size.

The indicator of Saura et al. 2017 (doi:10.1016/j.ecolind.2016.12.047) and 2018 (doi:10.1016/j.biocon.2017.12.020).  With ``a`` the
protected area of a node within the region (0 outside), ``p*`` the largest product of link chances between two nodes, ``A`` the area of
the region, all in % of it:

    Prot             100 sum a / A
    ProtConn         100 sqrt(sum a_i a_j p*_ij) / A
    ProtUnconn       Prot - ProtConn
    ProtConn[Prot]   100 sqrt(sum G_k^2) / A,  G = protected land that hangs together without a step on unprotected land
    ProtConn[Within] 100 sqrt(sum b_k^2) sqrt(sum G / sum b) / A,  b = the single areas as drawn (which may lie over each other)
    ProtConn[Contig] ProtConn[Prot] - ProtConn[Within]
    ProtConn[Trans]  ProtConn - ProtConn without the areas outside the region
    ProtConn[Unprot] ProtConn - ProtConn[Prot] - ProtConn[Trans]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.engines.kernels.network_sums import network_sums
from permeability.linkage.network_metrics import MovementKernel

__all__ = ["ProtConn", "graph_protconn", "network_protconn"]

Floats = NDArray[np.float64]
PARTS = (
    "Prot", "ProtConn", "ProtUnconn", "ProtConn[Prot]", "ProtConn[Within]", "ProtConn[Contig]", "ProtConn[Unprot]", "ProtConn[Trans]",
)  # fmt: skip
BELOW = 1e-6


@dataclass(frozen=True, eq=False)
class ProtConn(Face):
    """Protected and connected land of a region.

    Attributes
    ----------
    region_km2, protected_km2 : float
        Area of the region, and of the protected land in it [km2].
    eca_km2 : float
        Equivalent connected area [km2].
    percent : dict
        Each part [% of the region].
    error_pct : float
        ProtConn is at most this much more [% of the region]; from pairs whose chance is below ``below``.
    parts_error_pct : float
        The same of [Unprot] and [Trans], in either direction [% of the region]; the other parts are exact.
    below : float
        Chance below which pairs were left out.
    nodes, links : int

    Examples
    --------
    >>> two = network_protconn([30.0, 40.0], ([0], [1], [1000 * np.log(2)]), MovementKernel(1000), 1000.0)
    >>> round(two.percent["Prot"], 9), round(two.percent["ProtConn[Prot]"], 9), round(two.percent["ProtConn"], 3)
    (7.0, 5.0, 6.083)
    """

    _face: ClassVar[str] = "protconn"

    region_km2: float
    protected_km2: float
    eca_km2: float
    percent: dict[str, float] = field(repr=False)
    error_pct: float
    parts_error_pct: float
    below: float
    nodes: int
    links: int

    @property
    def table(self) -> pd.DataFrame:
        """A row per part: ``part``, ``land_pct`` [% of the region], ``share_pct`` [% of ProtConn; NaN where that is 0]."""
        whole = self.percent["ProtConn"]
        rows = [(k, v, 100 * v / whole if whole > 0 and k.startswith("ProtConn") else np.nan) for k, v in self.percent.items()]  # fmt: skip
        return pd.DataFrame(rows, columns=["part", "land_pct", "share_pct"])

    def __repr__(self) -> str:
        return (
            f"{self.protected_km2:,.0f} of {self.region_km2:,.0f} km2 protected, {self.nodes} nodes, {self.links} links; ProtConn is at most "
            f"{self.error_pct:.2g} points more\n{self.table.to_string(index=False, float_format=lambda v: f'{v:.4f}')}"
        )


def network_protconn(
    area_km2: ArrayLike,
    links: tuple[ArrayLike, ArrayLike, ArrayLike],
    kernel: MovementKernel,
    region_km2: float,
    *,
    outside: ArrayLike | None = None,
    drawn_km2: ArrayLike | None = None,
    contiguous_m: float = 0.0,
    below: float = BELOW,
    left_out: float = 0.0,
) -> ProtConn:
    """ProtConn and its parts of a network of protected land.

    Parameters
    ----------
    area_km2 : array, shape (n,)
        Protected land of every node within the region, nothing counted twice [km2].
    links : tuple of arrays (i, j, length_m)
        Node, node, length between their edges [m, or m of open ground].
    kernel : MovementKernel
        Chance at a length; :meth:`MovementKernel.from_probability` ``(median_m, 0.5)`` for a median dispersal distance.
    region_km2 : float
        Area of the region [km2].
    outside : bool array, shape (n,), optional
        Nodes outside the region: they can be passed and count for nothing.
    drawn_km2 : array, optional
        Areas of the single protected areas as drawn, within the region; the nodes by default.  They may lie over each other.
    contiguous_m : float
        Links that are at most so long cost nothing and keep protected land together [m].
    below : float
        Pairs of a chance below this are left out; 0 for none.  What they may be worth is in ``error_pct``.
    left_out : float
        Chance below which whoever made the links left some out.

    Returns
    -------
    ProtConn

    Raises
    ------
    OptionError
        D21 areas, links or a region that cannot be.

    Notes
    -----
    A product of chances is at least ``below`` only if every factor is, so links under it can be left out without changing any pair
    above it: the pairs that remain are exact, and each of the others is worth less than ``below``.  Memory grows with the links, not with
    the square of the nodes.

    Examples
    --------
    >>> kernel = MovementKernel.from_probability(10_000, 0.5)
    >>> chain = network_protconn([10.0, 0.0, 10.0], ([0, 1], [1, 2], [10_000, 10_000]), kernel, 100.0, outside=[False, True, False])
    >>> {k: round(v, 3) for k, v in chain.percent.items() if k in ("ProtConn", "ProtConn[Within]", "ProtConn[Trans]")}
    {'ProtConn': 15.811, 'ProtConn[Within]': 14.142, 'ProtConn[Trans]': 1.669}
    """
    area = np.asarray(area_km2, np.float64)
    out = np.zeros(len(area), bool) if outside is None else np.asarray(outside, bool)
    i, j, length = (
        np.asarray(links[0], np.int64),
        np.asarray(links[1], np.int64),
        np.asarray(links[2], np.float64),
    )
    drawn = area[~out] if drawn_km2 is None else np.asarray(drawn_km2, np.float64)
    _refuse(area, out, i, j, length, drawn, region_km2, below)
    area = np.where(out, 0.0, area)
    length = np.where(length <= contiguous_m, 0.0, length)
    limit = np.inf if below == 0 else -kernel.mean_m * np.log(below)
    own = ~(out[i] | out[j])
    mean, lost = kernel.mean_m, max(below, left_out)
    whole, high = _summed(area, (i, j, length), mean, limit, lost, left_out > 0)
    alone, alone_high = (whole, high) if not out.any() else _summed(area, (i[own], j[own], length[own]), mean, limit, lost, left_out > 0)  # fmt: skip
    own &= length <= limit
    bits = _together(len(area), (i[own], j[own], length[own]))
    together = np.asarray(np.bincount(bits, weights=area), np.float64)
    percent = _parts(area.sum(), drawn, together, whole, alone, float(region_km2))
    errors = [100 * (top - value) / float(region_km2) for value, top in ((whole, high), (alone, alone_high))]
    return ProtConn(
        float(region_km2), float(area.sum()), whole, percent, errors[0], max(errors), below, len(area), len(i)
    )


def graph_protconn(
    graph: nx.Graph,
    kernel: MovementKernel,
    region_km2: float,
    *,
    outside: Iterable[Any] = (),
    area: str = "area_km2",
    **options: Any,
) -> ProtConn:
    """ProtConn of a patch graph, whose links are least-cost ways through barriers.

    Parameters
    ----------
    graph : networkx.Graph
        Nodes with ``area_km2``, links with ``cost_m`` [m of open ground], as of :func:`permeability.linkage.patch_network.patch_network`.
    kernel : MovementKernel
    region_km2 : float
        Area of the region [km2].
    outside : iterable
        Nodes outside the region.
    area : str
        Node attribute of the area [km2].
    **options
        As for :func:`network_protconn`.

    Returns
    -------
    ProtConn

    Raises
    ------
    OptionError
        D21 areas, links, a region or nodes outside it that cannot be.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> closed = graph_protconn(pm.network.patch_network(land, patches).graph, MovementKernel(10_000), 96.0)
    >>> open_ = graph_protconn(pm.network.patch_network(land.without_barriers(), patches).graph, MovementKernel(10_000), 96.0)
    >>> closed.percent["ProtConn[Unprot]"], round(open_.percent["ProtConn[Unprot]"], 3)  # nobody crosses the fence
    (0.0, 1.316)
    """
    number = {n: k for k, n in enumerate(graph.nodes)}
    away = set(outside)
    unknown = sorted(str(n) for n in away - set(number))
    if unknown:
        raise OptionError(
            "D21",
            "nodes outside the region that the network lacks.",
            rows=unknown,
            remedy="give nodes of the network",
        )
    values = np.array([data.get(area, np.nan) for _, data in graph.nodes(data=True)], float)
    links = [(number[a], number[b], cost) for a, b, cost in graph.edges(data="cost_m")]
    i, j, length = (np.array([link[k] for link in links]) for k in range(3))
    return network_protconn(
        values, (i, j, length), kernel, region_km2, outside=[n in away for n in graph.nodes], **options
    )


def _refuse(
    area: Floats, out: NDArray[np.bool_], i: NDArray[np.int64], j: NDArray[np.int64], length: Floats, drawn: Floats,
    region: float, below: float,
) -> None:  # fmt: skip
    """What cannot be a network of protected land."""
    fault = None
    if len(area) == 0 or len(out) != len(area):
        fault = f"{len(area)} areas, of which {len(out)} are said to lie outside or not."
    elif not (
        np.isfinite(area).all() and (area >= 0).all() and np.isfinite(drawn).all() and (drawn >= 0).all()
    ):
        fault = "areas that are below 0 or not known."
    elif not region > 0 or area[~out].sum() > region * (1 + 1e-9):
        fault = f"protected land of {area[~out].sum():g} km2 in a region of {region:g} km2."
    elif not len(i) == len(j) == len(length):
        fault = "links of unequal parts."
    elif len(i) and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= len(area)):
        fault = "links to nodes that are not there."
    elif np.isnan(length).any() or (length < 0).any():
        fault = "links of a length below 0 or not known."
    elif not 0 <= below < 1:
        fault = f"pairs below a chance of {below!r} cannot be left out."
    if fault is not None:
        raise OptionError("D21", fault, remedy="give areas of 0 km2 or more within the region, links (i, j, length in m) and a chance from 0 to 1")  # fmt: skip


def _summed(
    area: Floats, links: tuple[Any, Any, Any], mean_m: float, limit: float, lost: float, everywhere: bool
) -> tuple[float, float]:
    """Equivalent connected area of the pairs within the limit, and the most that it is with all others [km2]."""
    n = len(area)
    i, j, length = links
    joined = _together(n, (i, j, np.where(np.isfinite(length), 0.0, 1.0)))
    room = np.full(n, area.sum()) if everywhere else np.bincount(joined, weights=area)[joined]
    near = (length <= limit) & (i != j) & np.isfinite(length)
    i, j, length = i[near], j[near], length[near]
    both, far = np.concatenate([i, j]), np.concatenate([j, i]).astype(np.int32)
    order = np.lexsort((far, both))
    first = np.concatenate([[0], np.cumsum(np.bincount(both, minlength=n))]).astype(np.int64)
    lengths = np.concatenate([length, length])[order]
    sums, reached = network_sums(first, far[order], lengths, area, mean_m, limit)
    sure = float(area @ sums)
    missing = lost * float(area @ np.maximum(room - reached, 0.0))
    return float(np.sqrt(sure)), float(np.sqrt(sure + missing))


def _together(n: int, links: tuple[Any, Any, Any]) -> NDArray[np.int64]:
    """Which nodes hang together by links of no length."""
    free = links[2] == 0
    matrix = coo_matrix((np.ones(int(free.sum())), (links[0][free], links[1][free])), shape=(n, n))
    return np.asarray(connected_components(matrix, directed=False)[1], np.int64)


def _parts(
    protected: float, drawn: Floats, together: Floats, eca: float, alone: float, region: float
) -> dict[str, float]:
    """The parts in % of the region."""
    prot = np.sqrt((together**2).sum())
    over = drawn.sum()
    within = min(np.sqrt((drawn**2).sum()) * np.sqrt(protected / over), prot) if over > 0 else 0.0
    values = (
        protected,
        eca,
        protected - eca,
        prot,
        within,
        prot - within,
        max(alone - prot, 0.0),
        eca - alone,
    )
    return {name: float(100 * v / region) for name, v in zip(PARTS, values)}
