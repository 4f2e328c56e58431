"""Every admissible line of a small grid by brute force, and its exact loss by dense algebra: nothing of the package is used."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter

MOVES = [
    (a, b) for a in range(-2, 3) for b in range(-2, 3) if math.gcd(a, b) == 1 and (abs(a), abs(b)) != (2, 2)
]
EDGES = [(0, 1, 1.0), (1, 0, 1.0), (1, 1, math.sqrt(2)), (1, -1, math.sqrt(2))]
SHIFT = (-1e-7, -1e-4)  # of the line in rows and columns against the cell centres, which breaks ties


def case(seed: int, nearest: float = 4.5, farthest: float = 6.5):
    """Uneven ground, five patches of one cell, two ends of a line, not both on the edge of the grid."""
    rng = np.random.default_rng(seed)
    rows, cols = (int(n) for n in rng.integers(8, 13, 2))
    field = gaussian_filter(rng.standard_normal((rows, cols)), 1.0)
    ground = np.exp(1.5 * field / field.std())
    labels = np.zeros((rows, cols), np.int32)
    labels.flat[rng.permutation(rows * cols)[:5]] = np.arange(1, 6)
    while True:
        a, b = ((int(rng.integers(rows + 1)), int(rng.integers(cols + 1))) for _ in range(2))
        inner = any(0 < p[0] < rows and 0 < p[1] < cols for p in (a, b))
        if inner and nearest <= np.hypot(a[0] - b[0], a[1] - b[1]) <= farthest:
            return ground, labels, a, b


def turn(a, b) -> float:
    """Change of direction between two moves [degrees]."""
    cos = (a[0] * b[0] + a[1] * b[1]) / (math.hypot(*a) * math.hypot(*b))
    return math.degrees(math.acos(max(-1.0, min(1.0, cos))))


def lines(shape, start, end, most, max_turn=180.0, allowed=None) -> Iterator[list[tuple[int, int]]]:
    """All lines from start to end in the sixteen moves that keep the limits and meet no corner twice."""

    def go(path, length):
        at = path[-1]
        if at == end:
            yield list(path)
            return
        for dr, dc in MOVES:
            to = (at[0] + dr, at[1] + dc)
            if not (0 <= to[0] <= shape[0] and 0 <= to[1] <= shape[1]) or to in path:
                continue
            if allowed is not None and not allowed[to]:
                continue
            before = (at[0] - path[-2][0], at[1] - path[-2][1]) if len(path) > 1 else (dr, dc)
            if turn(before, (dr, dc)) > max_turn + 1e-6:
                continue
            far = length + math.hypot(dr, dc)
            if far + math.hypot(end[0] - to[0], end[1] - to[1]) <= most + 1e-9:
                path.append(to)
                yield from go(path, far)
                path.pop()

    yield from go([start], 0.0)


def crossings(p, q, shape, known={}):  # noqa: B006 (a store of what was found)
    """Edges that the straight way from corner p to q crosses: (edge, share along it, |v.n|)."""
    key = (p, q, shape)
    if key in known:
        return known[key]
    found = []
    (pr, pc), (qr, qc) = ((a + SHIFT[0], b + SHIFT[1]) for a, b in (p, q))
    dr, dc = qr - pr, qc - pc
    size = math.hypot(dr, dc)
    for r in range(max(0, min(p[0], q[0]) - 2), min(shape[0], max(p[0], q[0]) + 2)):
        for c in range(max(0, min(p[1], q[1]) - 2), min(shape[1], max(p[1], q[1]) + 2)):
            for k, (er, ec, _) in enumerate(EDGES):
                if not (0 <= r + er < shape[0] and 0 <= c + ec < shape[1]):
                    continue
                ar, ac = r + 0.5, c + 0.5
                det = dr * ec - dc * er
                if abs(det) < 1e-12:
                    continue
                t = ((ar - pr) * ec - (ac - pc) * er) / det
                u = ((ar - pr) * dc - (ac - pc) * dr) / det
                if 0 <= t < 1 and 0 < u < 1:
                    found.append((((r, c), k), t, abs(er * dc - ec * dr) / size))
    known[key] = found
    return found


def cuts_of(path, shape) -> dict:
    """Edge -> what it is cut by: 1 / (|v.n| / length) per unit of crossing cost; wiggles within four cells cancel."""
    met: dict = {}
    along = 0.0
    for p, q in itertools.pairwise(path):
        size = math.hypot(q[0] - p[0], q[1] - p[1])
        for edge, t, normal in crossings(p, q, shape):
            met.setdefault(edge, []).append((along + t * size, EDGES[edge[1]][2] / normal))
        along += size
    out = {}
    for edge, cuts in met.items():
        cuts.sort()
        group = [cuts[0]]
        for cut in [*cuts[1:], (math.inf, 0.0)]:
            if cut[0] - group[-1][0] <= 4.0:
                group.append(cut)
                continue
            if len(group) % 2:
                out[edge] = out.get(edge, 0.0) + group[len(group) // 2][1]
            group = [cut]
    return out


class Dense:
    """Effective resistances with patches as single nodes, by a dense inverse that is brought up to date."""

    def __init__(self, resistance, labels):
        self.shape = resistance.shape
        rows, cols = self.shape
        self.node = np.arange(rows * cols).reshape(self.shape)
        self.patches = int(labels.max())
        for k in range(1, self.patches + 1):
            self.node[labels == k] = self.node[labels == k].min()
        _, self.node = np.unique(self.node, return_inverse=True)
        self.node = self.node.reshape(self.shape)
        n = int(self.node.max()) + 1
        laplacian = np.zeros((n, n))
        self.ground = {}
        for r in range(rows):
            for c in range(cols):
                for k, (dr, dc, size) in enumerate(EDGES):
                    if 0 <= r + dr < rows and 0 <= c + dc < cols:
                        a, b = self.node[r, c], self.node[r + dr, c + dc]
                        z = size * 0.5 * (resistance[r, c] + resistance[r + dr, c + dc])
                        self.ground[(r, c), k] = (a, b, z)
                        if a != b:
                            laplacian[a, a] += 1 / z
                            laplacian[b, b] += 1 / z
                            laplacian[a, b] -= 1 / z
                            laplacian[b, a] -= 1 / z
        self.inverse = np.linalg.inv(laplacian + 1.0 / n)
        self.ends = [int(self.node[np.argwhere(labels == k)[0][0], np.argwhere(labels == k)[0][1]]) for k in range(1, self.patches + 1)]  # fmt: skip
        self.today = self._sum(self.inverse[np.ix_(self.ends, self.ends)])

    def _sum(self, g):
        d = np.diag(g)
        return float((d[:, None] + d[None] - 2 * g)[np.triu_indices(len(g), 1)].sum())

    def through_patch(self, cuts) -> bool:
        return any(self.ground[e][0] == self.ground[e][1] for e in cuts)

    def loss(self, cuts, crossing) -> float:
        """Share by which the summed resistance rises when the edges are cut."""
        if not cuts:
            return 0.0
        edges = [self.ground[e] for e in cuts]
        per = np.array([crossing * z for z in cuts.values()])
        a, b = np.array([e[0] for e in edges]), np.array([e[1] for e in edges])
        z = np.array([e[2] for e in edges])
        change = 1 / (z + per) - 1 / z
        left = self.inverse[:, a] - self.inverse[:, b]
        inner = left[a] - left[b] + np.diag(1 / change)
        ends = left[self.ends]
        g = self.inverse[np.ix_(self.ends, self.ends)] - ends @ np.linalg.solve(inner, ends.T)
        return self._sum(g) / self.today - 1
