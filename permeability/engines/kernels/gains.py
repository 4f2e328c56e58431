"""Effective resistances of small dense networks, by additions of non-negative numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from permeability.engines.kernels import inner, njit
from permeability.engines.kernels.pivots import reduce_front
from permeability.engines.kernels.small_loops import copy_row, copy_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOTHING = np.empty(0)


@njit(cache=True, nogil=True)
def small_resistances(g):
    """All pairwise effective resistances of a network of conductances ``g`` (upper half read), O(n^4).

    Node after node serves as the ground of those behind it and is eliminated afterwards, so no resistance is
    the difference of two larger ones.  ``inf`` between components.
    """
    n = g.shape[0]
    out = np.zeros((n, n))
    net = g.copy()
    low = np.empty((n, n))
    x = np.empty((n, n))
    for ground in range(n - 1):
        _grounded(net, ground, low, x)
        for i in range(ground + 1, n):
            out[ground, i] = out[i, ground] = x[i, i]
        d = 0.0
        for j in range(ground + 1, n):
            d += net[ground, j]
        if d > 0.0:
            for i in range(ground + 1, n):
                a = net[ground, i] / d
                for j in range(i + 1, n):
                    net[i, j] += a * net[ground, j]
    return out


@inner(cache=True, nogil=True)
def _grounded(net, ground, low, x):
    """Diagonal of the inverse of the Laplacian of ``net[ground:, ground:]`` grounded at its first node."""
    n = net.shape[0]
    for i in range(ground, n):
        for j in range(i + 1, n):
            low[i, j] = net[i, j]
    # eliminate from the last node to the first; low[i, k] (i < k) becomes g / d and the ground stays
    for k in range(n - 1, ground, -1):
        d = 0.0
        for i in range(ground, k):
            d += low[i, k]
        x[k, k] = d
        if d > 0.0:
            for i in range(ground, k):
                a = low[i, k]
                if a > 0.0:
                    for j in range(i + 1, k):
                        low[i, j] += a * low[j, k] / d
            for i in range(ground, k):
                low[i, k] /= d
    for k in range(ground + 1, n):
        d = x[k, k]
        if d == 0.0:
            for j in range(ground + 1, k):
                x[k, j] = x[j, k] = 0.0
            x[k, k] = np.inf
            continue
        for j in range(ground + 1, k):
            total = 0.0
            for i in range(ground + 1, k):
                if low[i, k] > 0.0 and x[i, j] > 0.0:
                    total += low[i, k] * x[i, j]
            x[k, j] = x[j, k] = total
        total = 1.0 / d
        for i in range(ground + 1, k):
            if low[i, k] > 0.0:
                total += low[i, k] * x[i, k]
        x[k, k] = total


@njit(cache=True, nogil=True)
def dense_components(g):
    """Label 0, 1, .. of the connected component of every node of a dense network."""
    n = len(g)
    label = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    found = 0
    for first in range(n):
        if label[first] >= 0:
            continue
        label[first] = found
        stack[0], top = first, 1
        while top > 0:
            top -= 1
            row = g[stack[top]]
            for j in range(n):
                if row[j] > 0.0 and label[j] < 0:
                    label[j] = found
                    stack[top] = j
                    top += 1
        found += 1
    return label


@njit(cache=True, nogil=True)
def reduce_onto(g, drop, keep):
    """The network ``g`` (symmetric, non-negative) seen from the nodes ``keep`` after eliminating ``drop``."""
    ne, nb = len(drop), len(keep)
    w = np.empty((ne, ne + nb))
    for i in range(ne):
        row = g[drop[i]]
        for j in range(i, ne):
            w[i, j] = row[drop[j]]
        for j in range(i):
            w[i, j] = 0.0
        for j in range(nb):
            w[i, ne + j] = row[keep[j]]
    rest = np.empty((nb, nb))
    for i in range(nb):
        row = g[keep[i]]
        for j in range(nb):
            rest[i, j] = row[keep[j]]
    none = np.empty(0)
    reduce_front(w, rest, none, none, none)
    for i in range(nb):
        rest[i, i] = 0.0
        for j in range(i):
            rest[i, j] = rest[j, i]
    return rest


# These two are Python: a kernel that calls an elimination has the whole of it compiled into it once more.
def reduce_step(
    g: Floats, order: Ints, ne: int, edge_a: Ints, edge_b: Ints, conductance: Floats, block: Floats, put: Ints
) -> Floats:
    """Add edges to a network and eliminate the first ``ne`` nodes of ``order``; edge ends: places there.

    The entries of ``g`` among the places ``put`` (of ``order``) are replaced by ``block`` before; both may be empty.
    """
    w, rest = step_front(g, order, ne, edge_a, edge_b, conductance, block, put)
    reduce_front(w, rest, NOTHING, NOTHING, NOTHING)
    mirror(rest)
    return rest


def focal_resistances(g: Floats, n_focal: int, edge_a: Ints, edge_b: Ints, conductance: Floats) -> Floats:
    """Add edges to a small network whose first nodes are focal; resistances among those."""
    n = len(g)
    order = np.arange(n_focal, n_focal + n) % n
    a, b = (edge_a - n_focal) % n, (edge_b - n_focal) % n
    net = reduce_step(g, order, n - n_focal, a, b, conductance, np.empty((0, 0)), order[:0])
    found: Floats = small_resistances(net)
    return found


@njit(cache=True, nogil=True)
def step_front(g, order, ne, edge_a, edge_b, conductance, block, put):
    """The front of :func:`reduce_step`: rows to eliminate, and the rest."""
    n = len(order)
    w = np.zeros((ne, n))
    rest = np.zeros((n - ne, n - ne))
    for i in range(n):
        row = g[order[i]]
        if i < ne:
            for j in range(i, n):
                w[i, j] = row[order[j]]
        else:
            for j in range(i, n):
                rest[i - ne, j - ne] = row[order[j]]
    for a in range(len(put)):
        for b in range(a, len(put)):
            i, j = min(put[a], put[b]), max(put[a], put[b])
            if i < ne:
                w[i, j] = block[a, b]
            else:
                rest[i - ne, j - ne] = block[a, b]
    for e in range(len(edge_a)):
        i, j = min(edge_a[e], edge_b[e]), max(edge_a[e], edge_b[e])
        if i < ne:
            w[i, j] += conductance[e]
        else:
            rest[i - ne, j - ne] += conductance[e]
    return w, rest


@njit(cache=True, nogil=True)
def mirror(rest):
    """Fill the lower half of a symmetric table from the upper one, and its diagonal with zeros.

    Examples
    --------
    >>> table = np.array([[1.0, 2.0], [0.0, 3.0]])
    >>> mirror(table)
    >>> table.tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    for i in range(len(rest)):
        rest[i, i] = 0.0
        for j in range(i):
            rest[i, j] = rest[j, i]


