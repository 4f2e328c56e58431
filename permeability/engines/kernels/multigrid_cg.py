"""The float64 conjugate gradients around the multigrid cycle: one compiled pass per step of an iteration."""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.current import apply_row


@njit(cache=True, nogil=True)
def load_residual(residual, scale, b):
    """Put ``scale * residual`` into the padded right-hand side of the finest level."""
    rows, cols = residual.shape
    for r in range(rows):
        source, target = residual[r], b[r + 1]
        for c in range(cols):
            target[c + 1] = scale * source[c]


@njit(cache=True, nogil=True)
def three_dots(residual, q, z):
    """``residual . z`` and ``q . z`` for the padded ``z``, summed row by row."""
    rows, cols = residual.shape
    rz, qz = 0.0, 0.0
    for r in range(rows):
        rr, qr, zr = residual[r], q[r], z[r + 1]
        a, b = 0.0, 0.0
        for c in range(cols):
            a += rr[c] * zr[c + 1]
            b += qr[c] * zr[c + 1]
        rz += a
        qz += b
    return rz, qz


@njit(cache=True, nogil=True)
def new_direction(e, s, se, sw, leak, z, beta, p, q):
    """``p = z + beta p`` and ``q = A p`` in one pass; returns ``p . q``."""
    rows, cols = p.shape
    pq = 0.0
    for r in range(rows + 1):
        if r < rows:
            pr, zr = p[r], z[r + 1]
            for c in range(cols):
                pr[c] = zr[c + 1] + beta * pr[c]
        if r > 0:
            pq += apply_row(e, s, se, sw, leak, p, q, r - 1)
    return pq


@njit(cache=True, nogil=True)
def step(alpha, p, q, x, residual):
    """``x += alpha p``, ``residual -= alpha q``; returns the squared norm of the residual."""
    rows, cols = x.shape
    norm = 0.0
    for r in range(rows):
        pr, qr, xr, rr = p[r], q[r], x[r], residual[r]
        for c in range(cols):
            xr[c] += alpha * pr[c]
            rr[c] -= alpha * qr[c]
        total = 0.0
        for c in range(cols):
            total += rr[c] * rr[c]
        norm += total
    return norm


@njit(cache=True, nogil=True)
def clear_cells(plane, cells):
    """Set flat cells to zero."""
    flat = plane.reshape(-1)
    for k in range(cells.size):
        flat[cells[k]] = 0.0


@njit(cache=True, nogil=True)
def gather_regions(plane, cells, label, first):
    """Move the sum over every region to its first cell."""
    flat = plane.reshape(-1)
    sums = np.zeros(first.size)
    for k in range(cells.size):
        sums[label[k]] += flat[cells[k]]
        flat[cells[k]] = 0.0
    for k in range(first.size):
        flat[first[k]] = sums[k]


@njit(cache=True, nogil=True)
def spread_regions(b, cells, label, first, weight, cols):
    """Share the value on the first cell of every region among its cells (padded plane)."""
    value = np.zeros(first.size)
    for k in range(first.size):
        value[k] = b[first[k] // cols + 1, first[k] % cols + 1]
    for k in range(cells.size):
        b[cells[k] // cols + 1, cells[k] % cols + 1] = value[label[k]] * weight[k]


@njit(cache=True, nogil=True)
def average_regions(z, cells, label, weight, count, cols):
    """Give every cell of a region the weighted mean of the region (padded plane)."""
    mean = np.zeros(count)
    for k in range(cells.size):
        mean[label[k]] += weight[k] * z[cells[k] // cols + 1, cells[k] % cols + 1]
    for k in range(cells.size):
        z[cells[k] // cols + 1, cells[k] % cols + 1] = mean[label[k]]
