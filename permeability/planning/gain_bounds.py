"""What no plan can exceed: a concave relaxation of the circuit view, an integer program of the least-cost view.

Both are solved by HiGHS through :func:`scipy.optimize.milp` (Huangfu & Hall 2018, doi:10.1007/s12532-017-0130-5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, vstack

from permeability.core.errors import OptionError
from permeability.planning.set_rules import Bound, Members, Rules

NODES = 10_000  # most branches of one integer program: the same on every machine, however busy
GAP = 1e-4  # relative; the bound holds whatever it is
FEW = 300  # candidates up to which presolving dense tangents takes longer than all branches without it

Floats = NDArray[np.float64]
Relaxed = Callable[[Floats], tuple[float, Floats]]


def relaxed_bound(
    relaxed: Relaxed, rules: Rules, *, iterations: int = 20, gap: float = 0.005, nodes: int = NODES
) -> Bound:
    """An upper bound of the gain of every plan, by tangent planes of a concave relaxation.

    Parameters
    ----------
    relaxed : callable
        ``(gain, slopes) = relaxed(x)`` for shares ``0 < x <= 1``, concave, and at whole sites never below their
        true gain, such as :class:`permeability.engines.circuit.interface.relaxation.RelaxedGain`.
    rules : Rules
    iterations : int
        Most tangents.
    gap : float
        Stop when bound and relaxed gain are this close, relative.
    nodes : int
        Most branches of the last step, which asks for whole sites (its proven bound is used, not its answer).  Never
        a time: the same input gives the same bound on a busy machine.

    Returns
    -------
    Bound

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
        plan, (limit, _) = _cutting_plane(tangents, rules, nodes=0)
        if limit - best <= gap * abs(limit):
            break
        point = np.clip(0.7 * plan + 0.3 * centre, 1e-6, 1.0)
        centre = 0.5 * (centre + np.clip(plan, 1e-3, 1.0))
    _, whole = _cutting_plane(tangents, rules, nodes=nodes)
    return Bound(min(limit, whole.value), whole.cut_off)


def _cutting_plane(tangents: list[tuple[Floats, float]], rules: Rules, *, nodes: int) -> tuple[Floats, Bound]:
    """Largest ``t`` below all tangents within the rules: shares (``nodes = 0``) or whole sites, and the bound of ``t``."""
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
        integrality=np.append(np.full(n, int(nodes > 0)), 0),
        options={"node_limit": nodes, "mip_rel_gap": GAP, "presolve": n > FEW} if nodes else {},
    )
    dual = getattr(result, "mip_dual_bound", None)
    if dual is None and result.status == 0:
        dual = result.fun
    if dual is None or not np.isfinite(dual):
        return highest, Bound(np.inf, True)
    x = result.x[:n] if result.x is not None else highest
    value = float(-dual) * scale * (1 + 1e-9) + 1e-9 * scale
    return np.asarray(x, dtype=np.float64), Bound(value, result.status != 0)


def rule_rows(rules: Rules) -> tuple[Any, Floats, Floats]:
    """Budget, spacing and stretch rules as rows ``low <= A x <= high``."""
    n, groups = len(rules.cost), [*rules.apart, *(tuple(dict.fromkeys(s)) for s in rules.stretches)]
    site = np.array([k for g in groups for k in g], np.int64)
    row = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    members = csr_array((np.ones(len(site)), (row, site)), shape=(len(groups), n))
    apart, stretches = len(rules.apart), len(rules.stretches)
    low = np.concatenate([[-np.inf], np.full(apart, -np.inf), np.ones(stretches)])
    high = np.concatenate([[rules.budget * (1 + 1e-9)], np.ones(apart), np.full(stretches, np.inf)])
    return vstack((csr_array(rules.cost[None]), members), format="csr"), low, high


def site_bounds(rules: Rules) -> tuple[Floats, Floats]:
    """Lowest and highest share of every site."""
    low, high = np.zeros(len(rules.cost)), np.ones(len(rules.cost))
    low[list(rules.must)] = 1.0
    high[list(rules.must_not)] = 0.0
    return low, high


class Columns(NamedTuple):
    """What sets of sites are worth to pairs: a plan gives every pair the best set that it holds.

    ``pair``: number of the pair of each column; ``sites``: its set of sites; ``gain``: its worth, > 0.
    """

    pair: Sequence[int]
    sites: Sequence[Iterable[int]]
    gain: Sequence[float]


@dataclass(frozen=True)
class ProvenPlan:
    """Answer of the integer program.

    Attributes
    ----------
    members : tuple of int
    gain : float
        Its objective.
    bound : float
        No plan within the rules has a larger one.
    gap : float
        ``(bound - gain) / bound``, never negative.
    cut_off : bool
        The search stopped at its limit of branches: the bound holds, the plan may not be the best.
    """

    members: Members
    gain: float
    bound: float
    gap: float
    cut_off: bool = False


