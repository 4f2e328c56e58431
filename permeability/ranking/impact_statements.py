"""What may be said of the barriers in one breath, and the whole headline of a species: the impact, then what to open first.

The impact is told against the landscape without barriers.  Where there are draws, both are drawn: the barriers by their
unknown numbers, reach on the bare land by the drawn movement budget, conductance by the drawn weights of the patches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.core.units import unit_of
from permeability.impact.line_by_line import Impact
from permeability.landscape.landscape import Landscape
from permeability.linkage.index_table import MAIN
from permeability.linkage.landscape_indices import Indices, distance_from
from permeability.ranking.drawn_reach import BUDGET, drawn_limit
from permeability.ranking.rank_draws import conductance_gain, drawn_weights
from permeability.ranking.rank_statistics import middle
from permeability.ranking.ranking import Ranking
from permeability.ranking.statements import statements, today_in_draws

__all__ = ["headline", "impact_statements", "lost_in_draws"]

Array = NDArray[np.float64]
REACH = "reachable_km2"
WHOLE = ("range_cut_off_km2", "pairs_apart")  # zero of these is worth a sentence


def headline(impact: Impact, ranking: Ranking | None = None, top: int = 10) -> list[dict[str, Any]]:
    """All statements about one species, as ``summary.json`` has them.

    Parameters
    ----------
    impact : Impact
    ranking : Ranking, optional
    top : int
        Size of the top that ``share_in_top`` is about.

    Returns
    -------
    list of dict
        Those of :func:`impact_statements`, then those of :func:`permeability.ranking.statements.statements`.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = headline(pm.barrier_impact(land, patches))
    >>> [s["statement"] for s in found]
    ['apart', 'apart', 'lost', 'lost', 'takes_most']
    """
    rest = [] if ranking is None else statements(ranking, top)
    return [
        *impact_statements(impact, ranking),
        *[s for s in rest if s["statement"] != "apart"],  # in the first already
    ]


def impact_statements(impact: Impact, ranking: Ranking | None = None) -> list[dict[str, Any]]:
    """What the barriers do: what has no path, what is lost of reach and conductance, and which line takes most.

    Parameters
    ----------
    impact : Impact
    ranking : Ranking, optional
        Its draws give ranges and shares.

    Returns
    -------
    list of dict
        ``statement`` is ``apart`` (something has no path at best values), ``whole`` (nothing is cut off at best values),
        ``lost`` (of reach or conductance), or ``takes_most``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lost = impact_statements(pm.barrier_impact(land, patches))[2]
    >>> lost["index"], round(lost["lost"]["value"], 2)
    ('reachable_km2', 0.5)
    """
    today, bare = impact.today.values, impact.bare.values
    drawn = {} if ranking is None else today_in_draws(ranking)
    said: list[dict[str, Any]] = []
    for index in WHOLE:
        told = drawn.get(index, {})
        if today[index] > 0:
            said.append({"statement": "apart", "index": index, "value": _told(index, today[index]), **told})
            continue
        more: dict[str, Any] = {}
        if ranking is not None and ranking.draws is not None:
            more = {"share_any": float((ranking.draws.today[index] > 0).mean()), "high": told["high"]}
        said.append({"statement": "whole", "index": index, **more})
    shares = {} if ranking is None else lost_in_draws(ranking, impact.bare)
    said += [_lost(i, today[i], bare[i], drawn.get(i, {}), shares) for i in (REACH, MAIN) if bare[i] > 0]
    lines = impact.lines
    if len(lines) > 1 and (lines[f"alone_{MAIN}"] < 0).any():
        worst = lines.sort_values(f"alone_{MAIN}", kind="stable").iloc[0]
        said.append({"statement": "takes_most", "line": str(worst["line"])})
    return said


def _lost(
    index: str, today: float, bare: float, drawn: dict[str, Any], shares: dict[str, Array]
) -> dict[str, Any]:
    out: dict[str, Any] = {"statement": "lost", "index": index, "value": _told(index, today), "bare": _told(index, bare)}  # fmt: skip
    out["lost"] = {"value": 1 - today / bare, "unit": "1"}
    if index in shares:
        low, high = middle(shares[index])
        out |= {"low": drawn["low"], "high": drawn["high"]}
        out |= {"lost_low": {"value": low, "unit": "1"}, "lost_high": {"value": high, "unit": "1"}}
    return out


def _told(index: str, value: float) -> dict[str, Any]:
    return {"value": float(value), "unit": unit_of(index)}


def lost_in_draws(ranking: Ranking, bare: Indices) -> dict[str, Array]:
    """Share of reach and of conductance that the barriers take, in every draw.

    Parameters
    ----------
    ranking : Ranking
    bare : Indices
        Of the landscape without barriers, at best values.

    Returns
    -------
    dict
        Index -> shares, shape (draws,); empty without draws, and where the ground itself was drawn, since the bare
        landscape of a draw is not known then.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)
    >>> shares = lost_in_draws(found, pm.barrier_impact(land, patches).bare)
    >>> bool((shares["mean_conductance"] > 0).all()), shares["reachable_km2"].shape
    (True, (20,))
    """
    drawn = ranking.draws
    if drawn is None or any(u.kind == "habitat" for u in drawn.unknowns):
        return {}
    patches, quantiles = ranking.engine.patches, drawn.quantiles
    weight = drawn_weights(patches, quantiles)
    of_drawn = [(patches.whole or patches).ids.index(i) for i in patches.drawn]
    weight = weight[:, of_drawn] * patches.share
    none = np.empty((0, *bare.resistance.shape))
    pairs = patches.pairs()
    conductance = np.array(
        [conductance_gain(bare.resistance, none, w, pairs, with_today=True)[0] for w in weight]
    )
    masks = [patches.mask(i + 1) for i in range(len(patches))]
    reach = _reach(ranking.land.without_barriers(), masks, weight, quantiles.get(BUDGET))
    found = {MAIN: conductance, REACH: reach}
    return {i: 1 - drawn.today[i].to_numpy(float) / b for i, b in found.items() if (b > 0).all()}


def _reach(bare: Landscape, masks: list[NDArray[np.bool_]], weight: Array, budget: Any) -> Array:
    """Reachable range without barriers in every draw [km2], shape (draws,)."""
    limit = 1000 * drawn_limit(bare.profile.estimates()[BUDGET], budget, len(weight))
    share = weight / weight.sum(axis=1, keepdims=True)
    out = np.zeros(len(weight))
    for p, mask in enumerate(masks):
        known = np.sort(distance_from(bare, mask), axis=None)
        known = known[np.isfinite(known)]
        out += share[:, p] * np.searchsorted(known, limit, side="right") * bare.grid.cell_area_km2
    return out
