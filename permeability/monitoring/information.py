"""What it is worth to know more before choosing: from the draws that a ranking already has.

Whoever chooses now takes the candidates of the largest expected gain.  Whoever knew the unknown numbers would choose in every draw anew; the
difference of the two is the value of perfect information (EVPI), the most that any study can be worth.  A planned pilot has so many possible
results; each weighs the draws anew and so may change the choice (EVSI).  Nothing is solved and nothing is simulated: all results are counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.monitoring.pilot_evidence import Pilot, log_likelihood, mixed_over_sites, pilots_of
from permeability.monitoring.pilot_update import pilot_weights, seen_by
from permeability.ranking.held_draws import HeldRanking, held
from permeability.ranking.ranking import Ranking

__all__ = ["InformationValue", "value_of_information"]

Floats = NDArray[np.float64]
MOST_CROSSINGS = 400


@dataclass(frozen=True, eq=False)
class InformationValue(Face):
    """What knowing more is worth.

    Attributes
    ----------
    now : float
        Expected gain of the choice that is made now [unit of the index].
    evpi : float
        Value of perfect information [unit of the index].
    choice : tuple of str
        What is chosen now.
    pilots : DataFrame
        One row per planned pilot: ``pilot``, ``evsi`` [unit of the index], ``share_of_evpi``, ``km`` (of barrier opened, at what the choice gains
        per km), ``usd`` (at what it gains per USD), ``changes`` (chance that its result changes the choice).
    evpi_km, evpi_usd : float
        The same of the perfect information; NaN where nothing is gained or known of cost.
    index : str
    sites : int
        How many candidates are chosen together; their gains are added up.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=50)
    >>> value_of_information(kept).evpi >= 0
    True
    """

    _face: ClassVar[str] = "information"

    now: float
    evpi: float
    choice: tuple[str, ...]
    pilots: pd.DataFrame = field(repr=False)
    evpi_km: float
    evpi_usd: float
    index: str
    sites: int

    def __repr__(self) -> str:
        lines = [
            f"InformationValue: {', '.join(self.choice)} now, expected gain {self.now:.4g}; knowing all would add {self.evpi:.3g} "
            f"({self.evpi_km:.3g} km of barrier opened, {self.evpi_usd:,.0f} USD)"
        ]
        lines += [
            f"{r.pilot}: adds {r.evsi:.3g} ({r.km:.3g} km, {r.usd:,.0f} USD); changes the choice in {100 * r.changes:.0f} %"
            for r in self.pilots.itertuples()
        ]
        return "\n".join(lines)


def value_of_information(
    of: Ranking | HeldRanking,
    planned: pd.DataFrame | Sequence[Pilot] | Sequence[Mapping[str, Any]] = (),
    *,
    sites: int = 1,
    after: Sequence[Pilot] | Sequence[Mapping[str, Any]] | pd.DataFrame = (),
    icc: float = 0.1,
    site_icc: float = 0.05,
    spread: float = 0.5,
) -> InformationValue:
    """What knowing the unknown numbers, and what planned pilots, are worth to the choice of sites.

    Parameters
    ----------
    of : Ranking or HeldRanking
        With draws.
    planned : DataFrame or list
        Pilots as in :func:`permeability.monitoring.pilot_evidence.pilots_of`, without ``crossed``: ``site`` or ``number``, ``met`` (or ``km``).
    sites : int
        How many candidates will be opened: the best so many by expected gain, gains added up.
    after : list or DataFrame
        Pilots whose results are known already.
    icc, site_icc, spread : float
        As for :func:`permeability.monitoring.pilot_update.update`.

    Returns
    -------
    InformationValue

    Raises
    ------
    OptionError
        U28 when fewer than one or as many sites as there are candidates are chosen; those of ``update``.

    Notes
    -----
    ``EVPI = E[max gain] - max E[gain]``; ``EVSI = sum over results x of P(x) max E[gain | x] - max E[gain]``, with ``P(x)`` and the expectations
    from the same draws, weighed by the chance of ``x`` in each.  Gains of several sites are added as if each stood alone.

    References
    ----------
    Raiffa & Schlaifer 1961, Applied Statistical Decision Theory; Canessa et al. 2015, doi:10.1111/2041-210X.12423; Williams & Johnson 2018,
    doi:10.1371/journal.pone.0199326.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=50)
    >>> worth = value_of_information(sites, [{"site": "F km 2-4", "met": 10}])
    >>> bool(worth.pilots["evsi"].iloc[0] <= worth.evpi + 1e-12)
    True
    """
    kept = held(of) if isinstance(of, Ranking) else of
    gains = kept.gains()
    count = gains.shape[1]
    if not 1 <= sites < max(count, 2):
        raise OptionError(
            "U28", f"{sites} of {count} candidates cannot be chosen with a choice.", remedy="give sites from 1 to one less than there are"
        )  # fmt: skip
    known = pilots_of(after, icc=icc, site_icc=site_icc, spread=spread) if len(after) else []
    w = pilot_weights(kept, [r for r in known if r.species in ("", kept.profile.id)])
    expected = w @ gains
    chosen = np.argsort(-expected, kind="stable")[:sites]
    now = float(expected[chosen].sum())
    evpi = float(w @ _best(gains, sites)) - now
    table = kept.table.set_index("id").loc[[kept.ids[k] for k in chosen]]
    per_km = now / float(table["length_km"].sum()) if float(table["length_km"].sum()) > 0 else math.nan
    per_usd = now / float(table["cost_usd"].sum()) if float(table["cost_usd"].sum()) > 0 else math.nan
    rows = []
    for pilot in _planned(planned, icc, site_icc, spread):
        chances = _results(kept, pilot)
        joint = chances.T * w  # (results, draws)
        likely = joint.sum(axis=1)
        there = likely > 0
        after_x = joint[there] @ gains  # P(x) E[gain | x]
        evsi = max(float(_best(after_x, sites).sum()) - now, 0.0)
        same = np.sort(np.argsort(-after_x, axis=1, kind="stable")[:, :sites], axis=1)
        changed = (same != np.sort(chosen)).any(axis=1)
        rows.append({
            "pilot": _text(pilot), "evsi": evsi, "share_of_evpi": evsi / evpi if evpi > 0 else 0.0, "km": _per(evsi, per_km),
            "usd": _per(evsi, per_usd), "changes": float(likely[there][changed].sum()),
        })  # fmt: skip
    columns = ["pilot", "evsi", "share_of_evpi", "km", "usd", "changes"]
    return InformationValue(
        now, max(evpi, 0.0), tuple(kept.ids[k] for k in chosen), pd.DataFrame(rows, columns=columns), _per(max(evpi, 0.0), per_km),
        _per(max(evpi, 0.0), per_usd), kept.sort_by, sites,
    )  # fmt: skip


def _per(value: float, rate: float) -> float:
    return value / rate if rate > 0 else math.nan


def _best(gains: Floats, sites: int) -> Floats:
    """Gain of the best so many candidates, row by row."""
    if sites == 1:
        return np.asarray(gains.max(axis=1))
    return np.asarray(-np.partition(-gains, sites - 1, axis=1)[:, :sites].sum(axis=1))


def _planned(
    planned: pd.DataFrame | Sequence[Pilot] | Sequence[Mapping[str, Any]],
    icc: float,
    site_icc: float,
    spread: float,
) -> list[Pilot]:
    if not len(planned):
        return []
    rows = planned.to_dict("records") if isinstance(planned, pd.DataFrame) else list(planned)
    filled = [r if isinstance(r, Pilot) else {**r, "crossed": 0} for r in rows]
    return pilots_of(filled, icc=icc, site_icc=site_icc, spread=spread, source="planned pilots")


def _results(kept: HeldRanking, pilot: Pilot) -> Floats:
    """Chance of every result in every draw, shape (draws, results)."""
    value = seen_by(kept, pilot)
    if not pilot.is_rate:
        return mixed_over_sites(value, pilot)
    most = int(min(MOST_CROSSINGS, 10 + 10 * float(np.quantile(value, 0.99)) * pilot.km * (1 + pilot.spread)))
    each = [
        Pilot("", pilot.number, y, 0, pilot.km, pilot.animals, pilot.icc, pilot.site_icc, pilot.spread)
        for y in range(most)
    ]
    counts = np.exp(np.stack([log_likelihood(p, value) for p in each], axis=1))
    return np.column_stack([counts, np.maximum(1 - counts.sum(axis=1), 0.0)])  # and more than that


def _text(pilot: Pilot) -> str:
    size = (
        f"{pilot.km:g} km"
        if pilot.is_rate
        else f"{pilot.met} encounters of {pilot.animals} animal{'s' if pilot.animals > 1 else ''}"
    )
    return f"{size} at {pilot.site or pilot.number}"
