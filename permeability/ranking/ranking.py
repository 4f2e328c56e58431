"""Which stretch first: every candidate opened by itself, exactly, and ranked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.crossing_costs import width_of
from permeability.barriers.scenario import Intervention
from permeability.core.display import Face
from permeability.core.errors import BarrierError, check_choice
from permeability.core.keeping import Keep
from permeability.core.tasks import RunOn
from permeability.impact.line_pressure import LinePressure, pressure
from permeability.impact.what_if import Evaluator
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.exposure import hazard
from permeability.linkage.index_table import INDICES, MAIN, gain_of
from permeability.linkage.measured import Measured
from permeability.linkage.movement_chain import MovementChain, movement_chain
from permeability.ranking.arrivals import ARRIVALS, add_arrivals, same_land
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.drawn_reach import STATES
from permeability.ranking.opening_use import opening_use
from permeability.ranking.rank_draws import RankDraws, draw_ranks, inputs_hash
from permeability.ranking.unknown_numbers import LANDSCAPES, VARY

__all__ = [
    "SORT_BY", "Ranking", "draw_notes", "has_gain", "order", "ordered_by", "rank", "short_candidates",
]  # fmt: skip

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
SORT_BY = MAIN
SETTLED_CELLS = 4  # a stretch of fewer cells is warned of


@dataclass(frozen=True, eq=False)
class Ranking(Face):
    """Ranked candidates.

    Attributes
    ----------
    land : Landscape
    table : geopandas.GeoDataFrame
        One row per candidate by falling gain (see :func:`order`): ``rank``, ``id``, ``line``, ``km_from``, ``km_to``,
        ``length_km``, ``treatment``, ``gain_<index>`` for every index at best values (positive = better), ``has_gain``
        (see :func:`has_gain`), ``use_low / use / use_high`` (chance that an animal that meets the opening crosses what
        stands there then), ``cost_usd_low / cost_usd / cost_usd_high``, ``gain_per_musd``, ``pressure`` and ``passages``
        (:mod:`permeability.impact.line_pressure`), geometry.
    sort_by : str
        Index that the rank goes by.
    today : dict
        Index values before.
    notes : list of str
        What a reader must know, such as an index that no candidate moves, and why.
    draws : RankDraws or None
        Gains and ranks over draws of the unknown numbers; columns of candidates in the order they were given.
    knowledge_gaps : pandas.DataFrame or None
        What to find out first, one row per unknown number by falling share of the movement of ranks: ``number``,
        ``what`` (in words), ``share``, ``clear`` (whether the share is above what chance shows), ``most_moved`` (id of
        the candidate whose rank it moves most), ``low``, ``best``, ``high``, ``unit``, ``evidence``, ``source``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> sites.table["rank"].tolist(), sites.today["pairs_apart"]
    ([1, 2, 3, 4], 1.0)
    """

    _face: ClassVar[str] = "ranking"

    land: Landscape
    table: gpd.GeoDataFrame
    sort_by: str
    today: dict[str, float] = field(repr=False)
    notes: list[str] = field(default_factory=list)
    draws: RankDraws | None = field(default=None, repr=False)
    knowledge_gaps: pd.DataFrame | None = field(default=None, repr=False)
    sites: Sequence[Candidate] = field(default=(), repr=False)
    _engine: Evaluator | None = field(default=None, repr=False)
    _pressed: LinePressure | None = field(default=None, repr=False)

    @property
    def gain_column(self) -> str:
        """Column of the table that the order goes by, see :func:`ordered_by`."""
        return ordered_by(self.table, self.sort_by)

    @property
    def engine(self) -> Evaluator:
        """What evaluates further sets of these candidates exactly."""
        if self._engine is None:
            raise BarrierError(
                "B13", "this ranking was read back and cannot evaluate sets.", remedy="rank again"
            )
        return self._engine

    def pressure(self, line: str | None = None, *, length_m: float | None = None) -> gpd.GeoDataFrame:
        """Pressure and passages along a line of the candidates; see :func:`permeability.impact.line_pressure.pressure`.

        Parameters
        ----------
        line : str, optional
            The line of the best candidate by default.
        length_m : float, optional
            Length of a stretch [m].

        Returns
        -------
        geopandas.GeoDataFrame
        """
        view = self.engine.view
        chosen = line if line is not None else str(self.table["line"].iloc[0])
        known = LinePressure(view) if self._pressed is None else self._pressed
        return pressure(self.land, view.patches, chosen, length_m=length_m, engine=known)

    def __repr__(self) -> str:
        columns = [
            "rank",
            "id",
            self.gain_column,
            "gain_reachable_km2",
            "gain_range_cut_off_km2",
            "cost_usd",
        ]
        body = self.table[columns].head(10).to_string(index=False)
        return "\n".join(
            [
                f"{len(self.table)} candidates for {self.land.profile.name()}, by {self.gain_column}",
                body,
                *self.notes,
            ]
        )


@takes_landscape
def rank(
    land: Landscape,
    patches: Patches,
    sites: Sequence[Candidate],
    *,
    inside: NDArray[np.bool_] | None = None,
    measured: Measured | None = None,
    sort_by: str = SORT_BY,
    chain: MovementChain | None = None,
    draws: int = 0,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int = LANDSCAPES,
    top: int = 10,
    worth_usd_per_gain: float | None = None,
    budget_usd: float | None = None,
    workers: int = 1,
    scheduler: Any = None,
    store: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Open every candidate by itself, re-solve exactly, and rank by the gain.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sites : sequence of Candidate
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    measured : Measured, optional
        The same landscape, where something of it is known already.
    sort_by : str
        One of :data:`permeability.linkage.landscape_indices.INDICES`, or ``"arrivals"``: animals that arrive alive.
    chain : MovementChain, optional
        Of this landscape and these patches: adds ``gain_arrivals`` (exact, at best values) and ``trap`` (conducts more, and fewer
        arrive).  For ``sort_by="arrivals"`` a walk without aim that dies by the traffic of the roads, by default.
    draws : int
        Draws of the unknown numbers; 0 for none.
    rng : int or numpy.random.Generator
        Seed of the draws.
    vary : sequence of str
        Kinds of unknown numbers to draw, from :data:`permeability.ranking.unknown_numbers.KINDS`; all but ``"habitat"`` by
        default (:func:`permeability.ranking.draw_effort.draw_costs` says what each takes).
    draws_anew : int
        How many landscapes are made anew for ``"map"``, ``"origin"`` and ``"habitat"``; the draws take turns on them.
    top : int
        Size of the top that ``share_in_top`` is about.
    worth_usd_per_gain : float, optional
        What one unit of gain in mean conductance is worth [USD]; adds ``share_worth_it``.
    budget_usd : float, optional
        Adds ``share_in_budget``: the share of draws in which the best gain per money first buys this candidate.
    workers, scheduler
        Threads or a cluster for the draws, see :func:`permeability.core.tasks.run_tasks`; the results do not depend on
        them.
    store : path, optional
        Folder that keeps finished draws, so that a broken run goes on where it stopped.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    Ranking
        With draws also ``rank_best_values`` (the order at best values), ``rank_low``, ``rank_median``, ``rank_high`` (5, 50,
        95 % of the draws), ``share_in_top``, ``share_first``, ``gain_expected`` (mean over the draws) and ``gain_low / gain_median /
        gain_high`` of the mean conductance, ``gain_<index>_expected / _low / _high`` of ``pairs_apart``,
        ``range_cut_off_km2``, ``reachable_km2`` and ``eca_km2``, ``share_joins`` (draws in which it joins range or patches that
        were apart), ``alike`` (number of the group of candidates that cannot be told apart, 1 = the best) and
        ``moved_by`` (the unknown number that moves its rank most).

    Notes
    -----
    Gains are differences of exact values.  Least-cost fields are lowered from the opened edges to their new fixed
    point, which equals a re-run.  The table goes by the expected gain over the draws where there are draws, else by the
    gain at best values; ties by the gain in reachable range, then by cost, then by kilometre.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> found.table["gain_pairs_apart"].tolist()  # any opening joins the two patches
    [1.0, 1.0, 1.0, 1.0]
    >>> sorted(found.table["id"].head(2))  # the best ones lie between them (km 3 to 5)
    ['F km 2-4', 'F km 4-6']
    """
    check_choice("sort_by", sort_by, (*INDICES, ARRIVALS))
    inside = land.valid if inside is None else inside
    lines = list(dict.fromkeys(line for s in sites for line in s.lines))
    steps = [s.interventions for s in sites]
    on, todo = RunOn(workers, scheduler, store, progress), len(sites) + draws + min(STATES, draws)
    engine = Evaluator(land, patches, inside, lines, measured)
    keep = Keep(store, "" if store is None else inputs_hash(land, patches, steps, [], inside))
    found = keep("every candidate alone", lambda: engine.singles(steps, progress=on.part(0, todo).progress))
    pressed = LinePressure(engine.view)
    rows = [_row(land, site, engine.today, after, pressed) for site, after in zip(sites, found)]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=land.grid.crs)
    drawn = None
    if draws:
        drawn = draw_ranks(
            land, patches, steps, lines, draws=draws, rng=rng, vary=vary, draws_anew=draws_anew, inside=inside,
            costs=[(s.treatment, s.cost_usd) for s in sites], on=on.part(len(sites), todo),
        )  # fmt: skip
        table = table.join(drawn.table(top, worth_usd_per_gain=worth_usd_per_gain, budget_usd=budget_usd))
    today = dict(engine.today)
    told: list[str] = []
    if sort_by == ARRIVALS and chain is None:
        chain = movement_chain(land, patches, death_per_km=hazard(land))
    if chain is not None:
        same_land(chain, land)
        today[ARRIVALS], told = add_arrivals(table, chain, steps)
    table = order(table, sort_by)
    table["has_gain"] = has_gain(table, engine.today["mean_conductance"])
    notes = unmoved(table, engine, sites)
    notes += told + mixed_kinds(sites) + short_candidates(table, land.grid.cell_size)
    gaps = None
    if drawn is not None:
        gaps = gap_table(drawn, [s.id for s in sites])
        notes += draw_notes(table, gaps)
    return Ranking(land, table, sort_by, today, notes, drawn, gaps, list(sites), engine, pressed)


