"""The chain of a walker over ground: links, leaks by cause, kilometres walked; arrays only.

Its links are those of the circuit view; a link is taken to its end by the share that survives it
(:mod:`permeability.engines.chain.step_laws`).  So without any hazard the chain is the circuit, with a large theta its free
energy is the least cost of the same links, and in between its limits do not hang on the size of the cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError, ResistanceError, check_choice
from permeability.engines.chain.grid_chain import GridChain, both_ends
from permeability.engines.chain.step_laws import (
    deadly_line,
    decay_per_km,
    link_through,
    log_slope,
    lost,
    survives,
)
from permeability.engines.kernels.edges import D_COL, D_ROW, LENGTH, N_DIRECTIONS, EdgeBarriers, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORMS = ("both", "chance", "cost")
BAND = 2_000_000  # cells that are worked on at a time


class DeadlyEdges(NamedTuple):
    """Edges at which a crossing may kill: name (cell * 8 + direction, ascending), chance, length of line stood for [m]."""

    keys: Ints
    chance: Floats
    weight_m: Floats

    @classmethod
    def none(cls) -> DeadlyEdges:
        """No such edge."""
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def at(self, keys: Ints) -> tuple[Floats, Floats]:
        """Chance and length of other edges; 0 where there is none."""
        if not len(self.keys):
            return np.zeros(len(keys)), np.zeros(len(keys))
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        there = self.keys[place] == keys
        return np.where(there, self.chance[place], 0.0), np.where(there, self.weight_m[place], 0.0)


@dataclass(frozen=True, eq=False)
class Walk:
    """What is known of the walker and of the ground.

    Attributes
    ----------
    resistance : array, shape (rows, cols)
        Cost of a kilometre relative to open ground; NaN or inf = none.
    cell_km : float
    theta : float
        Preference for cheap ways [1 / km of open ground].
    death, settle : float or array, shape (rows, cols)
        Hazards per km walked [1/km].
    step_km : float
        Mean straight of the walk on open ground [km]; on ground of resistance R it is shorter by R.
    edges : EdgeBarriers
    deadly : DeadlyEdges
    barriers : {"both", "chance", "cost"}
        How barriers on edges count.
    neighbours : {8, 4}
    regions : array of int, shape (rows, cols), optional
        Places within which nothing is lost.
    """

    resistance: Floats
    cell_km: float
    theta: float = 0.0
    death: float | Floats = 0.0
    settle: float | Floats = 0.0
    step_km: float = 1.0
    edges: EdgeBarriers = field(default_factory=EdgeBarriers.empty)
    deadly: DeadlyEdges = field(default_factory=DeadlyEdges.none)
    barriers: str = "both"
    neighbours: int = 8
    regions: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        check_choice("barriers", self.barriers, FORMS, code="Q06")
        for name, value in (("theta", self.theta), ("step_km", self.step_km)):
            if not (np.isfinite(value) and value >= 0) or (name == "step_km" and value == 0):
                raise OptionError(
                    "Q06",
                    f"{name} = {value!r} is out of range.",
                    remedy="give a finite number that is not below 0",
                )
        for name, rate in (("death", self.death), ("settle", self.settle)):
            array = np.asarray(rate, np.float64)
            if array.ndim and array.shape != self.resistance.shape:
                raise ResistanceError(
                    "Q07",
                    f"the hazard {name} has shape {array.shape}, the landscape {self.resistance.shape}.",
                    remedy="give one number, or one for every cell",
                )
            if array.ndim:
                array = array[np.isfinite(self.resistance)]
            if not np.all(np.isfinite(array) & (array >= 0)):
                raise ResistanceError(
                    "Q07",
                    f"the hazard {name} is negative or not finite somewhere.",
                    remedy="give rates per km walked, 0 for none",
                )

    @property
    def safe(self) -> Walk:
        """The same walker where nothing kills or settles it."""
        return replace(self, death=0.0, settle=0.0, deadly=DeadlyEdges.none())

    def with_edges(self, edges: EdgeBarriers) -> Walk:
        """The same with other barriers on the edges."""
        return replace(self, edges=edges)

    @cached_property
    def chain(self) -> GroundChain:
        """The chain of this walker."""
        return ground_chain(self)


@dataclass(frozen=True, eq=False)
class GroundChain(GridChain):
    """A chain over ground, with what its leaks are made of.

    ``walked``: km walked in a cell per unit of what ``solve`` gives there (so that ``hazard * walked`` is a leak);
    ``death``, ``settle``: leaks of theirs, or the one hazard that they are everywhere; ``line``: leaks at deadly lines, empty
    without any.  What is left of ``leak`` is theta's.
    """

    walked: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    death: float | Floats = 0.0
    settle: float | Floats = 0.0
    line: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def leak_of(self, cause: str) -> Floats:
        """Leak by a cause: ``"death"`` on the ground, ``"settle"``, or ``"line"``."""
        if cause == "line":
            return self.line if self.line.size else np.zeros(self.shape)
        rate: float | Floats = getattr(self, cause)
        return rate if isinstance(rate, np.ndarray) else float(rate) * self.walked


class EdgeState(NamedTuple):
    """Some edges of a walk: what is tried, what gets across, and what leaks at either end (all causes; by lines)."""

    tried: Floats
    links: Floats
    leak: Floats
    line: Floats


def ground_chain(walk: Walk, *, without: Ints | None = None, **solving: object) -> GroundChain:
    """Links and leaks of a walk, a band of rows at a time; ``without`` some edges, by name.

    >>> chain = ground_chain(Walk(np.ones((3, 3)), 1.0, death=0.1))
    >>> bool(np.allclose(chain.leak_of("death"), 0.1 * chain.walked)), bool(np.allclose(chain.leak, chain.leak_of("death")))
    (True, True)
    """
    r = np.asarray(walk.resistance, np.float64)
    rows, cols = r.shape
    planes = [np.zeros(r.shape) for _ in range(4)]
    outflow, leak, walked = (np.zeros(r.shape) for _ in range(3))
    death = np.zeros(r.shape) if np.ndim(walk.death) else None
    settle = np.zeros(r.shape) if np.ndim(walk.settle) else None
    height = max(1, BAND // cols)
    keys = _cut_edges(walk)
    absent = keys if without is None else np.union1d(keys, without)
    keys = keys if without is None else np.setdiff1d(keys, without)
    for top in range(0, rows, height):
        low = min(rows, top + height)
        below = min(rows, low + 1)
        for k in range(N_DIRECTIONS[min(walk.neighbours, 8)]):
            band = _band(walk, r[top:below], slice(top, below), k, low - top)
            a, b = both_ends((below - top, cols), k)
            if k == 0:
                a, b = (slice(0, low - top), a[1]), (slice(0, low - top), b[1])
            _leave_out(band, absent, k, top, a)
            inside = planes[k][top:below]
            inside[a] = band.links
            for end in (a, b):
                outflow[top:below][end] += band.tried
                leak[top:below][end] += band.leak
                walked[top:below][end] += band.walked
                if death is not None:
                    death[top:below][end] += band.walked * band.death
                if settle is not None:
                    settle[top:below][end] += band.walked * band.settle
    line = np.zeros((0, 0))
    if len(keys):
        line = _put_edges(walk, keys, planes, outflow, leak, walked, death, settle)
    if not walk.deadly.chance.any():
        line = np.zeros((0, 0))
    return GroundChain(
        GridLinks(*planes), outflow, leak, walk.regions,
        walked=walked, line=line,
        death=float(walk.death) if death is None else death,
        settle=float(walk.settle) if settle is None else settle,
        **solving,  # type: ignore[arg-type]
    )  # fmt: skip


class _Band(NamedTuple):
    tried: Floats
    links: Floats
    leak: Floats
    walked: Floats
    death: Floats | float
    settle: Floats | float
    cols: int


def _band(walk: Walk, r: Floats, rows: slice, k: int, height: int) -> _Band:
    """All links of one direction whose first cell lies in a band of rows, without barriers."""
    a, b = both_ends(r.shape, k)
    if k == 0:
        a, b = (slice(0, height), a[1]), (slice(0, height), b[1])
    mean = 0.5 * (r[a] + r[b])
    live = np.isfinite(mean)
    mean = np.where(live, mean, 1.0)
    rate = [
        0.5 * (h[rows][a] + h[rows][b]) if isinstance(h, np.ndarray) and h.ndim else float(h)
        for h in (walk.death, walk.settle)
    ]
    if walk.regions is not None:
        one, two = walk.regions[rows][a], walk.regions[rows][b]
        home = (one > 0) & (one == two)
    else:
        home = np.zeros(mean.shape, bool)
    tried = np.where(live, 1.0 / (LENGTH[k] * mean), 0.0)
    x, km = _ground(walk, mean, LENGTH[k], np.nan_to_num(rate[0] + rate[1]))
    x = np.where(home, 0.0, x)
    links = tried * survives(x)
    return _Band(
        tried, links, tried * lost(x), np.where(home, 0.0, tried * km),
        np.nan_to_num(rate[0]), np.nan_to_num(rate[1]), r.shape[1],
    )  # fmt: skip


def _leave_out(band: _Band, keys: Ints, k: int, top: int, first: tuple[slice, slice]) -> None:
    """Nothing yet for the links that barriers cut."""
    cols = band.cols
    cell = keys[keys % 8 == k] // 8
    row, col = cell // cols - top, cell % cols - int(first[1].start)
    mine = (row >= 0) & (row < band.tried.shape[0]) & (col >= 0) & (col < band.tried.shape[1])
    for plane in (band.tried, band.links, band.leak, band.walked):
        plane[row[mine], col[mine]] = 0.0


def _ground(walk: Walk, mean: Floats, length: Floats | float, rate: Floats | float) -> tuple[Floats, Floats]:
    """Decay lengths of the ground under links, and km walked on them per try."""
    cost = length * mean * walk.cell_km  # km of open ground
    hazard = walk.theta + rate / mean  # per km of open ground
    x = cost * decay_per_km(hazard, walk.step_km)
    # km = lost(x) / (hazard * mean), and lost(x) / x^2 is smooth
    km = _lost_by_square(x) * cost**2 * (2.0 / walk.step_km + hazard) / mean
    return np.asarray(x), np.asarray(km)


def _lost_by_square(x: Floats) -> Floats:
    small = np.maximum(x, 1e-4)
    return np.where(x < 1e-4, 0.25, lost(small) / small**2)


def _cut_edges(walk: Walk) -> Ints:
    """Names of the links that a barrier or a deadly line cuts, within the grid and between cells that are there."""
    keys = np.union1d(walk.edges.keys, walk.deadly.keys)
    n = N_DIRECTIONS[min(walk.neighbours, 8)]
    return np.asarray(keys[keys % 8 < n], np.int64)


def edge_ground(walk: Walk, keys: Ints) -> tuple[Ints, Ints, Floats, NDArray[np.bool_]]:
    """Ends, mean resistance and whether there is ground, of links by name."""
    cols = walk.resistance.shape[1]
    a, k = keys // 8, keys % 8
    b = a + D_ROW[k] * cols + D_COL[k]
    flat = walk.resistance.reshape(-1)
    inside = (b >= 0) & (b < flat.size) & (np.abs((b % cols) - (a % cols)) <= 1)
    b = np.where(inside, b, a)
    mean = 0.5 * (flat[a] + flat[b])
    live = inside & np.isfinite(mean)
    return a, b, np.where(live, mean, 1.0), live


def edge_state(
    walk: Walk, keys: Ints, cost_m: Floats, series: Floats, deadly: DeadlyEdges | None = None
) -> EdgeState:
    """Links that barriers cut, for given costs and series resistances: the one place where barriers enter a chain.

    Parameters
    ----------
    walk : Walk
    keys : int array, shape (edges,)
    cost_m, series : array, shape (edges,)
        What barriers add: kilometres to work along [m], and resistance in series; inf = closed.
    deadly : DeadlyEdges, optional
        The walk's own by default.
    """
    return _edge_parts(walk, keys, cost_m, series, walk.deadly if deadly is None else deadly)[0]


def _edge_parts(
    walk: Walk, keys: Ints, cost_m: Floats, series: Floats, deadly: DeadlyEdges
) -> tuple[EdgeState, Floats, Floats, Floats]:
    """The state, km walked per unit at either end, and the hazards of death and settlement."""
    a, b, mean, live = edge_ground(walk, keys)
    length = LENGTH[keys % 8]
    ground = np.where(live, 1.0 / (length * mean), 0.0)
    rate = []
    for h in (walk.death, walk.settle):
        if isinstance(h, np.ndarray) and h.ndim:
            flat = h.reshape(-1)
            rate.append(np.where(live, 0.5 * (flat[a] + flat[b]), 0.0))
        else:
            rate.append(np.full(len(keys), float(h)))
    x, km = _ground(walk, mean, length, rate[0] + rate[1])
    work_km = np.zeros(len(keys)) if walk.barriers == "chance" else np.asarray(cost_m, float) / 1000.0
    z = np.where(np.isinf(series), np.inf, 0.0) if walk.barriers == "cost" else np.asarray(series, float)
    z = np.where(np.isinf(work_km), np.inf, z)
    work_km = np.where(np.isinf(work_km), 0.0, work_km)
    chance, weight = deadly.at(keys)
    kills = (chance > 0) & (weight > 0)
    with np.errstate(divide="ignore"):
        tried = np.where(live, 1.0 / (1.0 / np.where(live, ground, 1.0) + z), 0.0)
    line = np.zeros(len(keys))
    if kills.any():
        w = np.where(kills, weight, 1.0)
        law = deadly_line(z * w, np.where(kills, chance, 0.0), 1000.0 * walk.step_km)
        cut = link_through(ground, w * law.across, w * law.each_side)
        tried = np.where(kills, cut.through, tried)
        line = np.where(kills, cut.leak, 0.0)
    if walk.regions is not None:
        flat_regions = walk.regions.reshape(-1)
        home = (flat_regions[a] > 0) & (flat_regions[a] == flat_regions[b])
        x, km, work_km = np.where(home, 0.0, x), np.where(home, 0.0, km), np.where(home, 0.0, work_km)
        tried, line = np.where(home, ground, tried), np.where(home, 0.0, line)
    hazard = walk.theta + rate[0] + rate[1]
    through = survives(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(
            hazard > 0, -np.expm1(-hazard * work_km) / np.where(hazard > 0, hazard, 1.0), work_km
        )
    links = tried * through * np.exp(-hazard * work_km)
    leak = tried * (lost(x) + through * hazard * along) + line
    state = EdgeState(tried + line, links, leak, line)
    return state, tried * (km + through * along), rate[0], rate[1]


def _put_edges(
    walk: Walk,
    keys: Ints,
    planes: list[Floats],
    outflow: Floats,
    leak: Floats,
    walked: Floats,
    death: Floats | None,
    settle: Floats | None,
) -> Floats:
    """Put in the links that barriers cut, as they are; gives the leaks at lines, by cell."""
    now, km, dies, settles = _edge_parts(walk, keys, *walk.edges.at(keys), walk.deadly)
    first, second, _, live = edge_ground(walk, keys)
    for k in range(4):
        mine = live & (keys % 8 == k)
        planes[k].reshape(-1)[first[mine]] = now.links[mine]
    line = np.zeros(walk.resistance.shape)
    ends = np.concatenate([first, second])
    for plane, values in (
        (outflow, now.tried), (leak, now.leak), (walked, km), (death, km * dies), (settle, km * settles), (line, now.line),
    ):  # fmt: skip
        if plane is not None:
            np.add.at(plane.reshape(-1), ends, np.concatenate([values, values]))
    return line


def link_costs(walk: Walk) -> tuple[GridLinks, GridLinks]:
    """Mean cost [km of open ground] and km walked of those who get across every link: minus d ln(link) / d theta, / d death."""
    r = np.asarray(walk.resistance, np.float64)
    cost_planes, km_planes = [np.zeros(r.shape) for _ in range(4)], [np.zeros(r.shape) for _ in range(4)]
    for k in range(N_DIRECTIONS[min(walk.neighbours, 8)]):
        a, b = both_ends(r.shape, k)
        mean = 0.5 * (r[a] + r[b])
        live = np.isfinite(mean)
        rates = [
            0.5 * (h[a] + h[b]) if isinstance(h, np.ndarray) and h.ndim else float(h)
            for h in (walk.death, walk.settle)
        ]
        spent = _passage_cost(walk, np.where(live, mean, 1.0), LENGTH[k], np.nan_to_num(rates[0] + rates[1]))
        if walk.regions is not None:
            spent = np.where((walk.regions[a] > 0) & (walk.regions[a] == walk.regions[b]), 0.0, spent)
        cost_planes[k][a] = np.where(live, spent, 0.0)
        km_planes[k][a] = np.where(live, spent / np.where(live, mean, 1.0), 0.0)
    keys = _cut_edges(walk)
    if len(keys) and walk.barriers != "chance":
        first, second, *_ = edge_ground(walk, keys)
        work = walk.edges.at(keys)[0] / 1000.0
        work = np.where(np.isfinite(work), work, 0.0)
        if walk.regions is not None:
            home = walk.regions.reshape(-1)
            work = np.where((home[first] > 0) & (home[first] == home[second]), 0.0, work)
        for k in range(4):
            mine = keys % 8 == k
            for planes in (cost_planes, km_planes):
                planes[k].reshape(-1)[first[mine]] += work[mine]
    return GridLinks(*cost_planes), GridLinks(*km_planes)


def _passage_cost(walk: Walk, mean: Floats, length: float, rate: Floats | float) -> Floats:
    """``(I1/I0)(x) c m'``: mean km of open ground of those who get across."""
    cost = length * mean * walk.cell_km
    hazard = walk.theta + rate / mean
    x = cost * decay_per_km(hazard, walk.step_km)
    small = np.maximum(x, 1e-5)
    by_x = np.where(x < 1e-5, 0.5, log_slope(small) / small)
    return np.asarray(by_x * cost**2 * (1.0 / walk.step_km + hazard))


