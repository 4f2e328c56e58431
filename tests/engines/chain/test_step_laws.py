"""What happens on a link, against simulated walks, integrals and a balance that is solved in full."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import i0, i1

from permeability.engines.chain.step_laws import (
    deadly_line,
    decay_per_km,
    decay_slope,
    link_through,
    log_slope,
    lost,
    survives,
)


@pytest.mark.parametrize(("hazard", "step"), [(0.01, 1.0), (0.5, 2.0), (8.0, 1.0)])
def test_decay_is_that_of_straights_in_the_plane(hazard: float, step: float) -> None:
    """A density exp(m x) is reproduced by exponential straights that turn any way and die at the hazard."""
    m = float(decay_per_km(hazard, step))
    total = 1.0 / step + hazard  # straights that end in a turn or a death
    mean = quad(lambda a: 1.0 / (total - m * np.cos(a)), 0, 2 * np.pi)[0] / (2 * np.pi)
    assert mean / step == pytest.approx(1.0, rel=1e-9)
    slope = (decay_per_km(hazard * 1.0001, step) - decay_per_km(hazard * 0.9999, step)) / (hazard * 2e-4)
    assert float(decay_slope(hazard, step)) == pytest.approx(float(slope), rel=1e-6)


def test_survivors_of_a_link() -> None:
    x = np.array([0.0, 1e-9, 1e-4, 0.3, 0.4999, 0.5001, 2.0, 30.0])
    np.testing.assert_allclose(survives(x), 1 / i0(x), rtol=1e-14)
    small = x[1:3] ** 2 / 4
    np.testing.assert_allclose(lost(x[1:3]), small, rtol=1e-8)
    np.testing.assert_allclose(lost(x[3:]), 1 - 1 / i0(x[3:]), rtol=1e-13)
    np.testing.assert_allclose(log_slope(x[3:]), i1(x[3:]) / i0(x[3:]), rtol=1e-13)
    assert lost(0.0) == 0.0
    assert 0 < survives(700.0) < 1e-300


@pytest.mark.parametrize("cost", [0.0, 30.0, 4000.0, np.inf])
@pytest.mark.parametrize("killed", [1e-4, 0.05, 0.6, 1.0])
def test_a_deadly_line_against_the_full_balance(cost: float, killed: float) -> None:
    """Partial currents on both sides, four unknowns, solved as they stand."""
    step = 800.0
    free = 0.5 * np.pi * step
    p = 0.0 if np.isinf(cost) else free / (free + cost)
    diffusion = step / 2
    for left, right in ((1.0, 0.0), (1.0, 1.0), (0.3, 0.9)):
        # unknown: net currents into the line from the left (a) and from the right (b)
        # towards it u / pi + J / 2, away from it u / pi - J / 2
        def out(u_here: float, u_there: float) -> list[float]:
            return [u_here / np.pi, u_there / np.pi]

        through, back = p * (1 - killed), 1 - p
        ua, ub = out(left, right)
        m = np.array([[0.5 + back * 0.5, through * 0.5], [through * 0.5, 0.5 + back * 0.5]])
        right_hand = np.array([ua - back * ua - through * ub, ub - back * ub - through * ua])
        flow = np.linalg.solve(m, right_hand)
        line = deadly_line(cost, killed, step)
        across, each = float(line.across) * diffusion, float(line.each_side) * diffusion
        mine = [across * (left - right) + each * left, across * (right - left) + each * right]
        np.testing.assert_allclose(mine, flow, rtol=1e-9, atol=1e-15)


def test_a_line_that_kills_nobody_costs_what_it_costs() -> None:
    cost = np.array([1.0, 37_000.0, np.inf])
    line = deadly_line(cost, np.zeros(3), 1000.0)
    np.testing.assert_allclose(line.across, 1 / cost)
    assert not line.each_side.any()
    assert np.isinf(deadly_line(0.0, 0.0, 1000.0).across)
    # kappa and the crossing cost, as in the estimates from tracks: C = (pi / 2) step (1 - kappa) / kappa
    kappa = 0.2
    assert 1 / deadly_line(0.5 * np.pi * 1000 * (1 - kappa) / kappa, 0.0, 1000.0).across == pytest.approx(
        2000 * np.pi
    )


def test_a_link_through_a_line_is_that_of_the_four_nodes() -> None:
    ground, across, each = 1.7, 0.4, 0.3
    g = np.zeros((4, 4))  # end, left lip, right lip, end
    for i, j, w in ((0, 1, 2 * ground), (1, 2, across), (2, 3, 2 * ground)):
        g[i, j] = g[j, i] = w
    full = np.diag(g.sum(axis=1) + [0, each, each, 0]) - g
    keep, drop = [0, 3], [1, 2]
    seen = (
        full[np.ix_(keep, keep)]
        - full[np.ix_(keep, drop)] @ np.linalg.inv(full[np.ix_(drop, drop)]) @ full[np.ix_(drop, keep)]
    )
    found = link_through(ground, across, each)
    assert float(found.through) == pytest.approx(-seen[0, 1])
    assert float(found.leak) == pytest.approx(seen.sum(axis=1)[0])
    assert float(link_through(0.0, np.inf, 0.0).through) == 0.0
    assert float(link_through(1.0, 0.0, 0.5).leak) == pytest.approx(0.4)