def ordered_by(table: pd.DataFrame, sort_by: str = SORT_BY) -> str:
    """The column that a ranking goes by: the expected gain over the draws where there is one, else the gain at best values.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`Ranking`.
    sort_by : str

    Returns
    -------
    str

    Examples
    --------
    >>> ordered_by(pd.DataFrame({"gain_mean_conductance": [1.0]}))
    'gain_mean_conductance'
    """
    drawn = "gain_expected" if sort_by == SORT_BY else f"gain_{sort_by}_expected"
    return drawn if drawn in table.columns else f"gain_{sort_by}"


def order(table: gpd.GeoDataFrame, sort_by: str = SORT_BY) -> gpd.GeoDataFrame:
    """Candidates by falling expected gain (:func:`ordered_by`), with ``rank`` and, beside draws, ``rank_best_values``.

    Parameters
    ----------
    table : GeoDataFrame
        Gains, costs and kilometres of the candidates.
    sort_by : str

    Returns
    -------
    GeoDataFrame

    Examples
    --------
    >>> sites = gpd.GeoDataFrame({
    ...     "gain_mean_conductance": [3.0, 2.0], "gain_expected": [1.0, 2.0], "gain_reachable_km2": 0.0, "cost_usd": 1.0,
    ...     "km_from": [0.0, 1.0], "geometry": [None, None]})
    >>> order(sites)[["rank", "rank_best_values"]].values.tolist()
    [[1, 2], [2, 1]]
    """
    best, drawn = f"gain_{sort_by}", ordered_by(table, sort_by)

    def by(column: str) -> NDArray[np.int64]:
        keys = (table["km_from"], table["cost_usd"], -table["gain_reachable_km2"], -table[column])
        return np.lexsort(keys).astype(np.int64)

    places = np.empty(len(table), np.int64)
    places[by(best)] = np.arange(1, len(table) + 1)
    first = by(drawn)
    table = table.iloc[first].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    if drawn != best:
        table.insert(1, "rank_best_values", places[first])
    return table


