"""What pilots change: the numbers of a profile, and a ranking by its own draws, without a solve.

A draw of the unknown numbers counts as much as it makes likely what the pilots saw (importance weights; Kong et al. 1994,
doi:10.1080/01621459.1994.10476469, for the draws that they are worth).  The profile's own numbers are updated on the whole of 0..1, as pilots may
show that a range was wrong, which the draws of a ranking cannot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Estimate
from permeability.core.texts import N_, Said, plainly
from permeability.monitoring.beliefs import ChanceBelief, Posterior, RateBelief, posterior
from permeability.monitoring.pilot_evidence import Pilot, log_likelihood, pilots_of, site_nodes
from permeability.monitoring.regression import regression_to_mean
from permeability.ranking.held_draws import HeldRanking, held
from permeability.ranking.rank_statistics import middle
from permeability.ranking.ranked_order import ordered_by
from permeability.report.pilots import number_said
from permeability.species.profile import SpeciesProfile
from permeability.telemetry.calibration import cost_before

if TYPE_CHECKING:
    from permeability.ranking.ranking import Ranking

__all__ = ["FEW", "PilotUpdate", "pilot_weights", "update"]

Floats = NDArray[np.float64]
FEW = 100  # draws below which a reader is warned
LEAST = 20  # and below which nothing is said
OUTSIDE = 0.2  # share of the belief beyond the ends of the draws from which the ranking must be made anew
KEPT = (
    "rank",
    "rank_before",
    "id",
    "rank_low",
    "rank_high",
    "rank_low_before",
    "rank_high_before",
    "gain_before",
    "gain",
)
PERCENT = N_("{n}\xa0%")
NUMBERS = ("crossing.", "structures.", "road.p0")
ROUGH = N_(
    "The pilots leave {left} of {all} draws: rank ranges are rough. Run the project anew with the updated profile."
)
OVERRULED = N_(
    "{number}: the pilots are worth {seen} independent encounters, the profile {worth}: what the profile said hardly counts any more."
)
OVERRULED_KM = N_(
    "{number}: the pilots are worth {seen} km worked along the barrier, the profile {worth}: what the profile said hardly counts any more."
)
BEYOND = N_(
    "{number}: {share} of what is believed now lies beyond the range that the ranking drew from; the ranking below keeps to that range. Run the project anew with the updated profile."
)
PICKED = N_(
    "{pilot}: a result picked because it was the best is high by chance as well; it counts as the best of {many}."
)
SAME_LEADER = N_(
    "After the pilots {first} still leads, its expected gain {change}; {moved} of {all} candidates change their rank."
)
NEW_LEADER = N_(
    "After the pilots {first} leads in the place of {was}, its expected gain {change}; {moved} of {all} candidates change their rank."
)
NO_ONE_NUMBER = N_(
    "{pilot}: the chance at this opening hangs on {many} numbers ({numbers}); no number of the profile is changed by it."
)


@dataclass(frozen=True, eq=False)
class PilotUpdate(Face):
    """What pilots changed.

    Attributes
    ----------
    numbers : DataFrame
        One row per number that the pilots are about: ``number``, ``unit``, ``before_low``, ``before``, ``before_high`` (5, 50, 95 % of the
        belief), ``worth`` (encounters, or km worked, that the profile is worth), ``seen`` (independent ones that the pilots are worth),
        ``after_low``, ``after``, ``after_high``, ``after_mean``, ``outside`` (share of the belief beyond the ends that a ranking drew from).
    sites : DataFrame
        One row per pilot at a ranked candidate: ``site``, ``seen``, ``use_before``, ``use_after`` (of openings like it), ``own_low``, ``own``,
        ``own_high`` (of this very opening), ``rank_before``, ``rank_after``, ``gain_before``, ``gain_after``.
    ranking : GeoDataFrame or None
        The table anew, with ``rank_before`` and ``gain_before``; None when only a profile was given.
    profile : SpeciesProfile
        With the numbers that could be updated.
    changes : DataFrame
        Of openings measured before as well: what regression to the mean feigns, see :mod:`permeability.monitoring.regression`.
    weights : array
        Of the draws, summing to one; empty without a ranking.
    effective_draws : float
        How many draws of equal weight they are worth.
    notes : list of Said
        What a reader must know; as ``str`` English.
    pilots : tuple of Pilot
        What was seen.

    Examples
    --------
    >>> from permeability.species import species
    >>> done = update(species("khulan"), [{"number": "structures.gap_50_500m", "crossed": 0, "met": 10, "animals": 10}])
    >>> bool(done.numbers["after"].iloc[0] < done.numbers["before"].iloc[0])
    True
    """

    _face: ClassVar[str] = "pilot_update"

    numbers: pd.DataFrame
    sites: pd.DataFrame
    ranking: gpd.GeoDataFrame | None = field(repr=False)
    profile: SpeciesProfile = field(repr=False)
    changes: pd.DataFrame = field(repr=False)
    weights: Floats = field(repr=False)
    effective_draws: float = math.nan
    notes: list[Said] = field(default_factory=list)
    pilots: tuple[Pilot, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        lines = [
            f"{r.number}: {r.before:.2g} ({r.before_low:.2g}-{r.before_high:.2g}) -> {r.after:.2g} ({r.after_low:.2g}-{r.after_high:.2g}) {r.unit}".rstrip()
            for r in self.numbers.itertuples()
        ]
        return "\n".join([f"PilotUpdate of {self.profile.name()}", *lines, *map(str, self.notes)])

    def record(self) -> dict[str, Any]:
        """Everything of it as plain values, as a result folder keeps it and the report reads it.

        Returns
        -------
        dict
            ``numbers``, ``sites`` (with ``seen_said``, text and values), ``changes``, ``ranking``, ``notes`` (text and values), ``draws``,
            ``effective_draws``.
        """
        sites = self.sites.to_dict("records")
        for row in sites:
            mine = [r.said() for r in self.pilots if r.site == row["site"]]
            row["seen_said"] = plainly(Said("{seen}", {"seen": mine}))
        ranked: list[dict[str, Any]] = []
        if self.ranking is not None:
            table = self.ranking.assign(gain=self.ranking[ordered_by(self.ranking)])
            ranked = table[list(KEPT)].to_dict("records")
        return {
            "numbers": self.numbers.to_dict("records"), "sites": sites, "changes": self.changes.to_dict("records"), "ranking": ranked,
            "notes": [plainly(n) for n in self.notes], "draws": len(self.weights), "effective_draws": self.effective_draws,
        }  # fmt: skip


def update(
    of: SpeciesProfile | Ranking | HeldRanking,
    pilots: pd.DataFrame | Sequence[Pilot] | Sequence[Mapping[str, Any]],
    *,
    icc: float = 0.1,
    site_icc: float = 0.05,
    spread: float = 0.5,
    least_draws: int = LEAST,
) -> PilotUpdate:
    """What is known after pilots, and what the ranking is now.

    Parameters
    ----------
    of : SpeciesProfile, Ranking or HeldRanking
        A profile alone, or a ranking with draws (of ``pm.rank``; of a result folder: ``permeability update``).
    pilots : DataFrame, or a list
        One row per pilot, see :func:`permeability.monitoring.pilot_evidence.pilots_of`.
    icc, site_icc, spread : float
        Likeness of encounters of one animal, of openings of one kind, and spread of rates, for rows that do not say.
    least_draws : int
        Fewer effective draws than this are refused.

    Returns
    -------
    PilotUpdate

    Raises
    ------
    OptionError
        U20 faults in the rows, U25 a site that was not ranked, U26 a number that was not drawn (of a profile: that it does not have), U27 too few
        draws left, O01 an unknown number.

    Notes
    -----
    The gains are those of the ranking, so a pilot at one opening moves all openings that hang on the same number; how far, ``site_icc`` says. Gains of
    the pilot's own opening are not moved apart from those of its kind: its own chance is told beside them.

    References
    ----------
    Skellam 1948, doi:10.1111/j.2517-6161.1948.tb00014.x (beta-binomial); Greenwood & Yule 1920, doi:10.2307/2341080 (gamma-Poisson).

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> gap = pm.Estimate(0.1, 0.4, 0.9)
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000, chance=gap), draws=200)
    >>> seen = [{"site": "F km 2-4", "crossed": 0, "met": 10, "animals": 5}]
    >>> done = pm.monitoring.update(sites, seen)
    >>> bool(done.sites["gain_after"].iloc[0] < done.sites["gain_before"].iloc[0])
    True
    """
    rows = pilots_of(pilots, icc=icc, site_icc=site_icc, spread=spread)
    kept = of if isinstance(of, (SpeciesProfile, HeldRanking)) else held(of)
    profile = kept.profile if isinstance(kept, HeldRanking) else kept
    rows = [r for r in rows if r.species in ("", profile.id)]
    changes, notes = regression_to_mean(pilots, icc=icc)
    weights, effective, ranked, sites = np.empty(0), math.nan, None, pd.DataFrame()
    if isinstance(kept, HeldRanking):
        weights = pilot_weights(kept, rows)
        effective = worth_of_draws(weights)
        if effective < least_draws:
            raise OptionError(
                "U27", f"the pilots leave {effective:.0f} of {len(weights)} draws: too few to rank by.",
                details={"pilots": "; ".join(r.text() for r in rows)},
                remedy="update the profile alone and run the project anew with it, or rank with more draws",
            )  # fmt: skip
        if effective < FEW:
            notes.append(Said(ROUGH, {"left": round(effective), "all": len(weights)}))
        ranked = _after(kept, weights)
        sites = _sites(kept, rows, weights, ranked)
    numbers, profile = _numbers(kept, profile, rows, notes)
    if len(numbers):
        notes += [
            Said(
                OVERRULED if r.what == "encounters" else OVERRULED_KM,
                {"number": number_said(r.number), "seen": _short(r.seen), "worth": _short(r.worth)},
            )
            for r in numbers[numbers["seen"] > numbers["worth"]].itertuples()
        ]
        if isinstance(kept, HeldRanking):
            notes += [
                Said(
                    BEYOND,
                    {"number": number_said(r.number), "share": Said(PERCENT, {"n": round(100 * r.outside)})},
                )
                for r in numbers[numbers["outside"] > OUTSIDE].itertuples()
            ]
    notes += [Said(PICKED, {"pilot": r.said(), "many": r.best_of}) for r in rows if r.best_of > 1]
    if ranked is not None:
        notes = [_moved(ranked), *notes]
    told = list({str(n): n for n in notes}.values())
    return PilotUpdate(numbers, sites, ranked, profile, changes, weights, effective, told, tuple(rows))


def pilot_weights(kept: HeldRanking, rows: Sequence[Pilot]) -> Floats:
    """How much every draw of a ranking counts after pilots, summing to one.

    Parameters
    ----------
    kept : HeldRanking
    rows : sequence of Pilot

    Returns
    -------
    array, shape (draws,)

    Raises
    ------
    OptionError
        U27 when no draw can give what they saw; those of :func:`seen_by`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20))
    >>> pilot_weights(kept, []).round(3).tolist() == [0.05] * 20
    True
    """
    log = np.zeros(len(kept.draws.gains))
    for row in rows:
        log = log + log_likelihood(row, seen_by(kept, row))
    best = log.max()
    if not np.isfinite(best):
        raise OptionError(
            "U27", "no draw of the ranking can give what the pilots saw.", details={"pilots": "; ".join(r.text() for r in rows)},
            remedy="give the number a wider range in the profile, and run the project anew",
        )  # fmt: skip
    weights = np.exp(log - best)
    return np.asarray(weights / weights.sum())


def seen_by(kept: HeldRanking, row: Pilot) -> Floats:
    """The chance (or rate per km) that a pilot is about, in every draw of a ranking.

    Parameters
    ----------
    kept : HeldRanking
    row : Pilot

    Returns
    -------
    array, shape (draws,)

    Raises
    ------
    OptionError
        U25 for a site that was not ranked, U26 for a number that was not drawn.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20))
    >>> seen_by(kept, Pilot(site="F km 0-2", crossed=1, met=1))[:2].tolist()
    [1.0, 1.0]
    """
    if row.site:
        check_choice("site", row.site, kept.ids, code="U25")
        return kept.use[:, kept.ids.index(row.site)]
    values = kept.values(row.number)
    if values is None:
        drawn = [
            u.key for u in kept.draws.unknowns if u.key.startswith((*NUMBERS, "crossing_cost.", "treatment."))
        ]
        raise OptionError(
            "U26", f"{row.number!r} was not drawn by this ranking.", details={"drawn": ", ".join(drawn)},
            remedy="name one of these, or a ranked site",
        )  # fmt: skip
    if not row.is_rate:
        return np.clip(values, 0.0, 1.0)
    if row.number.startswith("crossing_cost."):
        return 1000.0 / values
    trace = _trace(kept, row.number)
    with np.errstate(divide="ignore"):
        return np.asarray(values / (np.maximum(1 - values, 1e-9) * trace / 1000.0))


def _trace(kept: HeldRanking, number: str) -> Floats:
    """Trace length of a class in every draw [m]."""
    best, key = kept.profile.trace_of(number.split(".", 1)[1])
    drawn = kept.values(key)
    return np.full(len(kept.draws.gains), best.best) if drawn is None else drawn


def _after(kept: HeldRanking, weights: Floats) -> gpd.GeoDataFrame:
    table = kept.reweighted(weights)
    before = kept.table.set_index("id")
    column = ordered_by(kept.table, kept.sort_by)
    table.insert(1, "rank_before", table["id"].map(before["rank"]).astype(int))
    table["gain_before"] = table["id"].map(before[column])
    for end in ("low", "high"):
        table[f"rank_{end}_before"] = table["id"].map(before[f"rank_{end}"]).astype(int)
    return table


def _short(value: float) -> float:
    """With three digits that count."""
    return float(f"{value:.3g}")


def _moved(ranked: gpd.GeoDataFrame) -> Said:
    column = ordered_by(ranked)
    moved = int((ranked["rank"] != ranked["rank_before"]).sum())
    first, was = ranked.iloc[0], ranked.sort_values("rank_before").iloc[0]
    before, after = float(first["gain_before"]), float(first[column])
    change: Any = Said(PERCENT, {"n": f"{100 * (after / before - 1):+.0f}"}) if before > 0 else "?"
    values = {
        "first": str(first["id"]),
        "was": str(was["id"]),
        "change": change,
        "moved": moved,
        "all": len(ranked),
    }
    return Said(SAME_LEADER if first["id"] == was["id"] else NEW_LEADER, values)


def _sites(
    kept: HeldRanking, rows: Sequence[Pilot], weights: Floats, ranked: gpd.GeoDataFrame
) -> pd.DataFrame:
    """What was seen at ranked candidates, and what is believed of them now."""
    by_id, column = ranked.set_index("id"), ordered_by(ranked, kept.sort_by)
    found = []
    for name in dict.fromkeys(r.site for r in rows if r.site):
        mine = [r for r in rows if r.site == name]
        use, row = kept.use[:, kept.ids.index(name)], by_id.loc[name]
        own = _own(use, weights, mine)
        found.append({
            "site": name, "seen": "; ".join(r.text() for r in mine), "use_before": float(use.mean()), "use_after": float(weights @ use),
            "own_low": own[0], "own": own[1], "own_high": own[2], "rank_before": int(row["rank_before"]), "rank_after": int(row["rank"]),
            "gain_before": float(row["gain_before"]), "gain_after": float(row[column]),
        })  # fmt: skip
    return pd.DataFrame(found)


def _own(use: Floats, weights: Floats, rows: Sequence[Pilot]) -> tuple[float, float, float]:
    """Chance at the very opening: 5 %, mean, 95 %, from the draws of its kind and how much openings of a kind differ."""
    icc = rows[0].site_icc
    if icc <= 0:
        low, high = middle(use, weights=weights)
        return low, float(weights @ use), high
    q, share = site_nodes(use, icc, 24)
    log = np.zeros_like(q)
    for r in rows:
        alone = Pilot(r.site, r.number, r.crossed, r.met, 0.0, r.animals, r.icc, 0.0, r.spread)
        log = log + log_likelihood(alone, q.ravel()).reshape(q.shape)
    own = share * np.exp(log - log.max())
    own = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-300) * weights[:, None]
    low, high = middle(q.ravel(), weights=own.ravel())
    return low, float((own * q).sum() / own.sum()), high


def _numbers(
    kept: SpeciesProfile | HeldRanking, profile: SpeciesProfile, rows: Sequence[Pilot], notes: list[Said]
) -> tuple[pd.DataFrame, SpeciesProfile]:
    """Numbers of the profile that the pilots are about, before and after, and the profile with them."""
    about: dict[str, list[Pilot]] = {}
    for r in rows:
        keys = [r.number]
        if r.site:
            if not isinstance(kept, HeldRanking):
                raise OptionError(
                    "U26",
                    f"{r.site!r}: a profile has no sites.",
                    remedy="name a number of the profile, or give a ranking",
                )
            keys = list(kept.numbers[kept.ids.index(r.site)])
        if len(keys) == 1:
            about.setdefault(keys[0], []).append(r)
        else:
            values_told = {
                "pilot": r.said(),
                "many": len(keys),
                "numbers": [number_said(k) for k in keys] or "-",
            }
            notes.append(Said(NO_ONE_NUMBER, values_told))
    known, told, values = profile.estimates(), [], {}
    for key, mine in about.items():
        name = key.replace("crossing_cost.", "crossing_cost_km.")
        fits = name in known
        if name.startswith("crossing_cost_km."):
            check_choice("barrier class", name.split(".", 1)[1], tuple(profile.crossing), code="U26")
            e, fits = cost_before(profile, name.split(".", 1)[1]), True
        elif fits:
            e = _drawn(kept, key) or known[name]
        else:
            if not isinstance(kept, HeldRanking):
                check_choice("number", name, tuple(known))
            drawn = _drawn(kept, key)
            if drawn is None:
                continue
            e = drawn
        for rate, group in (
            (False, [r for r in mine if not r.is_rate]),
            (True, [r for r in mine if r.is_rate]),
        ):
            if not group:
                continue
            row, after = _believed(name, e, group, profile, rate)
            told.append(row)
            whole = (
                name
                if not rate or name.startswith("crossing_cost_km.")
                else f"crossing_cost_km.{name.split('.', 1)[1]}"
            )
            if fits:
                low, best, high = after
                source = f"pilots ({'; '.join(r.text() for r in group)}); worth {row['worth']:.3g} {row['what']} of the profile before"
                values[whole] = {
                    "low": low,
                    "best": best,
                    "high": high,
                    "evidence": "measured",
                    "source": source,
                }
    return pd.DataFrame(told), profile.override(values) if values else profile


def _drawn(kept: SpeciesProfile | HeldRanking, key: str) -> Estimate | None:
    if isinstance(kept, HeldRanking):
        return next((u.estimate for u in kept.draws.unknowns if u.key == key), None)
    return None


def _believed(
    name: str, e: Estimate, rows: Sequence[Pilot], profile: SpeciesProfile, rate: bool
) -> tuple[dict[str, Any], tuple[float, float, float]]:
    if rate:
        cost = e if name.startswith("crossing_cost_km.") else cost_before(profile, name.split(".", 1)[1])
        belief: ChanceBelief | RateBelief = RateBelief.of_cost(cost)
    else:
        belief = ChanceBelief.of(e)

    def seen(value: Floats, rest: Floats) -> Floats:
        return np.asarray(sum(log_likelihood(r, value, rest) for r in rows))

    before, after = posterior(belief, lambda v, q: np.zeros_like(v)), posterior(belief, seen)
    if rate:
        ends = [(1 / p.high, 1 / p.median, 1 / p.low, _mean_cost(p)) for p in (before, after)]
        outside = 1 - (after.below(1 / cost.low) - after.below(1 / cost.high))
        worth_seen, what, unit = sum(_independent(r) for r in rows), "km worked", "km per crossing"
    else:
        ends = [(p.low, p.median, p.high, p.mean) for p in (before, after)]
        outside = 1 - (after.below(e.high) - after.below(e.low))
        worth_seen, what, unit = sum(_independent(r) for r in rows), "encounters", ""
    (b_low, b, b_high, _), (a_low, a, a_high, a_mean) = ends
    row = {
        "number": name, "unit": unit, "before_low": b_low, "before": b, "before_high": b_high, "worth": belief.worth, "seen": worth_seen,
        "what": what, "after_low": a_low, "after": a, "after_high": a_high, "after_mean": a_mean, "outside": outside,
    }  # fmt: skip
    return row, (a_low, a, a_high)


def _mean_cost(p: Posterior) -> float:
    return float((p.density / p.values).sum() / p.density.sum())


def _independent(r: Pilot) -> float:
    """Independent encounters (kilometres) that a pilot is worth for its kind of opening: the number over its design effect."""
    if r.is_rate:
        return r.km
    each = r.met / r.animals
    animals = 1 + (each - 1) * r.icc
    own = r.met / animals
    return own / (1 + (own - 1) * r.site_icc)


def worth_of_draws(weights: Floats) -> float:
    """How many draws of equal weight weighted draws are worth.

    Parameters
    ----------
    weights : array

    Returns
    -------
    float

    References
    ----------
    Kong et al. 1994, doi:10.1080/01621459.1994.10476469.

    Examples
    --------
    >>> worth_of_draws(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    w = np.asarray(weights, float)
    return float(w.sum() ** 2 / (w**2).sum())
