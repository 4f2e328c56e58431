"""Which set of candidates for a budget: one species or several, every set evaluated exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, check_choice, nearest
from permeability.core.guesses import suggests_keywords
from permeability.core.keeping import KEEP_NOTHING, Keep
from permeability.core.progress import long_job
from permeability.core.tasks import content_hash
from permeability.linkage.index_table import gain_of
from permeability.planning.budget_questions import budget_curve, next_best, pareto
from permeability.planning.gain_bounds import columns_plan, relaxed_bound
from permeability.planning.joint_gains import CircuitGains, Gains, LeastCostGains, exclusive_pairs
from permeability.planning.searches import find_bundles
from permeability.planning.set_gains import Answers, Objective
from permeability.planning.set_rules import Bound, Members, Rules, spacing
from permeability.planning.set_search import EXHAUSTIVE, Portfolio, choose
from permeability.ranking.candidate_sites import Candidate, merged
from permeability.ranking.ranking import Ranking

__all__ = ["Plan", "bundled_candidates", "portfolio"]

Floats = NDArray[np.float64]
RULES = ("weighted", "worst_of", "pareto")
VIEWS = ("circuit", "least_cost")
UNITS = {"circuit": "mean conductance", "least_cost": "mean efficiency of the ways"}
TANGENTS = 12  # of the relaxed bound
Stretch = tuple[str, float, float]


@dataclass(frozen=True, eq=False)
class Plan(Face):
    """The chosen candidates and how sure the choice is.

    Attributes
    ----------
    rankings : dict
        Name of each species (and season) -> Ranking.
    view : {"circuit", "least_cost"}
    rule : {"weighted", "worst_of", "pareto"}
    table : geopandas.GeoDataFrame
        The chosen rows of the first ranking's table.
    gain : float
        Of all together: in mean conductance (circuit view) or mean efficiency of the ways (least-cost view) [1]; with
        several species the weighted mean, or the smallest, of their shares of what all candidates together would give.
    cost_usd : float
    species : pandas.DataFrame
        One row per species: ``species``, ``weight``, ``gain``, ``gain_of_all`` (every candidate built), ``share``.
    methods : pandas.DataFrame
        What every search found, plain score-and-rank among them.
    bound, gap : float
        No plan within the rules gains more than ``bound``; ``gap = (bound - gain) / bound``.
    near_best : pandas.DataFrame
        Other plans of nearly the same gain, sites by id.
    indices : pandas.DataFrame
        Every index before and after, by species.
    curve : pandas.DataFrame or None
        Gain against budget, when budgets were asked for.
    pareto : pandas.DataFrame or None
        Plans that no other plan found beats for one species without losing for another: one ``gain_<species>`` each;
        ``chosen`` marks this one.
    bound_cut_off : bool
        The search for a tighter bound stopped at its limit of branches; ``bound`` holds all the same.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> plan = pm.portfolio(sites, budget_usd=3000)
    >>> len(plan.table), plan.cost_usd <= 3000
    (1, True)
    """

    _face: ClassVar[str] = "plan"

    rankings: dict[str, Ranking]
    view: str
    rule: str
    table: gpd.GeoDataFrame
    gain: float
    cost_usd: float
    species: pd.DataFrame
    methods: pd.DataFrame = field(repr=False)
    bound: float
    gap: float
    near_best: pd.DataFrame = field(repr=False)
    indices: pd.DataFrame = field(repr=False)
    curve: pd.DataFrame | None = field(default=None, repr=False)
    pareto: pd.DataFrame | None = field(default=None, repr=False)
    bound_cut_off: bool = False
    _objective: Objective | None = field(default=None, repr=False)

    @property
    def ranking(self) -> Ranking:
        """The first ranking."""
        return next(iter(self.rankings.values()))

    @property
    def sites(self) -> list[str]:
        """Ids of the chosen candidates."""
        return [str(i) for i in self.table["id"]]

    def on(self, rankings: Mapping[str, Ranking]) -> Plan:
        """The same plan with the rows of other rankings of the same candidates (one a species), such as those with draws."""
        rows = next(iter(rankings.values())).table
        table = rows[rows["id"].isin(self.sites)].reset_index(drop=True)
        return replace(self, rankings=dict(rankings), table=table)

    def next_best(self, built: Sequence[str] | None = None) -> pd.DataFrame:
        """What to do after a pilot: every other candidate by its gain per cost with the built ones standing.

        Parameters
        ----------
        built : sequence of str, optional
            Ids of what is built; the whole plan by default.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``gain``, ``cost_usd``, ``gain_per_musd``, and with several species ``gain_<species>``.
        """
        assert self._objective is not None
        sites = self.ranking.sites
        ids = [s.id for s in sites]
        done = _numbers(self.sites if built is None else built, ids)
        found = next_best(self._objective, done, [s.cost_usd.best for s in sites])
        out = pd.DataFrame({
            "id": [ids[k] for k in found["site"]], "gain": found["gain"], "cost_usd": found["cost"],
            "gain_per_musd": found["gain_per_cost"] * 1e6,
        })  # fmt: skip
        if len(self.rankings) > 1:
            now = self._objective.vector(done)
            for i, name in enumerate(self.rankings):
                out[f"gain_{name}"] = [self._objective.vector((*done, k))[i] - now[i] for k in found["site"]]
        return out

    def __len__(self) -> int:
        return len(self.table)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.sites)

    def __repr__(self) -> str:
        unit = UNITS[self.view] if len(self.rankings) == 1 else "share of what all candidates would give"
        lines = [
            f"Plan of {len(self.table)} candidates for {self.cost_usd:,.0f} USD: {', '.join(self.sites)}",
            f"  gain {self.gain:.4g} ({unit}), at most {100 * self.gap:.1f} % below the bound",
        ]
        if len(self.rankings) > 1:
            lines.append(self.species.to_string(index=False))
        return "\n".join([*lines, self.indices.to_string(index=False)])


@suggests_keywords
@long_job("choice")
def portfolio(
    rankings: Ranking | Sequence[Ranking] | Mapping[str, Ranking],
    budget_usd: float,
    *,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    rule: str = "weighted",
    view: str = "circuit",
    must: Sequence[str] = (),
    must_not: Sequence[str] = (),
    min_spacing_km: float | None = None,
    per_stretch: Sequence[Stretch] = (),
    budgets: Sequence[float] = (),
    near: float = 0.05,
    starts: int = 6,
    rng: int | np.random.Generator = 1,
    workers: int = 1,
    keep: Keep = KEEP_NOTHING,
    progress: Any = None,
) -> Plan:
    """The best set of candidates under a budget, for one species or several.

    Parameters
    ----------
    rankings : Ranking, sequence or mapping of them
        The same candidates ranked for each species (or season); names are those of the mapping, or the species.
    budget_usd : float
        Most to spend, at best costs [USD].
    weights : mapping or sequence of float, optional
        Weight of each species; 1 by default.
    rule : {"weighted", "worst_of", "pareto"}
        ``weighted``: the weighted mean of what each species gets, as a share of what all candidates together would
        give it; ``worst_of``: the smallest of these shares (weights divide: a species of weight 2 counts when it gets
        half); ``pareto``: as ``weighted``, with more plans searched for the table of who gains and who loses.
    view : {"circuit", "least_cost"}
        Animals that do not know the way, with a bound by a concave relaxation; or animals that do, proven by an
        integer program over the ways.
    must, must_not : sequence of str
        Ids of candidates that are in every plan, or in none.
    min_spacing_km : float, optional
        Smallest distance between the middles of two chosen stretches of one line [km].
    per_stretch : sequence of (line, km from, km to)
        On each of these at least one candidate is chosen.
    budgets : sequence of float
        Further budgets for the curve of gain against money [USD]; they are searched greedily only, and those
        within which no plan obeys the rules are left out.
    near : float
        Plans within this share of the best gain are listed as nearly as good.
    starts : int
        Randomised starts of the search.
    rng : int or numpy.random.Generator
    workers : int
        Threads for the fields of the least-cost view.
    keep : Keep, optional
        Where the gains of sets and the bound are kept, and looked up; its inputs are those of the rankings.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        O45 for an id that is not a candidate, O60 when the rankings are not of the same candidates, O61 for a stretch
        without any, O62 when no candidate helps a species, O41 to O44 of :func:`permeability.planning.set_search.choose`,
        O63 and O64 of the least-cost view.

    Notes
    -----
    Two treatments of one place, and a bundle and its parts, are never chosen together.  Of more than 300 candidates the searches look
    at fewer sets, see :func:`permeability.planning.set_search.choose`; the gap to the bound says what that can cost.

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
    check_choice("rule", rule, RULES)
    check_choice("view", view, VIEWS)
    tell = progress or (lambda done, total: None)
    named = _named_rankings(rankings)
    sites = next(iter(named.values())).sites
    ids = [s.id for s in sites]
    cost = np.array([s.cost_usd.best for s in sites])
    options = plan_rules(
        sites, must=must, must_not=must_not, min_spacing_km=min_spacing_km, per_stretch=per_stretch
    )
    gains = _views(named, view, options["apart"], workers)
    share = _weights(weights, list(named))
    everything = Objective(gains, np.ones(len(gains))).vector(
        [k for k in range(len(ids)) if k not in options["must_not"]]
    )
    objective = Objective(gains, _factors(share, everything, list(named), rule), rule == "worst_of")
    asked = (
        Answers.of(keep(f"sets and their gains, {view}", list)) if keep.store is not None else objective.known
    )
    objective.known = asked
    solver = _Proof(objective, view, keep)
    settings: dict[str, Any] = {
        **options, "rng": rng, "starts": starts, "near": near, "monotone": all(g.monotone for g in gains),
        "bound": solver.bound if all(g.monotone for g in gains) else None, "searches": solver.searches(),
    }  # fmt: skip
    found = choose(objective, cost, budget_usd, **settings)
    tell(1, 2)
    curve = None
    if budgets:
        bound = None if view == "circuit" else settings["bound"]  # what all candidates give bounds the others
        quick = {**settings, "swaps": False, "bound": bound}
        curve = budget_curve(objective, cost, budgets, plans={budget_usd: found}, **quick)
    rules = Rules(
        cost, budget_usd, options["must"], options["must_not"], options["apart"], options["stretches"]
    )
    front = None
    if len(named) > 1:
        if rule == "pareto":
            _search_front(objective, everything, cost, budget_usd, settings)
        front = _front(objective, rules, found.members, list(named), ids)
    keep.again(f"sets and their gains, {view}", asked.told())
    tell(2, 2)
    return _plan(named, view, rule, found, objective, (share, everything), curve, front, ids)