def has_gain(table: pd.DataFrame, today: float) -> NDArray[np.bool_]:
    """Whether a candidate gains: expected gain above zero and a 90 % range that does not lie at zero.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`Ranking`.
    today : float
        Mean conductance before; what is below 1e-9 of it is rounding.

    Returns
    -------
    bool array

    Examples
    --------
    >>> has_gain(pd.DataFrame({"gain_expected": [0.1, -0.1, 0.1], "gain_high": [0.2, 0.3, 0.0]}), 1.0).tolist()
    [True, False, False]
    """
    gain = table[ordered_by(table)].to_numpy(float)
    least = 1e-9 * max(float(today), float(np.abs(gain[np.isfinite(gain)]).max(initial=0.0)))
    above = gain > least
    return above & (table["gain_high"].to_numpy(float) > least) if "gain_high" in table.columns else above


def short_candidates(table: pd.DataFrame, cell_size: float) -> list[str]:
    """A note when stretches are shorter than four cells: which of neighbours is better then hangs on the grid.

    One short stretch for each line, what is left over at its end, is not counted.

    Parameters
    ----------
    table : DataFrame
        ``line``, ``km_from``, ``km_to`` of the candidates.
    cell_size : float
        [m]

    Returns
    -------
    list of str

    Examples
    --------
    >>> short_candidates(pd.DataFrame({"line": "F", "km_from": [0.0, 2.0], "km_to": [2.0, 4.0]}), 1000.0)
    ['2 of 2 candidates are shorter than four cells (4 km): which of two neighbours is better is not settled at this cell size.']
    """
    length = 1000 * (table["km_to"] - table["km_from"]).to_numpy(float)
    short = int(((length > 0) & (length < SETTLED_CELLS * cell_size * (1 - 1e-9))).sum())
    if short <= table["line"].nunique():
        return []
    return [
        f"{short} of {len(table)} candidates are shorter than four cells ({SETTLED_CELLS * cell_size / 1000:g} km): "
        "which of two neighbours is better is not settled at this cell size."
    ]