@inner(cache=True, nogil=True)
def edge_resistance(edge, cuts_start, cuts, z):
    """Series resistance of all cuts of one edge."""
    total = 0.0
    for i in range(cuts_start[edge], cuts_start[edge + 1]):
        total += z[cuts[i]]
    return total


@njit(cache=True, nogil=True)
def changed_edges(cut, after, z, edge_of, cuts_start, cuts, base):
    """Edges that change when some cuts get new resistances: edge, conductance before, conductance after.

    ``z`` (all cuts) is put back before returning.
    """
    n = len(cut)
    edges = np.empty(n, np.int64)
    before = np.empty(n)
    old = np.empty(n)
    count = 0
    for i in range(n):
        e = edge_of[cut[i]]
        known = False
        for j in range(count):
            known = known or edges[j] == e
        if not known:
            edges[count] = e
            before[count] = 1.0 / (1.0 / base[e] + edge_resistance(e, cuts_start, cuts, z))
            count += 1
        old[i] = z[cut[i]]
    for i in range(n):
        z[cut[i]] = after[i]
    out = np.empty(count)
    for j in range(count):
        out[j] = 1.0 / (1.0 / base[edges[j]] + edge_resistance(edges[j], cuts_start, cuts, z))
    for i in range(n - 1, -1, -1):
        z[cut[i]] = old[i]
    return edges[:count], before[:count], out