def columns_plan(
    species: Sequence[Columns],
    rules: Rules,
    *,
    weights: ArrayLike | None = None,
    worst: bool = False,
    nodes: int = 10 * NODES,
) -> ProvenPlan:
    """The best set of sites, proven by an integer program.

    Parameters
    ----------
    species : sequence of Columns
        One for each species (or season).
    rules : Rules
    weights : array, shape (species,), optional
        Factor of each one's gain; 1 by default.
    worst : bool
        Raise the smallest weighted gain instead of the sum.
    nodes : int
        Most branches; the bound stays valid.

    Raises
    ------
    OptionError
        When no plan obeys the rules (O44).

    Notes
    -----
    Sites are 0 or 1; a column may be used as far as all its sites are built, and a pair uses one column in all.  The
    columns need not be whole numbers: with the sites fixed the best column of each pair is.

    Examples
    --------
    >>> two = Columns([0, 0, 1], [(0,), (0, 1), (2,)], [1.0, 5.0, 2.0])
    >>> plan = columns_plan([two], Rules(np.ones(3), 2.0))
    >>> plan.members, plan.gain, plan.gap
    ((0, 1), 5.0, 0.0)
    """
    n = len(rules.cost)
    w = np.ones(len(species)) if weights is None else np.asarray(weights, dtype=np.float64)
    worth, pairs, members, owner = _stacked(species, w)
    m = len(worth)
    table, low, high = rule_rows(rules)
    constraints = [LinearConstraint(_wide(table, 0, m + 1), low, high)]
    if m:
        gates = [(i, k) for i, sites in enumerate(members) for k in sites]
        row, (column, site) = np.arange(len(gates)), np.array(gates).T
        ones = np.ones(len(gates))
        gate = hstack((
            csr_array((-ones, (row, site)), shape=(len(gates), n)), csr_array((ones, (row, column)), shape=(len(gates), m)),
            csr_array((len(gates), 1)),
        ))  # fmt: skip
        once = csr_array((np.ones(m), (pairs, np.arange(m))), shape=(pairs.max() + 1, m))
        constraints += [
            LinearConstraint(gate, -np.inf, 0.0),
            LinearConstraint(_wide(once, n, 1), -np.inf, 1.0),
        ]
    parts = np.zeros((len(species), m))
    parts[owner, np.arange(m)] = worth
    if not worst:
        parts = parts.sum(axis=0, keepdims=True)
    total = hstack((csr_array((len(parts), n)), csr_array(parts), csr_array(-np.ones((len(parts), 1)))))
    constraints.append(LinearConstraint(total, 0.0, np.inf))  # t <= every part
    lowest, highest = site_bounds(rules)
    result = milp(
        np.r_[np.zeros(n + m), -1.0],
        constraints=constraints,
        bounds=Bounds(np.r_[lowest, np.zeros(m), -np.inf], np.r_[highest, np.ones(m), np.inf]),
        integrality=np.r_[np.ones(n), np.zeros(m + 1)],
        options={"node_limit": nodes, "mip_rel_gap": 1e-9},
    )
    if result.status == 2:
        raise OptionError(
            "O44",
            "no set of candidates obeys the budget and the rules.",
            details={"solver": result.message},
            remedy="raise the budget or relax the rules",
        )
    if result.x is None:  # cut off before any set was found
        return ProvenPlan(rules.must, 0.0, float("inf"), 1.0, True)
    chosen = tuple(int(k) for k in np.flatnonzero(result.x[:n] > 0.5))
    gain = -float(result.fun)
    bound = max(gain, -float(result.mip_dual_bound))
    return ProvenPlan(chosen, gain, bound, (bound - gain) / bound if bound > 0 else 0.0, result.status != 0)


def _stacked(
    species: Sequence[Columns], weights: Floats
) -> tuple[Floats, NDArray[np.int64], list[tuple[int, ...]], NDArray[np.int64]]:
    """Columns of all species below each other, pairs numbered through."""
    worth, pairs, members, owner, before = [], [], [], [], 0
    for i, c in enumerate(species):
        worth += [weights[i] * float(g) for g in c.gain]
        pairs += [before + int(p) for p in c.pair]
        members += [tuple(int(k) for k in s) for s in c.sites]
        owner += [i] * len(c.gain)
        before = max(pairs, default=-1) + 1
    return (
        np.array(worth, float),
        np.array(pairs, np.int64),
        members,
        np.array(owner, np.int64),
    )


def _wide(table: Any, before: int, after: int) -> Any:
    """A sparse table with empty columns before and after it."""
    n = table.shape[0]
    return hstack((csr_array((n, before)), table, csr_array((n, after))), format="csr")
