"""What no plan can exceed: a concave relaxation of the circuit view, an integer program of the least-cost view.

Both are solved by HiGHS through :func:`scipy.optimize.milp` (Huangfu & Hall 2018, doi:10.1007/s12532-017-0130-5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, vstack

from permeability.errors import OptionError
from permeability.selection import Members, Rules

Floats = NDArray[np.float64]
Relaxed = Callable[[Floats], tuple[float, Floats]]


def relaxed_bound(
    relaxed: Relaxed, rules: Rules, *, iterations: int = 20, gap: float = 0.005, seconds: float = 20.0
) -> float:
    """An upper bound of the gain of every plan, by tangent planes of a concave relaxation.

    Parameters
    ----------
    relaxed : callable
        ``(gain, slopes) = relaxed(x)`` for shares ``0 < x <= 1``, concave, and at whole sites never below their
        true gain, such as :class:`permeability.circuit.relaxation.RelaxedGain`.
    rules : Rules
    iterations : int
        Most tangents.
    gap : float
        Stop when bound and relaxed gain are this close, relative.
    seconds : float
        Most time for the last step, which asks for whole sites (its proven bound is used, not its answer).

    Returns
    -------
    float

    Notes
    -----
    Kelley 1960, doi:10.1137/0108053; outer approximation of integer programs: Duran & Grossmann 1986,
    doi:10.1007/BF02592064.
    """
    n = len(rules.cost)
    allowed = np.ones(n)
    allowed[list(rules.must_not)] = 0.0
    centre = allowed * min(1.0, 0.5 * rules.budget / max(float(rules.cost @ allowed), 1e-300)) + 1e-3
    centre = np.minimum(centre, 1.0)
    tangents: list[tuple[Floats, float]] = []
    point, best, limit = centre, -np.inf, np.inf
    for _ in range(iterations):
        value, slope = relaxed(point)
        tangents.append((slope, value - float(slope @ point)))
        best = max(best, value)
        plan, limit = _cutting_plane(tangents, rules, whole=False, seconds=seconds)
        if limit - best <= gap * abs(limit):
            break
        point = np.clip(0.7 * plan + 0.3 * centre, 1e-6, 1.0)
        centre = 0.5 * (centre + np.clip(plan, 1e-3, 1.0))
    return min(limit, _cutting_plane(tangents, rules, whole=True, seconds=seconds)[1])


def _cutting_plane(
    tangents: list[tuple[Floats, float]], rules: Rules, *, whole: bool, seconds: float
) -> tuple[Floats, float]:
    """Largest ``t`` below all tangents within the rules: shares, and the proven bound of ``t``."""
    n = len(rules.cost)
    scale = max(max(abs(c) + np.abs(s).sum() for s, c in tangents), 1e-300)
    slopes = np.array([s for s, _ in tangents]) / scale
    levels = np.array([c for _, c in tangents]) / scale
    rows = csr_array(np.hstack((slopes, -np.ones((len(tangents), 1)))))
    constraints = [LinearConstraint(rows, -levels, np.inf)]
    table, low, high = rule_rows(rules)
    constraints.append(LinearConstraint(hstack((table, csr_array((table.shape[0], 1)))), low, high))
    lowest, highest = site_bounds(rules)
    result = milp(
        np.concatenate((np.zeros(n), [-1.0])),
        constraints=constraints,
        bounds=Bounds(np.append(lowest, -np.inf), np.append(highest, np.inf)),
        integrality=np.append(np.full(n, int(whole)), 0),
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    dual = getattr(result, "mip_dual_bound", None)
    if dual is None and result.status == 0:
        dual = result.fun
    if dual is None or not np.isfinite(dual):
        return highest, np.inf
    x = result.x[:n] if result.x is not None else highest
    return np.asarray(x, dtype=np.float64), float(-dual) * scale * (1 + 1e-9) + 1e-9 * scale


def rule_rows(rules: Rules) -> tuple[Any, Floats, Floats]:
    """Budget, spacing and stretch rules as rows ``low <= A x <= high``."""
    n = len(rules.cost)
    rows, low, high = [rules.cost], [-np.inf], [rules.budget * (1 + 1e-9)]
    for a, b in rules.apart:
        row = np.zeros(n)
        row[[a, b]] = 1.0
        rows.append(row)
        low.append(-np.inf)
        high.append(1.0)
    for stretch in rules.stretches:
        row = np.zeros(n)
        row[list(stretch)] = 1.0
        rows.append(row)
        low.append(1.0)
        high.append(np.inf)
    return csr_array(np.array(rows)), np.array(low), np.array(high)


def site_bounds(rules: Rules) -> tuple[Floats, Floats]:
    """Lowest and highest share of every site."""
    low, high = np.zeros(len(rules.cost)), np.ones(len(rules.cost))
    low[list(rules.must)] = 1.0
    high[list(rules.must_not)] = 0.0
    return low, high


@dataclass(frozen=True)
class LeastCostPlan:
    """Answer of the integer program.

    Attributes
    ----------
    members : tuple of int
    total : float
        Weighted sum of least costs between the pairs with these sites open [m of open ground].
    bound : float
        No plan within the rules has a smaller sum.
    gap : float
        ``(total - bound) / total``, never negative.
    """

    members: Members
    total: float
    bound: float
    gap: float


def least_cost_plan(
    arcs: tuple[ArrayLike, ArrayLike, ArrayLike],
    openings: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike],
    pairs: ArrayLike,
    rules: Rules,
    *,
    weights: ArrayLike | None = None,
    seconds: float = 60.0,
) -> LeastCostPlan:
    """The set of openings with the least weighted sum of least costs, proven by an integer program.

    One unit of flow per pair runs over the arcs; an arc that an opening offers may carry flow only when the site is
    chosen.

    Parameters
    ----------
    arcs : (a, b, cost)
        Undirected connections among nodes (patches and portals) as they are today [m of open ground].
    openings : (a, b, cost, site)
        Undirected connections that candidate ``site`` adds.
    pairs : array, shape (n, 2)
        Nodes to connect.
    rules : Rules
    weights : array, shape (n,), optional
    seconds : float
        Time limit; the bound stays valid.

    Raises
    ------
    OptionError
        When no plan within the rules connects every pair (O48).

    Examples
    --------
    >>> rules = Rules(np.array([1.0, 1.0]), 1.0)
    >>> plan = least_cost_plan(([0], [1], [10.0]), ([0, 0], [1, 1], [4.0, 3.0], [0, 1]), [(0, 1)], rules)
    >>> plan.members, plan.total
    ((1,), 3.0)
    """
    a = np.concatenate([np.asarray(x, dtype=np.int64) for x in (arcs[0], openings[0])])
    b = np.concatenate([np.asarray(x, dtype=np.int64) for x in (arcs[1], openings[1])])
    length = np.concatenate([np.asarray(x, dtype=np.float64) for x in (arcs[2], openings[2])])
    site = np.concatenate((np.full(len(np.asarray(arcs[0])), -1), np.asarray(openings[3], dtype=np.int64)))
    ends = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    w = np.ones(len(ends)) if weights is None else np.asarray(weights, dtype=np.float64)
    tail, head = np.concatenate((a, b)), np.concatenate((b, a))
    both_site, both_length = np.tile(site, 2), np.tile(length, 2)
    n_sites, n_arcs, n_pairs = len(rules.cost), len(tail), len(ends)
    n_nodes = int(max(tail.max(initial=0), ends.max(initial=0))) + 1
    arc = np.arange(n_arcs)
    balance = csr_array(
        (np.r_[np.ones(n_arcs), -np.ones(n_arcs)], (np.r_[tail, head], np.r_[arc, arc])),
        shape=(n_nodes, n_arcs),
    )
    gated = np.flatnonzero(both_site >= 0)
    gate = csr_array((np.ones(len(gated)), (np.arange(len(gated)), gated)), shape=(len(gated), n_arcs))
    lock = csr_array(
        (-np.ones(len(gated)), (np.arange(len(gated)), both_site[gated])), shape=(len(gated), n_sites)
    )
    unit = csr_array(np.eye(n_pairs))
    supply = np.zeros((n_pairs, n_nodes))
    supply[np.arange(n_pairs), ends[:, 0]] += 1.0
    supply[np.arange(n_pairs), ends[:, 1]] -= 1.0
    flow_rows = hstack((_kron(unit, balance), csr_array((n_pairs * n_nodes, n_sites))))
    gate_rows = hstack((_kron(unit, gate), vstack([lock] * n_pairs))) if len(gated) else None
    table, low, high = rule_rows(rules)
    constraints = [
        LinearConstraint(flow_rows, supply.ravel(), supply.ravel()),
        LinearConstraint(hstack((csr_array((table.shape[0], n_pairs * n_arcs)), table)), low, high),
    ]
    if gate_rows is not None:
        constraints.append(LinearConstraint(gate_rows, -np.inf, 0.0))
    lowest, highest = site_bounds(rules)
    result = milp(
        np.concatenate((np.kron(w, both_length), np.zeros(n_sites))),
        constraints=constraints,
        bounds=Bounds(np.r_[np.zeros(n_pairs * n_arcs), lowest], np.r_[np.ones(n_pairs * n_arcs), highest]),
        integrality=np.r_[np.zeros(n_pairs * n_arcs), np.ones(n_sites)],
        options={"time_limit": seconds, "mip_rel_gap": 1e-9},
    )
    if result.x is None:
        raise OptionError(
            "O48",
            "no plan within the rules connects every pair of patches.",
            details={"solver": result.message},
            remedy="raise the budget, relax the rules, or leave out pairs that stay cut off",
        )
    members = tuple(int(k) for k in np.flatnonzero(result.x[n_pairs * n_arcs :] > 0.5))
    total, bound = float(result.fun), float(result.mip_dual_bound)
    return LeastCostPlan(
        members, total, min(bound, total), max(0.0, (total - bound) / total) if total > 0 else 0.0
    )


def _kron(a: Any, b: Any) -> Any:
    from scipy.sparse import kron

    return kron(a, b, format="csr")