def spent_on_the_way(
    chain: GridChain, costs: GridLinks, chance: Floats, goal: NDArray[np.bool_], solver: str
) -> Floats:
    """Mean cost of those who get to a goal from every cell, by a second solve without any subtraction; inf where none does.

    Parameters
    ----------
    chain : GridChain
    costs : GridLinks
        Cost of getting across every link.
    chance : array, shape (rows, cols)
        Chance to get to the goal.
    goal : bool array, shape (rows, cols)
    solver : str
    """
    source = np.zeros(chain.shape)
    for k, (g, cost) in enumerate(zip(chain.links, costs)):
        a, b = both_ends(chain.shape, k)
        spent = g[a] * cost[a]
        source[a] += spent * chance[b]
        source[b] += spent * chance[a]
    found = chain.solve(source, ground=goal, solver=solver)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.where(chance > 0, found / chance, np.inf)
    out[goal] = 0.0
    return np.asarray(out)


class WayMap(NamedTuple):
    """Ways from a start to a goal of one walker who gets there: ``net`` passages, and ``walked`` km, by cell."""

    net: Floats
    walked: Floats


def way_map(chain: GridChain, km: GridLinks, from_start: Floats, chance: Floats, arrives: float) -> WayMap:
    """Passages through every cell on the way to a goal.

    Parameters
    ----------
    chain : GridChain
    km : GridLinks
        Kilometres walked over every link.
    from_start : array, shape (rows, cols)
        What ``solve`` gives for a walker at the start, the goal being its end.
    chance : array, shape (rows, cols)
        Chance to get to the goal.
    arrives : float
        The same from the start.
    """
    net, walked = np.zeros(chain.shape), np.zeros(chain.shape)
    for k, (g, length) in enumerate(zip(chain.links, km)):
        a, b = both_ends(chain.shape, k)
        there, back = from_start[a] * chance[b], from_start[b] * chance[a]
        flow = 0.5 * g[a] * np.abs(there - back) / arrives
        both = 0.5 * g[a] * length[a] * (there + back) / arrives
        for end in (a, b):
            net[end] += flow
            walked[end] += both
    return WayMap(net, walked)


