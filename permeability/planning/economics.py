"""What measures cost over their life, what a gain costs, and the account of hectares lost and given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.scenario import Intervention
from permeability.barriers.treatments import treatments
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Estimate
from permeability.impact.what_if import Evaluator
from permeability.linkage.index_table import INDICES, MAIN
from permeability.linkage.measured import ground_quality_ha
from permeability.planning.budget_choice import Plan
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import Ranking

__all__ = ["annuity", "cost_benefit", "offset_account", "present_value", "yearly_cost"]

Array = NDArray[np.float64]
YEARS = 30
RATES = (0.01, 0.03, 0.07)
ENDS = ("low", "best", "high")
GAINS = ("reachable_km2", MAIN)


def annuity(rate: float, years: float) -> float:
    """Present value of 1 a year for some years, paid at the end of each: ``(1 - (1 + rate)^-years) / rate``.

    Parameters
    ----------
    rate : float
        Discount rate, such as 0.03; 0 counts every year fully.
    years : float

    Returns
    -------
    float
        [years]

    Notes
    -----
    The textbook formula of an annuity in arrears (European Commission 2014, Guide to Cost-Benefit Analysis of
    Investment Projects, annex II).

    Examples
    --------
    >>> round(annuity(0.03, 30), 3), annuity(0.0, 30)
    (19.6, 30.0)
    """
    return float(years) if rate == 0 else float((1 - (1 + rate) ** -years) / rate)


def present_value(first: float, yearly: float, years: float, rate: float) -> float:
    """Cost of a measure over its life: what is paid at once, and every year discounted [money].

    Parameters
    ----------
    first, yearly : float
        [money], [money per year]
    years, rate : float
        See :func:`annuity`.

    Returns
    -------
    float

    Examples
    --------
    >>> round(present_value(100.0, 10.0, 2, 0.0), 6)
    120.0
    """
    return float(first + yearly * annuity(rate, years))


def yearly_cost(step: Intervention) -> Estimate:
    """Running cost of an intervention from the treatment catalogue [USD per year].

    Parameters
    ----------
    step : Intervention

    Returns
    -------
    Estimate
        0 for what costs nothing once it is built.

    Examples
    --------
    >>> yearly_cost(Intervention("treat", "TMR", 750.0, 750.0, "gap")).best
    8000.0
    """
    known = treatments().get(str(step.treatment or step.action))
    if known is None:
        return Estimate.exact(0.0, "USD per year")
    if known.cost_per == "year":
        return known.cost
    return known.cost_per_year or Estimate.exact(0.0, "USD per year")


def _once_and_yearly(site: Candidate) -> tuple[Array, Array]:
    """Low, best, high of what is paid at once and of what is paid every year."""
    yearly, counted = np.zeros(3), np.zeros(3)
    for step in site.interventions:
        cost = np.array(yearly_cost(step).as_tuple())
        yearly += cost
        known = treatments().get(str(step.treatment or step.action))
        if known is not None and known.cost_per == "year":  # the cost of a candidate holds one year of these
            counted += cost
    return np.maximum(np.array(site.cost_usd.as_tuple()) - counted, 0.0), yearly


def cost_benefit(
    result: Ranking | Plan,
    *,
    years: float = YEARS,
    rates: Sequence[float] = RATES,
    gains: Sequence[str] = GAINS,
    collisions_avoided: Mapping[str, Estimate | float] | None = None,
    usd_per_collision: Estimate | float | None = None,
) -> pd.DataFrame:
    """Whole-life cost of candidates at several discount rates, and what their gains cost.

    Parameters
    ----------
    result : Ranking or Plan
        All candidates of a ranking, or those of a plan and the plan as a whole (id ``"plan"``).
    years : float
        Horizon [years].
    rates : sequence of float
        Discount rates, such as 0.03, side by side.
    gains : sequence of str
        Indices whose gain per money is given.
    collisions_avoided : mapping, optional
        Candidate id -> collisions avoided per year.
    usd_per_collision : Estimate or float, optional
        What one collision costs; benefits are left out without it.

    Returns
    -------
    pandas.DataFrame
        One row per species, candidate and rate: ``once_usd``, ``yearly_usd``, ``whole_life_usd``,
        ``benefit_usd`` (collisions avoided), ``net_usd`` (cost less benefit) and for every index
        ``<index>_per_musd`` (gain per million dollars of whole-life cost), each with ``_low`` and ``_high``.

    Raises
    ------
    OptionError
        O66 for a horizon or rate below 0 or collisions without their value, O01 for an unknown index or candidate.

    Notes
    -----
    Low, best and high cost go with each other over the years.  The lowest gain per money divides the lowest gain (5 %
    of the draws, where there are draws) by the highest cost.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))
    >>> table = pm.cost_benefit(ranking, years=20, rates=[0.03])
    >>> bool((table["whole_life_usd"] == table["once_usd"]).all())  # taking a fence down costs nothing later
    True
    """
    _refuse(years, rates, collisions_avoided, usd_per_collision)
    for index in gains:
        check_choice("gains", index, INDICES)
    rankings = result.rankings if isinstance(result, Plan) else {result.land.profile.id: result}
    rows = []
    for name, ranking in rankings.items():
        chosen = set(result.sites) if isinstance(result, Plan) else None
        for key in collisions_avoided or {}:
            check_choice("collisions_avoided", key, [s.id for s in ranking.sites])
        items = _items(ranking, chosen, gains)
        if isinstance(result, Plan):
            items.append(_whole(result, name, items, gains))
        for site_id, once, yearly, gained in items:
            avoided = _avoided(site_id, [i[0] for i in items], collisions_avoided or {}, usd_per_collision)
            for rate in rates:
                rows.append(
                    {"species": name, "id": site_id, "years": years, "rate": rate,
                     **_row(once, yearly, gained, avoided, annuity(rate, years))}
                )  # fmt: skip
    return pd.DataFrame(rows)


Item = tuple[str, Array, Array, dict[str, Array]]


def _items(ranking: Ranking, chosen: set[str] | None, gains: Sequence[str]) -> list[Item]:
    """Id, cost at once and every year, and gains (low, best, high) of candidates by rank."""
    by_id = {s.id: s for s in ranking.sites}
    items = []
    for row in ranking.table.drop(columns="geometry").to_dict("records"):
        if chosen is None or row["id"] in chosen:
            once, yearly = _once_and_yearly(by_id[row["id"]])
            items.append((str(row["id"]), once, yearly, {i: _gain(row, i) for i in gains}))
    return items


def _gain(row: Mapping[Any, Any], index: str) -> Array:
    """Low, best and high gain of a ranked row: the 5 and 95 % of its draws where it has them."""
    best = float(row[f"gain_{index}"])
    ends = [
        row.get(f"gain_{index}_{e}", row.get(f"gain_{e}") if index == MAIN else None) for e in ("low", "high")
    ]
    low, high = (best if e is None or not np.isfinite(e) else float(e) for e in ends)
    return np.array([min(low, best), best, max(high, best)])


def _whole(plan: Plan, species: str, items: Sequence[Item], gains: Sequence[str]) -> Item:
    """All of a plan together, with its joint gain."""
    mine = plan.indices[plan.indices["species"] == species].set_index("index")["gain"]
    joint = {i: np.full(3, float(mine[i])) for i in gains}
    once = np.sum([i[1] for i in items], axis=0) if items else np.zeros(3)
    yearly = np.sum([i[2] for i in items], axis=0) if items else np.zeros(3)
    return "plan", once, yearly, joint


def _avoided(
    site: str, sites: Sequence[str], each: Mapping[str, Estimate | float], value: Estimate | float | None
) -> Array:
    """Worth of the collisions avoided in a year, low, best, high [USD per year]."""
    wanted = [s for s in sites if s in each] if site == "plan" else [site] if site in each else []
    number = sum((_three(each[s]) for s in wanted), start=np.zeros(3))
    return np.asarray(number * _three(value)) if value is not None else np.zeros(3)


def _three(value: Estimate | float) -> Array:
    return np.array(value.as_tuple() if isinstance(value, Estimate) else (float(value),) * 3)


def _row(
    once: Array, yearly: Array, gained: Mapping[str, Array], avoided: Array, factor: float
) -> dict[str, float]:
    whole, benefit = once + yearly * factor, avoided * factor
    net = whole - benefit[::-1]  # the least net cost has the largest benefit
    out: dict[str, float] = {}
    for name, values in (
        ("once_usd", once), ("yearly_usd", yearly), ("whole_life_usd", whole), ("benefit_usd", benefit), ("net_usd", net),
    ):  # fmt: skip
        out |= _ends(name, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        for index, gain in gained.items():
            per = np.where(whole[::-1] > 0, gain / whole[::-1] * 1e6, np.nan)
            per[1] = gain[1] / whole[1] * 1e6 if whole[1] > 0 else np.nan
            out |= _ends(f"{index}_per_musd", per)
    return out


def _ends(name: str, values: Array) -> dict[str, float]:
    low, best, high = (float(v) for v in values)
    return {f"{name}_low": low, name: best, f"{name}_high": high}


def _refuse(
    years: float,
    rates: Sequence[float],
    avoided: Mapping[str, Estimate | float] | None,
    value: Estimate | float | None,
) -> None:
    if not years > 0 or not len(rates) or not all(r >= 0 for r in rates):
        raise OptionError(
            "O66", "the horizon must be above 0 years and every discount rate at least 0.",
            remedy="give years such as 30 and rates such as 0.03",
        )  # fmt: skip
    if avoided and value is None:
        raise OptionError(
            "O66", "collisions avoided are given without what one costs.", remedy="give usd_per_collision"
        )


# ---------------------------------------------------------------- hectares
def offset_account(result: Ranking | Plan, sites: Sequence[str] | None = None) -> pd.DataFrame:
    """Quality hectares that the barriers take and that measures give back.

    A hectare counts as the share that its ground is of the best: ``1 / resistance``.

    Parameters
    ----------
    result : Ranking or Plan
    sites : sequence of str, optional
        Ids of what is built; the plan, or the best candidate of a ranking, by default.

    Returns
    -------
    pandas.DataFrame
        One row per species and measure (``connected_range``: range in one piece; ``reachable``: ground within the
        movement budget of a patch, mean over the patches): ``without_barriers_qha``, ``today_qha``,
        ``after_qha``, ``lost_qha``, ``given_back_qha``, ``balance_qha`` (given back less lost; 0 = no net loss).  The
        two measures overlap and must not be added.

    Raises
    ------
    OptionError
        O01 for an id that is not a candidate.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> ranking = pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))
    >>> account = pm.offset_account(ranking)
    >>> bool((account["balance_qha"] <= 0).all()), account["measure"].tolist()
    (True, ['connected_range', 'reachable'])
    """
    rankings = result.rankings if isinstance(result, Plan) else {result.land.profile.id: result}
    rows = []
    for name, ranking in rankings.items():
        chosen = sites if sites is not None else _default_sites(result, ranking)
        by_id = {s.id: s for s in ranking.sites}
        for key in chosen:
            check_choice("sites", key, list(by_id))
        steps = [i for key in chosen for i in by_id[key].interventions]
        for measure, (bare, today, after) in _quality(ranking.engine, steps).items():
            rows.append({
                "species": name, "measure": measure, "without_barriers_qha": bare, "today_qha": today, "after_qha": after,
                "lost_qha": bare - today, "given_back_qha": after - today, "balance_qha": after - bare,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _default_sites(result: Ranking | Plan, ranking: Ranking) -> list[str]:
    return result.sites if isinstance(result, Plan) else [str(ranking.table["id"].iloc[0])]


def _quality(engine: Evaluator, steps: Sequence[Intervention]) -> dict[str, tuple[float, float, float]]:
    """Quality hectares without barriers, today and after interventions, by measure."""
    land = engine.land
    quality, budget = ground_quality_ha(land), land.profile.budget_m.best
    change, today = engine.change(steps), engine.measured
    parts = [today.bare.land.parts, land.parts, engine.parts_after(change)]
    joined = [_largest(quality, p, engine.inside) for p in parts]
    after = np.array([quality[f <= budget].sum() for f in engine.fields_after(change)])
    weight = engine.patches.table["weight"].to_numpy(float)
    by_patch = (today.bare.reach_quality_ha, today.reach_quality_ha, after)
    reach = [float(np.average(x, weights=weight)) for x in by_patch]
    return {"connected_range": (joined[0], joined[1], joined[2]), "reachable": (reach[0], reach[1], reach[2])}


def _largest(quality: Array, parts: NDArray[np.int32], inside: NDArray[np.bool_]) -> float:
    """Quality hectares of the largest connected piece of the range."""
    use = inside & (parts > 0)
    if not use.any():
        return 0.0
    return float(np.bincount(parts[use], weights=quality[use])[np.bincount(parts[use]).argmax()])