def bundled_candidates(ranking: Ranking, *, most: int = 40) -> list[Candidate]:
    """Candidates that are worth far more together than one by one, each chain as one further candidate.

    Parameters
    ----------
    ranking : Ranking
    most : int
        Largest number of candidates searched.

    Returns
    -------
    list of Candidate
        Largest gain first; empty when the candidates add up.  Rank them beside their parts:
        ``pm.rank(land, patches, [*sites, *pm.bundled_candidates(ranking)])``.

    Examples
    --------
    Three sections of one fence stand in for each other, so there is no chain:

    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> pm.bundled_candidates(pm.rank(land, patches, pm.candidates(land, "F", length_m=3000)))
    []
    """
    sites = ranking.sites
    apart = exclusive_pairs(sites)
    value = Objective([CircuitGains(ranking, apart)], np.ones(1))
    cost = np.array([s.cost_usd.best for s in sites])
    found = find_bundles(value, Rules(cost, float("inf")), most=most)
    never = {frozenset(p) for p in apart}
    return [
        merged([sites[k] for k in chain])
        for chain in found
        if not any(frozenset((a, b)) in never for a in chain for b in chain if a != b)
    ]


# ---------------------------------------------------------------- what goes in
def _named_rankings(rankings: Ranking | Sequence[Ranking] | Mapping[str, Ranking]) -> dict[str, Ranking]:
    """Rankings by name, all of the same candidates at the same costs."""
    if isinstance(rankings, Ranking):
        rankings = [rankings]
    if not isinstance(rankings, Mapping):
        names = [_name_of(r) for r in rankings]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise OptionError(
                "O60", "two rankings have one name.", rows=sorted(twice),
                remedy='name them: {"khulan winter": ..., "khulan summer": ...}',
            )  # fmt: skip
        rankings = dict(zip(names, rankings))
    if not rankings:
        raise OptionError("O60", "there is no ranking to choose from.", remedy="rank candidates first")
    first = next(iter(rankings.values()))
    wanted = [(s.id, s.cost_usd.best) for s in first.sites]
    ids = [i for i, _ in wanted]
    twice = {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()
    if twice:
        raise OptionError("O60", "candidates share an id.", rows=sorted(twice), remedy="give each its own id")
    for name, ranking in rankings.items():
        mine = [(s.id, s.cost_usd.best) for s in ranking.sites]
        if mine != wanted:
            differ = [a[0] for a in set(wanted) ^ set(mine)]
            raise OptionError(
                "O60",
                f"the ranking of {name!r} is not of the same candidates at the same costs, or in another order.",
                rows=sorted(set(differ))[:20],
                remedy="rank one list of candidates for every species",
            )
    return dict(rankings)


def _name_of(ranking: Ranking) -> str:
    season = ranking.land.context.get("season")
    return f"{ranking.land.profile.id} {season}" if season else str(ranking.land.profile.id)


def plan_rules(
    sites: Sequence[Candidate], *, must: Sequence[str] = (), must_not: Sequence[str] = (),
    min_spacing_km: float | None = None, per_stretch: Sequence[Stretch] = (),
) -> dict[str, Any]:  # fmt: skip
    """Rules of a choice by number of candidate; see :func:`portfolio`."""
    ids = [s.id for s in sites]
    apart = exclusive_pairs(sites)
    if min_spacing_km is not None:
        middle = np.array([(s.km_from + s.km_to) / 2 for s in sites])
        apart += spacing(middle, min_spacing_km, np.array([s.line for s in sites]))
    return {
        "must": tuple(_numbers(must, ids)), "must_not": tuple(_numbers(must_not, ids)),
        "apart": tuple(sorted(set(apart))), "stretches": tuple(_on_stretch(sites, s) for s in per_stretch),
    }  # fmt: skip


def _on_stretch(sites: Sequence[Candidate], stretch: Stretch) -> tuple[int, ...]:
    line, low, high = stretch
    found = tuple(
        k
        for k, s in enumerate(sites)
        if any(i.line == line and i.km_from <= high and i.km_to >= low and
               (i.km_from == i.km_to or min(i.km_to, high) > max(i.km_from, low)) for i in s.interventions)
    )  # fmt: skip
    if not found:
        raise OptionError(
            "O61", f"no candidate lies on {line!r} between km {low:g} and km {high:g}.",
            remedy="widen the stretch, or add candidates there",
        )  # fmt: skip
    return found


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


def _views(
    named: Mapping[str, Ranking], view: str, apart: Sequence[tuple[int, int]], workers: int
) -> list[Gains]:
    if view == "circuit":
        return [CircuitGains(r, apart) for r in named.values()]
    return [LeastCostGains(r, apart, workers=workers) for r in named.values()]


def _weights(given: Mapping[str, float] | Sequence[float] | None, names: list[str]) -> Floats:
    """Weight of every species, > 0."""
    if given is None:
        return np.ones(len(names))
    if isinstance(given, Mapping):
        for key in given:
            check_choice("weights", key, names)
        given = [float(given.get(n, 1.0)) for n in names]
    found = np.asarray(given, dtype=np.float64)
    if found.shape != (len(names),) or not (found > 0).all() or not np.isfinite(found).all():
        raise OptionError(
            "O65", f"weights must be {len(names)} numbers above 0.", details={"species": ", ".join(names)},
            remedy="give one weight per species; leave a species out that must not count",
        )  # fmt: skip
    return found


def _factors(weights: Floats, everything: Floats, names: list[str], rule: str) -> Floats:
    """What the gain of each species is multiplied by, so that shares of what is possible are compared."""
    if len(names) == 1:
        return np.ones(1)
    if rule == "worst_of":
        idle = [n for n, g in zip(names, everything) if not g > 0]
        if idle:
            raise OptionError(
                "O62", "no candidate helps some of the species, so the smallest share is always 0.", rows=idle,
                remedy="leave these out, or use rule='weighted'",
            )  # fmt: skip
        return np.asarray(1.0 / (everything * weights))
    unit = np.where(everything > 0, everything, 1.0)
    return np.asarray(weights / weights.sum() / unit)


class _Proof:
    """Bound of the choice, and in the least-cost view the plan that proves it."""

    def __init__(self, objective: Objective, view: str, keep: Keep = KEEP_NOTHING) -> None:
        self.objective, self.view, self.keep = objective, view, keep
        self.answers: dict[float, Any] = {}

    def bound(self, rules: Rules) -> Bound:
        if self.view == "circuit":
            asked = content_hash(rules, self.objective.factors, self.objective.worst)
            value, cut_off = self.keep(
                f"bound {asked}", lambda: list(relaxed_bound(self._relaxed, rules, iterations=TANGENTS))
            )
            return Bound(float(value), bool(cut_off))
        if not self._complete():
            return Bound(float("inf"))
        plan = self._solve(rules)
        return Bound(float(plan.bound), plan.cut_off)

    def _relaxed(self, x: Floats) -> tuple[float, Floats]:
        """Value and slopes of the concave relaxation; circuit view only."""
        parts = []
        for g, factor in zip(self.objective.gains, self.objective.factors):
            assert isinstance(g, CircuitGains)
            value, slope = g.relaxed(x)
            parts.append((value * g.scale * factor, slope * g.scale * factor))
        if self.objective.worst:
            return min(parts, key=lambda p: p[0])
        return sum(v for v, _ in parts), np.sum([s for _, s in parts], axis=0)

    def searches(self) -> dict[str, Callable[[Rules], Members]]:
        if self.view == "circuit":
            return {}
        return {"integer program": lambda rules: self._solve(rules).members}

    def _complete(self) -> bool:
        return all(g.columns[1] for g in self.objective.gains if isinstance(g, LeastCostGains))

    def _solve(self, rules: Rules) -> Any:
        if rules.budget not in self.answers:
            columns = [g.columns[0] for g in self.objective.gains if isinstance(g, LeastCostGains)]
            self.answers[rules.budget] = columns_plan(
                columns, rules, weights=self.objective.factors, worst=self.objective.worst
            )
        return self.answers[rules.budget]


# ---------------------------------------------------------------- who gains, who loses
def _search_front(
    objective: Objective, everything: Floats, cost: Floats, budget: float, settings: Mapping[str, Any]
) -> None:
    """Best plans for many weightings of the species, and for the smallest share."""
    free = len(cost) - len(settings["must"]) - len(settings["must_not"])
    if free <= EXHAUSTIVE:
        return  # every set is known already
    unit = 1.0 / np.where(everything > 0, everything, 1.0)
    n, steps = len(unit), {2: 8, 3: 4}.get(len(unit), 2)
    parts = [np.array(p) / steps for p in product(range(steps + 1), repeat=n) if sum(p) == steps]
    quick = {**settings, "bound": None, "searches": None, "starts": 1, "bundles": ()}
    for part in parts:
        choose(objective.with_factors(np.maximum(part, 1e-6) * unit, False), cost, budget, **quick)
    choose(objective.with_factors(unit, True), cost, budget, **quick)


def _front(
    objective: Objective, rules: Rules, chosen: Members, names: list[str], ids: list[str]
) -> pd.DataFrame:
    """Plans that no other plan beats for one species without losing for another."""
    objective.vector(chosen)
    gains = objective.known.gains
    gains = np.where(np.abs(gains) < 1e-12 * np.abs(gains).max(initial=1e-300), 0.0, gains)
    other = np.arange(len(gains)) != objective.known.number(chosen)  # of plans alike the chosen one is shown
    order = np.lexsort((other, objective.known.spent(rules.cost), *(-gains.T)))
    kept: list[int] = []
    plans: dict[int, Members] = {}
    for i in order:  # first species best first: only those before it can beat a plan
        if not kept or not (gains[kept] >= gains[i] * (1 - 1e-12)).all(axis=1).any():
            plan = objective.known.members(int(i))
            if rules.allows(plan):
                kept.append(int(i))
                plans[int(i)] = plan
    keep = [i for i, on in zip(kept, pareto(gains[kept])) if on]
    rows = []
    for i in sorted(keep, key=lambda i: -gains[i][0]):
        row: dict[str, Any] = {f"gain_{n}": g for n, g in zip(names, gains[i])}
        row |= {
            "cost_usd": rules.spent(plans[i]),
            "sites": ", ".join(ids[k] for k in plans[i]),
            "chosen": plans[i] == chosen,
        }
        rows.append(row)
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- what comes out
def _plan(
    named: dict[str, Ranking], view: str, rule: str, found: Portfolio, objective: Objective,
    known: tuple[Floats, Floats], curve: pd.DataFrame | None, front: pd.DataFrame | None, ids: list[str],
) -> Plan:  # fmt: skip
    weights, everything = known
    names = list(named)
    first = named[names[0]]
    mine = objective.vector(found.members)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(everything > 0, mine / everything, np.nan)
    species = pd.DataFrame(
        {"species": names, "weight": weights, "gain": mine, "gain_of_all": everything, "share": share}
    )
    table = first.table[first.table["id"].isin([ids[k] for k in found.members])].reset_index(drop=True)
    methods, near = (_named(frame, ids, names, objective) for frame in (found.methods, found.near_best))
    return Plan(
        named, view, rule, table, found.gain, found.cost, species, methods, found.bound, found.gap, near,
        _indices(named, found.members), None if curve is None else _named(curve, ids, names, objective), front,
        found.bound_cut_off, objective,
    )  # fmt: skip


def _indices(named: Mapping[str, Ranking], members: Members) -> pd.DataFrame:
    """Every index of every species before and after a plan."""
    rows = []
    for name, ranking in named.items():
        engine = ranking.engine
        after = engine.after([i for k in members for i in ranking.sites[k].interventions])
        rows += [
            {"species": name, "index": k, "before": engine.today[k], "after": v, "gain": float(gain_of(k, engine.today[k], v))}
            for k, v in after.items()
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _named(frame: pd.DataFrame, ids: list[str], names: list[str], objective: Objective) -> pd.DataFrame:
    """Sites by id, and with several species the gain of each."""
    out = frame.copy()
    members = list(out["sites"])
    out["sites"] = [", ".join(ids[k] for k in row) for row in members]
    if len(names) > 1:
        for i, name in enumerate(names):
            out[f"gain_{name}"] = [float(objective.vector(row)[i]) for row in members]
    return out.rename(columns={"cost": "cost_usd", "budget": "budget_usd"})
