"""Small random landscapes with barriers on edges, and a dense solve of the edited graph that shares nothing with the engines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.kernels.edges import GridLinks, grid_links

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Case(NamedTuple):
    links: GridLinks
    edges: np.ndarray  # (E, 2) cell, direction
    cuts: np.ndarray  # (C, 2) edge, section
    factor: np.ndarray
    crossing: np.ndarray
    patches: np.ndarray

    def interface(self) -> Interface:
        return Interface.build(
            self.links,
            edges=(self.edges[:, 0], self.edges[:, 1]),
            cuts=(self.cuts[:, 0], self.cuts[:, 1], self.factor),
            crossing=self.crossing,
            patches=self.patches,
        )


def random_case(seed: int) -> Case:
    """Two wandering lines (often in series, sometimes on the same edges), cut into sections, some complete."""
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(9, 15, 2)
    surface = np.exp(rng.normal(size=(rows, cols)))
    surface[rng.random((rows, cols)) < 0.05] = np.nan
    links = grid_links(surface)
    edges: dict[tuple[int, int], int] = {}
    cuts, n_sections = [], 0
    start = rng.integers(2, cols - 3)
    for line in range(2):
        at = np.clip(start + line * rng.integers(0, 3) + np.cumsum(rng.integers(-1, 2, rows)), 1, cols - 2)
        length = int(rng.integers(2, 5))
        open_end = rng.choice([0, 0, 2])  # the line may stop short of the rim
        for k, (dr, dc) in enumerate(STEPS):
            for r, c in zip(*np.nonzero(links[k])):
                left, right = c <= at[r], c + dc <= at[r + dr]
                if left != right and r >= open_end:
                    edge = edges.setdefault((r * cols + c, k), len(edges))
                    cuts.append((edge, n_sections + r // length))
        n_sections += (rows - 1) // length + 1
    crossing = 10 ** rng.uniform(-1, 4, n_sections)
    crossing[rng.random(n_sections) < rng.choice([0.0, 0.3, 1.0])] = np.inf
    patches = rng.choice(np.flatnonzero(np.isfinite(surface)), 4, replace=False)
    factor = rng.uniform(0.5, 2.0, len(cuts))
    keys = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    return Case(links, keys, np.array(cuts), factor, crossing, patches)


def fresh_resistances(case: Case, z: np.ndarray) -> np.ndarray:
    """Edit the graph, find its components, ground each and solve densely."""
    rows, cols = case.links.shape
    adjacency = np.zeros((rows * cols, rows * cols))
    for k, (dr, dc) in enumerate(STEPS):
        for r, c in zip(*np.nonzero(case.links[k])):
            adjacency[r * cols + c, (r + dr) * cols + c + dc] = case.links[k][r, c]
    for e, (cell, k) in enumerate(case.edges):
        other = cell + STEPS[k][0] * cols + STEPS[k][1]
        series = 1.0 / adjacency[cell, other] + sum(z[i] for i in np.flatnonzero(case.cuts[:, 0] == e))
        adjacency[cell, other] = 0.0 if np.isinf(series) else 1.0 / series
    adjacency += adjacency.T
    out = np.full((len(case.patches),) * 2, np.inf)
    for i, p in enumerate(case.patches):
        out[i, i] = 0.0
        reached, front = {int(p)}, [int(p)]
        while front:
            new = set(np.flatnonzero(adjacency[front].sum(axis=0)).tolist()) - reached
            reached |= new
            front = sorted(new)
        part = np.array(sorted(reached - {int(p)}), dtype=np.int64)
        laplacian = (np.diag(adjacency.sum(axis=1)) - adjacency)[np.ix_(part, part)]
        diagonal = np.diag(np.linalg.inv(laplacian)) if len(part) else np.zeros(0)
        for j, q in enumerate(case.patches):
            if q in part:
                out[i, j] = diagonal[np.searchsorted(part, q)]
    return out


def series(case: Case, treated: dict[int, tuple[float, float]]) -> np.ndarray:
    """Series resistance of every cut when sections are treated: section -> (share, crossing after)."""
    out = np.empty(len(case.factor))
    for i, (_, section) in enumerate(case.cuts):
        share, after = treated.get(int(section), (0.0, 1.0))
        terms = [(1 - share, case.crossing[section]), (share, after)]
        if any(w > 0 and c == 0 for w, c in terms):
            out[i] = 0.0
            continue
        conductance = sum(w / c for w, c in terms if w > 0)
        out[i] = case.factor[i] / conductance if conductance > 0 else np.inf
    return out


def same(got: np.ndarray, expected: np.ndarray) -> None:
    assert np.array_equal(np.isinf(got), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(got[finite], expected[finite], rtol=1e-8, atol=1e-10)
