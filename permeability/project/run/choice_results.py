"""The choice under the budget of a project: plans, money and hectares of a run, as tables and as numbers with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from permeability.core.keeping import Keep
from permeability.core.tasks import content_hash
from permeability.core.units import unit_of
from permeability.linkage.index_table import MAIN
from permeability.planning.budget_choice import Plan, portfolio
from permeability.planning.economics import cost_benefit, offset_account
from permeability.planning.plan_draws import PlanDraws, from_draws, plan_sets
from permeability.planning.searches import MANY
from permeability.project.project import Project
from permeability.project.ranking_spec import estimate
from permeability.ranking.rank_draws import inputs_hash
from permeability.ranking.ranking import Ranking

ALL = "all species"
STARTS = 2
CURVE = (0.25, 0.5, 2.0, 4.0)  # of the budget, where the project names no further ones
MANY_CURVE = (0.25, 0.5, 2.0)  # of more than 300 candidates: four times the money takes four times as long
AFTERWARDS = 3  # next best sites that are told
PLAN_DRAWS = (
    100  # at most, of those of the ranking: one plan is cheap, but positions need landscapes made anew
)


@dataclass(frozen=True, eq=False)
class Choice:
    """What a run says about money.

    Attributes
    ----------
    plans : dict
        Species (and ``"all species"``, where there are several) -> Plan; empty without a budget.
    money : pandas.DataFrame or None
        :func:`permeability.planning.economics.cost_benefit` of the plans, or of the best ranked sites; None without candidates.
    hectares : pandas.DataFrame or None
        :func:`permeability.planning.economics.offset_account` likewise.
    drawn : dict
        Name of a plan -> its gains over draws of the unknown numbers; empty where the ranking has no draws.
    """

    plans: dict[str, Plan] = field(default_factory=dict)
    money: pd.DataFrame | None = None
    hectares: pd.DataFrame | None = None
    drawn: dict[str, PlanDraws] = field(default_factory=dict)


def make_plans(
    project: Project,
    rankings: Mapping[str, Ranking],
    tell: Callable[[int, int], None] | None = None,
    store: Path | None = None,
) -> dict[str, Plan]:
    """Plans for the budget of a project at best values, one for each species and one for all of them.

    ``store``: a folder that keeps gains of sets.
    """
    plans: dict[str, Plan] = {}
    if rankings and project.spec.ranking.budget_usd is not None:
        asked: dict[str, dict[str, Ranking]] = {n: {n: r} for n, r in rankings.items()}
        if len(rankings) > 1:
            asked[ALL] = dict(rankings)
        for done, (name, ranking) in enumerate(asked.items()):
            if tell is not None:
                tell(done, len(asked))
            plans[name] = _plan(project, ranking, name == ALL, store)
    return plans


def sets_to_draw(plans: Mapping[str, Plan], species: str) -> list[list[str]]:
    """Sets of sites that are opened together in the draws of a species: of every plan that counts it, two."""
    return [ids for plan in _drawable(plans, species).values() for ids in plan_sets(plan)]


def _drawable(plans: Mapping[str, Plan], species: str) -> dict[str, Plan]:
    return {n: p for n, p in plans.items() if species in p.rankings and p.view == "circuit" and p.sites}


def make_choice(project: Project, rankings: Mapping[str, Ranking], plans: Mapping[str, Plan]) -> Choice:
    """The plans with their draws, their money and their hectares."""
    if not rankings:
        return Choice()
    plans = {n: p.on({k: rankings[k] for k in p.rankings}) for n, p in plans.items()}
    drawn = _drawn(project, plans)
    money = project.spec.cost_benefit
    options: dict[str, Any] = {
        "years": money.years, "rates": money.rates, "collisions_avoided": money.collisions_avoided,
        "usd_per_collision": estimate(money.usd_per_collision, "USD"),
    }  # fmt: skip
    tables, hectares = [], []
    for ranking in rankings.values():
        top = ranking.table["id"].head(project.spec.ranking.top)
        table = cost_benefit(ranking, **options)
        tables.append(table[table["id"].isin(top)].assign(plan=""))
        hectares.append(offset_account(ranking).assign(plan=""))
    for name, plan in plans.items():
        table = cost_benefit(plan, **options)
        tables.append(table[table["id"] == "plan"].assign(plan=name))
        hectares.append(offset_account(plan).assign(plan=name))
    return Choice(
        dict(plans), pd.concat(tables, ignore_index=True), pd.concat(hectares, ignore_index=True), drawn
    )


def _drawn(project: Project, plans: Mapping[str, Plan]) -> dict[str, PlanDraws]:
    """Every plan in the draws of its species, which were made with :func:`sets_to_draw`."""
    parts: dict[str, dict[str, Any]] = {}
    for species in dict.fromkeys(k for p in plans.values() for k in p.rankings):
        mine = _drawable(plans, species)
        for at, (name, plan) in enumerate(mine.items()):
            draws = plan.rankings[species].draws
            if draws is not None:
                two = draws.together_gains[:, 2 * at : 2 * at + 2]
                parts.setdefault(name, {})[species] = (draws, two)
    budget = project.spec.ranking.budget_usd
    return {n: from_draws(plans[n], float(budget or 0.0), p) for n, p in parts.items()}


def _plan(project: Project, rankings: Mapping[str, Ranking], several: bool, store: Path | None) -> Plan:
    asked, how = project.spec.portfolio, project.spec.ranking
    assert how.budget_usd is not None
    first = next(iter(rankings.values()))
    shares = MANY_CURVE if len(first.sites) > MANY else CURVE
    budgets = asked.budgets or [share * how.budget_usd for share in shares]
    return portfolio(
        rankings, how.budget_usd, weights=asked.weights if several and asked.weights else None,
        rule=asked.rule if several else "weighted", view=asked.view, must=asked.must, must_not=asked.must_not,
        min_spacing_km=asked.spacing_km, per_stretch=asked.per_stretch, budgets=budgets,
        starts=STARTS, rng=how.seed, keep=Keep(store, "" if store is None else _same(rankings)),
    )  # fmt: skip


def _same(rankings: Ranking | Mapping[str, Ranking]) -> str:
    """Hash of all that the gains of sets hang on."""
    every = [rankings] if isinstance(rankings, Ranking) else list(rankings.values())
    return content_hash([
        inputs_hash(r.land, r.engine.patches, [s.interventions for s in r.sites], [], r.engine.inside) for r in every
    ])  # fmt: skip


# ---------------------------------------------------------------- as tables
def plan_table(plans: Mapping[str, Plan]) -> gpd.GeoDataFrame | None:
    """Chosen sites of all plans, one row each: where, what, cost, and what each would gain alone."""
    parts = []
    keep = [
        "id",
        "line",
        "km_from",
        "km_to",
        "length_km",
        "treatment",
        "cost_usd_low",
        "cost_usd",
        "cost_usd_high",
    ]
    for name, plan in plans.items():
        part = plan.table[[*keep, "geometry"]].copy()
        part.insert(0, "plan", name)
        for species, ranking in plan.rankings.items():
            alone = ranking.table.set_index("id")[f"gain_{MAIN}"]
            part[f"gain_alone_{species}"] = alone.reindex(part["id"]).to_numpy()
        parts.append(part)
    if not parts:
        return None
    crs = next(iter(plans.values())).table.crs
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=crs)


# ---------------------------------------------------------------- as numbers with units
def choice_summary(project: Project, choice: Choice) -> dict[str, Any]:
    """What ``summary.json`` says of the choice: every plan, money and hectares."""
    out: dict[str, Any] = {}
    if choice.plans:
        budget = _with_unit("budget_usd", project.spec.ranking.budget_usd)
        out["plans"] = {
            n: {"budget_usd": budget, **_told(p), **_sure(choice.drawn.get(n))}
            for n, p in choice.plans.items()
        }
    if choice.money is not None and len(choice.money):
        out["cost_benefit"] = [_row(r) for r in choice.money.to_dict("records")]
    if choice.hectares is not None and len(choice.hectares):
        out["offset_account"] = [_row(r) for r in choice.hectares.to_dict("records")]
    return out


def _told(plan: Plan) -> dict[str, Any]:
    gain_unit = "1"
    told: dict[str, Any] = {
        "view": plan.view,
        "rule": plan.rule,
        "sites": plan.sites,
        "cost_usd": _with_unit("cost_usd", plan.cost_usd),
        "gain": {"value": plan.gain, "unit": gain_unit},
        "bound": {"value": plan.bound, "unit": gain_unit},
        "gap": {"value": plan.gap, "unit": "1"},
        "bound_cut_off": plan.bound_cut_off,
        "species": {r["species"]: _row(r, "species") for r in plan.species.to_dict("records")},
        "methods": {r["method"]: _row(r, "method") for r in plan.methods.to_dict("records")},
        "near_best": [_row(r) for r in plan.near_best.to_dict("records")],
        "curve": [_row(r) for r in plan.curve.to_dict("records")] if plan.curve is not None else [],
        "indices": {},
        "afterwards": [_row(r) for r in plan.next_best().head(AFTERWARDS).to_dict("records")],
    }
    for r in plan.indices.to_dict("records"):
        told["indices"].setdefault(r["species"], {})[r["index"]] = {
            k: _with_unit(r["index"], r[k]) for k in ("before", "after", "gain")
        }
    if plan.pareto is not None:
        told["pareto"] = [_row(r) for r in plan.pareto.to_dict("records")]
    return told


def _sure(drawn: PlanDraws | None) -> dict[str, Any]:
    """How the plan does in the draws, by species, and in how many of them the money is enough."""
    if drawn is None:
        return {}
    rows = drawn.table.to_dict("records")
    told: dict[str, Any] = {
        "one_by_one": drawn.one_by_one,
        "drawn": {r["species"]: _row(r, "species") for r in rows},
    }
    if drawn.share_within_budget is not None:
        told["share_within_budget"] = {"value": drawn.share_within_budget, "unit": "1"}
    return told


def _row(row: Mapping[Any, Any], *without: str) -> dict[str, Any]:
    """Numbers of a row with their unit, words as they are."""
    return {
        str(k): _with_unit(str(k).removesuffix("_low").removesuffix("_high"), v) if _is_number(v) else v
        for k, v in row.items()
        if k not in without
    }


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, bool)) and value is not None and not isinstance(value, (list, tuple))


def _with_unit(name: str, value: Any) -> dict[str, Any]:
    units = {"gain_per_musd": "per million USD", "years": "years"}
    if name.endswith("_per_musd"):
        unit = f"{unit_of(name.removesuffix('_per_musd'))} per million USD"
    elif name.endswith("_qha"):
        unit = "quality ha"
    else:
        unit = units.get(name, unit_of(name))
    return {"value": value, "unit": unit}