@njit(cache=True, nogil=True)
def gather(x, node_a, node_b, focal):
    """``B' X B`` for edges (difference of two nodes) followed by focal nodes."""
    n_edges = len(node_a)
    n = n_edges + len(focal)
    out = np.empty((n, n))
    for i in range(n):
        if i < n_edges:
            p, q = x[node_a[i]], x[node_b[i]]
            for j in range(n_edges):
                out[i, j] = (p[node_a[j]] - q[node_a[j]]) - (p[node_b[j]] - q[node_b[j]])
            for j in range(len(focal)):
                out[i, n_edges + j] = out[n_edges + j, i] = p[focal[j]] - q[focal[j]]
        else:
            p = x[focal[i - n_edges]]
            for j in range(len(focal)):
                out[i, n_edges + j] = p[focal[j]]
    return out


@njit(cache=True, nogil=True)
def opened_resistances(m, part_a, part_b, part_f, edges, increase, now):
    """Resistances among focal nodes after raising edge conductances (Woodbury on the changed edges).

    Parameters
    ----------
    m : array, shape (E + P, E + P)
        ``B' X B``: generalised inverse of the Laplacian seen from edges (differences) and focal nodes.
    part_a, part_b : array of int, shape (E,)
        Component of both ends of every edge.
    part_f : array of int, shape (P,)
        Component of the focal nodes.
    edges : array of int
    increase : array, same shape
        > 0.
    now : array, shape (P, P) or (0, 0)
        Resistances before, where they are known better than from the large numbers in ``m``.

    Returns
    -------
    array, shape (P, P)
        ``inf`` between components.
    """
    n_edges, n_focal = len(part_a), len(part_f)
    seen, comp = _local_parts(part_a, part_b, part_f, edges)
    whole = joined(comp, len(edges), seen)
    columns = np.empty(n_focal, np.int64)
    for i in range(n_focal):
        columns[i] = n_edges + i
    v, q = woodbury(m, edges, increase, columns, comp, seen)
    x = m[n_edges:, n_edges:] - np.dot(v.T, v)
    more = np.zeros((n_focal, n_focal))
    if seen > 1:
        part_of_column = np.zeros((seen, n_focal))
        for i in range(n_focal):
            part_of_column[comp[2 * len(edges) + i], i] = 1.0
        more = component_part(q, part_of_column - np.dot(q.T, v), whole)
    out = np.zeros((n_focal, n_focal))
    for i in range(n_focal):
        for j in range(i):
            of_i, of_j = comp[2 * len(edges) + i], comp[2 * len(edges) + j]
            if whole[of_i] != whole[of_j]:
                r = np.inf
            else:
                r = more[i, i] + more[j, j] - 2.0 * more[i, j]
                if now.size > 0 and of_i == of_j:
                    r += now[i, j]
                    for k in range(len(edges)):
                        r -= (v[k, i] - v[k, j]) ** 2
                else:
                    r += x[i, i] + x[j, j] - 2.0 * x[i, j]
                r = max(r, 0.0)
            out[i, j] = out[j, i] = r
    return out


@njit(cache=True, nogil=True)
def woodbury(m, edges, increase, columns, comp, seen):
    """``C^-1 V`` and ``C^-1 Q`` with ``K = D^-1 + U'XU = C C'``, V the given columns of the rows of the edges.

    Q (edges x components) holds +1 and -1 for the components of the two ends.
    """
    k = len(edges)
    system = np.empty((k, k))
    v = np.empty((k, len(columns)))
    q = np.zeros((k, seen))
    for a in range(k):
        row = m[edges[a]]
        for b in range(k):
            system[a, b] = row[edges[b]]
        system[a, a] += 1.0 / increase[a]
        for i in range(len(columns)):
            v[a, i] = row[columns[i]]
        q[a, comp[2 * a]] += 1.0
        q[a, comp[2 * a + 1]] -= 1.0
    if k > 0:
        c = np.linalg.cholesky(system)
        _lower_solve(c, v)
        if seen > 1:  # within one component all of Q is zero
            _lower_solve(c, q)
    return v, q


