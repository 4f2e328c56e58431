"""Which stretch first: every candidate opened by itself, exactly, and ranked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import BarrierError, check_choice
from permeability.core.keeping import Keep
from permeability.core.progress import long_job
from permeability.core.result_rows import Rows
from permeability.core.tasks import HERE, RunOn
from permeability.core.texts import Said, Worded
from permeability.engines.kernels.ahead import expects
from permeability.impact.line_pressure import LinePressure, pressure
from permeability.impact.what_if import Evaluator
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.exposure import hazard
from permeability.linkage.index_table import INDICES, gain_of
from permeability.linkage.measured import Measured
from permeability.linkage.movement_chain import MovementChain, movement_chain
from permeability.ranking.arrivals import ARRIVALS, add_arrivals, same_land
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.drawn_reach import STATES
from permeability.ranking.opening_use import opening_use
from permeability.ranking.rank_draws import draw_ranks, inputs_hash
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.ranked_order import SORT_BY, has_gain, order, ordered_by
from permeability.ranking.ranking_notes import SHORT, draw_notes, mixed_kinds, unmoved
from permeability.ranking.unknown_numbers import LANDSCAPES, VARY

__all__ = ["Ranking", "rank", "short_candidates", "with_draws"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
SETTLED_CELLS = 4  # a stretch of fewer cells is warned of


@dataclass(frozen=True, eq=False)
class Ranking(Rows):
    """Ranked candidates.

    Attributes
    ----------
    land : Landscape
    table : geopandas.GeoDataFrame
        One row per candidate by falling gain (see :func:`~permeability.ranking.ranked_order.order`): ``rank``, ``id``, ``line``, ``km_from``, ``km_to``,
        ``length_km``, ``treatment``, ``gain_<index>`` for every index at best values (positive = better), ``has_gain``
        (see :func:`~permeability.ranking.ranked_order.has_gain`), ``use_low / use / use_high`` (chance that an animal that meets the opening crosses what
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
    def best(self) -> pd.Series:
        """The first row: the candidate that leads the ranking."""
        return self.table.iloc[0]

    def head(self, n: int = 5) -> gpd.GeoDataFrame:
        """The first rows.

        Parameters
        ----------
        n : int

        Returns
        -------
        geopandas.GeoDataFrame
        """
        return self.table.head(n)

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
@long_job("rank")
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
    progress: Any = None,
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
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

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
    on, todo = (
        RunOn(workers, scheduler, store, progress),
        len(sites) + draws + min(STATES, draws),
    )
    expects("rank")
    engine = Evaluator(land, patches, inside, lines, measured)
    keep = Keep(store, "" if store is None else inputs_hash(land, patches, steps, [], inside))
    found = keep("every candidate alone", lambda: engine.singles(steps, progress=on.part(0, todo).progress))
    pressed = LinePressure(engine.view)
    rows = [_row(land, site, engine.today, after, pressed) for site, after in zip(sites, found)]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=land.grid.crs)
    today = dict(engine.today)
    told: list[str] = []
    if sort_by == ARRIVALS and chain is None:
        chain = movement_chain(land, patches, death_per_km=hazard(land))
    if chain is not None:
        same_land(chain, land)
        today[ARRIVALS], told = add_arrivals(table, chain, steps)
    found_today = Ranking(land, table, sort_by, today, told, None, None, list(sites), engine, pressed)
    if not draws:
        return _in_order(found_today, None, top, worth_usd_per_gain, budget_usd)
    return with_draws(
        found_today, draws=draws, rng=rng, vary=vary, draws_anew=draws_anew, top=top,
        worth_usd_per_gain=worth_usd_per_gain, budget_usd=budget_usd, on=on.part(len(sites), todo),
    )  # fmt: skip


def with_draws(
    ranking: Ranking,
    *,
    draws: int,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int = LANDSCAPES,
    top: int = 10,
    worth_usd_per_gain: float | None = None,
    budget_usd: float | None = None,
    together: Sequence[Sequence[str]] = (),
    on: RunOn = HERE,
) -> Ranking:
    """A ranking with its candidates drawn as well, exact in every draw, as :func:`rank` does when it is asked for draws.

    Parameters
    ----------
    ranking : Ranking
    draws, rng, vary, draws_anew, top, worth_usd_per_gain, budget_usd
        As for :func:`rank`.
    together : sequence of sequences of str
        Ids of candidates that are opened together in the same draws: ``draws.together_gains``.
    on : RunOn
        Workers, a store, whom to tell.

    Returns
    -------
    Ranking
        With draws, and in their order.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> drawn = with_draws(sites, draws=20, together=[["F km 2-4", "F km 4-6"]]).draws
    >>> bool((drawn.together_gains[:, 0] > drawn.gains.max(axis=1)).all())  # two are worth more than any one
    True
    """
    land, engine, sites = ranking.land, ranking.engine, ranking.sites
    by_id = {s.id: s for s in sites}
    drawn = draw_ranks(
        land, engine.patches, [s.interventions for s in sites], list(dict.fromkeys(line for s in sites for line in s.lines)),
        draws=draws, rng=rng, vary=vary, draws_anew=draws_anew, inside=engine.inside,
        costs=[(s.treatment, s.cost_usd) for s in sites],
        together=[[i for name in names for i in by_id[name].interventions] for names in together], on=on,
    )  # fmt: skip
    return _in_order(ranking, drawn, top, worth_usd_per_gain, budget_usd)


def _in_order(
    found: Ranking,
    drawn: RankDraws | None,
    top: int,
    worth_usd_per_gain: float | None,
    budget_usd: float | None,
) -> Ranking:
    """Table, notes and gaps of a ranking; with draws by them."""
    land, engine, sites = found.land, found.engine, found.sites
    table = found.table
    if drawn is not None:
        more = drawn.table(top, worth_usd_per_gain=worth_usd_per_gain, budget_usd=budget_usd)
        table = table.drop(columns=["rank", "rank_best_values", "has_gain", *more], errors="ignore")
        given = {s.id: k for k, s in enumerate(sites)}
        if list(table["id"]) != list(given):  # rows in the order of the candidates, as the draws are
            table = table.iloc[np.argsort(table["id"].map(given).to_numpy())].reset_index(drop=True)
        table = table.join(more)
    table = order(table, found.sort_by)
    table["has_gain"] = has_gain(table, engine.today["mean_conductance"])
    notes = unmoved(table, engine, sites)
    notes += [*found.notes, *mixed_kinds(sites), *short_candidates(table, land.grid.cell_size)]
    gaps = None
    if drawn is not None:
        gaps = gap_table(drawn, [s.id for s in sites])
        notes += draw_notes(table, gaps)
    return replace(found, table=table, notes=list(dict.fromkeys(notes)), draws=drawn, knowledge_gaps=gaps)


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
    ['Of 2 candidates, 2 are shorter than four cells (4 km): which of two neighbours is better is not settled at this cell size.']
    """
    length = 1000 * (table["km_to"] - table["km_from"]).to_numpy(float)
    short = int(((length > 0) & (length < SETTLED_CELLS * cell_size * (1 - 1e-9))).sum())
    if short <= table["line"].nunique():
        return []
    return [
        Worded(Said(SHORT, {"n": short, "all": len(table), "km": f"{SETTLED_CELLS * cell_size / 1000:g}"}))
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
