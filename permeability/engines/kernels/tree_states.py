"""One state of a compressed network of barrier edges: up the tree, down again, and every candidate where it is met.

Arrays of :class:`permeability.engines.circuit.interface.edge_tree.EdgeTree`.  Everything is symmetric and positive: a node
answers forces on its modes with ``S = U'U``, the rest of the world takes ``E`` from it, and what is inverted is ``1 + U H U'``.
"""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit

FAINT = 1e-15  # of its diagonal: a pivot below is rounding


@njit(cache=True, nogil=True)
def eliminate(a, n):
    """Factor the leading ``n`` columns of the rows of ``a`` as ``U'U``, in place; what stands right of them becomes ``U'^-1`` of it.

    Four rows go at a time, so that what is read is used four times.
    """
    width = a.shape[1]
    k = 0
    while k < n:
        top = min(k + 4, n)
        for p in range(k, top):
            row = a[p]
            f = 1.0 / np.sqrt(row[p])
            for j in range(p, width):
                row[j] *= f
            for q in range(p + 1, top):
                g, other = row[q], a[q]
                for j in range(q, width):
                    other[j] -= g * row[j]
        if top == k + 4:
            r0, r1, r2, r3 = a[k], a[k + 1], a[k + 2], a[k + 3]
            for i in range(top, n):
                row = a[i]
                f0, f1, f2, f3 = r0[i], r1[i], r2[i], r3[i]
                for j in range(i, width):
                    row[j] -= f0 * r0[j] + f1 * r1[j] + f2 * r2[j] + f3 * r3[j]
        k = top


@njit(cache=True, nogil=True)
def gram(a, n, first, out):
    """``out += Z'Z`` where Z are the rows of ``a`` from column ``first`` on; the upper half."""
    wide = a.shape[1] - first
    for k in range(n):
        row = a[k, first:]
        for i in range(wide):
            f = row[i]
            mine = out[i]
            for j in range(i, wide):
                mine[j] += f * row[j]


@njit(cache=True, nogil=True)
def leaf_system(m, d, right):
    """``[1 + hMh | h right]`` for conductances ``d = h^2`` of the edges."""
    n, wide = right.shape
    a = np.empty((n, n + wide))
    h = np.sqrt(d)
    for i in range(n):
        row, of, more, f = a[i], m[i], right[i], h[i]
        for j in range(n):
            row[j] = f * of[j] * h[j]
        row[i] += 1.0
        for j in range(wide):
            row[n + j] = f * more[j]
    return a


@njit(cache=True, nogil=True)
def node_system(h, first, second, right):
    """``[1 + U H U' | U right]`` for two children whose answers have the roots ``first`` and ``second``."""
    n1, n2 = len(first), len(second)
    n, wide = right.shape
    u = np.zeros((n, n))
    for i in range(n1):
        for j in range(n1):
            u[i, j] = first[i, j]
    for i in range(n2):
        for j in range(n2):
            u[n1 + i, n1 + j] = second[i, j]
    whole = np.dot(np.dot(u, h), u.T)
    passed = np.dot(u, right)
    a = np.empty((n, n + wide))
    for i in range(n):
        row, of, more = a[i], whole[i], passed[i]
        for j in range(n):
            row[j] = of[j]
        row[i] += 1.0
        for j in range(wide):
            row[n + j] = more[j]
    return a


@njit(cache=True, nogil=True)
def root_of(s, u):
    """``U`` with ``U'U = S``, the largest pivot next: what is let go is rounding of the largest diagonal, also where S is singular."""
    r = len(s)
    left = np.empty(r)
    largest = 0.0
    for j in range(r):
        left[j] = s[j, j]
        largest = max(largest, left[j])
    for k in range(r):
        row = u[k]
        p = 0
        for j in range(r):
            if left[j] > left[p]:
                p = j
        if not left[p] > FAINT * largest:
            for j in range(r):
                row[j] = 0.0
            continue
        of = s[p]
        for j in range(r):
            row[j] = of[j]
        for i in range(k):
            f, other = u[i, p], u[i]
            for j in range(r):
                row[j] -= f * other[j]
        f = 1.0 / np.sqrt(left[p])
        for j in range(r):
            row[j] *= f
            left[j] -= row[j] * row[j]
        left[p] = 0.0


@njit(cache=True, nogil=True)
def answer(a, n, u):
    """``U`` with ``U'U = Z'Z``, where Z is what stands right of ``a`` once it is eliminated."""
    eliminate(a, n)
    r = len(u)
    s = np.zeros((r, r))
    gram(a, n, n, s)
    for i in range(r):
        for j in range(i):
            s[i, j] = s[j, i]
    root_of(s, u)


@njit(cache=True, nogil=True)
def table(x, at, rows, columns):
    """A table that lies in a row of numbers."""
    return x[at : at + rows * columns].reshape((rows, columns))


@njit(cache=True, nogil=True)
def respond(t, child, size, rank, inner, inner_at, basis, basis_at, first_edge, d, u, u_at, other, changed):
    """The root of what one node answers in ``other`` (or ``u``), from its edges or its children; ``changed`` children are read from ``other``."""
    n, r = size[t], rank[t]
    m, g = table(inner, inner_at[t], n, n), table(basis, basis_at[t], n, r)
    if child[t, 0] < 0:
        a = leaf_system(m, d[first_edge[t] : first_edge[t] + n], g)
    else:
        x, y = child[t, 0], child[t, 1]
        p = table(other if changed[x] else u, u_at[x], rank[x], rank[x])
        q = table(other if changed[y] else u, u_at[y], rank[y], rank[y])
        a = node_system(m, p, q, g)
    answer(a, n, table(other, u_at[t], r, r))