@inner(cache=True, nogil=True)
def _lower_solve(c, rhs):
    """Replace ``rhs`` by ``C^-1 rhs``; row operations, which keep the columns together."""
    for a in range(len(c)):
        target = rhs[a]
        for b in range(a):
            factor = c[a, b]
            source = rhs[b]
            for i in range(len(target)):
                target[i] -= factor * source[i]
        for i in range(len(target)):
            target[i] /= c[a, a]


@inner(cache=True, nogil=True)
def _local_parts(part_a, part_b, part_f, edges):
    """Components that occur, renumbered from 0: their number, those of the edge ends and focal nodes."""
    k, n_focal = len(edges), len(part_f)
    comp = np.empty(2 * k + n_focal, np.int64)
    for a in range(k):
        comp[2 * a], comp[2 * a + 1] = part_a[edges[a]], part_b[edges[a]]
    copy_row(comp[2 * k :], part_f)
    names = np.empty(len(comp), np.int64)
    seen = 0
    for i in range(len(comp)):
        j = 0
        while j < seen and names[j] != comp[i]:
            j += 1
        if j == seen:
            names[j] = comp[i]
            seen += 1
        comp[i] = j
    return seen, comp


@njit(cache=True, nogil=True)
def joined(comp, n_edges, seen):
    """Lowest component each component hangs together with once the edges join them."""
    whole = np.empty(seen, np.int64)
    for s in range(seen):
        whole[s] = s
    for a in range(n_edges):
        s, t = whole[comp[2 * a]], whole[comp[2 * a + 1]]
        if s != t:
            low, high = min(s, t), max(s, t)
            for u in range(seen):
                if whole[u] == high:
                    whole[u] = low
    return whole


@njit(cache=True, nogil=True)
def component_part(q, h, whole):
    """``H' A^+ H`` with ``A = Q' K^-1 Q`` grounded at the first component of each whole."""
    seen = q.shape[1]
    free = np.empty(seen, np.int64)
    n = 0
    for s in range(seen):
        if whole[s] != s:
            free[n] = s
            n += 1
    if n == 0:
        return np.zeros((h.shape[1], h.shape[1]))
    rhs = np.empty((n, h.shape[1]))
    columns = np.empty((q.shape[0], n))
    for i in range(n):
        copy_row(rhs[i], h[free[i]])
        for a in range(len(q)):
            columns[a, i] = q[a, free[i]]
    _lower_solve(np.linalg.cholesky(np.dot(columns.T, columns)), rhs)
    return np.dot(rhs.T, rhs)


@njit(cache=True, nogil=True)
def raised_edges(cut, after, z, edge_of, cuts_start, cuts, base):
    """Edges whose conductance rises when some cuts get lower resistances: edge, increase."""
    low = np.empty(len(cut))
    for i in range(len(cut)):
        low[i] = min(after[i], z[cut[i]])
    edges, before, now = changed_edges(cut, low, z, edge_of, cuts_start, cuts, base)
    edges, increase, _ = risen(edges, before, now)
    return edges, increase


@inner(cache=True, nogil=True)
def risen(edges, before, now):
    """Edges whose conductance rises, by how much, and whether that of any other falls."""
    which, increase = np.empty(len(edges), np.int64), np.empty(len(edges))
    n, falls = 0, False
    for i in range(len(edges)):
        if now[i] > before[i]:
            which[n], increase[n] = edges[i], now[i] - before[i]
            n += 1
        elif now[i] < before[i]:
            falls = True
    return which[:n], increase[:n], falls


@njit(cache=True, nogil=True)
def opened_by_each(
    m, part_a, part_b, part_f, now, which, start, cut, after, z, edge_of, cuts_start, cuts, base
):
    """:func:`opened_resistances` of several candidates, each alone; (len(which), P, P)."""
    out = np.empty((len(which), len(part_f), len(part_f)))
    scratch = z.copy()
    for i in range(len(which)):
        begin, end = start[which[i]], start[which[i] + 1]
        edges, increase = raised_edges(
            cut[begin:end], after[begin:end], scratch, edge_of, cuts_start, cuts, base
        )
        copy_rows(out[i], opened_resistances(m, part_a, part_b, part_f, edges, increase, now))
    return out
