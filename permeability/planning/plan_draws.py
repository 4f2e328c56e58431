"""How sure a plan is: its sites together in draws of the unknown numbers, beside the usual way of choosing, and its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.core.tasks import HERE, RunOn
from permeability.planning.budget_choice import Plan
from permeability.ranking.rank_statistics import middle
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.ranking import with_draws
from permeability.ranking.unknown_numbers import LANDSCAPES, VARY

__all__ = ["PlanDraws", "from_draws", "plan_draws", "plan_sets"]

Floats = NDArray[np.float64]
USUAL = "score and rank"  # the search that takes the best sites one by one
SAME = 1e-9  # of the larger gain: two sets gain the same


@dataclass(frozen=True, eq=False)
class PlanDraws:
    """Gain of a plan in every draw, and its cost.

    Attributes
    ----------
    gains : dict
        Species -> DataFrame with one row per draw: ``plan`` and ``one_by_one`` (the sites that score-and-rank takes for the
        same money), gain of all sites together in mean conductance between patches [1].
    costs : array or None, shape (draws,)
        Cost of the plan in every draw [USD]; None where costs are not drawn.
    budget_usd : float
    sites, one_by_one : list of str
        Ids of both sets.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)
    >>> drawn = pm.plan_draws(pm.portfolio(sites, budget_usd=3000), 3000, draws=20)
    >>> bool((drawn.table["low"] <= drawn.table["expected"]).all())
    True
    """

    gains: dict[str, pd.DataFrame] = field(repr=False)
    costs: Floats | None = field(repr=False)
    budget_usd: float
    sites: list[str]
    one_by_one: list[str]

    @property
    def share_within_budget(self) -> float | None:
        """Share of the draws in which the plan costs no more than the budget; None without drawn costs."""
        return None if self.costs is None else float((self.costs <= self.budget_usd * (1 + SAME)).mean())

    @property
    def table(self) -> pd.DataFrame:
        """One row per species.

        ``species``, ``draws``, ``expected``, ``low``, ``high`` (mean, 5 and 95 % of the gain over the draws [1]),
        ``share_gains`` (draws in which the plan gains anything), ``share_above`` and ``share_below`` (draws in which it
        gains more, and less, than the sites taken one by one; in the rest both gain the same).
        """
        rows = []
        for name, drawn in self.gains.items():
            plan, usual = drawn["plan"].to_numpy(float), drawn["one_by_one"].to_numpy(float)
            low, high = middle(plan)
            slack = SAME * np.maximum(np.abs(plan), np.abs(usual))
            rows.append({
                "species": name, "draws": len(drawn), "expected": float(plan.mean()), "low": low, "high": high,
                "share_gains": float((plan > SAME * max(float(np.abs(plan).max(initial=0.0)), 1e-300)).mean()),
                "share_above": float((plan > usual + slack).mean()), "share_below": float((plan < usual - slack).mean()),
            })  # fmt: skip
        return pd.DataFrame(rows)


@long_job("draws")
def plan_draws(
    plan: Plan,
    budget_usd: float,
    *,
    draws: int = 100,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int = LANDSCAPES,
    on: RunOn = HERE,
    progress: Any = None,
) -> PlanDraws:
    """A plan, chosen at best values, in draws of the unknown numbers.

    All sites of the plan are opened together in every draw, exactly, and so are the sites that the usual way (the best
    ones by themselves, one after the other) takes for the same money.  The choice itself is not made anew in the draws:
    what is told is how well this plan does, not which plan each draw would choose.

    Parameters
    ----------
    plan : Plan
        Of the circuit view.
    budget_usd : float
        What it was chosen for [USD].
    draws : int
        At least 1.
    rng : int or numpy.random.Generator
        Seed of the draws.
    vary : sequence of str
        Kinds of unknown numbers, from :data:`permeability.ranking.unknown_numbers.KINDS`.
    draws_anew : int
        How many landscapes are made anew for positions and the origin of the grid.
    on : RunOn
        Workers, a store, whom to tell.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    PlanDraws

    Raises
    ------
    OptionError
        O55 for a plan of the least-cost view (draws measure conductance), or fewer draws than one.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> plan_draws(pm.portfolio(sites, budget_usd=3000), 3000, draws=10).gains["khulan"].shape
    (10, 2)
    """
    if plan.view != "circuit" or draws < 1:
        raise OptionError(
            "O55",
            f"a plan of the {plan.view} view in {draws} draws cannot be measured.",
            remedy='choose the plan with view="circuit", and make at least one draw',
        )
    sets = plan_sets(plan)
    tell, many = progress if progress is not None else on.progress, len(plan.rankings)
    drawn = {
        name: with_draws(ranking, draws=draws, rng=rng, vary=vary, draws_anew=draws_anew, together=sets, on=on.telling(tell).share(k, many)).draws
        for k, (name, ranking) in enumerate(plan.rankings.items())
    }  # fmt: skip
    return from_draws(plan, budget_usd, {k: (d, d.together_gains) for k, d in drawn.items() if d is not None})


def plan_sets(plan: Plan) -> list[list[str]]:
    """The plan, and what the usual way takes for the same money: ids of both.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of two lists of str

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> [len(ids) for ids in plan_sets(pm.portfolio(sites, budget_usd=3000))]
    [1, 1]
    """
    found = plan.methods.set_index("method")["sites"]
    text = str(found.get(USUAL, "") or "")
    return [plan.sites, [s for s in text.split(", ") if s]]


def from_draws(plan: Plan, budget_usd: float, drawn: Mapping[str, tuple[RankDraws, Floats]]) -> PlanDraws:
    """What draws say that were made with :func:`plan_sets` beside the candidates.

    Parameters
    ----------
    plan : Plan
    budget_usd : float
        What it was chosen for [USD].
    drawn : dict
        Species -> draws of its ranking, and of them the gains of the two sets, shape (draws, 2).

    Returns
    -------
    PlanDraws

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=4)
    >>> plan = pm.portfolio(sites, budget_usd=3000)
    >>> gains = np.array([[1.0, 1.0], [2.0, 1.5], [3.0, 1.0], [4.0, 4.0]])
    >>> from_draws(plan, 3000, {"khulan": (sites.draws, gains)}).table[["expected", "share_above"]].values.tolist()
    [[2.5, 0.5]]
    """
    sites, usual = plan_sets(plan)
    gains = {k: pd.DataFrame(g, columns=["plan", "one_by_one"]) for k, (_, g) in drawn.items()}
    known = next(iter(drawn.values()))[0].costs
    mine = [k for k, s in enumerate(plan.ranking.sites) if s.id in set(sites)]
    costs = None if known is None else np.asarray(known[:, mine].sum(axis=1))
    return PlanDraws(gains, costs, float(budget_usd), sites, usual)