@njit(cache=True, nogil=True)
def seen(above, a, n, out):
    """``out = above + Z'Z`` of a system that is set up, both halves."""
    eliminate(a, n)
    wide = len(above)
    for i in range(wide):
        for j in range(wide):
            out[i, j] = above[i, j]
    gram(a, n, n, out)
    for i in range(wide):
        for j in range(i):
            out[i, j] = out[j, i]


@njit(cache=True, nogil=True)
def outside(h, right, above, lo, n, so, ns, u, env, b, w):
    """What one child is left with once its sibling is eliminated: ``env`` taken from it, right-hand sides ``b``, sum so far ``w``."""
    wide = right.shape[1]
    part = np.empty((ns, ns))
    beside = np.empty((ns, n + wide))
    for i in range(ns):
        for j in range(ns):
            part[i, j] = h[so + i, so + j]
        for j in range(n):
            beside[i, j] = h[so + i, lo + j]
        for j in range(wide):
            beside[i, n + j] = right[so + i, j]
    a = node_system(part, u, u[:0], beside)
    eliminate(a, ns)
    whole = np.zeros((n + wide, n + wide))
    gram(a, ns, ns, whole)
    for i in range(n):
        for j in range(i, n):
            env[i, j] = env[j, i] = whole[i, j] - h[lo + i, lo + j]
        for j in range(wide):
            b[i, j] = right[lo + i, j] - whole[i, n + j]
    for i in range(wide):
        for j in range(i, wide):
            w[i, j] = w[j, i] = above[i, j] + whole[n + i, n + j]


@njit(cache=True, nogil=True)
def tree_state(
    child, size, rank, inner, inner_at, basis, basis_at, first_edge, u_at, root_right, d,
    at_start, at_list, touched_start, touched, pair_start, pair_edge, pair_after, out,
):  # fmt: skip
    """Sums over the network among patches and components, with nothing built, ``out[-1]``, and with each candidate, ``out[k]``.

    ``d``: conductance of every edge, in the order of the tree; candidate k gives ``pair_edge`` the conductances ``pair_after``.
    ``at_list``: candidates by the node at which they are met; ``touched``: nodes beneath it that they change, lower ones first.
    """
    nodes, wide = len(child), root_right.shape[1]
    u, other = np.empty(u_at[nodes]), np.empty(u_at[nodes])
    changed = np.zeros(nodes, np.bool_)
    for t in range(nodes - 1):
        respond(t, child, size, rank, inner, inner_at, basis, basis_at, first_edge, d, u, u_at, u, changed)
    env = np.empty(u_at[nodes])
    most = 1
    for t in range(nodes):
        most = max(most, rank[t])
    right = np.empty((nodes, most, wide))
    sums = np.zeros((nodes, wide, wide))
    now = d.copy()
    for t in range(nodes - 1, -1, -1):
        n, r = size[t], rank[t]
        leaf = child[t, 0] < 0
        mine = at_list[at_start[t] : at_start[t + 1]]
        if leaf and len(mine) == 0 and t < nodes - 1:
            continue
        h = table(inner, inner_at[t], n, n)
        b = root_right
        if t < nodes - 1:
            g = table(basis, basis_at[t], n, r)
            h = h - np.dot(np.dot(g, table(env, u_at[t], r, r)), g.T)
            b = np.dot(g, right[t, :r])
        if leaf:
            x = y = t
        else:
            x, y = child[t, 0], child[t, 1]
            n1, n2 = rank[x], rank[y]
            p, q = table(u, u_at[x], n1, n1), table(u, u_at[y], n2, n2)
            outside(h, b, sums[t], 0, n1, n1, n2, q, table(env, u_at[x], n1, n1), right[x], sums[x])
            outside(h, b, sums[t], n1, n2, 0, n1, p, table(env, u_at[y], n2, n2), right[y], sums[y])
            if t == nodes - 1:
                seen(sums[t], node_system(h, p, q, b), n, out[-1])
        if leaf and t == nodes - 1:
            seen(sums[t], leaf_system(h, d[first_edge[t] : first_edge[t] + n], b), n, out[-1])
        for k in mine:
            for i in range(pair_start[k], pair_start[k + 1]):
                now[pair_edge[i]] = pair_after[i]
            if leaf:
                a = leaf_system(h, now[first_edge[t] : first_edge[t] + n], b)
            else:
                for i in range(touched_start[k], touched_start[k + 1]):
                    v = touched[i]
                    respond(v, child, size, rank, inner, inner_at, basis, basis_at, first_edge, now, u, u_at, other, changed)  # fmt: skip
                    changed[v] = True
                p = table(other if changed[x] else u, u_at[x], rank[x], rank[x])
                q = table(other if changed[y] else u, u_at[y], rank[y], rank[y])
                a = node_system(h, p, q, b)
                for i in range(touched_start[k], touched_start[k + 1]):
                    changed[touched[i]] = False
            seen(sums[t], a, n, out[k])
            for i in range(pair_start[k], pair_start[k + 1]):
                now[pair_edge[i]] = d[pair_edge[i]]