def gap_table(drawn: RankDraws, ids: Sequence[str]) -> pd.DataFrame:
    """What to find out first; see :class:`Ranking`."""
    shares = drawn.influence()
    about = pd.DataFrame(
        [
            {"number": u.key, "what": u.words, "kind": u.kind, "low": u.low, "best": u.best, "high": u.high,
             "unit": u.unit, "evidence": u.evidence, "source": u.source}
            for u in drawn.unknowns
        ],
        columns=["number", "what", "kind", "low", "best", "high", "unit", "evidence", "source"],
    )  # fmt: skip
    table = shares.merge(about, on="number", how="left")
    table["clear"] = table["share"] > table["number"].map(drawn.least_shares())
    table["most_moved"] = [ids[k] if k >= 0 else "" for k in table["most_moved"]]
    first = ["number", "what", "share", "clear", "most_moved"]
    return table[[*first, *(c for c in about.columns if c not in first)]]


def stretches(sites: Sequence[Candidate]) -> pd.DataFrame:
    """Lines and kilometres of candidates before anything is ranked."""
    rows = [(s.line, float(s.km_from), float(s.km_to)) for s in sites]
    return pd.DataFrame(rows, columns=["line", "km_from", "km_to"])


def draw_notes(table: pd.DataFrame, gaps: pd.DataFrame) -> list[str]:
    """Which of the best candidates cannot be told apart, and which unknown numbers move the ranking most.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`Ranking` with draws.
    gaps : DataFrame
        Its ``knowledge_gaps``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> sites = pd.DataFrame({"id": ["a", "b", "c"], "alike": [1, 1, 2], "has_gain": [True, True, False]})
    >>> draw_notes(sites, pd.DataFrame({"clear": [], "what": [], "share": []}))
    ['These sections cannot be told apart at the top: a, b.']
    """
    notes = []
    if not table["has_gain"].any():
        notes.append(
            "No candidate gains: the expected gain of each is zero or below, or its range lies at zero."
        )
    else:
        alike = table.loc[table["alike"] == 1, "id"].tolist()
        names = ", ".join(alike[:12]) + (f" and {len(alike) - 12} more" if len(alike) > 12 else "")
        if len(alike) > 1:
            notes.append(f"These sections cannot be told apart at the top: {names}.")
        else:
            notes.append(f"Ahead of every other section in more than 90 % of the draws: {names}.")
    moving = gaps[gaps["clear"]].head(3)
    if len(moving):
        named = ", ".join(f"{r.what} ({100 * r.share:.0f} %)" for r in moving.itertuples())
        notes.append(f"The unknown numbers that move the ranking most: {named}.")
    return notes


