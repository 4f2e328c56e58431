"""Questions about money: gain against budget, what to do next, which plans no other beats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import OptionError
from permeability.planning.set_gains import SetGains, Value, remembered
from permeability.planning.set_search import Portfolio, choose

__all__ = ["budget_curve", "next_best", "pareto"]


def budget_curve(
    value: SetGains | Value,
    cost: ArrayLike,
    budgets: Sequence[float],
    *,
    plans: Mapping[float, Portfolio] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """The best gain for each of several budgets.

    Each budget may also use the plans found for the smaller ones, so the curve never falls.  Budgets within which no
    plan obeys the rules are left out.

    Parameters
    ----------
    value : SetGains or callable
        See :func:`choose`.
    cost : array
        Shape (K,) [money].
    budgets : sequence of float
        [money]
    plans : mapping, optional
        Budget -> plan that is known already.
    **options
        Passed on to :func:`choose`.

    Returns
    -------
    DataFrame
        ``budget``, ``gain``, ``cost``, ``sites``, ``bound``, ``gap``, ``bound_cut_off``.

    Examples
    --------
    >>> budget_curve(lambda s: float(len(s)), [1, 1, 1], [1, 2]).gain.tolist()
    [1.0, 2.0]
    """
    rows: list[dict[str, Any]] = []
    memory = remembered(value)
    for budget in sorted({*budgets, *(plans or {})}):
        plan = (plans or {}).get(budget)
        if plan is None:
            try:
                plan = choose(memory, cost, budget, **options)
            except OptionError as error:
                if error.code in ("O43", "O44"):
                    continue
                raise
        gain, spent, sites = plan.gain, plan.cost, plan.members
        if rows and rows[-1]["gain"] > gain:
            gain, spent, sites = (rows[-1][k] for k in ("gain", "cost", "sites"))
        gap = max(0.0, (plan.bound - gain) / plan.bound) if 0 < plan.bound < np.inf else plan.gap
        row = {"budget": budget, "gain": gain, "cost": spent, "sites": sites}
        rows.append({**row, "bound": max(plan.bound, gain), "gap": gap, "bound_cut_off": plan.bound_cut_off})
    return pd.DataFrame(rows, columns=["budget", "gain", "cost", "sites", "bound", "gap", "bound_cut_off"])


def next_best(value: SetGains | Value, built: Iterable[int], cost: ArrayLike) -> pd.DataFrame:
    """What to do after a pilot: every further site by its gain per cost with the built ones standing.

    Parameters
    ----------
    value : SetGains or callable
        See :func:`choose`.
    built : iterable of int
        Numbers of the candidates that stand.
    cost : array
        Shape (K,) [money].

    Returns
    -------
    DataFrame
        One row per remaining candidate, best gain for its money first.

    Examples
    --------
    >>> next_best(lambda s: float(sum(s)), [2], [1.0, 4.0, 1.0]).site.tolist()
    [1, 0]
    """
    ask, done = remembered(value), tuple(sorted(built))
    costs = np.asarray(cost, dtype=np.float64)
    free = [k for k in range(len(costs)) if k not in done]
    gains = ask.with_each(done, free) - ask(done)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = pd.DataFrame(
            {"site": free, "gain": gains, "cost": costs[free], "gain_per_cost": gains / costs[free]}
        )
    return table.sort_values(["gain_per_cost", "gain"], ascending=False, ignore_index=True)


def pareto(gains: ArrayLike) -> NDArray[np.bool_]:
    """Which plans (rows) no other plan beats in one column without losing in another.

    Parameters
    ----------
    gains : array
        Shape (plans, objectives); more is better.

    Returns
    -------
    bool array
        Shape (plans,).

    Examples
    --------
    >>> pareto([[1, 2], [2, 1], [1, 1]]).tolist()
    [True, True, False]
    """
    g: NDArray[Any] = np.asarray(gains, dtype=np.float64)
    at_least = np.all(g[None] >= g[:, None], axis=2)
    more = np.any(g[None] > g[:, None], axis=2)
    return np.asarray(~np.any(at_least & more, axis=1))
