"""Products of tables added to rows, and the fronts that are eliminated with them, against NumPy's products and dense solves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from permeability.engines.kernels import fronts as _fronts
from permeability.engines.kernels.dissection import reduce_front as _reduce_front
from permeability.engines.kernels.product_rows import DEEP, STRIP
from permeability.engines.kernels.product_rows import add_products as _add_products

add_products: Any = _add_products
reduce_front: Any = _reduce_front
fronts: Any = _fronts


@pytest.mark.parametrize("rows", [1, 3, 4, STRIP, STRIP + 5])
@pytest.mark.parametrize("factors", [1, 4, 7, DEEP, DEEP + 1, 2 * DEEP + 3])
def test_products_are_those_of_numpy(rows: int, factors: int) -> None:
    rng = np.random.default_rng(rows + 100 * factors)
    for columns in (1, STRIP - 1, STRIP, 2 * STRIP + 9):
        left, right = rng.random((factors + 2, rows + 3)), rng.random((factors + 2, columns))
        target = rng.random((rows, columns))
        expected = target + left[1:-1, 2 : 2 + rows].T @ right[1:-1]
        wide = np.vstack((np.zeros((2, columns)), target))  # the rows are called by the columns of ``left``
        add_products(left, right, 1, factors + 1, wide, 2, 2 + rows, 0, False)
        np.testing.assert_allclose(wide[2:], expected, rtol=1e-13)
        assert not wide[:2].any()


@pytest.mark.parametrize("n", [5, STRIP, 3 * STRIP + 7, 150])
@pytest.mark.parametrize("factors", [1, 6, DEEP + 5])
def test_upper_halves_are_those_of_numpy(n: int, factors: int) -> None:
    rng = np.random.default_rng(n + 100 * factors)
    w, shift = rng.random((factors, n + 4)), 3
    target = rng.random((n + 1, n + 1))
    expected = target + (w.T @ w)[shift:, shift:]
    first, last = 5, n + 2
    out = target.copy()
    add_products(w, w, 0, factors, out, first, last, shift, True)
    mine = np.triu(np.ones_like(target, dtype=bool))
    mine[: first - shift] = mine[last - shift :] = False
    np.testing.assert_allclose(out[mine], expected[mine], rtol=1e-13)
    np.testing.assert_array_equal(out[last - shift :], target[last - shift :])
    np.testing.assert_array_equal(out[: first - shift], target[: first - shift])


@pytest.mark.parametrize(("n", "ne"), [(30, 12), (90, 70), (260, 130), (330, 67)])
def test_a_front_and_its_right_hand_sides_against_a_dense_solve(n: int, ne: int) -> None:
    """Ten orders of magnitude of conductance; the Schur complement in long double, by Gauss's steps without tricks."""
    rng = np.random.default_rng(n)
    g = np.triu(np.exp(rng.uniform(-12, 12, (n, n))) * (rng.random((n, n)) < 0.5), 1)
    w, rest = g[:ne].copy(), g[ne:, ne:].copy()
    none = np.zeros(0)
    reduce_front(w, rest, none, none, none)
    whole = (g + g.T).astype(np.longdouble)
    for k in range(ne):
        row = whole[k].copy()
        row[: k + 1] = 0
        whole += np.outer(row, row) / row.sum()
    upper = np.triu_indices(n - ne, 1)
    np.testing.assert_allclose(rest[upper], whole[ne:, ne:][upper].astype(float), rtol=1e-11)
    for columns in (3, 40):
        x = rng.standard_normal((n, columns))
        passed = x.copy()
        fronts._forward(w, passed)
        symmetric = g + g.T
        laplacian = np.diag(symmetric.sum(axis=1)) - symmetric
        potentials = np.linalg.solve(laplacian[:ne, :ne], x[:ne])
        scale = np.abs(symmetric[ne:, :ne]) @ np.abs(np.linalg.solve(laplacian[:ne, :ne], np.abs(x[:ne])))
        expected = x[ne:] + symmetric[ne:, :ne] @ potentials
        assert (np.abs(passed[ne:] - expected) <= 1e-10 * (np.abs(x[ne:]) + scale)).all()