def _row(
    land: Landscape, site: Candidate, today: dict[str, float], after: dict[str, float], pressed: LinePressure
) -> dict[str, Any]:
    gain = {f"gain_{k}": float(gain_of(k, today[k], after[k])) for k in INDICES}
    low, best, high = site.cost_usd.as_tuple()
    use = opening_use(land, site.interventions)
    press, passages = pressed.of_steps(site.interventions)
    return {
        "id": site.id, "line": site.line, "km_from": site.km_from, "km_to": site.km_to,
        "length_km": site.km_to - site.km_from, "treatment": site.treatment,
        **gain, "use_low": use[0], "use": use[1], "use_high": use[2], "cost_usd_low": low, "cost_usd": best, "cost_usd_high": high,
        "gain_per_musd": gain[f"gain_{SORT_BY}"] / best * 1e6 if best > 0 else np.nan,
        "pressure": press, "passages": passages, "geometry": site.geometry(land),
    }  # fmt: skip


def mixed_kinds(sites: Sequence[Candidate]) -> list[str]:
    """What a reader must know of a ranking of stretches and structures together."""
    kinds = {width_of(step) is not None for s in sites for step in s.interventions}
    if len(kinds) < 2:
        return []
    return [
        "Gaps and structures count the animals that trace the barrier to them, removed and changed stretches count where they lie only: "
        "a stretch is understated beside a gap or structure."
    ]


def unmoved(table: pd.DataFrame, engine: Evaluator, sites: Sequence[Candidate]) -> list[str]:
    """Why an index that could be better is moved by no candidate, and which pair of barriers holds it."""
    room = {"pairs_apart": "pairs of patches stay apart", "range_cut_off_km2": "range stays cut off"}
    notes = []
    for index, words in room.items():
        if engine.today[index] > 0 and not (table[f"gain_{index}"] > 0).any():
            pair = holding_pair(engine, sites, index)
            if pair is None:
                why = "no single candidate lies between them"
            else:
                why = f"{pair[0]} and {pair[1]} hold it together: only opening both would join them"
            notes.append(f"No single candidate changes that {words}: {why}.")
    return notes


def holding_pair(engine: Evaluator, sites: Sequence[Candidate], index: str) -> tuple[str, str] | None:
    """Two barriers that only together hold an index where it is, or None.

    First the fences of the candidates' own lines that the candidates leave standing, then other lines.
    """
    land = engine.land
    for line in dict.fromkeys(line for s in sites for line in s.lines):
        whole = (Intervention("remove", line),)
        if _better(engine, whole, index):
            touched = {c for s in sites for i in s.interventions for c in (i.components or ())}
            fences = {c.name for i in land.barriers.rows_of(line) for c in land.components[i] if c.is_fence}
            left = sorted(fences - touched)
            return (
                (f"{line} {', '.join(sorted(touched))}", f"{line} {', '.join(left)}")
                if touched and left
                else None
            )
        for other in impassable_lines(land):
            if other != line and _better(engine, (*whole, Intervention("drop", other)), index):
                return line, other
    return None


def _better(engine: Evaluator, interventions: Sequence[Intervention], index: str) -> bool:
    after = engine.pieces_after(interventions)
    return bool(after[index] < engine.today[index])


def impassable_lines(land: Landscape) -> list[str]:
    """Lines with at least one impassable cut today."""
    closed = np.isinf(land.cut_costs.cost_m) & land.standing[land.cuts.barrier]
    return list(dict.fromkeys(land.barriers.table["line"].iloc[np.unique(land.cuts.barrier[closed])]))
