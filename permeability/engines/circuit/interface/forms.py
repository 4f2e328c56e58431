"""Which form the interface takes: one dense front, or layers; what each would cost, and why it was chosen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core import memory
from permeability.core.errors import check_choice
from permeability.engines.circuit.interface.agreement import Check
from permeability.engines.circuit.interface.layered import Fronts, Layered
from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.solvers.condensation import Condensed, condense, kept_nodes, make_plan
from permeability.engines.kernels import dissection as nd
from permeability.engines.kernels import fronts as layers
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORMS = ("auto", "front", "layers")
RATE = 1e10  # multiply-adds per second of dense fronts, for the choice only
PER_FRONT = 6e-5  # seconds a front takes whatever its size
SETS_WORTH = 4.0  # one front may take this much longer: sets of candidates take a tenth of the time there
FRONT_ALWAYS = 300  # interface nodes up to which one front is not worth a thought


@dataclass(frozen=True)
class InterfaceReport:
    """How an interface was made.

    ``form`` (front or layers), ``why``, ``nodes`` T, ``edges`` E, ``seconds``, ``peak_bytes`` expected, and for the form
    front the ``residual`` of the condensation's own sampled check (NaN for layers).  ``checks``: answers solved afresh
    by another solver, see :mod:`permeability.engines.circuit.interface.agreement`.
    """

    form: str
    why: str
    nodes: int
    edges: int
    seconds: float
    peak_bytes: int
    residual: float
    checks: list[Check] = field(default_factory=list)

    @property
    def difference(self) -> float:
        """Largest relative difference of any checked answer to a fresh solve, NaN without a check."""
        return max((c.difference for c in self.checks if not np.isnan(c.difference)), default=np.nan)


@dataclass(frozen=True, eq=False)
class Built:
    """The parts of an interface that depend on its form."""

    network: Floats
    side: Ints
    n_regions: int
    report: InterfaceReport
    nodes: Ints
    condensed: Condensed | None
    layered: Layered | None
    _node: NDArray[np.int32]

    def index_of(self, cells: Ints) -> Ints:
        """Interface nodes of kept cells."""
        return self._node[cells].astype(np.int64) - self._node.size


def choose_form(
    links: GridLinks,
    patches: Ints,
    edges: tuple[Ints, Ints],
    regions: ArrayLike | None,
    form: str,
    memory_limit: int | None,
    ground: SharedGround | None = None,
) -> Built:
    """Build the interface in the form asked for, or in the faster one that fits."""
    check_choice("form", form, FORMS)
    begun = time.perf_counter()
    available = memory.available() if memory_limit is None else memory_limit  # asked for once: it takes 1 ms
    nodes, labels, node, _ = kept_nodes(links.shape, patches, edges, regions)
    t, n_edges = len(nodes), len(edges[0])
    why = "asked for"
    fronts = None
    if form == "auto":
        form, why, fronts = _choice(links, patches, edges, regions, t, available, ground)
    if form == "front" or n_edges == 0:
        land = condense(links, patches, left_out=edges, regions=regions, memory_limit=available)
        r = land.report
        report = InterfaceReport(
            "front", why, t, n_edges, time.perf_counter() - begun, r.peak_bytes, r.residual
        )
        return Built(land.conductance, land.components, len(labels), report, nodes, land, None, node)
    own, kept, fronts = _own_numbers(links, patches, edges, regions, fronts, ground)
    second = edges[0] + D_ROW[edges[1]] * links.shape[1] + D_COL[edges[1]]
    layered = Layered.build(links, fronts, own, edges, second, len(kept), available, ground)
    side = _sides(links, own, edges, nodes)
    peak = fronts.bytes_once(own.size + len(kept), len(kept))
    report = InterfaceReport("layers", why, t, n_edges, time.perf_counter() - begun, peak, np.nan)
    return Built(np.zeros((0, 0)), side, len(labels), report, nodes, None, layered, node)


def _choice(
    links: GridLinks,
    patches: Ints,
    edges: tuple[Ints, Ints],
    regions: ArrayLike | None,
    t: int,
    available: int,
    ground: SharedGround | None,
) -> tuple[str, str, Fronts | None]:
    """The faster form that fits, why, and the fronts if they were planned."""
    if t <= FRONT_ALWAYS or not len(edges[0]):
        return "front", f"{t:,} interface nodes are few", None
    _, _, fronts = _own_numbers(links, patches, edges, regions, None, ground)
    layers = fronts.work_once + 2 * fronts.work_state + fronts.work_columns()
    layers_s = layers / RATE + 2 * PER_FRONT * fronts.live.sum()
    front_s, fits = t**3 / RATE, 24 * t**2 <= available
    if fits and front_s <= SETS_WORTH * layers_s:  # else layers are taken, whatever the plan says
        _, _, node, _ = kept_nodes(links.shape, patches, edges, regions)
        plan = make_plan(*links.shape, _numbered(links, node))
        front_s = (plan.work.sum() + t**3) / RATE
        needed = plan.peak_bytes(node.size, t, keep_factor=False, leak=False)
        fits = needed <= available
    if not fits:
        return "layers", f"one front of {t:,} nodes does not fit into memory", fronts
    form = "front" if front_s <= SETS_WORTH * layers_s else "layers"
    return (
        form,
        f"expected for one state: {front_s:.2g} s as one front, {layers_s:.2g} s in layers ({t:,} nodes)",
        fronts,
    )


def _numbered(links: GridLinks, node: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number every cell that has a link, in place."""
    planes = [np.ascontiguousarray(p, dtype=np.float64) for p in links]
    number: Any = nd.number_nodes
    number(*planes, np.zeros((0, 0)), node)
    return node


def _own_numbers(
    links: GridLinks,
    patches: Ints,
    edges: tuple[Ints, Ints],
    regions: ArrayLike | None,
    fronts: Fronts | None,
    ground: SharedGround | None,
) -> tuple[NDArray[np.int32], Ints, Fronts]:
    """Node of every cell when only the patches are kept, the kept nodes, and the fronts."""
    kept, _, own, _ = kept_nodes(links.shape, patches, None, regions)
    own = _numbered(links, own)
    if fronts is None:
        second = edges[0] + D_ROW[edges[1]] * links.shape[1] + D_COL[edges[1]]
        at_edge = np.zeros(own.size, dtype=bool)
        at_edge[edges[0]], at_edge[second] = True, True
        ends = np.flatnonzero(at_edge)
        fronts = Fronts.plan(links.shape, own, edges, ends, ground)
    return own, kept, fronts


def _sides(links: GridLinks, own: NDArray[np.int32], edges: tuple[Ints, Ints], nodes: Ints) -> Ints:
    """Component of every interface node without the barrier edges."""
    planes = [np.array(p, dtype=np.float64, order="C") for p in links]
    for k, plane in enumerate(planes):  # quicker than to look every link of the grid up among the edges
        plane.reshape(-1)[edges[0][edges[1] == k]] = 0.0
    parts: Any = layers.grid_parts
    root = parts(*planes, own, np.zeros(0, np.int64))
    return np.unique(root[own[nodes]], return_inverse=True)[1].astype(np.int64)
