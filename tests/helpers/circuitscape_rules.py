"""The modes of Circuitscape once more, straight from the written rules: dense matrices, plain loops, no haste.

An oracle for tests.  A focal node is a number with a list of cells; grids are small; nothing here imports the
package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Cell = tuple[int, int]
Focal = dict[int, list[Cell]]
NOTHING = -9999.0  # what a map holds where it has no value


def conductance(habitat: np.ndarray, is_resistance: bool, mask: np.ndarray | None) -> np.ndarray:
    """Cell conductance; 0 = no node."""
    g = np.zeros(habitat.shape)
    for cell in np.ndindex(habitat.shape):
        value = habitat[cell]
        if np.isnan(value) or value <= 0:
            continue
        g[cell] = 1 / value if is_resistance else value
        if mask is not None and not mask[cell] > 0:
            g[cell] = 0
    return g


def down_the_columns(cells: Sequence[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (cell[1], cell[0]))


def focal_of(grid: np.ndarray) -> Focal:
    """Focal nodes of a raster."""
    found: Focal = {}
    for cell in down_the_columns(list(np.ndindex(grid.shape))):
        if grid[cell] > 0:
            found.setdefault(int(grid[cell]), []).append(cell)
    return dict(sorted(found.items()))


class Circuit:
    """Nodes and links of one network; regions join cells, also cells without conductance."""

    def __init__(self, g: np.ndarray, regions: np.ndarray, neighbours: int, average: str) -> None:
        self.g, self.node = g, np.full(g.shape, -1)
        names: dict[object, int] = {}
        live = {int(regions[cell]) for cell in np.ndindex(g.shape) if g[cell] > 0} - {0}
        for cell in np.ndindex(g.shape):
            if int(regions[cell]) in live:
                self.node[cell] = names.setdefault(int(regions[cell]), len(names))
            elif g[cell] > 0:
                self.node[cell] = names.setdefault(cell, len(names))
        self.size = len(names)
        self.c = np.zeros((self.size, self.size))
        steps = [(0, 1), (1, 0), (1, 1), (1, -1)][: 2 if neighbours == 4 else 4]
        for a in np.ndindex(g.shape):
            for down, right in steps:
                b = (a[0] + down, a[1] + right)
                if b[0] < g.shape[0] and 0 <= b[1] < g.shape[1] and g[a] > 0 and g[b] > 0:
                    mean = 2 / (1 / g[a] + 1 / g[b]) if average == "resistance" else (g[a] + g[b]) / 2
                    self.join(int(self.node[a]), int(self.node[b]), mean / np.hypot(down, right))
        self.component = self.components()

    def join(self, i: int, j: int, value: float) -> None:
        if i != j:
            self.c[i, j] += value
            self.c[j, i] += value

    def components(self) -> np.ndarray:
        name = np.full(self.size, -1)
        for start in range(self.size):
            todo = [start] if name[start] < 0 else []
            while todo:
                k = todo.pop()
                if name[k] < 0:
                    name[k] = start
                    todo += np.flatnonzero(self.c[k]).tolist()
        return name

    def solve(
        self, source: np.ndarray, finite: np.ndarray, ideal: np.ndarray, part: np.ndarray
    ) -> np.ndarray:
        v = np.zeros(self.size)
        free = np.flatnonzero(part & ~ideal)
        matrix = np.diag(self.c.sum(axis=1) + finite) - self.c
        if len(free):
            v[free] = np.linalg.solve(matrix[np.ix_(free, free)], source[free])
        return v

    def currents(self, v: np.ndarray, finite: np.ndarray | None = None) -> np.ndarray:
        out = np.zeros(self.size)
        for i in range(self.size):
            flows = [self.c[i, j] * (v[i] - v[j]) for j in range(self.size)]
            drained = 0.0 if finite is None else finite[i] * v[i]
            leaving = sum(f for f in flows if f > 0) + max(drained, 0.0)
            arriving = -sum(f for f in flows if f < 0) + max(-drained, 0.0)
            out[i] = max(leaving, arriving)
        return out

    def grid(self, values: np.ndarray) -> np.ndarray:
        out = np.zeros(self.g.shape)
        for cell in np.ndindex(self.g.shape):
            if self.node[cell] >= 0:
                out[cell] = values[self.node[cell]]
        return out


@dataclass
class Pairs:
    """Pairs to include or exclude, as (a, b) with a < b, and the numbers named."""

    mode: str
    pairs: set[tuple[int, int]]
    named: set[int]

    def wants(self, a: int, b: int) -> bool:
        return ((min(a, b), max(a, b)) in self.pairs) == (self.mode == "include")


@dataclass
class Result:
    """Numbers in order, resistances, single maps by key, and what becomes of them together."""

    ids: list[int]
    resistance: np.ndarray
    current: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    voltage: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    shape: Cell = (0, 0)

    @property
    def cumulative(self) -> np.ndarray:
        return np.maximum(sum(self.current.values(), np.zeros(self.shape)), NOTHING)

    @property
    def maximum(self) -> np.ndarray:
        out = np.full(self.shape, NOTHING)
        for plane in self.current.values():
            out = np.maximum(out, plane)
        return out


def pair_regions(shorts: np.ndarray | None, shape: Cell, first: list[Cell], second: list[Cell]) -> np.ndarray:
    """Section 6: regions of the network of one pair."""
    if shorts is None:
        out = np.zeros(shape, int)
        for label, cells in ((1, first), (2, second)):
            for cell in cells:
                out[cell] = label
        return out
    out, k = shorts.copy(), int(shorts.max())
    for cells in (first, second):
        if len(cells) == 1:
            continue
        touched = [int(shorts[cell]) for cell in cells if shorts[cell] != 0]
        k += 1
        if not touched:
            for cell in cells:
                out[cell] = k
        else:
            for cell in np.ndindex(shape):
                if int(shorts[cell]) in touched:
                    out[cell] = k
            if len(touched) == 1:  # the peer fails: here the cells join the region
                for cell in cells:
                    out[cell] = k
    return out


def joint_regions(shorts: np.ndarray | None, shape: Cell, focal: Focal) -> np.ndarray:
    """Section 9: regions of the one network of all runs."""
    points = np.zeros(shape, int)
    for number, cells in sorted(focal.items()):
        for cell in cells:
            points[cell] = number
    if shorts is None:
        return points
    if all(len(cells) == 1 for cells in focal.values()):
        return shorts.copy()
    out, k = shorts.copy(), max(int(shorts.max()), int(points.max()))
    for cell in down_the_columns(list(np.ndindex(shape))):
        number = int(points[cell])
        if not number:
            continue
        if out[cell] == 0:
            out[cell] = k + number
        elif out[cell] != number:
            out[out == out[cell]] = number
    return out


def pairwise(
    g: np.ndarray,
    focal: Focal,
    *,
    neighbours: int,
    average: str,
    shorts: np.ndarray | None = None,
    selection: Pairs | None = None,
    log: bool = False,
    null_currents: bool = False,
    null_voltages: bool = False,
    focal_zero: bool = False,
) -> Result:
    """Sections 5, 6 and 7."""
    if selection is not None and selection.mode == "include":
        focal = {n: cells for n, cells in focal.items() if n in selection.named}
    ids = sorted(focal)
    points = all(len(cells) == 1 for cells in focal.values())
    out = Result(ids, np.where(np.eye(len(ids)) > 0, 0.0, -1.0), shape=g.shape)
    for i, a in enumerate(ids):
        for j, b in enumerate(ids[i + 1 :], i + 1):
            if points:
                regions = np.zeros(g.shape, int) if shorts is None else shorts
            else:
                regions = pair_regions(shorts, g.shape, focal[a], focal[b])
            wanted = selection is None or selection.wants(a, b)
            if not wanted and not points:
                continue
            net = Circuit(g, regions, neighbours, average)
            low, high = (int(net.node[down_the_columns(focal[n])[0]]) for n in (a, b))
            if low == high >= 0:
                out.resistance[i, j] = out.resistance[j, i] = 0
            elif wanted and min(low, high) >= 0 and net.component[low] == net.component[high]:
                source, ideal = np.zeros(net.size), np.zeros(net.size, bool)
                source[high], ideal[low] = 1, True
                v = net.solve(source, np.zeros(net.size), ideal, net.component == net.component[low])
                out.resistance[i, j] = out.resistance[j, i] = v[high]
                current = net.currents(v)
                current[np.abs(current) < 1e-9] = 0
                if focal_zero:
                    current[[low, high]] = 0
                plane = net.grid(current)
                if log:
                    plane = np.array([[np.log10(x) if x > 0 else NOTHING for x in row] for row in plane])
                out.current[(a, b)] = np.where(g == 0, NOTHING, plane) if null_currents else plane
                plane = net.grid(v)
                out.voltage[(a, b)] = np.where(g == 0, NOTHING, plane) if null_voltages else plane
    return out


def each(
    g: np.ndarray,
    focal: Focal,
    *,
    inward: bool,
    neighbours: int,
    average: str,
    shorts: np.ndarray | None = None,
    selection: Pairs | None = None,
    strengths: Mapping[int, float] | None = None,
    focal_zero: bool = False,
) -> Result:
    """Section 9: one-to-all, or all-to-one (``inward``)."""
    if selection is not None:
        focal = {n: cells for n, cells in focal.items() if n in selection.named}
    ids, strengths = sorted(focal), strengths or {}
    net = Circuit(g, joint_regions(shorts, g.shape, focal), neighbours, average)
    first = {n: int(net.node[down_the_columns(focal[n])[0]]) for n in ids}
    owners = {n: {int(net.node[cell]) for cell in focal[n]} - {-1} for n in ids}
    out = Result(ids, np.full(len(ids), -1.0), shape=g.shape)
    for k, n in enumerate(ids):
        partners = [m for m in ids if m != n and (selection is None or selection.wants(n, m))]
        if not partners:
            continue
        source, ideal = np.zeros(net.size), np.zeros(net.size, bool)
        if inward:
            ideal[list(owners[n])] = True
            for m in ids:
                if m != n and first[m] >= 0 and first[m] not in owners[n]:
                    source[first[m]] += strengths.get(m, 1.0) if m in partners else 1.0
        else:
            if first[n] >= 0:
                source[first[n]] = strengths.get(n, 1.0)
            for m in partners:
                ideal[[o for o in owners[m] if o != first[n]]] = True
        part = net.component == (net.component[first[n]] if first[n] >= 0 else -2)
        v = np.zeros(net.size)
        if source[part].any() and ideal[part].any():
            v = net.solve(source, np.zeros(net.size), ideal & part, part)
            out.resistance[k] = 0 if inward else v[first[n]] / strengths.get(n, 1.0)
        current = net.currents(v)
        if focal_zero:
            active = np.flatnonzero((source != 0) | ideal) if part.any() else []
            current[active] = 0
        out.current[(n,)], out.voltage[(n,)] = net.grid(current), net.grid(v)
    return out


def terminals(
    net_size: int,
    pairs: Sequence[tuple[int, float]],
    grounds: Sequence[tuple[int, float]],
    conflicts: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Section 8: source, ground (inf = ideal) and finite conductance of every node after the conflicts."""
    source, ground = np.zeros(net_size), np.zeros(net_size)
    for node, value in pairs:
        source[node] += value
    for node, value in grounds:
        ground[node] += value
    finite = np.where(np.isinf(ground), 0.0, ground)
    for n in range(net_size):
        if source[n] != 0 and ground[n] != 0:
            if conflicts in ("rmvsrc", "rmvall"):
                source[n] = 0
            elif conflicts == "rmvgnd":
                ground[n] = 0
        if np.isinf(ground[n]) and source[n] > 0:
            ground[n] = 0
    return source, ground, finite


