"""Products of strips added to rows, and the fronts that are eliminated with them, against NumPy's products and dense solves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from permeability.engines.kernels import njit as _njit
from permeability.engines.kernels import pivots as _pivots
from permeability.engines.kernels import product_rows as _rows
from permeability.engines.kernels.product_rows import DEEP, STRIP

njit: Any = _njit
pivots: Any = _pivots
rows: Any = _rows
reduce_front: Any = _pivots.reduce_front


@njit(nogil=True)
def _in_strips(left, right, target, i0, shift, upper):  # type: ignore[no-untyped-def]
    """``target += left.T @ right`` from row ``i0`` of the product on, as a front does it."""
    deep = (len(left) + 3) // 4 * 4
    n, m = left.shape[1], right.shape[1]
    width = deep * STRIP
    strips = np.full((n + STRIP) // STRIP * width, np.nan)
    sums, strip = np.empty(4 * STRIP), np.full(width, np.nan)
    for j0 in range(i0, n, STRIP):
        pack(left, 0, len(left), j0, min(j0 + STRIP, n), deep, strips[(j0 - i0) * deep :])
    for j0 in range(i0 if upper else 0, m, STRIP):
        j1 = min(j0 + STRIP, m)
        pack(right, 0, len(left), j0, j1, deep, strip)
        add(strips, i0, n, strip, j0, j1, deep, target, shift, upper, sums)


pack: Any = rows.pack_strip
add: Any = rows.add_strip


@pytest.mark.parametrize("many", [1, 3, 4, STRIP, STRIP + 5])
@pytest.mark.parametrize("factors", [1, 4, 7, DEEP])
def test_products_are_those_of_numpy(many: int, factors: int) -> None:
    rng = np.random.default_rng(many + 100 * factors)
    for columns in (1, STRIP - 1, STRIP, 2 * STRIP + 9):
        left, right = rng.standard_normal((factors, many)), rng.standard_normal((factors, columns))
        target = rng.standard_normal((many, columns))
        expected = target + left.T @ right
        _in_strips(left, right, target, 0, 0, False)
        np.testing.assert_allclose(target, expected, rtol=0, atol=1e-13 * factors)


@pytest.mark.parametrize("n", [9, STRIP, 3 * STRIP + 7, 150])
@pytest.mark.parametrize("factors", [1, 6, DEEP])
def test_upper_halves_are_those_of_numpy_and_nothing_else_changes(n: int, factors: int) -> None:
    rng = np.random.default_rng(n + 100 * factors)
    w, first = rng.random((factors, n)), 5
    target = rng.random((n - 3, n - 3))
    out, expected = target.copy(), target.copy()
    mine = np.triu(np.ones_like(target, dtype=bool))
    mine[: first - 3] = False
    expected[mine] += (w.T @ w)[3:, 3:][mine]
    _in_strips(w, w, out, first, 3, True)
    np.testing.assert_allclose(out, expected, rtol=1e-13)
    np.testing.assert_array_equal(out[~mine], target[~mine])


@pytest.mark.parametrize(
    ("n", "ne"), [(3, 1), (30, 12), (40, 39), (90, 70), (260, 130), (330, 67), (400, 250)]
)
def test_a_front_and_its_right_hand_sides_against_a_dense_solve(n: int, ne: int) -> None:
    """Ten orders of magnitude of conductance; the Schur complement in long double, by Gauss's steps without tricks."""
    rng = np.random.default_rng(n)
    g = np.triu(np.exp(rng.uniform(-12, 12, (n, n))) * (rng.random((n, n)) < 0.5), 1)
    w, rest = g[:ne].copy(), g[ne:, ne:].copy()
    none, given = np.zeros(0), w.copy()
    reduce_front(w, rest, none, none, none)
    whole = (g + g.T).astype(np.longdouble)
    for k in range(ne):
        row = whole[k].copy()
        row[: k + 1] = 0
        whole += np.outer(row, row) / row.sum()
    upper = np.triu_indices(n - ne, 1)
    np.testing.assert_allclose(rest[upper], whole[ne:, ne:][upper].astype(float), rtol=1e-11)
    below = np.tril_indices(ne, -1)
    np.testing.assert_array_equal(w[below], given[below])
    for columns in (3, 40):
        x = rng.standard_normal((n, columns))
        again, others, passed = given.copy(), g[ne:, ne:].copy(), x.copy()
        _with_right_hand_sides(again, others, none, passed)
        np.testing.assert_array_equal(again, w)
        np.testing.assert_array_equal(others, rest)
        symmetric = g + g.T
        laplacian = np.diag(symmetric.sum(axis=1)) - symmetric
        potentials = np.linalg.solve(laplacian[:ne, :ne], x[:ne])
        scale = np.abs(symmetric[ne:, :ne]) @ np.abs(np.linalg.solve(laplacian[:ne, :ne], np.abs(x[:ne])))
        expected = x[ne:] + symmetric[ne:, :ne] @ potentials
        assert (np.abs(passed[ne:] - expected) <= 1e-10 * (np.abs(x[ne:]) + scale)).all()
        factor = -np.triu(w[:, :ne], 1) + np.diag(np.diag(w))  # C' of L = C C'
        np.testing.assert_allclose(factor.T @ passed[:ne], x[:ne], atol=1e-8 * np.abs(factor).max())


@njit(nogil=True)
def _with_right_hand_sides(w, rest, none, x):  # type: ignore[no-untyped-def]
    reduce_with(w, rest, none, none, none, x)


reduce_with: Any = pivots.reduce_with


@pytest.mark.parametrize(("n", "ne"), [(12, 5), (60, 40), (250, 200)])
def test_leaks_and_what_is_carried_along_against_a_dense_solve(n: int, ne: int) -> None:
    """A node with a leak is a node with one more link, to the ground; nodes without any link stay out of it."""
    rng = np.random.default_rng(n)
    g = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.3), 1)
    alone = np.array([2, ne - 1, n - 1])
    g[alone] = g[:, alone] = 0.0
    leak = rng.random(n) * (rng.random(n) < 0.5)
    leak[alone] = 0.0
    check = rng.standard_normal(n)
    bulk = np.abs(check)
    symmetric = g + g.T
    laplacian = np.diag(symmetric.sum(axis=1) + leak) - symmetric
    w, rest = g[:ne].copy(), g[ne:, ne:].copy()
    left, at, size = leak.copy(), check.copy(), bulk.copy()
    reduce_front(w, rest, left, at, size)
    mine = np.setdiff1d(np.arange(ne), alone)
    inner, cross = laplacian[np.ix_(mine, mine)], laplacian[ne:, mine]
    schur = laplacian[ne:, ne:] - cross @ np.linalg.solve(inner, cross.T)
    upper = np.triu_indices(n - ne, 1)
    np.testing.assert_allclose(rest[upper], -schur[upper], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(left[ne:], schur.sum(axis=1), rtol=1e-9, atol=1e-12)
    for mine_of, given in ((at, check), (size, bulk)):
        expected = given[ne:] - cross @ np.linalg.solve(inner, given[mine])
        np.testing.assert_allclose(mine_of[ne:], expected, rtol=1e-9, atol=1e-11)
    assert not w[2].any()
    assert not w[ne - 1].any()
