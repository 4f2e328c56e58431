"""Which set of candidates for a budget: the portfolio of a ranking, every set evaluated exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from permeability.bounds import relaxed_bound
from permeability.circuit.relaxation import RelaxedGain
from permeability.circuit.set_value import SetValue
from permeability.errors import OptionError, nearest
from permeability.ranking import Ranking, gain_of
from permeability.selection import Portfolio, Rules, budget_curve, choose, spacing

__all__ = ["INDEX", "Plan", "portfolio"]

INDEX = "conductance"  # finite whatever is cut off


@dataclass(frozen=True, eq=False)
class Plan:
    """The chosen candidates of a ranking and how sure the choice is.

    Attributes
    ----------
    ranking : Ranking
    table : geopandas.GeoDataFrame
        The chosen rows of the ranking's table.
    gain : float
        Gain in mean conductance of all together [1].
    cost_usd : float
    methods : pandas.DataFrame
        What every search found, plain score-and-rank among them.
    bound, gap : float
        No plan within the rules gains more than ``bound``; ``gap = (bound - gain) / bound``.
    near_best : pandas.DataFrame
        Other plans of nearly the same gain, sites by id.
    indices : pandas.DataFrame
        Every index before and after: ``index``, ``before``, ``after``, ``gain``.
    curve : pandas.DataFrame or None
        Gain against budget, when budgets were asked for.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> plan = pm.portfolio(sites, budget_usd=3000)
    >>> len(plan.table), plan.cost_usd <= 3000
    (1, True)
    """

    ranking: Ranking
    table: gpd.GeoDataFrame
    gain: float
    cost_usd: float
    methods: pd.DataFrame = field(repr=False)
    bound: float
    gap: float
    near_best: pd.DataFrame = field(repr=False)
    indices: pd.DataFrame = field(repr=False)
    curve: pd.DataFrame | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        names = ", ".join(self.table["id"])
        return (
            f"Plan of {len(self.table)} candidates for {self.cost_usd:,.0f} USD: {names}\n"
            f"  gain {self.gain:.4g} in mean conductance, at most {100 * self.gap:.1f} % below the bound\n"
            f"{self.indices.to_string(index=False)}"
        )


def portfolio(
    ranking: Ranking,
    budget_usd: float,
    *,
    must: Sequence[str] = (),
    must_not: Sequence[str] = (),
    min_spacing_km: float | None = None,
    budgets: Sequence[float] = (),
    rng: int | np.random.Generator = 1,
) -> Plan:
    """The best set of a ranking's candidates under a budget.

    Parameters
    ----------
    ranking : Ranking
    budget_usd : float
        Most to spend, at best costs [USD].
    must, must_not : sequence of str
        Ids of candidates that are in every plan, or in none.
    min_spacing_km : float, optional
        Smallest distance between the middles of two chosen stretches of one line [km].
    budgets : sequence of float
        Further budgets for the curve of gain against money [USD].
    rng : int or numpy.random.Generator

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        O45 for an id that is not a candidate; O41 to O44 of :func:`permeability.selection.choose`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> everything = float(sites.table["cost_usd"].sum())
    >>> sorted(pm.portfolio(sites, everything).table["id"]) == sorted(sites.table["id"])
    True
    >>> pm.portfolio(sites, everything / 4, must_not=["F km 2-4", "F km 4-6"]).table["id"].tolist()
    ['F km 0-2']
    """
    sites = ranking.sites
    ids = [s.id for s in sites]
    cost = np.array([s.cost_usd.best for s in sites])
    engine = ranking.engine
    changes = [engine.change(s.interventions) for s in sites]
    face = engine.view.face
    value = SetValue(face, engine.view.candidates(changes), index=INDEX)
    options: dict[str, Any] = {
        "must": _numbers(must, ids),
        "must_not": _numbers(must_not, ids),
        "rng": rng,
        "bound": _bound(value),
    }
    if min_spacing_km is not None:
        middle = np.array([(s.km_from + s.km_to) / 2 for s in sites])
        options["apart"] = spacing(middle, min_spacing_km, np.array([s.line for s in sites]))
    found = choose(value, cost, budget_usd, **options)
    curve = budget_curve(value, cost, budgets, **options) if budgets else None
    scale = 1.0 / float(face.weights[np.triu_indices_from(face.weights, 1)].sum())
    return _plan(ranking, found, ids, scale, curve)


def _bound(value: SetValue) -> Any:
    """Upper bound by a concave relaxation, where the index has one."""
    relaxed = RelaxedGain(value.face, value.candidates, index=value.index)

    def bound(rules: Rules) -> float:
        return relaxed_bound(relaxed, rules)

    return bound


def _numbers(names: Sequence[str], ids: list[str]) -> list[int]:
    for name in names:
        if name not in ids:
            guess = nearest(name, ids)
            raise OptionError(
                "O45",
                f"{name!r} is not a candidate of this ranking.",
                remedy=f"did you mean {guess!r}?" if guess else "use ids of the ranking's table",
            )
    return [ids.index(name) for name in names]


def _plan(
    ranking: Ranking, found: Portfolio, ids: list[str], scale: float, curve: pd.DataFrame | None
) -> Plan:
    engine, sites = ranking.engine, ranking.sites
    chosen = [ids[k] for k in found.members]
    after = engine.after([i for k in found.members for i in sites[k].interventions])
    rows = [
        {"index": k, "before": engine.today[k], "after": v, "gain": gain_of(k, engine.today[k], v)}
        for k, v in after.items()
    ]
    table = ranking.table[ranking.table["id"].isin(chosen)].reset_index(drop=True)
    methods, near = (_named(frame, ids, scale) for frame in (found.methods, found.near_best))
    return Plan(
        ranking, table, found.gain * scale, found.cost, methods, found.bound * scale, found.gap, near,
        pd.DataFrame(rows), None if curve is None else _named(curve, ids, scale),
    )  # fmt: skip


def _named(frame: pd.DataFrame, ids: list[str], scale: float) -> pd.DataFrame:
    """Sites by id and gains as mean conductance."""
    out = frame.copy()
    if "sites" in out.columns:
        out["sites"] = [", ".join(ids[k] for k in row) for row in out["sites"]]
    for column in ("gain", "bound"):
        if column in out.columns:
            out[column] = out[column] * scale
    return out