def ground_value(value: float, is_resistance: bool, ideal: bool) -> float:
    h = (np.inf if value == 0 else 1 / value) if is_resistance else value
    return np.inf if ideal and h > 0 else h


def advanced(
    g: np.ndarray,
    sources: np.ndarray,
    grounds: np.ndarray,
    *,
    neighbours: int,
    average: str,
    shorts: np.ndarray | None = None,
    grounds_are_resistance: bool = True,
    unit_sources: bool = False,
    ideal_grounds: bool = False,
    conflicts: str = "keepall",
) -> tuple[np.ndarray, np.ndarray]:
    """Section 8 on a raster: voltages and currents."""
    net = Circuit(g, np.zeros(g.shape, int) if shorts is None else shorts, neighbours, average)
    come, go = [], []
    for cell in np.ndindex(g.shape):
        node = int(net.node[cell])
        if node < 0:
            continue
        if not np.isnan(sources[cell]) and sources[cell] != 0:
            come.append((node, 1.0 if unit_sources else float(sources[cell])))
        if not np.isnan(grounds[cell]):
            go.append((node, ground_value(float(grounds[cell]), grounds_are_resistance, ideal_grounds)))
    v, finite = settle(net, *terminals(net.size, come, go, conflicts))
    return net.grid(v), net.grid(net.currents(v, finite))


def settle(
    net: Circuit, source: np.ndarray, ground: np.ndarray, finite: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Voltages of every component with a ground whose sources do not sum to exactly 0."""
    v = np.zeros(net.size)
    for name in np.unique(net.component):
        part = net.component == name
        if source[part].sum() != 0 and ground[part].any():
            v += np.where(part, net.solve(source, finite, np.isinf(ground), part), 0.0)
    return v, finite


class Plain(Circuit):
    """A network given by links between node numbers."""

    def __init__(self, links: Sequence[tuple[int, int, float]], numbers: Sequence[int]) -> None:
        self.number = list(numbers)
        at = {n: k for k, n in enumerate(self.number)}
        self.size = len(at)
        self.c = np.zeros((self.size, self.size))
        for a, b, value in links:
            self.join(at[a], at[b], value)
        self.component = self.components()

    def branches(self, v: np.ndarray, keep: Callable[[float], bool]) -> dict[tuple[int, int], float]:
        return {
            (self.number[i], self.number[j]): abs(self.c[i, j] * (v[i] - v[j]))
            for i in range(self.size)
            for j in range(i + 1, self.size)
            if self.c[i, j] > 0 and keep(abs(self.c[i, j] * (v[i] - v[j])))
        }
