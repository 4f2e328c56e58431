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
from permeability.core.tasks import RunOn
from permeability.impact.line_pressure import LinePressure, pressure
from permeability.impact.what_if import Evaluator
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.index_table import INDICES, MAIN, gain_of
from permeability.linkage.measured import Measured
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.rank_draws import RankDraws, draw_ranks
from permeability.ranking.unknown_numbers import VARY

__all__ = ["SORT_BY", "Ranking", "rank"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
SORT_BY = MAIN


@dataclass(frozen=True, eq=False)
class Ranking(Face):
    """Ranked candidates.

    Attributes
    ----------
    land : Landscape
    table : geopandas.GeoDataFrame
        One row per candidate by falling gain: ``rank``, ``id``, ``line``, ``km_from``, ``km_to``, ``length_km``,
        ``treatment``, ``gain_<index>`` for every index (positive = better), ``cost_usd_low / cost_usd / cost_usd_high``,
        ``gain_per_musd``, ``pressure`` and ``passages`` (:mod:`permeability.impact.line_pressure`), geometry.
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
        return pressure(self.land, view.patches, chosen, length_m=length_m, engine=LinePressure(view))

    def __repr__(self) -> str:
        columns = [
            "rank",
            "id",
            f"gain_{self.sort_by}",
            "gain_reachable_km2",
            "gain_range_cut_off_km2",
            "cost_usd",
        ]
        body = self.table[columns].head(10).to_string(index=False)
        return "\n".join(
            [
                f"{len(self.table)} candidates for {self.land.profile.name()}, by {self.sort_by}",
                body,
                *self.notes,
            ]
        )


def rank(
    land: Landscape,
    patches: Patches,
    sites: Sequence[Candidate],
    *,
    inside: NDArray[np.bool_] | None = None,
    measured: Measured | None = None,
    sort_by: str = SORT_BY,
    draws: int = 0,
    rng: int | np.random.Generator = 1,
    vary: Sequence[str] = VARY,
    draws_anew: int | None = None,
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
        One of :data:`permeability.linkage.landscape_indices.INDICES`.
    draws : int
        Draws of the unknown numbers; 0 for none.  They rank by the gain in mean conductance.
    rng : int or numpy.random.Generator
        Seed of the draws.
    vary : sequence of str
        Kinds of unknown numbers to draw, from :data:`permeability.ranking.unknown_numbers.KINDS`; ``"map"`` and ``"habitat"`` on
        request, since every landscape of theirs has to be made anew (:func:`draw_costs` says what that takes).
    draws_anew : int, optional
        How many landscapes are made anew for ``"map"`` and ``"habitat"``; the draws take turns on them.  Default: one
        for every draw.
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
        With draws also ``rank_low``, ``rank_median``, ``rank_high`` (5, 50, 95 % of the draws), ``share_in_top``,
        ``gain_low / gain_median / gain_high`` of the mean conductance, ``alike`` (number of the group of candidates that
        cannot be told apart, 1 = the best) and ``moved_by`` (the unknown number that moves its rank most).

    Notes
    -----
    Gains are differences of exact values.  Least-cost fields are lowered from the opened edges to their new fixed
    point, which equals a re-run.  Ties go by the gain in reachable range, then by cost, then by kilometre.

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
    check_choice("sort_by", sort_by, INDICES)
    inside = land.valid if inside is None else inside
    lines = list(dict.fromkeys(line for s in sites for line in s.lines))
    steps = [s.interventions for s in sites]
    on, todo = RunOn(workers, scheduler, store, progress), len(sites) + draws
    engine = Evaluator(land, patches, inside, lines, measured)
    found = engine.singles(steps, progress=on.part(0, todo).progress)
    pressed = LinePressure(engine.view)
    rows = [_row(land, site, engine.today, after, pressed) for site, after in zip(sites, found)]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=land.grid.crs)
    drawn = None
    if draws:
        drawn = draw_ranks(
            land, patches, steps, lines, draws=draws, rng=rng, vary=vary, draws_anew=draws_anew,
            costs=[(s.treatment, s.cost_usd) for s in sites], on=on.part(len(sites), todo),
        )  # fmt: skip
        table = table.join(drawn.table(top, worth_usd_per_gain=worth_usd_per_gain, budget_usd=budget_usd))
    order = np.lexsort(
        (table["km_from"], table["cost_usd"], -table["gain_reachable_km2"], -table[f"gain_{sort_by}"])
    )
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    notes = unmoved(table, engine, sites) + mixed_kinds(sites)
    gaps = None
    if drawn is not None:
        gaps = gap_table(drawn, [s.id for s in sites])
        notes += draw_notes(drawn, [s.id for s in sites], gaps)
    return Ranking(land, table, sort_by, engine.today, notes, drawn, gaps, list(sites), engine)


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


def draw_notes(drawn: RankDraws, ids: Sequence[str], gaps: pd.DataFrame) -> list[str]:
    """Which of the best candidates cannot be told apart, and which unknown numbers move the ranking most."""
    groups = drawn.together()
    place = next((i for i, g in enumerate(groups) if len(g) > 1), 0)
    alike, notes = groups[place], []
    if len(alike) > 1:
        names = ", ".join(ids[k] for k in alike[:12])
        more = f" and {len(alike) - 12} more" if len(alike) > 12 else ""
        lead = "These sections cannot be told apart at the top"
        if place:
            best = ", then ".join(ids[g[0]] for g in groups[:place])
            lead = f"Ahead of the others: {best}. Behind, these sections cannot be told apart"
        notes.append(f"{lead}: {names}{more}.")
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
    press, passages = pressed.of_steps(site.interventions)
    return {
        "id": site.id, "line": site.line, "km_from": site.km_from, "km_to": site.km_to,
        "length_km": site.km_to - site.km_from, "treatment": site.treatment,
        **gain, "cost_usd_low": low, "cost_usd": best, "cost_usd_high": high,
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