def spread(chain: GroundChain, start: Floats, km: Floats, steps: int) -> Floats:
    """Where walkers are after some km walked each, (times, rows, cols); what is missing from 1 has ended.

    The walk goes on in kilometres: ``M du/dx = -(L + h) u``, ``M`` the km of a cell, by the L-stable method of second order
    of Alexander 1977 (doi:10.1137/0714068), ``steps`` steps between one time and the next.
    """
    from permeability.engines.circuit.solvers.grid_system import GridSystem
    from permeability.engines.circuit.solvers.registry import PreparedSolver, choose_solver
    from permeability.engines.kernels.current import true_residual

    gamma = 1.0 - np.sqrt(0.5)
    mass = chain.walked
    u = np.divide(start, mass, out=np.zeros(chain.shape), where=mass > 0)
    none, out, before = np.zeros(chain.shape), np.zeros((len(km), *chain.shape)), 0.0

    def ahead(v: Floats) -> Floats:
        found = np.empty(chain.shape)
        true_residual(*chain.links, chain.leak, none, v, found)
        return found

    for i, at in enumerate(km.tolist()):
        if at > before:
            d = (at - before) / steps
            system = GridSystem(
                GridLinks(*(gamma * d * p for p in chain.links)), leak=mass + gamma * d * chain.leak
            )
            every = np.where(mass > 0, 1.0, 0.0)
            active = system.active(system.checked_sources(every)[1])
            prepared = PreparedSolver(
                system, choose_solver(int(active.sum()), 2 * steps, solver=chain.solver), active, chain.rtol
            )

            def slope(v: Floats, prepared: PreparedSolver = prepared, system: GridSystem = system) -> Floats:
                source = ahead(v)
                if not source.any():
                    return source
                return prepared.solve(*system.checked_sources(source))[0]

            for _ in range(steps):
                k1 = slope(u)
                k2 = slope(u + d * (1.0 - gamma) * k1)
                u = u + d * ((1.0 - gamma) * k1 + gamma * k2)
            before = at
        out[i] = u * mass
    return out
