"""Connectivity indices of a patch graph: PC, IIC, ECA, their parts by patch and link, mesh size, centrality.

Sums run over all ordered pairs of patches, a patch with itself included.  ``a`` is the weight of a patch (its area
unless the patches say otherwise), ``p*`` the largest product of link probabilities between two patches, which for an
exponential kernel is the kernel of the shortest network distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from permeability.core.errors import OptionError, check_choice
from permeability.core.renamed import renamed

__all__ = [
    "MovementKernel",
    "NetworkConnectivity",
    "centrality",
    "effective_mesh_size",
    "integral_index",
    "landscape_mesh_size",
    "link_importance",
    "network_costs",
    "network_steps",
    "patch_importance",
    "probability_of_connectivity",
]

__getattr__ = renamed(__name__, {"Connectivity": "NetworkConnectivity"})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MovementKernel:
    """Chance of moving a cost distance ``d``: ``exp(-d / mean)``.

    Attributes
    ----------
    mean_m : float
        Mean of the kernel [m of open ground].

    Examples
    --------
    >>> kernel = MovementKernel(10_000.0)
    >>> float(kernel(0.0)), float(kernel(np.inf))
    (1.0, 0.0)
    """

    mean_m: float

    def __post_init__(self) -> None:
        if not 0 < self.mean_m < np.inf:
            raise OptionError(
                "D17", f"a kernel with a mean of {self.mean_m!r} m is none.", remedy="give a positive length"
            )

    @classmethod
    def from_probability(cls, distance_m: float, probability: float) -> MovementKernel:
        """The kernel that gives ``probability`` at ``distance_m``.

        Examples
        --------
        >>> kernel = MovementKernel.from_probability(10_000, 0.05)
        >>> round(float(kernel(10_000)), 6)
        0.05
        """
        if not (0 < probability < 1 and distance_m > 0):
            raise OptionError(
                "D17", "a kernel needs a chance between 0 and 1 at a distance above 0.", remedy="give both"
            )
        return cls(-distance_m / np.log(probability))

    @classmethod
    def from_species(cls, profile: Any, level: str = "best") -> MovementKernel:
        """The kernel of a species profile, from its mean dispersal distance."""
        check_choice("level", level, ("low", "best", "high"))
        return cls(float(getattr(profile.dispersal_m, level)))

    def __call__(self, distance_m: ArrayLike) -> Floats:
        """Chance at some distances [m of open ground]; 0 at inf."""
        return np.asarray(np.exp(-np.asarray(distance_m, np.float64) / self.mean_m))


def network_costs(graph: nx.Graph, *, weight: str = "cost_m") -> Floats:
    """Shortest network cost between all patches, shape (n, n), inf where apart; nodes in the graph's order.

    Parameters
    ----------
    graph : networkx.Graph
    weight : str
        Edge attribute [m of open ground].

    Returns
    -------
    array
        [m of open ground]

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> nx.set_edge_attributes(graph, 1000.0, "cost_m")
    >>> network_costs(graph)[0].tolist()
    [0.0, 1000.0, 2000.0]
    """
    return _distances(_link_arrays(graph, weight), graph.number_of_nodes())


def network_steps(graph: nx.Graph) -> Floats:
    """Smallest number of links between all patches, shape (n, n), inf where apart.

    Parameters
    ----------
    graph : networkx.Graph

    Returns
    -------
    array
        [links]

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> nx.set_edge_attributes(graph, 1000.0, "cost_m")
    >>> network_steps(graph)[0].tolist()
    [0.0, 1.0, 2.0]
    """
    i, j, w = _link_arrays(graph, None)
    return _distances((i, j, w), graph.number_of_nodes())


@dataclass(frozen=True)
class NetworkConnectivity:
    """Area-weighted connectivity of a patch graph.

    Attributes
    ----------
    numerator : float
        ``sum a_i a_j p*_ij`` [weight squared].
    eca : float
        Equivalent connected area, its square root [weight, km2 for areas] (Saura et al. 2011,
        doi:10.1016/j.ecolind.2010.06.011).
    index : float
        Numerator / (total area)^2 [0..1]; NaN without a total area.

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> nx.set_edge_attributes(graph, 1000.0, "cost_m")
    >>> alone = probability_of_connectivity(graph, MovementKernel(1e-9))  # nobody moves
    >>> round(alone.eca, 6), round(alone.numerator, 6)  # sqrt of 3 patches of 1
    (1.732051, 3.0)
    """

    numerator: float
    eca: float
    index: float


def probability_of_connectivity(
    graph: nx.Graph, kernel: MovementKernel, *, total_area_km2: float | None = None, area: str = "weight"
) -> NetworkConnectivity:
    """PC: chance that two random places of the landscape lie in habitat and are connected.

    Parameters
    ----------
    graph : networkx.Graph
        Edges with ``cost_m`` [m of open ground].
    kernel : MovementKernel
    total_area_km2 : float, optional
        Area of the landscape, in the unit of ``area``.
    area : str
        Node attribute for ``a``.

    Returns
    -------
    NetworkConnectivity
        Numerator, equivalent connected area and index.

    Notes
    -----
    Saura and Pascual-Hortal 2007, doi:10.1016/j.landurbplan.2007.03.005.

    Examples
    --------
    >>> graph = nx.Graph()
    >>> graph.add_nodes_from([("a", {"weight": 3.0}), ("b", {"weight": 4.0})])
    >>> graph.add_edge("a", "b", cost_m=1000 * np.log(2))
    >>> pc = probability_of_connectivity(graph, MovementKernel(1000), total_area_km2=10)
    >>> round(pc.numerator, 9), round(pc.index, 9)  # 9 + 16 + 2 * 12 / 2
    (37.0, 0.37)
    """
    a = _areas(graph, area)
    return _summary(a, kernel(network_costs(graph)), total_area_km2)


def integral_index(
    graph: nx.Graph, *, total_area_km2: float | None = None, area: str = "weight"
) -> NetworkConnectivity:
    """IIC: the same with ``1 / (1 + links between the two)`` in place of the chance (Pascual-Hortal and Saura 2006,
    doi:10.1007/s10980-006-0013-z).

    Parameters
    ----------
    graph : networkx.Graph
    total_area_km2 : float, optional
        Area of the landscape [km2].
    area : str
        Node attribute.

    Returns
    -------
    NetworkConnectivity

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> round(integral_index(graph).numerator, 9)  # 3 + 4 / 2 + 2 / 3
    5.666666667
    """
    return _summary(_areas(graph, area), 1.0 / (1.0 + network_steps(graph)), total_area_km2)


def patch_importance(
    graph: nx.Graph, kernel: MovementKernel | None = None, *, area: str = "weight"
) -> pd.DataFrame:
    """What each patch contributes: dPC and its intra, flux and connector parts.

    Parameters
    ----------
    graph : networkx.Graph
    kernel : MovementKernel, optional
        PC with it, IIC without.
    area : str

    Returns
    -------
    pandas.DataFrame
        Index: patch; ``d`` = loss when it is removed, ``intra`` (its own area), ``flux`` (its exchange with the
        others), ``connector`` (ways over it that cannot be replaced), all in % of the numerator;
        ``d = intra + flux + connector`` (Saura and Rubio 2010, doi:10.1111/j.1600-0587.2009.05760.x).

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> patch_importance(graph).round(3).loc[1].tolist()
    [64.706, 17.647, 35.294, 11.765]
    """
    a = _areas(graph, area)
    n = len(a)
    links = _link_arrays(graph, "cost_m" if kernel is not None else None)
    chance = _chances(links, n, kernel)
    whole = float(a @ chance @ a)
    rows = []
    for k in range(n):
        keep = np.arange(n) != k
        use = (links[0] != k) & (links[1] != k)
        without = _chances(tuple(v[use] for v in links), n, kernel)[np.ix_(keep, keep)]
        lost = whole - float(a[keep] @ without @ a[keep])
        intra, flux = a[k] ** 2, 2 * a[k] * float(chance[k, keep] @ a[keep])
        rows.append((lost, intra, flux, lost - intra - flux))
    table = pd.DataFrame(
        rows, columns=["d", "intra", "flux", "connector"], index=pd.Index(graph.nodes, name="patch")
    )
    return 100 * table / whole


def link_importance(
    graph: nx.Graph,
    kernel: MovementKernel | None = None,
    *,
    area: str = "weight",
    improved: Callable[[dict[str, Any]], float] | None = None,
) -> pd.DataFrame:
    """What each link contributes, and what improving it would add.

    Parameters
    ----------
    graph : networkx.Graph
    kernel : MovementKernel, optional
        PC with it, IIC without.
    area : str
    improved : callable, optional
        Cost of the improved link [m of open ground] from its attributes, for example
        ``lambda link: link["cost_m"] - link["crossing_cost_m"]``: as if its barriers were gone.

    Returns
    -------
    pandas.DataFrame
        ``from``, ``to``, ``removal`` = loss without the link, and with ``improved`` ``improvement`` = gain with the
        lower cost, in % of the numerator.

    Raises
    ------
    OptionError
        D18 when improving would make a link dearer, or with IIC, where costs do not count.

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_node_attributes(graph, 1.0, "weight")
    >>> nx.set_edge_attributes(graph, 1000.0, "cost_m")
    >>> table = link_importance(graph, MovementKernel(1000.0))
    >>> bool(np.isclose(table["removal"].iloc[0], table["removal"].iloc[1]))  # an even chain
    True
    """
    a = _areas(graph, area)
    n = len(a)
    i, j, w = _link_arrays(graph, "cost_m" if kernel is not None else None)
    whole = float(a @ _chances((i, j, w), n, kernel) @ a)
    if improved is not None and kernel is None:
        raise OptionError("D18", "IIC knows no costs to improve.", remedy="give a movement kernel")
    rows = []
    for k, (x, y, data) in enumerate(graph.edges(data=True)):
        rest = np.arange(len(w)) != k
        without = float(a @ _chances((i[rest], j[rest], w[rest]), n, kernel) @ a)
        row: dict[str, Any] = {"from": x, "to": y, "removal": 100 * (whole - without) / whole}
        if improved is not None:
            cost = float(improved(data))
            if not 0 <= cost <= w[k]:
                raise OptionError(
                    "D18",
                    f"improving {x} - {y} gives a cost of {cost:g} m, today {w[k]:g} m.",
                    remedy="give a lower cost",
                )
            lower = w.copy()
            lower[k] = cost
            row["improvement"] = 100 * (float(a @ _chances((i, j, lower), n, kernel) @ a) - whole) / whole
        rows.append(row)
    names = ["from", "to", "removal"] + (["improvement"] if improved is not None else [])
    return pd.DataFrame(rows, columns=names)


def effective_mesh_size(areas_km2: ArrayLike, total_km2: float | None = None) -> float:
    """Effective mesh size [km2]: ``sum A_i^2 / A_total`` (Jaeger 2000, doi:10.1023/A:1008129329289).

    Parameters
    ----------
    areas_km2 : array
        Areas of the unfragmented pieces [km2].
    total_km2 : float, optional
        Area of the region [km2]; the sum of the pieces if not given.

    Returns
    -------
    float
        [km2]

    Raises
    ------
    OptionError
        D19 for areas that do not fit the total.

    Examples
    --------
    >>> effective_mesh_size([50.0, 50.0]), effective_mesh_size([50.0, 30.0], 100.0)
    (50.0, 34.0)
    """
    areas = np.asarray(areas_km2, np.float64)
    total = float(areas.sum()) if total_km2 is None else float(total_km2)
    if not total > 0 or (areas < 0).any() or areas.sum() > total * (1 + 1e-9):
        raise OptionError(
            "D19",
            f"pieces of {areas.sum():g} km2 in a region of {total:g} km2.",
            remedy="check the areas and their unit",
        )
    return float((areas**2).sum() / total)


def landscape_mesh_size(land: Any, *, total_km2: float | None = None) -> float:
    """Effective mesh size of a landscape whose pieces are cut apart by complete barriers and nodata [km2].

    Parameters
    ----------
    land : Landscape
    total_km2 : float, optional
        Area of the region; the area of all its cells if not given.

    Returns
    -------
    float
        [km2]

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> landscape_mesh_size(land)  # two halves of 48 km2 in 96 km2: (48^2 + 48^2) / 96
    48.0
    """
    cells = np.bincount(land.parts.ravel())[1:]
    return effective_mesh_size(cells * land.grid.cell_area_km2, total_km2)


def centrality(graph: nx.Graph, *, weight: str = "cost_m") -> pd.DataFrame:
    """Shortest-path and current-flow betweenness of the patches.

    Parameters
    ----------
    graph : networkx.Graph
    weight : str
        Cost of a link, > 0.

    Returns
    -------
    pandas.DataFrame
        Index: patch; ``betweenness`` (share of the shortest paths between other patches that lead over it [0..1],
        Freeman 1977, doi:10.2307/3033543) and ``current_flow`` (share of the current, resistance = cost, each
        connected part by itself; Newman 2005, doi:10.1016/j.socnet.2004.11.009), ``links``, ``part``.

    Raises
    ------
    OptionError
        D20 for links without any cost.

    Examples
    --------
    >>> graph = nx.path_graph(3)
    >>> nx.set_edge_attributes(graph, 2.0, "cost_m")
    >>> centrality(graph).loc[1, ["betweenness", "current_flow"]].tolist()
    [1.0, 1.0]
    """
    costs = nx.get_edge_attributes(graph, weight)
    free = [f"{a} - {b}" for (a, b), c in costs.items() if not c > 0]
    if free:
        raise OptionError("D20", "links without any cost have no finite conductance.", remedy="merge these patches",
                          details={"links": ", ".join(map(str, free[:5]))})  # fmt: skip
    plain = nx.Graph()
    plain.add_nodes_from(graph.nodes)
    plain.add_edges_from((a, b, {"cost": c, "conductance": 1.0 / c}) for (a, b), c in costs.items())
    between = nx.betweenness_centrality(plain, weight="cost")
    current, part = dict.fromkeys(plain, 0.0), {}
    for number, nodes in enumerate(sorted(nx.connected_components(plain), key=len, reverse=True), start=1):
        part.update(dict.fromkeys(nodes, number))
        if len(nodes) > 2:
            current.update(
                nx.current_flow_betweenness_centrality(plain.subgraph(nodes), weight="conductance")
            )
    return pd.DataFrame(
        {
            "betweenness": [between[n] for n in plain],
            "current_flow": [current[n] for n in plain],
            "links": [plain.degree[n] for n in plain],
            "part": [part[n] for n in plain],
        },
        index=pd.Index(list(plain), name="patch"),
    )


Links = tuple[NDArray[np.int64], NDArray[np.int64], Floats]


def _areas(graph: nx.Graph, attribute: str) -> Floats:
    values = [data.get(attribute, np.nan) for _, data in graph.nodes(data=True)]
    a = np.array(values, np.float64)
    if not len(a) or not (a >= 0).all() or a.sum() == 0:
        raise OptionError(
            "D19", f"patches need {attribute!r} of 0 or more, not all 0.", remedy="set it on every node"
        )
    return a


def _link_arrays(graph: nx.Graph, weight: str | None) -> Links:
    number = {n: i for i, n in enumerate(graph.nodes)}
    edges = list(graph.edges(data=True))
    i = np.array([number[a] for a, _, _ in edges], np.int64)
    j = np.array([number[b] for _, b, _ in edges], np.int64)
    w = np.array([1.0 if weight is None else d[weight] for _, _, d in edges], np.float64)
    return i, j, w


def _distances(links: Links, n: int) -> Floats:
    i, j, w = links
    # csgraph drops explicit zeros only from dense input; a sparse zero is a free link
    matrix = coo_matrix((w, (i, j)), shape=(n, n)).tocsr()
    return np.asarray(dijkstra(matrix, directed=False))


def _chances(links: Any, n: int, kernel: MovementKernel | None) -> Floats:
    costs = _distances(links, n)
    return 1.0 / (1.0 + costs) if kernel is None else kernel(costs)


def _summary(a: Floats, chance: Floats, total: float | None) -> NetworkConnectivity:
    numerator = float(a @ chance @ a)
    return NetworkConnectivity(
        numerator, float(np.sqrt(numerator)), np.nan if total is None else numerator / total**2
    )
