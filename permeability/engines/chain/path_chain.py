"""Randomised shortest paths over any directed links, in the conventions of ConScape and gdistance.

A reference walk ``P`` (affinities scaled to sum 1 in every row) is bent towards cheap ways by ``W = P exp(-theta C)``;
``Z = (I - W)^-1`` sums over all walks (Saerens et al. 2009, doi:10.1162/neco.2009.11-07-643; Kivimaki et al. 2014,
doi:10.1016/j.physa.2013.09.016).  Distances are in the units of the costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.sparse.linalg import splu

from permeability.core.errors import OptionError, ResistanceError
from permeability.engines.chain.link_chain import LinkChain, check_states

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Proximity = Callable[[Floats], Floats]

KINDS = ("survival", "free_energy", "expected_cost", "power_mean")
VIEWS = ("total", "net")


@dataclass(frozen=True, eq=False)
class PathChain:
    """Walks over links, cheap ones preferred.

    Attributes
    ----------
    affinity, cost : sparse array, shape (n, n)
        How readily each link is taken, and what it costs, of the same links; cost >= 0.
    theta : float
        How strongly cheap ways are preferred [1 / unit of cost], > 0.
    targets : array of int
        States that distances lead to; all by default.

    Raises
    ------
    OptionError, ResistanceError, MemoryLimitError
        [Q04] theta not above 0; [Q05] negative costs; [Q02] too many states or targets; [Q03] a target outside.

    Examples
    --------
    >>> import numpy as np
    >>> links = 1.0 - np.eye(3)  # three places, each one step from the others
    >>> paths = PathChain(links, links, theta=5.0)
    >>> paths.expected_cost().round(2)[0].tolist()
    [0.0, 1.0, 1.0]
    """

    affinity: Any
    cost: Any
    theta: float
    targets: Any = None

    def __post_init__(self) -> None:
        affinity, cost = csr_array(self.affinity, dtype=np.float64), csr_array(self.cost, dtype=np.float64)
        if not (np.isfinite(self.theta) and self.theta > 0):
            raise OptionError(
                "Q04",
                f"theta = {self.theta!r} is not above 0.",
                remedy="use a small theta for a walk without aim, the circuit view for none at all",
            )
        if cost.nnz and not float(cost.data.min()) >= 0:
            raise ResistanceError(
                "Q05",
                "some links have a negative cost.",
                details={"smallest": float(cost.data.min())},
                remedy="scale affinities so that none is above 1, or give the costs",
            )
        affinity.eliminate_zeros()
        affinity.sort_indices()
        n = affinity.shape[0]
        targets = np.arange(n) if self.targets is None else check_states(self.targets, n, "targets")
        object.__setattr__(self, "affinity", affinity)
        object.__setattr__(self, "cost", cost)
        object.__setattr__(self, "targets", targets)

    @cached_property
    def reference(self) -> Any:
        """Chance of every link in the walk without aim, rows sum to 1."""
        total = np.asarray(self.affinity.sum(axis=1)).ravel()
        with np.errstate(divide="ignore"):
            scale = np.where(total > 0, 1.0 / total, 0.0)
        return csr_array(diags_array(scale) @ self.affinity)

    @cached_property
    def weight(self) -> Any:
        """``W``: chance of every link times ``exp(-theta cost)``."""
        found = self.reference.copy()
        found.data = found.data * np.exp(-self.theta * self._costs().data)
        return found

    @cached_property
    def chain(self) -> LinkChain:
        """The same as an absorbing chain."""
        return LinkChain(self.weight, 1.0 - np.asarray(self.weight.sum(axis=1)).ravel().clip(0.0, 1.0))

    @cached_property
    def fundamental(self) -> Floats:
        """``Z``, columns of the targets, (n, targets)."""
        n, t = len(self.chain), len(self.targets)
        self.chain._refuse_dense(t)
        right = np.zeros((n, t))
        right[self.targets, np.arange(t)] = 1.0
        return self.chain.solve(right)

    @cached_property
    def _at_target(self) -> Floats:
        """``Z`` of every target with itself."""
        return self.fundamental[self.targets, np.arange(len(self.targets))]

    def survival(self) -> Floats:
        """``Z_st / Z_tt``: weight of all walks that reach the target for the first time, (n, targets)."""
        return self.fundamental / self._at_target

    def free_energy(self) -> Floats:
        """``-ln(survival) / theta`` [unit of cost]."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log(self.survival()) / self.theta + 0.0)

    def power_mean(self) -> Floats:
        """``survival ** (1 / theta)``."""
        return np.asarray(self.survival() ** (1.0 / self.theta))

    def expected_cost(self) -> Floats:
        """Mean cost of the walks to a target, each by its weight [unit of cost]; inf where none leads."""
        z = self.fundamental
        spent = self.chain.solve(csr_array(self.cost.multiply(self.weight)) @ z)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = spent / z
        out = mean - mean[self.targets, np.arange(len(self.targets))]
        return np.where(np.isfinite(out), out, np.inf)

    def distance(self, kind: str) -> Floats:
        """One of the measures by its name in :data:`KINDS`."""
        measure: Callable[[], Floats] = getattr(self, kind)
        return measure()

    def proximity(self, kind: str = "expected_cost", transform: Proximity | None = None) -> Floats:
        """How near a target is, 0 .. 1: survival and power mean as they are, ``exp(-distance)`` of the others.

        Parameters
        ----------
        kind : {"expected_cost", "free_energy", "survival", "power_mean"}
        transform : callable, optional
            Of a distance, in place of ``exp(-d)``.
        """
        found = self.distance(kind)
        if kind in ("survival", "power_mean") and transform is None:
            return found
        return np.asarray((transform or (lambda d: np.exp(-d)))(found), np.float64)

    def connected_habitat(
        self, source: ArrayLike, target: ArrayLike, proximity: Floats | None = None
    ) -> Floats:
        """``q_s sum_t K(s, t) q_t`` of every state.

        Parameters
        ----------
        source : array, shape (n,)
        target : array, shape (targets,)
            Quality as where a walk begins and ends.
        proximity : array, shape (n, targets), optional
            ``exp(-expected cost)`` by default.
        """
        near = self.proximity() if proximity is None else proximity
        return np.asarray(source, np.float64) * (near @ np.asarray(target, np.float64))

    def betweenness(self, source: ArrayLike, target: ArrayLike, proximity: Floats | None = None) -> Floats:
        """Expected passages through every state, walks weighted ``q_s K(s, t) q_t`` (K = 1 without a proximity)."""
        z, here = self.fundamental, self._at_target
        w = np.asarray(source, np.float64)[:, None] * np.asarray(target, np.float64)[None]
        if proximity is not None:
            w = w * proximity
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(z > 0, w / z, 0.0)
        rows = self.chain.solve_rows(share.T).T  # sum over s of share_st Z_si
        back = self.chain.solve_rows(np.eye(len(self.chain))[self.targets]).T  # Z_ti
        return np.asarray((z * (rows - back * (w.sum(axis=0) / here))).sum(axis=1))

    def mean_divergence(self, source: ArrayLike, target: ArrayLike) -> float:
        """``theta q' (free energy - expected cost) q``: how far the walks differ from the one without aim."""
        gap = self.free_energy() - self.expected_cost()
        return float(self.theta * np.asarray(source, np.float64) @ gap @ np.asarray(target, np.float64))

    def least_cost(self) -> Floats:
        """Cost of the cheapest way out of every target to each state, (n, targets)."""
        return np.asarray(dijkstra(self._costs(), indices=self.targets).T)

    def _costs(self) -> Any:
        """Costs of the links of the affinities, in their order; a link that costs nothing is stored as 0."""
        links = self.reference.tocoo()
        found = self.reference.copy()
        found.data = np.asarray(self.cost[links.coords[0], links.coords[1]], np.float64).ravel()
        return found

    def least_cost_divergence(self) -> Floats:
        """Minus the sum of ln P over the links of the cheapest way, (n, targets): the price of going straight."""
        n = len(self.chain)
        out = np.zeros((n, len(self.targets)))
        costs, here = self._costs(), np.arange(n)
        for k, t in enumerate(self.targets.tolist()):
            found, before = dijkstra(costs, indices=t, return_predecessors=True)
            near = np.where(before < 0, here, before)
            chance = np.asarray(self.reference[here, near], np.float64).ravel()
            with np.errstate(divide="ignore"):
                sum_to = np.where(near == here, 0.0, -np.log(chance))
            while np.any(near != near[near]):  # each round looks twice as far along the way
                sum_to, near = sum_to + sum_to[near], near[near]
            out[:, k] = np.where(np.isinf(found), np.inf, sum_to)
        return out

    # ---------------------------------------------------------------- one origin, one goal (gdistance)
    def passages(self, origin: ArrayLike, goal: int) -> Any:
        """Expected passages over every link on the way to a goal that ends there, (n, n) sparse.

        Parameters
        ----------
        origin : int or array of int
            Where walks begin, in equal shares.
        goal : int
        """
        n = len(self.chain)
        begin = check_states(origin, n, "origins")
        check_states(goal, n, "goals")
        keep = np.ones(n)
        keep[goal] = 0.0
        w = csr_array(self.weight.multiply(keep[:, None]))
        factor = splu((csr_array(diags_array(np.ones(n))) - w).tocsc())
        target = np.zeros(n)
        target[goal] = 1.0
        y = factor.solve(target)
        total = csr_array((n, n))
        for s in begin.tolist():
            one = np.zeros(n)
            one[s] = 1.0 / (len(begin) * y[s])
            z = factor.solve(one, trans="T")
            total = total + csr_array(w.multiply(z[:, None]).multiply(y[None]))
        return csr_array(total)

    def mean_cost(self, origin: int, goal: int, view: str = "total") -> float:
        """Mean cost from an origin to a goal [unit of cost]; ``net``: walking back over a link counts against it."""
        n = self.passages(origin, goal)
        if view == "net":
            n = n - n.T.tocsr()
            n.data = np.maximum(n.data, 0.0)
        return float(csr_array(self.cost.multiply(n)).sum())

    def passage_map(self, origin: ArrayLike, goal: int, view: str = "total") -> Floats:
        """Passages through every state on the way from origins to a goal, (n,).

        ``total``: all; ``net``: half the net flow over the links of a state, whole at the origins and the goal.
        """
        n = self.passages(origin, goal)
        if view == "net":
            n = abs(n - n.T.tocsr()) / 2
        here = np.maximum(np.asarray(n.sum(axis=1)).ravel(), np.asarray(n.sum(axis=0)).ravel())
        if view == "net":
            here[np.append(check_states(origin, len(here), "origins"), goal)] *= 2
        return np.asarray(here)


def largest_part(affinity: Any) -> Ints:
    """States of the largest part in which every state can be reached from every other, in their order."""
    links = csr_array(affinity)
    links.eliminate_zeros()
    part = connected_components(links, directed=True, connection="strong")[1]
    return np.flatnonzero(part == np.argmax(np.bincount(part))).astype(np.int64)


def largest_eigenvalue(proximity: Floats, source: ArrayLike, target: ArrayLike, targets: ArrayLike) -> float:
    """Largest eigenvalue of ``q_s K(s, t) q_t`` among the targets: how much habitat hangs together.

    Parameters
    ----------
    proximity : array, shape (n, targets)
    source : array, shape (n,)
    target : array, shape (targets,)
        Quality as where a walk begins and ends.
    targets : array of int
        States of the targets.

    Returns
    -------
    float

    Examples
    --------
    >>> largest_eigenvalue(np.ones((2, 2)), [1.0, 1.0], [1.0, 1.0], [0, 1])
    2.0
    """
    at = np.asarray(targets, np.int64)
    q = np.asarray(source, np.float64)[at]
    m = q[:, None] * proximity[at] * np.asarray(target, np.float64)[None]
    return float(np.max(np.linalg.eigvals(m).real))
